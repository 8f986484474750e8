//! Packets that go through the queue together.

use std::sync::Arc;

/// How packets came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP.
    Udp,
    /// A Unix datagram socket.
    UnixDatagram,
    /// A Unix stream socket.
    UnixStream,
    /// A handle in the process.
    Handle,
}

impl Transport {
    /// The word for it in counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::UnixDatagram => "uds_datagram",
            Self::UnixStream => "uds_stream",
            Self::Handle => "handle",
        }
    }

    /// What happens to its packets when the queue is full.
    pub(crate) const fn wait(self) -> Wait {
        match self {
            Self::Udp | Self::Handle => Wait::Never,
            Self::UnixDatagram | Self::UnixStream => Wait::ForRoom,
        }
    }
}

/// What happens when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The packets are dropped and counted.
    Never,
    /// Whoever reads waits, and with it whoever sends.
    ForRoom,
}

/// Packets one after the other, with what is known of their senders.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) transport: Transport,
    bytes: Vec<u8>,
    /// Where each packet ends, and its container.
    ends: Vec<(usize, Option<Arc<str>>)>,
}

impl Batch {
    pub(crate) const fn new(transport: Transport) -> Self {
        Self {
            transport,
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, packet: &[u8], sender: Option<Arc<str>>) {
        if !packet.is_empty() {
            self.bytes.extend_from_slice(packet);
            self.ends.push((self.bytes.len(), sender));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many packets.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes that it takes.
    pub(crate) fn cost(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<(usize, Option<Arc<str>>)>()
    }

    pub(crate) fn packets(&self) -> impl Iterator<Item = (&[u8], Option<&str>)> {
        let mut start = 0;
        self.ends.iter().map(move |(end, sender)| {
            let packet = self.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            (packet, sender.as_deref())
        })
    }
}
