//! Sites and overrides, and the URLs that come of them.

use super::*;

fn site(text: &str) -> Site {
    Site::new(text).expect("a site")
}

#[test]
fn every_product_has_its_url() {
    let site = site("datadoghq.com");
    for (product, url) in [
        (
            Product::Traces,
            "https://trace.agent.datadoghq.com/api/v0.2/traces",
        ),
        (
            Product::TraceStats,
            "https://trace.agent.datadoghq.com/api/v0.2/stats",
        ),
        (
            Product::DataStreams,
            "https://trace.agent.datadoghq.com/api/v0.1/pipeline_stats",
        ),
        (
            Product::Logs,
            "https://http-intake.logs.datadoghq.com/api/v2/logs",
        ),
        (Product::Series, "https://api.datadoghq.com/api/v2/series"),
        (
            Product::Sketches,
            "https://api.datadoghq.com/api/beta/sketches",
        ),
        (Product::Events, "https://api.datadoghq.com/intake/"),
        (
            Product::ServiceChecks,
            "https://api.datadoghq.com/api/v1/check_run",
        ),
        (
            Product::KeyValidation,
            "https://api.datadoghq.com/api/v1/validate",
        ),
        (
            Product::DelegatedKey,
            "https://api.datadoghq.com/api/v2/intake-key",
        ),
        (
            Product::RemoteConfiguration,
            "https://config.datadoghq.com/api/v0.1/configurations",
        ),
        (
            Product::RemoteConfigurationOrganisation,
            "https://config.datadoghq.com/api/v0.1/org",
        ),
        (
            Product::RemoteConfigurationStatus,
            "https://config.datadoghq.com/api/v0.1/status",
        ),
        (
            Product::Telemetry,
            "https://instrumentation-telemetry-intake.datadoghq.com/api/v2/apmtelemetry",
        ),
        (
            Product::Profiling,
            "https://intake.profile.datadoghq.com/api/v2/profile",
        ),
        (
            Product::LlmObservability,
            "https://llmobs-intake.datadoghq.com/api/v2/llmobs",
        ),
        (
            Product::Debugger,
            "https://debugger-intake.datadoghq.com/api/v2/debugger",
        ),
        (
            Product::OpenLineage,
            "https://data-obs-intake.datadoghq.com/api/v1/lineage",
        ),
    ] {
        assert_eq!(product.url(&site), url);
    }
}

#[test]
fn short_names_stand_for_their_sites() {
    for (short, name) in [
        ("us1", "datadoghq.com"),
        ("US", "datadoghq.com"),
        ("us3", "us3.datadoghq.com"),
        ("us5", "us5.datadoghq.com"),
        ("eu", "datadoghq.eu"),
        ("eu1", "datadoghq.eu"),
        ("ap1", "ap1.datadoghq.com"),
        ("ap2", "ap2.datadoghq.com"),
        ("gov", "ddog-gov.com"),
        ("us1-fed", "ddog-gov.com"),
        ("us2-fed", "us2.ddog-gov.com"),
    ] {
        assert_eq!(site(short).name(), name);
    }
}

#[test]
fn what_does_not_belong_to_a_site_is_stripped_and_named() {
    for (text, name, stripped) in [
        ("datadoghq.eu", "datadoghq.eu", 0),
        (".datadoghq.eu", "datadoghq.eu", 1),
        ("https://app.datadoghq.eu/", "datadoghq.eu", 2),
        ("www.datadoghq.eu/x", "datadoghq.eu", 2),
        (" DataDogHQ.eu ", "datadoghq.eu", 0),
    ] {
        let (normal, what) = Site::normalize(text).expect("a site");
        assert_eq!((normal.as_str(), what.len()), (name, stripped), "{text}");
    }
    for text in [
        "", "a b", "a_b@c", "http://", "x:99999", ":80", "a/b c", "ü.com",
    ] {
        let refused = Site::normalize(text);
        if text == "a/b c" {
            assert_eq!(refused.expect("its path goes").0, "a");
        } else {
            assert!(refused.is_err(), "{text}");
        }
    }
}

#[test]
fn loopback_sites_are_reached_without_label_over_plain_http() {
    for text in ["127.0.0.1:9000", "localhost", "127.1.2.3"] {
        let site = site(text);
        assert_eq!(
            Product::Traces.url(&site),
            format!("http://{text}/api/v0.2/traces")
        );
        assert_eq!(
            Product::RemoteConfiguration.url(&site),
            format!("http://{text}/api/v0.1/configurations")
        );
    }
    assert!(!site("127.0.0.1.evil.com").is_loopback());
    assert!(!site("localhost.evil.com").is_loopback());
}

