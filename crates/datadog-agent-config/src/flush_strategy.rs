//! When data is flushed: the grammar of the strategy, and the rule by which `default` adapts to invocations.
//!
//! The rule knows no clock; the caller gives the time.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::value::{Note, Parsed, Value};

/// Longest interval, in milliseconds.
const MAX_INTERVAL_MS: u64 = 900_000;

/// Interval of `periodically` without a number, the one that Datadog documents.
const PERIODICALLY_MS: u64 = 60_000;

/// Interval that the adaptive rule chooses.
const ADAPTIVE_INTERVAL: Duration = Duration::from_millis(20_000);

/// Invocations that the adaptive rule looks back on.
const INVOCATIONS: usize = 20;

/// Mean pause between invocations from which on it is better to flush at each end.
const LONG_PAUSE: Duration = Duration::from_secs(120);

/// Timer during an invocation for the strategy `default`.
const DEFAULT_RACE: Duration = Duration::from_secs(60);

/// Timer during an invocation for the strategy `end`: longer than any invocation.
const END_RACE: Duration = Duration::from_secs(15 * 60);

/// When data is flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlushStrategy {
    /// Adapted to the pace of invocations; without invocations, each pipeline's own timer.
    #[default]
    Default,
    /// At the end of each invocation, on request, and at the stop.
    End,
    /// As [`FlushStrategy::End`], but only when more than this many milliseconds passed since the last flush.
    EndPeriodically(u64),
    /// Every so many milliseconds, and the next work waits for it.
    Periodically(u64),
    /// Every so many milliseconds, and nothing waits for it.
    Continuously(u64),
}

impl FlushStrategy {
    /// The timer that runs during an invocation; missed ticks are skipped.
    #[must_use]
    pub const fn race_interval(self) -> Duration {
        match self {
            Self::Default => DEFAULT_RACE,
            Self::End => END_RACE,
            Self::EndPeriodically(ms) | Self::Periodically(ms) | Self::Continuously(ms) => {
                Duration::from_millis(ms)
            }
        }
    }

    /// What stands for it in Lambda's managed instances, which flush continuously: every 30 seconds, or at its own
    /// interval.
    #[must_use]
    pub const fn for_managed_instances(self) -> Self {
        match self {
            Self::Default | Self::End => Self::Continuously(30_000),
            Self::EndPeriodically(ms) | Self::Periodically(ms) | Self::Continuously(ms) => {
                Self::Continuously(ms)
            }
        }
    }
}

impl fmt::Display for FlushStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::End => f.write_str("end"),
            Self::EndPeriodically(ms) => write!(f, "end,{ms}"),
            Self::Periodically(ms) => write!(f, "periodically,{ms}"),
            Self::Continuously(ms) => write!(f, "continuously,{ms}"),
        }
    }
}

/// Reads a strategy such as `end` or `periodically,60000`.
///
/// # Errors
/// A sentence about what is wrong.
pub(crate) fn parse(text: &str) -> Result<Parsed, String> {
    let text = text.trim().to_ascii_lowercase();
    let (word, rest) = match text.split_once(',') {
        Some((word, rest)) => (word.trim(), Some(rest.trim())),
        None => (text.as_str(), None),
    };
    let strategy = match (word, rest) {
        ("default", None) => FlushStrategy::Default,
        ("end", None) => FlushStrategy::End,
        ("end", Some(ms)) => FlushStrategy::EndPeriodically(interval_ms(ms)?),
        ("periodically", Some(ms)) => FlushStrategy::Periodically(interval_ms(ms)?),
        ("continuously", Some(ms)) => FlushStrategy::Continuously(interval_ms(ms)?),
        ("periodically", None) => {
            let strategy = FlushStrategy::Periodically(PERIODICALLY_MS);
            let note = Note::warning("has no interval", format!("using {strategy}"));
            return Ok(Parsed::with(Value::FlushStrategy(strategy), vec![note]));
        }
        _ => {
            return Err(
                "must be default, end, or end, periodically or continuously with a comma and milliseconds"
                    .to_owned(),
            );
        }
    };
    Ok(Value::FlushStrategy(strategy).into())
}

fn interval_ms(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|ms| {
            text.bytes().all(|byte| byte.is_ascii_digit()) && (1..=MAX_INTERVAL_MS).contains(ms)
        })
        .ok_or_else(|| format!("interval must be milliseconds in 1..={MAX_INTERVAL_MS}"))
}

/// Chooses a strategy from the pace of invocations, for the strategy `default`.
#[derive(Debug, Clone)]
pub struct Adaptive {
    flush_timeout: Duration,
    invocations: VecDeque<Duration>,
}

