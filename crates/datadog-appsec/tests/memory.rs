//! What evaluations and changes of the rules leave behind: nothing. In a process of its own, so that no other test's
//! memory counts; measured as pages, because the library allocates for itself.
//!
//! Runs when `DD_APPSEC_LIBDDWAF_PATH` names the library while this is compiled; says in one line that it does not
//! otherwise.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use datadog_appsec::rules::{Batch, Product, RemoteFile, Ruleset, Source};
use datadog_appsec::{DdwafEngine, Obfuscator, Value};
use serde_json::json;

/// Small rules of our own.
const RULES: &[u8] = include_bytes!("data/rules.json");
/// More than any evaluation takes.
const BUDGET: Duration = Duration::from_secs(1);

/// One measures at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The engine, if there is one; says that there is none otherwise.
fn engine() -> Option<DdwafEngine> {
    let Some(path) = option_env!("DD_APPSEC_LIBDDWAF_PATH").filter(|path| !path.is_empty()) else {
        let line = b"skipped: DD_APPSEC_LIBDDWAF_PATH is not set, so the memory of libddwaf is not tested\n";
        std::io::stderr().write_all(line).unwrap();
        return None;
    };
    Some(DdwafEngine::load(Some(Path::new(path))).unwrap())
}

/// Pages of resident memory.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_requests_leave_no_memory_behind() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(engine) = engine() else { return };
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

/// One rule that looks addresses up in a list.
const LOOKUP: &str = r#"{"version":"2.2","metadata":{"rules_version":"0.0.1-test"},"rules":[{
    "id":"t-ips","name":"listed","tags":{"type":"block_ip","category":"test"},
    "conditions":[{"operator":"ip_match","parameters":{"inputs":[{"address":"http.client_ip"}],"data":"blocked_ips"}}],
    "on_match":["block"]}]}"#;

/// A list with this address among a thousand others.
fn list(address: &str) -> Batch {
    let others = (0..1_000).map(|number| format!("10.1.{}.{}", number / 250, number % 250));
    let all = others.chain([address.to_owned()]);
    let data: Vec<_> = all
        .map(|it| json!({"value": it, "expiration": 0}))
        .collect();
    let content =
        json!({"rules_data": [{"id": "blocked_ips", "type": "ip_with_expiration", "data": data}]});
    let file = RemoteFile {
        path: "datadog/2/ASM_DATA/ips/config".to_owned(),
        product: Product::Data,
        content: content.to_string().into_bytes(),
    };
    Batch {
        updated: vec![file],
        ..Batch::default()
    }
}

#[test]
fn a_thousand_changes_of_the_rules_leave_no_memory_behind() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(engine) = engine() else { return };
    let rules = LOOKUP.as_bytes().to_vec();
    let ruleset = Ruleset::new(&engine, &Obfuscator::default(), Source::Recommended, rules);
    let ruleset = ruleset.unwrap();
    let finds = |address: &str| {
        let mut context = ruleset.current().context().unwrap();
        let request = Value::from(&json!({"http.client_ip": address}));
        !context
            .evaluate(&request, BUDGET)
            .unwrap()
            .events
            .is_empty()
    };
    let change = |times: usize| {
        for number in 0..times {
            let address = format!("8.8.{}.8", number % 2);
            // A request that is under way keeps the rules that it began with.
            let mut begun = ruleset.current().context().unwrap();
            assert!(ruleset.apply(list(&address)).swapped);
            assert!(finds(&address) && !finds(&format!("8.8.{}.8", (number + 1) % 2)));
            let request = Value::from(&json!({"http.client_ip": address.as_str()}));
            assert!(begun.evaluate(&request, BUDGET).unwrap().events.is_empty());
        }
    };
    change(200);
    let before = resident();
    change(1_000);
    let grown = resident().saturating_sub(before);
    // A list of a thousand addresses is more than 16 KiB: were one left behind with each change, it would be 4,000
    // pages.
    assert!(grown < 1_000, "{grown} pages more");
}
