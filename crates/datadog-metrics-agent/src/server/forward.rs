//! Sends a copy of every packet to another server of DogStatsD, over UDP.
//!
//! A copy that cannot be sent at once is counted and gone: the other server must not hold this one back.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};
use tracing::warn;

/// Sends copies; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Forward {
    /// `None` where the other server could not be found.
    socket: Option<Arc<UdpSocket>>,
    errors: Series,
}

impl Forward {
    /// To the first address of `host`. One that has none is warned of, and each copy counts as an error.
    pub(crate) async fn connect(host: &str, port: u16, telemetry: &Telemetry) -> Self {
        let socket = match connected(host, port).await {
            Ok(socket) => Some(Arc::new(socket)),
            Err(error) => {
                warn!(host, port, %error, "packets cannot be forwarded");
                None
            }
        };
        Self {
            socket,
            errors: telemetry.series(Metric::MetricsForwardErrors, &[]),
        }
    }

    pub(super) fn send(&self, packet: &[u8]) {
        let sent = self.socket.as_ref().map(|socket| socket.send(packet));
        if !matches!(sent, Some(Ok(_))) {
            self.errors.add(1);
        }
    }
}

async fn connected(host: &str, port: u16) -> io::Result<UdpSocket> {
    let mut addresses = tokio::net::lookup_host((host, port)).await?;
    let address = addresses.next().ok_or(io::ErrorKind::NotFound)?;
    let own = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(own)?;
    socket.set_nonblocking(true)?;
    socket.connect(address)?;
    Ok(socket)
}
