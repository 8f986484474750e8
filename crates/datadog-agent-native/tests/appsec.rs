//! The firewall within a whole agent, from a tracer's request to the intake: with an engine that is told what to find,
//! and with the real one where `DD_APPSEC_LIBDDWAF_PATH` names it while this is compiled.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "appsec/by_id.rs"]
mod by_id;
mod support;
#[path = "appsec/swaps.rs"]
mod swaps;

use std::io::Write as _;
use std::time::Duration;

use datadog_agent_native::agent::{AgentCoordinator, State};
use datadog_agent_native::appsec::{AppSec, AppSecConfig, Blocking, Source};
use datadog_agent_native::config::Config;
use datadog_appsec::FakeEngine;
use datadog_appsec::engine::Evaluation;
use datadog_dev_intake::{Intake, RemoteConfig};
use serde_json::{Value, json};
use support::{ask, assert_ok, config, get, post, remote, start};

/// Rules that the engine which is told what to find takes.
const RULES: &str =
    r#"{"version":"2.2","metadata":{"rules_version":"1.0.0"},"rules":[{"id":"r-1"}]}"#;
/// Long enough for what remote configuration does between two of its questions.
const PATIENCE: Duration = Duration::from_secs(30);

/// A trace of one web span, which its tracer wants dropped.
fn web_trace(trace_id: u64, agent: &str, client: &str) -> String {
    let span = json!({
        "service": "shop", "name": "web.request", "resource": "GET /", "type": "web", "trace_id": trace_id,
        "span_id": 8, "start": 1_700_000_000_000_000_000_u64, "duration": 5,
        "metrics": {"_sampling_priority_v1": 0},
        "meta": {
            "http.method": "GET", "http.url": "http://shop.example/cart?q=secret", "http.status_code": "200",
            "http.useragent": agent, "http.client_ip": client,
        },
    });
    json!([[span]]).to_string()
}

async fn send(agent: &AgentCoordinator, trace: &str) {
    let address = agent.listeners().trace_tcp.unwrap();
    assert_ok(&ask(address, &post("/v0.4/traces", trace)).await);
}

/// A running agent with an engine that is told what to find.
async fn with_engine(engine: &FakeEngine, config: Config) -> AgentCoordinator {
    with_settings(AppSecConfig::default(), engine, config).await
}

async fn with_settings(own: AppSecConfig, engine: &FakeEngine, config: Config) -> AgentCoordinator {
    let rules = RULES.as_bytes().to_vec();
    let appsec = AppSec::with_engine(own, engine, Source::Recommended, rules).unwrap();
    let mut agent = AgentCoordinator::builder(config)
        .appsec(appsec)
        .build()
        .unwrap();
    agent.start().await.unwrap();
    agent
}

fn attack() -> Evaluation {
    Evaluation {
        events: vec![json!({"rule": {"id": "r-1"}})],
        keep: true,
        ..Evaluation::default()
    }
}

fn shown(agent: &AgentCoordinator) -> Value {
    agent.health().pipelines["appsec"].clone()
}

