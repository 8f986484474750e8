//! What strict mode changes, what names are suspected of, and what a profile decides.

use super::*;
use crate::profile::Profile;

fn in_profile(profile: Profile, variables: &[(&str, &str)]) -> Config {
    Config::builder()
        .profile(profile)
        .with_env_iter([KEY].into_iter().chain(variables.iter().copied()))
        .build_with_issues()
}

#[test]
fn strict_mode_makes_a_warning_fatal() {
    let config = read(&[
        ("DD_CONFIG_STRICT", "1"),
        ("DD_STATSD_METRIC_NAMESPACE", "my-app"),
    ]);
    assert_eq!(fatal(&config).len(), 1);
    assert!(fatal(&config)[0].ends_with("agent not started"));
    let config = read(&[("DD_CONFIG_STRICT", "1"), ("DD_SITE", "gov")]);
    assert_eq!(
        fatal(&config).len(),
        1,
        "what does not go together counts as well"
    );
}

#[test]
fn strict_mode_leaves_what_was_asked_for_in_so_many_words() {
    let config = read(&[("DD_CONFIG_STRICT", "1"), ("DD_SKIP_SSL_VALIDATION", "1")]);
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(warnings(&config).len(), 1);
}

#[test]
fn a_malformed_strictness_refuses_the_start() {
    assert_eq!(fatal(&read(&[("DD_CONFIG_STRICT", "very")])).len(), 1);
}

