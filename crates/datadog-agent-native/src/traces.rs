//! The trace pipeline, put together from the configuration; its types are re-exported here.

mod proxies;
pub(crate) mod sampling;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use datadog_agent_runtime::bind::Target;
use datadog_traces_agent::config::Info;
use datadog_traces_agent::filter::TagRule;
use datadog_traces_agent::inspect::Inspector;
use datadog_traces_agent::obfuscate::{Config as Obfuscation, Json, Redis, SqlMode};
use datadog_traces_agent::service_mapping::ServiceMapping;
use datadog_traces_agent::truncate::Resources;
use datadog_traces_agent::{self as traces_agent, Config as TracesConfig, normalize, replace};
use datadog_wire::endpoints::{LOGS_V1_PATH, TRACES_PATH};
use serde_json::json;
use tracing::warn;

pub use datadog_traces_agent::{
    AdditionalEndpoint, DrainReport, Failure, Flush, FlushStrategy, Mount, Reports, Running,
    Samplers, Sampling, SubmitError,
};

use crate::agent::{AgentError, Face, Shared, api_key};
use crate::config::{Config, ConfigError, OperationalMode};
use crate::keys::Keys;
use crate::{VERSION, logs, metrics, strategy};

/// The paths of the trace listener that people look for; `/info` of that listener has them all.
const PATHS: [&str; 6] = [
    "/v0.3/traces",
    "/v0.4/traces",
    "/v0.5/traces",
    "/v0.7/traces",
    "/v1.0/traces",
    "/v0.6/stats",
];

/// Where a socket goes that was given no path, unless the environment has a folder for what does not last.
const SOCKETS: &str = "/tmp";

/// Binds and starts the pipeline, and shows it in `/status`. What logs and metrics offer to tracers goes through its
/// listener.
pub(crate) async fn start(
    config: &Config,
    shared: &Shared,
    logs: Option<&logs::Running>,
    metrics: Option<&metrics::Running>,
    remote_config: Option<Mount>,
    inspector: Option<Arc<dyn Inspector>>,
) -> Result<Running, AgentError> {
    let mut traces = traces_config(config, &shared.hostname)?;
    traces.tags.extend(shared.span_tags.iter().cloned());
    let statsd = metrics.and_then(|metrics| metrics.local_addrs().first());
    traces.info.statsd_port = statsd.map_or(0, std::net::SocketAddr::port);
    let limits = json!({ "max_body_bytes": traces.requests.traces_bytes });
    let own = traces_agent::Shared {
        client: shared.client.clone(),
        telemetry: shared.board.telemetry(),
        pages: shared.pages.clone(),
        mounts: logs
            .map(mount_logs)
            .into_iter()
            .chain(remote_config)
            .collect(),
        statsd: metrics.map(|metrics| {
            let handle = metrics.handle();
            let take: Arc<traces_agent::Statsd> = Arc::new(move |lines| handle.send(lines).is_ok());
            take
        }),
        events: shared.events.clone(),
        inspector,
    };
    let running = traces_agent::start(traces, own, shared.drain.clone())
        .await
        .map_err(|error| AgentError::StartupError(format!("traces: {error}")))?;
    let status = running.status();
    shared.board.add(
        "traces",
        Face {
            paths: &PATHS,
            limits,
            report: Arc::new(move || status.to_json()),
        },
    );
    Ok(running)
}

/// The log server, which tracers find on the trace port too.
fn mount_logs(logs: &logs::Running) -> Mount {
    let intake = logs.intake();
    Mount {
        path: LOGS_V1_PATH,
        advertised: true,
        handler: Arc::new(move |request| {
            let intake = intake.clone();
            Box::pin(async move { intake.handle(request).await })
        }),
    }
}

/// Whether the pipeline could be told to start.
pub(crate) fn preflight(config: &Config, shared: &Shared) -> Result<(), AgentError> {
    let traces = traces_config(config, &shared.hostname)?;
    traces
        .check()
        .map_err(|error| AgentError::ConfigError(format!("traces: {error}")))
}

/// What the pipeline is told.
fn traces_config(config: &Config, hostname: &str) -> Result<TracesConfig, AgentError> {
    let endpoints = config
        .endpoints()
        .map_err(|issues| AgentError::ConfigError(ConfigError { issues }.to_string()))?;
    let key = api_key(config.key_source())?;
    let base = endpoints.traces.trim_end_matches(TRACES_PATH);
    let mut traces = TracesConfig::from_intake(base, key, &config.site);
    let keys = Keys(config);
    receiving(config, &keys, &mut traces);
    identity(config, &keys, hostname, &mut traces);
    rules(config, &keys, &mut traces)?;
    traces.obfuscation = obfuscation(config, &keys);
    sampling::fill(config, &keys, &mut traces);
    sending(config, &keys, &mut traces);
    proxies::fill(config, &keys, &mut traces);
    warn_of_what_does_nothing(config);
    Ok(traces)
}

