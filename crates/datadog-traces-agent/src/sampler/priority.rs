//! Keeps what tracers ask for, and tells them how much they should ask for.
//!
//! The tracer decides, by the rates it was told; here its traces are counted, those included which it dropped itself,
//! and the rates computed that it should apply.

use std::time::Duration;

use crate::span::{Chunk, Span};

use super::Facts;
use super::catalogue::Catalogue;
use super::core::{Core, Counted, Signature};
use super::rates::Rates;

/// The rate that was applied by an agent's wish.
const AGENT_RATE: &str = "_dd.agent_psr";
/// The rate that was applied by a rule of the tracer.
const RULE_RATE: &str = "_dd.rule_psr";
/// The rate that was applied, as old tracers wrote it.
const PRIORITY_RATE: &str = "_sampling_priority_rate_v1";

#[derive(Debug)]
pub(super) struct Sampler {
    agent_env: String,
    core: Core,
    catalogue: Catalogue,
    rates: Rates,
}

impl Sampler {
    pub(super) fn new(agent_env: &str, target_tps: f64, extra_rate: f64, services: usize) -> Self {
        Self {
            agent_env: agent_env.to_owned(),
            core: Core::new(target_tps, extra_rate, services.max(1)),
            catalogue: Catalogue::new(services),
            rates: Rates::default(),
        }
    }

    pub(super) const fn rates(&self) -> &Rates {
        &self.rates
    }

    pub(super) fn set_target_tps(&mut self, target_tps: f64) {
        self.core.set_target_tps(target_tps);
    }

    /// Whether a chunk with a priority is kept.
    pub(super) fn sample(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        env: &str,
        facts: &Facts<'_>,
        now: Duration,
    ) -> bool {
        let Some(root) = chunk.spans.get_mut(root) else {
            return false;
        };
        // What people decided is not for the rates to change, and so does not count for them.
        match chunk.priority {
            ..0 => return false,
            2.. => return true,
            0 | 1 => {}
        }
        let signature = self.catalogue.register(&root.service, env);
        let weight = super::weight_of(root) + share_of_dropped(facts);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the nearest f32, which is finite"
        )]
        let weight = weight.min(super::MAX_WEIGHT) as f32;
        if self.core.count(signature, weight, now) == Counted::WithNewRates {
            self.publish(now);
        }
        let kept = chunk.priority == 1;
        if kept {
            self.name_rate(root, signature);
        }
        kept
    }

    /// Writes the rate on a root whose tracer did not.
    fn name_rate(&self, root: &mut Span<'_>, signature: Signature) {
        let named = [AGENT_RATE, RULE_RATE, PRIORITY_RATE]
            .iter()
            .any(|key| root.metrics.contains(key));
        if root.parent_id == 0 && !named {
            root.metrics
                .insert(PRIORITY_RATE, self.core.rate(signature));
        }
    }

    fn publish(&mut self, now: Duration) {
        let Self {
            core,
            catalogue,
            rates,
            agent_env,
        } = self;
        catalogue.retain(|signature| core.known_rate(signature).is_some());
        let known = catalogue.iter().filter_map(|(service, env, signature)| {
            let rate = core.known_rate(signature)?;
            Some((service, env, rate))
        });
        rates.update(known, core.default_rate(), agent_env, now);
    }
}

/// How many of the traces that the tracer dropped this one stands for.
fn share_of_dropped(facts: &Facts<'_>) -> f64 {
    facts.client_dropped_p0_traces as f64 / facts.chunks.max(1) as f64
}
