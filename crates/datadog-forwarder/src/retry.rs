//! What an answer means for a payload, and how long to wait before asking again.
//!
//! Knows no clock and no chance: the time and the random number are arguments.

use std::time::{Duration, SystemTime};

use datadog_wire::status::{Action, StatusTable};

use crate::Encoding;
use crate::config::Pauses;

/// The longest pause that an intake may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// The core agent's defaults, for values outside their range.
const DEFAULT_FACTOR: f64 = 2.0;
const DEFAULT_BASE_S: f64 = 1.0;
const DEFAULT_MAX_S: f64 = 120.0;
const DEFAULT_RECOVERY_INTERVAL: u32 = 2;

/// What an answer means for the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The intake has it.
    Accepted,
    /// Another try may help.
    Retry,
    /// Another key may help.
    KeyRefused,
    /// Another key may help, or the same one later.
    KeyDoubted,
    /// Halves may pass.
    TooLarge,
    /// It may pass uncompressed.
    EncodingRefused,
    /// Nothing helps.
    Refused,
}

/// The verdict on a body that travelled in `encoding` and was answered with `status`.
pub(crate) fn verdict(table: &StatusTable, status: u16, encoding: Encoding) -> Verdict {
    match table.action(status) {
        Action::Accept => Verdict::Accepted,
        Action::Retry => Verdict::Retry,
        Action::RefreshKey => Verdict::KeyRefused,
        Action::RefreshKeyAndRetry => Verdict::KeyDoubted,
        Action::Split => Verdict::TooLarge,
        Action::SendUncompressed if encoding == Encoding::Identity => Verdict::Refused,
        Action::SendUncompressed => Verdict::EncodingRefused,
        Action::Drop => Verdict::Refused,
    }
}

/// The pause that a `Retry-After` header asks for, in seconds or as an HTTP date; at most five minutes.
///
/// `None` for anything else, a date that has passed included.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let pause = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit a number are a very long pause, which the cap below cuts.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(now).ok()?
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

/// The policy of pauses of one endpoint, and its count of errors.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    pauses: Pauses,
    errors: u32,
}

impl Backoff {
    /// A policy without errors so far.
    pub(crate) fn new(pauses: Pauses) -> Self {
        Self {
            pauses: within_range(pauses),
            errors: 0,
        }
    }

    /// Whether the endpoint pauses as a whole, rather than each payload by itself.
    pub(crate) fn is_of_endpoint(&self) -> bool {
        matches!(self.pauses, Pauses::ErrorCount { .. })
    }

    /// Notes an attempt that another try may mend.
    pub(crate) fn failed(&mut self) {
        if let Pauses::ErrorCount { base_s, max_s, .. } = self.pauses {
            self.errors = self
                .errors
                .saturating_add(1)
                .min(most_errors(base_s, max_s));
        }
    }

    /// Notes an accepted payload.
    pub(crate) fn succeeded(&mut self) {
        if let Pauses::ErrorCount {
            recovery_interval,
            recovery_reset,
            ..
        } = self.pauses
        {
            self.errors = if recovery_reset {
                0
            } else {
                self.errors.saturating_sub(recovery_interval)
            };
        }
    }

    /// The pause after `attempts` tries of a payload; `unit` is random in [0, 1).
    pub(crate) fn pause(&self, attempts: u32, unit: f64) -> Duration {
        match self.pauses {
            Pauses::Jitter { first, max } => {
                let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
                let half = first.saturating_mul(doubled).min(max) / 2;
                half + half.mul_f64(unit)
            }
            Pauses::ErrorCount {
                factor,
                base_s,
                max_s,
                ..
            } => {
                if self.errors == 0 {
                    return Duration::ZERO;
                }
                let grown = base_s * 2f64.powf(f64::from(self.errors));
                if grown > max_s {
                    return Duration::from_secs_f64(max_s);
                }
                let least = grown / factor;
                Duration::from_secs_f64(least + (grown - least) * unit)
            }
        }
    }
}

/// The count past which another error changes nothing: the first that reaches the longest pause.
fn most_errors(base_s: f64, max_s: f64) -> u32 {
    (1..=63)
        .find(|&errors| base_s * 2f64.powi(errors) > max_s)
        .map_or(63, i32::unsigned_abs)
}

/// Replaces what is out of range by the core agent's default, with a warning.
fn within_range(pauses: Pauses) -> Pauses {
    let Pauses::ErrorCount {
        factor,
        base_s,
        max_s,
        recovery_interval,
        recovery_reset,
    } = pauses
    else {
        return pauses;
    };
    // A day is beyond any sensible pause and far within what a duration can hold.
    let seconds = 0.001..=86_400.0;
    let checked = Pauses::ErrorCount {
        factor: pick((2.0..=1e6).contains(&factor), factor, DEFAULT_FACTOR),
        base_s: pick(seconds.contains(&base_s), base_s, DEFAULT_BASE_S),
        max_s: pick(seconds.contains(&max_s), max_s, DEFAULT_MAX_S),
        recovery_interval: pick(
            recovery_interval > 0,
            recovery_interval,
            DEFAULT_RECOVERY_INTERVAL,
        ),
        recovery_reset,
    };
    if checked != pauses {
        tracing::warn!(?pauses, used = ?checked, "backoff out of range");
    }
    checked
}

fn pick<T>(fits: bool, value: T, default: T) -> T {
    if fits { value } else { default }
}

