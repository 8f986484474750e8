//! Random histories of a pipeline and an intake, joined by a link that loses, delays and cuts, under a clock that jumps.
//!
//! The pipeline is the real one (encoder, machine and their glue), the intake decodes with the real decoder. In every
//! history each log must arrive at least once, in order within a stream, nothing may be undecodable, and both ends must
//! know the same at the end. A failure prints the seed of its history:
//!
//! ```text
//! cargo test -p datadog-logs-stream --test simulation -- --seed 17
//! cargo test --release -p datadog-logs-stream --test simulation -- --histories 100000
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test, whose numbers are small"
)]

#[path = "simulation/intake.rs"]
mod intake;
#[path = "simulation/logs.rs"]
mod logs;
#[path = "simulation/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Histories unless an argument names another number.
const HISTORIES: u64 = 1_500;

/// The number behind a flag of this program; flags of test runners are passed over.
fn argument(flag: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag);
    arguments.nth(1)?.parse().ok()
}

/// Every log arrives at least once, in order, and both ends agree.
fn main() {
    let (first, count) = match argument("--seed") {
        Some(seed) => (seed, 1),
        None => (0, argument("--histories").unwrap_or(HISTORIES)),
    };
    let mut totals = world::Totals::default();
    for seed in first..first + count {
        match catch_unwind(AssertUnwindSafe(|| world::run(seed))) {
            Ok(history) => totals.add(&history),
            Err(panic) => {
                eprintln!("history {seed} failed; `-- --seed {seed}` replays it");
                resume_unwind(panic);
            }
        }
    }
    eprintln!("simulation: {count} histories, {totals}");
    if count > 100 {
        totals.assert_everything_happened();
    }
}
