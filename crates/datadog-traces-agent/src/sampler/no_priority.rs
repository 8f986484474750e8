//! The sampler of traces for which no tracer decided.

use super::score::Sampler;

/// A sampler that keeps so many traces a second, and names its rate on their roots.
pub(super) fn sampler(target_tps: f64, extra_rate: f64) -> Sampler {
    Sampler::new(target_tps, extra_rate, "_dd.no_p_sr")
}
