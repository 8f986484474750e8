//! The metrics pipeline, put together from the configuration; its types are re-exported here.

mod function;
mod mapper;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datadog_forwarder::Encoding;
use datadog_forwarder::service::Pauses;
use datadog_metrics_agent::aggregator::{Aggregate, CounterEncoding, Form, Sends};
use datadog_metrics_agent::parse::Cardinality;
use datadog_metrics_agent::payload::Limits;
use datadog_metrics_agent::rules::{OriginOptions, Platform as MetricsPlatform};
use datadog_metrics_agent::{self as metrics_agent, Config as MetricsConfig};
use serde_json::json;
use tracing::warn;

pub use datadog_metrics_agent::enhanced::invocations;
pub use datadog_metrics_agent::{
    AdditionalEndpoint, Aggregator, AggregatorHandle, DrainReport, Failure, FlushReport,
    FlushStrategy, InsertError, Listen, Running, Transport, Which,
};

use crate::agent::{AgentError, Face, Shared, api_key};

use crate::config::{Config, ConfigError, OperationalMode, Profile, Value};
use crate::keys::Keys;
use crate::platform::Platform;
use crate::strategy;

/// How often everything is sent, unless the strategy of flushes says otherwise.
const FLUSH_EVERY: Duration = Duration::from_secs(10);
/// Beginnings of names that get no namespace, unless the configuration has its own.
const NO_NAMESPACE: [&str; 21] = [
    "activemq",
    "activemq_58",
    "airflow",
    "cassandra",
    "confluent",
    "datadog.agent",
    "datadog.dogstatsd",
    "datadog.process",
    "datadog.trace_agent",
    "datadog.tracer",
    "hazelcast",
    "hive",
    "ignite",
    "jboss",
    "jvm",
    "kafka",
    "presto",
    "runtime",
    "sidekiq",
    "solr",
    "tomcat",
];

/// Names of the agent's own metrics, which get no namespace whatever the configuration says.
const OWN: [&str; 3] = [
    "aws.lambda.enhanced.",
    "azure.functions.enhanced.",
    "datadog.agent.",
];

/// Whether there is anything to do: a listener to open, or something to say about the function itself.
pub(crate) fn is_wanted(config: &Config) -> bool {
    config.dogstatsd_enabled
        || function::enhanced(config, &Keys(config), FlushStrategy::OnDemand).is_some()
}

/// Binds and starts the pipeline, and shows it in `/status`.
pub(crate) async fn start(config: &Config, shared: &Shared) -> Result<Running, AgentError> {
    let metrics = metrics_config(config, &shared.hostname)?;
    let limits = json!({
        "max_packet_bytes": metrics.server.buffer_bytes,
        "max_contexts": metrics.aggregation.max_contexts,
    });
    let own = metrics_agent::Shared {
        client: shared.client.clone(),
        telemetry: shared.board.telemetry(),
        events: shared.events.clone(),
    };
    let running = metrics_agent::start(metrics, own, shared.drain.clone())
        .await
        .map_err(|error| AgentError::StartupError(format!("DogStatsD: {error}")))?;
    let status = running.status();
    shared.board.add(
        "metrics",
        Face {
            paths: &[],
            limits,
            report: Arc::new(move || status.to_json()),
        },
    );
    Ok(running)
}

/// The door for events of Lambda, if they are to be told of there.
pub(crate) fn invocations(
    config: &Config,
    handle: AggregatorHandle,
    billing: invocations::Billing,
) -> Option<invocations::Invocations> {
    let is_lambda = Platform::of(config) == Some(Platform::Lambda);
    let architecture = invocations::Architecture::of_this_program();
    (is_lambda && config.enhanced_metrics)
        .then(|| invocations::Invocations::new(handle, architecture, billing))
}

/// Whether the pipeline could be told to start.
pub(crate) fn preflight(config: &Config, shared: &Shared) -> Result<(), AgentError> {
    let metrics = metrics_config(config, &shared.hostname)?;
    metrics
        .check()
        .map_err(|error| AgentError::ConfigError(format!("DogStatsD: {error}")))
}

