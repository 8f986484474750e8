//! When the backend is asked next: a pause that the backend may steer, a longer one after failures, and a limit on
//! requests out of turn.
//!
//! Decides and does not wait: chance and time are arguments.

use std::time::Duration;

use tokio::time::Instant;

/// The pause that nobody has said anything about.
const USUAL: Duration = Duration::from_secs(60);
/// The pauses that the backend may ask for, in seconds.
const STEERED: std::ops::RangeInclusive<u64> = 1..=60;
/// The first step of what is waited after failures.
const STEP: Duration = Duration::from_secs(30);

/// How long to wait between requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    interval: Duration,
    is_fixed: bool,
    cap: Duration,
    failures: u32,
}

impl Schedule {
    /// With a fixed pause, or with one of 60 seconds that the backend may change; after failures up to `cap` more.
    #[must_use]
    pub fn new(fixed: Option<Duration>, cap: Duration) -> Self {
        Self {
            interval: fixed.unwrap_or(USUAL),
            is_fixed: fixed.is_some(),
            cap,
            failures: 0,
        }
    }

    /// The pause without failures; also the window of requests out of turn.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// How many failures count; two are forgiven for each success.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// A request succeeded, and the backend wants this many seconds between two.
    pub fn succeeded(&mut self, wanted_s: Option<u64>) {
        self.failures = self.failures.saturating_sub(2);
        if let Some(seconds) = wanted_s.filter(|it| !self.is_fixed && STEERED.contains(it)) {
            self.interval = Duration::from_secs(seconds);
        }
    }

    /// A request failed.
    pub fn failed(&mut self) {
        self.failures = (self.failures + 1).min(self.most_failures());
    }

    /// The first number of failures whose range goes beyond the cap.
    fn most_failures(&self) -> u32 {
        let beyond = (1..16).find(|failures| step(*failures) > self.cap);
        beyond.unwrap_or(16)
    }

    /// Between what the extra pause after the present failures is chosen; the end is not in it, unless both are equal.
    #[must_use]
    pub fn backoff(&self) -> (Duration, Duration) {
        match self.failures {
            0 => (Duration::ZERO, Duration::ZERO),
            failures => {
                let longest = step(failures);
                ((longest / 2).min(self.cap), longest.min(self.cap))
            }
        }
    }

    /// How long to wait now; `chance` is between 0 and 1, 1 not included.
    #[must_use]
    pub fn delay(&self, chance: f64) -> Duration {
        let (least, most) = self.backoff();
        self.interval + least + (most - least).mul_f64(chance.clamp(0.0, 1.0))
    }
}

/// 30 seconds, doubled for each failure.
fn step(failures: u32) -> Duration {
    STEP * 2_u32.pow(failures.min(16))
}

/// A number of requests in each window of time; a new window starts full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    capacity: u32,
    begun: Option<Instant>,
    used: u32,
}

impl Window {
    /// With so many requests in each window.
    #[must_use]
    pub const fn new(capacity: u32) -> Self {
        Self {
            capacity,
            begun: None,
            used: 0,
        }
    }

    /// Takes one, if there is one left in the window of this length.
    pub fn admit(&mut self, now: Instant, length: Duration) -> bool {
        let is_over = self
            .begun
            .is_none_or(|begun| now.saturating_duration_since(begun) >= length);
        if is_over {
            self.begun = Some(now);
            self.used = 0;
        }
        let admitted = self.used < self.capacity;
        self.used += u32::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: Duration = Duration::from_secs(120);

    fn seconds(schedule: &Schedule) -> (u64, u64) {
        let (least, most) = schedule.backoff();
        (least.as_secs(), most.as_secs())
    }

    #[test]
    fn failures_double_the_pause_up_to_its_cap_and_a_success_forgives_two() {
        let mut schedule = Schedule::new(None, CAP);
        assert_eq!(seconds(&schedule), (0, 0));
        for expected in [(30, 60), (60, 120), (120, 120), (120, 120)] {
            schedule.failed();
            assert_eq!(seconds(&schedule), expected);
        }
        assert_eq!(schedule.failures(), 3);
        schedule.succeeded(None);
        assert_eq!(schedule.failures(), 1);
        assert_eq!(seconds(&schedule), (30, 60));
        schedule.succeeded(None);
        assert_eq!(schedule.failures(), 0);
    }

    #[test]
    fn a_longer_cap_takes_more_failures() {
        let mut schedule = Schedule::new(None, Duration::from_secs(300));
        for expected in [(30, 60), (60, 120), (120, 240), (240, 300), (240, 300)] {
            schedule.failed();
            assert_eq!(seconds(&schedule), expected);
        }
    }

    #[test]
    fn chance_decides_within_the_bounds() {
        let mut schedule = Schedule::new(None, CAP);
        schedule.failed();
        for (chance, expected) in [(0.0, 90), (0.5, 105), (1.0, 120)] {
            assert_eq!(schedule.delay(chance).as_secs(), expected);
        }
    }

    #[test]
    fn the_backend_steers_within_its_range_unless_the_user_has_decided() {
        for (wanted, expected) in [(0, 60), (1, 1), (50, 50), (60, 60), (61, 60)] {
            let mut schedule = Schedule::new(None, CAP);
            schedule.succeeded(Some(wanted));
            assert_eq!(schedule.interval().as_secs(), expected, "{wanted}");
        }
        let mut fixed = Schedule::new(Some(Duration::from_secs(10)), CAP);
        fixed.succeeded(Some(50));
        assert_eq!(fixed.interval().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_admits_its_number_and_the_next_is_full_again() {
        let length = Duration::from_secs(60);
        let begin = Instant::now();
        let mut window = Window::new(5);
        for _ in 0..5 {
            assert!(window.admit(begin, length));
        }
        assert!(!window.admit(begin + length - Duration::from_nanos(1), length));
        for _ in 0..5 {
            assert!(window.admit(begin + length, length));
        }
        assert!(!window.admit(begin + length, length));
    }
}
