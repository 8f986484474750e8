//! The agent as a program. Each verb has a file of its own; what an embedder could want is in `datadog-agent-native`.

mod config;
mod dev;
mod intake;
mod logs;
mod memory;
mod output;
mod patterns;
mod run;
mod status;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An observability agent that speaks Datadog's protocols, and a local intake that shows what it sends.
///
/// Configured by `DD_*` variables and datadog.yaml; `config` shows every key. Independent of Datadog, Inc.
#[derive(Debug, Parser)]
#[command(name = "datadog-agent-native", version = datadog_agent_native::VERSION)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Runs the agent as configured, until SIGINT or SIGTERM.
    Run(run::Options),
    /// Runs the agent and a local intake together: no account, key or file needed.
    Dev(dev::Options),
    /// Runs the local intake alone.
    Intake(intake::Options),
    /// Sends files, or standard input as `-`, and reports what became of every line.
    Logs(logs::Options),
    /// Shows the patterns of logs, and what it costs to send them by HTTP and by the stateful stream.
    Patterns(patterns::Options),
    /// Shows the effective configuration: each key, its value and where it came from.
    Config(config::Options),
    /// Asks a running agent how it fares.
    Status(status::Options),
}

fn main() -> ExitCode {
    let verb = Arguments::parse().verb;
    // What `patterns` times is the work, not the page faults of large blocks that are mapped anew for every batch:
    // HTTP, whose bodies are larger, would pay most of them.
    if !matches!(verb, Verb::Patterns(_)) {
        memory::give_back_large_blocks();
    }
    let outcome = output::runtime().and_then(|runtime| {
        let outcome = runtime.block_on(perform(verb));
        // A read of standard input that is under way cannot be cut; it is no reason to stay.
        runtime.shutdown_background();
        outcome
    });
    outcome.unwrap_or_else(|error| {
        output::complain(&error);
        ExitCode::FAILURE
    })
}

async fn perform(verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Run(options) => Box::pin(run::run(options)).await,
        Verb::Dev(options) => Box::pin(dev::run(options)).await,
        Verb::Intake(options) => intake::run(options).await,
        Verb::Logs(options) => logs::run(options).await,
        Verb::Patterns(options) => patterns::run(&options),
        Verb::Config(options) => config::run(&options),
        Verb::Status(options) => status::run(options).await,
    }
}