fn receiving(config: &Config, keys: &Keys<'_>, traces: &mut TracesConfig) {
    traces.listen = targets(config);
    traces.connections.connections =
        keys.number("apm_config.max_connections", traces.connections.connections);
    let requests = &mut traces.requests;
    requests.traces_bytes = keys.number("apm_config.max_payload_size", requests.traces_bytes);
    requests.memory_bytes = keys
        .number("apm_config.trace_buffer", requests.memory_bytes)
        .max(requests.traces_bytes)
        .max(requests.stats_bytes);
    requests.decoders = keys.number("apm_config.decoders", requests.decoders);
    requests.decoder_timeout = keys.time("apm_config.decoder_timeout", requests.decoder_timeout);
    requests.timeout = keys.time("apm_config.receiver_timeout", requests.timeout);
}

fn targets(config: &Config) -> Vec<Target> {
    let mode = config.trace_agent_uds_permissions;
    let unix = |path: &String| Target::Unix {
        path: PathBuf::from(path),
        mode,
    };
    if config.operational_mode == OperationalMode::HttpUds {
        let path = config.trace_agent_uds_path.as_ref();
        let path = path.or(config.apm_receiver_socket.as_ref());
        let folder = config.platform_inputs.get("TMPDIR").unwrap_or(SOCKETS);
        return vec![path.map_or_else(
            || Target::Unix {
                path: datadog_agent_runtime::bind::uds::auto_path(Path::new(folder)),
                mode,
            },
            unix,
        )];
    }
    let tcp = Target::Tcp {
        host: config.bind_host.clone(),
        port: config.trace_port().unwrap_or(0),
    };
    let also = config.apm_receiver_socket.as_ref().map(unix);
    std::iter::once(tcp).chain(also).collect()
}

fn identity(config: &Config, keys: &Keys<'_>, hostname: &str, traces: &mut TracesConfig) {
    let env = keys
        .text("apm_config.env")
        .or_else(|| config.effective_env());
    let env = env.map(normalize::tag_value).unwrap_or_default();
    let own = &mut traces.identity;
    if !env.is_empty() {
        own.env = env.into_owned();
    }
    hostname.clone_into(&mut own.hostname);
    VERSION.clone_into(&mut own.version);
    traces.sampler.agent_env.clone_from(&own.env);
    traces.concentrator.agent_env.clone_from(&own.env);
    traces.concentrator.agent_hostname.clone_from(&own.hostname);
    let tags = config.tags.iter().filter_map(|tag| tag.split_once(':'));
    traces.tags = tags
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    traces.info = Info {
        statsd_port: 0,
        features: config.apm_features.clone(),
    };
}

fn rules(config: &Config, keys: &Keys<'_>, traces: &mut TracesConfig) -> Result<(), AgentError> {
    let of = |rules: &Option<Vec<String>>| -> Result<Vec<TagRule>, AgentError> {
        let rules = rules.iter().flatten();
        let parsed: Result<_, _> = rules.map(|rule| TagRule::parse(rule)).collect();
        parsed.map_err(|error| AgentError::ConfigError(format!("apm_config.filter_tags: {error}")))
    };
    let filter = &mut traces.filter;
    filter.require = of(&config.apm_filter_tags_require)?;
    filter.reject = of(&config.apm_filter_tags_reject)?;
    filter.require_regex = of(&config.apm_filter_tags_regex_require)?;
    filter.reject_regex = of(&config.apm_filter_tags_regex_reject)?;
    filter.ignore_resources = match keys.words("apm_config.ignore_resources") {
        Some(words) => words.to_vec(),
        None => Vec::new(),
    };
    let replaced = config.apm_replace_tags.iter().flatten();
    traces.replace = replaced
        .map(|rule| replace::Rule {
            name: rule.name.clone(),
            pattern: rule.pattern.clone(),
            repl: rule.repl.clone(),
        })
        .collect();
    if keys.on("apm_config.obfuscation.remove_stack_traces") {
        traces.replace.extend(replace::stack_trace_rules());
    }
    let mapping = config.service_mapping.iter();
    let mapping = mapping.map(|(from, to)| (from.clone(), to.clone()));
    traces.service_mapping = ServiceMapping::from_iter(mapping);
    let has = |feature: &str| config.apm_features.iter().any(|it| it == feature);
    traces.component_as_name = has("component2name");
    if has("big_resource") {
        traces.resources = Resources::Big;
    }
    Ok(())
}

