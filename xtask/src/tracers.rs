//! Real tracers instrument a small shop each and send to the agent, over its port and its socket; what arrives at the
//! intake is compared with what each says that it made.
//!
//! Knows no tracer's format: what a span is, the shops say in one shape of JSON, and the intake in another.

mod arrived;
mod compare;
mod kit;
mod oracle;
mod plan;
mod proxied;
mod rates;
mod remote;
mod session;
mod shop;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::bail;

use self::kit::{Kit, Kits};
use self::plan::Plan;
use crate::language::Language;
use crate::program::{self, Profile};
use crate::run::{print, say};

/// Runs at once: most of them wait most of the time.
const WORKERS: usize = 4;

/// Which tracers.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The tracers; all if none is named.
    #[arg(value_enum)]
    clients: Vec<Language>,
    /// The settings that they are run in; all if none is named.
    #[arg(long = "run", value_enum)]
    plans: Vec<Plan>,
}

/// One tracer in one setting.
#[derive(Debug, Clone, Copy)]
struct Run {
    client: Language,
    plan: Plan,
}

/// Runs tracers.
///
/// # Errors
/// When something cannot be installed or started, or something else arrives than was made.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let clients = match options.clients.as_slice() {
        [] => &Language::ALL,
        some => some,
    };
    let program = program::build(Profile::Dev)?;
    let kits = Kits::install(clients)?;
    say("tracers: shops serve, tracers send");
    let wanted = |plan: &Plan| options.plans.is_empty() || options.plans.contains(plan);
    let plans = Plan::ALL.into_iter().filter(wanted);
    let runs = plans.flat_map(|plan| {
        let runs = clients.iter().map(move |&client| Run { client, plan });
        runs.filter(|run| run.plan.concerns(run.client))
    });
    let wrong = side_by_side(runs.collect(), &program, &kits);
    if wrong > 0 {
        bail!("{wrong} runs of tracers went wrong");
    }
    Ok(())
}

/// Performs all runs, a few at once; returns how many went wrong.
fn side_by_side(runs: VecDeque<Run>, program: &Path, kits: &Kits) -> usize {
    let runs = Mutex::new(runs);
    let next = || {
        let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.pop_front()
    };
    let work = || {
        let mut wrong = 0;
        while let Some(run) = next() {
            wrong += usize::from(!is_right(run, program, kits));
        }
        wrong
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        // A worker that panicked counts as a run.
        let counts = workers.into_iter().map(|worker| worker.join().unwrap_or(1));
        counts.sum()
    })
}

/// Performs a run and says how it went.
fn is_right(run: Run, program: &Path, kits: &Kits) -> bool {
    let since = Instant::now();
    let name = format!("tracers: {} {}", run.client.name(), run.plan.name());
    let outcome = kits
        .get(run.client)
        .and_then(|kit: &Kit| session::perform(run, kit, kits, program));
    let seconds = since.elapsed().as_secs();
    match &outcome {
        Ok(counts) => print(&format!("{name}: {counts}: as expected ({seconds} s)")),
        Err(error) => print(&format!("{name}: wrong ({seconds} s)\n{error:#}")),
    }
    outcome.is_ok()
}