#[tokio::test]
async fn an_attack_is_told_on_its_span_and_its_trace_is_kept() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    engine.answer(Ok(attack()));
    let hides = [("DD_APM_OBFUSCATION_HTTP_REMOVE_QUERY_STRING", "true")];
    let agent = with_engine(&engine, config(&intake, &hides)).await;
    send(&agent, &web_trace(7, "sqlmap/1.6", "8.8.8.8")).await;
    let status = shown(&agent);
    assert_eq!(
        (&status["requests"], &status["attacks"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(status["rules"]["version"], "1.0.0");
    agent.shutdown().await.unwrap();

    // It was looked at before its query was hidden.
    assert_eq!(
        engine.evaluated()[0]["server.request.uri.raw"],
        "/cart?q=secret"
    );
    let traces = intake.traces();
    assert_eq!(traces.len(), 1);
    assert_eq!(traces[0].chunk.priority, 2);
    assert_eq!(traces[0].chunk.tags["_dd.p.dm"], "-5");
    let span = &traces[0].spans()[0];
    let meta = |name: &str| span.meta[name].as_str();
    assert_eq!(meta("http.url"), "http://shop.example/cart?");
    assert_eq!(meta("appsec.event"), "true");
    assert_eq!(
        meta("_dd.appsec.json"),
        r#"{"triggers":[{"rule":{"id":"r-1"}}]}"#
    );
    assert_eq!((meta("_dd.p.dm"), meta("_dd.p.ts")), ("-5", "02"));
    assert_eq!(meta("actor.ip"), "8.8.8.8");
    assert_eq!(
        span.metrics["_dd.appsec.enabled"].to_bits(),
        1.0_f64.to_bits()
    );
}

#[tokio::test]
async fn a_harmless_request_is_marked_and_stays_dropped() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    let agent = with_engine(&engine, config(&intake, &[])).await;
    send(&agent, &web_trace(7, "curl/8", "8.8.8.8")).await;
    let counters = agent.flush(PATIENCE).await;
    assert_eq!(counters.traces.unwrap().traces.items_sent, 0);
    assert_eq!(
        (
            shown(&agent)["requests"].clone(),
            engine.evaluated().is_empty()
        ),
        (json!(1), false)
    );
    agent.shutdown().await.unwrap();
    assert!(intake.traces().is_empty());
}

#[tokio::test]
async fn a_trace_goes_on_and_is_counted_where_enough_others_are_looked_at() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    let own = AppSecConfig {
        max_inspections: 0,
        ..AppSecConfig::default()
    };
    let agent = with_settings(own, &engine, config(&intake, &[])).await;
    let kept = web_trace(7, "sqlmap/1.6", "8.8.8.8").replace(":0}", ":1}");
    send(&agent, &kept).await;
    let address = agent.listeners().trace_tcp.unwrap();
    let answer = ask(address, &get("/status")).await;
    let (_, status) = answer.split_once("\r\n\r\n").unwrap();
    let status: Value = serde_json::from_str(status).unwrap();
    let skipped = status["counters"]["appsec.skipped"].to_string();
    assert!(
        skipped.contains("busy") && skipped.contains('1'),
        "{skipped}"
    );
    agent.shutdown().await.unwrap();
    let traces = intake.traces();
    assert!(
        !traces[0].spans()[0]
            .metrics
            .contains_key("_dd.appsec.enabled")
    );
    assert!(engine.evaluated().is_empty());
}

#[tokio::test]
async fn what_the_user_turned_off_is_not_there() {
    let intake = Intake::start().await;
    let engine = FakeEngine::default();
    engine.answer(Ok(attack()));
    let off = config(&intake, &[("DD_APPSEC_ENABLED", "false")]);
    let agent = with_engine(&engine, off).await;
    send(&agent, &web_trace(7, "sqlmap/1.6", "8.8.8.8")).await;
    assert!(!agent.health().components.contains_key("appsec"));
    assert!(agent.appsec().is_none());
    agent.shutdown().await.unwrap();
    assert!(engine.evaluated().is_empty());
}

#[tokio::test]
async fn a_library_that_is_not_there_does_not_keep_the_agent_from_starting() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libddwaf.so");
    let extra = [
        ("DD_APPSEC_ENABLED", "true"),
        ("DD_APPSEC_LIBDDWAF_PATH", path.to_str().unwrap()),
    ];
    let agent = start(config(&intake, &extra)).await;
    let health = agent.health();
    assert_eq!(health.components["appsec"], State::Failed);
    assert_eq!(health.state, State::Running);
    let problem = shown(&agent)["last_error"].clone();
    assert!(
        problem
            .as_str()
            .unwrap()
            .starts_with("libddwaf was not found"),
        "{problem}"
    );
    agent.shutdown().await.unwrap();
}

async fn patient_intake() -> Intake {
    Intake::builder().deadline(PATIENCE).start().await.unwrap()
}

