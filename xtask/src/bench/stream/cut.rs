//! How soon logs arrive again when an intake comes back that was gone for two seconds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Way;
use super::bytes::{post, start};
use super::corpus;
use super::sink::Sink;
use crate::bench::{Options, median, report};
use crate::http::request;
use crate::run::say;

/// Cuts of which the medians are taken.
const ROUNDS: usize = 7;
/// Logs come for so long before the cut.
const BEFORE: Duration = Duration::from_secs(2);
/// How long the intake is gone; logs go on coming.
const GONE: Duration = Duration::from_secs(2);
/// Logs in one request to the agent, and the pause between two requests: 2,000 logs a second.
const POST_LOGS: usize = 100;
const POST_EVERY: Duration = Duration::from_millis(50);
/// Logs in a batch.
const BATCH_LOGS: usize = 100;
/// Pause between two looks at the status.
const LOOK: Duration = Duration::from_millis(5);
/// Longest wait for what was posted.
const DEADLINE: Duration = Duration::from_secs(60);

/// Cuts each way in turn.
pub(super) fn run(
    program: &Path,
    logs: &[PathBuf],
    sink: &Sink,
    options: &Options,
) -> anyhow::Result<()> {
    let posts = posts(logs)?;
    for way in Way::BOTH {
        say(&format!("{way:?}: {ROUNDS} cuts of two seconds"));
        let (mut firsts, mut backlogs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let [first, backlog] = cut(program, &posts, way, sink)?;
            firsts.push(first);
            backlogs.push(backlog);
        }
        let name = format!("stream_cut{}", way.name());
        report(
            &format!("{name}_first_acknowledged"),
            median(firsts),
            "ms",
            options,
        );
        report(
            &format!("{name}_backlog_gone"),
            median(backlogs),
            "ms",
            options,
        );
    }
    Ok(())
}

/// Bodies of `POST_LOGS` entries.
fn posts(logs: &[PathBuf]) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut posts = Vec::new();
    for log in logs {
        for body in corpus::requests(log)? {
            let entries: Vec<Value> = serde_json::from_slice(&body)?;
            for entries in entries.chunks_exact(POST_LOGS) {
                posts.push(serde_json::to_vec(entries)?);
            }
        }
    }
    ensure!(!posts.is_empty(), "too few logs");
    Ok(posts)
}

/// One cut of a fresh agent: milliseconds from the return of the intake to the first log that it acknowledges, and to
/// the last that was posted before.
fn cut(program: &Path, posts: &[Vec<u8>], way: Way, sink: &Sink) -> anyhow::Result<[f64; 2]> {
    let mut environment = way.environment(&sink.url(), BATCH_LOGS);
    environment.push(("DD_LOGS_CONFIG_BATCH_WAIT", "1".to_owned()));
    let agent = start(program, &environment)?;
    let logs = agent.url("logs")?.to_owned();
    let url = format!("{logs}/api/v2/logs");
    let mut bodies = posts.iter().cycle();
    let mut posted = 0;
    let mut feed = |time: Duration| {
        let end = Instant::now() + time;
        while let Some(body) = bodies.next()
            && Instant::now() < end
        {
            post(&url, body)?;
            posted += POST_LOGS as u64;
            std::thread::sleep(POST_EVERY);
        }
        anyhow::Ok(())
    };
    feed(BEFORE)?;
    sink.set_up(false);
    feed(GONE)?;
    sink.seen.forget();
    let returned = Instant::now();
    sink.set_up(true);
    let settled = wait_for(&logs, posted)?;
    let first = sink.seen.acknowledged().context("nothing came")?;
    agent.stop()?;
    Ok([first, settled].map(|at| at.duration_since(returned).as_secs_f64() * 1e3))
}

/// When all that was posted is known to be delivered.
fn wait_for(logs: &str, posted: u64) -> anyhow::Result<Instant> {
    let give_up = Instant::now() + DEADLINE;
    loop {
        let (_, status) = request("GET", &format!("{logs}/status"), b"")?;
        let status: Value = serde_json::from_str(&status).context("/status is not JSON")?;
        let endpoints = status["pipelines"]["logs"]["endpoints"].as_object();
        let sent: u64 = endpoints
            .context("no endpoints in /status")?
            .values()
            .filter_map(|endpoint| endpoint["sent"].as_u64())
            .sum();
        if sent >= posted {
            return Ok(Instant::now());
        }
        ensure!(
            Instant::now() < give_up,
            "{sent} of {posted} logs arrived within {DEADLINE:?}: {status}"
        );
        std::thread::sleep(LOOK);
    }
}