/// What the pipeline is told.
fn metrics_config(config: &Config, hostname: &str) -> Result<MetricsConfig, AgentError> {
    let endpoints = config
        .endpoints()
        .map_err(|issues| AgentError::ConfigError(ConfigError { issues }.to_string()))?;
    let key = api_key(config.key_source())?;
    let mut metrics = MetricsConfig::from_intake(&endpoints.metrics_base, key);
    let keys = Keys(config);
    if config.dogstatsd_enabled {
        receiving(config, &keys, &mut metrics);
    } else {
        metrics.listen.clear();
    }
    naming(config, &keys, hostname, &mut metrics)?;
    aggregating(config, &keys, &mut metrics);
    metrics.enhanced = function::enhanced(config, &keys, metrics.flush);
    sending(config, &keys, &mut metrics);
    warn_of_what_does_nothing(config);
    Ok(metrics)
}

fn receiving(config: &Config, keys: &Keys<'_>, metrics: &mut MetricsConfig) {
    let host = match keys.on("dogstatsd_non_local_traffic") {
        true => "0.0.0.0",
        false => "127.0.0.1",
    };
    let port = match config.operational_mode {
        OperationalMode::HttpEphemeralPort => 0,
        _ => config.dogstatsd_port,
    };
    let mut listen = match keys.text("dogstatsd_pipe_name") {
        Some(name) => vec![Listen::Pipe(name.to_owned())],
        None => vec![Listen::Udp {
            host: host.to_owned(),
            port,
        }],
    };
    let path = |name| keys.text(name).map(PathBuf::from);
    listen.extend(path("dogstatsd_socket").map(Listen::UnixDatagram));
    listen.extend(path("dogstatsd_stream_socket").map(Listen::UnixStream));
    metrics.listen = listen;
    let forward_port = match config.value("statsd_forward_port") {
        Some(Value::Int(port)) => u16::try_from(*port).unwrap_or(0),
        _ => 0,
    };
    metrics.forward_to = keys
        .text("statsd_forward_host")
        .filter(|_| forward_port != 0)
        .map(|host| (host.to_owned(), forward_port));
    metrics.quiet = keys.on("dogstatsd_disable_verbose_logs");
    let eol = keys.words("dogstatsd_eol_required").unwrap_or_default();
    let needs_eol = |transport: &str| eol.iter().any(|it| it == transport);
    let server = &mut metrics.server;
    server.buffer_bytes = keys.number("dogstatsd_buffer_size", server.buffer_bytes);
    server.batch = keys.number("dogstatsd_packet_buffer_size", server.batch);
    server.receive_buffer_bytes = keys.number("dogstatsd_so_rcvbuf", 0);
    server.origin_detection = keys.on("dogstatsd_origin_detection");
    server.udp_eol_required = needs_eol("udp");
    server.uds_eol_required = needs_eol("uds");
    server.log_too_big = keys.on("dogstatsd_stream_log_too_big");
    let queue = keys.number("dogstatsd_queue_size", 1_024);
    // A packet of the largest size for each place, and room for one batch in any case.
    metrics.queue_bytes = queue
        .saturating_mul(server.buffer_bytes)
        .max(server.batch.saturating_mul(server.buffer_bytes + 64))
        .max(256 * 1_024);
    metrics.parse.timestamps = keys.on("dogstatsd_no_aggregation_pipeline");
    metrics.parse.client_origin = keys.on("dogstatsd_origin_detection_client");
    metrics.aggregation.pass_timestamped = metrics.parse.timestamps;
}

