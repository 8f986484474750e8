//! Which proxy a request goes through, if any, and how to open a tunnel through it.
//!
//! The choice is made for each target host, with no name looked up for it. A target on this machine or its link is
//! never proxied. Nothing here reads a proxy variable.

use std::fmt;

use hyper::Uri;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::bypass::is_local;
use super::{Bypass, ConnectError, DialError, SendErrorKind};

/// The longest answer to CONNECT that is read.
const MAX_ANSWER_BYTES: usize = 8 * 1_024;

/// The proxies and the hosts that are reached without them.
#[derive(Debug)]
pub(super) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    bypass: Bypass,
}

/// One proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    /// Whether we speak TLS to the proxy itself.
    pub(super) secure: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("secure", &self.secure)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Proxies {
    pub(super) fn new(
        https: Option<&str>,
        http: Option<&str>,
        bypass: Bypass,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            https: https.map(Proxy::parse).transpose()?,
            http: http.map(Proxy::parse).transpose()?,
            bypass,
        })
    }

    /// The proxy for `uri`; `None` to connect to its host.
    pub(super) fn route(&self, uri: &Uri) -> Option<&Proxy> {
        let (proxy, default_port) = match uri.scheme_str() {
            Some("https") => (self.https.as_ref()?, 443),
            _ => (self.http.as_ref()?, 80),
        };
        let host = uri.host()?;
        let port = uri.port_u16().unwrap_or(default_port);
        let direct = is_local(host) || self.bypass.covers(host, port);
        (!direct).then_some(proxy)
    }
}

impl Proxy {
    /// Reads `[http[s]://][user:password@]host[:port]`.
    fn parse(text: &str) -> Result<Self, ConnectError> {
        Self::read(text.trim()).map_err(|problem| ConnectError::Proxy {
            url: masked(text.trim()),
            problem,
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("only http:// and https:// proxies are supported".to_owned()),
        };
        let (userinfo, address) = match rest.rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo), address),
            None => (None, rest),
        };
        let authority: hyper::http::uri::Authority = address
            .strip_suffix('/')
            .unwrap_or(address)
            .parse()
            .map_err(|_| "not a host with a port".to_owned())?;
        if authority.host().is_empty() {
            return Err("the host is empty".to_owned());
        }
        let has_port = authority.as_str().len() > authority.host().len();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if has_port => return Err("the port is not a number up to 65535".to_owned()),
            None if secure => 443,
            None => 80,
        };
        Ok(Self {
            secure,
            host: authority.host().to_owned(),
            port,
            authorization: userinfo.map(basic).transpose()?,
        })
    }

    /// Asks the proxy for a connection to `target`, `host:port`.
    pub(super) async fn tunnel<S>(&self, stream: &mut S, target: &str) -> Result<(), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let broken =
            |error: std::io::Error| DialError::new(SendErrorKind::Proxy, format!("proxy: {error}"));
        let mut ask = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(value) = &self.authorization {
            ask.extend_from_slice(b"Proxy-Authorization: ");
            ask.extend_from_slice(value.as_bytes());
            ask.extend_from_slice(b"\r\n");
        }
        ask.extend_from_slice(b"\r\n");
        stream.write_all(&ask).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut answer = Vec::new();
        let mut part = [0; 1_024];
        while !answer.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut part).await.map_err(broken)?;
            answer.extend_from_slice(part.get(..read).unwrap_or_default());
            if read == 0 || answer.len() > MAX_ANSWER_BYTES {
                return Err(refused("proxy sent no complete answer to CONNECT"));
            }
        }
        match status_of(&answer) {
            Some(200..=299) => Ok(()),
            Some(407) => Err(refused(
                "proxy asks for a user and a password, or refuses the given ones (407)",
            )),
            Some(status) => Err(refused(&format!("proxy refused the tunnel with {status}"))),
            None => Err(refused("proxy did not answer in HTTP")),
        }
    }
}

fn refused(problem: &str) -> DialError {
    DialError::new(SendErrorKind::Proxy, problem.to_owned())
}

fn status_of(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.")?;
    std::str::from_utf8(rest.get(2..5)?).ok()?.parse().ok()
}

/// `Basic`, from the percent-decoded user and password.
fn basic(userinfo: &str) -> Result<HeaderValue, String> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut pair: Vec<u8> = percent_decode_str(user).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(password));
    let mut value = HeaderValue::try_from(format!("Basic {}", base64(&pair)))
        .map_err(|_| "user and password cannot be sent".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Standard alphabet with padding; the one use of it here does not pay for a dependency.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            if position > chunk.len() {
                text.push('=');
            } else {
                let sextet = (group >> (18 - 6 * position)) & 63;
                text.push(char::from(ALPHABET[sextet as usize]));
            }
        }
    }
    text
}

