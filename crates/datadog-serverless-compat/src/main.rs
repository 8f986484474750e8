//! The agent beside a function, on any platform: configured by `DD_*` variables alone, it finds out where it is, runs
//! the pipelines until SIGTERM or SIGINT, and delivers what it holds before it ends.
//!
//! One more front end of `datadog-agent-native`; it has no behaviour that an embedder could want.
//! It ends with 0 when everything was delivered, and with 1 and one line on standard error when it could not start,
//! or lost something at its end.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use datadog_agent_native::agent::{AgentCoordinator, ShutdownReason, Signals};
use datadog_agent_native::config::{Config, Profile};
use datadog_agent_native::{logger, platform};
use tokio::runtime::Builder;
use tracing::{info, warn};

/// Functions have few processors, and every thread costs memory.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("agent")
        .enable_all()
        .build()
        .context("no runtime");
    match runtime.and_then(|runtime| runtime.block_on(Box::pin(run()))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let config = Config::builder()
        .profile(Profile::Serverless)
        .with_env()
        .build_with_issues();
    logger::install(logger::config_of(&config))?;
    // Taken first: a platform may take the instance away before the agent has started.
    let signals = Signals::install()?;
    let span_tags = match platform::detect(&config)? {
        Some(place) => {
            let facts = platform::verify(&place, &config).await?;
            info!(platform = %place.platform, name = place.name, "detected");
            platform::span_tags(&place, &facts, &config)
        }
        None => Vec::new(),
    };
    let mut agent = AgentCoordinator::builder(config)
        .span_tags(span_tags)
        .build()?;
    agent.start().await?;
    announce(&agent);
    let reason = agent.wait_for(signals).await;
    agent.shutdown().await?;
    if reason == ShutdownReason::FatalError {
        bail!("a part of the agent ended by itself");
    }
    Ok(())
}

/// Says where clients find the agent.
fn announce(agent: &AgentCoordinator) {
    let at = agent.listeners();
    if at.trace_tcp.is_none() && at.trace_uds.is_none() && at.dogstatsd_udp.is_none() {
        warn!("nothing listens for traces or metrics: DD_APM_ENABLED and DD_USE_DOGSTATSD are off");
    }
    let address =
        |address: Option<SocketAddr>| address.map_or_else(|| "off".to_owned(), |it| it.to_string());
    info!(
        traces = address(at.trace_tcp),
        traces_socket = ?at.trace_uds,
        logs = address(at.logs_tcp),
        dogstatsd = address(at.dogstatsd_udp),
        dogstatsd_socket = ?at.dogstatsd_uds,
        "running"
    );
}

/// One line about a mistake, whatever the level of the log.
fn complain(error: &anyhow::Error) {
    let mut stderr = std::io::stderr().lock();
    // Where nobody reads it, the exit code remains.
    drop(writeln!(stderr, "error: {error:#}"));
}
