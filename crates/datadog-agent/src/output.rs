//! How the verbs speak: text for people, JSON for programs, one line for a mistake.

use std::io::Write as _;

use clap::ValueEnum;
use tokio::runtime::{Builder, Runtime};

/// For whom a verb prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON value.
    Json,
}

/// Two threads are enough for an agent, and every thread costs memory.
const WORKERS: usize = 2;

/// The runtime that every verb runs on.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("agent")
        .enable_all()
        .build()?)
}

/// Writes a line to standard output; a closed pipe is no reason to fail.
pub(crate) fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(stdout.write_all(text.as_bytes()));
    drop(stdout.write_all(b"\n"));
    drop(stdout.flush());
}

/// Columns of the terminal that standard output is; `None` when it is none.
pub(crate) fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// Writes one line about a mistake to standard error.
pub(crate) fn complain(error: &anyhow::Error) {
    note(&format!("error: {error:#}"));
}

/// Writes a line to standard error, where it does not mix with results.
pub(crate) fn note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(stderr.write_all(text.as_bytes()));
    drop(stderr.write_all(b"\n"));
}
