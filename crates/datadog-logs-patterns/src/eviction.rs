//! Which items leave a collection that has grown too large, and when.
//!
//! A collection may hold a number of items and a number of bytes, each with two watermarks:
//! above the high one items leave until the low one is reached, lowest score first.
//! An item of many uses scores high, an old one and one that is not used any more score low.

use std::cmp::Ordering;

const HOUR_MS: f64 = 3_600_000.0;
const DAY_MS: f64 = 24.0 * HOUR_MS;

/// How much a collection may hold, and when it lets go of what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Items.
    pub max_items: usize,
    /// Bytes of memory that the items take.
    pub max_bytes: usize,
    /// The share of the limits above which items leave.
    pub high_watermark: f64,
    /// The share of the limits down to which they leave.
    pub low_watermark: f64,
    /// How strongly age lowers a score; 0 not at all.
    pub age_decay: f64,
    /// Items younger than this stay, in milliseconds, as long as the collection is within its limits.
    pub grace_ms: i64,
}

/// What is known of the use of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// How often it was used.
    pub count: u64,
    /// When it came, in milliseconds.
    pub created_ms: i64,
    /// When it was last used, in milliseconds.
    pub used_ms: i64,
}

impl Usage {
    /// The usage of an item that comes now.
    pub fn new(now_ms: i64) -> Self {
        Self {
            count: 1,
            created_ms: now_ms,
            used_ms: now_ms,
        }
    }

    /// Counts one use.
    pub fn touch(&mut self, now_ms: i64) {
        self.count += 1;
        self.used_ms = now_ms;
    }

    /// `count / (1 + days of age)^decay * (1 + 1 / (1 + hours since the last use / 24))`.
    pub fn score(&self, now_ms: i64, age_decay: f64) -> f64 {
        let age_days = elapsed(self.created_ms, now_ms) / DAY_MS;
        let idle_hours = elapsed(self.used_ms, now_ms) / HOUR_MS;
        let recency = 1.0 + 1.0 / (1.0 + idle_hours / 24.0);
        #[allow(
            clippy::cast_precision_loss,
            reason = "a score needs no 64 bits of precision"
        )]
        let count = self.count as f64;
        count / (1.0 + age_days).powf(age_decay) * recency
    }
}

/// An item that may have to leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Where the collection holds it.
    pub index: u32,
    /// The memory that it takes.
    pub bytes: usize,
    /// How much it is worth keeping.
    pub score: f64,
}

impl Limits {
    /// Whether a collection of this size has to let go of items.
    pub fn exceeded(&self, items: usize, bytes: usize) -> bool {
        over(bytes, self.max_bytes, self.high_watermark)
            || over(items, self.max_items, self.high_watermark)
    }

    /// Whether a collection of this size is beyond a limit itself, so that young items have to leave as well.
    pub fn full(&self, items: usize, bytes: usize) -> bool {
        items > self.max_items || bytes > self.max_bytes
    }

    /// Whether an item is old enough to leave.
    pub fn may_leave(&self, usage: &Usage, now_ms: i64) -> bool {
        now_ms.saturating_sub(usage.created_ms) >= self.grace_ms
    }

    /// Moves the candidates that leave to the front, and returns how many they are.
    ///
    /// Bytes have priority: when there are too many, items leave until the low watermark of bytes is reached,
    /// else until that of items is.
    pub fn choose(&self, items: usize, bytes: usize, candidates: &mut [Candidate]) -> usize {
        if over(bytes, self.max_bytes, self.high_watermark) {
            let excess = bytes - watermark(self.max_bytes, self.low_watermark);
            candidates.sort_unstable_by(worst_first);
            let mut freed = 0;
            return candidates
                .iter()
                .take_while(|candidate| {
                    let needed = freed < excess;
                    freed += candidate.bytes;
                    needed
                })
                .count();
        }
        if !over(items, self.max_items, self.high_watermark) {
            return 0;
        }
        let excess = (items - watermark(self.max_items, self.low_watermark)).max(1);
        if excess < candidates.len() {
            candidates.select_nth_unstable_by(excess, worst_first);
        }
        excess.min(candidates.len())
    }
}

fn worst_first(one: &Candidate, other: &Candidate) -> Ordering {
    one.score
        .total_cmp(&other.score)
        .then(one.index.cmp(&other.index))
}

fn elapsed(from_ms: i64, to_ms: i64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "milliseconds of an age are far below 2^52"
    )]
    let elapsed = to_ms.saturating_sub(from_ms).max(0) as f64;
    elapsed
}

fn over(amount: usize, max: usize, high_watermark: f64) -> bool {
    #[allow(
        clippy::cast_precision_loss,
        reason = "limits of memory are far below 2^52"
    )]
    let (amount, max) = (amount as f64, max as f64);
    amount > max * high_watermark
}

fn watermark(max: usize, share: f64) -> usize {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limits of memory are far below 2^52, and shares are between 0 and 1"
    )]
    let low = (max as f64 * share) as usize;
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        max_items: 700,
        max_bytes: 4 << 20,
        high_watermark: 0.95,
        low_watermark: 0.85,
        age_decay: 0.5,
        grace_ms: 30_000,
    };

    fn candidates(count: u32) -> Vec<Candidate> {
        (0..count)
            .map(|index| Candidate {
                index,
                bytes: 1000,
                score: f64::from((index * 7919) % 1009),
            })
            .collect()
    }

    #[track_caller]
    fn check_score(count: u64, age_hours: i64, idle_hours: i64, expected: f64) {
        let hour = 3_600_000;
        let now = 100_000 * hour;
        let usage = Usage {
            count,
            created_ms: now - age_hours * hour,
            used_ms: now - idle_hours * hour,
        };
        let score = usage.score(now, 0.5);
        assert!((score - expected).abs() < 0.0005, "{score}");
    }

    #[test]
    fn a_score_grows_with_use_and_falls_with_age_and_idleness() {
        check_score(500, 48, 1, 565.803);
        check_score(1, 0, 0, 2.0);
        check_score(10, 0, 24, 15.0);
    }

    #[test]
    fn one_item_above_the_high_watermark_brings_the_count_down_to_the_low_one() {
        let mut all = candidates(666);
        assert!(!LIMITS.exceeded(665, 0));
        assert!(LIMITS.exceeded(666, 0));
        assert_eq!(LIMITS.choose(666, 0, &mut all), 71);
        let worst_kept = all[71..].iter().map(|c| c.score).fold(f64::MAX, f64::min);
        assert!(all[..71].iter().all(|c| c.score <= worst_kept));
    }

    #[test]
    fn bytes_above_the_high_watermark_are_freed_down_to_the_low_one() {
        let mut all = candidates(100);
        let bytes = 4_000_000;
        let leaving = LIMITS.choose(100, bytes, &mut all);
        let excess = bytes - 3_565_158;
        assert_eq!(leaving, excess.div_ceil(1000).min(100));
    }

    #[test]
    fn a_young_item_stays() {
        let usage = Usage::new(1_000);
        assert!(!LIMITS.may_leave(&usage, 30_999));
        assert!(LIMITS.may_leave(&usage, 31_000));
    }

    #[test]
    fn beyond_a_limit_itself_a_collection_is_full() {
        assert!(!LIMITS.full(700, 4 << 20));
        assert!(LIMITS.full(701, 0));
        assert!(LIMITS.full(0, (4 << 20) + 1));
    }
}
