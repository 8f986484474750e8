//! The log pipeline, put together from the configuration; its types are re-exported here.

mod sender;
#[cfg(feature = "stateful")]
mod stream;
#[cfg(not(feature = "stateful"))]
#[path = "logs/stream/absent.rs"]
mod stream;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datadog_agent_runtime::bind::Target;
use datadog_forwarder::Encoding;
use datadog_forwarder::service::{Order, Pauses};
use datadog_logs_agent::config::{BufferLimits, OnFull};
use datadog_logs_agent::rules::{RuleConfig, RuleKind};
use datadog_logs_agent::{self as logs_agent, Config as LogsConfig, FlushStrategy};
use serde_json::json;

pub use self::sender::{Delivered, Identity, Sender};
pub use datadog_logs_agent::aggregator::BatchLimits;
pub use datadog_logs_agent::processor::{EmptyLines, Enrichment, EntryLimits, Oversize};
pub use datadog_logs_agent::rules::Rules;
pub use datadog_logs_agent::{
    AdditionalEndpoint, Aggregator, AggregatorHandle, Destination, DrainReport, Failure,
    FlushReport, InsertError, IntakeEntry, Processor, Running, Source,
};

use crate::agent::{AgentError, Face, Shared, api_key};
use crate::config::endpoints::{Endpoints, LogsDestination};
use crate::config::{self, Config, ConfigError, LogsCompression, ProcessingRuleKind};
use crate::strategy;

/// The paths of the log server, as `/info` lists them.
const PATHS: [&str; 2] = ["/v1/input", "/api/v2/logs"];
/// Mode of the log server's Unix socket.
const SOCKET_MODE: u32 = 0o600;

/// Binds and starts the pipeline, and shows it in `/info` and `/status`.
pub(crate) async fn start(config: &Config, shared: &Shared) -> Result<Running, AgentError> {
    let mut logs = logs_config(config, &shared.hostname)?;
    logs.listen = targets(config);
    let limits = json!({ "max_body_bytes": logs.body.received_bytes, "max_entry_bytes": logs.entry.entry_bytes });
    let running = start_with(logs, shared).await?;
    let status = running.status();
    shared.board.add(
        "logs",
        Face {
            paths: &PATHS,
            limits,
            report: Arc::new(move || status.to_json()),
        },
    );
    Ok(running)
}

/// Whether the pipeline could be told to start.
pub(crate) fn preflight(config: &Config, shared: &Shared) -> Result<(), AgentError> {
    let logs = logs_config(config, &shared.hostname)?;
    logs.check()
        .map_err(|error| AgentError::ConfigError(format!("logs: {error}")))
}

async fn start_with(logs: LogsConfig, shared: &Shared) -> Result<Running, AgentError> {
    let own = logs_agent::Shared {
        client: shared.client.clone(),
        telemetry: shared.board.telemetry(),
        pages: shared.pages.clone(),
        events: shared.events.clone(),
    };
    logs_agent::start(logs, own, shared.drain.clone())
        .await
        .map_err(|error| AgentError::StartupError(format!("logs: {error}")))
}

fn targets(config: &Config) -> Vec<Target> {
    let tcp = Target::Tcp {
        host: config.logs_bind_host.clone(),
        port: config.logs_port(),
    };
    let socket = config.logs_socket.as_ref().map(|path| Target::Unix {
        path: PathBuf::from(path),
        mode: SOCKET_MODE,
    });
    std::iter::once(tcp).chain(socket).collect()
}

/// What the pipeline is told, without listeners.
fn logs_config(config: &Config, hostname: &str) -> Result<LogsConfig, AgentError> {
    let endpoints = config
        .endpoints()
        .map_err(|issues| AgentError::ConfigError(ConfigError { issues }.to_string()))?;
    let key = api_key(config.logs_key_source())?;
    let stream = stream::stream_config(config, key.as_ref())?;
    let mut logs = LogsConfig::from_destination(destination(&endpoints), key);
    receiving(config, hostname, &mut logs);
    sending(config, &endpoints, &mut logs);
    if stream.is_some() {
        logs.entry = stream::entry_limits(&config.stateful, logs.entry);
        logs.on_full = match config.stateful.on_full.as_str() {
            "drop_oldest" => OnFull::DropOldest,
            "drop_newest" => OnFull::DropNewest,
            _ => OnFull::Block,
        };
    }
    logs.stream = stream;
    Ok(logs)
}

fn destination(endpoints: &Endpoints) -> Destination {
    let url = endpoints.logs.url().to_owned();
    match endpoints.logs {
        LogsDestination::Datadog { .. } => Destination::Datadog { url },
        LogsDestination::ObservabilityPipelinesWorker { .. } => {
            Destination::ObservabilityPipelinesWorker { url }
        }
    }
}

