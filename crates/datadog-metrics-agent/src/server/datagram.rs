//! UDP and Unix datagrams.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datadog_agent_runtime::bind::BindError;
use datadog_agent_runtime::bind::uds::DatagramSocket;
use datadog_agent_runtime::drain::Drain;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, sockopt};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::{KernelDrops, Reader};
use crate::aggregator::service::{Barrier, Batch, Transport, Wait};

/// Datagrams that are read before a flush at most: more than any socket holds, so that a flood ends.
const DRAIN_PACKETS: usize = 1 << 17;
/// How often the drops of the system are counted, besides before a flush and at the end.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// A socket of datagrams.
#[derive(Debug)]
pub(crate) enum Socket {
    Udp(UdpSocket),
    Unix(DatagramSocket),
}

/// A socket of datagrams, and what reading it needs.
#[derive(Debug)]
pub(crate) struct DatagramServer {
    socket: Socket,
    reader: Reader,
    barrier: Barrier,
    /// Of UDP alone: no other client sends to a full socket.
    drops: Option<KernelDrops>,
}

/// A datagram that was read into the buffer.
struct Received {
    len: usize,
    is_cut: bool,
    sender: Option<Arc<str>>,
}

impl Socket {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Udp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.socket().as_fd(),
        }
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.readable().await,
            Self::Unix(socket) => socket.socket().readable().await,
        }
    }

    fn try_io<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Udp(socket) => socket.try_io(Interest::READABLE, read),
            Self::Unix(socket) => socket.socket().try_io(Interest::READABLE, read),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Udp(socket) => socket
                .local_addr()
                .map_or_else(|_| String::new(), |it| it.to_string()),
            Self::Unix(socket) => socket.path().display().to_string(),
        }
    }
}

impl DatagramServer {
    /// # Errors
    /// When the system refuses what the options ask of the socket.
    pub(super) fn new(socket: Socket, reader: Reader) -> Result<Self, BindError> {
        let refused = |error: rustix::io::Errno| BindError {
            target: socket.name(),
            problem: error.to_string(),
        };
        let asked = reader.options.receive_buffer_bytes;
        if asked > 0 {
            sockopt::set_socket_recv_buffer_size(socket.fd(), asked).map_err(refused)?;
            // The kernel doubles what it grants, for its own use.
            let granted = sockopt::socket_recv_buffer_size(socket.fd()).map_err(refused)? / 2;
            if granted < asked {
                warn!(
                    asked,
                    granted,
                    "the receive buffer is smaller than asked for: raise net.core.rmem_max"
                );
            }
        }
        #[cfg(target_os = "linux")]
        if reader.options.origin_detection && matches!(socket, Socket::Unix(_)) {
            sockopt::set_socket_passcred(socket.fd(), true).map_err(refused)?;
        }
        let drops = match &socket {
            Socket::Udp(udp) => {
                let is_ipv6 = udp.local_addr().is_ok_and(|it| it.is_ipv6());
                KernelDrops::of(udp, is_ipv6, &reader.telemetry)
            }
            Socket::Unix(_) => None,
        };
        Ok(Self {
            drops,
            barrier: reader.handle.barrier(),
            socket,
            reader,
        })
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Udp(socket) => socket.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    pub(super) const fn transport(&self) -> Transport {
        match &self.socket {
            Socket::Udp(_) => Transport::Udp,
            Socket::Unix(_) => Transport::UnixDatagram,
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.socket {
            Socket::Udp(_) => None,
            Socket::Unix(socket) => Some(socket.path()),
        }
    }

    pub(super) fn drops(&self) -> Option<KernelDrops> {
        self.drops.clone()
    }

    pub(super) async fn serve(mut self, drain: Drain) {
        // One byte more than counts shows that a datagram was cut where the system does not say so.
        let mut buffer = vec![0; self.reader.options.buffer_bytes + 1];
        let wait = self.reader.transport.wait();
        let mut count = interval(COUNT_EVERY);
        count.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                readable = self.socket.readable() => {
                    let read = match readable {
                        Ok(()) => {
                            let ready = |buffer: &mut [u8]| self.socket.try_io(|| self.receive(buffer));
                            self.read_batch(&mut buffer, wait, ready).await
                        }
                        Err(error) => Err(error),
                    };
                    if let Err(error) = read {
                        self.reader.pause(&error).await;
                    }
                }
                token = self.barrier.raised() => {
                    self.read_all(&mut buffer).await;
                    self.count_drops();
                    drop(token);
                }
                _ = count.tick() => self.count_drops(),
                _ = drain.signalled() => break,
            }
        }
        self.read_all(&mut buffer).await;
        self.count_drops();
    }

    fn count_drops(&self) {
        if let Some(drops) = &self.drops {
            drops.count();
        }
    }

    /// Reads what is there, and waits for room for it. Asks the system itself: the runtime may not know yet what has
    /// arrived.
    async fn read_all(&self, buffer: &mut [u8]) {
        let mut packets = 0;
        while packets < DRAIN_PACKETS {
            let read = self.read_batch(buffer, Wait::ForRoom, |buffer| self.receive(buffer));
            match read.await {
                Ok(0) => return,
                Ok(read) => packets += read,
                Err(error) => return self.reader.pause(&error).await,
            }
        }
    }

    /// Hands on the datagrams that are there, as many as go together; returns how many.
    async fn read_batch(
        &self,
        buffer: &mut [u8],
        wait: Wait,
        receive: impl Fn(&mut [u8]) -> io::Result<Received>,
    ) -> io::Result<usize> {
        let reader = &self.reader;
        let mut batch = Batch::new(reader.transport);
        let mut read = 0;
        let mut failed = None;
        while read < reader.options.batch {
            let received = match receive(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            read += 1;
            reader.bytes.add(received.len as u64);
            if received.is_cut {
                reader.truncated.add(1);
            }
            let packet = buffer.get(..received.len).unwrap_or_default();
            reader.forward(packet);
            batch.push(reader.whole_lines(packet, received.is_cut), received.sender);
        }
        reader.packets.add(read as u64);
        if !batch.is_empty() {
            reader.handle.take(batch, wait).await;
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(read),
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let limit = buffer.len().saturating_sub(1);
        let mut space = [std::mem::MaybeUninit::uninit(); 128];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let message = rustix::net::recvmsg(
            self.socket.fd(),
            &mut [io::IoSliceMut::new(buffer)],
            &mut ancillary,
            RecvFlags::empty(),
        )?;
        let is_cut = message.flags.contains(ReturnFlags::TRUNC) || message.bytes > limit;
        Ok(Received {
            len: message.bytes.min(limit),
            is_cut,
            sender: self.reader.senders.of(&mut ancillary),
        })
    }
}
