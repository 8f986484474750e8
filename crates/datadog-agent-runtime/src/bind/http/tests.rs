//! Clients that write raw bytes, so that nothing stands between the test and the wire.
//!
//! Tests of time use Unix sockets, whose bytes arrive before the write returns, so that the paused clock never
//! outruns them.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::bind::{Target, bind};
use crate::drain::{self, DrainSignal};

/// A server on a Unix socket of its own.
struct Server {
    path: PathBuf,
    signal: DrainSignal,
    task: JoinHandle<ServeStats>,
    _directory: tempfile::TempDir,
}

impl Server {
    async fn start<H, F>(limits: Limits, handler: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let directory = tempfile::Builder::new().prefix("dd").tempdir().unwrap();
        let path = directory.path().join("s");
        let target = Target::Unix {
            path: path.clone(),
            mode: 0o600,
        };
        let listener = bind(&target).await.unwrap();
        let (signal, drain) = drain::channel();
        Self {
            path,
            signal,
            task: tokio::spawn(serve(listener, limits, drain, handler)),
            _directory: directory,
        }
    }

    async fn connect(&self) -> Client<UnixStream> {
        Client(UnixStream::connect(&self.path).await.unwrap())
    }

    async fn stop_within(self, time: Duration) -> ServeStats {
        self.signal.signal(Instant::now() + time);
        self.task.await.unwrap()
    }
}

struct Client<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).await.unwrap();
    }

    /// Reads until one answer is complete; its status and body.
    async fn answer(&mut self) -> (u16, String) {
        let mut read = Vec::new();
        loop {
            if let Some(answer) = complete(&read) {
                return answer;
            }
            let mut byte = [0];
            let got = self.0.read(&mut byte).await.unwrap();
            assert_ne!(got, 0, "closed after {:?}", String::from_utf8_lossy(&read));
            read.push(byte[0]);
        }
    }

    /// Reads until the server closes.
    async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        self.0.read_to_end(&mut read).await.unwrap();
        String::from_utf8(read).unwrap()
    }
}

fn complete(read: &[u8]) -> Option<(u16, String)> {
    let text = std::str::from_utf8(read).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    (body.len() == length).then(|| (status, body.to_owned()))
}

async fn path_of(request: Request<Incoming>) -> Response<Full<Bytes>> {
    text(request.uri().path().to_owned())
}

fn text(body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::new(Full::new(body.into()))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = Server::start(Limits::default(), path_of).await;
    let mut client = server.connect().await;
    for path in ["/a", "/b", "/c"] {
        client.send(get(path)).await;
        assert_eq!(client.answer().await, ok(path));
    }
    drop(client);
    let stats = server.stop_within(Duration::from_secs(5)).await;
    assert_eq!(
        stats,
        ServeStats {
            connections: 1,
            aborted: 0
        }
    );
}

