//! An intake that answers by script, over bare TCP so that it can also hang, break off and talk too much.
//!
//! Bodies are comma-separated words: enough to be halved, and to see what arrived in which order.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, Semaphore, watch};

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Reply {
    /// With this status and nothing else.
    Status(u16),
    /// With this status and one more header.
    Header(u16, &'static str, String),
    /// With this status and a body of this many bytes.
    Body(u16, usize),
    /// With the head of a 202 whose body is announced and never sent in full.
    BrokenOff,
    /// Not at all, until the client gives up.
    Hang,
    /// By closing the connection.
    Close,
    /// By what the function makes of the request.
    Judge(fn(&Received) -> u16),
    /// With 202 once all members of the barrier have a request.
    Together(Arc<Barrier>),
    /// With 202 once the gate opens.
    Gate(Arc<Semaphore>),
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// The intake; ends with the test.
#[derive(Clone)]
pub(crate) struct Intake {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<VecDeque<Reply>>,
    otherwise: Mutex<Reply>,
    received: watch::Sender<Vec<Received>>,
    connections: watch::Sender<usize>,
    hangups: watch::Sender<usize>,
}

impl Intake {
    /// Answers 202 to everything.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            otherwise: Mutex::new(Reply::Status(202)),
            received: watch::Sender::default(),
            connections: watch::Sender::default(),
            hangups: watch::Sender::default(),
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.send_modify(|count| *count += 1);
                tokio::spawn(Arc::clone(&accepting).serve(stream));
            }
        });
        Self { addr, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api/v2/logs", self.addr)
    }

    /// Answers the next requests with these.
    pub(crate) fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.script.lock().unwrap().extend(replies);
    }

    /// Answers all further requests with this.
    pub(crate) fn reply_always(&self, reply: Reply) {
        *self.shared.otherwise.lock().unwrap() = reply;
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// The requests, once there are `count`.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        let mut received = self.shared.received.subscribe();
        let enough = received.wait_for(|it| it.len() >= count).await.unwrap();
        enough.clone()
    }

    /// Waits until the client has given up on `count` requests that hang.
    pub(crate) async fn wait_for_hangups(&self, count: usize) {
        let mut hangups = self.shared.hangups.subscribe();
        hangups.wait_for(|&it| it >= count).await.unwrap();
    }

    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// The words of every request's body, decoded.
    pub(crate) fn words(&self) -> Vec<Vec<String>> {
        self.requests().iter().map(Received::words).collect()
    }
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body with its encoding undone, by the libraries themselves.
    pub(crate) fn decoded(&self) -> Vec<u8> {
        match self.header("content-encoding") {
            None => self.body.clone(),
            Some("zstd") => zstd::bulk::decompress(&self.body, 1 << 24).unwrap(),
            Some("gzip") => {
                let mut decoded = Vec::new();
                let mut reader = flate2::read::GzDecoder::new(self.body.as_slice());
                reader.read_to_end(&mut decoded).unwrap();
                decoded
            }
            Some(other) => panic!("encoding {other}"),
        }
    }

    pub(crate) fn words(&self) -> Vec<String> {
        let text = String::from_utf8(self.decoded()).unwrap();
        text.split(',').map(str::to_owned).collect()
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream).await {
            self.received.send_modify(|it| it.push(request.clone()));
            let scripted = self.script.lock().unwrap().pop_front();
            let reply = scripted.unwrap_or_else(|| self.otherwise.lock().unwrap().clone());
            if !self.answer(&mut stream, reply, &request).await {
                return;
            }
        }
    }

    /// Returns whether the connection stays open.
    async fn answer(
        &self,
        stream: &mut BufReader<TcpStream>,
        reply: Reply,
        request: &Received,
    ) -> bool {
        let (status, header, body) = match reply {
            Reply::Status(status) => (status, String::new(), 2),
            Reply::Header(status, name, value) => (status, format!("{name}: {value}\r\n"), 2),
            Reply::Body(status, bytes) => (status, String::new(), bytes),
            Reply::Judge(judge) => (judge(request), String::new(), 2),
            Reply::Close => return false,
            Reply::BrokenOff => {
                let head = "HTTP/1.1 202 x\r\ncontent-length: 100\r\n\r\nhalf";
                stream.write_all(head.as_bytes()).await.unwrap();
                return false;
            }
            Reply::Hang => {
                let mut rest = [0; 1];
                let end = stream.read(&mut rest).await;
                assert!(matches!(end, Ok(0) | Err(_)), "nothing follows a request");
                self.hangups.send_modify(|count| *count += 1);
                return false;
            }
            Reply::Together(barrier) => {
                barrier.wait().await;
                (202, String::new(), 2)
            }
            Reply::Gate(gate) => {
                gate.acquire().await.unwrap().forget();
                (202, String::new(), 2)
            }
        };
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {body}\r\n{header}\r\n");
        let mut answer = head.into_bytes();
        answer.resize(answer.len() + body, b'x');
        stream.write_all(&answer).await.is_ok()
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let headers: BTreeMap<_, _> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers["content-length"].parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        head: head.lines().next().unwrap().to_owned(),
        headers,
        body,
    })
}
