//! Far more traces than the agent is to keep: the rates that it answers with must fall, and the tracer must follow.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use super::compare::{Findings, is_kept};
use super::shop::Shop;
use crate::http::request;

/// For how long; rates are worked out every five seconds.
const LOAD: Duration = Duration::from_secs(15);
/// Between two orders.
const PAUSE: Duration = Duration::from_millis(20);
/// Traces that have to be sampled with a fallen rate, so that the kept ones say something.
const ENOUGH: usize = 20;
/// A rate under which it counts as fallen. Fifty a second, of which one is wanted, lead far below.
const FALLEN: f64 = 0.5;

/// Loads a shop.
pub(crate) fn load(shop: &Shop) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < LOAD {
        shop.order(number)?;
        number += 1;
        let due = PAUSE * u32::try_from(number)?;
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    Ok(())
}

/// The agent answers with a fallen rate, the tracer has said that it used one, and it has kept no more than that says.
pub(crate) fn check(
    made: &[Value],
    agent: &str,
    service: &str,
    out: &mut Findings,
) -> anyhow::Result<()> {
    let (status, body) = request("POST", &format!("{agent}/v0.4/traces"), b"[]")?;
    let answer: Value = serde_json::from_str(&body)
        .with_context(|| format!("the agent answered {status} {body:?}"))?;
    let key = format!("service:{service},env:test");
    let told = answer["rate_by_service"][&key].as_f64();
    if !told.is_some_and(|rate| rate < FALLEN) {
        out.add(format!("the rate of {key} did not fall: {body}"));
    }
    let used = |span: &Value| span["metrics"]["_dd.agent_psr"].as_f64();
    let follows = |span: &&Value| used(span).is_some_and(|rate| rate < FALLEN);
    let followers: Vec<&Value> = made.iter().filter(follows).collect();
    if followers.len() < ENOUGH {
        let count = followers.len();
        out.add(format!(
            "only {count} traces were sampled with a fallen rate"
        ));
    }
    let rates = followers.iter().filter_map(|span| used(span));
    let expected: f64 = rates.sum();
    let kept = followers.iter().filter(|span| is_kept(span)).count();
    // Six standard deviations, of which the square is at most what is expected.
    let most = 6.0f64.mul_add(expected.max(1.0).sqrt(), expected);
    if f64::from(u32::try_from(kept)?) > most {
        let of = followers.len();
        out.add(format!(
            "{kept} of {of} were kept, where the rates say {expected:.1}"
        ));
    }
    Ok(())
}
