//! The inbound listener in its three modes: fixed port, ephemeral port, Unix socket.
//!
//! Binding happens before anything is announced, so that the caller learns the real address or the error.
//! It never shares a port with another process and never removes what it did not create.

pub mod http;
pub mod uds;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A TCP port; port 0 lets the system choose one.
    Tcp {
        /// Address or name of the interface.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix stream socket.
    Unix {
        /// Its absolute path, at most 100 bytes.
        path: PathBuf,
        /// Its mode, such as `0o600`.
        mode: u32,
    },
}

/// Why a listener could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("{target}: {problem}")]
pub struct BindError {
    /// The address or path.
    pub target: String,
    /// What went wrong; for a taken port `Address already in use (port 8126)`.
    pub problem: String,
}

/// A bound listener.
#[derive(Debug)]
pub enum Listener {
    /// On a TCP port.
    Tcp(TcpSocket),
    /// On a Unix socket, whose file goes when this is dropped.
    Unix(uds::UnixSocket),
}

/// A bound TCP port.
#[derive(Debug)]
pub struct TcpSocket {
    listener: TcpListener,
    /// The same port on the loopback of IPv6, for clients whose `localhost` is that.
    ipv6: Option<TcpListener>,
}

impl TcpSocket {
    /// Where it could be had: another process may have the port there, or the machine no IPv6.
    async fn with_ipv6(listener: TcpListener) -> Self {
        let ipv6 = match listener.local_addr() {
            Ok(address) if address.ip() == Ipv4Addr::LOCALHOST => {
                let also = TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await;
                also.inspect_err(|error| tracing::debug!(%address, %error, "not bound on ::1 too"))
                    .ok()
            }
            _ => None,
        };
        Self { listener, ipv6 }
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let also = async {
            match &self.ipv6 {
                Some(ipv6) => ipv6.accept().await,
                None => std::future::pending().await,
            }
        };
        let (stream, _) = tokio::select! {
            accepted = self.listener.accept() => accepted,
            accepted = also => accepted,
        }?;
        // Answers are small and written at once: waiting for more to send only delays them.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// An accepted connection.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// Binds; returns once connections are accepted.
///
/// # Errors
/// Names the target and the system's reason.
pub async fn bind(target: &Target) -> Result<Listener, BindError> {
    match target {
        Target::Tcp { host, port } => {
            let bound = bind_tcp(host, *port).await;
            let listener = bound.map_err(|error| BindError {
                target: authority(host, *port),
                problem: tcp_problem(&error, *port),
            })?;
            Ok(Listener::Tcp(TcpSocket::with_ipv6(listener).await))
        }
        Target::Unix { path, mode } => uds::bind(path, *mode).await.map(Listener::Unix),
    }
}

/// Binds the first address of `host` that this machine has, IPv4 before IPv6.
///
/// A taken port ends the search: going on to the next address would hide the conflict from whoever
/// connects to the first one.
async fn bind_tcp(host: &str, port: u16) -> io::Result<TcpListener> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut result = Err(io::Error::new(
        io::ErrorKind::NotFound,
        "the name has no address",
    ));
    for address in addresses {
        // Sets SO_REUSEADDR on Unix, so that a restart does not wait for old connections, and never SO_REUSEPORT.
        result = TcpListener::bind(address).await;
        match &result {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {}
            _ => break,
        }
    }
    result
}

fn tcp_problem(error: &io::Error, port: u16) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("Address already in use (port {port})"),
        _ => error.to_string(),
    }
}

fn authority(host: &str, port: u16) -> String {
    let bare_ipv6 = host.contains(':') && !host.starts_with('[');
    if bare_ipv6 {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

impl Listener {
    /// The real TCP address, with the port that the system chose.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// The path of a Unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(socket) => Some(socket.path()),
        }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// Those of the system; the caller decides whether to go on.
    pub async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(socket) => socket.accept().await.map(Stream::Tcp),
            Self::Unix(socket) => socket.accept().await.map(Stream::Unix),
        }
    }
}

/// The process at the other end of a Unix socket, as the system names it; an extension of requests that came over one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub pid: u32,
}

