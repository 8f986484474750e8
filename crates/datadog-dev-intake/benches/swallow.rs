//! How fast the intake takes logs: it must not be what a bench of the agent measures.
//!
//! `cargo bench -p datadog-dev-intake` prints one JSON line per figure. Sender and intake share the machine, so the
//! figures are a floor.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its figures, and without a socket there are none"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use datadog_dev_intake::Intake;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Connections that post at once.
const SENDERS: usize = 4;
/// Entries in one body, and bytes in one message.
const ENTRIES: usize = 1_000;
const MESSAGE_BYTES: usize = 160;
/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(3);

fn body() -> Vec<u8> {
    let entries: Vec<String> = (0..ENTRIES)
        .map(|number| {
            format!(
                r#"{{"message":"{number:06} {}","timestamp":1700000000000,"service":"web","status":"info"}}"#,
                "x".repeat(MESSAGE_BYTES - 7)
            )
        })
        .collect();
    format!("[{}]", entries.join(",")).into_bytes()
}

async fn connect(intake: &Intake) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(intake.addr())
        .await
        .expect("the intake listens");
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .expect("the intake speaks HTTP");
    tokio::spawn(connection);
    sender
}

async fn post_until(
    mut sender: SendRequest<Full<Bytes>>,
    body: Bytes,
    encoding: &'static str,
    end: Instant,
) -> usize {
    let mut posted = 0;
    while Instant::now() < end {
        let request = Request::post("/api/v2/logs")
            .header("host", "localhost")
            .header("dd-api-key", "bench")
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(Full::new(body.clone()))
            .expect("the request is well-formed");
        let answer = sender
            .send_request(request)
            .await
            .expect("the intake answers");
        assert_eq!(answer.status(), 202);
        answer
            .into_body()
            .collect()
            .await
            .expect("the answer is whole");
        posted += 1;
    }
    posted
}

async fn measure(encoding: &'static str, wire: Vec<u8>, raw_bytes: usize) {
    let intake = Intake::start().await;
    let wire = Bytes::from(wire);
    let started = Instant::now();
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        let sender = connect(&intake).await;
        senders.push(tokio::spawn(post_until(
            sender,
            wire.clone(),
            encoding,
            started + MEASURED,
        )));
    }
    let mut posted = 0;
    for sender in senders {
        posted += sender.await.expect("a sender does not panic");
    }
    let seconds = started.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let megabytes = (posted * raw_bytes) as f64 / 1e6;
    println!(
        r#"{{"name":"dev_intake_raw_{encoding}","value":{:.0},"unit":"MB/s"}}"#,
        megabytes / seconds
    );
}

#[tokio::main]
async fn main() {
    let raw = body();
    let zstd = zstd::bulk::compress(&raw, 1).expect("memory can be compressed");
    measure("identity", raw.clone(), raw.len()).await;
    measure("zstd", zstd, raw.len()).await;
}
