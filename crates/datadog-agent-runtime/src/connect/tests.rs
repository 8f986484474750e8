//! The client against real sockets: TLS servers, proxies, and connections that die.

mod peers;

use std::io::Write as _;

use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper_util::client::legacy::connect::Connection as _;
use rustls::SupportedCipherSuite;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpListener;
use tower_service::Service as _;

use self::peers::{Authority, NAME, Peer, Speech, origin, scripted, tunnelling_proxy};
use super::*;

const BOTH: [&rustls::SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

fn client(config: ConnectConfig) -> Client {
    Client::new(config).unwrap()
}

/// A configuration that trusts `authority`; keep the file.
fn trusting(authority: &Authority) -> (ConnectConfig, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(authority.pem.as_bytes()).unwrap();
    let config = ConnectConfig {
        tls_extra_roots: Some(file.path().to_owned()),
        ..ConnectConfig::default()
    };
    (config, file)
}

fn post(uri: impl Into<String>) -> Request<Full<Bytes>> {
    Request::post(uri.into())
        .header("dd-api-key", "the-secret-key")
        .body(Full::from("the-body"))
        .unwrap()
}

/// Sends a request and reads its answer to the end.
async fn exchange(client: &Client, uri: impl Into<String>) -> Result<(u16, String), SendError> {
    let response = client.send(post(uri)).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

async fn failure(client: &Client, uri: impl Into<String>) -> (SendErrorKind, String) {
    let error = exchange(client, uri).await.unwrap_err();
    let text = error.to_string();
    assert!(!text.contains("the-secret-key"), "{text}");
    assert!(!text.contains("the-body"), "{text}");
    (error.kind(), text)
}

fn echoed() -> (u16, String) {
    (200, "the-body".to_owned())
}

fn plain(peer: &Peer, path: &str) -> String {
    format!("http://{}{path}", peer.address)
}

fn secure(peer: &Peer) -> String {
    format!("https://localhost:{}/", peer.address.port())
}

#[tokio::test]
async fn http2_is_spoken_where_the_server_offers_it() {
    let authority = Authority::new();
    for (protocol, offered, spoken) in [
        (HttpProtocol::Auto, ["h2", "http/1.1"].as_slice(), "http/2"),
        (HttpProtocol::Auto, &["http/1.1"], "http/1"),
        (HttpProtocol::Auto, &[], "http/1"),
        (HttpProtocol::Http1, &["h2", "http/1.1"], "http/1"),
        (HttpProtocol::Http2, &["h2", "http/1.1"], "http/2"),
    ] {
        let server = origin(Speech::Tls(authority.acceptor(offered, &BOTH))).await;
        let (config, _file) = trusting(&authority);
        let client = client(ConnectConfig { protocol, ..config });
        assert_eq!(exchange(&client, secure(&server)).await.unwrap(), echoed());
        assert_eq!(
            server.connections.all(),
            [spoken],
            "{protocol:?} {offered:?}"
        );
    }
}

#[tokio::test]
async fn server_without_http2_is_refused_when_only_http2_is_wanted() {
    let authority = Authority::new();
    let server = origin(Speech::Tls(authority.acceptor(&[], &BOTH))).await;
    let (config, _file) = trusting(&authority);
    let client = client(ConnectConfig {
        protocol: HttpProtocol::Http2,
        ..config
    });
    let (kind, text) = failure(&client, secure(&server)).await;
    assert_eq!(kind, SendErrorKind::Tls);
    assert_eq!(text, "tls to localhost: the server has no HTTP/2");
}

#[tokio::test]
async fn unknown_authority_is_refused_unless_checks_are_skipped() {
    let authority = Authority::new();
    let server = origin(Speech::Tls(authority.acceptor(&[], &BOTH))).await;
    let (other, _file) = trusting(&Authority::new());
    let (kind, text) = failure(&client(other.clone()), secure(&server)).await;
    assert_eq!(kind, SendErrorKind::Tls);
    assert!(
        text.starts_with("tls to localhost: invalid peer certificate"),
        "{text}"
    );
    assert_eq!(server.requests.all(), [""; 0]);
    let skipping = client(ConnectConfig {
        tls_verification: TlsVerification::Skipped,
        ..other
    });
    assert_eq!(
        exchange(&skipping, secure(&server)).await.unwrap(),
        echoed()
    );
}

#[tokio::test]
async fn certificate_of_another_host_is_refused() {
    let authority = Authority::new();
    let server = origin(Speech::Tls(authority.acceptor(&[], &BOTH))).await;
    let (config, _file) = trusting(&authority);
    let uri = format!("https://{}/", server.address);
    let (kind, text) = failure(&client(config), uri).await;
    assert_eq!(kind, SendErrorKind::Tls);
    assert!(
        text.starts_with("tls to 127.0.0.1: invalid peer certificate"),
        "{text}"
    );
}

/// Whether a request comes through to a TLS 1.3 server with nothing but this suite and this group.
async fn reaches(suite: SupportedCipherSuite, group: &'static dyn SupportedKxGroup) -> bool {
    let authority = Authority::new();
    let provider = CryptoProvider {
        cipher_suites: vec![suite],
        kx_groups: vec![group],
        ..aws_lc_rs::default_provider()
    };
    let acceptor = authority.acceptor_with(provider, &[], &[&TLS13]);
    let server = origin(Speech::Tls(acceptor)).await;
    let (config, _file) = trusting(&authority);
    let client = client(config);
    exchange(&client, secure(&server)).await.is_ok()
}

#[tokio::test]
async fn a_fips_build_speaks_only_what_is_approved() {
    use aws_lc_rs::cipher_suite::{TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256};
    use aws_lc_rs::kx_group::{SECP256R1, X25519};
    assert!(reaches(TLS13_AES_256_GCM_SHA384, SECP256R1).await);
    let others = [
        reaches(TLS13_CHACHA20_POLY1305_SHA256, SECP256R1).await,
        reaches(TLS13_AES_256_GCM_SHA384, X25519).await,
    ];
    assert_eq!(others, [!is_fips(); 2]);
}

#[tokio::test]
async fn older_tls_than_the_minimum_is_refused() {
    let authority = Authority::new();
    let server = origin(Speech::Tls(authority.acceptor(&[], &[&TLS12]))).await;
    let (config, _file) = trusting(&authority);
    let modern = client(ConnectConfig {
        tls_min_version: TlsVersion::V1_3,
        ..config.clone()
    });
    assert_eq!(
        failure(&modern, secure(&server)).await.0,
        SendErrorKind::Tls
    );
    let default = client(config);
    assert_eq!(exchange(&default, secure(&server)).await.unwrap(), echoed());
}

#[tokio::test]
async fn plain_targets_are_spoken_to_in_http1_unless_http2_is_wanted() {
    let old = origin(Speech::Http1).await;
    let auto = client(ConnectConfig::default());
    assert_eq!(
        exchange(&auto, plain(&old, "/a?b=c")).await.unwrap(),
        echoed()
    );
    let expected = format!(
        "POST /a?b=c HTTP/1.1 host={} proxy-authorization=-",
        old.address
    );
    assert_eq!(old.requests.all(), [expected]);
    let new = origin(Speech::Http2).await;
    let http2 = client(ConnectConfig {
        protocol: HttpProtocol::Http2,
        ..ConnectConfig::default()
    });
    assert_eq!(exchange(&http2, plain(&new, "/")).await.unwrap(), echoed());
    assert_eq!(exchange(&http2, plain(&new, "/")).await.unwrap(), echoed());
    assert_eq!(new.connections.all(), ["http/2"]);
}

#[tokio::test]
async fn secure_target_is_reached_through_a_tunnel() {
    let authority = Authority::new();
    let speech = Speech::Tls(authority.acceptor(&["h2", "http/1.1"], &BOTH));
    let server = origin(speech).await;
    let proxy = tunnelling_proxy(server.address, None).await;
    let (config, _file) = trusting(&authority);
    let client = client(ConnectConfig {
        proxy_https: Some(format!("http://us%40er:pass@{}", proxy.address)),
        ..config
    });
    let uri = format!("https://{NAME}/api/v2/logs");
    assert_eq!(exchange(&client, uri.clone()).await.unwrap(), echoed());
    assert_eq!(exchange(&client, uri).await.unwrap(), echoed());
    assert_eq!(
        proxy.requests.all(),
        [format!(
            "CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443\r\nProxy-Authorization: Basic dXNAZXI6cGFzcw==\r\n\r\n"
        )]
    );
    // The version is the older one, and the proxy's password stays with the proxy.
    let request = format!("POST /api/v2/logs HTTP/1.1 host={NAME} proxy-authorization=-");
    assert_eq!(server.requests.all(), [request.as_str(), request.as_str()]);
}

#[tokio::test]
async fn proxy_itself_can_be_secure() {
    let authority = Authority::new();
    let server = origin(Speech::Tls(authority.acceptor(&["http/1.1"], &BOTH))).await;
    let acceptor = authority.acceptor(&["http/1.1"], &BOTH);
    let proxy = tunnelling_proxy(server.address, Some(acceptor)).await;
    let (config, _file) = trusting(&authority);
    let client = client(ConnectConfig {
        proxy_https: Some(format!("https://localhost:{}", proxy.address.port())),
        ..config
    });
    let answer = exchange(&client, format!("https://{NAME}:8443/")).await;
    assert_eq!(answer.unwrap(), echoed());
    assert!(proxy.requests.all()[0].starts_with("CONNECT intake.test:8443 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn connector_for_grpc_tunnels_without_tls_too() {
    let server = origin(Speech::Http2).await;
    let proxy = tunnelling_proxy(server.address, None).await;
    let client = client(ConnectConfig {
        proxy_http: Some(format!("http://{}", proxy.address)),
        ..ConnectConfig::default()
    });
    let uri: hyper::Uri = format!("http://{NAME}/").parse().unwrap();
    let stream = client.connector().http2_only().call(uri).await.unwrap();
    assert!(!stream.connected().is_proxied());
    assert!(proxy.requests.all()[0].starts_with("CONNECT intake.test:80 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn connector_for_grpc_asks_for_http2_through_a_tunnel() {
    let authority = Authority::new();
    let speech = Speech::Tls(authority.acceptor(&["h2", "http/1.1"], &BOTH));
    let server = origin(speech).await;
    let proxy = tunnelling_proxy(server.address, None).await;
    let (config, _file) = trusting(&authority);
    let client = client(ConnectConfig {
        proxy_https: Some(format!("http://{}", proxy.address)),
        ..config
    });
    let uri: hyper::Uri = format!("https://{NAME}/").parse().unwrap();
    let stream = client.connector().http2_only().call(uri.clone()).await;
    assert!(stream.unwrap().connected().is_negotiated_h2());
    let stream = client.connector().call(uri).await;
    assert!(!stream.unwrap().connected().is_negotiated_h2());
}

#[tokio::test]
async fn plain_target_is_asked_of_the_proxy_in_absolute_form() {
    // An origin takes absolute-form too, and tells what it saw.
    let proxy = origin(Speech::Http1).await;
    let client = client(ConnectConfig {
        proxy_http: Some(format!("user:pass@{}", proxy.address)),
        protocol: HttpProtocol::Http2,
        ..ConnectConfig::default()
    });
    let answer = exchange(&client, format!("http://{NAME}/api?x=1")).await;
    assert_eq!(answer.unwrap(), echoed());
    assert_eq!(
        proxy.requests.all(),
        [format!(
            "POST http://{NAME}/api?x=1 HTTP/1.1 host={NAME} proxy-authorization=Basic dXNlcjpwYXNz"
        )]
    );
}

#[tokio::test]
async fn target_on_this_machine_is_reached_without_the_proxy() {
    let server = origin(Speech::Http1).await;
    let proxy = origin(Speech::Http1).await;
    let client = client(ConnectConfig {
        proxy_http: Some(proxy.address.to_string()),
        ..ConnectConfig::default()
    });
    assert_eq!(
        exchange(&client, plain(&server, "/")).await.unwrap(),
        echoed()
    );
    assert_eq!(proxy.requests.all(), [""; 0]);
}

#[tokio::test]
async fn host_on_the_bypass_list_is_reached_without_the_proxy() {
    let server = origin(Speech::Http1).await;
    let proxy = origin(Speech::Http1).await;
    // Leads to this machine, and yet is no loopback address.
    let uri = format!("http://0.0.0.0:{}/", server.address.port());
    let mut config = ConnectConfig {
        proxy_http: Some(proxy.address.to_string()),
        ..ConnectConfig::default()
    };
    exchange(&client(config.clone()), &uri).await.unwrap();
    assert_eq!(proxy.requests.all().len(), 1);
    assert_eq!(server.requests.all().len(), 0);
    config.no_proxy = vec!["0.0.0.0/8".to_owned()];
    exchange(&client(config), &uri).await.unwrap();
    assert_eq!(proxy.requests.all().len(), 1);
    assert_eq!(server.requests.all().len(), 1);
}

#[tokio::test]
async fn refusal_of_the_proxy_is_told_without_its_password() {
    for (answer, expected) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "proxy asks for a user and a password, or refuses the given ones (407)",
        ),
        (
            "HTTP/1.1 503 No\r\n\r\n",
            "proxy refused the tunnel with 503",
        ),
        ("SSH-2.0-dropbear\r\n\r\n", "proxy did not answer in HTTP"),
        (
            "HTTP/1.1 200 OK\r\n",
            "proxy sent no complete answer to CONNECT",
        ),
    ] {
        let answers: &'static [&'static str] = vec![answer].leak();
        let proxy = scripted(vec![answers].leak()).await;
        let client = client(ConnectConfig {
            proxy_https: Some(format!("http://user:pass@{}", proxy.address)),
            ..ConnectConfig::default()
        });
        let (kind, text) = failure(&client, format!("https://{NAME}/")).await;
        assert_eq!((kind, text.as_str()), (SendErrorKind::Proxy, expected));
    }
}

#[tokio::test(start_paused = true)]
async fn silent_proxy_is_given_up_after_the_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client(ConnectConfig {
        proxy_https: Some(listener.local_addr().unwrap().to_string()),
        ..ConnectConfig::default()
    });
    let (kind, text) = failure(&client, format!("https://{NAME}/")).await;
    assert_eq!(kind, SendErrorKind::Timeout);
    assert_eq!(text, "intake.test: no connection within 5s");
}

#[tokio::test]
async fn closed_port_is_a_failure_to_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client(ConnectConfig::default());
    let (kind, text) = failure(&client, format!("http://{address}/")).await;
    assert_eq!(kind, SendErrorKind::Connect);
    assert!(
        text.starts_with(&format!("{address}: Connection refused")),
        "{text}"
    );
}

#[tokio::test]
async fn redirect_is_handed_back_and_not_followed() {
    let server = origin(Speech::Http1).await;
    let client = client(ConnectConfig::default());
    let response = client.send(post(plain(&server, "/moved"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(server.requests.all().len(), 1);
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn reused_connection_that_dies_unanswered_is_replaced_unseen() {
    // The first connection takes a second request and closes without an answer.
    let server = scripted(&[&[OK, ""], &[OK]]).await;
    let client = client(ConnectConfig::default());
    let fine = (200, "ok".to_owned());
    assert_eq!(exchange(&client, plain(&server, "/")).await.unwrap(), fine);
    assert_eq!(exchange(&client, plain(&server, "/")).await.unwrap(), fine);
    assert_eq!(server.requests.all().len(), 3);
    assert_eq!(server.connections.all().len(), 2);
}

#[tokio::test]
async fn connection_closed_while_idle_is_replaced_unseen() {
    let server = scripted(&[&[OK], &[OK], &[OK]]).await;
    let client = client(ConnectConfig::default());
    for _ in 0..3 {
        exchange(&client, plain(&server, "/")).await.unwrap();
    }
    assert_eq!(server.connections.all().len(), 3);
}

#[tokio::test]
async fn fresh_connection_that_dies_unanswered_is_an_error() {
    let server = scripted(&[&[""], &[OK]]).await;
    let client = client(ConnectConfig::default());
    let (kind, _) = failure(&client, plain(&server, "/")).await;
    assert_eq!(kind, SendErrorKind::Reset);
    assert_eq!(server.requests.all().len(), 1);
}

#[tokio::test]
async fn answer_that_is_no_http_is_a_protocol_error_and_not_sent_again() {
    let server = scripted(&[&[OK, "what?\r\n\r\n"], &[OK]]).await;
    let client = client(ConnectConfig::default());
    exchange(&client, plain(&server, "/")).await.unwrap();
    let (kind, _) = failure(&client, plain(&server, "/")).await;
    assert_eq!(kind, SendErrorKind::Protocol);
    assert_eq!(server.connections.all().len(), 1);
}

#[tokio::test]
async fn connection_is_kept_for_the_next_request() {
    let server = origin(Speech::Http1).await;
    let client = client(ConnectConfig::default());
    for _ in 0..3 {
        exchange(&client.clone(), plain(&server, "/"))
            .await
            .unwrap();
    }
    assert_eq!(server.connections.all().len(), 1);
}

#[tokio::test]
async fn connection_over_its_age_is_not_used_again() {
    let server = origin(Speech::Http1).await;
    let client = client(ConnectConfig {
        connection_max_age: Some(Duration::ZERO),
        ..ConnectConfig::default()
    });
    for _ in 0..3 {
        exchange(&client, plain(&server, "/")).await.unwrap();
    }
    assert_eq!(server.connections.all().len(), 3);
}

#[tokio::test]
async fn connection_from_before_a_freeze_is_not_used_again() {
    let server = origin(Speech::Http1).await;
    let client = client(ConnectConfig::default());
    exchange(&client, plain(&server, "/")).await.unwrap();
    // As if the machine had been frozen: an hour by the wall clock, nothing by the other.
    client.shared.pool.lock().unwrap().last_used.wall -= Duration::from_secs(3_600);
    exchange(&client, plain(&server, "/")).await.unwrap();
    assert_eq!(server.connections.all().len(), 2);
}

#[test]
fn unusable_certificate_file_is_an_error_that_names_it() {
    let refused = |path: &std::path::Path| {
        let config = ConnectConfig {
            tls_extra_roots: Some(path.to_owned()),
            ..ConnectConfig::default()
        };
        Client::new(config).unwrap_err().to_string()
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let named = |problem: &str| format!("certificate file {}: {problem}", file.path().display());
    assert_eq!(refused(file.path()), named("holds no certificate"));
    let missing = file.path().with_extension("missing");
    assert!(
        refused(&missing).contains("No such file"),
        "{}",
        refused(&missing)
    );
    let broken = named("holds a certificate that cannot be used");
    file.as_file_mut()
        .write_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    assert!(
        refused(file.path()).starts_with(&broken),
        "{}",
        refused(file.path())
    );
}

#[test]
fn unusable_proxy_is_an_error_instead_of_a_direct_connection() {
    let config = ConnectConfig {
        proxy_https: Some("http://u:p@:bad".to_owned()),
        ..ConnectConfig::default()
    };
    let error = Client::new(config).unwrap_err().to_string();
    assert!(error.starts_with("proxy http://***@:bad: "), "{error}");
}

#[tokio::test]
async fn a_body_is_sent_while_it_is_read_and_a_read_that_fails_ends_the_request() {
    struct Pieces(Vec<Result<&'static str, io::Error>>);
    impl hyper::body::Body for Pieces {
        type Data = Bytes;
        type Error = io::Error;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, io::Error>>> {
            let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
            std::task::Poll::Ready(
                piece.map(|it| it.map(|it| hyper::body::Frame::data(Bytes::from(it)))),
            )
        }
    }
    let server = origin(Speech::Http1).await;
    let client = client(ConnectConfig::default());
    let send = async |pieces| {
        let body = Body::streaming(Pieces(pieces));
        let request = Request::post(plain(&server, "/")).body(body).unwrap();
        client.send_streaming(request).await
    };
    let answer = send(vec![Ok("the-"), Ok("body")]).await.unwrap();
    let echoed = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(echoed, "the-body");
    let broken = send(vec![Ok("the-"), Err(io::Error::other("the client left"))]).await;
    assert!(broken.unwrap_err().to_string().contains("the client left"));
}
