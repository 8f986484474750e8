//! Which source wins, and what is said of a YAML document.

use super::*;

#[test]
fn variables_of_ours_win_over_their_twins() {
    let config = read(&[("DATADOG_SITE", "a.com"), ("DD_SITE", "b.com")]);
    assert_eq!(config.site, "b.com");
    assert_eq!(read(&[("DATADOG_SITE", "a.com")]).site, "a.com");
}

#[test]
fn options_win_over_the_environment_unless_blank() {
    let read = |site: &str| {
        Config::builder()
            .with_env_iter([KEY, ("DD_SITE", "b.com")])
            .site(site)
            .build_with_issues()
            .site
    };
    assert_eq!(read("c.com"), "c.com");
    assert_eq!(read(" "), "b.com");
}

#[test]
fn a_malformed_option_is_named_and_an_unknown_one_is_refused() {
    let config = Config::builder()
        .with_env_iter([KEY])
        .option("logs_agent_port", "x")
        .option("no.such.key", "x")
        .build_with_issues();
    assert_eq!(
        fatal(&config),
        [
            "option=\"no.such.key\": is not a key; agent not started",
            "logs_agent_port=\"x\": port must be 0..=65535; agent not started",
        ]
    );
    assert_eq!(config.issues()[1].source, Source::Option);
}

#[test]
fn the_builder_alone_reads_no_environment() {
    let config = Config::builder().build_with_issues();
    assert_eq!(config, Config::from_env_iter::<&str, &str>([]));
}

#[test]
#[ignore = "runs in a process of its own, which the next test starts"]
fn in_a_process_with_a_site() {
    assert_eq!(Config::default().site, "us5.datadoghq.com");
    assert_eq!(
        Config::from_env().map(|config| config.site),
        Ok("us5.datadoghq.com".to_owned())
    );
}

#[test]
fn the_environment_of_the_process_is_read_by_default() {
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "--ignored",
            "config::tests::sources::in_a_process_with_a_site",
        ])
        .env("DD_SITE", "us5")
        .env("DD_API_KEY", KEY.1)
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[cfg(feature = "yaml")]
mod yaml {
    use super::*;

    /// The configuration of this document, these variables and a usual key.
    fn read_with(document: &str, variables: &[(&str, &str)]) -> Config {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("datadog.yaml");
        std::fs::write(&file, document).expect("a file");
        Config::builder()
            .with_yaml(&file)
            .with_env_iter([KEY].into_iter().chain(variables.iter().copied()))
            .build_with_issues()
    }

    #[test]
    fn the_environment_wins_over_the_document() {
        let config = read_with("site: datadoghq.eu\n", &[("DD_SITE", "us5")]);
        assert_eq!(config.site, "us5.datadoghq.com");
        assert_eq!(read_with("site: datadoghq.eu\n", &[]).site, "datadoghq.eu");
    }

    #[test]
    fn scalars_of_the_document_keep_their_text() {
        let config = read_with("version: 1.10\nenv: 007\nservice: true\n", &[]);
        assert_eq!(config.version.as_deref(), Some("1.10"));
        assert_eq!(config.env.as_deref(), Some("007"));
        assert_eq!(config.service.as_deref(), Some("true"));
    }

    #[test]
    fn a_whole_document_is_read() {
        let config = read_with(
            r#"
api_key: ffffffffffffffffffffffffffffffff
tags: ["team:y", "a:b", "a:b"]
hostname: web-1
operational_mode: ephemeral
proxy:
  https: my-proxy:3128
  no_proxy: [a, "b"]
logs_enabled: true
logs_config:
  use_compression: false
  compression_level: 7
  batch_wait: 2
  processing_rules:
    - type: mask_sequences
      name: card
      pattern: \b\d{16}\b
      replace_placeholder: "[card]"
  additional_endpoints:
    - api_key: k
      Host: h
      Port: 10516
      is_reliable: no
apm_config:
  obfuscation:
    http:
      remove_query_string: true
  features: [a, b]
additional_endpoints:
  https://x.y/:
    - k1
service_mapping: a:b,c:d
remote_configuration:
  enabled: false
remote_configuration_no_tls: true
observability_pipelines_worker:
  logs:
    url: http://opw:1
otlp_config:
  traces:
    span_name_remappings:
      from: to
dogstatsd_port: 7
"#,
            &[],
        );
        assert_eq!(fatal(&config), Vec::<String>::new());
        assert_eq!(config.api_key, KEY.1, "the environment wins");
        assert_eq!(config.tags, ["team:y", "a:b"]);
        assert_eq!(config.hostname.as_deref(), Some("web-1"));
        assert_eq!(config.operational_mode, OperationalMode::HttpEphemeralPort);
        assert_eq!(config.proxy_https.as_deref(), Some("http://my-proxy:3128"));
        assert_eq!(config.proxy_no_proxy, ["a", "b"]);
        assert!(config.logs_enabled);
        assert!(!config.logs_config_use_compression);
        assert_eq!(config.logs_config_compression_level, 7);
        assert_eq!(config.logs_config_batch_wait, Duration::from_secs(2));
        let rules = config
            .logs_config_processing_rules
            .as_ref()
            .expect("a rule");
        assert_eq!(rules[0].pattern, r"\b\d{16}\b");
        assert_eq!(rules[0].replace_placeholder, "[card]");
        let endpoint = &config.logs_config_additional_endpoints[0];
        assert_eq!((endpoint.port, endpoint.is_reliable), (Some(10516), false));
        assert!(config.apm_config_obfuscation_http_remove_query_string);
        assert_eq!(config.apm_features, ["a", "b"]);
        assert_eq!(config.additional_endpoints["https://x.y"], ["k1"]);
        assert_eq!(config.service_mapping.len(), 2);
        assert!(!config.remote_configuration_enabled);
        assert!(config.remote_configuration_no_tls);
        assert_eq!(
            config.observability_pipelines_worker_logs_url,
            "http://opw:1"
        );
        assert_eq!(
            shown(&config, "otlp_config.traces.span_name_remappings"),
            "from:to"
        );
        assert_eq!(config.dogstatsd_port, 7);
    }

