//! The tracer asks the agent for its configuration: a sampling rate that is pushed reaches it, the tracer says that it
//! goes by it, and does.
//!
//! Waits for conditions and never for a time; what a tracer does once it has a rate is read off the spans that it made.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::arrived::{list, records, word};
use super::compare::{Findings, is_kept};
use super::shop::Shop;
use crate::http::request;
use crate::language::Language;

/// What is pushed; no other setting leads to it.
const RATE: f64 = 0.25;
/// Orders before anything is pushed.
const BEFORE: usize = 20;
/// Orders after the tracer was seen to go by the rate; enough that a quarter of them is some.
const AFTER: usize = 60;
/// Longest time until a condition holds.
const LIMIT: Duration = Duration::from_secs(180);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// The rate of a trace that a rule decided about.
const APPLIED: &str = "_dd.rule_psr";

/// What an agent needs to believe this intake, and to ask it as often as it can.
pub(crate) fn settings(intake: &str) -> anyhow::Result<[(&'static str, String); 4]> {
    let (_, roots) = request("GET", &format!("{intake}/inspect/remote_config/roots"), b"")?;
    let roots: Value = serde_json::from_str(&roots)?;
    Ok([
        ("DD_REMOTE_CONFIGURATION_ENABLED", "true".to_owned()),
        (
            "DD_REMOTE_CONFIGURATION_CONFIG_ROOT",
            word(&roots["config"]),
        ),
        (
            "DD_REMOTE_CONFIGURATION_DIRECTOR_ROOT",
            word(&roots["director"]),
        ),
        ("DD_REMOTE_CONFIGURATION_REFRESH_INTERVAL", "5s".to_owned()),
    ])
}

/// Orders before and after a rate is pushed; returns the client that acknowledged it.
pub(crate) fn follow(shop: &Shop, intake: &str, service: &str) -> anyhow::Result<Value> {
    for number in 0..BEFORE {
        shop.order(number)?;
    }
    push(intake, service)?;
    let client = until("the tracer acknowledges the rate", || {
        acknowledged(intake, "shop")
    })?;
    // A tracer may acknowledge what it is about to put into effect. One trace in four shows that it has.
    let mut number = BEFORE;
    until("a trace with the rate arrives", || {
        shop.order(number)?;
        number += 1;
        let chunks = records(intake, "traces")?;
        let mut spans = chunks.iter().flat_map(|chunk| list(&chunk["spans"]));
        let found = spans.any(|span| span["metrics"][APPLIED].as_f64() == Some(RATE));
        Ok(found.then_some(()))
    })?;
    for number in number..number + AFTER {
        shop.order(number)?;
    }
    if let Some(other) = acknowledged(intake, "other")? {
        bail!("the tracer was given what is for another service: {other}");
    }
    Ok(client)
}

/// Pushes the rate for the shop, and another one for a service that is not there.
fn push(intake: &str, service: &str) -> anyhow::Result<()> {
    let file = |id: &str, service: &str, rate: f64| {
        json!({
            "product": "APM_TRACING",
            "id": id,
            "predicates": [{"service": service, "environment": "test"}],
            "config": {
                "id": id,
                "revision": 1,
                "schema_version": "v1.0.0",
                "action": "enable",
                "service_target": {"service": service, "env": "test"},
                "lib_config": {
                    "library_language": "all",
                    "library_version": "latest",
                    "tracing_sampling_rate": rate,
                },
                // Newer tracers read this, and leave the other alone.
                "sdk_config": {"config": {"DD_TRACE_SAMPLE_RATE": rate.to_string()}},
            },
        })
    };
    let files = json!([
        file("shop", service, RATE),
        file("other", "another-shop", 1.0)
    ]);
    let url = format!("{intake}/inspect/remote_config");
    let (status, answer) = request("POST", &url, files.to_string().as_bytes())?;
    ensure!(status == 200, "the push was answered {status}: {answer}");
    Ok(())
}

/// The tracer that goes by what was pushed under this id.
fn acknowledged(intake: &str, id: &str) -> anyhow::Result<Option<Value>> {
    let (_, shown) = request("GET", &format!("{intake}/inspect/remote_config"), b"")?;
    let shown: Value = serde_json::from_str(&shown)?;
    let mut files = list(&shown["pushed"]).iter();
    let file = files.find(|file| file["id"] == id);
    let file = file.with_context(|| format!("{id} is not pushed: {shown}"))?;
    let mut clients = list(&file["clients"]).iter();
    let found = clients.find(|client| client["apply_state"] == "acknowledged");
    if let Some(refused) = list(&file["clients"])
        .iter()
        .find(|client| client["apply_state"] == "error")
    {
        bail!("the tracer refused the rate: {refused}");
    }
    Ok(found.cloned())
}

/// Tries until there is something.
fn until<T>(
    what: &str,
    mut attempt: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = attempt()? {
            return Ok(found);
        }
        ensure!(
            begun.elapsed() < LIMIT,
            "not in {} s: {what}",
            LIMIT.as_secs()
        );
        thread::sleep(PAUSE);
    }
}

/// The client is the tracer that made the spans; before the push it went by no rule, at the end by the rate alone.
pub(crate) fn check(
    language: Language,
    client: &Value,
    service: &str,
    made: &[Value],
    out: &mut Findings,
) {
    let spoken = match language {
        Language::Nodejs => "node",
        other => other.name(),
    };
    for (what, expected) in [("kind", "tracer"), ("name", service), ("language", spoken)] {
        out.equal(
            &format!("{what} of the client"),
            &expected.into(),
            &client[what],
        );
    }
    // The span by hand has a parent elsewhere, which has decided.
    let entries = made.iter().filter(|span| span["parent_id"] == "0");
    let entries: Vec<&Value> = entries.collect();
    let (Some(before), Some(begin)) = (entries.get(..BEFORE), entries.len().checked_sub(AFTER))
    else {
        out.add(format!("only {} orders were made", entries.len()));
        return;
    };
    for span in &entries {
        let runs = &span["meta"]["runtime-id"];
        out.equal("runtime id", &client["runtime_id"], runs);
    }
    let applied = |span: &&&Value| span["metrics"][APPLIED].as_f64();
    for span in before
        .iter()
        .filter(|span| applied(span).is_some_and(|rate| rate < 1.0))
    {
        out.add(format!("went by a rate before there was one: {span}"));
    }
    let after = entries.get(begin..).unwrap_or_default();
    for span in after.iter().filter(|span| applied(span) != Some(RATE)) {
        out.add(format!("did not go by the rate: {span}"));
    }
    // Kept or dropped by a rule, and not by a rate of the agent, which has 1 and 0.
    let is_by_rule = |span: &&&Value| matches!(span["priority"].as_i64(), Some(2 | -1));
    for span in after.iter().filter(|span| !is_by_rule(span)) {
        out.add(format!("was not decided by a rule: {span}"));
    }
    let kept = after.iter().filter(|span| is_kept(span)).count();
    // Fifteen are expected, with a standard deviation of three and a half.
    if !(1..=40).contains(&kept) {
        out.add(format!(
            "{kept} of {AFTER} were kept, where the rate is {RATE}"
        ));
    }
}
