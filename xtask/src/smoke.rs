//! Starts an intake and an agent as two programs, posts logs, and prints what arrived.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::http::request;
use crate::program::{self, Profile, Program};
use crate::run::{print, say};

/// Longest wait for logs that were accepted.
const DEADLINE: Duration = Duration::from_secs(20);

/// Runs it.
///
/// # Errors
/// When something is refused, or does not arrive as it was sent.
pub(crate) fn run() -> anyhow::Result<()> {
    let program = program::build(Profile::Dev)?;
    say("smoke: an agent, an intake, three ways to post a log");
    let intake = Program::start(&program, &["intake", "--addr", "127.0.0.1:0"], &[])?;
    let inspect = intake.url("intake")?.to_owned();
    let agent = Program::start(&program, &["run"], &environment(&inspect))?;
    let logs = agent.url("logs")?.to_owned();

    let bodies = [
        (
            200,
            "/v1/input",
            r#"[{"message":"smoke one","timestamp":1700000000000},{"message":"smoke two"}]"#,
        ),
        (
            202,
            "/api/v2/logs",
            r#"{"message":"smoke three","service":"smoke"}"#,
        ),
        (
            200,
            "/v1/input",
            "{\"message\":\"smoke four\"}\n{\"message\":\"smoke \u{fc}nf\"}\n",
        ),
        (400, "/v1/input", "not-json"),
    ];
    for (status, path, body) in bodies {
        let (got, text) = request("POST", &format!("{logs}{path}"), body.as_bytes())?;
        anyhow::ensure!(
            got == status,
            "POST {path} {body:?} was answered {got} {text:?}, not {status}"
        );
    }
    let expected = [
        "smoke one",
        "smoke two",
        "smoke three",
        "smoke four",
        "smoke \u{fc}nf",
    ];
    let arrived = wait_for(&inspect, expected.len())?;
    for record in &arrived {
        print(&record.to_string());
    }
    let messages: Vec<_> = arrived
        .iter()
        .filter_map(|record| record["message"].as_str())
        .collect();
    anyhow::ensure!(
        messages == expected,
        "arrived: {messages:?}; posted: {expected:?}"
    );

    let (_, status) = request("GET", &format!("{logs}/status"), b"")?;
    let status: Value = serde_json::from_str(&status).context("/status is not JSON")?;
    print(&format!("status of the agent: {status}"));
    agent.stop()?;
    intake.stop()?;
    print("smoke: 5 logs posted, 5 arrived in order, 1 bad body refused");
    Ok(())
}

fn environment(intake: &str) -> [(&str, &str); 8] {
    [
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_AGENT_PORT", "0"),
        ("DD_APM_ENABLED", "false"),
        ("DD_LOGS_CONFIG_BATCH_WAIT", "1"),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", intake),
        ("DD_HOSTNAME", "smoke-host"),
    ]
}

fn wait_for(inspect: &str, count: usize) -> anyhow::Result<Vec<Value>> {
    let give_up = Instant::now() + DEADLINE;
    loop {
        let (_, text) = request("GET", &format!("{inspect}/inspect/logs"), b"")?;
        let records: Vec<Value> = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        if records.len() >= count {
            return Ok(records);
        }
        if Instant::now() > give_up {
            bail!(
                "{} of {count} logs arrived within {DEADLINE:?}: {text}",
                records.len()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
