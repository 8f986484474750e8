//! A server on axum with the firewall as a middleware: it asks for a verdict on each request with its body and on each
//! response, obeys it, and sends a span that says what was found. An agent runs inside, and brings the spans away.
//!
//! Ends with 2 where the firewall cannot be loaded, and says why; a server that was to be guarded does not run
//! without. `DD_APPSEC_ENABLED=false` runs it without on purpose.
//!
//! ```sh
//! cargo xtask waf
//! export DD_API_KEY=… DD_APPSEC_LIBDDWAF_PATH=target/waf/x86_64/libddwaf.so
//! cargo run -p datadog-agent-native --features appsec --example appsec_http_middleware -- 127.0.0.1:8080
//! curl -i -A dd-test-scanner-log-block http://127.0.0.1:8080/
//! ```
//!
//! The recommended rules report injections and block none; this makes them block:
//!
//! ```sh
//! jq '.rules_override = [{rules_target: [{tags: {category: "attack_attempt"}}], on_match: ["block"]}]' \
//!     target/waf/x86_64/rules.json > blocking.json
//! export DD_APPSEC_RULES=blocking.json
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use datadog_agent_native::agent::{AgentCoordinator, AgentHandle};
use datadog_agent_native::appsec::{
    AppSec, AppSecConfig, Blocking, HttpRequest, HttpResponse, NewSpan, SpanTags, Transaction,
    WafVerdict, settings,
};
use datadog_agent_native::config::Config;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// Bytes of a request's body; the client of a larger one is told so.
const MAX_REQUEST_BODY: usize = 1 << 20;
/// Bytes of a response's body that is looked at; larger ones, and those whose length is not known, just pass.
const MAX_RESPONSE_BODY: u64 = 64 << 10;
/// What the process ends with where there is no firewall.
const NO_FIREWALL: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::default();
    let appsec = match firewall(&config) {
        Ok(appsec) => appsec,
        Err(why) => {
            eprintln!("the firewall cannot be loaded: {why}");
            return ExitCode::from(NO_FIREWALL);
        }
    };
    match Box::pin(run(config, appsec)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("failed: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The firewall that the configuration describes; this program obeys what it says.
fn firewall(config: &Config) -> Result<Option<AppSec>, datadog_agent_native::appsec::Error> {
    if config.appsec_enabled == Some(false) {
        return Ok(None);
    }
    let obeyed = AppSecConfig {
        blocking: Blocking::Obeyed,
        max_body_bytes: MAX_REQUEST_BODY,
        ..settings(config)
    };
    AppSec::load(obeyed).map(Some)
}

async fn run(config: Config, appsec: Option<AppSec>) -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    // The agent looks at the traces of others with it, and gives it rules from remote configuration.
    let mut builder = AgentCoordinator::builder(config);
    if let Some(appsec) = &appsec {
        builder = builder.appsec(appsec.clone());
    }
    let mut agent = builder.build()?;
    agent.start().await?;
    println!("listening on {}", listener.local_addr()?);

    let guard = Guard {
        appsec,
        agent: agent.handle().clone(),
    };
    let service = application()
        .layer(from_fn_with_state(guard, watch))
        .into_make_service_with_connect_info::<SocketAddr>();
    // Small answers are not held back until the client has acknowledged the last.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    tokio::select! {
        served = axum::serve(listener, service) => served?,
        _ = agent.wait_for_shutdown() => {}
    }
    agent.shutdown().await?;
    Ok(())
}

