//! The sockets of DogStatsD: UDP, Unix datagrams, Unix streams.
//!
//! A socket is read in batches into a buffer that is used again; what was read goes to the queue as it is, for the
//! aggregator's task to take apart. UDP datagrams for which there is no room are dropped and counted; Unix sockets are
//! then not read, and their clients wait or drop for themselves. Before a flush, each socket is read until it is empty.
//! Knows no message.

#[cfg(any(test, fuzzing))]
pub mod checks;
mod datagram;
mod forward;
mod frames;
mod kernel;
mod sender;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datadog_agent_runtime::bind::{self, BindError, Listener, Target, uds};
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};
use tokio::net::UdpSocket;
use tracing::warn;

use self::datagram::{DatagramServer, Socket};
pub(crate) use self::forward::Forward;
pub(crate) use self::kernel::KernelDrops;
use self::sender::Senders;
use self::stream::StreamServer;
use crate::aggregator::service::{AggregatorHandle, Transport};

/// Mode of Unix sockets: everyone may write.
const SOCKET_MODE: u32 = 0o722;
/// Pause after an error of reading or accepting.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// UDP; port 0 lets the system choose.
    Udp {
        /// Address or name of the interface.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix datagram socket at this path.
    UnixDatagram(PathBuf),
    /// A Unix stream socket at this path, with the length of each frame in front of it.
    UnixStream(PathBuf),
    /// A named pipe of Windows, which no other system has.
    Pipe(String),
}

/// How sockets are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a datagram or frame; of a longer datagram the rest is lost, a longer frame ends its connection.
    /// Default: 8192.
    pub buffer_bytes: usize,
    /// Datagrams that are handed on together at most. Default: 32.
    pub batch: usize,
    /// Receive buffer of the sockets in bytes. Default: 0, which leaves it to the system.
    pub receive_buffer_bytes: usize,
    /// Whether the container of a sender is found out. Default: no.
    pub origin_detection: bool,
    /// Whether the last line of a UDP datagram must have an end, and is dropped else. Default: no.
    pub udp_eol_required: bool,
    /// The same for Unix sockets.
    pub uds_eol_required: bool,
    /// Whether the head of a frame that was too large is logged. Default: no.
    pub log_too_big: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            buffer_bytes: 8_192,
            batch: 32,
            receive_buffer_bytes: 0,
            origin_detection: false,
            udp_eol_required: false,
            uds_eol_required: false,
            log_too_big: false,
        }
    }
}

/// A server that is bound and not yet read from.
#[derive(Debug)]
pub(crate) enum Server {
    Datagrams(DatagramServer),
    Streams(StreamServer),
}

impl Server {
    /// Binds.
    ///
    /// # Errors
    /// Names the address or path and the reason.
    pub(crate) async fn bind(
        listen: &Listen,
        options: Options,
        handle: AggregatorHandle,
        telemetry: &Telemetry,
        forward: Option<&Forward>,
    ) -> Result<Self, BindError> {
        let reader = |transport| {
            Reader::new(
                transport,
                options,
                handle.clone(),
                telemetry,
                forward.cloned(),
            )
        };
        match listen {
            Listen::Udp { host, port } => {
                let socket = bind_udp(host, *port).await?;
                let reader = reader(Transport::Udp);
                DatagramServer::new(Socket::Udp(socket), reader).map(Self::Datagrams)
            }
            Listen::UnixDatagram(path) => {
                let socket = uds::bind_datagram(path, SOCKET_MODE).await?;
                let reader = reader(Transport::UnixDatagram);
                DatagramServer::new(Socket::Unix(socket), reader).map(Self::Datagrams)
            }
            Listen::UnixStream(path) => {
                let target = Target::Unix {
                    path: path.clone(),
                    mode: SOCKET_MODE,
                };
                let listener = bind::bind(&target).await?;
                let reader = reader(Transport::UnixStream);
                Ok(Self::Streams(StreamServer::new(listener, reader)))
            }
            Listen::Pipe(name) => Err(BindError {
                target: format!(r"\\.\pipe\{name}"),
                problem: "named pipes are not supported on this platform".to_owned(),
            }),
        }
    }

