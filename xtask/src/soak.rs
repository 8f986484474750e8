//! A steady load over the stateful stream while something keeps going wrong, for as long as it is told.
//!
//! The load, and what is compared at the end, is in the tests of the program, where it runs for some seconds too.

use clap::{Args, ValueEnum};

use crate::run::{root, sh};

/// What is to go wrong, and for how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// What goes wrong.
    #[arg(long, value_enum, default_value_t = Mode::Kill)]
    mode: Mode,
    /// For how long.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// MiB of logs a second.
    #[arg(long, default_value_t = 5)]
    mib_per_s: u64,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// The intake dies every few seconds and comes back.
    Kill,
    /// Every stream is replaced after two seconds.
    Rotate,
    /// The network swallows everything for some seconds; needs root and `ip`.
    Cut,
}

/// Runs it.
///
/// # Errors
/// When anything was lost, or came twice without having been sent twice.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mode = options.mode.to_possible_value();
    let mode = mode.as_ref().map_or("kill", |mode| mode.get_name());
    let (seconds, rate) = (options.seconds.to_string(), options.mib_per_s.to_string());
    let build = "cargo test --locked --release --package datadog-agent --test soak --";
    let what = ["--mode", mode, "--seconds", &seconds, "--mib-per-s", &rate];
    let words: Vec<&str> = build.split(' ').chain(what).collect();
    sh(&root(), &words)
}
