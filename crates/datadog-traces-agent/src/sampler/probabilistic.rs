//! Keeps a share of all traces, by a hash of their id that other agents and collectors compute alike.

use crate::span::Span;

use super::signature::Fnv32;

/// The metric of the root that says which share was kept.
const RATE: &str = "_dd.prob_sr";
/// The bits of a hash that count.
const HASH_BITS: u32 = 0x3fff;
/// Hashes to a percent.
const HASHES_PER_PERCENT: f32 = 163.84;

/// Which bits of a trace's id are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TraceIds {
    /// The lower 64 bits, as older agents do.
    #[default]
    Low64,
    /// All 128 bits, as OpenTelemetry does.
    Full128,
}

/// A share of all traces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probabilistic {
    /// The share in percent.
    pub percentage: f32,
    /// What the hash begins with; agents behind one another need the same.
    pub hash_seed: u32,
    /// Which bits of a trace's id are hashed.
    pub trace_ids: TraceIds,
}

impl Probabilistic {
    /// Whether a trace is in the share; writes the share on its root then.
    pub(super) fn sample(&self, root: &mut Span<'_>) -> bool {
        let kept = self.hash(root) < self.threshold();
        if kept {
            root.metrics
                .insert(RATE, f64::from(self.percentage) / 100.0);
        }
        kept
    }

    fn threshold(&self) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the whole part is meant, and the cast saturates"
        )]
        let threshold = (self.percentage * HASHES_PER_PERCENT) as u32;
        threshold
    }

    fn hash(&self, root: &Span<'_>) -> u32 {
        // The lower bits come first when they are alone: an accident of old, on which agents must agree.
        let id = match self.trace_ids {
            TraceIds::Low64 => u128::from(root.trace_id) << 64,
            TraceIds::Full128 => full_id(root),
        };
        let mut hash = Fnv32::default();
        hash.write(&self.hash_seed.to_le_bytes());
        hash.write(&id.to_be_bytes());
        hash.finish() & HASH_BITS
    }
}

/// All bits of a trace's id: its upper ones are tags, and 0 where they are missing or no number.
fn full_id(root: &Span<'_>) -> u128 {
    let otel = root.tag("otel.trace_id");
    let otel = otel.and_then(|id| u128::from_str_radix(id, 16).ok());
    otel.unwrap_or_else(|| {
        let upper = root.tag("_dd.p.tid");
        let upper = upper.and_then(|upper| u64::from_str_radix(upper, 16).ok());
        u128::from(upper.unwrap_or(0)) << 64 | u128::from(root.trace_id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn share(percentage: f32) -> Probabilistic {
        Probabilistic {
            percentage,
            hash_seed: 0,
            trace_ids: TraceIds::Low64,
        }
    }

    fn root(trace_id: u64) -> Span<'static> {
        Span {
            trace_id,
            ..Span::default()
        }
    }

    #[test]
    fn hashes_and_thresholds_are_those_of_all_agents() {
        assert_eq!(share(50.0).threshold(), 8192);
        assert_eq!(share(60.0).threshold(), 9830);
        for (id, hash) in [(1, 9058), (2, 8815), (12345, 13114)] {
            assert_eq!(share(50.0).hash(&root(id)), hash, "{id}");
            assert!(!share(50.0).sample(&mut root(id)), "{id}");
            assert_eq!(share(60.0).sample(&mut root(id)), id < 3, "{id}");
        }
    }

    #[test]
    fn everything_and_nothing_are_shares() {
        for id in 0..1000 {
            assert!(share(100.0).sample(&mut root(id)));
            assert!(!share(0.0).sample(&mut root(id)));
        }
    }

    #[test]
    fn the_share_is_written_on_the_root() {
        let mut root = root(1);
        share(75.0).sample(&mut root);
        assert_eq!(root.metric("_dd.prob_sr"), Some(0.75));
    }

    #[test]
    fn upper_bits_are_found_in_tags() {
        let mut root = root(2);
        assert_eq!(full_id(&root), 2);
        root.meta.insert("_dd.p.tid", "00000000000000ff".into());
        assert_eq!(full_id(&root), 0xff << 64 | 2);
        root.meta.insert("_dd.p.tid", "no number".into());
        assert_eq!(full_id(&root), 2);
        let otel = "000102030405060708090a0b0c0d0e0f";
        root.meta.insert("otel.trace_id", otel.into());
        assert_eq!(full_id(&root), 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f);
        let full = Probabilistic {
            trace_ids: TraceIds::Full128,
            ..share(50.0)
        };
        assert_ne!(full.hash(&root), share(50.0).hash(&root));
    }
}
