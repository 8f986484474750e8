//! The other ends: an origin that says what it saw, a proxy, and servers that misbehave byte by byte.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The name that the certificates are made out to, besides `localhost`.
pub(super) const NAME: &str = "intake.test";

/// An authority that nobody knows, with a certificate that it has signed.
pub(super) struct Authority {
    pub(super) pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = root.self_signed(&root_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), NAME.to_owned()];
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &Issuer::new(root, root_key))
            .unwrap();
        Self {
            pem,
            chain: vec![leaf.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    /// A TLS server that speaks these HTTP versions; none: no ALPN at all.
    pub(super) fn acceptor(
        &self,
        protocols: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> TlsAcceptor {
        self.acceptor_with(
            rustls::crypto::aws_lc_rs::default_provider(),
            protocols,
            versions,
        )
    }

    /// A TLS server with this cryptography.
    pub(super) fn acceptor_with(
        &self,
        provider: CryptoProvider,
        protocols: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().into())
            .collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What an origin or a proxy has seen, one text for each request or connection.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A listening server.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Connections, by what was spoken on them.
    pub(super) connections: Seen,
    pub(super) requests: Seen,
}

/// How an origin is spoken to.
pub(super) enum Speech {
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// What ALPN says.
    Tls(TlsAcceptor),
}

/// An HTTP server that answers 200 with the body that it got, and `/moved` with a redirect.
pub(super) async fn origin(speech: Speech) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer {
        address: listener.local_addr().unwrap(),
        connections: Seen::default(),
        requests: Seen::default(),
    };
    let (connections, requests) = (peer.connections.clone(), peer.requests.clone());
    let speech = Arc::new(speech);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (connections, requests) = (connections.clone(), requests.clone());
            let speech = Arc::clone(&speech);
            tokio::spawn(async move {
                match &*speech {
                    Speech::Http1 => serve(stream, false, &connections, requests).await,
                    Speech::Http2 => serve(stream, true, &connections, requests).await,
                    Speech::Tls(acceptor) => {
                        // A client that does not trust us breaks off here.
                        let Ok(stream) = acceptor.accept(stream).await else {
                            return;
                        };
                        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        serve(stream, http2, &connections, requests).await;
                    }
                }
            });
        }
    });
    peer
}

async fn serve<S>(stream: S, http2: bool, connections: &Seen, requests: Seen)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connections.note(if http2 { "http/2" } else { "http/1" }.to_owned());
    let service = service_fn(move |request| {
        let requests = requests.clone();
        async move { Ok::<_, Infallible>(echo(request, &requests).await) }
    });
    let io = TokioIo::new(stream);
    // A client may break off at any time.
    if http2 {
        let server = http2::Builder::new(TokioExecutor::new());
        drop(server.serve_connection(io, service).await);
    } else {
        drop(http1::Builder::new().serve_connection(io, service).await);
    }
}

async fn echo(request: Request<Incoming>, requests: &Seen) -> Response<Full<Bytes>> {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.map_or_else(
            || "-".to_owned(),
            |value| value.to_str().unwrap().to_owned(),
        )
    };
    requests.note(format!(
        "{} {} {:?} host={} proxy-authorization={}",
        request.method(),
        request.uri(),
        request.version(),
        header("host"),
        header("proxy-authorization"),
    ));
    let moved = request.uri().path() == "/moved";
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut response = Response::new(Full::new(body));
    if moved {
        *response.status_mut() = hyper::StatusCode::FOUND;
        response
            .headers_mut()
            .insert("location", "/elsewhere".parse().unwrap());
    }
    response
}

/// A proxy that sends every tunnel to `origin`, whatever name was asked for; with TLS if there is an acceptor.
pub(super) async fn tunnelling_proxy(origin: SocketAddr, tls: Option<TlsAcceptor>) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer {
        address: listener.local_addr().unwrap(),
        connections: Seen::default(),
        requests: Seen::default(),
    };
    let requests = peer.requests.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (requests, tls) = (requests.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    Some(tls) => tunnel(tls.accept(stream).await.unwrap(), origin, &requests).await,
                    None => tunnel(stream, origin, &requests).await,
                }
            });
        }
    });
    peer
}

async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    origin: SocketAddr,
    requests: &Seen,
) {
    requests.note(read_head(&mut stream).await);
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .unwrap();
    let mut origin = TcpStream::connect(origin).await.unwrap();
    // Either side may break off at any time.
    drop(tokio::io::copy_bidirectional(&mut stream, &mut origin).await);
}

/// A server that reads one head and writes one text for each element of a connection's script, then closes.
/// Connections beyond the scripts are closed at once.
pub(super) async fn scripted(scripts: &'static [&'static [&'static str]]) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Peer {
        address: listener.local_addr().unwrap(),
        connections: Seen::default(),
        requests: Seen::default(),
    };
    let (connections, requests) = (peer.connections.clone(), peer.requests.clone());
    tokio::spawn(async move {
        for count in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections.note(count.to_string());
            for answer in *scripts.get(count).unwrap_or(&[].as_slice()) {
                requests.note(read_head(&mut stream).await);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    peer
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}