/// The URL with everything that may be user and password replaced by `***`.
fn masked(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before
                .split_once("://")
                .map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
            format!("{scheme}***@{after}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::NoProxyMatch;
    use super::*;

    fn proxies(https: Option<&str>, http: Option<&str>, no_proxy: &[&str]) -> Proxies {
        Proxies::new(
            https,
            http,
            Bypass::new(no_proxy.iter().copied(), NoProxyMatch::Standard),
        )
        .unwrap()
    }

    fn is_proxied(proxies: &Proxies, uri: &str) -> bool {
        proxies.route(&uri.parse().unwrap()).is_some()
    }

    #[test]
    fn choice_is_made_for_each_host_and_not_by_parts_of_its_name() {
        let bypass = ["127.0.0.1", "172.16.0.0/12", "datadoghq.eu"];
        let eu = proxies(Some("my-proxy:3128"), None, &bypass);
        assert!(!is_proxied(&eu, "https://trace.agent.datadoghq.eu/x"));
        assert!(is_proxied(&eu, "https://evil-datadoghq.eu/x"));
        let us3 = proxies(Some("my-proxy:3128"), None, &["us3.datadoghq.com"]);
        assert!(is_proxied(&us3, "https://trace.agent.datadoghq.com"));
        assert!(!is_proxied(&us3, "https://trace.agent.us3.datadoghq.com"));
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let proxies = proxies(Some("s:1"), Some("p:2"), &["direct:8080"]);
        let port = |uri: &str| proxies.route(&uri.parse().unwrap()).map(|proxy| proxy.port);
        assert_eq!(port("https://a.example"), Some(1));
        assert_eq!(port("http://a.example"), Some(2));
        assert_eq!(port("http://direct:8080"), None);
        assert_eq!(port("http://direct"), Some(2));
        assert!(!is_proxied(
            &self::proxies(Some("s:1"), None, &[]),
            "http://a.example"
        ));
    }

    #[test]
    fn loopback_and_link_local_targets_are_never_proxied() {
        let proxies = proxies(Some("s:1"), Some("p:2"), &[]);
        for host in [
            "localhost",
            "LOCALHOST.",
            "intake.localhost",
            "127.0.0.1",
            "127.8.9.10",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "[fe80::1]",
        ] {
            assert!(!is_proxied(&proxies, &format!("https://{host}/")), "{host}");
            assert!(
                !is_proxied(&proxies, &format!("http://{host}:80/")),
                "{host}"
            );
        }
        assert!(is_proxied(&proxies, "https://localhost.example/"));
        assert!(is_proxied(&proxies, "https://128.0.0.1/"));
    }

    #[test]
    fn proxy_is_read_with_its_scheme_port_and_user() {
        let read = |text: &str| Proxy::parse(text).unwrap();
        let proxy = read("https://us%40er:p%3Ass@proxy.example:8443/");
        assert!(proxy.secure);
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example", 8443));
        // `us@er:p:ss`
        assert_eq!(proxy.authorization.unwrap(), "Basic dXNAZXI6cDpzcw==");
        let bare = read("my-proxy:3128");
        assert_eq!(bare, read("http://my-proxy:3128"));
        assert_eq!(bare.authorization, None);
        assert_eq!(read("http://p").port, 80);
        assert_eq!(read("https://p").port, 443);
        assert_eq!(read("http://[fd00::1]:3128").host, "[fd00::1]");
        assert_eq!(
            read("http://token@p").authorization.unwrap(),
            "Basic dG9rZW46"
        );
    }

    #[test]
    fn unusable_proxy_is_refused_with_its_user_masked() {
        let refused = |text: &str| Proxy::parse(text).unwrap_err().to_string();
        assert_eq!(
            refused("http://u:p@:bad"),
            "proxy http://***@:bad: the host is empty"
        );
        assert_eq!(
            refused("socks5://u:p@proxy:1080"),
            "proxy socks5://***@proxy:1080: only http:// and https:// proxies are supported"
        );
        assert_eq!(
            refused("http://proxy:70000"),
            "proxy http://proxy:70000: the port is not a number up to 65535"
        );
        assert_eq!(
            refused("http://proxy/some.pac"),
            "proxy http://proxy/some.pac: not a host with a port"
        );
        assert_eq!(refused("u:p@"), "proxy ***@: not a host with a port");
        assert_eq!(
            refused("http://u:p@@:bad"),
            "proxy http://***@:bad: the host is empty"
        );
        assert_eq!(refused("http://"), "proxy http://: not a host with a port");
    }

    #[test]
    fn user_and_password_are_not_in_the_debug_text() {
        let text = format!("{:?}", Proxy::parse("http://user:pass@p").unwrap());
        assert!(!text.contains("Basic") && !text.contains("user"), "{text}");
    }

    #[test]
    fn base64_agrees_with_the_vectors_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            drop(Proxy::parse(&text));
        }

        #[test]
        fn refusal_never_tells_the_password(password in "[a-zA-Z@:/%#?]{4,12}") {
            let password = format!("pw{password}");
            let error = Proxy::parse(&format!("http://user:{password}@:bad")).unwrap_err();
            let text = error.to_string();
            prop_assert!(!text.contains("pw") && !text.contains("user"), "{}", text);
        }
    }
}
