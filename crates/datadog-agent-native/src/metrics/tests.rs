//! What the pipeline is told for a given configuration.

use datadog_metrics_agent::enhanced;

use super::*;

const KEY: (&str, &str) = ("DD_API_KEY", "0123456789abcdef0123456789abcdef");

fn metrics(variables: &[(&str, &str)]) -> MetricsConfig {
    let on = ("DD_DOGSTATSD_ENABLED", "true");
    let variables = variables.iter().copied().chain([KEY, on]);
    let config = Config::builder()
        .profile(Profile::Standalone)
        .with_env_iter(variables)
        .build_with_issues();
    metrics_config(&config, "host-1").unwrap()
}

#[test]
fn defaults_are_those_of_the_reference() {
    let metrics = metrics(&[]);
    let udp = Listen::Udp {
        host: "127.0.0.1".to_owned(),
        port: 8125,
    };
    assert_eq!(metrics.listen, [udp]);
    assert_eq!(metrics.url, "https://api.datadoghq.com");
    assert_eq!(metrics.server, Default::default());
    assert_eq!(metrics.queue_bytes, 8 * 1_024 * 1_024);
    assert_eq!(metrics.flush, FlushStrategy::Interval(FLUSH_EVERY));
    assert_eq!(metrics.flush_at_the_end, Which::Closed);
    assert_eq!(metrics.redrive_bytes, 15 * 1_024 * 1_024);
    let aggregation = &metrics.aggregation;
    assert_eq!(aggregation.encoding, Encoding::Zstd(3));
    assert_eq!(aggregation.max_contexts, 250_000);
    assert_eq!(aggregation.counters, CounterEncoding::Rate);
    assert_eq!(
        (
            aggregation.bucket_s,
            aggregation.counter_expiry_s,
            aggregation.context_expiry_s
        ),
        (10, 300, 20)
    );
    let chosen = [
        Aggregate::Max,
        Aggregate::Median,
        Aggregate::Avg,
        Aggregate::Count,
    ];
    assert_eq!(aggregation.aggregates, chosen);
    assert_eq!(aggregation.percentiles, [95]);
    assert_eq!(aggregation.series_limits, Limits::SERIES);
    assert_eq!(aggregation.other_limits, Limits::OTHERS);
    assert!(aggregation.sends.series && aggregation.sends.sketches);
    assert!(aggregation.sends.events && aggregation.sends.service_checks);
    assert!(metrics.parse.timestamps && !metrics.parse.client_origin);
    assert_eq!(aggregation.rules.hostname, "host-1");
    let exceptions = [&NO_NAMESPACE[..], &OWN[..]].concat();
    assert_eq!(aggregation.rules.namespace_exceptions, exceptions);
    assert_eq!(aggregation.copy_to_distribution, None);
    metrics.check().unwrap();
}

#[test]
fn sockets_are_as_configured() {
    let metrics = metrics(&[
        ("DD_DOGSTATSD_PORT", "0"),
        ("DD_DOGSTATSD_NON_LOCAL_TRAFFIC", "true"),
        ("DD_DOGSTATSD_SOCKET", "/run/d.sock"),
        ("DD_DOGSTATSD_STREAM_SOCKET", "/run/s.sock"),
        ("DD_DOGSTATSD_BUFFER_SIZE", "65535"),
        ("DD_DOGSTATSD_SO_RCVBUF", "1000000"),
        ("DD_DOGSTATSD_EOL_REQUIRED", "udp"),
        ("DD_DOGSTATSD_ORIGIN_DETECTION", "true"),
        ("DD_DOGSTATSD_ORIGIN_DETECTION_CLIENT", "true"),
    ]);
    assert_eq!(
        metrics.listen,
        [
            Listen::Udp {
                host: "0.0.0.0".to_owned(),
                port: 0
            },
            Listen::UnixDatagram("/run/d.sock".into()),
            Listen::UnixStream("/run/s.sock".into()),
        ]
    );
    let server = metrics.server;
    assert_eq!(
        (server.buffer_bytes, server.receive_buffer_bytes),
        (65_535, 1_000_000)
    );
    assert!(server.udp_eol_required && !server.uds_eol_required);
    assert!(server.origin_detection && metrics.parse.client_origin);
    metrics.check().unwrap();
}