#[test]
fn all_fatal_issues_are_listed_at_once() {
    let error = Config::builder()
        .with_env_iter([("DD_SITE", "a b"), ("DD_LOGS_AGENT_PORT", "x")])
        .build()
        .expect_err("three fatal issues");
    assert_eq!(error.issues.len(), 3);
    let text = error.to_string();
    for name in ["DD_SITE", "DD_LOGS_AGENT_PORT", "DD_API_KEY"] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn names_within_two_letters_of_a_known_one_are_warned_of() {
    let config = read(&[("DD_DOGSTATD_PORT", "1"), ("DATADOG_SIT", "x")]);
    assert_eq!(
        warnings(&config),
        [
            "DATADOG_SIT: unknown, did you mean DD_SITE; ignored",
            "DD_DOGSTATD_PORT: unknown, did you mean DD_DOGSTATSD_PORT; ignored",
        ]
    );
}

#[test]
fn names_of_tracers_and_far_ones_are_left_alone() {
    let config = read(&[
        ("DD_TRACE_ENABLED", "true"),
        ("DD_DOGSTATSD_HOST", "x"),
        ("DD_SOMETHING_ELSE_ENTIRELY", "x"),
        ("DATADOG_AGENT_NATIVE_LIBRARY_PATH", "/x"),
        ("PATH", "/bin"),
        ("DD_SITF", ""),
    ]);
    assert_eq!(config.issues(), []);
}

#[test]
fn names_in_lower_case_are_warned_of_and_not_read() {
    let config = read(&[("dd_site", "us5")]);
    assert_eq!(config.site, "datadoghq.com");
    assert_eq!(
        warnings(&config),
        ["dd_site: names are in upper case, did you mean DD_SITE; ignored"]
    );
}

#[test]
fn values_that_are_not_unicode_are_malformed() {
    let broken = |name: &str| {
        Config::builder()
            .with_env_iter([KEY])
            .with_broken_env(name)
            .build_with_issues()
    };
    assert_eq!(
        fatal(&broken("DD_SITE")),
        ["DD_SITE: is not UTF-8; agent not started"]
    );
    assert_eq!(
        warnings(&broken("DD_SERVICE")),
        ["DD_SERVICE: is not UTF-8; ignored"]
    );
}

#[test]
fn logs_are_on_in_lambda_unless_both_switches_say_otherwise() {
    let on = |variables: &[(&str, &str)]| in_profile(Profile::Lambda, variables).logs_enabled;
    assert!(on(&[]));
    assert!(!on(&[("DD_LOGS_ENABLED", "false")]));
    assert!(on(&[
        ("DD_LOGS_ENABLED", "false"),
        ("DD_SERVERLESS_LOGS_ENABLED", "true")
    ]));
    assert!(!on(&[("DD_SERVERLESS_LOGS_ENABLED", "false")]));
    assert!(!in_profile(Profile::Serverless, &[]).logs_enabled);
    assert!(read(&[("DD_SERVERLESS_LOGS_ENABLED", "true")]).logs_enabled);
}

#[test]
fn profiles_decide_memory_and_time_to_stop() {
    for (profile, memory, seconds) in [
        (Profile::Standalone, 64 << 20, 30),
        (Profile::Embedded, 64 << 20, 30),
        (Profile::Serverless, 16 << 20, 5),
        (Profile::Lambda, 16 << 20, 2),
    ] {
        let config = in_profile(profile, &[]);
        assert_eq!(config.logs_memory_limit, memory, "{profile:?}");
        assert_eq!(
            config.shutdown_timeout,
            Duration::from_secs(seconds),
            "{profile:?}"
        );
        assert_eq!(
            config.dogstatsd_enabled,
            profile.is_serverless(),
            "{profile:?}"
        );
    }
}

#[test]
fn lambda_gives_two_seconds_to_stop() {
    let config = in_profile(Profile::Lambda, &[("DD_SHUTDOWN_TIMEOUT", "10")]);
    assert_eq!(config.shutdown_timeout, Duration::from_secs(2));
    assert_eq!(warnings(&config).len(), 1);
    let config = in_profile(Profile::Lambda, &[("DD_SHUTDOWN_TIMEOUT", "500ms")]);
    assert_eq!(config.shutdown_timeout, Duration::from_millis(500));
}

#[test]
fn the_grace_period_of_logs_shortens_and_never_lengthens() {
    assert_eq!(read(&[]).logs_stop_timeout(), Duration::from_secs(30));
    for (period, seconds) in [("3", 3), ("100", 30)] {
        let config = read(&[("DD_LOGS_CONFIG_STOP_GRACE_PERIOD", period)]);
        assert_eq!(config.logs_stop_timeout(), Duration::from_secs(seconds));
    }
}

#[test]
fn bounds_of_the_log_pipeline_hold_at_their_edges() {
    for (variable, inside, outside) in [
        ("DD_LOGS_CONFIG_BATCH_WAIT", ["1", "10"], ["999ms", "11"]),
        (
            "DD_LOGS_CONFIG_BATCH_MAX_SIZE",
            ["1", "1000"],
            ["0", "1001"],
        ),
        (
            "DD_LOGS_CONFIG_BATCH_MAX_CONTENT_SIZE",
            ["1048578", "5242880"],
            ["1048577", "5242881"],
        ),
        (
            "DD_LOGS_CONFIG_BATCH_MAX_CONCURRENT_SEND",
            ["1", "64"],
            ["0", "65"],
        ),
        (
            "DD_LOGS_CONFIG_MAX_MESSAGE_SIZE_BYTES",
            ["1000", "1000000"],
            ["999", "1000001"],
        ),
        ("DD_LOGS_MAX_BODY_BYTES", ["1", "64MiB"], ["0", "65MiB"]),
        ("DD_HTTP_TIMEOUT", ["1", "300"], ["0", "301"]),
        ("DD_EVENT_BUS_CAPACITY", ["1", "65536"], ["0", "65537"]),
        (
            "DD_LOGS_CONFIG_SENDER_BACKOFF_FACTOR",
            ["2", "2.5"],
            ["1.9", "NaN"],
        ),
    ] {
        for text in inside {
            assert_eq!(read(&[(variable, text)]).issues(), [], "{variable}={text}");
        }
        for text in outside {
            assert_eq!(
                warnings(&read(&[(variable, text)])).len(),
                1,
                "{variable}={text}"
            );
        }
    }
    let config = read(&[("DD_LOGS_CONFIG_BATCH_MAX_CONCURRENT_SEND", "0")]);
    assert_eq!(config.logs_config_batch_max_concurrent_send, 1);
}
