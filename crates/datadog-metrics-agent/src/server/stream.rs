//! Unix streams of frames.
//!
//! A connection is a task with a buffer for one frame; one that sends a frame longer than that is closed. There are at
//! most 1,024 connections; a further one waits to be accepted.

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
use super::frames::{Frames, TooLarge};
use crate::aggregator::service::{Barrier, Batch};

/// Connections at most.
const MAX_CONNECTIONS: usize = 1_024;
/// Bytes of a frame that was too large that are logged, if asked for.
const SHOWN_BYTES: usize = 64;
/// Reads before a flush at most, of one connection.
const DRAIN_READS: usize = 1 << 14;

/// A listener, and what reading its connections needs.
#[derive(Debug)]
pub(crate) struct StreamServer {
    listener: Listener,
    reader: Reader,
    barrier: Barrier,
}

/// One connection.
struct Connection {
    stream: UnixStream,
    reader: Reader,
    barrier: Barrier,
    sender: Option<Arc<str>>,
    frames: Frames,
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
    pub(super) fn new(listener: Listener, reader: Reader) -> Self {
        Self {
            // From now on, before the task begins.
            barrier: reader.handle.barrier(),
            listener,
            reader,
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        super::path_of(&self.listener)
    }

    pub(super) async fn serve(mut self, drain: Drain) {
        let mut connections = JoinSet::new();
        loop {
            let has_room = connections.len() < MAX_CONNECTIONS;
            tokio::select! {
                accepted = self.listener.accept(), if has_room => match accepted {
                    Ok(Stream::Unix(stream)) => self.welcome(stream, &mut connections, &drain).await,
                    Ok(Stream::Tcp(_)) => {}
                    Err(error) => self.reader.pause(&error).await,
                },
                token = self.barrier.raised() => {
                    self.welcome_waiting(&mut connections, &drain).await;
                    drop(token);
                }
                Some(_) = connections.join_next() => {}
                _ = drain.signalled() => break,
            }
        }
        self.welcome_waiting(&mut connections, &drain).await;
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }

    /// Takes the connections that wait to be accepted, as many as there may be: their clients may be gone already.
    async fn welcome_waiting(&self, connections: &mut JoinSet<()>, drain: &Drain) {
        let Listener::Unix(socket) = &self.listener else {
            return;
        };
        while connections.len() < MAX_CONNECTIONS {
            match socket.accept_waiting() {
                Ok(Some(stream)) => self.welcome(stream, connections, drain).await,
                Ok(None) => return,
                Err(error) => return self.reader.pause(&error).await,
            }
        }
    }

    /// Reads what a connection brings, and goes on with it in a task of its own. What was there before a flush was asked
    /// for is read here: the connection hears only of later ones.
    async fn welcome(&self, stream: UnixStream, connections: &mut JoinSet<()>, drain: &Drain) {
        let mut connection = Connection::new(stream, self.reader.clone());
        if !connection.read_all().await {
            connections.spawn(connection.serve(drain.clone()));
        }
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
            frames: Frames::new(reader.options.buffer_bytes),
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
        match receive(&self.stream, self.frames.space()) {
            Ok(0) => {
                if self.frames.is_within_a_frame() {
                    self.reader.lose(Reason::Parse);
                }
                Read::End
            }
            Ok(read) => {
                self.frames.filled(read);
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

    /// Hands on the frames that are whole; says whether the connection goes on.
    async fn take_frames(&mut self) -> bool {
        let reader = &self.reader;
        let mut batch = Batch::new(reader.transport);
        let mut frames = 0;
        let taken = self.frames.take(|frame| {
            reader.forward(frame);
            batch.push(reader.whole_lines(frame, false), self.sender.clone());
            frames += 1;
        });
        let goes_on = taken.is_ok();
        if let Err(large) = taken {
            reader.too_large(&large);
        }
        reader.packets.add(frames);
        if !batch.is_empty() {
            reader.handle.take(batch, reader.transport.wait()).await;
        }
        goes_on
    }
}

impl Reader {
    fn too_large(&self, frame: &TooLarge<'_>) {
        self.lose(Reason::TooLarge);
        let (len, limit) = (frame.len, self.options.buffer_bytes);
        if self.options.log_too_big {
            let head = frame.read.get(..SHOWN_BYTES).unwrap_or(frame.read);
            let head = head.escape_ascii();
            info!(len, limit, %head, "a frame is too large, its connection is closed");
        } else {
            info!(len, limit, "a frame is too large, its connection is closed");
        }
    }

    /// Counts a frame that is lost with its connection.
    fn lose(&self, reason: Reason) {
        let transport = self.transport.name();
        let labels = [("reason", reason.name()), ("transport", transport)];
        self.telemetry
            .add(Metric::MetricsPacketsDropped, &labels, 1);
    }
}