/// What the server is there for.
fn application() -> Router {
    const JSON: [(HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];
    Router::new()
        .route("/", get(|| async { "hello\n" }))
        .route("/search", get(|| async { "nothing found\n" }))
        .route(
            "/products/{id}",
            get(|| async { (JSON, r#"{"name":"lamp","price":12.5}"#) }),
        )
        .route(
            "/orders",
            post(|body: Bytes| async move {
                let text = json!({"state": "placed", "bytes": body.len()}).to_string();
                (StatusCode::CREATED, JSON, text)
            }),
        )
        .route("/login", post(|| async { "welcome\n" }))
}

/// What the middleware needs.
#[derive(Debug, Clone)]
struct Guard {
    appsec: Option<AppSec>,
    agent: AgentHandle,
}

/// The middleware: the application behind the firewall, and a span for each request.
async fn watch(
    State(guard): State<Guard>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    route: Option<MatchedPath>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let (begin, start) = (Instant::now(), SystemTime::now());
    let resource = format!("{} {}", request.method(), request.uri().path());
    let Some(appsec) = &guard.appsec else {
        let response = next.run(request).await;
        let span = span(&resource, SpanTags::default(), start, begin.elapsed());
        send(&guard.agent, &span).await;
        return response;
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let parameters = parameters.iter().flat_map(RawPathParams::iter);
    let told = HttpRequest {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        route: route.map(|route| route.as_str().to_owned()),
        client_ip: Some(peer.to_string()),
        headers: pairs(&parts.headers),
        path_params: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<HashMap<_, _>>(),
        body: (!body.is_empty()).then(|| body.to_vec()),
        ..HttpRequest::default()
    };
    let mut transaction = appsec.transaction();
    // Takes microseconds, and never more than its budget: handing it to another thread would cost as much.
    let response = match refusal(transaction.request(&told)) {
        Some(page) => page,
        None => {
            let request = Request::from_parts(parts, Body::from(body));
            answered(&mut transaction, next.run(request).await).await
        }
    };
    let tags = transaction.finish(&NewSpan, Instant::now());
    let span = span(&resource, tags, start, begin.elapsed());
    send(&guard.agent, &span).await;
    response
}

/// The response of the application, unless the firewall has something against it.
async fn answered(transaction: &mut Transaction, response: Response) -> Response {
    let (parts, mut body) = response.into_parts();
    let mut told = HttpResponse {
        status_code: parts.status.as_u16().into(),
        headers: pairs(&parts.headers),
        body: None,
    };
    let length = body.size_hint().exact();
    if length.is_some_and(|length| (1..=MAX_RESPONSE_BODY).contains(&length)) {
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        told.body = Some(bytes.to_vec());
        body = Body::from(bytes);
    }
    refusal(transaction.response(&told)).unwrap_or_else(|| Response::from_parts(parts, body))
}

/// The answer to a request that does not go on.
fn refusal(verdict: WafVerdict) -> Option<Response> {
    let made = match verdict {
        WafVerdict::Allow => return None,
        WafVerdict::Block(page) => Response::builder()
            .status(page.status)
            .header(CONTENT_TYPE, page.content_type.unwrap_or("text/plain"))
            .body(Body::from(page.body)),
        WafVerdict::Redirect(elsewhere) => Response::builder()
            .status(elsewhere.status)
            .header(LOCATION, elsewhere.location)
            .body(Body::empty()),
    };
    // Rules may name a status or place that HTTP has not; the request does not go on all the same.
    Some(made.unwrap_or_else(|_| StatusCode::FORBIDDEN.into_response()))
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), value.into_owned())
        })
        .collect()
}

/// A trace of one span, with what the firewall says of it.
fn span(resource: &str, tags: SpanTags, start: SystemTime, took: Duration) -> Value {
    let start = start
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let meta: Map<String, Value> = tags
        .meta
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.into()))
        .collect();
    let metrics: Map<String, Value> = tags
        .metrics
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.into()))
        .collect();
    // A tracer would draw ids.
    let id = nanos(start).max(1);
    json!([[{
        "service": "example", "name": "web.request", "type": "web", "resource": resource,
        "trace_id": id, "span_id": id, "start": nanos(start), "duration": nanos(took),
        "meta": meta, "metrics": metrics,
    }]])
}

async fn send(agent: &AgentHandle, span: &Value) {
    if let Err(problem) = agent.submit_traces(span.to_string().into()).await {
        eprintln!("a span is lost: {problem}");
    }
}
