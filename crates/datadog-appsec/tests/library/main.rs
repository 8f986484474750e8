//! The crate with the real library and the recommended rules.
//!
//! Runs when `DD_APPSEC_LIBDDWAF_PATH` names the library while this is compiled, as `cargo xtask test` has it; says in
//! one line that it does not otherwise. The rules lie beside the library.
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]
#![allow(clippy::expect_used, reason = "a test ends where something is missing")]

mod effort;
mod hostile;
mod pipeline;
mod remote;
mod rules;
mod vectors;

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use datadog_appsec::engine::Evaluation;
use datadog_appsec::rules::{Rules, Ruleset, Source};
use datadog_appsec::{DdwafEngine, Obfuscator, Value, WafContext, WafError};
use serde_json::Value as Json;

/// Enough for any evaluation, however busy the machine is.
const BUDGET: Duration = Duration::from_secs(1);

/// Small rules of our own.
const OWN_RULES: &[u8] = include_bytes!("../data/rules.json");

/// The library, if there is one; says once that there is none.
fn library() -> Option<&'static Path> {
    static SAID: Once = Once::new();
    let path = option_env!("DD_APPSEC_LIBDDWAF_PATH").filter(|path| !path.is_empty());
    if path.is_none() {
        // Not by a macro: what tests print that succeed is not shown.
        SAID.call_once(|| {
            let line = b"skipped: DD_APPSEC_LIBDDWAF_PATH is not set, so libddwaf is not tested (`cargo xtask waf`)\n";
            std::io::stderr().write_all(line).unwrap();
        });
    }
    path.map(Path::new)
}

fn engine() -> Option<DdwafEngine> {
    library().map(|path| DdwafEngine::load(Some(path)).unwrap())
}

/// The rules that lie beside the library.
fn recommended() -> Option<Vec<u8>> {
    library().map(|path| std::fs::read(path.with_file_name("rules.json")).unwrap())
}

fn ruleset_of(engine: &DdwafEngine, rules: &[u8]) -> Ruleset {
    let obfuscator = Obfuscator::default();
    Ruleset::new(engine, &obfuscator, Source::Recommended, rules.to_vec()).unwrap()
}

/// The recommended rules, loaded once.
fn loaded() -> Option<Arc<Rules>> {
    static RULES: std::sync::OnceLock<Arc<Rules>> = std::sync::OnceLock::new();
    let (engine, rules) = (engine()?, recommended()?);
    let make = || ruleset_of(&engine, &rules).current();
    Some(Arc::clone(RULES.get_or_init(make)))
}

/// A request of its own.
fn context() -> Option<Box<dyn WafContext>> {
    loaded().map(|rules| rules.context().unwrap())
}

fn evaluate(context: &mut dyn WafContext, data: &Json) -> Result<Evaluation, WafError> {
    context.evaluate(&Value::from(data), BUDGET)
}

/// The ids of the rules that found something.
fn ids(evaluation: &Evaluation) -> Vec<&str> {
    let events = evaluation.events.iter();
    events
        .map(|event| event["rule"]["id"].as_str().unwrap())
        .collect()
}
