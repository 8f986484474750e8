//! Every product over the wire: where it goes, and what is refused.

use datadog_traces_agent::config::Config;

use crate::agent::Agent;
use crate::intake::Intake;

#[tokio::test]
async fn every_product_goes_to_its_path_of_a_local_site() {
    let tags = "ddtags=host%3Ah%2Cdefault_env%3Anone%2Cagent_version%3A1.2.3";
    for (path, expected) in [
        ("/profiling/v1/input", "/api/v2/profile"),
        ("/v0.1/pipeline_stats", "/api/v0.1/pipeline_stats"),
        ("/telemetry/proxy/a/b?c=%2f", "/a/b?c=%2f"),
        ("/evp_proxy/v1/a/b", "/a/b"),
        ("/evp_proxy/v4/a?b=1", "/a?b=1"),
        (
            "/debugger/v1/input?a=%2f",
            &format!("/api/v2/logs?a=%2f&{tags}"),
        ),
        (
            "/debugger/v1/diagnostics",
            &format!("/api/v2/debugger?{tags}"),
        ),
        ("/debugger/v2/input", &format!("/api/v2/debugger?{tags}")),
        ("/symdb/v1/input?a=1", "/api/v2/debugger?a=1"),
        ("/tracer_flare/v1", "/api/ui/support/serverless/flare"),
        (
            "/openlineage/api/v1/lineage",
            "/api/v1/lineage?api-version=2",
        ),
    ] {
        let intake = Intake::start().await;
        let agent = Agent::start(&intake, |config| {
            config.identity.version = "1.2.3".to_owned();
        })
        .await;
        let headers = ["x-datadog-evp-subdomain: api", "dd-api-key: of-the-client"];
        let answer = agent.post(path, &headers, b"body").await;
        assert!(
            matches!(answer.status, 200 | 202),
            "{path}: {}",
            answer.text()
        );
        let request = &intake.wait_for(1).await[0];
        assert_eq!(request.line, format!("POST {expected}"));
        assert_eq!(request.body, b"body");
        assert_eq!(request.header("host"), Some(intake.site().as_str()));
        assert_eq!(request.header("x-forwarded-for"), None);
        let key = request
            .header("dd-api-key")
            .or_else(|| request.header("authorization"));
        assert!(matches!(key, Some("key" | "Bearer key")), "{path}: {key:?}");
    }
}

#[track_caller]
fn check(answer: &crate::client::Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.text()), (status, text));
}

#[tokio::test]
async fn an_evp_request_is_told_what_is_wrong_with_it() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |_| {}).await;
    let (good, needs) = (
        "x-datadog-evp-subdomain: api",
        "x-datadog-needsappkey: TRUE",
    );
    let bad = "x-datadog-evp-subdomain: a/b";
    for (path, headers, text) in [
        (
            "api",
            &[][..],
            "EVPProxy: the header X-Datadog-EVP-Subdomain is missing",
        ),
        (
            "api",
            &[bad],
            "EVPProxy: the subdomain in X-Datadog-EVP-Subdomain is not valid",
        ),
        ("a%2e", &[good], "EVPProxy: the path is not valid"),
        ("api?a=%20", &[good], "EVPProxy: the query is not valid"),
        (
            "api",
            &[good, needs],
            "EVPProxy: the request needs an application key, and none is configured",
        ),
    ] {
        let path = format!("/evp_proxy/v2/{path}");
        check(&agent.post(&path, headers, b"body").await, 400, text);
    }
    assert_eq!(intake.heads(), 0);
    assert_eq!(agent.counts().dropped("evp", "invalid"), (5, 5));
}

#[tokio::test]
async fn what_is_turned_off_says_so() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |config| {
        config.proxies.evp = None;
        config.proxies.telemetry.clear();
    })
    .await;
    let answer = agent.post("/evp_proxy/v2/api", &[], b"body").await;
    check(
        &answer,
        405,
        "EVPProxy is disabled: Has been disabled in config",
    );
    let answer = agent.post("/telemetry/proxy/x", &[], b"body").await;
    check(
        &answer,
        405,
        "telemetry is disabled: Has been disabled in config",
    );
    assert_eq!(agent.counts().dropped("evp", "disabled"), (1, 2));
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config::from_intake("https://trace", None, "datadoghq.com");
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    assert_eq!(
        refused(|config| config.proxies.symdb[0].url = "ftp://h".to_owned()),
        "the URL of a symbol intake must begin with http:// or https://, and have a host"
    );
    assert_eq!(
        refused(|config| config.proxies.application_key = Some("a\nb".to_owned())),
        "the application key holds characters which no header may have"
    );
    assert_eq!(
        refused(|config| config.proxies.timeout = std::time::Duration::ZERO),
        "the time to pass a request on is zero"
    );
}
