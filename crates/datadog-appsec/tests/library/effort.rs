//! Rules that change under requests, texts of any bytes, and what is too large.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use datadog_appsec::rules::{Batch, Product, RemoteFile};
use datadog_appsec::{Value, WafContext};
use serde_json::json;

use crate::{OWN_RULES, context, engine, evaluate, ids, recommended, ruleset_of};

#[test]
fn rules_change_under_requests() {
    let (Some(engine), Some(rules)) = (engine(), recommended()) else {
        return;
    };
    let ruleset = ruleset_of(&engine, &rules);
    let over = AtomicBool::new(false);
    let attack = json!({"server.request.headers.no_cookies": {"user-agent": ["Arachni/v1"]}});
    thread::scope(|scope| {
        let workers = [(); 3].map(|()| {
            scope.spawn(|| {
                let mut requests = 0_usize;
                while !over.load(Ordering::Relaxed) || requests == 0 {
                    let mut context = ruleset.current().context().unwrap();
                    let found = evaluate(&mut *context, &attack).unwrap();
                    let id = ids(&found);
                    assert!(id == ["t-001"] || id == ["ua0-600-12x"], "{id:?}");
                    requests += 1;
                }
                requests
            })
        });
        for round in 0..10 {
            let path = "datadog/2/ASM_DD/own/config".to_owned();
            let file = RemoteFile {
                path: path.clone(),
                product: Product::Rules,
                content: OWN_RULES.to_vec(),
            };
            let (removed, updated) = match round % 2 {
                0 => (Vec::new(), vec![file]),
                _ => (vec![path], Vec::new()),
            };
            assert!(ruleset.apply(Batch { removed, updated }).swapped);
        }
        over.store(true, Ordering::Relaxed);
        assert!(workers.into_iter().all(|worker| worker.join().unwrap() > 0));
    });
}

#[test]
fn a_context_goes_on_without_the_rules_it_came_from() {
    let Some(engine) = engine() else {
        return;
    };
    let ruleset = ruleset_of(&engine, OWN_RULES);
    let mut context: Box<dyn WafContext> = ruleset.current().context().unwrap();
    drop(ruleset);
    let attack = json!({"server.request.headers.no_cookies": {"user-agent": "Arachni/v1"}});
    assert_eq!(ids(&evaluate(&mut *context, &attack).unwrap()), ["t-001"]);
}

#[test]
fn texts_may_have_any_bytes() {
    let Some(mut context) = context() else {
        return;
    };
    let script = b"\0\xff\xfe<script>alert(document.cookie)</script>\0";
    let data = |value| Value::map([("server.request.body", value)]);
    let pair = (b"\xc3\0".to_vec(), Value::text(script));
    let found = context.evaluate(&data(Value::Map(vec![pair])), crate::BUDGET);
    assert_eq!(found.unwrap().events.len(), 1);
    let odd = Value::Array(vec![
        Value::Invalid,
        Value::Float(f64::NAN),
        Value::text(""),
        Value::Signed(i64::MIN),
        Value::Map(vec![(Vec::new(), Value::Null)]),
    ]);
    assert!(context.evaluate(&data(odd), crate::BUDGET).is_ok());
}

#[test]
fn what_the_library_cannot_hold_is_refused_before_it_sees_it() {
    let Some(mut context) = context() else {
        return;
    };
    let mut of = |members: usize| {
        let value = Value::Array(vec![Value::Null; members]);
        let data = Value::map([("server.request.body", value)]);
        context.evaluate(&data, crate::BUDGET)
    };
    assert!(of(65_535).is_ok());
    assert_eq!(of(65_536), Err(datadog_appsec::WafError::InvalidObject));
    let deep = (0..10_000).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let data = Value::map([("server.request.body", deep)]);
    let refused = context.evaluate(&data, crate::BUDGET);
    assert_eq!(refused, Err(datadog_appsec::WafError::InvalidObject));
}