impl Adaptive {
    /// A rule that has seen no invocation. `flush_timeout` is the key of that name.
    #[must_use]
    pub fn new(flush_timeout: Duration) -> Self {
        Self {
            flush_timeout,
            invocations: VecDeque::with_capacity(INVOCATIONS),
        }
    }

    /// Takes note of an invocation at `now`, a reading of a monotonic clock, and says how to flush after it.
    pub fn invoked(&mut self, now: Duration) -> FlushStrategy {
        if self.invocations.len() == INVOCATIONS {
            self.invocations.pop_front();
        }
        self.invocations.push_back(now);
        self.strategy(now)
    }

    fn strategy(&self, now: Duration) -> FlushStrategy {
        let Some(oldest) = self.invocations.front() else {
            return FlushStrategy::End;
        };
        if self.invocations.len() < INVOCATIONS {
            return FlushStrategy::End;
        }
        let elapsed = now.saturating_sub(*oldest);
        let gaps = u32::try_from(INVOCATIONS - 1).unwrap_or(u32::MAX);
        if elapsed / gaps >= LONG_PAUSE {
            return FlushStrategy::End;
        }
        let ms = u64::try_from(ADAPTIVE_INTERVAL.as_millis()).unwrap_or(u64::MAX);
        if elapsed < self.flush_timeout {
            FlushStrategy::Continuously(ms)
        } else {
            FlushStrategy::Periodically(ms)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strategy after each of `calls` invocations, `gap_s` seconds apart.
    fn strategies(flush_timeout_s: u64, gap_s: u64, calls: u64) -> Vec<FlushStrategy> {
        let mut rule = Adaptive::new(Duration::from_secs(flush_timeout_s));
        (0..calls)
            .map(|call| rule.invoked(Duration::from_secs(1_000 + call * gap_s)))
            .collect()
    }

    #[test]
    fn fewer_than_twenty_invocations_flush_at_the_end_then_a_quick_pace_continuously() {
        let chosen = strategies(30, 1, 20);
        assert_eq!(chosen[..19], [FlushStrategy::End; 19]);
        assert_eq!(chosen[19], FlushStrategy::Continuously(20_000));
    }

    #[test]
    fn a_slower_pace_flushes_periodically_and_a_slow_one_at_the_end() {
        assert_eq!(
            strategies(30, 60, 20).last(),
            Some(&FlushStrategy::Periodically(20_000))
        );
        assert_eq!(strategies(30, 130, 20).last(), Some(&FlushStrategy::End));
        assert_eq!(strategies(30, 200, 25).last(), Some(&FlushStrategy::End));
        assert_eq!(strategies(30, 120, 20).last(), Some(&FlushStrategy::End));
    }

    #[test]
    fn the_flush_timeout_divides_continuously_from_periodically() {
        assert_eq!(
            strategies(60, 1, 20).last(),
            Some(&FlushStrategy::Continuously(20_000))
        );
        assert_eq!(
            strategies(10, 1, 20).last(),
            Some(&FlushStrategy::Periodically(20_000))
        );
    }

    #[test]
    fn only_the_last_twenty_invocations_count() {
        let mut rule = Adaptive::new(Duration::from_secs(30));
        rule.invoked(Duration::ZERO);
        for call in 0..20 {
            rule.invoked(Duration::from_secs(100_000 + call));
        }
        assert_eq!(
            rule.invoked(Duration::from_secs(100_020)),
            FlushStrategy::Continuously(20_000)
        );
    }

    #[test]
    fn every_strategy_reads_back_what_it_writes() {
        for strategy in [
            FlushStrategy::Default,
            FlushStrategy::End,
            FlushStrategy::EndPeriodically(1),
            FlushStrategy::Periodically(900_000),
            FlushStrategy::Continuously(500),
        ] {
            let parsed = parse(&strategy.to_string()).expect("what it writes is well formed");
            assert!(parsed.value == Value::FlushStrategy(strategy));
        }
    }

    #[test]
    fn race_timers_follow_the_strategy() {
        assert_eq!(FlushStrategy::Default.race_interval().as_secs(), 60);
        assert_eq!(FlushStrategy::End.race_interval().as_secs(), 900);
        assert_eq!(
            FlushStrategy::Continuously(500).race_interval().as_millis(),
            500
        );
    }

    #[test]
    fn managed_instances_flush_continuously() {
        assert_eq!(
            FlushStrategy::Default.for_managed_instances(),
            FlushStrategy::Continuously(30_000)
        );
        assert_eq!(
            FlushStrategy::Periodically(5_000).for_managed_instances(),
            FlushStrategy::Continuously(5_000)
        );
    }
}
