//! Rates for signatures, so that a number of traces a second is kept in all: each signature has its share, and what
//! the rare ones leave goes to the others.
//!
//! Counts the traces of each signature in the last six spans of five seconds. With the first trace of a new span the
//! rates of all signatures are computed anew. Beyond a number of signatures new ones are only counted in the sum, and
//! have the rate of those that are not known.

use std::time::Duration;

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

/// What is counted together: a hash of what traces have in common.
pub(super) type Signature = u32;

/// The seconds of a bucket.
const BUCKET_SECONDS: u64 = 5;
/// How many buckets are remembered.
const BUCKETS: usize = 6;
/// By how much a rate may grow in an update, which is ten-fold in a minute.
const MAX_GROWTH: f64 = 1.2;

/// The weights of the last buckets, each at its number modulo how many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Window([f32; BUCKETS]);

/// One signature.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    window: Window,
    /// `None` until the first update.
    rate: Option<f64>,
}

/// Whether the rates were computed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// They were.
    WithNewRates,
    /// They are as before.
    Only,
}

/// The signatures and their rates.
#[derive(Debug)]
pub(super) struct Core {
    seen: HashMap<Signature, Seen, RandomState>,
    all: Window,
    bucket: u64,
    /// The lowest rate of all since the last update.
    lowest_rate: Option<f64>,
    target_tps: f64,
    extra_rate: f64,
    max_signatures: usize,
    /// What an update sorts; kept for its memory.
    sorted: Vec<f64>,
}

impl Core {
    pub(super) fn new(target_tps: f64, extra_rate: f64, max_signatures: usize) -> Self {
        Self {
            seen: HashMap::default(),
            all: Window::default(),
            bucket: 0,
            lowest_rate: None,
            target_tps: sane(target_tps),
            extra_rate,
            max_signatures,
            sorted: Vec::new(),
        }
    }

    /// Counts a trace, and computes the rates when it is the first of its bucket.
    ///
    /// A time before that of an earlier call is taken for that.
    pub(super) fn count(&mut self, signature: Signature, weight: f32, now: Duration) -> Counted {
        let bucket = (now.as_secs() / BUCKET_SECONDS).max(self.bucket);
        let previous = std::mem::replace(&mut self.bucket, bucket);
        if bucket != previous {
            self.update(previous, bucket);
        }
        self.all.add(bucket, weight);
        let has_room = self.seen.len() < self.max_signatures;
        match self.seen.entry(signature) {
            Entry::Occupied(mut seen) => seen.get_mut().window.add(bucket, weight),
            Entry::Vacant(place) if has_room => {
                place.insert(Seen::default()).window.add(bucket, weight);
            }
            Entry::Vacant(_) => {}
        }
        if bucket == previous {
            Counted::Only
        } else {
            Counted::WithNewRates
        }
    }

    /// The rate of a signature: between 0 and 1.
    pub(super) fn rate(&self, signature: Signature) -> f64 {
        match self.known_rate(signature) {
            Some(rate) => (rate * self.extra_rate).clamp(0.0, 1.0),
            None => self.default_rate(),
        }
    }

    /// The rate of a signature without the extra one, if it has one already.
    pub(super) fn known_rate(&self, signature: Signature) -> Option<f64> {
        self.seen.get(&signature)?.rate
    }

    /// The rate of signatures that are not known.
    pub(super) fn default_rate(&self) -> f64 {
        if self.target_tps == 0.0 {
            return 0.0;
        }
        let seen_tps = self.all.max_tps();
        let rate = if self.target_tps < seen_tps {
            self.target_tps / seen_tps
        } else {
            1.0
        };
        match self.lowest_rate {
            Some(lowest) if lowest < rate && lowest != 0.0 => lowest,
            _ => rate,
        }
    }

    /// Whether a signature is counted.
    pub(super) fn knows(&self, signature: Signature) -> bool {
        self.seen.contains_key(&signature)
    }

    /// How many signatures are counted.
    pub(super) fn signatures(&self) -> usize {
        self.seen.len()
    }

    /// Wants another number of traces a second; rates follow in proportion.
    pub(super) fn set_target_tps(&mut self, target_tps: f64) {
        let previous = std::mem::replace(&mut self.target_tps, sane(target_tps));
        if previous == 0.0 {
            return;
        }
        let ratio = self.target_tps / previous;
        for rate in self.seen.values_mut().filter_map(|seen| seen.rate.as_mut()) {
            *rate = (*rate * ratio).min(1.0);
        }
        if let Some(lowest) = &mut self.lowest_rate {
            *lowest = (*lowest * ratio).min(1.0);
        }
    }