    #[test]
    fn every_variable_has_a_twin_in_the_document() {
        let config = read_with(
            "logs_config_batch_max_size: 7\napm_dd_url: http://a\nlogs_port: 9\n",
            &[],
        );
        assert_eq!(config.logs_config_batch_max_size, 7);
        assert_eq!(config.apm_dd_url, "http://a");
        assert_eq!(config.logs_agent_port, Some(9));
    }

    #[test]
    fn a_wrong_type_is_as_malformed_as_a_wrong_text() {
        let config = read_with(
            "site: [a]\nlog_level: {a: b}\nlogs_agent_port: 99999\n",
            &[],
        );
        assert_eq!(
            fatal(&config),
            [
                "site: must be a single value, not a list; agent not started",
                "logs_agent_port=\"99999\": port must be 0..=65535; agent not started",
            ]
        );
        assert_eq!(
            warnings(&config),
            ["log_level: must not be a map; using info"]
        );
        assert_eq!(config.log_level, LogLevel::Info);
    }

    #[test]
    fn blanks_that_are_written_in_quotes_belong_to_a_rule() {
        let config = read_with(
            "logs_config:\n  processing_rules:\n  - {type: mask_sequences, name: n, pattern: ' ', replace_placeholder: ''}\n",
            &[],
        );
        let rules = config
            .logs_config_processing_rules
            .as_ref()
            .expect("a rule");
        assert_eq!(rules[0].pattern, " ");
    }

    #[test]
    fn unset_values_of_the_document_are_unset() {
        let config = read_with(
            "site:\nservice: ~\nenv: null\nversion: \"null\"\ntags: ''\n",
            &[],
        );
        assert_eq!(config.site, "datadoghq.com");
        assert_eq!((config.service, config.env), (None, None));
        assert_eq!(config.version.as_deref(), Some("null"));
    }

    #[test]
    fn unknown_keys_are_one_warning_together() {
        let config = read_with("wat: 1\nprocess_config: {enabled: true}\nsite: us5\n", &[]);
        assert_eq!(
            warnings(&config),
            ["datadog.yaml: unknown keys: wat, process_config; ignored"]
        );
    }

    #[test]
    fn handles_of_secrets_are_refused() {
        let config = read_with("hostname: ENC[x]\n", &[]);
        assert_eq!(
            fatal(&config),
            ["hostname=\"ENC[x]\": secret handles ENC[...] are not supported; agent not started"]
        );
    }

    #[test]
    fn deprecated_keys_of_the_document_work_with_a_warning() {
        let config = read_with("https_proxy: my-proxy:1\n", &[]);
        assert_eq!(config.proxy_https.as_deref(), Some("http://my-proxy:1"));
        assert_eq!(warnings(&config).len(), 1);
    }

    #[test]
    fn a_document_asked_for_by_name_must_be_there_and_well_formed() {
        let config = read_with("a: [", &[]);
        assert_eq!(fatal(&config).len(), 1);
        assert!(
            fatal(&config)[0].contains("is not YAML"),
            "{:?}",
            fatal(&config)
        );
        let config = Config::builder()
            .with_yaml("/nonexistent/datadog.yaml")
            .with_env_iter([KEY])
            .build_with_issues();
        assert_eq!(
            fatal(&config),
            ["/nonexistent/datadog.yaml: there is no such file; agent not started"]
        );
    }

    #[test]
    fn a_document_that_is_only_probed_may_be_missing_or_malformed() {
        let folder = tempfile::tempdir().expect("a folder");
        let probe = || {
            Config::builder()
                .with_folder(folder.path())
                .with_env_iter([KEY])
                .build_with_issues()
        };
        assert_eq!(probe().issues(), []);
        std::fs::write(folder.path().join("datadog.yaml"), "a: [").expect("a file");
        assert_eq!(warnings(&probe()).len(), 1);
        assert_eq!(fatal(&probe()), Vec::<String>::new());
        std::fs::write(folder.path().join("datadog.yaml"), "site: us5").expect("a file");
        assert_eq!(probe().site, "us5.datadoghq.com");
    }
}
