//! Requests of tracers that are meant for other intakes, passed on.

use bytes::Bytes;
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::telemetry::Telemetry;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tokio::time::Instant;

use crate::config::{Config, ConfigError};
use crate::server::route::Product;

/// Passes requests on; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Proxy;

impl Proxy {
    /// # Errors
    /// A URL or key that cannot be used.
    pub(crate) fn new(_: &Config, _: Client, _: &Telemetry) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    /// Passes a request on, and answers it.
    pub(crate) async fn pass_on(
        &self,
        _: Product,
        _: &str,
        _: Request<Incoming>,
        _: Option<String>,
    ) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }

    /// Sends what was taken and answered already, until the deadline; what is left then is kept.
    pub(crate) async fn flush(&self, _: Instant) {}
}
