//! Keeps a share of traces without a priority, and of those with errors: by the rate of their signature.
//!
//! Beyond a hundred signatures those that are not known are folded into a hundred more, so that there are never more
//! than two hundred.

use std::time::Duration;

use crate::span::Chunk;

use super::core::{Core, Signature};
use super::signature;

/// How many signatures are told apart before the others are folded, and into how many they are.
const MAX_SIGNATURES: Signature = 100;

#[derive(Debug)]
pub(super) struct Sampler {
    core: Core,
    /// The metric of the root that says by which rate it was kept.
    rate_key: &'static str,
    off_at_zero: bool,
    /// The hashes of the spans of a trace; kept for its memory.
    hashes: Vec<u32>,
}

impl Sampler {
    pub(super) fn new(target_tps: f64, extra_rate: f64, rate_key: &'static str) -> Self {
        Self {
            core: Core::new(target_tps, extra_rate, 2 * MAX_SIGNATURES as usize),
            rate_key,
            off_at_zero: false,
            hashes: Vec::new(),
        }
    }

    /// Counts nothing while no traces are wanted.
    pub(super) const fn off_at_zero(mut self) -> Self {
        self.off_at_zero = true;
        self
    }

    pub(super) fn set_target_tps(&mut self, target_tps: f64) {
        self.core.set_target_tps(target_tps);
    }

    /// Counts a chunk, and says whether it is kept.
    pub(super) fn sample(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        env: &str,
        now: Duration,
    ) -> bool {
        if self.off_at_zero && self.core.target_tps() == 0.0 {
            return false;
        }
        let signature = signature::of_trace(chunk, root, env, &mut self.hashes);
        let signature = self.folded(signature);
        // A chunk of very many spans leaves no lasting mark.
        self.hashes.shrink_to(4096);
        let Some(root) = chunk.spans.get_mut(root) else {
            return false;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the nearest f32, which is finite"
        )]
        let weight = super::weight_of(root) as f32;
        self.core.count(signature, weight, now);
        let rate = self.core.rate(signature);
        let client_rate = super::rate_of(root, super::CLIENT_RATE);
        let kept = super::keeps(root.trace_id, client_rate * rate);
        if kept {
            root.metrics.insert(self.rate_key, rate);
        }
        kept
    }

    fn folded(&self, signature: Signature) -> Signature {
        if self.core.signatures() < MAX_SIGNATURES as usize || self.core.knows(signature) {
            return signature;
        }
        signature % MAX_SIGNATURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Span;

    #[test]
    fn signatures_beyond_a_hundred_are_folded() {
        let mut sampler = Sampler::new(10.0, 1.0, "_dd.no_p_sr");
        for resource in 0..10_000 {
            let mut chunk = Chunk {
                spans: vec![Span {
                    resource: resource.to_string().into(),
                    ..Span::default()
                }],
                ..Chunk::default()
            };
            sampler.sample(&mut chunk, 0, "prod", Duration::from_secs(1));
            assert!(sampler.core.signatures() <= 200);
        }
        assert!(sampler.core.signatures() >= 190);
    }

    #[test]
    fn a_rate_is_applied_beside_that_of_the_tracer() {
        let mut chunk = Chunk {
            spans: vec![Span {
                trace_id: 2,
                ..Span::default()
            }],
            ..Chunk::default()
        };
        let mut sampler = Sampler::new(10.0, 1.0, "_dd.no_p_sr");
        let now = Duration::from_secs(1);
        assert!(sampler.sample(&mut chunk, 0, "prod", now));
        assert_eq!(chunk.spans[0].metric("_dd.no_p_sr"), Some(1.0));
        // The hash of 2 is above a tenth.
        chunk.spans[0].metrics = [("_sample_rate".into(), 0.1)].into_iter().collect();
        assert!(!sampler.sample(&mut chunk, 0, "prod", now));
        assert_eq!(chunk.spans[0].metric("_dd.no_p_sr"), None);
        chunk.spans[0].trace_id = 1;
        assert!(sampler.sample(&mut chunk, 0, "prod", now));
    }
}
