//! Where payloads go, with which key, in which encoding.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::{HeaderMap, Uri};

/// One destination with a key and a queue of its own.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Name in counters and `status`: host and port.
    pub name: String,
    /// The full URL that payloads are posted to.
    pub url: Uri,
    /// The key, asked for at each send; `None` sends no key header.
    pub api_key: Option<ApiKey>,
    /// Headers besides key, content type, encoding and user agent.
    pub headers: HeaderMap,
    /// How bodies are compressed.
    pub encoding: Encoding,
    /// What a failure of this endpoint means.
    pub reliability: Reliability,
}

/// Names for endpoints in counters and `status`, each different: two organisations may be at one intake.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<String, usize>);

impl Names {
    /// Host and port of a URL, with a number if they were given before.
    pub fn of(&mut self, url: &Uri) -> String {
        let default_port = match url.scheme_str() {
            Some("http") => 80,
            _ => 443,
        };
        let port = url.port_u16().unwrap_or(default_port);
        self.apart(format!("{}:{port}", url.host().unwrap_or_default()))
    }

    /// This name, with a number if it was given before.
    pub(crate) fn apart(&mut self, name: String) -> String {
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        match *count {
            1 => name,
            count => format!("{name}#{count}"),
        }
    }
}

/// Reads the base of an intake's URLs.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that does not show it: it may hold a password.
pub fn base_url(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.trim().parse().map_err(|_| "cannot be read")?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err("must begin with http:// or https://, and have a host"),
    }
}

/// What a failure of an endpoint means for the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reliability {
    /// Retried, queued again, and able to hold the pipeline back.
    Reliable,
    /// Tried once while its queue has room; never holds anything back.
    Unreliable,
}

/// How bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As they are.
    Identity,
    /// gzip at this level.
    Gzip(u32),
    /// The format of zlib, which HTTP calls deflate, at this level.
    Deflate(u32),
    /// zstd at this level.
    Zstd(i32),
}

/// Source of an API key, read at each send so that a rotated key is used at once.
#[derive(Clone)]
pub struct ApiKey(Arc<dyn KeySource>);

/// What knows an API key.
pub trait KeySource: Send + Sync {
    /// The key now.
    fn current(&self) -> String;
    /// Asks for a fresh key after a refusal; returns whether it changed.
    fn refresh(&self) -> bool;
}

impl ApiKey {
    /// A key from a source that can change.
    #[must_use]
    pub fn from_source(source: Arc<dyn KeySource>) -> Self {
        Self(source)
    }

    /// A key that never changes.
    #[must_use]
    pub fn fixed(key: impl Into<String>) -> Self {
        struct Fixed(String);
        impl KeySource for Fixed {
            fn current(&self) -> String {
                self.0.clone()
            }
            fn refresh(&self) -> bool {
                false
            }
        }
        Self(Arc::new(Fixed(key.into())))
    }

    /// The key now.
    #[must_use]
    pub fn current(&self) -> String {
        self.0.current()
    }

    /// Asks for a fresh key after a refusal; returns whether it changed.
    #[must_use]
    pub fn refresh(&self) -> bool {
        self.0.refresh()
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey")
    }
}