impl Stream {
    /// The process at the other end, where the system tells.
    #[must_use]
    pub fn peer(&self) -> Option<Peer> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(stream) => {
                let pid = stream.peer_cred().ok()?.pid()?;
                u32::try_from(pid).ok().map(|pid| Peer { pid })
            }
        }
    }

    /// Waits until something can be read, or the peer is gone; takes nothing.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn readable(&self) -> io::Result<()> {
        loop {
            // A new socket counts as ready until it has been tried once.
            let tried = match self {
                Self::Tcp(stream) => {
                    stream.readable().await?;
                    stream.try_io(Interest::READABLE, || peek(stream))
                }
                Self::Unix(stream) => {
                    stream.readable().await?;
                    stream.try_io(Interest::READABLE, || peek(stream))
                }
            };
            match tried {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                tried => return tried,
            }
        }
    }
}

/// Looks at the next byte without taking it.
fn peek(socket: impl AsFd) -> io::Result<()> {
    rustix::net::recv(socket, &mut [0_u8; 1], RecvFlags::PEEK)?;
    Ok(())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn tcp(host: &str, port: u16) -> Target {
        Target::Tcp {
            host: host.to_owned(),
            port,
        }
    }

    #[tokio::test]
    async fn port_zero_yields_a_port_that_can_be_connected_to() {
        let listener = bind(&tcp("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_ne!(address.port(), 0);
        assert_eq!(address.ip().to_string(), "127.0.0.1");
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        assert_eq!(
            client.unwrap().local_addr().unwrap().ip(),
            address.ip(),
            "connected over loopback"
        );
        assert!(matches!(server.unwrap(), Stream::Tcp(_)));
        assert_eq!(listener.path(), None);
    }

    #[tokio::test]
    async fn taken_port_is_an_error_that_names_the_port() {
        let first = bind(&tcp("127.0.0.1", 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let error = bind(&tcp("127.0.0.1", port)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("127.0.0.1:{port}: Address already in use (port {port})")
        );
    }

    #[tokio::test]
    async fn name_of_the_loopback_is_bound_on_ipv4_first() {
        let listener = bind(&tcp("localhost", 0)).await.unwrap();
        assert!(listener.local_addr().unwrap().is_ipv4());
    }

    #[tokio::test]
    async fn the_loopback_of_ipv4_is_bound_on_ipv6_too_where_the_port_is_free_there() {
        if TcpListener::bind("[::1]:0").await.is_err() {
            // No IPv6 on this machine; that the port of IPv4 is bound all the same is shown by every other test.
            return;
        }
        // Somebody else may have just this port on ::1, but not every one.
        for _ in 0..100 {
            let listener = bind(&tcp("127.0.0.1", 0)).await.unwrap();
            let Listener::Tcp(socket) = &listener else {
                panic!("no TCP");
            };
            if socket.ipv6.is_none() {
                continue;
            }
            let port = listener.local_addr().unwrap().port();
            for host in ["127.0.0.1", "::1"] {
                let client = TcpStream::connect((host, port));
                let (client, server) = tokio::join!(client, listener.accept());
                assert!(matches!(server.unwrap(), Stream::Tcp(_)));
                assert_eq!(client.unwrap().peer_addr().unwrap().port(), port);
            }
            // Only the loopback has two faces.
            let everywhere = bind(&tcp("0.0.0.0", 0)).await.unwrap();
            assert!(matches!(
                everywhere,
                Listener::Tcp(TcpSocket { ipv6: None, .. })
            ));
            return;
        }
        panic!("no port of 100 could be bound on ::1");
    }

    #[tokio::test]
    async fn address_of_another_machine_is_refused_with_the_reason_of_the_system() {
        // 192.0.2.0/24 is reserved for documentation, so no machine has it.
        let error = bind(&tcp("192.0.2.1", 0)).await.unwrap_err();
        assert_eq!(error.target, "192.0.2.1:0");
        assert!(
            error.problem.contains("requested address"),
            "{}",
            error.problem
        );
    }

    #[tokio::test(start_paused = true)]
    async fn stream_is_readable_when_there_is_something_to_read_and_not_before() {
        let listener = bind(&tcp("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let mut server = listener.accept().await.unwrap();
        let wait = std::time::Duration::from_secs(1);
        let timed_out = tokio::time::timeout(wait, server.readable()).await.is_err();
        assert!(timed_out, "nothing was sent");
        client.write_all(b"a").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'a');
        drop(client);
        server.readable().await.unwrap();
        let error = server.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn ipv6_target_is_written_in_brackets() {
        assert_eq!(authority("::1", 8126), "[::1]:8126");
        assert_eq!(authority("[::1]", 8126), "[::1]:8126");
        assert_eq!(authority("localhost", 8126), "localhost:8126");
    }
}
