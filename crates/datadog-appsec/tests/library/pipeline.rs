//! Whole requests through the real library: verdicts and what stands on their spans.

use std::io::Read as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datadog_appsec::config::{ApiSecurity, Blocking};
use datadog_appsec::inspect::from_tags;
use datadog_appsec::{
    AppSec, Config, HttpRequest, HttpResponse, NewSpan, SpanTags, Value, WafVerdict,
};
use serde_json::{Value as Json, json};

use crate::library;

fn config() -> Option<Config> {
    let config = Config {
        library_path: Some(library()?.to_path_buf()),
        waf_timeout: Duration::from_secs(1),
        ..Config::default()
    };
    Some(config)
}

fn appsec(blocking: Blocking) -> Option<AppSec> {
    let config = Config {
        blocking,
        ..config()?
    };
    Some(AppSec::load(config).unwrap())
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn request(uri: &str, agent: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        uri: uri.to_owned(),
        route: Some("/r".to_owned()),
        client_ip: Some("8.8.8.8:1234".to_owned()),
        headers: vec![header("User-Agent", agent), header("Accept", "text/html")],
        ..HttpRequest::default()
    }
}

fn meta<'t>(tags: &'t SpanTags, name: &str) -> Option<&'t str> {
    let mut found = tags.meta.iter().filter(|(known, _)| known == name);
    let value = found.next().map(|(_, value)| value.as_str());
    assert_eq!(found.next(), None, "{name} stands twice");
    value
}

fn metric(tags: &SpanTags, name: &str) -> Option<f64> {
    let mut found = tags.metrics.iter().filter(|(known, _)| known == name);
    found.next().map(|(_, value)| *value)
}

#[test]
fn an_attack_is_told_on_its_span() {
    let Some(appsec) = appsec(Blocking::Ignored) else {
        return;
    };
    let mut transaction = appsec.transaction();
    let uri = "/search?q=1%27%20OR%20%271%27%3D%271%27%20UNION%20SELECT%20username%2C%20password%20FROM%20users--";
    assert_eq!(
        transaction.request(&request(uri, "Mozilla/5.0")),
        WafVerdict::Allow
    );
    let tags = transaction.finish(&NewSpan, Instant::now());
    let events: Json = serde_json::from_str(meta(&tags, "_dd.appsec.json").unwrap()).unwrap();
    assert_eq!(events["triggers"][0]["rule"]["id"], "crs-942-100");
    for (name, value) in [
        ("appsec.event", "true"),
        ("_dd.origin", "appsec"),
        ("_dd.p.dm", "-5"),
        ("_dd.p.ts", "02"),
        ("actor.ip", "8.8.8.8"),
        ("_dd.appsec.waf.version", "2.1.0"),
        ("_dd.appsec.event_rules.version", "1.18.2"),
    ] {
        assert_eq!(meta(&tags, name), Some(value), "{name}");
    }
    assert!(
        meta(&tags, "_dd.appsec.fp.http.endpoint")
            .unwrap()
            .starts_with("http-get-")
    );
    assert_eq!(tags.priority, Some(2));
    assert_eq!(metric(&tags, "_sampling_priority_v1"), Some(2.0));
    assert_eq!(metric(&tags, "_dd.appsec.event_rules.loaded"), Some(204.0));
    assert!(metric(&tags, "_dd.appsec.waf.duration").unwrap() > 0.0);
    assert!(
        metric(&tags, "_dd.appsec.waf.duration_ext") > metric(&tags, "_dd.appsec.waf.duration")
    );
    assert_eq!(appsec.counts().attacks, 1);
}

#[test]
fn who_obeys_verdicts_blocks() {
    let Some(appsec) = appsec(Blocking::Obeyed) else {
        return;
    };
    let mut transaction = appsec.transaction();
    let verdict = transaction.request(&request("/", "dd-test-scanner-log-block"));
    let WafVerdict::Block(block) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!((block.status, block.content_type), (403, Some("text/html")));
    assert!(block.body.contains(&block.security_response_id));
    assert_eq!(block.security_response_id.len(), 36);
    let tags = transaction.finish(&NewSpan, Instant::now());
    assert_eq!(meta(&tags, "appsec.blocked"), Some("true"));
    assert_eq!(meta(&tags, "http.status_code"), Some("403"));
}

