//! Holds back what was said a moment ago, and counts it.
//!
//! Knows no clock and bounds what it remembers: when it cannot remember more, it lets lines through.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tracing::Level;

/// How long the same line is held back.
const WINDOW: Duration = Duration::from_secs(10);

/// Different lines that are remembered.
const MAX_LINES: usize = 256;

/// What was said lately, by target and message.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    said: HashMap<(&'static str, String), Said>,
    next_sweep: Option<Instant>,
}

#[derive(Debug)]
struct Said {
    level: Level,
    at: Instant,
    held: u64,
}

/// Lines that were held back and never followed by one that told of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) level: Level,
    pub(super) target: &'static str,
    pub(super) message: String,
    pub(super) count: u64,
}

impl Repeats {
    /// Whether a line may be written, and how many like it were held back before; `None` to hold it back.
    pub(super) fn admit(
        &mut self,
        level: Level,
        target: &'static str,
        message: &str,
        now: Instant,
    ) -> Option<u64> {
        let key = (target, message.to_owned());
        if let Some(said) = self.said.get_mut(&key) {
            if now.saturating_duration_since(said.at) < WINDOW {
                said.held += 1;
                return None;
            }
            said.at = now;
            return Some(std::mem::take(&mut said.held));
        }
        if self.said.len() < MAX_LINES {
            let said = Said {
                level,
                at: now,
                held: 0,
            };
            self.said.insert(key, said);
        }
        Some(0)
    }

    /// Forgets the lines whose time is over, and returns those of which some were held back. Looks once a window.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Held> {
        let next = *self.next_sweep.get_or_insert(now + WINDOW);
        if now < next {
            return Vec::new();
        }
        self.next_sweep = Some(now + WINDOW);
        let over = self
            .said
            .extract_if(|_, said| now.saturating_duration_since(said.at) >= WINDOW);
        let mut held: Vec<_> = over
            .filter(|(_, said)| said.held > 0)
            .map(|((target, message), said)| Held {
                level: said.level,
                target,
                message,
                count: said.held,
            })
            .collect();
        // A map has no order, and a log should have one.
        held.sort_by(|a, b| (a.target, &a.message).cmp(&(b.target, &b.message)));
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn same_line_is_written_once_in_ten_seconds_with_the_number_held_back() {
        let start = Instant::now();
        let mut repeats = Repeats::default();
        let mut admit = |at: Duration| repeats.admit(Level::WARN, "a", "m", start + at);
        assert_eq!(admit(seconds(0)), Some(0));
        assert_eq!(admit(seconds(1)), None);
        assert_eq!(admit(seconds(10) - Duration::from_nanos(1)), None);
        assert_eq!(admit(seconds(10)), Some(2));
        assert_eq!(admit(seconds(11)), None);
        assert_eq!(admit(seconds(20)), Some(1));
    }

    #[test]
    fn lines_are_told_apart_by_target_and_message() {
        let now = Instant::now();
        let mut repeats = Repeats::default();
        assert_eq!(repeats.admit(Level::WARN, "a", "m", now), Some(0));
        assert_eq!(repeats.admit(Level::WARN, "b", "m", now), Some(0));
        assert_eq!(repeats.admit(Level::WARN, "a", "n", now), Some(0));
        assert_eq!(repeats.admit(Level::WARN, "a", "m", now), None);
    }

    #[test]
    fn lines_held_back_at_the_end_of_a_flood_are_told_later() {
        let start = Instant::now();
        let mut repeats = Repeats::default();
        assert_eq!(repeats.due(start), []);
        for _ in 0..5 {
            repeats.admit(Level::ERROR, "a", "flood", start);
        }
        repeats.admit(Level::WARN, "a", "once", start);
        assert_eq!(repeats.due(start + seconds(9)), []);
        assert_eq!(
            repeats.due(start + seconds(10)),
            [Held {
                level: Level::ERROR,
                target: "a",
                message: "flood".to_owned(),
                count: 4,
            }]
        );
        assert!(repeats.said.is_empty());
        let again = repeats.admit(Level::ERROR, "a", "flood", start + seconds(11));
        assert_eq!(again, Some(0));
    }

    #[test]
    fn more_lines_than_are_remembered_are_let_through() {
        let start = Instant::now();
        let mut repeats = Repeats::default();
        for n in 0..MAX_LINES + 10 {
            assert_eq!(
                repeats.admit(Level::WARN, "a", &n.to_string(), start),
                Some(0)
            );
        }
        assert_eq!(repeats.said.len(), MAX_LINES);
        let unknown = MAX_LINES.to_string();
        assert_eq!(repeats.admit(Level::WARN, "a", &unknown, start), Some(0));
        assert_eq!(repeats.due(start), []);
        assert_eq!(repeats.due(start + seconds(10)), []);
        assert!(repeats.said.is_empty());
    }
}