    pub(super) const fn target_tps(&self) -> f64 {
        self.target_tps
    }

    fn update(&mut self, previous: u64, bucket: u64) {
        self.all.forget(previous, bucket);
        self.sorted.clear();
        for seen in self.seen.values_mut() {
            seen.window.forget(previous, bucket);
            self.sorted.push(seen.window.max_tps());
        }
        self.sorted.sort_unstable_by(f64::total_cmp);
        let share = share(self.target_tps, &self.sorted);
        let mut lowest = 1.0_f64;
        self.seen.retain(|_, seen| {
            let tps = seen.window.max_tps();
            let wanted = if share < tps { share / tps } else { 1.0 };
            let rate = grown(seen.rate, wanted);
            seen.rate = Some(rate);
            let kept = rate < 1.0 || tps > 0.0;
            if kept {
                lowest = lowest.min(rate);
            }
            kept
        });
        self.lowest_rate = Some(lowest);
    }
}

/// A number of traces that can be wanted.
fn sane(tps: f64) -> f64 {
    if tps.is_finite() { tps.max(0.0) } else { 0.0 }
}

/// The rate that is wanted, or as much of it as one update may add.
fn grown(previous: Option<f64>, wanted: f64) -> f64 {
    match previous {
        Some(previous) if previous > 0.0 => wanted.min(previous * MAX_GROWTH).min(1.0),
        _ => wanted,
    }
}

/// How many traces a second each signature may have, so that all of them together have as many as are wanted.
///
/// `seen` is what each of them has, ascending. A signature that has less than its share leaves the rest to the others.
fn share(target: f64, seen: &[f64]) -> f64 {
    let mut left = target;
    let mut share = target / seen.len().max(1) as f64;
    let others = seen.split_last().map_or(&[][..], |(_, others)| others);
    for (index, tps) in others.iter().enumerate() {
        if *tps >= share {
            break;
        }
        left -= tps;
        share = left / (seen.len() - index - 1) as f64;
    }
    share
}

impl Window {
    fn add(&mut self, bucket: u64, weight: f32) {
        if let Some(held) = self.0.get_mut(place(bucket)) {
            *held += weight;
        }
    }

    /// Forgets what is too old for a new bucket.
    fn forget(&mut self, previous: u64, bucket: u64) {
        let passed = (bucket - previous).min(BUCKETS as u64);
        for old in bucket + 1 - passed..=bucket {
            if let Some(held) = self.0.get_mut(place(old)) {
                *held = 0.0;
            }
        }
    }

    /// Traces a second in the fullest bucket.
    fn max_tps(&self) -> f64 {
        let max = self.0.iter().copied().fold(0.0, f32::max);
        f64::from(max) / BUCKET_SECONDS as f64
    }
}

