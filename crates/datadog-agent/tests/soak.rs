//! A steady load over the stateful stream while something keeps going wrong; then what arrived is compared with what was
//! accepted: nothing may be lost, and no more may have come twice than the agent says it sent again.
//!
//! The agent is a program of its own, the intake lives here, and both speak over real sockets. It stops by itself:
//! shortly among the other tests, and after as long as it is told when it is asked for.
//!
//! ```text
//! cargo test --release -p datadog-agent --test soak -- --mode kill --seconds 300
//! ```
//!
//! | mode | what goes wrong |
//! |---|---|
//! | `kill` | the intake dies every few seconds and comes back |
//! | `rotate` | every stream is replaced after two seconds |
//! | `cut` | the network between both swallows everything for some seconds; needs root and `ip` |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test, which is run by hand too"
)]

#[path = "soak/agent.rs"]
mod agent;
#[path = "soak/network.rs"]
mod network;
#[path = "soak/sender.rs"]
mod sender;
#[path = "soak/tally.rs"]
mod tally;

use std::time::{Duration, Instant};

use datadog_dev_intake::Intake;
use serde_json::Value;

use crate::agent::Agent;
use crate::network::{Network, Own};
use crate::sender::Sender;
use crate::tally::Tally;

/// Seconds of each mode among the other tests.
const SHORT_S: u64 = 6;
/// MiB of logs a second, and among the other tests, which are not optimised.
const MIB_PER_S: u64 = 5;
const SHORT_MIB_PER_S: u64 = 1;
/// The longest that logs may be late when nothing is wrong any more.
const PATIENCE: Duration = Duration::from_secs(90);
/// What an intake keeps between two looks.
const KEEP_BYTES: u64 = 4 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Kill,
    Rotate,
    Cut,
}

impl Mode {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Kill, "kill"),
        (Self::Rotate, "rotate"),
        (Self::Cut, "cut"),
    ];

    fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(mode, _)| *mode == self);
        known.unwrap().1
    }

    /// What the agent is told for it.
    fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Kill => &[],
            Self::Rotate => &[("DD_STATEFUL_LIFETIME", "2")],
            Self::Cut => &[
                ("DD_STATEFUL_ACK_TIMEOUT", "4"),
                ("DD_STATEFUL_SEND_TIMEOUT", "3"),
                ("DD_STATEFUL_CONNECT_TIMEOUT", "3"),
                ("DD_STATEFUL_KEEPALIVE_TIME", "2"),
                ("DD_STATEFUL_KEEPALIVE_TIMEOUT", "1"),
            ],
        }
    }
}

/// The word behind a flag of this program; flags of test runners are passed over.
fn argument(flag: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != flag);
    arguments.nth(1)
}

#[tokio::main]
async fn main() {
    let seconds = argument("--seconds").map(|text| text.parse().expect("--seconds is a number"));
    let rate = argument("--mib-per-s").map(|text| text.parse().expect("--mib-per-s is a number"));
    let Some(word) = argument("--mode") else {
        let (seconds, rate) = (seconds.unwrap_or(SHORT_S), rate.unwrap_or(SHORT_MIB_PER_S));
        run(Mode::Kill, seconds, rate).await;
        run(Mode::Rotate, seconds, rate).await;
        return;
    };
    let known = Mode::ALL.iter().find(|(_, name)| *name == word);
    let (mode, _) = known.expect("--mode is kill, rotate or cut");
    run(*mode, seconds.unwrap_or(60), rate.unwrap_or(MIB_PER_S)).await;
}

async fn run(mode: Mode, seconds: u64, mib_per_s: u64) {
    let network = match mode {
        Mode::Kill | Mode::Rotate => Network::Loopback,
        Mode::Cut => match Own::new() {
            Ok(own) => Network::Own(own),
            Err(why) => {
                println!("soak cut: left out, there is no network of its own: {why}");
                return;
            }
        },
    };
    let intake = Intake::builder()
        .addr(network.intake_addr())
        .keep_bytes(KEEP_BYTES)
        .start()
        .await
        .unwrap();
    let agent = Agent::start(&network, &intake.url(), mode.environment()).await;
    let sender = Sender::start(agent.socket(), mib_per_s << 20);
    let mut tally = Tally::default();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        disturb(mode, &network, &intake, &sender, &mut tally).await;
    }
    sender.stop();
    settle(&intake, &sender, &mut tally).await;
    conclude(mode, seconds, agent, &sender, &tally).await;
}

