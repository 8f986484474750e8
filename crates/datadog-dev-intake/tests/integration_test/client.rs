//! A client of one request per connection: small enough to be trusted, and nothing of the agent's.

use std::fmt::Debug;

use bytes::Bytes;
use datadog_dev_intake::Intake;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;

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
