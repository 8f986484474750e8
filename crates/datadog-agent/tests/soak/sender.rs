//! Posts logs at a steady rate, each with a number; those that the agent has no room for are posted again.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Logs in one request.
pub(crate) const LOGS: u64 = 200;
/// How long a client waits that was told to come back.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Shared {
    is_paused: AtomicBool,
    is_stopped: AtomicBool,
    /// Whether no request is under way.
    is_quiet: AtomicBool,
    accepted: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
}

/// A client in a thread of its own.
pub(crate) struct Sender(Arc<Shared>);

impl Sender {
    pub(crate) fn start(socket: PathBuf, bytes_per_s: u64) -> Self {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || send(&socket, bytes_per_s, &of_thread));
        Self(shared)
    }

    pub(crate) fn pause(&self) {
        self.0.is_paused.store(true, Ordering::SeqCst);
    }

    pub(crate) fn resume(&self) {
        self.0.is_paused.store(false, Ordering::SeqCst);
    }

    pub(crate) fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
    }

    /// Waits until nothing is under way; returns how many logs were accepted, which are those with smaller numbers.
    pub(crate) async fn quiet(&self) -> u64 {
        while !self.0.is_quiet.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.0.accepted.load(Ordering::SeqCst)
    }

    /// Bytes of the messages accepted.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::SeqCst)
    }

    /// Requests that were told to come back.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::SeqCst)
    }
}

fn send(socket: &PathBuf, bytes_per_s: u64, shared: &Shared) {
    let mut connection = UnixStream::connect(socket).unwrap();
    let mut due = Instant::now();
    let mut next = 0;
    while !shared.is_stopped.load(Ordering::SeqCst) {
        if shared.is_paused.load(Ordering::SeqCst) {
            shared.is_quiet.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            due = Instant::now();
            continue;
        }
        shared.is_quiet.store(false, Ordering::SeqCst);
        let (body, bytes) = body(next);
        loop {
            let (status, answer) =
                request(&mut connection, "POST", "/v1/input", body.as_bytes()).unwrap();
            if status == 200 {
                break;
            }
            let words = String::from_utf8_lossy(&answer);
            assert_eq!(status, 429, "{words}");
            shared.refused.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(PAUSE);
            due = Instant::now();
        }
        next += LOGS;
        shared.accepted.store(next, Ordering::SeqCst);
        shared.bytes.fetch_add(bytes, Ordering::SeqCst);
        due += Duration::from_nanos(bytes * 1_000_000_000 / bytes_per_s);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    shared.is_quiet.store(true, Ordering::SeqCst);
}

/// The entries from a number on, and the bytes of their messages.
fn body(first: u64) -> (String, u64) {
    let (mut body, mut bytes) = (String::from("["), 0);
    for number in first..first + LOGS {
        let message = message(number);
        bytes += u64::try_from(message.len()).unwrap();
        let separator = if number > first { "," } else { "" };
        let service = number % 11;
        body.push_str(&format!(
            r#"{separator}{{"message":"{message}","service":"s{service}","ddsource":"soak","status":"info"}}"#
        ));
    }
    body.push(']');
    (body, bytes)
}

/// A log of one of some shapes, in which its number comes second.
fn message(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word =
        ["connect", "deliver", "refuse", "parse", "evict"][usize::try_from(number % 5).unwrap()];
    let what = match number % 3 {
        0 => format!(
            "GET /api/v2/items/{} took {}ms for user-{:x}",
            mixed % 5_000,
            mixed % 977,
            mixed >> 40
        ),
        1 => format!(
            "{word} of 10.0.{}.{} gave {} with trace {mixed:016x}",
            mixed % 256,
            mixed / 7 % 256,
            mixed % 600
        ),
        _ => format!(
            "worker {} could not {word} queue-{}: timed out after {}s",
            mixed % 40,
            mixed % 90,
            mixed % 30
        ),
    };
    format!("soak {number} {what} {REST}")
}

/// What makes a log as long as logs are.
const REST: &str = "in com.example.shop.checkout.CheckoutController.submit(CheckoutController.java:482), called by \
    io.netty.channel.AbstractChannelHandlerContext.invokeChannelRead; see the run book for what to do about it";

/// One request and its answer, on a connection that stays open.
pub(crate) fn request(
    connection: &mut (impl Read + Write),
    method: &str,
    path: &str,
    body: &[u8],
) -> io::Result<(u16, Vec<u8>)> {
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: agent\r\nContent-Length: {length}\r\n\r\n");
    connection.write_all(&[head.as_bytes(), body].concat())?;
    let (mut read, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        if let Some(at) = read.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..at]).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
            if read.len() >= at + 4 + length {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Ok((status, read.split_off(at + 4)));
            }
        }
        match connection.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => read.extend_from_slice(&piece[..count]),
        }
    }
}