#[test]
fn names_tags_and_histograms_are_as_configured() {
    let metrics = metrics(&[
        ("DD_STATSD_METRIC_NAMESPACE", "shop"),
        ("DD_STATSD_METRIC_BLOCKLIST", "a,b"),
        ("DD_TAGS", "team:x"),
        ("DD_ENV", "prod"),
        ("DD_DOGSTATSD_TAGS", "via:dsd"),
        ("DD_HISTOGRAM_AGGREGATES", "min,sum"),
        ("DD_HISTOGRAM_PERCENTILES", "0.5,0.99"),
        ("DD_HISTOGRAM_COPY_TO_DISTRIBUTION", "true"),
        ("DD_DOGSTATSD_TAG_CARDINALITY", "high"),
        ("DD_AGGREGATE_CONTEXT_LIMIT", "7"),
        ("DD_METRICS_CONFIG_COMPRESSION_LEVEL", "1"),
        ("DD_ENABLE_PAYLOADS_EVENTS", "false"),
        (
            "DD_ADDITIONAL_ENDPOINTS",
            r#"{"http://b":["k2","k1"],"http://a":["k3"]}"#,
        ),
    ]);
    let rules = &metrics.aggregation.rules;
    assert_eq!(rules.namespace, "shop");
    assert_eq!(rules.blocklist, ["a", "b"]);
    assert_eq!(rules.tags, ["team:x", "via:dsd", "env:prod"]);
    assert_eq!(rules.origin.cardinality, Cardinality::High);
    let aggregation = &metrics.aggregation;
    assert_eq!(aggregation.aggregates, [Aggregate::Min, Aggregate::Sum]);
    assert_eq!(aggregation.percentiles, [50, 99]);
    assert_eq!(aggregation.copy_to_distribution.as_deref(), Some(""));
    assert_eq!(aggregation.max_contexts, 7);
    assert_eq!(aggregation.encoding, Encoding::Zstd(1));
    assert!(!aggregation.sends.events && aggregation.sends.series);
    let additional: Vec<_> = metrics
        .additional_endpoints
        .iter()
        .map(|it| (it.url.as_str(), it.api_key.as_str()))
        .collect();
    assert_eq!(
        additional,
        [("http://a", "k3"), ("http://b", "k1"), ("http://b", "k2")]
    );
}

#[test]
fn beside_a_function_counts_are_counts_and_a_flush_takes_all() {
    let config = Config::builder()
        .profile(Profile::Embedded)
        .with_env_iter([KEY, ("DD_SERVERLESS_FLUSH_STRATEGY", "end")])
        .build_with_issues();
    let metrics = metrics_config(&config, "").unwrap();
    assert_eq!(metrics.flush, FlushStrategy::OnDemand);
    assert_eq!(metrics.flush_on_request, Which::Everything);
    assert_eq!(metrics.aggregation.counters, CounterEncoding::Count);
}

