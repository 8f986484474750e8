//! How long to wait after failures in a row: from a second or two up to two minutes, with jitter.
//!
//! Pure: randomness is an argument.

use std::time::Duration;

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// A wait is at least the full one divided by this. Default: 2.
    pub factor: f64,
    /// What the full wait grows from: it is twice this after one failure, and doubles with each. Default: 1 s.
    pub base: Duration,
    /// The longest wait. Default: 120 s.
    pub max: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            factor: 2.0,
            base: Duration::from_secs(1),
            max: Duration::from_secs(120),
        }
    }
}

/// At the longest wait, the shortest part of it that is waited: clients that all wait the longest must not come back
/// as one.
const LEAST_OF_MAX: f64 = 0.75;

/// Counts failures in a row.
#[derive(Debug, Clone)]
pub struct Backoff {
    settings: Settings,
    failures: u32,
}

impl Backoff {
    /// Without a failure so far.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            failures: 0,
        }
    }

    /// Counts a failure.
    pub fn fail(&mut self) {
        self.failures = (self.failures + 1).min(self.max_failures());
    }

    /// Forgets all failures: the other end has proven that it works.
    pub fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row, as far as they are counted.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after the failures so far; zero without any.
    pub fn wait(&self, random: &mut fastrand::Rng) -> Duration {
        if self.failures == 0 {
            return Duration::ZERO;
        }
        let full = self.settings.base.as_secs_f64() * 2_f64.powf(self.failures.into());
        if full > self.settings.max.as_secs_f64() {
            return self.longest(random);
        }
        let least = full / self.settings.factor.max(1.0);
        Duration::from_secs_f64(least + (full - least) * random.f64())
    }

    /// The wait of a client that has no reason to hope: between three quarters of the longest and all of it.
    pub fn longest(&self, random: &mut fastrand::Rng) -> Duration {
        let part = LEAST_OF_MAX + (1.0 - LEAST_OF_MAX) * random.f64();
        self.settings.max.mul_f64(part)
    }

    /// The number of failures from which the wait is the longest: seven with the defaults.
    fn max_failures(&self) -> u32 {
        let Settings { base, max, .. } = self.settings;
        let doublings = (max.as_secs_f64() / base.as_secs_f64()).log2().floor();
        // Clamped to what a count can be; a ratio that is no number counts as none.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=62 before"
        )]
        let doublings = doublings.clamp(0.0, 62.0) as u32;
        doublings + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(failures: u32) -> Backoff {
        let mut backoff = Backoff::new(Settings::default());
        (0..failures).for_each(|_| backoff.fail());
        backoff
    }

    #[track_caller]
    fn check(failures: u32, least_s: f64, most_s: f64) {
        let backoff = after(failures);
        let mut random = fastrand::Rng::with_seed(7);
        let waits = std::iter::repeat_with(|| backoff.wait(&mut random).as_secs_f64());
        let waits: Vec<f64> = waits.take(2_000).collect();
        let least = waits.iter().copied().fold(f64::INFINITY, f64::min);
        let most = waits.iter().copied().fold(0.0, f64::max);
        let close = (most_s - least_s) / 50.0;
        assert!(least >= least_s && least <= least_s + close, "{least}");
        assert!(most <= most_s && most >= most_s - close, "{most}");
    }

    #[test]
    fn waits_double_from_a_second_or_two_to_two_minutes() {
        check(1, 1.0, 2.0);
        check(2, 2.0, 4.0);
        check(3, 4.0, 8.0);
        check(4, 8.0, 16.0);
        check(5, 16.0, 32.0);
        check(6, 32.0, 64.0);
        check(7, 90.0, 120.0);
        check(50, 90.0, 120.0);
    }

    #[test]
    fn there_is_no_wait_before_a_failure_and_after_a_success() {
        let mut random = fastrand::Rng::with_seed(7);
        assert_eq!(after(0).wait(&mut random), Duration::ZERO);
        let mut backoff = after(7);
        backoff.succeed();
        assert_eq!(backoff.wait(&mut random), Duration::ZERO);
        assert_eq!(backoff.failures(), 0);
    }

    #[test]
    fn failures_are_counted_up_to_the_longest_wait() {
        assert_eq!(after(50).failures(), 7);
        let mut backoff = Backoff::new(Settings {
            base: Duration::from_secs(10),
            max: Duration::from_secs(5),
            ..Settings::default()
        });
        (0..3).for_each(|_| backoff.fail());
        assert_eq!(backoff.failures(), 1);
    }
}