#[test]
fn a_body_is_looked_at_nineteen_containers_deep() {
    let Some(appsec) = appsec(Blocking::Ignored) else {
        return;
    };
    let found = |depth: usize| {
        let inner = "\"<script>alert(document.cookie)</script>\"";
        let body = format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        let mut transaction = appsec.transaction();
        let mut post = request("/", "x");
        post.headers
            .push(header("content-type", "application/json"));
        post.body = Some(body.into_bytes());
        transaction.request(&post);
        let tags = transaction.finish(&NewSpan, Instant::now());
        let is_found = meta(&tags, "appsec.event").is_some();
        (
            is_found,
            metric(&tags, "_dd.appsec.truncated.container_depth"),
        )
    };
    assert_eq!(found(19), (true, None));
    assert_eq!(found(20), (false, Some(21.0)));
}

#[test]
fn a_schema_travels_compressed_once_in_a_while() {
    let Some(config) = config() else {
        return;
    };
    let appsec = AppSec::load(Config {
        api_security: ApiSecurity {
            sample_delay: Duration::from_secs(3600),
            ..ApiSecurity::default()
        },
        ..config
    })
    .unwrap();
    let schema = || {
        let mut transaction = appsec.transaction();
        transaction.request(&request("/r?page=1", "x"));
        let body = br#"[{"name":"n"}]"#.to_vec();
        transaction.request_body(&body, &[]);
        transaction.response(&HttpResponse {
            status_code: 200,
            headers: vec![header("content-type", "application/json")],
            body: Some(br#"{"id":1}"#.to_vec()),
        });
        let tags = transaction.finish(&NewSpan, Instant::now());
        let read = |name: &str| {
            let gzip = STANDARD.decode(meta(&tags, name)?).unwrap();
            let mut text = String::new();
            let mut reader = flate2::read::GzDecoder::new(gzip.as_slice());
            reader.read_to_string(&mut text).unwrap();
            Some(serde_json::from_str::<Json>(&text).unwrap())
        };
        let names = ["req.query", "req.body", "res.body"];
        names.map(|name| read(&format!("_dd.appsec.s.{name}")))
    };
    let wanted = [
        json!([{"page": [[[8]], {"len": 1}]}]),
        json!([[[{"name": [8]}]], {"len": 1}]),
        json!([{"id": [4]}]),
    ];
    assert_eq!(schema(), wanted.map(Some));
    assert_eq!(schema(), [None, None, None]);
    assert_eq!(appsec.counts().schemas, {
        let headers = 2; // of the request and of the response
        3 + headers
    });
}

#[test]
fn a_file_that_is_about_to_be_opened_is_compared_with_the_request() {
    let Some(appsec) = appsec(Blocking::Ignored) else {
        return;
    };
    let mut transaction = appsec.transaction();
    transaction.request(&request("/?f=../../../etc/passwd", "x"));
    let path = Value::text("../../../etc/passwd");
    let rasp = transaction.rasp(vec![("server.io.fs.file", path)]);
    assert_eq!(rasp.verdict, WafVerdict::Allow);
    assert_eq!(rasp.stack_ids.len(), 1);
    let tags = transaction.finish(&NewSpan, Instant::now());
    let events: Json = serde_json::from_str(meta(&tags, "_dd.appsec.json").unwrap()).unwrap();
    assert_eq!(events["triggers"][1]["rule"]["id"], "rasp-930-100");
    assert_eq!(events["triggers"][1]["stack_id"], *rasp.stack_ids[0]);
}

#[test]
fn a_span_alone_tells_of_a_scanner_and_is_never_blocked() {
    let Some(appsec) = appsec(Blocking::Obeyed) else {
        return;
    };
    let seen = from_tags([
        ("http.method", "GET"),
        ("http.url", "http://shop/.git/config"),
        ("http.useragent", "dd-test-scanner-log-block"),
        ("http.status_code", "404"),
    ])
    .unwrap();
    let tags = appsec.inspect(&seen, &NewSpan, Instant::now()).unwrap();
    let events: Json = serde_json::from_str(meta(&tags, "_dd.appsec.json").unwrap()).unwrap();
    let triggers = events["triggers"].as_array().unwrap().iter();
    let ids: Vec<_> = triggers
        .map(|event| event["rule"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["ua0-600-56x", "nfd-000-006"]);
    assert_eq!(meta(&tags, "appsec.blocked"), None);
    assert_eq!(appsec.counts().block_ignored, 1);
}

#[test]
fn a_budget_ends() {
    let Some(config) = config() else {
        return;
    };
    let appsec = AppSec::load(Config {
        waf_timeout: Duration::ZERO,
        ..config
    })
    .unwrap();
    let mut transaction = appsec.transaction();
    transaction.request(&request("/", "Arachni/v1"));
    let tags = transaction.finish(&NewSpan, Instant::now());
    assert_eq!(metric(&tags, "_dd.appsec.waf.timeouts"), Some(1.0));
    assert_eq!(meta(&tags, "_dd.appsec.json"), None);
}