#[test]
fn a_final_dot_ends_the_host_name_and_not_the_port() {
    let url = |text: &str| Product::Logs.url(&site(text).with_final_dot());
    assert_eq!(
        url("us5"),
        "https://http-intake.logs.us5.datadoghq.com./api/v2/logs"
    );
    assert_eq!(
        url("x.y:8443"),
        "https://http-intake.logs.x.y.:8443/api/v2/logs"
    );
    assert_eq!(url("127.0.0.1:1"), "http://127.0.0.1:1/api/v2/logs");
}

#[test]
fn an_override_gains_the_path_once() {
    for (base, url) in [
        (
            "http://127.0.0.1:9000",
            "http://127.0.0.1:9000/api/v0.2/traces",
        ),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/api/v0.2/traces"),
        ("https://host:443", "https://host:443/api/v0.2/traces"),
        (
            "https://host/api/v0.2/traces",
            "https://host/api/v0.2/traces",
        ),
        (
            "https://host/api/v0.2/stats/",
            "https://host/api/v0.2/traces",
        ),
        ("https://host/p", "https://host/p/api/v0.2/traces"),
    ] {
        assert_eq!(Product::Traces.url_at(base), url);
    }
    assert_eq!(
        Product::TraceStats.url_at("https://host/p/api/v0.2/traces"),
        "https://host/p/api/v0.2/stats"
    );
}

#[test]
fn a_log_intake_may_be_a_host_or_a_url() {
    for (address, url) in [
        (
            "agent-http-intake-pci.logs.datadoghq.com:443",
            "https://agent-http-intake-pci.logs.datadoghq.com:443/api/v2/logs",
        ),
        ("https://x.y/", "https://x.y/api/v2/logs"),
        (
            " http://127.0.0.1:9000 ",
            "http://127.0.0.1:9000/api/v2/logs",
        ),
        ("x.y/p//", "https://x.y/p/api/v2/logs"),
        ("https://x.y/api/v2/logs", "https://x.y/api/v2/logs"),
        ("https://x.y/api/v2/logs/", "https://x.y/api/v2/logs"),
    ] {
        assert_eq!(logs_url(address, Scheme::Https).as_deref(), Ok(url));
    }
    assert_eq!(
        logs_url("x.y:80", Scheme::Http).as_deref(),
        Ok("http://x.y:80/api/v2/logs")
    );
    assert_eq!(
        logs_url("https://x.y", Scheme::Http).as_deref(),
        Ok("https://x.y/api/v2/logs"),
        "a scheme that was written wins"
    );
}

#[test]
fn a_worker_gains_the_path_only_when_it_has_none() {
    for (address, url) in [
        ("http://opw:8282", "http://opw:8282/api/v2/logs"),
        ("http://opw:8282/", "http://opw:8282/api/v2/logs"),
        ("http://opw:8282/in/", "http://opw:8282/in/"),
        ("opw", "https://opw/api/v2/logs"),
    ] {
        assert_eq!(worker_url(address).as_deref(), Ok(url));
    }
    assert!(worker_url("http://").is_err());
}

#[test]
fn a_further_log_intake_has_a_port_and_may_have_a_prefix() {
    let url = |host: &str, port, use_ssl, path_prefix: &str| {
        additional_logs_url(&LogsAdditionalEndpoint {
            api_key: "k".to_owned(),
            host: host.to_owned(),
            port,
            is_reliable: true,
            use_ssl,
            use_compression: None,
            compression_kind: None,
            compression_level: None,
            path_prefix: path_prefix.to_owned(),
        })
        .expect("well formed")
    };
    assert_eq!(url("h1", Some(443), true, ""), "https://h1:443/api/v2/logs");
    assert_eq!(
        url("h2", Some(10516), true, ""),
        "https://h2:10516/api/v2/logs"
    );
    assert_eq!(url("h", None, true, ""), "https://h:443/api/v2/logs");
    assert_eq!(url("h", None, false, ""), "http://h:80/api/v2/logs");
    assert_eq!(url("h:81", None, false, ""), "http://h:81/api/v2/logs");
    assert_eq!(
        url("http://h/p/", Some(1), true, "/q"),
        "http://h:1/p/q/api/v2/logs"
    );
    assert_eq!(
        url("https://[::1]", None, true, ""),
        "https://[::1]:443/api/v2/logs"
    );
}

#[test]
fn government_sites_are_told_by_their_domain() {
    assert!(site("gov").is_government());
    assert!(site("us2-fed").is_government());
    assert!(!site("notddog-gov.com").is_government());
}
