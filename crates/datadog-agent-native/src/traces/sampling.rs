//! Which traces are kept, and how stats are grouped, from the configuration.

use datadog_traces_agent::Config as TracesConfig;
use datadog_traces_agent::concentrator::peer_tags;
use datadog_traces_agent::config::Stats;
use datadog_traces_agent::sampler::{AnalyzedSpan, Mode, Probabilistic, TraceIds};
use tracing::warn;

use crate::config::Config;
use crate::keys::Keys;

/// Traces a second of functions, which are wanted all: their rates stay 1.
const SERVERLESS_TPS: f64 = 1_000_000.0;

pub(super) fn fill(config: &Config, keys: &Keys<'_>, traces: &mut TracesConfig) {
    let sampler = &mut traces.sampler;
    sampler.target_tps = keys.float("apm_config.target_traces_per_second", sampler.target_tps);
    if config.profile.is_serverless()
        && !config.report.is_set("apm_config.target_traces_per_second")
    {
        sampler.target_tps = SERVERLESS_TPS;
    }
    sampler.error_tps = keys.float("apm_config.errors_per_second", sampler.error_tps);
    sampler.max_eps = keys.float("apm_config.max_events_per_second", sampler.max_eps);
    sampler.rare = keys.on("apm_config.enable_rare_sampler");
    sampler.mode = mode(config, keys);
    sampler.analyzed_spans = analyzed_spans(keys);
    sampler.error_rare_sample_tracer_drop = has(config, "error_rare_sample_tracer_drop");
    let stats = &mut traces.concentrator;
    stats.compute_stats_by_span_kind = keys.on("apm_config.compute_stats_by_span_kind");
    stats.peer_tags = match keys.on("apm_config.peer_tags_aggregation") {
        true => peer_tags(keys.words("apm_config.peer_tags").unwrap_or_default()),
        false => Vec::new(),
    };
    let primary = keys.words("apm_config.span_derived_primary_tags");
    stats.additional_tags = primary.unwrap_or_default().to_vec();
    traces.stats = match config.compute_trace_stats_on_extension {
        Some(false) => Stats::Backend,
        Some(true) | None => Stats::Agent,
    };
    if traces.sampler.mode == Mode::Security {
        traces.stats = Stats::Nobody;
    }
    traces.client_stats_every = keys.time(
        "apm_config.client_stats_flush_interval",
        traces.client_stats_every,
    );
}

/// Whether traces are only there to carry what a firewall finds: that of a tracer, or the agent's own.
pub(crate) fn is_transport(config: &Config) -> bool {
    !Keys(config).on("apm_tracing_enabled")
}

fn has(config: &Config, feature: &str) -> bool {
    config.apm_features.iter().any(|it| it == feature)
}

fn mode(config: &Config, keys: &Keys<'_>) -> Mode {
    if is_transport(config) {
        let others = [
            "apm_config.error_tracking_standalone.enabled",
            "apm_config.probabilistic_sampler.enabled",
        ];
        for key in others.into_iter().filter(|key| keys.on(key)) {
            warn!(
                key,
                "this setting has no effect while `apm_tracing_enabled` is off"
            );
        }
        return Mode::Security;
    }
    if keys.on("apm_config.error_tracking_standalone.enabled") {
        return Mode::ErrorTracking;
    }
    if !keys.on("apm_config.probabilistic_sampler.enabled") {
        return Mode::Priority;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "percent have so few digits that matter"
    )]
    let percentage = keys.float("apm_config.probabilistic_sampler.sampling_percentage", 0.0) as f32;
    let seed = keys.number("apm_config.probabilistic_sampler.hash_seed", 0);
    Mode::Probabilistic(Probabilistic {
        percentage,
        hash_seed: u32::try_from(seed).unwrap_or(0),
        trace_ids: match has(config, "probabilistic_sampler_full_trace_id") {
            true => TraceIds::Full128,
            false => TraceIds::Low64,
        },
    })
}

/// Reads `service|operation=rate`, which the configuration has checked.
fn analyzed_spans(keys: &Keys<'_>) -> Vec<AnalyzedSpan> {
    let read = |span: &String| {
        let (service, rest) = span.split_once('|')?;
        let (operation, rate) = rest.rsplit_once('=')?;
        Some(AnalyzedSpan {
            service: service.to_owned(),
            operation: operation.to_owned(),
            rate: rate.parse().ok()?,
        })
    };
    let spans = keys.words("apm_config.analyzed_spans").unwrap_or_default();
    spans.iter().filter_map(read).collect()
}