#[test]
fn a_mapper_that_cannot_be_used_stops_the_start() {
    let config =
        Config::from_env_iter([KEY, ("DD_DOGSTATSD_MAPPER_PROFILES", r#"[{"prefix":"x"}]"#)]);
    let error = metrics_config(&config, "").unwrap_err();
    assert!(
        error.to_string().contains("a profile has no name"),
        "{error}"
    );
}

fn metrics_of(profile: Profile, variables: &[(&str, &str)]) -> MetricsConfig {
    let variables = variables.iter().copied().chain([KEY]);
    let config = Config::builder()
        .profile(profile)
        .with_env_iter(variables)
        .build_with_issues();
    metrics_config(&config, "").unwrap()
}

fn enhanced_of(profile: Profile, variables: &[(&str, &str)]) -> Option<enhanced::Platform> {
    metrics_of(profile, variables)
        .enhanced
        .map(|it| it.platform)
}

const AZURE: [(&str, &str); 4] = [
    ("FUNCTIONS_EXTENSION_VERSION", "~4"),
    ("FUNCTIONS_WORKER_RUNTIME", "node"),
    ("WEBSITE_SITE_NAME", "app"),
    ("COMPUTERNAME", "Box-1"),
];

#[test]
fn lambda_speaks_of_itself_unless_a_setting_says_no() {
    let lambda = |variables: &[(&str, &str)]| enhanced_of(Profile::Lambda, variables);
    let every = enhanced::Platform::Lambda {
        window: Some(FLUSH_EVERY),
    };
    assert_eq!(lambda(&[]), Some(every));
    let asked = enhanced::Platform::Lambda { window: None };
    assert_eq!(
        lambda(&[("DD_SERVERLESS_FLUSH_STRATEGY", "end")]),
        Some(asked)
    );
    assert_eq!(lambda(&[("DD_ENHANCED_METRICS", "false")]), None);
    assert_eq!(
        lambda(&[("DD_LAMBDA_PROC_ENHANCED_METRICS", "false")]),
        None
    );
}

#[test]
fn azure_counts_instances_in_any_case_and_google_says_nothing_unasked() {
    let azure = |extra: &[(&'static str, &'static str)]| {
        let variables = [&AZURE[..], extra].concat();
        enhanced_of(Profile::Serverless, &variables)
    };
    let with = |cpu| enhanced::Platform::AzureFunctions {
        instance: Some("box-1".to_owned()),
        cpu,
    };
    assert_eq!(azure(&[]), Some(with(true)));
    assert_eq!(
        azure(&[("DD_ENHANCED_METRICS_ENABLED", "false")]),
        Some(with(false))
    );
    let google = [("K_SERVICE", "s"), ("FUNCTION_TARGET", "f")];
    assert_eq!(enhanced_of(Profile::Serverless, &google), None);
    let asked = [
        google[0],
        google[1],
        ("DD_CONTAINER_ENHANCED_METRICS", "true"),
    ];
    assert_eq!(
        enhanced_of(Profile::Serverless, &asked),
        Some(enhanced::Platform::Container)
    );
    for profile in [Profile::Standalone, Profile::Embedded] {
        assert_eq!(enhanced_of(profile, &AZURE), None);
    }
}

#[test]
fn the_pipeline_runs_without_a_listener_for_what_is_said_of_an_instance() {
    let build = |profile, variables: &[(&str, &str)]| {
        Config::builder()
            .profile(profile)
            .with_env_iter(variables.iter().copied().chain([KEY]))
            .build_with_issues()
    };
    let off = ("DD_DOGSTATSD_ENABLED", "false");
    assert!(!is_wanted(&build(Profile::Embedded, &[off])));
    let azure = build(Profile::Serverless, &[&AZURE[..], &[off]].concat());
    assert!(is_wanted(&azure));
    assert_eq!(metrics_config(&azure, "").unwrap().listen, []);
}

#[test]
fn tags_of_the_platform_stand_between_those_of_the_user_and_the_unified_ones() {
    let variables = [&AZURE[..], &[("DD_TAGS", "team:x"), ("DD_SERVICE", "Shop")]].concat();
    let metrics = metrics_of(Profile::Serverless, &variables);
    assert_eq!(
        metrics.aggregation.rules.tags,
        [
            "team:x",
            "origin:azurefunction",
            "dd.origin:azurefunction",
            "service:Shop"
        ]
    );
    let metrics = metrics_of(Profile::Lambda, &[("DD_SERVICE", "Shop")]);
    let tags = metrics.aggregation.rules.tags;
    assert!(tags.contains(&"service:shop".to_owned()), "{tags:?}");
}

#[test]
fn the_agents_own_metrics_get_no_namespace() {
    let exceptions = [("DD_STATSD_METRIC_NAMESPACE_BLACKLIST", "mine")];
    let rules = metrics(&exceptions).aggregation.rules;
    let expect = ["mine", OWN[0], OWN[1], OWN[2]];
    assert_eq!(rules.namespace_exceptions, expect);
}

#[test]
fn payloads_travel_in_the_form_and_encoding_that_is_asked_for() {
    let found = metrics(&[
        ("DD_USE_V3_API_SERIES", "true"),
        ("DD_SERIALIZER_COMPRESSOR_KIND", "zlib"),
        ("DD_METRICS_CONFIG_COMPRESSION_LEVEL", "7"),
        ("DD_STATSD_FORWARD_HOST", "10.0.0.1"),
        ("DD_STATSD_FORWARD_PORT", "9125"),
        ("DD_DOGSTATSD_DISABLE_VERBOSE_LOGS", "true"),
        ("DD_TELEMETRY_ENABLED", "true"),
    ]);
    let aggregation = &found.aggregation;
    assert_eq!(
        (aggregation.series_form, aggregation.sketches_form),
        (Form::Columns, Form::Messages)
    );
    assert_eq!(aggregation.encoding, Encoding::Deflate(7));
    assert_eq!(found.forward_to, Some(("10.0.0.1".to_owned(), 9_125)));
    assert!(found.quiet && found.own_metrics);
    let usual = metrics(&[("DD_STATSD_FORWARD_HOST", "10.0.0.1")]);
    assert_eq!(usual.aggregation.series_form, Form::Messages);
    assert_eq!(usual.forward_to, None);
    assert!(!usual.quiet && !usual.own_metrics);
}
