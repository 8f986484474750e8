//! The three calls to the backend, and what its answers mean.
//!
//! Follows no redirect, reads no more than the backend may send, and gives each call a time. Keys stand in headers that
//! are never shown.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::connect;
use datadog_wire::remote_config::{
    CONFIGURATIONS_PATH, CONTENT_TYPE as PROTOBUF, MAX_RESPONSE_BYTES, ORG_PATH, STATUS_PATH,
};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};

const API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
const APP_KEY: HeaderName = HeaderName::from_static("dd-application-key");
const PAR_JWT: HeaderName = HeaderName::from_static("dd-par-jwt");

/// How long one call may take in all.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// 401.
    #[error("the API key is invalid, or lacks the scope of Remote Config (status 401)")]
    Unauthorized,
    /// Another 4xx, or a redirect: mostly a proxy on the way.
    #[error("non-200 response code: {0}; is a proxy on the way, and do its settings fit?")]
    Proxy(u16),
    /// 503 or 504.
    #[error("the backend is not available (status {0})")]
    Unavailable(u16),
    /// Anything else but 200.
    #[error("non-200 response code: {0}")]
    Status(u16),
    /// No answer, or not all of it.
    #[error("{0}")]
    NoAnswer(String),
    /// Too slow.
    #[error("no answer within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// An answer of more bytes than the backend sends.
    #[error("an answer of more than {0} bytes")]
    TooLarge(usize),
    /// An answer that cannot be read.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
    /// A key that cannot stand in a header, or none.
    #[error("no API key that could be sent")]
    NoKey,
}

impl ApiError {
    /// What the status of an answer means; `None` for 200.
    fn of(status: StatusCode) -> Option<Self> {
        let code = status.as_u16();
        match code {
            200 => None,
            401 => Some(Self::Unauthorized),
            300..=499 => Some(Self::Proxy(code)),
            503 | 504 => Some(Self::Unavailable(code)),
            _ => Some(Self::Status(code)),
        }
    }

    /// Whether the settings of this agent are the likely cause, rather than the backend.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::Proxy(_) | Self::NoKey)
    }
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// What changed; with the request as protobuf.
    Configurations(Bytes),
    /// Which organisation the key is of.
    Org,
    /// Whether the organisation and the key may use remote configuration.
    Status,
}

/// The future of an answer.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Bytes, ApiError>> + Send + 'a>>;

/// Who carries a call to the backend.
pub trait Transport: Send + Sync {
    /// Sends a call with this API key, and gives the body of an answer with status 200.
    fn call<'a>(&'a self, call: Call, api_key: &'a str) -> Answer<'a>;
}

/// Where API keys come from.
pub trait KeySource: Send + Sync {
    /// The key to send with now; empty when there is none.
    fn current(&self) -> String;

    /// Looks for another key, after one was refused; says whether there is one.
    fn refresh(&self) -> bool;
}

/// A key without what is no part of it; `None` if nothing is left, or it cannot stand in a header.
#[must_use]
pub fn sanitize_api_key(key: &str) -> Option<String> {
    let key = key.trim();
    let fits = !key.is_empty() && HeaderValue::from_str(key).is_ok();
    fits.then(|| key.to_owned())
}

/// Calls over HTTP.
pub struct Http {
    client: connect::Client,
    base: String,
    user_agent: String,
    app_key: Option<String>,
    par_jwt: Option<String>,
    timeout: Duration,
    max_bytes: usize,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("base", &self.base)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

impl Http {
    /// To the backend at this URL without a path, as an agent of this version.
    #[must_use]
    pub fn new(client: connect::Client, base: &str, agent_version: &str) -> Self {
        Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            user_agent: format!("datadog-agent/{agent_version}"),
            app_key: None,
            par_jwt: None,
            timeout: CALL_TIMEOUT,
            max_bytes: MAX_RESPONSE_BYTES,
        }
    }

    /// Sends an application key with every call.
    #[must_use]
    pub fn with_app_key(mut self, key: Option<String>) -> Self {
        self.app_key = key;
        self
    }

    /// Sends a token with every call.
    #[must_use]
    pub fn with_par_jwt(mut self, token: Option<String>) -> Self {
        self.par_jwt = token;
        self
    }