/// Waits until that holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "{what}");
}

#[tokio::test]
async fn rules_follow_remote_configuration_and_a_refused_file_is_told_of() {
    let intake = patient_intake().await;
    let rules = RemoteConfig::new("ASM_DD", "all", RULES);
    let data = RemoteConfig::new("ASM_DATA", "ips", r#"{"rules_data":[]}"#);
    let bad = RemoteConfig::new("ASM", "bad", r#"{"refuse":"no such rule"}"#);
    let paths = [rules.path(), data.path()];
    for file in [rules, data, bad] {
        intake.push_config(file).unwrap();
    }
    let engine = FakeEngine::default();
    let agent = with_engine(&engine, remote(&intake, &[])).await;
    for path in &paths {
        intake.expect_acknowledged(path).await;
    }
    let mut held = vec!["obfuscator/config".to_owned()];
    held.extend(paths.iter().cloned());
    held.sort();
    assert_eq!(engine.paths(), held);
    let told = serde_json::to_string(&intake.remote_config()).unwrap();
    assert!(told.contains("no such rule"), "{told}");
    intake.withdraw_all_configs();
    until("the default rules return", || {
        engine.paths() == ["ASM_DD/default", "obfuscator/config"]
    })
    .await;
    agent.shutdown().await.unwrap();
}

/// The variables that name the real library, if there is one; says that there is none otherwise.
fn library() -> Option<&'static str> {
    let path = option_env!("DD_APPSEC_LIBDDWAF_PATH").filter(|path| !path.is_empty());
    if path.is_none() {
        // Not by a macro: what tests print that succeed is not shown.
        let line = b"skipped: DD_APPSEC_LIBDDWAF_PATH is not set, so libddwaf is not tested (`cargo xtask waf`)\n";
        std::io::stderr().write_all(line).unwrap();
    }
    path
}

#[tokio::test]
async fn the_real_library_finds_an_attack_tool() {
    let Some(path) = library() else { return };
    let intake = Intake::start().await;
    let extra = [
        ("DD_APPSEC_ENABLED", "true"),
        ("DD_APPSEC_LIBDDWAF_PATH", path),
        ("DD_APPSEC_WAF_TIMEOUT", "1s"),
    ];
    let agent = start(config(&intake, &extra)).await;
    let status = shown(&agent);
    assert_eq!(status["state"], "running", "{status}");
    assert!(
        status["library"].as_str().unwrap().starts_with("2."),
        "{status}"
    );
    send(&agent, &web_trace(7, "sqlmap/1.6", "8.8.8.8")).await;
    agent.shutdown().await.unwrap();
    let traces = intake.traces();
    assert_eq!(traces[0].chunk.priority, 2);
    let span = &traces[0].spans()[0];
    assert_eq!(span.meta["appsec.event"], "true");
    let found: Value = serde_json::from_str(&span.meta["_dd.appsec.json"]).unwrap();
    let rule = &found["triggers"][0]["rule"];
    assert_eq!(rule["tags"]["type"], "attack_tool", "{found}");
    // And as the intake reads it.
    let events = intake.security();
    assert_eq!(events.len(), 1, "{events:?}");
    let (event, blocked) = (&events[0].event, events[0].blocked);
    assert_eq!((&*event.rule.kind, blocked), ("attack_tool", false));
    let parameter = &event.rule_matches[0].parameters[0];
    assert_eq!(parameter.address, "server.request.headers.no_cookies");
    assert_eq!(parameter.key_path[0], "user-agent");
    assert_eq!(parameter.value, "sqlmap/1.6");
    assert!(!parameter.highlight.is_empty(), "{parameter:?}");
    assert_eq!(intake.summary()["problems"], json!({}));
}

#[tokio::test]
async fn the_real_library_is_turned_on_lists_addresses_and_forgets_them_from_afar() {
    let Some(path) = library() else { return };
    let intake = patient_intake().await;
    let on = RemoteConfig::new("ASM_FEATURES", "on", r#"{"asm":{"enabled":true}}"#);
    let list = json!({"rules_data": [{
        "id": "blocked_ips", "type": "ip_with_expiration",
        "data": [{"value": "5.6.7.0/24", "expiration": 0}],
    }]});
    let data = RemoteConfig::new("ASM_DATA", "ips", list.to_string());
    let (of_features, of_data) = (on.path(), data.path());
    let extra = [
        ("DD_APPSEC_LIBDDWAF_PATH", path),
        ("DD_APPSEC_WAF_TIMEOUT", "1s"),
    ];
    let agent = start(remote(&intake, &extra)).await;
    assert_eq!(shown(&agent), json!({"state": "off"}));
    assert_eq!(agent.health().components["appsec"], State::Stopped);
    for file in [on, data] {
        intake.push_config(file).unwrap();
    }
    intake.expect_acknowledged(&of_features).await;
    intake.expect_acknowledged(&of_data).await;
    assert_eq!(agent.health().components["appsec"], State::Running);
    let rules_before = agent.appsec().unwrap().rules();
    send(&agent, &web_trace(7, "curl/8", "5.6.7.8")).await;
    assert_eq!(shown(&agent)["attacks"], 1);

    assert!(intake.withdraw_config(&of_data));
    until("the list is gone", || {
        let rules = agent.appsec().unwrap().rules();
        !std::sync::Arc::ptr_eq(&rules, &rules_before)
    })
    .await;
    send(&agent, &web_trace(8, "curl/8", "5.6.7.8")).await;
    let status = shown(&agent);
    assert_eq!(
        (&status["requests"], &status["attacks"]),
        (&json!(2), &json!(1))
    );

    assert!(intake.withdraw_config(&of_features));
    until("it is off", || shown(&agent) == json!({"state": "off"})).await;
    send(&agent, &web_trace(9, "sqlmap/1.6", "5.6.7.8")).await;
    agent.shutdown().await.unwrap();
    let traces = intake.traces();
    assert_eq!(traces.len(), 1, "only the one that was found is kept");
    let span = &traces[0].spans()[0];
    assert!(span.meta["_dd.appsec.json"].contains("blk-001-001"));
    assert_eq!(span.meta["_dd.appsec.rc_products"], "[ASM_DATA:1] u:1 r:1");
    assert!(
        !span.meta.contains_key("appsec.blocked"),
        "the request was over"
    );
}

/// The abilities that the firewall tells the backend of, once it is on.
fn abilities(intake: &Intake) -> Vec<usize> {
    let seen = intake.remote_config();
    let clients = seen.agents.iter().flat_map(|agent| &agent.clients);
    let mut on = clients.filter(|it| it.products.iter().any(|name| name == "ASM_DD"));
    on.next()
        .map_or_else(Vec::new, |it| it.capabilities.clone())
}

#[tokio::test]
async fn the_backend_is_told_of_blocking_once_a_program_says_that_it_obeys() {
    let Some(path) = library() else { return };
    let extra = [
        ("DD_APPSEC_ENABLED", "true"),
        ("DD_APPSEC_LIBDDWAF_PATH", path),
    ];
    for (obeys, blocking) in [(false, &[][..]), (true, &[2, 5, 6, 7, 9])] {
        let intake = patient_intake().await;
        let mut builder = AgentCoordinator::builder(remote(&intake, &extra));
        if obeys {
            builder = builder.appsec_blocking();
        }
        let mut agent = builder.build().unwrap();
        agent.start().await.unwrap();
        until("it is told", || !abilities(&intake).is_empty()).await;
        let mut told = abilities(&intake);
        told.retain(|number| [2, 5, 6, 7, 9].contains(number));
        assert_eq!(told, blocking);
        let appsec = agent.handle().appsec().unwrap();
        assert_eq!(appsec.blocking() == Blocking::Obeyed, obeys);
        agent.stop().await.unwrap();
        assert!(agent.handle().appsec().is_none(), "nothing runs");
    }
}