fn naming(
    config: &Config,
    keys: &Keys<'_>,
    hostname: &str,
    metrics: &mut MetricsConfig,
) -> Result<(), AgentError> {
    let words = |name| keys.words(name).unwrap_or_default().to_vec();
    let rules = &mut metrics.aggregation.rules;
    hostname.clone_into(&mut rules.hostname);
    if config.profile.is_serverless() {
        rules.platform = MetricsPlatform::Serverless;
    }
    rules.namespace = keys
        .text("statsd_metric_namespace")
        .unwrap_or_default()
        .to_owned();
    rules.namespace_exceptions = match keys.words("statsd_metric_namespace_blacklist") {
        Some(words) => words.to_vec(),
        None => NO_NAMESPACE.map(str::to_owned).to_vec(),
    };
    rules.namespace_exceptions.extend(OWN.map(str::to_owned));
    rules.blocklist = words("statsd_metric_blocklist");
    rules.blocklist_matches_prefix = keys.on("statsd_metric_blocklist_match_prefix");
    let mut tags = Platform::of(config).map_or_else(Vec::new, |it| it.tags(config));
    tags.extend(words("dogstatsd_tags"));
    rules.tags = config.global_tags(&tags);
    if config.profile == Profile::Lambda {
        // Lambda's own metrics have services in lower case.
        for tag in &mut rules.tags {
            if tag.starts_with("service:") {
                *tag = tag.to_lowercase();
            }
        }
    }
    rules.excluded_tags = words("lambda_customer_metrics_exclude_tags");
    if let Some(Value::Json(profiles)) = config.value("dogstatsd_mapper_profiles") {
        rules.mapper = mapper::profiles(profiles).map_err(AgentError::ConfigError)?;
    }
    rules.origin = OriginOptions {
        cardinality: keys
            .text("dogstatsd_tag_cardinality")
            .and_then(|level| Cardinality::of(level.as_bytes()))
            .unwrap_or(Cardinality::Low),
        optout: keys.on("dogstatsd_origin_optout_enabled"),
        entity_id_precedence: keys.on("dogstatsd_entity_id_precedence"),
    };
    Ok(())
}

fn aggregating(config: &Config, keys: &Keys<'_>, metrics: &mut MetricsConfig) {
    let aggregation = &mut metrics.aggregation;
    aggregation.bucket_s = keys.seconds("aggregator_bucket_size_seconds", 10);
    aggregation.counter_expiry_s = keys.seconds("dogstatsd_expiry_seconds", 300);
    aggregation.context_expiry_s = keys.seconds("dogstatsd_context_expiry_seconds", 20);
    aggregation.max_contexts = keys.number("aggregate_context_limit", aggregation.max_contexts);
    if let Some(words) = keys.words("histogram_aggregates") {
        aggregation.aggregates = words.iter().filter_map(|it| Aggregate::of(it)).collect();
    }
    if let Some(words) = keys.words("histogram_percentiles") {
        aggregation.percentiles = words.iter().filter_map(|it| percent(it)).collect();
    }
    aggregation.copy_to_distribution = keys.on("histogram_copy_to_distribution").then(|| {
        let prefix = keys.text("histogram_copy_to_distribution_prefix");
        prefix.unwrap_or_default().to_owned()
    });
    aggregation.sends = Sends {
        series: keys.on("enable_payloads.series"),
        sketches: keys.on("enable_payloads.sketches"),
        events: keys.on("enable_payloads.events"),
        service_checks: keys.on("enable_payloads.service_checks"),
    };
    metrics.pass_batch = keys.number(
        "dogstatsd_no_aggregation_pipeline_batch_size",
        metrics.pass_batch,
    );
    metrics.own_metrics = keys.on("telemetry.enabled");
    metrics.flush = flush(config);
    if keys.on("dogstatsd_flush_incomplete_buckets") {
        metrics.flush_at_the_end = Which::Everything;
    }
    if config.profile.is_serverless() || metrics.flush == FlushStrategy::OnDemand {
        // A bucket may be sent in parts, which only counts add up.
        metrics.aggregation.counters = CounterEncoding::Count;
        metrics.flush_on_request = Which::Everything;
        metrics.flush_at_the_end = Which::Everything;
    }
}

/// A share of 1 as percent.
fn percent(share: &str) -> Option<u8> {
    let share: f64 = share.parse().ok()?;
    let percent = (share * 100.0).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 1 to 100"
    )]
    (1.0..=100.0).contains(&percent).then_some(percent as u8)
}

fn flush(config: &Config) -> FlushStrategy {
    strategy::timer(config, FLUSH_EVERY).map_or(FlushStrategy::OnDemand, FlushStrategy::Interval)
}

