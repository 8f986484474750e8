//! How many traces a second are kept because of what was found in them.
//!
//! Knows no clock: the time is an argument.

use std::time::{Duration, Instant};

/// Allows so many in each second.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    per_second: u32,
    /// When the second began that is counted.
    since: Option<Instant>,
    allowed: u32,
}

impl RateLimiter {
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            since: None,
            allowed: 0,
        }
    }

    /// Whether one more is allowed, which then counts.
    pub(crate) fn allow(&mut self, now: Instant) -> bool {
        let is_over = |since| now.saturating_duration_since(since) >= Duration::from_secs(1);
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.allowed = 0;
        }
        let is_allowed = self.allowed < self.per_second;
        self.allowed += u32::from(is_allowed);
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_allows_so_many_and_the_next_as_many_again() {
        let mut limiter = RateLimiter::new(2);
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let allowed = [0, 500, 999, 1000, 1001, 1999].map(|millis| limiter.allow(at(millis)));
        assert_eq!(allowed, [true, true, false, true, true, false]);
        assert!(!RateLimiter::new(0).allow(start));
    }
}
