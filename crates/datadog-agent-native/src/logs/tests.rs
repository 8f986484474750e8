//! What the pipeline is told for a given configuration.

use std::time::Duration;

use super::*;
use crate::config::Profile;

const KEY: (&str, &str) = ("DD_API_KEY", "0123456789abcdef0123456789abcdef");

fn logs(variables: &[(&str, &str)]) -> LogsConfig {
    let variables = variables.iter().copied().chain([KEY]);
    logs_config(&Config::from_env_iter(variables), "host-1").unwrap()
}

#[test]
fn defaults_are_those_of_the_reference() {
    let logs = logs(&[]);
    let url = "https://http-intake.logs.datadoghq.com/api/v2/logs".to_owned();
    assert_eq!(logs.destination, Destination::Datadog { url });
    assert_eq!(logs.batch.entries, 1_000);
    assert_eq!(logs.batch.bytes, 5_000_000);
    assert_eq!(logs.flush, FlushStrategy::Interval(Duration::from_secs(5)));
    assert_eq!(logs.encoding, Encoding::Zstd(3));
    assert_eq!(logs.memory_bytes, 64 * 1_024 * 1_024);
    assert_eq!(
        logs.buffer,
        BufferLimits {
            entries: 10_000,
            bytes: 10_000_000
        }
    );
    assert_eq!(logs.redrive_bytes, 15 * 1_024 * 1_024);
    logs.check().unwrap();
}

#[test]
fn clients_keep_their_own_identity_and_files_get_that_of_the_host() {
    let plain = logs(&[("DD_TAGS", "team:a,service:x"), ("DD_ENV", "prod")]);
    assert_eq!(plain.client_enrichment.hostname, None);
    assert_eq!(plain.client_enrichment.service, None);
    assert_eq!(plain.client_enrichment.tags, ["team:a", "env:prod"]);
    assert_eq!(plain.file_enrichment.hostname.as_deref(), Some("host-1"));
    assert_eq!(plain.file_enrichment.status.as_deref(), Some("info"));

    let named = logs(&[("DD_SERVICE", "Shop"), ("DD_HOSTNAME", "web-1")]);
    assert_eq!(named.client_enrichment.service.as_deref(), Some("shop"));
    assert_eq!(named.client_enrichment.hostname.as_deref(), Some("web-1"));
}

#[test]
fn a_worker_gets_no_compression_unless_asked_for_and_extra_intakes_keep_theirs() {
    let extra = r#"[{"api_key":"k2","Host":"h2","is_reliable":false}]"#;
    let worker = [
        ("DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_ENABLED", "true"),
        (
            "DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_URL",
            "http://opw:8282",
        ),
        ("DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS", extra),
    ];
    let plain = logs(&worker);
    let url = "http://opw:8282/api/v2/logs".to_owned();
    assert_eq!(
        plain.destination,
        Destination::ObservabilityPipelinesWorker { url }
    );
    assert_eq!(plain.worker_encoding, Encoding::Identity);
    let endpoint = &plain.additional_endpoints[0];
    assert_eq!(endpoint.url, "https://h2:443/api/v2/logs");
    assert_eq!(
        (endpoint.is_reliable, endpoint.encoding),
        (false, Encoding::Zstd(3))
    );

    let mut asked = worker.to_vec();
    asked.push((
        "DD_OBSERVABILITY_PIPELINES_WORKER_LOGS_USE_COMPRESSION",
        "true",
    ));
    assert_eq!(logs(&asked).worker_encoding, Encoding::Zstd(3));
}

#[test]
fn flush_strategies_become_timers_or_explicit_flushes() {
    let flush = |strategy| logs(&[("DD_SERVERLESS_FLUSH_STRATEGY", strategy)]).flush;
    assert_eq!(flush("end"), FlushStrategy::OnDemand);
    assert_eq!(flush("end,1000"), FlushStrategy::OnDemand);
    assert_eq!(
        flush("periodically,60000"),
        FlushStrategy::Interval(Duration::from_secs(60))
    );
    assert_eq!(
        flush("continuously,500"),
        FlushStrategy::Interval(Duration::from_millis(500))
    );
}

#[test]
fn rules_and_limits_reach_the_pipeline() {
    let rules = r#"[{"type":"mask_sequences","name":"card","pattern":"\\d{16}","replace_placeholder":"[card]"}]"#;
    let logs = logs(&[
        ("DD_LOGS_CONFIG_PROCESSING_RULES", rules),
        ("DD_LOGS_MAX_BODY_BYTES", "16MiB"),
        ("DD_LOGS_CONFIG_MAX_MESSAGE_SIZE_BYTES", "2000"),
        ("DD_LOGS_CONFIG_COMPRESSION_KIND", "gzip"),
    ]);
    assert_eq!(logs.rules[0].kind, RuleKind::MaskSequences);
    assert_eq!(logs.rules[0].replace_placeholder, "[card]");
    assert_eq!(logs.body.received_bytes, 16 * 1_024 * 1_024);
    assert!(logs.body.decoded_bytes >= logs.body.received_bytes);
    assert_eq!(logs.entry.message_bytes, 2_000);
    assert_eq!(logs.encoding, Encoding::Gzip(3));
}

#[test]
fn a_program_of_its_own_never_waits_for_somebody_to_ask_for_a_flush() {
    let config = Config::builder()
        .profile(Profile::Standalone)
        .with_env_iter([KEY, ("DD_SERVERLESS_FLUSH_STRATEGY", "end")])
        .build_with_issues();
    let logs = logs_config(&config, "host-1").unwrap();
    assert_eq!(logs.flush, FlushStrategy::Interval(Duration::from_secs(5)));
}

#[test]
fn one_request_at_a_time_keeps_batches_in_order() {
    assert_eq!(logs(&[]).order, Order::Free);
    let one = logs(&[("DD_LOGS_CONFIG_BATCH_MAX_CONCURRENT_SEND", "1")]);
    assert_eq!((one.concurrency, one.order), (1, Order::Kept));
}
