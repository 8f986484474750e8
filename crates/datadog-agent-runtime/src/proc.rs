//! Facts about this process and the machine it runs on: clocks, host name, container, memory.

use std::time::{Duration, Instant, SystemTime};

/// A larger difference between two clocks is no drift.
const JUMP: Duration = Duration::from_secs(1);

/// Both clocks at one moment.
///
/// The monotonic clock stands still while a machine is frozen, the wall clock does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The time of day, which can be set.
    pub wall: SystemTime,
    /// The time that this machine has run.
    pub monotonic: Instant,
}

impl Clocks {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
        }
    }

    /// Whether the wall clock has moved by over a second more or less than the monotonic one since `earlier`: the
    /// machine was frozen, or somebody set its clock.
    #[must_use]
    pub fn jumped_since(&self, earlier: &Self) -> bool {
        let run = self.monotonic.saturating_duration_since(earlier.monotonic);
        match self.wall.duration_since(earlier.wall) {
            Ok(passed) => passed.abs_diff(run) > JUMP,
            Err(backwards) => backwards.duration() + run > JUMP,
        }
    }
}
