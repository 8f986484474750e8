//! What the system says about itself and its processes, in the files of `/proc`.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// The files that are read are far shorter.
const MAX_FILE_BYTES: u64 = 256 * 1_024;
/// Interfaces over which a function on Lambda talks, by how their names begin.
const LAMBDA_INTERFACES: [&str; 3] = ["vinternal_1", "vint_runtime", "Ceth1"];
/// What open files and processes are limited to where no limit can be read.
const USUAL_LIMIT: u64 = 1_024;

/// Reads the start of a text file, as much as any of those has.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?
        .take(MAX_FILE_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// Which interfaces count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interfaces {
    /// The one of a function on Lambda.
    Lambda,
    /// All but the loopback.
    Outside,
}

/// Bytes that were received and sent since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Network {
    pub(super) received: u64,
    pub(super) sent: u64,
}

/// Reads `/proc/net/dev`; `None` without an interface that counts.
pub(super) fn network(root: &Path, interfaces: Interfaces) -> Option<Network> {
    let text = read(&root.join("proc/net/dev")).ok()?;
    let mut rows = text.lines().filter_map(|line| {
        let (name, numbers) = line.split_once(':')?;
        let name = name.trim();
        let counts = match interfaces {
            Interfaces::Lambda => LAMBDA_INTERFACES.iter().any(|it| name.starts_with(it)),
            Interfaces::Outside => name != "lo",
        };
        let mut numbers = numbers.split_ascii_whitespace().map(str::parse);
        let row = Network {
            received: numbers.next()?.ok()?,
            sent: numbers.nth(7)?.ok()?,
        };
        counts.then_some(row)
    });
    match interfaces {
        Interfaces::Lambda => rows.next(),
        Interfaces::Outside => rows.reduce(|a, b| Network {
            received: a.received.saturating_add(b.received),
            sent: a.sent.saturating_add(b.sent),
        }),
    }
}

/// Time that processors spent since the start, in milliseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cpu {
    pub(super) user: f64,
    pub(super) system: f64,
    pub(super) idle: f64,
    /// Idle time of each core.
    pub(super) cores: Vec<f64>,
}

/// Reads `/proc/stat`, which counts in ticks of which a second has so many; `None` when it names no core.
pub(super) fn cpu(root: &Path, ticks: u64) -> Option<Cpu> {
    let text = read(&root.join("proc/stat")).ok()?;
    let mut whole = None;
    let mut cores = Vec::new();
    #[expect(clippy::cast_precision_loss, reason = "ticks of a machine's life")]
    let ms = |ticks_spent: u64| ticks_spent as f64 / ticks as f64 * 1_000.0;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(core) = words.next().and_then(|word| word.strip_prefix("cpu")) else {
            continue;
        };
        let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        let [user, _nice, system, idle, ..] = numbers.as_slice() else {
            return None;
        };
        if core.is_empty() {
            whole = Some((ms(*user), ms(*system), ms(*idle)));
        } else {
            cores.push(ms(*idle));
        }
    }
    let (user, system, idle) = whole.filter(|_| !cores.is_empty())?;
    Some(Cpu {
        user,
        system,
        idle,
        cores,
    })
}

/// Milliseconds since the start of the machine.
pub(super) fn uptime_ms(root: &Path) -> Option<f64> {
    let text = read(&root.join("proc/uptime")).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse::<f64>);
    let (up, _idle) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(up * 1_000.0)
}

/// What all processes use, and the least that any of them is limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Processes {
    pub(super) files: u64,
    pub(super) max_files: u64,
    pub(super) threads: u64,
    pub(super) max_threads: u64,
}

/// Walks `/proc`; what cannot be read of a process is left out.
pub(super) fn processes(root: &Path) -> Processes {
    let mut sum = Processes {
        files: 0,
        max_files: u64::MAX,
        threads: 0,
        max_threads: u64::MAX,
    };
    let entries = fs::read_dir(root.join("proc")).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let is_process = name
            .to_str()
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        if !is_process {
            continue;
        }
        let process = entry.path();
        sum.files += count(&process.join("fd"));
        sum.threads += count(&process.join("task"));
        if let Ok(limits) = read(&process.join("limits")) {
            sum.max_files = sum.max_files.min(soft_limit(&limits, "Max open files"));
            sum.max_threads = sum.max_threads.min(soft_limit(&limits, "Max processes"));
        }
    }
    for limit in [&mut sum.max_files, &mut sum.max_threads] {
        if *limit == u64::MAX {
            *limit = USUAL_LIMIT;
        }
    }
    sum
}

fn count(directory: &Path) -> u64 {
    fs::read_dir(directory).map_or(0, |entries| entries.count() as u64)
}

/// The largest number for one that is missing, or unlimited.
fn soft_limit(limits: &str, name: &str) -> u64 {
    let row = limits.lines().find_map(|line| line.strip_prefix(name));
    let soft = row.and_then(|row| row.split_ascii_whitespace().next());
    soft.and_then(|it| it.parse().ok()).unwrap_or(u64::MAX)
}

/// Bytes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) total: u64,
    pub(super) used: u64,
}

/// Of the one that `/tmp` is on.
pub(super) fn temporary_space(root: &Path) -> Option<Space> {
    let system = rustix::fs::statvfs(root.join("tmp")).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(system.f_frsize);
    Some(Space {
        total: bytes(system.f_blocks),
        used: bytes(system.f_blocks.saturating_sub(system.f_bavail)),
    })
}

/// Ticks in a second of `/proc/stat`.
pub(super) fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}
