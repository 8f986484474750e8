//! `/info`: what tracers can expect of this agent.
//!
//! Made once, when the listeners are bound: tracers fetch it again whenever its hash changes, which they are told with
//! every other answer. Nothing in it changes while the agent runs.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use bytes::Bytes;
use datadog_agent_runtime::bind::Listener;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::Mount;
use super::route::{ADVERTISED, STATS_PATH};
use crate::config::{Config, Stats};
use crate::filter::TagRule;
use crate::obfuscate;
use crate::sampler::Mode;

const VERSION: HeaderName = HeaderName::from_static("datadog-agent-version");
const STATE: HeaderName = HeaderName::from_static("datadog-agent-state");
/// Headers that the EVP proxy passes on.
pub(crate) const EVP_HEADERS: [&str; 5] = [
    "Content-Type",
    "Accept-Encoding",
    "Content-Encoding",
    "User-Agent",
    "DD-CI-PROVIDER-NAME",
];
/// Kinds of spans of which stats are worked out wherever they stand.
const SPAN_KINDS: [&str; 4] = ["client", "consumer", "producer", "server"];

/// The document and what other answers say of it.
#[derive(Debug)]
pub(super) struct Info {
    body: Bytes,
    version: HeaderValue,
    state: HeaderValue,
}

impl Info {
    pub(super) fn new(
        config: &Config,
        mounts: &[Mount],
        listeners: &[Listener],
        has_statsd: bool,
    ) -> Self {
        let document = document(config, mounts, listeners, has_statsd);
        let body = Bytes::from(document.to_string());
        let state = HeaderValue::from_str(&hex(digest::digest(&digest::SHA256, &body).as_ref()));
        let version = HeaderValue::from_str(&config.identity.compatible_version);
        Self {
            body,
            version: version.unwrap_or(HeaderValue::from_static("7.70.0")),
            // Hex is always a header.
            state: state.unwrap_or(HeaderValue::from_static("")),
        }
    }

    /// The answer to a request for the document.
    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    /// Adds what every other answer says: the version, and whether the document is still the same.
    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        headers.insert(VERSION, self.version.clone());
        headers.insert(STATE, self.state.clone());
    }
}

fn document(config: &Config, mounts: &[Mount], listeners: &[Listener], has_statsd: bool) -> Value {
    let mut endpoints: Vec<&str> = ADVERTISED.to_vec();
    if !has_statsd {
        endpoints.retain(|path| !path.starts_with("/dogstatsd/"));
    }
    if config.proxies.evp.is_none() {
        endpoints.retain(|path| !path.starts_with("/evp_proxy/"));
    }
    if config.proxies.telemetry.is_empty() {
        endpoints.retain(|path| !path.starts_with("/telemetry/"));
    }
    if config.stats == Stats::Nobody {
        endpoints.retain(|path| *path != STATS_PATH);
    }
    let mounted = mounts.iter().filter(|mount| mount.advertised);
    endpoints.extend(mounted.map(|mount| mount.path));
    let computes_by_kind = config.concentrator.compute_stats_by_span_kind;
    let peer_tags = &config.concentrator.peer_tags;
    let mut document = json!({
        "version": config.identity.compatible_version,
        "agent_native_version": config.identity.version,
        "git_commit": "",
        "endpoints": endpoints,
        // Tracers may drop what they have counted; the probabilistic sampler must see all of it, and so must a firewall
        // where nobody counts.
        "client_drop_p0s": !matches!(config.sampler.mode, Mode::Probabilistic(_) | Mode::Security)
            && config.stats != Stats::Nobody,
        "span_meta_structs": true,
        "long_running_spans": true,
        "span_events": true,
        "evp_proxy_allowed_headers": EVP_HEADERS,
        "config": settings(config, listeners),
        "peer_tags": (!peer_tags.is_empty()).then_some(peer_tags),
        "span_kinds_stats_computed": computes_by_kind.then_some(SPAN_KINDS),
        "obfuscation_version": 1,
        "filter_tags": {
            "require": rules(&config.filter.require),
            "reject": rules(&config.filter.reject),
        },
        "filter_tags_regex": {
            "require": rules(&config.filter.require_regex),
            "reject": rules(&config.filter.reject_regex),
        },
    });
    if let Some(fields) = document.as_object_mut() {
        if !config.info.features.is_empty() {
            fields.insert("feature_flags".to_owned(), json!(config.info.features));
        }
        if !config.filter.ignore_resources.is_empty() {
            let resources = json!(config.filter.ignore_resources);
            fields.insert("ignore_resources".to_owned(), resources);
        }
    }
    document
}

fn settings(config: &Config, listeners: &[Listener]) -> Value {
    let port = listeners
        .iter()
        .find_map(Listener::local_addr)
        .map(|it| it.port());
    let socket = listeners.iter().find_map(Listener::path);
    json!({
        "default_env": config.identity.env,
        "target_tps": config.sampler.target_tps,
        "max_eps": config.sampler.max_eps,
        "receiver_port": port.unwrap_or(0),
        "receiver_socket": socket.map(|path| path.to_string_lossy()).unwrap_or_default(),
        "connection_limit": config.connections.connections,
        "receiver_timeout": config.requests.timeout.as_secs(),
        "max_request_bytes": config.requests.traces_bytes,
        "statsd_port": config.info.statsd_port,
        "max_memory": config.requests.memory_bytes,
        "max_cpu": 0.0,
        "analyzed_spans_by_service": null,
        "obfuscation": obfuscation(&config.obfuscation, &config.replace),
    })
}

fn obfuscation(config: &obfuscate::Config, replace: &[crate::replace::Rule]) -> Value {
    let redis = |redis: &obfuscate::Redis| json!({ "enabled": redis.enabled, "remove_all_args": redis.remove_all_args });
    let traces = crate::replace::stack_trace_rules();
    json!({
        "elastic_search": config.elasticsearch.enabled,
        "mongo": config.mongodb.enabled,
        "sql_exec_plan": false,
        "sql_exec_plan_normalize": false,
        "sql_obfuscation_mode": config.sql.mode.name(),
        "http": {
            "remove_query_string": config.http.remove_query_string,
            "remove_path_digits": config.http.remove_paths_with_digits,
        },
        "remove_stack_traces": traces.iter().all(|rule| replace.contains(rule)),
        "redis": redis(&config.redis),
        "valkey": redis(&config.valkey),
        "memcached": {
            "enabled": config.memcached.enabled,
            "keep_command": config.memcached.keep_command,
        },
    })
}

fn rules(rules: &[TagRule]) -> Vec<String> {
    let written = |rule: &TagRule| match &rule.value {
        Some(value) => format!("{}:{value}", rule.key),
        None => rule.key.clone(),
    };
    rules.iter().map(written).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text cannot fail.
        let _written = write!(hex, "{byte:02x}").is_ok();
    }
    hex
}