    /// The address of UDP.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Datagrams(server) => server.local_addr(),
            Self::Streams(_) => None,
        }
    }

    /// How its packets come.
    pub(crate) const fn transport(&self) -> Transport {
        match self {
            Self::Datagrams(server) => server.transport(),
            Self::Streams(_) => Transport::UnixStream,
        }
    }

    /// The path of a Unix socket.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Datagrams(server) => server.path(),
            Self::Streams(server) => server.path(),
        }
    }

    /// What tells of the datagrams that the system drops.
    pub(crate) fn drops(&self) -> Option<KernelDrops> {
        match self {
            Self::Datagrams(server) => server.drops(),
            Self::Streams(_) => None,
        }
    }

    /// Reads until the signal to stop, and then what is there.
    pub(crate) async fn serve(self, drain: Drain) {
        match self {
            Self::Datagrams(server) => server.serve(drain).await,
            Self::Streams(server) => server.serve(drain).await,
        }
    }
}

/// What reading any socket needs.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    transport: Transport,
    options: Options,
    handle: AggregatorHandle,
    senders: Senders,
    packets: Series,
    bytes: Series,
    truncated: Series,
    errors: Series,
    telemetry: Telemetry,
    forward: Option<Forward>,
}

impl Reader {
    fn new(
        transport: Transport,
        options: Options,
        handle: AggregatorHandle,
        telemetry: &Telemetry,
        forward: Option<Forward>,
    ) -> Self {
        let series = |metric| telemetry.series(metric, &[("transport", transport.name())]);
        Self {
            transport,
            options,
            handle,
            senders: Senders::new(telemetry),
            packets: series(Metric::MetricsPackets),
            bytes: series(Metric::MetricsBytesReceived),
            truncated: series(Metric::MetricsPacketsTruncated),
            errors: series(Metric::MetricsReadErrors),
            telemetry: telemetry.clone(),
            forward,
        }
    }

    /// Sends a copy of a packet on, if that is asked for.
    fn forward(&self, packet: &[u8]) {
        if let Some(forward) = &self.forward {
            forward.send(packet);
        }
    }

    const fn eol_required(&self) -> bool {
        match self.transport {
            Transport::Udp => self.options.udp_eol_required,
            _ => self.options.uds_eol_required,
        }
    }

    /// The part of a packet that counts: without a last line that had to have an end, or was cut.
    fn whole_lines<'a>(&self, packet: &'a [u8], is_cut: bool) -> &'a [u8] {
        if !is_cut && !self.eol_required() {
            return packet;
        }
        let end = memchr::memrchr(b'\n', packet).map_or(0, |end| end + 1);
        packet.get(..end).unwrap_or_default()
    }

    /// Counts an error and waits, so that one that stays takes no processor.
    async fn pause(&self, error: &io::Error) {
        if self.errors.get().is_power_of_two() || self.errors.get() == 0 {
            warn!(transport = self.transport.name(), %error, "cannot read from a socket");
        }
        self.errors.add(1);
        tokio::time::sleep(ERROR_PAUSE).await;
    }
}

/// Binds the first address of `host` that this machine has, IPv4 before IPv6.
async fn bind_udp(host: &str, port: u16) -> Result<UdpSocket, BindError> {
    let refused = |error: io::Error| BindError {
        target: format!("{host}:{port}"),
        problem: match error.kind() {
            io::ErrorKind::AddrInUse => format!("Address already in use (port {port})"),
            _ => error.to_string(),
        },
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = tokio::net::lookup_host((bare, port)).await;
    let mut addresses: Vec<SocketAddr> = addresses.map_err(refused)?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut result = Err(io::Error::new(
        io::ErrorKind::NotFound,
        "the name has no address",
    ));
    for address in addresses {
        result = UdpSocket::bind(address).await;
        match &result {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {}
            _ => break,
        }
    }
    result.map_err(refused)
}

/// The path of a listener.
fn path_of(listener: &Listener) -> Option<&Path> {
    listener.path()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_stored_inputs_of_the_fuzz_target_pass_its_check() {
        let corpus =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/dogstatsd_framing");
        let mut inputs = 0;
        for file in std::fs::read_dir(corpus).unwrap() {
            checks::stream(&std::fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 6, "the corpus is where it should be");
    }
}
