//! Facts about this process and the machine it runs on: clocks, host name, container, memory.
//!
//! Whatever is read from files is read below a root that the caller gives, `/` outside of tests. Nothing is looked up
//! over a network and nothing is remembered.

pub mod container;
pub mod hostname;

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A larger difference between two clocks is no drift.
const JUMP: Duration = Duration::from_secs(1);

/// The files that we read are far shorter.
const MAX_FILE_BYTES: u64 = 64 * 1_024;

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

    /// How long ago this moment was, freezes not counted. Of the moment of the start, it is the uptime.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.monotonic.elapsed()
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

/// What this process takes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Memory that is in RAM.
    pub rss_bytes: u64,
    /// The same with shared pages divided among those who share them; `None` where the kernel does not tell.
    pub pss_bytes: Option<u64>,
    /// Threads.
    pub threads: u64,
}

impl Usage {
    /// Reads what this process takes now. Walks its memory map, so not for a hot path.
    ///
    /// # Errors
    /// Where there is no `proc` file system below `root`, or it does not have the known form.
    pub fn read(root: &Path) -> io::Result<Self> {
        let own = root.join("proc/self");
        let resident_pages = second_number(&read_capped(&own.join("statm"))?)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "statm has another form"))?;
        let page_bytes = rustix::param::page_size() as u64;
        Ok(Self {
            rss_bytes: resident_pages.saturating_mul(page_bytes),
            pss_bytes: read_capped(&own.join("smaps_rollup"))
                .ok()
                .as_deref()
                .and_then(pss_of),
            threads: fs::read_dir(own.join("task"))?.count() as u64,
        })
    }
}

fn second_number(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// `Pss:              123 kB`
fn pss_of(smaps_rollup: &str) -> Option<u64> {
    let line = (smaps_rollup.lines()).find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// Reads the start of a text file, as much as any of ours has.
fn read_capped(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?
        .take(MAX_FILE_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(from: Clocks, wall_ms: i64, monotonic_ms: u64) -> Clocks {
        let wall = Duration::from_millis(wall_ms.unsigned_abs());
        Clocks {
            wall: if wall_ms < 0 {
                from.wall - wall
            } else {
                from.wall + wall
            },
            monotonic: from.monotonic + Duration::from_millis(monotonic_ms),
        }
    }

    #[test]
    fn jump_is_more_than_a_second_between_the_clocks() {
        let start = Clocks::now();
        for (wall_ms, monotonic_ms, jumped) in [
            (0, 0, false),
            (60_000, 60_000, false),
            (61_000, 60_000, false),
            (61_001, 60_000, true),
            (59_000, 60_000, false),
            (58_999, 60_000, true),
            (3_600_000, 5, true),
            (-500, 500, false),
            (-501, 500, true),
        ] {
            assert_eq!(
                later(start, wall_ms, monotonic_ms).jumped_since(&start),
                jumped,
                "{wall_ms} ms against {monotonic_ms} ms"
            );
        }
    }

    #[test]
    fn usage_is_read_from_the_three_files() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("proc/self");
        fs::create_dir_all(own.join("task/1")).unwrap();
        fs::create_dir_all(own.join("task/2")).unwrap();
        fs::write(own.join("statm"), "9000 321 200 10 0 500 0\n").unwrap();
        let usage = Usage::read(root.path()).unwrap();
        let page = rustix::param::page_size() as u64;
        assert_eq!(
            usage,
            Usage {
                rss_bytes: 321 * page,
                pss_bytes: None,
                threads: 2
            }
        );
        let rollup = "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss: 20 kB\nPss:        17 kB\nPss_Dirty: 1 kB\n";
        fs::write(own.join("smaps_rollup"), rollup).unwrap();
        let usage = Usage::read(root.path()).unwrap();
        assert_eq!(usage.pss_bytes, Some(17 * 1_024));
    }

    #[test]
    fn machine_without_proc_gives_an_error() {
        let root = tempfile::tempdir().unwrap();
        let error = Usage::read(root.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