#[tokio::test]
async fn tcp_is_served_like_a_unix_socket() {
    let target = Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    };
    let listener = bind(&target).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (signal, drain) = drain::channel();
    let task = tokio::spawn(serve(listener, Limits::default(), drain, path_of));
    let mut client = Client(TcpStream::connect(address).await.unwrap());
    client.send(get("/tcp")).await;
    assert_eq!(client.answer().await, ok("/tcp"));
    signal.signal(Instant::now() + Duration::from_secs(5));
    assert_eq!(task.await.unwrap().connections, 1);
    assert_eq!(
        TcpStream::connect(address).await.unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(Limits::default(), path_of).await;
    let mut client = server.connect().await;
    client.send([get("/a"), get("/b")].concat()).await;
    assert_eq!(client.answer().await, ok("/a"));
    assert_eq!(client.answer().await, ok("/b"));
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let server = Server::start(Limits::default(), path_of).await;
    let mut client = server.connect().await;
    client.send("GET /old HTTP/1.0\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("/old"), "{answer}");
}

#[tokio::test]
async fn client_that_has_closed_its_side_is_still_answered() {
    let server = Server::start(Limits::default(), |request| async {
        tokio::task::yield_now().await;
        path_of(request).await
    })
    .await;
    let mut client = server.connect().await;
    client.send(get("/half")).await;
    client.0.shutdown().await.unwrap();
    let answer = client.rest().await;
    assert!(answer.ends_with("/half"), "{answer}");
}

#[tokio::test]
async fn head_of_exactly_the_limit_is_read_and_one_byte_more_refused() {
    let limits = Limits {
        header_bytes: 10_000,
        ..Limits::default()
    };
    let server = Server::start(limits, path_of).await;
    let head = |bytes: usize| {
        let rest = "GET / HTTP/1.1\r\nhost: \r\n\r\n";
        format!(
            "GET / HTTP/1.1\r\nhost: {}\r\n\r\n",
            "a".repeat(bytes - rest.len())
        )
    };
    for (bytes, status) in [(9_999, 200), (10_000, 200), (10_001, 431), (50_000, 431)] {
        let mut client = server.connect().await;
        client.send(head(bytes)).await;
        assert_eq!(client.answer().await.0, status, "{bytes} bytes");
    }
}

#[tokio::test]
async fn exactly_the_limit_of_headers_is_read_and_one_more_refused() {
    let server = Server::start(Limits::default(), path_of).await;
    for (count, status) in [(100, 200), (101, 431)] {
        let mut client = server.connect().await;
        let headers: String = (0..count).map(|n| format!("h{n}: v\r\n")).collect();
        client
            .send(format!("GET / HTTP/1.1\r\n{headers}\r\n"))
            .await;
        assert_eq!(client.answer().await.0, status, "{count} headers");
    }
}

#[tokio::test(start_paused = true)]
async fn unfinished_head_is_cut_five_seconds_after_its_first_byte() {
    let server = Server::start(Limits::default(), path_of).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\n").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    // More bytes do not grant more time.
    client.send("host: a\r\n").await;
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn unfinished_head_of_a_second_request_is_cut_as_early() {
    let server = Server::start(Limits::default(), path_of).await;
    let mut client = server.connect().await;
    client.send(get("/")).await;
    client.answer().await;
    client.send("GET / HTTP/1.1\r\n").await;
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn client_that_never_speaks_is_cut() {
    let server = Server::start(Limits::default(), path_of).await;
    let start = Instant::now();
    assert_eq!(server.connect().await.rest().await, "");
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn idle_connection_is_served_again_until_the_keep_alive_is_over() {
    let server = Server::start(Limits::default(), path_of).await;
    let mut client = server.connect().await;
    for pause in [0, 1, 2, 30, 59] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        client.send(get("/again")).await;
        assert_eq!(client.answer().await, ok("/again"));
    }
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn slow_handler_is_not_cut_by_any_clock_of_the_connection() {
    let server = Server::start(Limits::default(), |_| async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        text("late")
    })
    .await;
    let mut client = server.connect().await;
    client.send(get("/")).await;
    assert_eq!(client.answer().await, ok("late"));
}

#[tokio::test(start_paused = true)]
async fn client_that_does_not_take_its_answer_is_cut() {
    let server = Server::start(Limits::default(), |_| async { text(vec![b'a'; 8 << 20]) }).await;
    let mut client = server.connect().await;
    client.send(get("/")).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(client.rest().await.len() < 8 << 20);
}

#[tokio::test]
async fn connections_over_the_limit_wait_for_a_place() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    let server = Server::start(limits, move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        path_of(request)
    })
    .await;
    let mut first = server.connect().await;
    first.send(get("/first")).await;
    assert_eq!(first.answer().await, ok("/first"));
    let mut second = server.connect().await;
    second.send(get("/second")).await;
    first.send(get("/again")).await;
    assert_eq!(first.answer().await, ok("/again"));
    assert_eq!(served.load(Ordering::Relaxed), 2);
    drop(first);
    assert_eq!(second.answer().await, ok("/second"));
    assert_eq!(served.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn panicking_handler_costs_an_answer_of_500_and_nothing_else() {
    let server = Server::start(Limits::default(), |request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        assert_ne!(path, "/at-once");
        async move {
            assert_ne!(path, "/later");
            text(path)
        }
    })
    .await;
    let mut bystander = server.connect().await;
    for path in ["/at-once", "/later"] {
        let mut client = server.connect().await;
        client.send(get(path)).await;
        assert_eq!(client.answer().await, (500, "internal error".to_owned()));
        assert_eq!(client.rest().await, "");
    }
    bystander.send(get("/fine")).await;
    assert_eq!(bystander.answer().await, ok("/fine"));
}

#[tokio::test(start_paused = true)]
async fn drain_closes_idle_connections_at_once_and_lets_open_requests_finish() {
    let entered = Arc::new(Notify::new());
    let notify = Arc::clone(&entered);
    let server = Server::start(Limits::default(), move |request: Request<Incoming>| {
        let notify = Arc::clone(&notify);
        async move {
            if request.uri().path() == "/slow" {
                notify.notify_one();
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
            text("done")
        }
    })
    .await;
    let mut fresh = server.connect().await;
    let mut idle = server.connect().await;
    idle.send(get("/")).await;
    idle.answer().await;
    let mut resting = server.connect().await;
    resting.send(get("/")).await;
    resting.answer().await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    idle.send(get("/")).await;
    idle.answer().await;
    let mut open = server.connect().await;
    open.send(get("/slow")).await;
    entered.notified().await;

    let start = Instant::now();
    let path = server.path.clone();
    let stopping = tokio::spawn(server.stop_within(Duration::from_secs(10)));
    for closed in [&mut fresh, &mut idle, &mut resting] {
        assert_eq!(closed.rest().await, "");
    }
    assert_eq!(start.elapsed().as_millis(), 0);
    assert!(!path.exists());
    let answer = open.rest().await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.ends_with("done"), "{answer}");
    drop(open);
    let stats = stopping.await.unwrap();
    assert_eq!(
        stats,
        ServeStats {
            connections: 4,
            aborted: 0
        }
    );
    assert_eq!(start.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn requests_open_at_the_deadline_are_cut_and_counted() {
    let server = Server::start(Limits::default(), |_| std::future::pending()).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    first.send(get("/")).await;
    second.send(get("/")).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let start = Instant::now();
    let stats = server.stop_within(Duration::from_secs(3)).await;
    assert_eq!(
        stats,
        ServeStats {
            connections: 2,
            aborted: 2
        }
    );
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(first.rest().await, "");
}

#[tokio::test]
async fn continue_is_sent_when_the_handler_starts_to_read() {
    let server = Server::start(Limits::default(), |request: Request<Incoming>| async {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        text(body)
    })
    .await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
        .await;
    assert_eq!(client.answer().await, (100, String::new()));
    client.send("data").await;
    assert_eq!(client.answer().await, ok("data"));
}

#[tokio::test]
async fn continue_is_not_sent_by_a_handler_that_refuses() {
    let server = Server::start(Limits::default(), too_large).await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 999999\r\n\r\n")
        .await;
    assert_eq!(client.answer().await, (413, "too large".to_owned()));
}

async fn too_large(_request: Request<Incoming>) -> Response<Full<Bytes>> {
    let mut response = text("too large");
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

#[tokio::test]
async fn refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::start(Limits::default(), too_large).await;
    let mut client = server.connect().await;
    let length = 1 << 20;
    client
        .send(format!(
            "POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n"
        ))
        .await;
    for _ in 0..length / 1_024 {
        client.send([b'a'; 1_024]).await;
    }
    assert_eq!(client.answer().await, (413, "too large".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn late_body_of_an_answered_request_is_never_taken_for_a_request() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let server = Server::start(Limits::default(), move |request: Request<Incoming>| {
        counter.fetch_add(1, Ordering::Relaxed);
        kept.lock().unwrap().push(request.into_body());
        async { text("early") }
    })
    .await;
    let mut client = server.connect().await;
    let smuggled = get("/smuggled");
    client
        .send(format!(
            "POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n",
            smuggled.len()
        ))
        .await;
    assert_eq!(client.answer().await, ok("early"));
    tokio::time::sleep(Duration::from_secs(10)).await;
    client.send(smuggled).await;
    assert_eq!(client.rest().await, "");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn shared_pages_answer_get_and_nothing_else() {
    let pages = Pages {
        info: Arc::new(|| json!({"version": "1.2.3"})),
        status: Arc::new(|| json!({"uptime_s": 7})),
    };
    let answer = |method: &str, path: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(())
            .unwrap();
        pages.answer(&request)
    };
    let body = |path: &'static str| async move {
        let response = answer("GET", path).unwrap();
        let kind = response.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (kind, String::from_utf8(body.to_vec()).unwrap())
    };
    let plain = "text/plain; charset=utf-8".to_owned();
    let json = "application/json".to_owned();
    assert_eq!(body("/health").await, (plain, "ok".to_owned()));
    assert_eq!(
        body("/info?x=1").await,
        (json.clone(), r#"{"version":"1.2.3"}"#.to_owned())
    );
    assert_eq!(
        body("/status").await,
        (json, r#"{"uptime_s":7}"#.to_owned())
    );
    assert!(answer("POST", "/health").is_none());
    assert!(answer("GET", "/healthy").is_none());
    assert!(answer("GET", "/").is_none());
}

#[tokio::test]
async fn pause_grows_while_the_system_is_out_of_resources() {
    let target = Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    };
    let mut acceptor = Acceptor {
        listener: bind(&target).await.unwrap(),
        permits: Arc::new(Semaphore::new(1)),
        pause: ACCEPT_PAUSE,
    };
    let mut pause = |errno: Errno| {
        acceptor
            .pause_after(&errno.into())
            .map(|pause| pause.as_millis())
    };
    assert_eq!(pause(Errno::CONNABORTED), None);
    for (errno, expected) in [
        (Errno::MFILE, 100),
        (Errno::NFILE, 200),
        (Errno::NOBUFS, 400),
        (Errno::NOMEM, 800),
        (Errno::MFILE, 1_000),
        (Errno::MFILE, 1_000),
    ] {
        assert_eq!(pause(errno), Some(expected));
    }
    assert_eq!(pause(Errno::PERM), Some(100));
}
