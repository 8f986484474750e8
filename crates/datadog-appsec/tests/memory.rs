//! What evaluations leave behind: nothing. In a process of its own, so that no other test's memory counts.
//!
//! Runs when `DD_APPSEC_LIBDDWAF_PATH` names the library while this is compiled; says in one line that it does not
//! otherwise.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use datadog_appsec::rules::{Ruleset, Source};
use datadog_appsec::{DdwafEngine, Obfuscator, Value};
use serde_json::json;

/// Small rules of our own.
const RULES: &[u8] = include_bytes!("data/rules.json");
/// More than any evaluation takes.
const BUDGET: Duration = Duration::from_secs(1);

/// Pages of resident memory.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_requests_leave_no_memory_behind() {
    let Some(path) = option_env!("DD_APPSEC_LIBDDWAF_PATH").filter(|path| !path.is_empty()) else {
        let line = b"skipped: DD_APPSEC_LIBDDWAF_PATH is not set, so the memory of libddwaf is not tested\n";
        std::io::stderr().write_all(line).unwrap();
        return;
    };
    let engine = DdwafEngine::load(Some(Path::new(path))).unwrap();
    let obfuscator = Obfuscator::default();
    let make = || Ruleset::new(&engine, &obfuscator, Source::User, RULES.to_vec()).unwrap();
    let ruleset = make();
    let request = Value::from(&json!({
        "server.request.query": {"q": ["secretword", "x".repeat(2_000)], "l": vec!["y".repeat(64); 30]},
        "server.request.uri.raw": "/a/path/that/is/longer/than/fourteen/bytes",
    }));
    let attack = Value::from(&json!({
        "server.request.headers.no_cookies": {"user-agent": ["Arachni/v1 of some length"]},
    }));
    let refused = Value::from(&json!([{"a": "x".repeat(2_000)}]));
    let run = |requests: usize| {
        for number in 0..requests {
            let mut context = ruleset.current().context().unwrap();
            let found = context.evaluate(&request, BUDGET).unwrap();
            assert_eq!(found.attributes.len(), 3);
            assert!(context.evaluate(&refused, BUDGET).is_err());
            let mut within = context.subcontext().unwrap();
            let found = within.evaluate(&attack, BUDGET).unwrap();
            assert_eq!((found.events.len(), found.actions.len()), (1, 1));
            if number % 100 == 0 {
                drop(make());
            }
        }
    };
    run(2_000);
    let before = resident();
    run(10_000);
    let grown = resident().saturating_sub(before);
    // A request has more than 4 KiB and what is refused 2 KiB; results have about 1 KiB: were the smallest of them
    // left behind, it would be 2,500 pages.
    assert!(grown < 1_000, "{grown} pages more");
}