fn place(bucket: u64) -> usize {
    usize::try_from(bucket % BUCKETS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_700_000_000 + seconds)
    }

    #[test]
    fn a_share_is_what_the_small_ones_leave() {
        assert_eq!(share(10.0, &[1.0, 2.0, 100.0]), 7.0);
        assert_eq!(share(10.0, &[1.0, 1.0]), 9.0);
        assert_eq!(share(10.0, &[50.0]), 10.0);
        assert_eq!(share(10.0, &[]), 10.0);
        assert_eq!(share(0.0, &[0.0, 1.0]), 0.0);
    }

    #[test]
    fn a_rate_grows_by_a_fifth_at_most_unless_it_was_0() {
        assert_eq!(grown(Some(0.1), 1.0), 0.12);
        assert_eq!(grown(Some(0.9), 1.0), 1.0);
        assert_eq!(grown(Some(0.5), 0.1), 0.1);
        assert_eq!(grown(Some(0.0), 1.0), 1.0);
        assert_eq!(grown(None, 1.0), 1.0);
    }

    #[test]
    fn rates_are_computed_with_the_first_trace_of_a_bucket() {
        let mut core = Core::new(10.0, 1.0, 100);
        assert_eq!(core.count(1, 1.0, at(0)), Counted::WithNewRates);
        for _ in 0..999 {
            assert_eq!(core.count(1, 1.0, at(4)), Counted::Only);
        }
        assert_eq!(core.known_rate(1), None);
        assert_eq!(core.default_rate(), 10.0 / 200.0);
        assert_eq!(core.count(1, 1.0, at(5)), Counted::WithNewRates);
        assert_eq!(core.known_rate(1), Some(0.05));
        // The fullest bucket counts for half a minute; then the rate grows, step by step.
        core.count(1, 1.0, at(29));
        assert_eq!(core.rate(1), 0.05);
        core.count(1, 1.0, at(30));
        assert_eq!(core.rate(1), 0.05 * 1.2);
    }

    #[test]
    fn a_signature_without_traces_is_forgotten_once_its_rate_is_1() {
        let mut core = Core::new(10.0, 1.0, 100);
        core.count(1, 1.0, at(0));
        core.count(2, 1.0, at(29));
        assert!(core.knows(1));
        core.count(2, 1.0, at(30));
        assert!(!core.knows(1));
        assert!(core.knows(2));
    }

    #[test]
    fn the_rate_of_the_unknown_is_not_above_the_lowest() {
        let mut core = Core::new(10.0, 1.0, 100);
        core.count(1, 5_000.0, at(0));
        core.count(2, 5.0, at(0));
        core.count(1, 1.0, at(5));
        assert_eq!(core.known_rate(1), Some(0.009));
        assert_eq!(core.known_rate(2), Some(1.0));
        assert_eq!(core.rate(3), 0.009);
    }

    #[test]
    fn a_target_of_0_keeps_nothing_and_a_new_target_moves_rates_in_proportion() {
        let mut core = Core::new(10.0, 1.0, 100);
        core.count(1, 500.0, at(0));
        core.count(1, 1.0, at(5));
        assert_eq!(core.rate(1), 0.1);
        core.set_target_tps(50.0);
        assert_eq!(core.rate(1), 0.5);
        core.set_target_tps(1000.0);
        assert_eq!(core.rate(1), 1.0);
        core.set_target_tps(0.0);
        assert_eq!((core.rate(1), core.rate(2)), (0.0, 0.0));
        core.set_target_tps(50.0);
        core.count(1, 1.0, at(10));
        assert_eq!(core.rate(1), 0.5);
    }

    #[test]
    fn beyond_the_limit_signatures_are_counted_in_the_sum() {
        let mut core = Core::new(10.0, 1.0, 2);
        for signature in 0..100 {
            core.count(signature, 5.0, at(0));
        }
        assert_eq!(core.signatures(), 2);
        core.count(0, 5.0, at(5));
        assert_eq!(core.signatures(), 2);
        assert_eq!(core.known_rate(0), Some(1.0));
        assert_eq!(core.rate(50), 0.1);
    }

    #[test]
    fn a_clock_that_goes_back_stands_still() {
        let mut core = Core::new(10.0, 1.0, 10);
        core.count(1, 500.0, at(100));
        assert_eq!(core.count(1, 500.0, at(0)), Counted::Only);
        core.count(1, 1.0, at(105));
        assert_eq!(core.rate(1), 0.05);
    }

    #[test]
    fn the_extra_rate_is_a_factor() {
        let mut core = Core::new(10.0, 0.5, 10);
        core.count(1, 500.0, at(0));
        core.count(1, 1.0, at(5));
        assert_eq!(core.rate(1), 0.05);
    }

    proptest! {
        #[test]
        fn shares_give_as_much_as_is_wanted_or_all_there_is(
            target in 0.01..1000.0,
            mut seen in proptest::collection::vec(0.0..1000.0, 1..50),
        ) {
            seen.sort_by(f64::total_cmp);
            let share = share(target, &seen);
            let total: f64 = seen.iter().sum();
            let given: f64 = seen.iter().map(|tps| tps.min(share)).sum();
            prop_assert!(share >= target / seen.len() as f64 * (1.0 - 1e-9));
            prop_assert!((given - total.min(target)).abs() < 1e-6, "{given} of {total}");
        }

        #[test]
        fn rates_are_between_0_and_1(
            target in 0.0..100.0,
            traces in proptest::collection::vec((0u32..20, 0.5f32..1e9, 0u64..12), 1..200),
        ) {
            let mut core = Core::new(target, 1.0, 10);
            let mut now = 0;
            for (signature, weight, pause) in traces {
                now += pause;
                core.count(signature, weight, at(now));
                for signature in 0..20 {
                    prop_assert!((0.0..=1.0).contains(&core.rate(signature)));
                }
                prop_assert!(core.signatures() <= 10);
            }
        }
    }
}
