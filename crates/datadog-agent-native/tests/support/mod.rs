//! What the tests of whole agents share: a configuration that leads to an intake, and requests to an agent.

#![allow(dead_code, reason = "no test needs all of it")]

use std::path::Path;

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::config::Config;
use datadog_dev_intake::{Intake, config_root, director_root};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The variables that lead everything to this intake.
pub(crate) fn to_intake(intake: &Intake) -> Vec<(String, String)> {
    let url = intake.url();
    [
        ("DD_API_KEY", KEY),
        ("DD_APM_DD_URL", &url),
        ("DD_DD_URL", &url),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", &url),
        ("DD_HOSTNAME", "web-1"),
        // Its backend would be elsewhere.
        ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Every pipeline on ports that the system chooses, and these variables besides.
pub(crate) fn config(intake: &Intake, extra: &[(&str, &str)]) -> Config {
    let own = [
        ("DD_AGENT_MODE", "http_ephemeral_port"),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_DOGSTATSD_ENABLED", "true"),
        ("DD_DOGSTATSD_FLUSH_INCOMPLETE_BUCKETS", "true"),
    ];
    let own = own.iter().chain(extra);
    let own = own.map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Config::from_env_iter(to_intake(intake).into_iter().chain(own))
}

/// The same with remote configuration, which this intake is the backend of.
pub(crate) fn remote(intake: &Intake, extra: &[(&str, &str)]) -> Config {
    let (url, roots) = (intake.url(), (config_root(), director_root()));
    let own = [
        ("DD_REMOTE_CONFIGURATION_ENABLED", "true"),
        ("DD_REMOTE_CONFIGURATION_RC_DD_URL", url.as_str()),
        ("DD_REMOTE_CONFIGURATION_CONFIG_ROOT", roots.0.as_str()),
        ("DD_REMOTE_CONFIGURATION_DIRECTOR_ROOT", roots.1.as_str()),
        ("DD_REMOTE_CONFIGURATION_REFRESH_INTERVAL", "5s"),
    ];
    let all: Vec<_> = own.into_iter().chain(extra.iter().copied()).collect();
    config(intake, &all)
}

/// A running agent of this configuration.
pub(crate) async fn start(config: Config) -> AgentCoordinator {
    let mut agent = AgentCoordinator::new(config).unwrap();
    agent.start().await.unwrap();
    agent
}

/// A request, whose connection ends with its answer.
pub(crate) fn request(method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    request("GET", path, "text/plain", b"")
}

pub(crate) fn post(path: &str, json: &str) -> Vec<u8> {
    request("POST", path, "application/json", json.as_bytes())
}

/// The whole answer to a request over TCP.
pub(crate) async fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
    exchange(TcpStream::connect(address).await.unwrap(), request).await
}

/// The whole answer to a request over a Unix socket.
pub(crate) async fn ask_socket(path: &Path, request: &[u8]) -> String {
    exchange(UnixStream::connect(path).await.unwrap(), request).await
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// A body of one trace with one span that is kept.
pub(crate) fn trace(trace_id: u64, service: &str) -> String {
    format!(
        r#"[[{{"service":"{service}","name":"web.request","resource":"GET /","type":"web","trace_id":{trace_id},
        "span_id":8,"start":1700000000000000000,"duration":5,"metrics":{{"_sampling_priority_v1":1}}}}]]"#
    )
}

#[track_caller]
pub(crate) fn assert_ok(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