    /// Gives each call this time in all; 30 seconds by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Reads at most so many bytes of an answer; by default those that the backend may send.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    fn request(&self, call: Call, api_key: &str) -> Result<Request<Full<Bytes>>, ApiError> {
        let (method, path, body) = match call {
            Call::Configurations(body) => (Method::POST, CONFIGURATIONS_PATH, body),
            Call::Org => (Method::GET, ORG_PATH, Bytes::new()),
            Call::Status => (Method::GET, STATUS_PATH, Bytes::new()),
        };
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| ApiError::NoKey)?;
            value.set_sensitive(true);
            Ok(value)
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, PROTOBUF)
            .header(USER_AGENT, &self.user_agent)
            .header(API_KEY, secret(api_key)?);
        for (name, value) in [(APP_KEY, &self.app_key), (PAR_JWT, &self.par_jwt)] {
            if let Some(value) = value {
                request = request.header(name, secret(value)?);
            }
        }
        let request = request.body(Full::new(body));
        request.map_err(|error| ApiError::NoAnswer(error.to_string()))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Bytes, ApiError> {
        let sent = self.client.send(request).await;
        let answer = sent.map_err(|error| ApiError::NoAnswer(error.to_string()))?;
        if let Some(error) = ApiError::of(answer.status()) {
            return Err(error);
        }
        let body = Limited::new(answer.into_body(), self.max_bytes).collect();
        match body.await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(self.max_bytes)),
            Err(error) => Err(ApiError::NoAnswer(format!("answer broke off: {error}"))),
        }
    }
}

impl Transport for Http {
    fn call<'a>(&'a self, call: Call, api_key: &'a str) -> Answer<'a> {
        Box::pin(async move {
            let request = self.request(call, api_key)?;
            let exchange = tokio::time::timeout(self.timeout, self.exchange(request));
            exchange
                .await
                .unwrap_or(Err(ApiError::TimedOut(self.timeout)))
        })
    }
}

/// Decodes an answer.
pub(crate) fn decode<M: prost::Message + Default>(body: Bytes) -> Result<M, ApiError> {
    M::decode(body).map_err(|error| ApiError::Malformed(error.to_string()))
}

/// A key that never changes.
#[derive(Clone)]
pub struct FixedKey(pub String);

impl fmt::Debug for FixedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FixedKey(..)")
    }
}

impl KeySource for FixedKey {
    fn current(&self) -> String {
        self.0.clone()
    }

    fn refresh(&self) -> bool {
        false
    }
}

/// Shared by a service and its watchers.
pub(crate) type SharedTransport = Arc<dyn Transport>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_class() {
        let of = |status| ApiError::of(StatusCode::from_u16(status).unwrap());
        assert_eq!(of(200), None);
        assert_eq!(of(204), Some(ApiError::Status(204)));
        assert_eq!(of(302), Some(ApiError::Proxy(302)));
        assert_eq!(of(401), Some(ApiError::Unauthorized));
        assert_eq!(of(403), Some(ApiError::Proxy(403)));
        assert_eq!(of(407), Some(ApiError::Proxy(407)));
        assert_eq!(of(500), Some(ApiError::Status(500)));
        assert_eq!(of(503), Some(ApiError::Unavailable(503)));
        assert_eq!(of(504), Some(ApiError::Unavailable(504)));
        assert_eq!(
            of(500).map(|error| error.to_string()).as_deref(),
            Some("non-200 response code: 500")
        );
    }

    #[test]
    fn keys_are_trimmed_and_must_be_headers() {
        assert_eq!(sanitize_api_key(" abc\n").as_deref(), Some("abc"));
        assert_eq!(sanitize_api_key(" \t"), None);
        assert_eq!(sanitize_api_key("a\nb"), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        let client = connect::Client::new(connect::ConnectConfig::default()).unwrap();
        let http = Http::new(client, "http://127.0.0.1:1/", "7.70.0")
            .with_app_key(Some("application-secret".to_owned()))
            .with_par_jwt(Some("jwt-secret".to_owned()));
        let request = http.request(Call::Org, "api-secret").unwrap();
        assert_eq!(request.uri(), "http://127.0.0.1:1/api/v0.1/org");
        assert_eq!(request.headers()["user-agent"], "datadog-agent/7.70.0");
        assert_eq!(request.headers()["content-type"], "application/x-protobuf");
        for name in ["dd-api-key", "dd-application-key", "dd-par-jwt"] {
            assert!(request.headers()[name].is_sensitive(), "{name}");
        }
        let shown = format!(
            "{request:?} {http:?} {:?}",
            FixedKey("api-secret".to_owned())
        );
        assert!(!shown.contains("secret"), "{shown}");
    }
}
