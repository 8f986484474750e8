//! Which flushes are due, by the strategy of the configuration and the pace of invocations.
//!
//! Pure: it asks no clock and flushes nothing. What a pipeline sends by its own timer is not its business.

use std::time::Duration;

use crate::config::FlushStrategy;
use crate::config::flush_strategy::Adaptive;

/// What is to be done at this point of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// A flush, which the invocation waits for.
    Awaited,
    /// A flush, which nobody waits for.
    Background,
}

/// What is remembered between flushes. Times are readings of a monotonic clock.
#[derive(Debug)]
pub(crate) struct Pace {
    configured: FlushStrategy,
    /// What is in force: for `default`, what the pace of invocations led to.
    strategy: FlushStrategy,
    adaptive: Adaptive,
    last: Duration,
}

impl Pace {
    /// For an agent that starts at `now`. `flush_timeout` is the key of that name.
    pub(crate) fn new(configured: FlushStrategy, flush_timeout: Duration, now: Duration) -> Self {
        Self {
            configured,
            strategy: configured,
            adaptive: Adaptive::new(flush_timeout),
            last: now,
        }
    }

    /// An invocation begins: what is to be done before its work.
    pub(crate) fn began(&mut self, now: Duration) -> Due {
        let adapted = self.adaptive.invoked(now);
        if self.configured == FlushStrategy::Default {
            self.strategy = adapted;
        }
        match self.strategy {
            FlushStrategy::Periodically(ms) if self.has_passed(ms, now) => {
                self.flush(Due::Awaited, now)
            }
            FlushStrategy::Continuously(ms) if self.has_passed(ms, now) => {
                self.flush(Due::Background, now)
            }
            _ => Due::Nothing,
        }
    }

    /// An invocation has ended: what is to be done before the next may begin.
    pub(crate) fn ended(&mut self, now: Duration) -> Due {
        match self.strategy {
            FlushStrategy::Default | FlushStrategy::End => self.flush(Due::Awaited, now),
            FlushStrategy::EndPeriodically(ms) if self.has_passed(ms, now) => {
                self.flush(Due::Awaited, now)
            }
            FlushStrategy::EndPeriodically(_)
            | FlushStrategy::Periodically(_)
            | FlushStrategy::Continuously(_) => Due::Nothing,
        }
    }

    /// Somebody asks for a flush: whether it is not too soon after the last.
    pub(crate) fn asked(&mut self, now: Duration) -> bool {
        if let FlushStrategy::EndPeriodically(ms) = self.strategy
            && !self.has_passed(ms, now)
        {
            return false;
        }
        self.last = now;
        true
    }

    fn has_passed(&self, ms: u64, now: Duration) -> bool {
        now.saturating_sub(self.last) >= Duration::from_millis(ms)
    }

    fn flush(&mut self, due: Due, now: Duration) -> Due {
        self.last = now;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn pace(strategy: FlushStrategy) -> Pace {
        Pace::new(strategy, Duration::from_secs(30), MS(1_000))
    }

    #[test]
    fn end_flushes_at_every_end_and_never_before_the_work() {
        let mut pace = pace(FlushStrategy::End);
        assert_eq!(pace.began(MS(900_000)), Due::Nothing);
        assert_eq!(pace.ended(MS(900_001)), Due::Awaited);
        assert_eq!(pace.ended(MS(900_001)), Due::Awaited);
        assert!(pace.asked(MS(900_001)));
    }

    #[test]
    fn end_with_an_interval_flushes_when_it_has_passed_and_limits_who_asks() {
        let mut pace = pace(FlushStrategy::EndPeriodically(500));
        assert_eq!(pace.ended(MS(1_499)), Due::Nothing);
        assert!(!pace.asked(MS(1_499)));
        assert_eq!(pace.ended(MS(1_500)), Due::Awaited);
        assert_eq!(pace.ended(MS(1_999)), Due::Nothing);
        assert!(pace.asked(MS(2_000)));
        assert!(!pace.asked(MS(2_499)));
    }

    #[test]
    fn periodically_is_awaited_and_continuously_is_not() {
        for (strategy, due) in [
            (FlushStrategy::Periodically(500), Due::Awaited),
            (FlushStrategy::Continuously(500), Due::Background),
        ] {
            let mut pace = pace(strategy);
            assert_eq!(pace.began(MS(1_499)), Due::Nothing);
            assert_eq!(pace.began(MS(1_500)), due);
            assert_eq!(pace.began(MS(1_999)), Due::Nothing);
            assert_eq!(pace.ended(MS(9_000)), Due::Nothing);
            assert_eq!(pace.began(MS(9_000)), due);
        }
    }

    #[test]
    fn default_flushes_at_the_end_until_the_pace_is_known_and_then_by_it() {
        let minute = Duration::from_secs(60);
        let mut pace = Pace::new(FlushStrategy::Default, minute, Duration::ZERO);
        for call in 0..19 {
            let now = Duration::from_secs(1 + call);
            assert_eq!(pace.began(now), Due::Nothing, "{call}");
            assert_eq!(pace.ended(now), Due::Awaited, "{call}");
        }
        // The twentieth comes 19 seconds after the first, which is within the flush timeout: continuously, 20 s.
        assert_eq!(pace.began(Duration::from_secs(20)), Due::Nothing);
        assert_eq!(pace.ended(Duration::from_secs(20)), Due::Nothing);
        assert_eq!(pace.began(Duration::from_secs(38)), Due::Nothing);
        assert_eq!(pace.began(Duration::from_secs(39)), Due::Background);
    }
}