#[cfg(test)]
mod tests {
    use datadog_wire::status::{LOGS, TRACES};

    use super::*;

    /// The largest float below one, as the random number may be.
    const ALMOST_ONE: f64 = 1.0 - f64::EPSILON;

    fn host() -> Backoff {
        Backoff::new(Pauses::ErrorCount {
            factor: 2.0,
            base_s: 1.0,
            max_s: 120.0,
            recovery_interval: 2,
            recovery_reset: false,
        })
    }

    fn seconds(backoff: &Backoff) -> (f64, f64) {
        (
            backoff.pause(1, 0.0).as_secs_f64(),
            backoff.pause(1, ALMOST_ONE).as_secs_f64().round(),
        )
    }

    #[test]
    fn the_error_count_doubles_the_range_up_to_the_cap() {
        let mut backoff = host();
        assert_eq!(seconds(&backoff), (0.0, 0.0));
        let ranges = [
            (1.0, 2.0),
            (2.0, 4.0),
            (4.0, 8.0),
            (8.0, 16.0),
            (16.0, 32.0),
            (32.0, 64.0),
            (120.0, 120.0),
        ];
        for range in ranges {
            backoff.failed();
            assert_eq!(seconds(&backoff), range);
        }
    }

    #[test]
    fn the_error_count_saturates_so_that_one_success_at_seven_leaves_five() {
        let mut backoff = host();
        for _ in 0..50 {
            backoff.failed();
        }
        assert_eq!(backoff.errors, 7);
        backoff.succeeded();
        assert_eq!(backoff.errors, 5);
        assert_eq!(seconds(&backoff), (16.0, 32.0));
        for _ in 0..3 {
            backoff.succeeded();
        }
        assert_eq!(backoff.errors, 0);
    }

    #[test]
    fn a_success_takes_back_all_errors_when_asked_to() {
        let mut backoff = Backoff::new(Pauses::ErrorCount {
            factor: 2.0,
            base_s: 1.0,
            max_s: 120.0,
            recovery_interval: 2,
            recovery_reset: true,
        });
        for _ in 0..7 {
            backoff.failed();
        }
        backoff.succeeded();
        assert_eq!(backoff.errors, 0);
    }

    #[test]
    fn a_larger_factor_lowers_the_least_pause_only() {
        let mut backoff = Backoff::new(Pauses::ErrorCount {
            factor: 4.0,
            base_s: 1.0,
            max_s: 120.0,
            recovery_interval: 2,
            recovery_reset: false,
        });
        backoff.failed();
        backoff.failed();
        assert_eq!(seconds(&backoff), (1.0, 4.0));
    }

    #[test]
    fn values_out_of_range_become_the_defaults() {
        for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            let mut backoff = Backoff::new(Pauses::ErrorCount {
                factor: bad,
                base_s: bad,
                max_s: bad,
                recovery_interval: 0,
                recovery_reset: false,
            });
            assert_eq!(backoff.pauses, host().pauses, "{bad}");
            backoff.failed();
            assert_eq!(seconds(&backoff), (1.0, 2.0), "{bad}");
        }
    }

    #[test]
    fn jitter_lies_between_half_the_base_and_the_base_which_doubles_to_its_cap() {
        let backoff = Backoff::new(Pauses::Jitter {
            first: Duration::from_millis(100),
            max: Duration::from_secs(1),
        });
        let cases = [
            (1, 50, 100),
            (2, 100, 200),
            (3, 200, 400),
            (5, 500, 1000),
            (500, 500, 1000),
        ];
        for (attempts, least, most) in cases {
            assert_eq!(
                backoff.pause(attempts, 0.0),
                Duration::from_millis(least),
                "{attempts}"
            );
            let longest = backoff.pause(attempts, ALMOST_ONE).as_secs_f64() * 1000.0;
            assert_eq!(longest.round(), f64::from(most), "{attempts}");
        }
    }

    #[test]
    fn retry_after_takes_seconds_or_a_date_and_ignores_the_rest() {
        // Sun, 06 Nov 1994 08:49:37 GMT.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("2", Some(2)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("300", Some(300)),
            ("301", Some(300)),
            ("99999999999999999999999999", Some(300)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(300)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ];
        for (value, expected) in cases {
            assert_eq!(
                retry_after(value, now),
                expected.map(Duration::from_secs),
                "{value:?}"
            );
        }
    }

    #[test]
    fn an_encoding_can_only_be_refused_where_there_is_one() {
        assert_eq!(
            verdict(&LOGS, 415, Encoding::Zstd(3)),
            Verdict::EncodingRefused
        );
        assert_eq!(verdict(&LOGS, 415, Encoding::Identity), Verdict::Refused);
        assert_eq!(verdict(&LOGS, 202, Encoding::Identity), Verdict::Accepted);
        assert_eq!(verdict(&LOGS, 403, Encoding::Identity), Verdict::KeyRefused);
        assert_eq!(
            verdict(&TRACES, 403, Encoding::Identity),
            Verdict::KeyDoubted
        );
        assert_eq!(verdict(&LOGS, 413, Encoding::Identity), Verdict::TooLarge);
        assert_eq!(verdict(&LOGS, 429, Encoding::Identity), Verdict::Retry);
        assert_eq!(verdict(&LOGS, 302, Encoding::Identity), Verdict::Refused);
    }
}