fn receiving(config: &Config, hostname: &str, logs: &mut LogsConfig) {
    logs.body.received_bytes = config.logs_max_body_bytes;
    logs.body.decoded_bytes = logs.body.decoded_bytes.max(config.logs_max_body_bytes);
    logs.body.reception_bytes = logs.body.reception_bytes.max(config.logs_max_body_bytes);
    logs.memory_bytes = config.logs_memory_limit;
    logs.buffer = BufferLimits {
        entries: config.logs_buffer_max_entries,
        bytes: config.logs_buffer_max_bytes,
    };
    logs.entry.message_bytes = config.logs_config_max_message_size_bytes;
    logs.rules = config
        .logs_config_processing_rules
        .iter()
        .flatten()
        .map(rule)
        .collect();
    let tags = tags(config);
    // A client knows its own host and service; it only lacks them where the user says what they are.
    logs.client_enrichment = Enrichment {
        hostname: config.hostname.clone(),
        service: service(config),
        tags: tags.clone(),
        ..Enrichment::default()
    };
    logs.file_enrichment = Enrichment {
        hostname: Some(hostname.to_owned()).filter(|name| !name.is_empty()),
        service: service(config),
        tags,
        ..logs.file_enrichment.clone()
    };
}

fn rule(rule: &config::ProcessingRule) -> RuleConfig {
    RuleConfig {
        kind: match rule.kind {
            ProcessingRuleKind::ExcludeAtMatch => RuleKind::ExcludeAtMatch,
            ProcessingRuleKind::IncludeAtMatch => RuleKind::IncludeAtMatch,
            ProcessingRuleKind::MaskSequences => RuleKind::MaskSequences,
            ProcessingRuleKind::ExcludeTruncated => RuleKind::ExcludeTruncated,
        },
        name: rule.name.clone(),
        pattern: rule.pattern.clone(),
        replace_placeholder: rule.replace_placeholder.clone(),
    }
}

fn service(config: &Config) -> Option<String> {
    config
        .service
        .as_ref()
        .map(|service| service.to_lowercase())
        .filter(|service| !service.is_empty())
}

/// The tags of everything, without the service, which has a field of its own.
fn tags(config: &Config) -> Vec<String> {
    let tags = config.global_tags(&[]);
    tags.into_iter()
        .filter(|tag| !tag.starts_with("service:"))
        .collect()
}

fn sending(config: &Config, endpoints: &Endpoints, logs: &mut LogsConfig) {
    logs.batch = BatchLimits {
        entries: config.logs_config_batch_max_size,
        bytes: config.logs_config_batch_max_content_size,
    };
    logs.flush = flush(config);
    logs.encoding = encoding(config.logs_compression());
    logs.worker_encoding = logs.encoding;
    logs.additional_endpoints = endpoints
        .logs_additional
        .iter()
        .map(|endpoint| additional(config, endpoint))
        .collect();
    logs.request_timeout = config.request_timeout();
    logs.concurrency = config.logs_config_batch_max_concurrent_send;
    if logs.concurrency == 1 {
        // With one request at a time, order is what the user asks for.
        logs.order = Order::Kept;
    }
    logs.redrive_bytes = config.logs_config_retry_queue_max_bytes;
    logs.pauses = pauses(config);
}

fn additional(config: &Config, endpoint: &config::endpoints::LogsEndpoint) -> AdditionalEndpoint {
    AdditionalEndpoint {
        url: endpoint.url.clone(),
        api_key: endpoint.configured.api_key.clone(),
        is_reliable: endpoint.configured.is_reliable,
        encoding: encoding(config.additional_logs_compression(&endpoint.configured)),
    }
}

fn encoding(compression: LogsCompression) -> Encoding {
    match compression {
        LogsCompression::None => Encoding::Identity,
        LogsCompression::Gzip(level) => Encoding::Gzip(level),
        LogsCompression::Zstd(level) => Encoding::Zstd(level),
    }
}

/// Without invocations, every strategy is a timer; "at the end" then means when somebody asks for it, which only a host
/// can do.
fn flush(config: &Config) -> FlushStrategy {
    let by_age = config.logs_config_batch_wait;
    strategy::timer(config, by_age).map_or(FlushStrategy::OnDemand, FlushStrategy::Interval)
}

/// Functions live for seconds and are flushed at their end; hosts wait longer and longer.
fn pauses(config: &Config) -> Pauses {
    if config.profile.is_serverless() {
        return Pauses::Jitter {
            first: Duration::from_millis(100),
            max: Duration::from_secs(1),
        };
    }
    Pauses::ErrorCount {
        factor: config.logs_config_sender_backoff_factor,
        base_s: config.logs_config_sender_backoff_base.as_secs_f64(),
        max_s: config.logs_config_sender_backoff_max.as_secs_f64(),
        recovery_interval: config.logs_config_sender_recovery_interval,
        recovery_reset: config.logs_config_sender_recovery_reset,
    }
}

#[cfg(test)]
mod tests;
