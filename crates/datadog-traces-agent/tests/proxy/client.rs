//! A client over bare TCP, which can also be slow, break off, and read an answer while it still sends.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A request under way.
pub(crate) struct Sending {
    pub(crate) out: OwnedWriteHalf,
    answer: OwnedReadHalf,
}

/// Sends a head, which ends the connection if it does not say otherwise; the body is the caller's.
pub(crate) async fn begin(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Sending {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (answer, mut out) = stream.into_split();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: agent\r\n");
    if !headers.iter().any(|it| it.starts_with("connection: ")) {
        head.push_str("connection: close\r\n");
    }
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    out.write_all(head.as_bytes()).await.unwrap();
    Sending { out, answer }
}

/// Sends a request whose length is announced, and reads its answer meanwhile.
pub(crate) async fn send(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    let length = format!("content-length: {}", body.len());
    let mut all = headers.to_vec();
    if method != "GET" {
        all.push(&length);
    }
    let sending = begin(addr, method, path, &all).await;
    let (mut out, body) = (sending.out, body.to_vec());
    // An agent that has answered may not want the rest.
    let writing = tokio::spawn(async move {
        let sent = out.write_all(&body).await;
        (out, sent.is_ok())
    });
    let answer = read(sending.answer).await;
    writing.abort();
    answer
}

impl Sending {
    /// Sends pieces in chunks; an empty one ends the body.
    pub(crate) async fn chunks(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            let head = format!("{:x}\r\n", piece.len());
            let chunk = [head.as_bytes(), piece, b"\r\n"].concat();
            // An agent that has answered may not want the rest.
            if self.out.write_all(&chunk).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the agent wants the body.
    pub(crate) async fn wanted(&mut self) {
        let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut interim = [0; 25];
        self.answer.read_exact(&mut interim).await.unwrap();
        assert_eq!(&interim, expected);
    }

    /// The answer, with the connection still open in the other direction.
    pub(crate) async fn answer(self) -> Answer {
        let answer = read(self.answer).await;
        drop(self.out);
        answer
    }
}

async fn read(mut stream: OwnedReadHalf) -> Answer {
    let mut all = Vec::new();
    let mut piece = vec![0; 64 * 1_024];
    // A reset after the answer is an end too.
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        all.extend_from_slice(&piece[..read]);
    }
    let end = all.windows(4).position(|it| it == b"\r\n\r\n");
    let end = end.expect("an answer has a head");
    let head = std::str::from_utf8(&all[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    });
    Answer {
        status: status.parse().unwrap(),
        headers: headers.collect(),
        body: all[end + 4..].to_vec(),
    }
}
