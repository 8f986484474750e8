//! Starts and stops, many times in one process: nothing may be left behind. One test, since it counts what the whole
//! process has.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::fs;
use std::time::Duration;

use datadog_agent_native::agent::{AgentCoordinator, State};
use datadog_dev_intake::Intake;
use support::{ask, assert_ok, config, post, start, trace};

const CYCLES: usize = 100;
/// Until a file that is still open counts as left behind.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the allocator may keep of a hundred cycles, in debug builds and with several threads.
const KEPT_KIB: u64 = 8 * 1_024;

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// A number of `/proc/self/status`.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

async fn cycle(agent: &mut AgentCoordinator, intake: &Intake) {
    agent.start().await.unwrap();
    let at = agent.listeners().clone();
    assert_ok(
        &ask(
            at.trace_tcp.unwrap(),
            &post("/v0.4/traces", &trace(7, "shop")),
        )
        .await,
    );
    assert_ok(
        &ask(
            at.logs_tcp.unwrap(),
            &post("/v1/input", r#"[{"message":"hello"}]"#),
        )
        .await,
    );
    agent.metrics().unwrap().send(b"orders:1|c").unwrap();
    agent.stop().await.unwrap();
    assert_eq!((intake.messages().len(), intake.traces().len()), (1, 1));
    assert_eq!(intake.series().len(), 1);
    intake.reset();
}

/// Waits until the intake has seen that the agent's connections are closed.
async fn closed(files: usize) {
    let closing = async {
        while open_files() > files {
            tokio::task::yield_now().await;
        }
    };
    let all = tokio::time::timeout(PATIENCE, closing).await;
    assert!(all.is_ok(), "{} files are open, not {files}", open_files());
}

#[tokio::test]
async fn a_hundred_runs_leave_no_file_no_thread_and_no_memory_behind() {
    let intake = Intake::start().await;
    let files_before = open_files();
    let mut agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
    // What is made once and kept: threads of the runtime, buffers, tables.
    for _ in 0..10 {
        cycle(&mut agent, &intake).await;
    }
    closed(files_before).await;
    let (threads, memory) = (status("Threads:"), status("VmRSS:"));
    for run in 0..CYCLES {
        if run % 2 == 1 {
            agent = AgentCoordinator::new(config(&intake, &[])).unwrap();
        }
        cycle(&mut agent, &intake).await;
    }
    closed(files_before).await;
    assert_eq!(agent.health().state, State::Stopped);
    assert!(
        status("Threads:") <= threads,
        "{} threads",
        status("Threads:")
    );
    let grown = status("VmRSS:").saturating_sub(memory);
    assert!(grown < KEPT_KIB, "{grown} KiB more");

    // Two at a time know nothing of each other.
    let other_intake = Intake::start().await;
    let first = start(config(&intake, &[("DD_TAGS", "team:a")])).await;
    let second = start(config(&other_intake, &[("DD_TAGS", "team:b")])).await;
    assert_ne!(first.listeners(), second.listeners());
    for (agent, message) in [(&first, "one"), (&second, "two")] {
        let log = post("/v1/input", &format!(r#"[{{"message":"{message}"}}]"#));
        assert_ok(&ask(agent.listeners().logs_tcp.unwrap(), &log).await);
    }
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();
    assert_eq!(
        (intake.messages(), other_intake.messages()),
        (vec!["one".to_owned()], vec!["two".to_owned()])
    );
}
