//! Logs of a folder, as files and as the entries that the verb `patterns` makes of them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::value::RawValue;

use super::super::patterns::find_logs;

pub(super) const HOSTNAME: &str = "i-0a1b2c3d4e5f60718";
pub(super) const SERVICE: &str = "checkout";
pub(super) const TAGS: &str = "env:prod,version:1.4.2,team:shop,region:eu-west-1,cluster:main";

/// When the first line of a file arrives, in Unix milliseconds.
const FIRST_ARRIVAL_MS: u64 = 1_700_000_000_000;
/// The longest pause between two lines.
const LONGEST_PAUSE_MS: u64 = 100;
/// The increment and factor of Knuth's linear congruential generator of 64 bits.
const INCREMENT: u64 = 1_442_695_040_888_963_407;
const FACTOR: u64 = 6_364_136_223_846_793_005;
/// Bytes of entries in one request to the agent, beyond which another begins.
const REQUEST_BYTES: usize = 1_000_000;
/// Entries in one request to the agent.
const REQUEST_ENTRIES: usize = 1_000;

/// Every log of a folder and its subfolders, in an order that is always the same.
pub(super) fn logs(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut logs = Vec::new();
    find_logs(folder, &mut logs)?;
    logs.sort();
    anyhow::ensure!(
        !logs.is_empty(),
        "no *.log or *.jsonl in {}",
        folder.display()
    );
    Ok(logs)
}

/// Writes all logs, one behind the other, so many times.
pub(super) fn write_passes(logs: &[PathBuf], passes: usize, to: &Path) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(to)?);
    for _ in 0..passes {
        for log in logs {
            let text = read(log)?;
            file.write_all(&text)?;
            if text.last().is_some_and(|&byte| byte != b'\n') {
                file.write_all(b"\n")?;
            }
        }
    }
    Ok(file.flush()?)
}

/// The entries of a file in JSON arrays, as a client posts them: with all that the verb `patterns` gives them.
pub(super) fn requests(log: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let text = read(log)?;
    let mut arrivals = Arrivals::default();
    let mut requests = vec![Vec::new()];
    let mut entries = 0;
    for line in lines(&text) {
        let is_full = |request: &Vec<u8>| request.len() > REQUEST_BYTES;
        if entries == REQUEST_ENTRIES || requests.last().is_some_and(is_full) {
            requests.push(Vec::new());
            entries = 0;
        }
        entries += 1;
        let Some(request) = requests.last_mut() else {
            continue;
        };
        request.push(if request.is_empty() { b'[' } else { b',' });
        write!(
            request,
            r#"{{"message":{},"timestamp":{},"hostname":"{HOSTNAME}","service":"{SERVICE}","ddsource":"app","ddtags":"{TAGS}","status":"info"}}"#,
            serde_json::to_string(&String::from_utf8_lossy(line))?,
            arrivals.next()
        )?;
    }
    requests.retain(|request| !request.is_empty());
    for request in &mut requests {
        request.push(b']');
    }
    Ok(requests)
}

/// How many entries are in an array that was written here.
pub(super) fn count(request: &[u8]) -> anyhow::Result<u64> {
    let entries: Vec<&RawValue> = serde_json::from_slice(request)?;
    Ok(entries.len() as u64)
}

fn read(log: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(log).with_context(|| log.display().to_string())
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

/// The times that the verb `patterns` gives to lines.
#[derive(Debug)]
struct Arrivals {
    now_ms: u64,
    state: u64,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            now_ms: FIRST_ARRIVAL_MS,
            state: INCREMENT,
        }
    }
}

impl Arrivals {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(FACTOR).wrapping_add(INCREMENT);
        self.now_ms += (self.state >> 33) % (LONGEST_PAUSE_MS + 1);
        self.now_ms
    }
}
