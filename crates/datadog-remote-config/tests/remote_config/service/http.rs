//! The three calls over a real socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_remote_config::backend::{ApiError, Call, Http, Transport as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Answers every connection with these bytes, and then waits or closes; keeps the heads of requests.
struct Server {
    base: String,
    heads: Arc<Mutex<Vec<String>>>,
}

enum Then {
    Closes,
    Waits,
}

impl Server {
    async fn start(answer: Vec<u8>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                let mut piece = [0; 4_096];
                while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"asked") {
                    let read = stream.read(&mut piece).await.unwrap();
                    head.extend_from_slice(&piece[..read]);
                }
                let text = String::from_utf8(head).unwrap();
                kept.lock().unwrap().push(text);
                stream.write_all(&answer).await.unwrap();
                if matches!(then, Then::Waits) {
                    std::future::pending::<()>().await;
                }
            }
        });
        Self { base, heads }
    }

    fn http(&self) -> Http {
        let client = Client::new(ConnectConfig::default()).unwrap();
        Http::new(client, &self.base, "7.70.0")
    }
}

fn with_status(status: u16, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{more}connection: close\r\n\r\n{body}"
    )
    .into()
}

#[tokio::test]
async fn a_call_carries_its_headers_and_gives_the_body() {
    let server = Server::start(with_status(200, "", "hello"), Then::Closes).await;
    let http = server
        .http()
        .with_app_key(Some("app".to_owned()))
        .with_par_jwt(Some("jwt".to_owned()));
    let asked = Call::Configurations(Bytes::from_static(b"asked"));
    for call in [asked, Call::Org, Call::Status] {
        assert_eq!(http.call(call, "key").await, Ok(Bytes::from("hello")));
    }
    let heads = server.heads.lock().unwrap();
    let firsts: Vec<_> = heads
        .iter()
        .filter_map(|head| head.lines().next())
        .collect();
    assert_eq!(
        firsts,
        [
            "POST /api/v0.1/configurations HTTP/1.1",
            "GET /api/v0.1/org HTTP/1.1",
            "GET /api/v0.1/status HTTP/1.1",
        ]
    );
    for head in heads.iter() {
        for line in [
            "content-type: application/x-protobuf",
            "dd-api-key: key",
            "dd-application-key: app",
            "dd-par-jwt: jwt",
            "user-agent: datadog-agent/7.70.0",
        ] {
            assert!(head.lines().any(|it| it == line), "{line} is not in {head}");
        }
    }
}

#[tokio::test]
async fn other_answers_are_errors_and_redirects_are_not_followed() {
    for (status, more, expected) in [
        (401, "", ApiError::Unauthorized),
        (403, "", ApiError::Proxy(403)),
        (307, "location: /elsewhere\r\n", ApiError::Proxy(307)),
        (503, "", ApiError::Unavailable(503)),
        (504, "", ApiError::Unavailable(504)),
        (500, "", ApiError::Status(500)),
    ] {
        let server = Server::start(with_status(status, more, "no"), Then::Closes).await;
        let answer = server.http().call(Call::Org, "key").await;
        assert_eq!(answer, Err(expected));
        assert_eq!(server.heads.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let server = Server::start(with_status(200, "", "12345"), Then::Closes).await;
    let of = |bytes| server.http().with_max_bytes(bytes);
    assert!(of(5).call(Call::Org, "key").await.is_ok());
    let answer = of(4).call(Call::Org, "key").await;
    assert_eq!(answer, Err(ApiError::TooLarge(4)));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let whole = with_status(200, "", "12345");
    let server = Server::start(whole[..whole.len() - 1].to_vec(), Then::Closes).await;
    let answer = server.http().call(Call::Org, "key").await;
    assert!(matches!(answer, Err(ApiError::NoAnswer(_))), "{answer:?}");
}

#[tokio::test]
async fn a_call_has_a_time_for_head_and_body() {
    let mut cut = with_status(200, "", "12345");
    cut.pop();
    for answer in [Vec::new(), cut] {
        let server = Server::start(answer, Then::Waits).await;
        let limit = Duration::from_millis(200);
        let http = server.http().with_timeout(limit);
        let answer = http.call(Call::Org, "key").await;
        assert_eq!(answer, Err(ApiError::TimedOut(limit)));
    }
}

#[tokio::test]
async fn nobody_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(ConnectConfig::default()).unwrap();
    let http = Http::new(client, &base, "7.70.0");
    let answer = http.call(Call::Status, "key").await;
    assert!(matches!(answer, Err(ApiError::NoAnswer(_))), "{answer:?}");
    let unsendable = http.call(Call::Status, "a\nb").await;
    assert_eq!(unsendable, Err(ApiError::NoKey));
}
