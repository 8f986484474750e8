//! Asks the intakes now and then whether their keys are valid, and warns if not.
//!
//! Never stops anything: an intake that takes no such question may take metrics all the same.

use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::connect::Client;
use datadog_forwarder::{ApiKey, Endpoint};
use datadog_wire::endpoints::{API_KEY_HEADER, VALIDATE_PATH};
use http_body_util::Full;
use hyper::header::HeaderValue;
use hyper::{Request, Uri};
use tokio::time::{interval, timeout};
use tracing::{debug, warn};

/// Longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks at once and then this often; not at all if that is zero.
pub(super) async fn run(every: Duration, endpoints: Vec<Endpoint>, client: Client) {
    if every.is_zero() {
        return;
    }
    let mut tick = interval(every);
    loop {
        tick.tick().await;
        for endpoint in &endpoints {
            match timeout(TIMEOUT, ask(endpoint, &client)).await {
                Ok(Some(403)) => {
                    warn!(endpoint = %endpoint.name, "the API key is invalid");
                }
                answer => debug!(endpoint = %endpoint.name, ?answer, "asked for the API key"),
            }
        }
    }
}

/// The status of the answer, if one came.
async fn ask(endpoint: &Endpoint, client: &Client) -> Option<u16> {
    let key = endpoint.api_key.as_ref().map(ApiKey::current)?;
    let mut key = HeaderValue::from_str(key.trim()).ok()?;
    key.set_sensitive(true);
    let path = endpoint.url.path().trim_end_matches('/');
    let mut parts = endpoint.url.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{VALIDATE_PATH}").parse().ok()?);
    let request = Request::get(Uri::from_parts(parts).ok()?)
        .header(API_KEY_HEADER, key)
        .body(Full::new(Bytes::new()))
        .ok()?;
    let answer = client.send(request).await.ok()?;
    Some(answer.status().as_u16())
}
