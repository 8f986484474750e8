//! The inbound listener in its three modes: fixed port, ephemeral port, Unix socket.
//!
//! Binding happens before anything is announced, so that the caller learns the real address or the error.

pub mod http;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

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
    Tcp(TcpListener),
    /// On a Unix socket, whose file goes when this is dropped.
    Unix(UnixListener, PathBuf),
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
        Target::Tcp { host, port } => TcpListener::bind((host.as_str(), *port))
            .await
            .map(Listener::Tcp)
            .map_err(|error| BindError {
                target: format!("{host}:{port}"),
                problem: error.to_string(),
            }),
        Target::Unix { path, .. } => UnixListener::bind(path)
            .map(|listener| Listener::Unix(listener, path.clone()))
            .map_err(|error| BindError {
                target: path.display().to_string(),
                problem: error.to_string(),
            }),
    }
}

impl Listener {
    /// The real TCP address, with the port that the system chose.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// The path of a Unix socket.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(_, path) => Some(path),
        }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// Those of the system; the caller decides whether to go on.
    pub async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => Ok(Stream::Tcp(listener.accept().await?.0)),
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}
