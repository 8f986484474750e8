//! What a function on Lambda used in a window: from one flush to the next.
//!
//! Differences of counters are those between the ends of the window; of open files, threads and `/tmp`, which come and
//! go, it is the most that was seen.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::proc::{self, Cpu, Interfaces, Network, Processes, Space};
use super::{Kind, Lines};

const PREFIX: &str = "aws.lambda.enhanced.";

/// Collects on Lambda.
#[derive(Debug)]
pub(super) struct Lambda {
    root: PathBuf,
    ticks: u64,
    window: Option<Duration>,
    begin: Option<Begin>,
    processes: Option<Processes>,
    space: Option<Space>,
}

/// The counters when a window began.
#[derive(Debug)]
struct Begin {
    at: Instant,
    network: Option<Network>,
    cpu: Option<Cpu>,
    uptime_ms: Option<f64>,
}

impl Lambda {
    pub(super) fn new(root: PathBuf, window: Option<Duration>) -> Self {
        Self {
            root,
            ticks: proc::ticks_per_second(),
            window,
            begin: None,
            processes: None,
            space: None,
        }
    }

    /// Looks at what comes and goes; begins the first window, and ends one that is over.
    pub(super) fn tick(&mut self, now: Instant, lines: &mut Lines) {
        let Some(begin) = &self.begin else {
            self.begin = Some(self.read(now));
            self.sample();
            return;
        };
        if self.window.is_some_and(|window| now >= begin.at + window) {
            self.end(now, lines);
        } else {
            self.sample();
        }
    }

    /// Ends a window and begins the next.
    pub(super) fn end(&mut self, now: Instant, lines: &mut Lines) {
        self.sample();
        let end = self.read(now);
        if let Some(begin) = &self.begin {
            network(begin, &end, lines);
            cpu(begin, &end, lines);
            self.peaks(lines);
        }
        self.begin = Some(end);
        (self.processes, self.space) = (None, None);
    }

    fn read(&self, at: Instant) -> Begin {
        Begin {
            at,
            network: proc::network(&self.root, Interfaces::Lambda),
            cpu: proc::cpu(&self.root, self.ticks),
            uptime_ms: proc::uptime_ms(&self.root),
        }
    }

    fn sample(&mut self) {
        let now = proc::processes(&self.root);
        self.processes = Some(self.processes.map_or(now, |before| Processes {
            files: now.files.max(before.files),
            threads: now.threads.max(before.threads),
            ..now
        }));
        if let Some(now) = proc::temporary_space(&self.root) {
            let used = self.space.map_or(0, |before| before.used).max(now.used);
            self.space = Some(Space { used, ..now });
        }
    }

    fn peaks(&self, lines: &mut Lines) {
        let mut put = |name, value| put(lines, name, whole(value));
        if let Some(space) = self.space {
            put("tmp_used", space.used);
            put("tmp_max", space.total);
            put("tmp_free", space.total.saturating_sub(space.used));
        }
        if let Some(processes) = self.processes {
            put("fd_use", processes.files);
            put("fd_max", processes.max_files);
            put("threads_use", processes.threads);
            put("threads_max", processes.max_threads);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of bytes and things")]
const fn whole(value: u64) -> f64 {
    value as f64
}

fn put(lines: &mut Lines, name: &str, value: f64) {
    lines.put(PREFIX, name, value, Kind::Distribution);
}

fn network(begin: &Begin, end: &Begin, lines: &mut Lines) {
    let (Some(before), Some(after)) = (begin.network, end.network) else {
        return;
    };
    let received = after.received.saturating_sub(before.received);
    let sent = after.sent.saturating_sub(before.sent);
    put(lines, "rx_bytes", whole(received));
    put(lines, "tx_bytes", whole(sent));
    put(lines, "total_network", whole(received.saturating_add(sent)));
}

fn cpu(begin: &Begin, end: &Begin, lines: &mut Lines) {
    let (Some(before), Some(after)) = (&begin.cpu, &end.cpu) else {
        return;
    };
    let user = (after.user - before.user).max(0.0);
    let system = (after.system - before.system).max(0.0);
    put(lines, "cpu_user_time", user);
    put(lines, "cpu_system_time", system);
    put(lines, "cpu_total_time", user + system);
    let (Some(from), Some(to)) = (begin.uptime_ms, end.uptime_ms) else {
        return;
    };
    let idle = (before.cores.iter().zip(&after.cores)).map(|(before, after)| after - before);
    if let Some(used) = Utilization::of(to - from, after.idle - before.idle, idle) {
        put(lines, "cpu_total_utilization_pct", used.share * 100.0);
        put(lines, "cpu_total_utilization", used.share * used.cores);
        put(lines, "num_cores", used.cores);
        put(lines, "cpu_max_utilization", used.max_percent);
        put(lines, "cpu_min_utilization", used.min_percent);
    }
}

/// How busy processors were.
#[derive(Debug, PartialEq)]
struct Utilization {
    /// Of all cores together, 0 to 1.
    share: f64,
    cores: f64,
    /// Of the busiest core.
    max_percent: f64,
    /// Of the idlest.
    min_percent: f64,
}

impl Utilization {
    /// Of so many milliseconds, and the idle ones of all cores and of each; `None` when no time has passed.
    fn of(uptime: f64, idle: f64, cores: impl Iterator<Item = f64>) -> Option<Self> {
        if uptime <= 0.0 {
            return None;
        }
        let (mut count, mut least, mut most) = (0.0, f64::INFINITY, 0.0_f64);
        for core in cores {
            count += 1.0;
            least = least.min(core);
            most = most.max(core);
        }
        if count == 0.0 {
            return None;
        }
        let percent = |idle: f64| ((uptime - idle) / uptime * 100.0).max(0.0);
        let all = uptime * count;
        Some(Self {
            share: ((all - idle) / all).max(0.0),
            cores: count,
            max_percent: percent(least),
            min_percent: percent(most),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_busy_when_they_are_not_idle() {
        let found = Utilization::of(1_000.0, 1_500.0, [900.0, 600.0].into_iter());
        let expect = Utilization {
            share: 0.25,
            cores: 2.0,
            max_percent: 40.0,
            min_percent: 10.0,
        };
        assert_eq!(found, Some(expect));
        // The clocks of the two files differ by a little.
        let found = Utilization::of(1_000.0, 1_010.0, [1_010.0].into_iter()).unwrap();
        assert_eq!((found.share, found.max_percent), (0.0, 0.0));
        assert_eq!(Utilization::of(0.0, 0.0, [0.0].into_iter()), None);
    }
}
