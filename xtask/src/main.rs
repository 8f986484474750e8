//! Everything that is run *on* this repository: tests, checks, benches, generated files.
//!
//! `cargo xtask test` is the one command that a newcomer and the continuous integration both run.

mod accuracy;
mod bench;
mod codegen;
mod csharp;
mod dogstatsd;
mod examples;
mod fips;
mod go;
mod http;
mod install;
mod language;
mod library;
mod lint;
mod nodejs;
mod program;
mod python;
mod run;
mod sanitize;
mod setup;
mod smoke;
mod soak;
mod test;
mod tidy;
mod tracers;
mod waf;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs tests, checks and benches of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Installs what the tests need, says so, and runs all of them.
    Test,
    /// Starts the agent against an intake, posts logs and prints what arrived.
    Smoke,
    /// Checks the stateful stream against gRPC for Python; a part of `test`.
    Grpc,
    /// Runs programs of C against the library, under valgrind too; a part of `test`.
    Capi,
    /// Has real clients of DogStatsD send to the agent, and compares what arrives with files; a part of `test`.
    Dogstatsd(dogstatsd::Options),
    /// Has real tracers send to the agent, and compares what arrives with what they made; a part of `test`.
    Tracers(tracers::Options),
    /// Tests the Python package; a part of `test`.
    Python,
    /// Tests the Node.js package; a part of `test`.
    Nodejs,
    /// Vets and tests the Go package; a part of `test`.
    Go,
    /// Compiles and tests the C# package with Mono; a part of `test`.
    Csharp,
    /// Runs the examples of every language and looks at what arrived; a part of `test`.
    Examples(examples::Options),
    /// Builds the embeddable library and installs it with its header and what pkg-config is told.
    Install(install::Options),
    /// Builds with the FIPS validated module, runs its tests and looks at what is linked; needs CMake and Go.
    Fips,
    /// Obtains the library of the firewall and its rules, which a part of `test` needs, and prints where they are.
    Waf,
    /// Runs the firewall with hostile bodies under AddressSanitizer (needs the nightly compiler) and valgrind.
    Sanitize(sanitize::Options),
    /// Loads the stateful stream while something keeps going wrong, and compares what arrived with what was sent.
    Soak(soak::Options),
    /// Formatting, clippy, documentation, tidy.
    Lint,
    /// What continuous integration runs: lint, then test.
    Ci,
    /// Checks what no linter can: the layers of the crates, documented keys and counters, file headers.
    Tidy,
    /// Counts the datagrams that arrive at a socket; the other end of a measurement.
    #[command(hide = true)]
    Receive {
        /// Where to bind it.
        path: std::path::PathBuf,
    },
    /// Measures; prints one JSON object a line: name, value, unit.
    Bench(bench::Options),
    /// How well patterns agree with labels, for labelled logs as LogHub has them; prints one JSON object a line.
    Accuracy(accuracy::Options),
    /// Takes the picture of the page for the README.
    Screenshot,
    /// Writes the generated files anew.
    Codegen(codegen::Options),
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Test => test::run(),
        Task::Smoke => smoke::run(),
        Task::Grpc => test::grpc(),
        Task::Capi => test::capi(),
        Task::Dogstatsd(options) => dogstatsd::run(&options),
        Task::Tracers(options) => tracers::run(&options),
        Task::Python => python::run(),
        Task::Nodejs => nodejs::run(),
        Task::Go => go::run(),
        Task::Csharp => csharp::run(),
        Task::Examples(options) => examples::run(&options),
        Task::Install(options) => install::run(&options),
        Task::Fips => fips::run(),
        Task::Waf => waf::run(),
        Task::Sanitize(options) => sanitize::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Screenshot => test::screenshot(),
        Task::Lint => lint::run(),
        Task::Ci => lint::run().and_then(|()| test::run()),
        Task::Tidy => tidy::run(),
        Task::Receive { path } => bench::dogstatsd::receive(&path),
        Task::Bench(options) => bench::run(&options),
        Task::Accuracy(options) => accuracy::run(&options),
        Task::Codegen(options) => codegen::run(options),
    }
}
