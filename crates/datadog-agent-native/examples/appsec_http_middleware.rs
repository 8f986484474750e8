//! A server with the firewall before its handler: asks for a verdict on each request, obeys it, and sends a span that
//! says what was found. Looks at no bodies, to stay short; `Transaction::request_body` would.
//!
//! ```sh
//! cargo xtask waf
//! export DD_API_KEY=… DD_APPSEC_LIBDDWAF_PATH=target/waf/x86_64/libddwaf.so
//! cargo run -p datadog-agent-native --features appsec --example appsec_http_middleware -- 127.0.0.1:8080
//! curl -i -A dd-test-scanner-log-block http://127.0.0.1:8080/
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use datadog_agent_native::agent::{AgentCoordinator, AgentHandle};
use datadog_agent_native::appsec::{
    AppSec, AppSecConfig, Blocking, HttpRequest, HttpResponse, NewSpan, SpanTags, WafVerdict,
    settings,
};
use datadog_agent_native::config::Config;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

type Page = Response<Full<Bytes>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;

    // The firewall that the configuration describes; this program obeys what it says.
    let config = Config::default();
    let appsec = AppSec::load(AppSecConfig {
        blocking: Blocking::Obeyed,
        ..settings(&config)
    })?;
    // The agent looks at the traces of others with it, and gives it rules from remote configuration.
    let mut agent = AgentCoordinator::builder(config)
        .appsec(appsec.clone())
        .build()?;
    agent.start().await?;
    println!("listening on {}", listener.local_addr()?);
    let served = serve(listener, &appsec, agent.handle());
    tokio::select! {
        served = served => served?,
        _ = agent.wait_for_shutdown() => {}
    }
    agent.shutdown().await?;
    Ok(())
}

async fn serve(listener: TcpListener, appsec: &AppSec, agent: &AgentHandle) -> std::io::Result<()> {
    loop {
        let (stream, peer) = listener.accept().await?;
        let (appsec, agent) = (appsec.clone(), agent.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let (appsec, agent) = (appsec.clone(), agent.clone());
                async move { Ok::<_, Infallible>(guarded(&appsec, &agent, peer, request).await) }
            });
            // A client that breaks off concerns nobody else.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await,
            );
        });
    }
}

/// What the application does.
fn handle(request: &Request<Incoming>) -> Page {
    Response::new(Full::new(
        format!("hello from {}\n", request.uri().path()).into(),
    ))
}

/// The application behind the firewall.
async fn guarded(
    appsec: &AppSec,
    agent: &AgentHandle,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Page {
    let (begin, start) = (Instant::now(), SystemTime::now());
    let mut transaction = appsec.transaction();
    let verdict = transaction.request(&HttpRequest {
        method: request.method().to_string(),
        uri: request.uri().to_string(),
        client_ip: Some(peer.to_string()),
        headers: pairs(request.headers()),
        ..HttpRequest::default()
    });
    let page = match refusal(verdict) {
        Some(page) => page,
        None => {
            let page = handle(&request);
            let verdict = transaction.response(&HttpResponse {
                status_code: page.status().as_u16().into(),
                headers: pairs(page.headers()),
                body: None,
            });
            refusal(verdict).unwrap_or(page)
        }
    };
    let tags = transaction.finish(&NewSpan, Instant::now());
    let span = span(&request, tags, start, begin.elapsed());
    if let Err(problem) = agent.submit_traces(span.to_string().into()).await {
        println!("a span is lost: {problem}");
    }
    page
}

/// The answer to a request that does not go on.
fn refusal(verdict: WafVerdict) -> Option<Page> {
    let made = match verdict {
        WafVerdict::Allow => return None,
        WafVerdict::Block(page) => Response::builder()
            .status(page.status)
            .header(CONTENT_TYPE, page.content_type.unwrap_or("text/plain"))
            .body(Full::new(page.body.into())),
        WafVerdict::Redirect(elsewhere) => Response::builder()
            .status(elsewhere.status)
            .header(LOCATION, elsewhere.location)
            .body(Full::default()),
    };
    // Rules may name a status or place that HTTP has not; the request does not go on all the same.
    Some(made.unwrap_or_else(|_| {
        let mut page = Response::new(Full::default());
        *page.status_mut() = hyper::StatusCode::FORBIDDEN;
        page
    }))
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
fn span(request: &Request<Incoming>, tags: SpanTags, start: SystemTime, took: Duration) -> Value {
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
        "service": "example", "name": "web.request", "type": "web",
        "resource": format!("{} {}", request.method(), request.uri().path()),
        "trace_id": id, "span_id": id, "start": nanos(start), "duration": nanos(took),
        "meta": meta, "metrics": metrics,
    }]])
}
