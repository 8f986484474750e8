//! An intake that answers by script, over bare TCP so that it can also hang, wait before it reads, and break off.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Reply {
    /// With this status and an empty body.
    Status(u16),
    /// With this head, without the line of the status, and this body.
    Whole(u16, &'static str, Vec<u8>),
    /// With this status before any of the body is read.
    Early(u16),
    /// With 202; the body is read when the gate opens.
    Gate(Arc<Semaphore>),
    /// With 202; the answer is sent when the gate opens.
    Late(Arc<Semaphore>),
    /// With the head of a 202 whose body is announced and never sent in full.
    BrokenOff,
    /// Not at all, until the client gives up.
    Hang,
    /// With 202 if this is the body, else not at all.
    Only(&'static str),
}

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Method and path.
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
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
    /// Heads that were read.
    heads: watch::Sender<usize>,
    /// Requests that were read as a whole.
    received: watch::Sender<Vec<Received>>,
}

impl Intake {
    /// Answers 202 to everything.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            otherwise: Mutex::new(Reply::Status(202)),
            heads: watch::Sender::default(),
            received: watch::Sender::default(),
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&accepting).serve(stream));
            }
        });
        Self { addr, shared }
    }

    /// Host and port.
    pub(crate) fn site(&self) -> String {
        self.addr.to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Answers the next requests with these.
    pub(crate) fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.script.lock().unwrap().extend(replies);
    }

    /// Answers all further requests with this.
    pub(crate) fn reply_always(&self, reply: Reply) {
        *self.shared.otherwise.lock().unwrap() = reply;
    }

    pub(crate) fn heads(&self) -> usize {
        *self.shared.heads.borrow()
    }

    pub(crate) async fn wait_for_heads(&self, count: usize) {
        let mut heads = self.shared.heads.subscribe();
        heads.wait_for(|&it| it >= count).await.unwrap();
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// The bodies of all requests, as text.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let text = |it: Received| String::from_utf8(it.body).unwrap();
        self.requests().into_iter().map(text).collect()
    }

    /// Waits until this holds for the requests.
    pub(crate) async fn wait_until(&self, holds: impl Fn(&[Received]) -> bool) {
        let mut received = self.shared.received.subscribe();
        received.wait_for(|it| holds(it)).await.unwrap();
    }

    /// The requests, once there are `count`.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        let mut received = self.shared.received.subscribe();
        let enough = received.wait_for(|it| it.len() >= count).await.unwrap();
        enough.clone()
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((line, headers)) = read_head(&mut stream).await {
            let scripted = self.script.lock().unwrap().pop_front();
            let reply = scripted.unwrap_or_else(|| self.otherwise.lock().unwrap().clone());
            self.heads.send_modify(|count| *count += 1);
            if let Reply::Early(status) = reply {
                write(&mut stream, status, "", b"").await;
                // The other end decides when it has had enough.
                let mut rest = Vec::new();
                drop(stream.read_to_end(&mut rest).await);
                return;
            }
            if let Reply::Gate(gate) = &reply {
                gate.acquire().await.unwrap().forget();
            }
            let Some(body) = read_body(&mut stream, &headers).await else {
                return;
            };
            let reply = match reply {
                Reply::Only(wanted) if body == wanted.as_bytes() => Reply::Status(202),
                Reply::Only(_) => Reply::Hang,
                reply => reply,
            };
            let received = Received {
                line,
                headers,
                body,
            };
            self.received.send_modify(|it| it.push(received));
            if !answer(&mut stream, reply).await {
                return;
            }
        }
    }
}

/// Returns whether the connection stays open.
async fn answer(stream: &mut BufReader<TcpStream>, reply: Reply) -> bool {
    match reply {
        Reply::Status(status) | Reply::Early(status) => write(stream, status, "", b"").await,
        Reply::Gate(_) => write(stream, 202, "", b"").await,
        Reply::Whole(status, headers, body) => write(stream, status, headers, &body).await,
        Reply::Late(gate) => {
            gate.acquire().await.unwrap().forget();
            write(stream, 202, "", b"").await
        }
        Reply::BrokenOff => {
            let head = "HTTP/1.1 202 x\r\ncontent-length: 100\r\n\r\nhalf";
            stream.write_all(head.as_bytes()).await.unwrap();
            false
        }
        Reply::Hang | Reply::Only(_) => {
            let mut rest = Vec::new();
            drop(stream.read_to_end(&mut rest).await);
            false
        }
    }
}

async fn write(stream: &mut BufReader<TcpStream>, status: u16, headers: &str, body: &[u8]) -> bool {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{headers}\r\n");
    let answer = [head.as_bytes(), body].concat();
    stream.write_all(&answer).await.is_ok()
}

async fn read_head(
    stream: &mut BufReader<TcpStream>,
) -> Option<(String, BTreeMap<String, String>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().strip_suffix(" HTTP/1.1").unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Some((line.to_owned(), headers.collect()))
}

/// `None` if it breaks off.
async fn read_body(
    stream: &mut BufReader<TcpStream>,
    headers: &BTreeMap<String, String>,
) -> Option<Vec<u8>> {
    let is_chunked = headers.get("transfer-encoding").is_some();
    let mut body = Vec::new();
    if !is_chunked {
        let length = headers.get("content-length");
        body.resize(length.map_or(0, |it| it.parse().unwrap()), 0);
        stream.read_exact(&mut body).await.ok()?;
        return Some(body);
    }
    loop {
        let mut size = String::new();
        while !size.ends_with("\r\n") {
            size.push(char::from(stream.read_u8().await.ok()?));
        }
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let from = body.len();
        body.resize(from + size, 0);
        stream.read_exact(&mut body[from..]).await.ok()?;
        stream.read_u16().await.ok()?;
        if size == 0 {
            return Some(body);
        }
    }
}
