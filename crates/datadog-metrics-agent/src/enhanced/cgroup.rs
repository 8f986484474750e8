//! What a container uses and may use, by the files of its control group: version 2 of these first, then version 1.

use std::path::Path;

use super::proc::read;

/// Nanoseconds of processor time since the start.
pub(super) fn cpu_ns(root: &Path) -> Option<u64> {
    let stat = root.join("sys/fs/cgroup/cpu.stat");
    let new = || {
        let text = read(&stat).ok()?;
        let mut rows = text.lines();
        let usage = rows.find_map(|line| line.strip_prefix("usage_usec"))?;
        usage.trim().parse::<u64>().ok()?.checked_mul(1_000)
    };
    new().or_else(|| number(root, &["cpu/cpuacct.usage", "cpuacct/cpuacct.usage"]))
}

/// Bytes of memory in use.
pub(super) fn memory(root: &Path) -> Option<u64> {
    number(root, &["memory.current", "memory/memory.usage_in_bytes"])
}

/// Bytes of memory that may be in use; `None` without a limit.
pub(super) fn memory_limit(root: &Path) -> Option<u64> {
    // Version 1 says that there is none by a number larger than any memory.
    number(root, &["memory.max", "memory/memory.limit_in_bytes"]).filter(|limit| *limit < 1 << 60)
}

/// Processes and threads.
pub(super) fn pids(root: &Path) -> Option<u64> {
    number(root, &["pids.current", "pids/pids.current"])
}

/// How many there may be; `None` without a limit.
pub(super) fn pids_limit(root: &Path) -> Option<u64> {
    number(root, &["pids.max", "pids/pids.max"])
}

/// The number in the first of these files that can be read.
fn number(root: &Path, files: &[&str]) -> Option<u64> {
    let directory = root.join("sys/fs/cgroup");
    let text = files
        .iter()
        .find_map(|file| read(&directory.join(file)).ok())?;
    text.trim().parse().ok()
}
