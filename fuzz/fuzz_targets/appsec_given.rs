//! A request that is given to the firewall by the names of its parts, as JSON.
#![no_main]

use datadog_appsec::rules::Source;
use datadog_appsec::{AppSec, BodyOf, Config, FakeEngine, WafVerdict};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let rules = br#"{"rules":[{"id":"a"}]}"#.to_vec();
    let engine = FakeEngine::default();
    let appsec = AppSec::with_engine(Config::default(), &engine, Source::User, rules).unwrap();
    let mut transaction = appsec.transaction();
    let is_taken = transaction.give(data).is_ok();
    assert_eq!(transaction.decide(), WafVerdict::Allow);
    assert!(is_taken || engine.evaluated().is_empty(), "all or nothing");
    drop(transaction.give_value("server.request.headers.no_cookies", data));
    assert_eq!(transaction.give_body(BodyOf::Request, data, None), Ok(()));
    assert_eq!(transaction.decide(), WafVerdict::Allow);
});
