//! TLS to intakes and proxies: rustls over the cryptography of this build.
//!
//! The platform's certificate store is read once, at the first connection that needs it: a process that never
//! connects does not pay for it, and start-up does not wait for it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{
    ConnectConfig, ConnectError, DialError, SendErrorKind, TlsVerification, TlsVersion,
    crypto as cryptography,
};

/// The HTTP versions that we offer in a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// HTTP/2, or HTTP/1.1 where the other end has no HTTP/2.
    Either,
    Http1,
    Http2,
}

/// How TLS is spoken; the expensive part is made on first use.
#[derive(Debug)]
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    extra_roots: Vec<CertificateDer<'static>>,
    verification: TlsVerification,
    min_version: TlsVersion,
    configs: OnceCell<Configs>,
}

/// One configuration for each offer, all with the same roots and sessions.
#[derive(Debug)]
struct Configs {
    either: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl Tls {
    /// Checks the extra roots; reads nothing of the platform yet.
    pub(super) fn new(config: &ConnectConfig) -> Result<Self, ConnectError> {
        if config.tls_verification == TlsVerification::Skipped {
            tracing::warn!(
                "certificates are not checked: anyone between here and the intake can read and change what is sent, the API key included"
            );
        }
        let extra_roots = match &config.tls_extra_roots {
            Some(path) => read_roots(path).map_err(|problem| ConnectError::Roots {
                path: path.clone(),
                problem,
            })?,
            None => Vec::new(),
        };
        Ok(Self {
            provider: cryptography::provider()?,
            extra_roots,
            verification: config.tls_verification,
            min_version: config.tls_min_version,
            configs: OnceCell::new(),
        })
    }

    /// Makes a connection to `host` secure. `host` is a name or an address, with or without brackets.
    pub(super) async fn secure<S>(
        &self,
        stream: S,
        host: &str,
        offer: Offer,
    ) -> Result<TlsStream<S>, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| failed(host, "no certificate can have this name"))?;
        let configs = self
            .configs
            .get_or_try_init(|| self.configs())
            .await
            .map_err(|problem| failed(host, problem))?;
        let config = match offer {
            Offer::Either => &configs.either,
            Offer::Http1 => &configs.http1,
            Offer::Http2 => &configs.http2,
        };
        let stream = TlsConnector::from(Arc::clone(config))
            .connect(name, stream)
            .await
            .map_err(|error| DialError::new(kind_of(&error), format!("tls to {host}: {error}")))?;
        let speaks_http2 = is_http2(&stream);
        if offer == Offer::Http2 && !speaks_http2 {
            return Err(failed(host, "the server has no HTTP/2"));
        }
        Ok(stream)
    }

    async fn configs(&self) -> Result<Configs, String> {
        let versions: &[&rustls::SupportedProtocolVersion] = match self.min_version {
            TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            TlsVersion::V1_3 => &[&rustls::version::TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?;
        let config = match self.verification {
            TlsVerification::Full => builder.with_root_certificates(self.roots().await?),
            TlsVerification::Skipped => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(NoCheck(Arc::clone(&self.provider)))),
        }
        .with_no_client_auth();
        cryptography::check_config(&config).map_err(|error| error.to_string())?;
        let offering = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            Arc::new(config)
        };
        Ok(Configs {
            either: offering(&[b"h2", b"http/1.1"]),
            http1: offering(&[b"http/1.1"]),
            http2: offering(&[b"h2"]),
        })
    }

    /// The roots of the platform and the extra ones.
    async fn roots(&self) -> Result<RootCertStore, String> {
        let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
            .await
            .map_err(|error| error.to_string())?;
        let mut roots = RootCertStore::empty();
        // Stores of real machines hold a few certificates that nobody can read; that is no reason to stop.
        let (_, unusable) = roots.add_parsable_certificates(loaded.certs);
        roots.add_parsable_certificates(self.extra_roots.iter().cloned());
        if unusable > 0 || !loaded.errors.is_empty() {
            tracing::debug!(
                unusable,
                errors = loaded.errors.len(),
                "part of the platform's certificates were not read"
            );
        }
        if roots.is_empty() {
            return Err("no root certificate was found on this machine".to_owned());
        }
        Ok(roots)
    }
}

/// Whether HTTP/2 was agreed upon.
pub(super) fn is_http2<S>(stream: &TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

/// What a failed handshake or a broken TLS connection is to our caller.
pub(super) fn kind_of(error: &io::Error) -> SendErrorKind {
    let by_tls = error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>());
    match error.kind() {
        _ if by_tls => SendErrorKind::Tls,
        io::ErrorKind::TimedOut => SendErrorKind::Timeout,
        _ => SendErrorKind::Reset,
    }
}

fn failed(host: &str, problem: impl std::fmt::Display) -> DialError {
    DialError::new(SendErrorKind::Tls, format!("tls to {host}: {problem}"))
}

/// Reads all certificates of a PEM file, each usable as a root.
fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("not a PEM file: {error}"))?;
    if roots.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    let mut store = RootCertStore::empty();
    for root in &roots {
        store
            .add(root.clone())
            .map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    Ok(roots)
}

/// Accepts every certificate, and checks only that the other end has its key.
#[derive(Debug)]
struct NoCheck(Arc<CryptoProvider>);

impl ServerCertVerifier for NoCheck {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_certificate_store_is_read_before_the_first_connection() {
        let tls = Tls::new(&ConnectConfig::default()).unwrap();
        assert!(tls.configs.get().is_none());
    }

    #[tokio::test]
    async fn host_that_no_certificate_can_have_is_refused() {
        let tls = Tls::new(&ConnectConfig::default()).unwrap();
        let (stream, _peer) = tokio::io::duplex(64);
        let error = tls.secure(stream, "a b", Offer::Http1).await.unwrap_err();
        assert_eq!(error.kind(), SendErrorKind::Tls);
        assert_eq!(
            error.to_string(),
            "tls to a b: no certificate can have this name"
        );
    }
}
