//! A client of one request per connection: small enough to be trusted, and nothing of the agent's.

use std::fmt::Debug;

use bytes::Bytes;
use datadog_dev_intake::Intake;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The lines of an NDJSON answer.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Sends one request over HTTP/1.1, or says why there was no whole answer.
pub(crate) async fn try_send(
    intake: &Intake,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer, String> {
    let stream = TcpStream::connect(intake.addr()).await.map_err(words)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(words)?;
    let connection = tokio::spawn(connection);
    let request = request(method, path, headers).header("host", intake.addr().to_string());
    let response = sender
        .send_request(request.body(Full::new(body.into())).unwrap())
        .await
        .map_err(words)?;
    let (parts, incoming) = response.into_parts();
    let body = incoming.collect().await.map_err(words)?.to_bytes();
    connection.abort();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}

/// The same over HTTP/2 without TLS.
pub(crate) async fn send_h2(
    intake: &Intake,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let stream = TcpStream::connect(intake.addr()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = request("POST", &format!("{}{path}", intake.url()), headers);
    let response = sender
        .send_request(request.body(Full::new(body.into())).unwrap())
        .await
        .unwrap();
    let (parts, incoming) = response.into_parts();
    let body = incoming.collect().await.unwrap().to_bytes();
    connection.abort();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    }
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> hyper::http::request::Builder {
    headers.iter().fold(
        Request::builder().method(method).uri(uri),
        |request, (name, value)| request.header(*name, *value),
    )
}

fn words(error: impl Debug) -> String {
    format!("{error:?}")
}

pub(crate) async fn send(
    intake: &Intake,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    try_send(intake, method, path, headers, body).await.unwrap()
}

/// Posts logs the way an agent does.
pub(crate) async fn post_logs(intake: &Intake, body: impl Into<Bytes>) -> Answer {
    let headers = [
        ("dd-api-key", "0123456789abcdef"),
        ("content-type", "application/json"),
    ];
    send(intake, "POST", "/api/v2/logs", &headers, body).await
}

pub(crate) async fn get(intake: &Intake, path: &str) -> Answer {
    send(intake, "GET", path, &[], "").await
}

/// Sends `bytes` as they are, and reads until the intake closes.
pub(crate) async fn send_raw(intake: &Intake, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(intake.addr()).await.unwrap();
    // The intake may close before it has read everything.
    let _sent = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _read = stream.read_to_end(&mut answer).await;
    answer
}

/// An NDJSON answer that is read line by line while it goes on.
pub(crate) struct Lines {
    body: Incoming,
    read: Vec<u8>,
    _connection: AbortOnDrop,
}

struct AbortOnDrop(JoinHandle<Result<(), hyper::Error>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lines {
    pub(crate) async fn open(intake: &Intake, path: &str) -> Self {
        let stream = TcpStream::connect(intake.addr()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = AbortOnDrop(tokio::spawn(connection));
        let request = request("GET", path, &[]).header("host", intake.addr().to_string());
        let response = sender
            .send_request(request.body(Full::new(Bytes::new())).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body(),
            read: Vec::new(),
            _connection: connection,
        }
    }

    /// The next line; `None` at an orderly end, an error at a broken one.
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, String> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line).unwrap()));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => self
                    .read
                    .extend_from_slice(&frame.map_err(words)?.into_data().unwrap()),
            }
        }
    }
}