fn obfuscation(config: &Config, keys: &Keys<'_>) -> Obfuscation {
    let on = |name: &str| keys.on(&format!("apm_config.obfuscation.{name}"));
    let words = |name: &str| {
        let words = keys.words(&format!("apm_config.obfuscation.{name}"));
        words.unwrap_or_default().to_vec()
    };
    let json = |product: &str| Json {
        enabled: on(&format!("{product}.enabled")),
        keep_values: words(&format!("{product}.keep_values")),
        obfuscate_sql_values: words(&format!("{product}.obfuscate_sql_values")),
    };
    let redis = |product: &str| Redis {
        enabled: on(&format!("{product}.enabled")),
        remove_all_args: on(&format!("{product}.remove_all_args")),
    };
    let has = |feature: &str| config.apm_features.iter().any(|it| it == feature);
    let mut obfuscation = Obfuscation {
        elasticsearch: json("elasticsearch"),
        opensearch: json("opensearch"),
        mongodb: json("mongodb"),
        redis: redis("redis"),
        valkey: redis("valkey"),
        ..Obfuscation::default()
    };
    obfuscation.http.remove_query_string = config.apm_config_obfuscation_http_remove_query_string;
    obfuscation.http.remove_paths_with_digits =
        config.apm_config_obfuscation_http_remove_paths_with_digits;
    obfuscation.memcached.enabled = on("memcached.enabled");
    obfuscation.memcached.keep_command = on("memcached.keep_command");
    obfuscation.credit_cards.enabled = on("credit_cards.enabled");
    obfuscation.credit_cards.luhn = on("credit_cards.luhn");
    obfuscation.credit_cards.keep_values = words("credit_cards.keep_values");
    let sql = &mut obfuscation.sql;
    let mode = keys
        .text("apm_config.sql_obfuscation_mode")
        .unwrap_or_default();
    sql.mode = SqlMode::from_name(mode).unwrap_or_default();
    sql.table_names = has("table_names");
    sql.replace_digits = has("quantize_sql_tables") || has("replace_sql_digits");
    sql.keep_sql_alias = has("keep_sql_alias");
    sql.dollar_quoted_func = has("dollar_quoted_func");
    sql.cache_bytes = match on("cache.enabled") {
        true => keys.number("apm_config.obfuscation.cache.max_size", sql.cache_bytes),
        false => 0,
    };
    obfuscation
}

fn sending(config: &Config, keys: &Keys<'_>, traces: &mut TracesConfig) {
    traces.compression_level = config.apm_config_compression_level.clamp(1, 19);
    traces.request_timeout = config.request_timeout();
    let attempts = keys.number("apm_config.max_sender_retries", traces.attempts as usize);
    traces.attempts = u32::try_from(attempts).unwrap_or(traces.attempts);
    traces.additional_endpoints = config
        .apm_additional_endpoints
        .iter()
        .flat_map(|(url, keys)| keys.iter().map(move |key| (url, key)))
        .map(|(url, key)| AdditionalEndpoint {
            url: url.clone(),
            api_key: key.clone(),
        })
        .collect();
    // In an order that does not change from one start to the next.
    traces
        .additional_endpoints
        .sort_by(|a, b| (&a.url, &a.api_key).cmp(&(&b.url, &b.api_key)));
    traces.flush = flush(config);
}

fn flush(config: &Config) -> FlushStrategy {
    let usual = Duration::from_secs(match config.flush_interval {
        0 => 5,
        seconds => seconds,
    });
    strategy::timer(config, usual).map_or(FlushStrategy::OnDemand, FlushStrategy::Interval)
}

/// Keys that are read and checked, and do nothing in this build.
const WITHOUT_EFFECT: [&str; 5] = [
    "apm_config.windows_pipe_name",
    "apm_config.obfuscation.sql_exec_plan.enabled",
    "apm_config.obfuscation.sql_exec_plan_normalize.enabled",
    "span_dedup_timeout",
    "trace_aws_service_representation_enabled",
];

/// Says which keys are set that do nothing.
fn warn_of_what_does_nothing(config: &Config) {
    for name in WITHOUT_EFFECT {
        if config.report.is_set(name) {
            warn!(key = name, "this setting has no effect in this build");
        }
    }
}