/// Lets something go wrong once, and takes what has arrived so that the intake need not keep it.
async fn disturb(
    mode: Mode,
    network: &Network,
    intake: &Intake,
    sender: &Sender,
    tally: &mut Tally,
) {
    let some_ms = |least, most| Duration::from_millis(between(least, most));
    match (mode, network) {
        (Mode::Kill, _) => {
            tokio::time::sleep(some_ms(1_000, 4_000)).await;
            intake.kill().await;
            // Nothing comes in now, so that nothing gets between these two.
            tally.take(intake);
            tokio::time::sleep(some_ms(50, 1_500)).await;
            intake.revive().await.unwrap();
        }
        (Mode::Cut, Network::Own(own)) => {
            tokio::time::sleep(some_ms(4_000, 6_000)).await;
            own.cut();
            tokio::time::sleep(some_ms(1_000, 9_000)).await;
            own.heal();
            tokio::time::sleep(some_ms(4_000, 6_000)).await;
            checkpoint(intake, sender, tally).await;
        }
        _ => {
            tokio::time::sleep(Duration::from_secs(5)).await;
            checkpoint(intake, sender, tally).await;
        }
    }
    tally.disturbances += 1;
}

/// Lets everything arrive, and then takes it.
async fn checkpoint(intake: &Intake, sender: &Sender, tally: &mut Tally) {
    sender.pause();
    settle(intake, sender, tally).await;
    sender.resume();
}

/// Waits until all that was accepted has arrived.
async fn settle(intake: &Intake, sender: &Sender, tally: &mut Tally) {
    let begin = Instant::now();
    loop {
        let accepted = sender.quiet().await;
        tally.look(intake);
        let missing = tally.missing(accepted);
        if missing.is_empty() {
            break;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "{} of {accepted} logs are lost, the first of them {:?}",
            missing.len(),
            missing.first()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // What was on its way twice may still come; it is counted at the next look.
    tally.take(intake);
}

async fn conclude(mode: Mode, seconds: u64, agent: Agent, sender: &Sender, tally: &Tally) {
    let status = agent.status().await;
    let pipelines = status["pipelines"]["logs"]["stream"]["pipelines"].as_array();
    let pipelines = pipelines.unwrap_or_else(|| panic!("no stream in {status:#}"));
    let sum = |path: &str| -> u64 {
        let numbers = pipelines.iter().filter_map(|it| it.pointer(path)?.as_u64());
        numbers.sum()
    };
    let (resent, opened) = (sum("/logs/resent"), sum("/streams/opened"));
    let over_http = tally.over_http;
    let (memory_mib, descriptors) = (agent.peak_mib(), agent.descriptors());
    let exit = agent.stop().await;
    println!(
        "soak {}: {seconds} s, {} logs ({} MiB) accepted and arrived, 0 lost, {} arrived twice of {resent} sent again, \
         {over_http} over HTTP, {opened} streams, {} disturbances, {} requests refused meanwhile, agent: {memory_mib} MiB \
         at most, {descriptors} descriptors at the end, exit {exit:?}",
        mode.name(),
        tally.unique(),
        sender.bytes() >> 20,
        tally.twice(),
        tally.disturbances,
        sender.refused(),
    );
    // Clients were told of what the queue had no room for, and posted it again.
    let dropped = status["pipelines"]["logs"]["dropped"].as_object().unwrap();
    let is_known = |(reason, logs): (&String, &Value)| {
        reason == "queue_full" && *logs == sender.refused() * sender::LOGS
    };
    assert!(dropped.iter().all(is_known), "{dropped:?}");
    assert!(tally.twice() <= resent);
    assert!(opened > 1 || mode == Mode::Cut, "nothing happened");
    assert!(descriptors < 64, "{descriptors} descriptors are open");
    assert_eq!(exit, Some(0));
}

/// A number between both, from the clock: what goes wrong when need not be repeatable.
fn between(least: u64, most: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    least + u64::from(now.unwrap().subsec_micros()) % (most - least)
}
