//! Heads as they leave, by product.

use super::*;
use crate::config::{CloudResource, Install};

fn head(path: &str, headers: &[(&'static str, &'static str)]) -> Parts {
    let mut request = Request::builder().method("POST").uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn config() -> Config {
    let key = datadog_forwarder::ApiKey::fixed("k");
    let mut config = Config::from_intake("https://trace", Some(key), "datadoghq.com");
    config.identity.hostname = "h".to_owned();
    config.identity.env = "prod".to_owned();
    config.identity.version = "1.2.3".to_owned();
    config
}

/// The URL and the headers of the request to the first intake, in the order of their names.
fn leaves(
    config: &Config,
    product: Product,
    rest: &str,
    head: &Parts,
    container: Option<&str>,
) -> Result<(String, Vec<String>), Refusal> {
    let outgoings = Outgoings::new(config).unwrap();
    let container = container.map(str::to_owned);
    let outgoing = outgoings.of(product, rest, head, container)?;
    let target = &outgoing.targets[0];
    let key = target.key.as_ref().unwrap().current();
    let request = outgoing.request(target, &key, ()).unwrap();
    assert_eq!(request.method(), head.method);
    let mut headers: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    Ok((request.uri().to_string(), headers))
}

const AGENT: &str = "host:h,default_env:prod,agent_version:1.2.3";

#[test]
fn profiles_say_which_agent_passes_them_on_and_what_it_is_tagged_with() {
    let mut config = config();
    config.proxies.profiling_tags =
        vec!["orchestrator:fargate_ecs".to_owned(), "a:b\nc".to_owned()];
    let head = head(
        "/profiling/v1/input?x=%2f",
        &[
            ("host", "localhost:8126"),
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("expect", "100-continue"),
            ("content-length", "3"),
            ("x-forwarded-for", "10.0.0.1"),
            ("dd-api-key", "of-the-client"),
            ("x-datadog-additional-tags", "of:the-client"),
            ("content-type", "multipart/form-data; boundary=x"),
            ("user-agent", "Go-http-client/1.1"),
        ],
    );
    let (url, headers) = leaves(&config, Product::Profiling, "", &head, Some("cid")).unwrap();
    assert_eq!(
        url,
        "https://intake.profile.datadoghq.com/api/v2/profile?x=%2f"
    );
    assert_eq!(
        headers,
        [
            "content-type: multipart/form-data; boundary=x",
            "dd-api-key: k",
            "user-agent: Go-http-client/1.1",
            "via: trace-agent 1.2.3",
            &format!("x-datadog-additional-tags: {AGENT},orchestrator:fargate_ecs,a:b_c"),
        ]
    );
}

#[test]
fn pipeline_stats_go_to_every_trace_intake_without_the_tags_of_profiles() {
    let mut config = config();
    config.proxies.profiling_tags = vec!["a:b".to_owned()];
    config.additional_endpoints = vec![crate::config::AdditionalEndpoint {
        url: "https://second".to_owned(),
        api_key: "k2".to_owned(),
    }];
    let head = head("/v0.1/pipeline_stats", &[]);
    let (url, headers) = leaves(&config, Product::PipelineStats, "", &head, None).unwrap();
    assert_eq!(url, "https://trace/api/v0.1/pipeline_stats");
    let tags = format!("x-datadog-additional-tags: {AGENT}");
    assert_eq!(headers, ["dd-api-key: k", "via: trace-agent 1.2.3", &tags]);
    let outgoings = Outgoings::new(&config).unwrap();
    let outgoing = outgoings
        .of(Product::PipelineStats, "", &head, None)
        .unwrap();
    let request = outgoing.request(&outgoing.targets[1], "k2", ()).unwrap();
    assert_eq!(request.uri(), "https://second/api/v0.1/pipeline_stats");
}

#[test]
fn snapshots_of_the_debugger_are_logs_with_tags_in_the_query() {
    for (product, url) in [
        (
            Product::DebuggerLogs,
            "https://http-intake.logs.datadoghq.com/api/v2/logs",
        ),
        (
            Product::Debugger,
            "https://debugger-intake.datadoghq.com/api/v2/debugger",
        ),
    ] {
        let head = head(
            "/debugger/v1/input?q=%2f&ddtags=c%3Ad",
            &[("x-datadog-additional-tags", "a:b")],
        );
        let (given, headers) = leaves(&config(), product, "", &head, None).unwrap();
        let tags = "host%3Ah%2Cdefault%5Fenv%3Aprod".replace("%5F", "_");
        let tags = format!("{tags}%2Cagent_version%3A1.2.3%2Ca%3Ab%2Cc%3Ad");
        assert_eq!(given, format!("{url}?q=%2f&ddtags={tags}"));
        assert_eq!(
            headers[..2],
            ["dd-api-key: k", "dd-evp-origin: agent-debugger"]
        );
        let id = headers[2].strip_prefix("dd-request-id: ").unwrap();
        assert_eq!(id.len(), 36);
        assert_eq!(headers[3..], ["x-datadog-additional-tags: a:b"]);
    }
}

#[test]
fn symbols_have_their_tags_in_a_header() {
    let head = head(
        "/symdb/v1/input?q=1",
        &[("x-datadog-additional-tags", "a:b")],
    );
    let (url, headers) = leaves(&config(), Product::SymbolDatabase, "", &head, None).unwrap();
    assert_eq!(
        url,
        "https://debugger-intake.datadoghq.com/api/v2/debugger?q=1"
    );
    assert_eq!(headers[1], "dd-evp-origin: agent-symdb");
    assert_eq!(
        headers[3],
        format!("x-datadog-additional-tags: {AGENT},a:b")
    );
    assert_eq!(headers.len(), 4);
}

#[test]
fn telemetry_says_what_is_known_of_the_agent_and_of_the_client() {
    let mut config = config();
    let head = head(
        "/telemetry/proxy/api/v2/apmtelemetry?x=1",
        &[("dd-telemetry-request-type", "app-started")],
    );
    let of = |config: &Config, container| {
        leaves(
            config,
            Product::Telemetry,
            "api/v2/apmtelemetry",
            &head,
            container,
        )
        .unwrap()
    };
    let (url, headers) = of(&config, None);
    assert_eq!(
        url,
        "https://instrumentation-telemetry-intake.datadoghq.com/api/v2/apmtelemetry?x=1"
    );
    let least = [
        "dd-agent-env: prod",
        "dd-agent-hostname: h",
        "dd-api-key: k",
        "dd-telemetry-request-type: app-started",
        "via: trace-agent 1.2.3",
    ];
    assert_eq!(headers, least);
    config.proxies.install = Some(Install {
        id: "i".to_owned(),
        kind: "manual".to_owned(),
        time: "1700000000".to_owned(),
    });
    config.proxies.cloud = Some(CloudResource {
        provider: "GCP".to_owned(),
        resource_type: "GCPCloudRun".to_owned(),
        identifier: "r".to_owned(),
    });
    let (_, headers) = of(&config, Some("cid"));
    for expected in [
        "datadog-container-id: cid",
        "dd-agent-install-id: i",
        "dd-agent-install-time: 1700000000",
        "dd-agent-install-type: manual",
        "dd-cloud-provider: GCP",
        "dd-cloud-resource-identifier: r",
        "dd-cloud-resource-type: GCPCloudRun",
    ] {
        assert!(headers.iter().any(|it| it == expected), "{expected}");
    }
    assert_eq!(headers.len(), least.len() + 7);
}

#[test]
fn an_evp_request_carries_nothing_but_what_it_may() {
    let mut config = config();
    config.proxies.application_key = Some(" app ".to_owned());
    let mut given = vec![
        ("x-datadog-evp-subdomain", "citestcycle-intake"),
        ("content-type", "application/msgpack"),
        ("content-encoding", "gzip"),
        ("accept-encoding", "gzip"),
        ("user-agent", "tracer/1"),
        ("dd-ci-provider-name", "github"),
        ("dd-api-key", "of-the-client"),
        ("cookie", "c"),
        ("x-forwarded-for", "10.0.0.1"),
        ("datadog-container-id", "cid"),
    ];
    let of = |config: &Config, given: &[_]| {
        let head = head("/evp_proxy/v4/api/v2/citestcycle?a=%5B1%5D", given);
        leaves(
            config,
            Product::Evp,
            "api/v2/citestcycle",
            &head,
            Some("of-the-peer"),
        )
    };
    let (url, headers) = of(&config, &given).unwrap();
    assert_eq!(
        url,
        "https://citestcycle-intake.datadoghq.com/api/v2/citestcycle?a=%5B1%5D"
    );
    let expected = [
        "accept-encoding: gzip",
        "content-encoding: gzip",
        "content-type: application/msgpack",
        "datadog-container-id: cid",
        "dd-api-key: k",
        "dd-ci-provider-name: github",
        "user-agent: tracer/1",
        "via: trace-agent 1.2.3",
        "x-datadog-agentdefaultenv: prod",
        "x-datadog-hostname: h",
        "x-datadog-timeout: 30",
    ];
    assert_eq!(headers, expected);
    given.push(("x-datadog-needsappkey", "True"));
    let (_, headers) = of(&config, &given).unwrap();
    assert_eq!(headers.len(), expected.len() + 1);
    assert!(headers.contains(&"dd-application-key: app".to_owned()));
    config.proxies.application_key = None;
    let refused = of(&config, &given);
    assert_eq!(
        refused.unwrap_err(),
        Refusal::Evp(evp::Invalid::NoApplicationKey)
    );
    config.proxies.evp = None;
    let refused = of(&config, &given);
    assert_eq!(refused.unwrap_err(), Refusal::Disabled(Product::Evp));
}

#[test]
fn lineage_shows_its_key_as_a_bearer() {
    let head = head(
        "/openlineage/api/v1/lineage?api-version=1&x=2",
        &[("authorization", "Basic eA==")],
    );
    let (url, headers) = leaves(&config(), Product::Lineage, "", &head, None).unwrap();
    assert_eq!(
        url,
        "https://data-obs-intake.datadoghq.com/api/v1/lineage?api-version=2&x=2"
    );
    let tags = format!("x-datadog-additional-tags: {AGENT}");
    assert_eq!(
        headers,
        ["authorization: Bearer k", "via: trace-agent 1.2.3", &tags]
    );
}

#[test]
fn a_flare_goes_to_the_host_of_the_compatible_version() {
    let head = head(
        "/tracer_flare/v1",
        &[("content-type", "multipart/form-data")],
    );
    let (url, headers) = leaves(&config(), Product::Flare, "", &head, None).unwrap();
    assert_eq!(
        url,
        "https://7-70-0-flare.datadoghq.com/api/ui/support/serverless/flare"
    );
    assert_eq!(
        headers,
        ["content-type: multipart/form-data", "dd-api-key: k"]
    );
}

#[test]
fn a_product_without_an_intake_is_turned_off() {
    let mut config = config();
    config.proxies.telemetry.clear();
    let head = head("/telemetry/proxy/x", &[]);
    let refused = leaves(&config, Product::Telemetry, "x", &head, None);
    assert_eq!(refused.unwrap_err(), Refusal::Disabled(Product::Telemetry));
}

#[test]
fn without_a_key_there_is_no_header_for_it() {
    let mut config = config();
    config.api_key = None;
    let outgoings = Outgoings::new(&config).unwrap();
    let head = head("/tracer_flare/v1", &[]);
    let outgoing = outgoings.of(Product::Flare, "", &head, None).unwrap();
    let request = outgoing.request(&outgoing.targets[0], "", ()).unwrap();
    assert!(request.headers().is_empty());
    assert!(outgoing.request(&outgoing.targets[0], "a\nb", ()).is_none());
}

#[test]
fn random_bits_become_a_uuid_of_version_4() {
    assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
    assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
}
