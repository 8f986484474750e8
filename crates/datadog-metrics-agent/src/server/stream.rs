//! Unix streams: frames, each with its length in four bytes in front, the lowest first.
//!
//! A connection is a task with a buffer for one frame, which is taken apart in place; one that sends a frame longer
//! than that is closed. There are at most 1,024 connections; a further one waits to be accepted.

use std::io;
use std::path::Path;
use std::sync::Arc;

use datadog_agent_runtime::bind::{Listener, Stream};
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::{Metric, Reason};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tracing::info;

use super::Reader;
use crate::aggregator::service::{Barrier, Batch};

/// Connections at most.
const MAX_CONNECTIONS: usize = 1_024;
/// The length in front of a frame.
const HEAD_BYTES: usize = 4;
/// Bytes of a frame that was too large that are logged, if asked for.
const SHOWN_BYTES: usize = 64;
/// Reads before a flush at most, of one connection.
const DRAIN_READS: usize = 1 << 14;

/// A listener, and what reading its connections needs.
#[derive(Debug)]
pub(crate) struct StreamServer {
    listener: Listener,
    reader: Reader,
}

/// One connection.
struct Connection {
    stream: UnixStream,
    reader: Reader,
    barrier: Barrier,
    sender: Option<Arc<str>>,
    buffer: Vec<u8>,
    /// Bytes in the buffer.
    filled: usize,
}

/// What a read came to.
enum Read {
    /// There may be more.
    Some,
    /// There is nothing now.
    Nothing,
    /// The connection is over.
    End,
}

/// A way to read without waiting.
type Receive = fn(&UnixStream, &mut [u8]) -> io::Result<usize>;

/// Reads when the runtime knows that there is something.
fn ready(stream: &UnixStream, space: &mut [u8]) -> io::Result<usize> {
    stream.try_read(space)
}

/// Reads whatever the runtime knows.
fn directly(stream: &UnixStream, space: &mut [u8]) -> io::Result<usize> {
    let (read, _) = rustix::net::recv(stream, space, rustix::net::RecvFlags::DONTWAIT)?;
    Ok(read)
}

impl StreamServer {
    pub(super) const fn new(listener: Listener, reader: Reader) -> Self {
        Self { listener, reader }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        super::path_of(&self.listener)
    }

    pub(super) async fn serve(self, drain: Drain) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                    Ok(Stream::Unix(stream)) => {
                        let connection = Connection::new(stream, self.reader.clone());
                        connections.spawn(connection.serve(drain.clone()));
                    }
                    Ok(Stream::Tcp(_)) => {}
                    Err(error) => self.reader.pause(&error).await,
                },
                Some(_) = connections.join_next() => {}
                _ = drain.signalled() => break,
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

impl Connection {
    fn new(stream: UnixStream, reader: Reader) -> Self {
        let sender = match reader.options.origin_detection {
            true => stream
                .peer_cred()
                .ok()
                .and_then(|peer| u32::try_from(peer.pid()?).ok())
                .and_then(|pid| reader.senders.container(pid)),
            false => None,
        };
        Self {
            barrier: reader.handle.barrier(),
            buffer: vec![0; reader.options.buffer_bytes + HEAD_BYTES],
            filled: 0,
            sender,
            stream,
            reader,
        }
    }

    async fn serve(mut self, drain: Drain) {
        loop {
            tokio::select! {
                readable = self.stream.readable() => {
                    if readable.is_err() || matches!(self.read(ready).await, Read::End) {
                        return;
                    }
                }
                token = self.barrier.raised() => {
                    if self.read_all().await {
                        return;
                    }
                    drop(token);
                }
                _ = drain.signalled() => {
                    self.read_all().await;
                    return;
                }
            }
        }
    }

    /// Reads what is there; says whether the connection is over. Asks the system itself: the runtime may not know yet
    /// what has arrived.
    async fn read_all(&mut self) -> bool {
        for _ in 0..DRAIN_READS {
            match self.read(directly).await {
                Read::Some => {}
                Read::Nothing => return false,
                Read::End => return true,
            }
        }
        false
    }

    /// Reads once, and hands on the frames that are whole.
    async fn read(&mut self, receive: Receive) -> Read {
        let space = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match receive(&self.stream, space) {
            Ok(0) => {
                if self.filled > 0 {
                    self.lose(Reason::Parse);
                }
                Read::End
            }
            Ok(read) => {
                self.filled += read;
                self.reader.bytes.add(read as u64);
                match self.take_frames().await {
                    true => Read::Some,
                    false => Read::End,
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
            Err(_) => Read::End,
        }
    }

    /// Hands on the frames in the buffer and moves what is left to its front; says whether the connection goes on.
    async fn take_frames(&mut self) -> bool {
        let mut batch = Batch::new(self.reader.transport);
        let (mut start, mut frames, mut goes_on) = (0, 0, true);
        let filled = self.buffer.get(..self.filled).unwrap_or_default();
        while let Some((head, rest)) = filled.get(start..).and_then(|it| it.split_first_chunk()) {
            let len = u32::from_le_bytes(*head) as usize;
            if len > self.reader.options.buffer_bytes {
                self.too_big(len, rest);
                goes_on = false;
                break;
            }
            let Some(frame) = rest.get(..len) else {
                break;
            };
            if !frame.is_empty() {
                self.reader.forward(frame);
                batch.push(self.reader.whole_lines(frame, false), self.sender.clone());
                frames += 1;
            }
            start += HEAD_BYTES + len;
        }
        self.buffer.copy_within(start..self.filled, 0);
        self.filled -= start;
        self.reader.packets.add(frames);
        if !batch.is_empty() {
            let wait = self.reader.transport.wait();
            self.reader.handle.take(batch, wait).await;
        }
        goes_on
    }

    fn too_big(&self, len: usize, rest: &[u8]) {
        self.lose(Reason::TooLarge);
        let limit = self.reader.options.buffer_bytes;
        if self.reader.options.log_too_big {
            let head = rest.get(..rest.len().min(SHOWN_BYTES)).unwrap_or_default();
            let head = head.escape_ascii();
            info!(len, limit, %head, "a frame is too large, its connection is closed");
        } else {
            info!(len, limit, "a frame is too large, its connection is closed");
        }
    }

    /// Counts a frame that is lost with its connection.
    fn lose(&self, reason: Reason) {
        let transport = self.reader.transport.name();
        let labels = [("reason", reason.name()), ("transport", transport)];
        let telemetry = &self.reader.telemetry;
        telemetry.add(Metric::MetricsPacketsDropped, &labels, 1);
    }
}