fn sending(config: &Config, keys: &Keys<'_>, metrics: &mut MetricsConfig) {
    let level = config.metrics_config_compression_level;
    let aggregation = &mut metrics.aggregation;
    aggregation.encoding = match keys.text("serializer_compressor_kind") {
        Some("none") => Encoding::Identity,
        Some("gzip") => Encoding::Gzip(level.clamp(1, 9).unsigned_abs()),
        Some("zlib" | "deflate") => Encoding::Deflate(level.clamp(1, 9).unsigned_abs()),
        _ => Encoding::Zstd(level.clamp(1, 19)),
    };
    let form = |name| match keys.on(name) {
        true => Form::Columns,
        false => Form::Messages,
    };
    aggregation.series_form = form("use_v3_api.series");
    aggregation.sketches_form = form("use_v3_api.sketches");
    let limits = |bytes, raw, points: usize, of: Limits| Limits {
        bytes: keys.number(bytes, of.bytes).min(of.bytes),
        raw_bytes: keys.number(raw, of.raw_bytes).min(of.raw_bytes),
        points: points.min(of.points),
    };
    let points = keys.number("serializer_max_series_points_per_payload", usize::MAX);
    aggregation.series_limits = limits(
        "serializer_max_series_payload_size",
        "serializer_max_series_uncompressed_payload_size",
        points,
        Limits::SERIES,
    );
    aggregation.other_limits = limits(
        "serializer_max_payload_size",
        "serializer_max_uncompressed_payload_size",
        usize::MAX,
        Limits::OTHERS,
    );
    metrics.additional_endpoints = additional(config);
    metrics.validate_every = keys.time(
        "forwarder_apikey_validation_interval",
        metrics.validate_every,
    );
    metrics.request_timeout = keys.time("forwarder_timeout", config.request_timeout());
    if metrics.request_timeout.is_zero() {
        metrics.request_timeout = config.request_timeout();
    }
    metrics.concurrency = keys.number("forwarder_num_workers", 1).min(64);
    metrics.redrive_bytes = keys.number(
        "forwarder_retry_queue_payloads_max_size",
        metrics.redrive_bytes,
    );
    metrics.pauses = pauses(config, keys);
}

/// Further intakes, in an order that does not change from one start to the next.
fn additional(config: &Config) -> Vec<AdditionalEndpoint> {
    let mut endpoints: Vec<_> = config
        .additional_endpoints
        .iter()
        .flat_map(|(url, keys)| {
            keys.iter().map(|key| AdditionalEndpoint {
                url: url.clone(),
                api_key: key.clone(),
            })
        })
        .collect();
    endpoints.sort_by(|a, b| (&a.url, &a.api_key).cmp(&(&b.url, &b.api_key)));
    endpoints
}

/// Functions live for seconds and are flushed at their end; hosts wait longer and longer.
fn pauses(config: &Config, keys: &Keys<'_>) -> Pauses {
    if config.profile.is_serverless() {
        return Pauses::Jitter {
            first: Duration::from_millis(100),
            max: Duration::from_secs(1),
        };
    }
    let seconds = |name, default| keys.time(name, Duration::from_secs(default)).as_secs_f64();
    Pauses::ErrorCount {
        factor: match config.value("forwarder_backoff_factor") {
            Some(Value::Float(factor)) => *factor,
            _ => 2.0,
        },
        base_s: seconds("forwarder_backoff_base", 2),
        max_s: seconds("forwarder_backoff_max", 64),
        recovery_interval: u32::try_from(keys.number("forwarder_recovery_interval", 2))
            .unwrap_or(2),
        recovery_reset: false,
    }
}

/// Keys that are read and checked, and do nothing in this build.
const WITHOUT_EFFECT: [&str; 11] = [
    "dogstatsd_mapper_cache_size",
    "dogstatsd_packet_buffer_flush_timeout",
    "dogstatsd_pipeline_count",
    "dogstatsd_string_interner_size",
    "dogstatsd_windows_pipe_security_descriptor",
    "dogstatsd_workers_count",
    "forwarder_high_prio_buffer_size",
    "forwarder_low_prio_buffer_size",
    "forwarder_requeue_buffer_size",
    "forwarder_stop_timeout",
    "use_v2_api.series",
];

/// Says which keys are set that do nothing, or not all that they say.
fn warn_of_what_does_nothing(config: &Config) {
    for name in WITHOUT_EFFECT {
        if config.report.is_set(name) {
            warn!(key = name, "this setting has no effect in this build");
        }
    }
    let is_half =
        |name: &str, other: &str| config.report.is_set(name) && !config.report.is_set(other);
    if is_half("statsd_forward_host", "statsd_forward_port") {
        warn!("statsd_forward_host has no effect without statsd_forward_port");
    }
}

#[cfg(test)]
mod tests;
