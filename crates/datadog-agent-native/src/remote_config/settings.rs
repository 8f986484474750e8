//! What remote configuration is told, from the configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_forwarder::ApiKey;
use datadog_remote_config::backend::{Http, KeySource, Transport, sanitize_api_key};
use datadog_remote_config::roots::{Overrides, trust_roots};
use datadog_remote_config::{Identity, RcKey, ServiceConfig, StoreMode};
use datadog_traces_agent::normalize;
use datadog_wire::remote_config::{CONFIGURATIONS_PATH, Client};
use hyper::HeaderMap;
use hyper::http::Uri;

use crate::AGENT_VERSION;
use crate::agent::{AgentError, api_key};
use crate::config::{Config, ConfigError, Profile, Value};
use crate::http;
use crate::keys::Keys;

/// All that is needed to open it.
pub(super) struct Settings {
    pub(super) service: ServiceConfig,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) key: Arc<dyn KeySource>,
}

/// Why it cannot run.
pub(super) fn failure(problem: impl std::fmt::Display) -> AgentError {
    AgentError::RemoteConfigError(problem.to_string())
}

/// Reads all of it; `None` without an API key.
pub(super) fn read(config: &Config, hostname: &str) -> Result<Option<Settings>, AgentError> {
    let keys = Keys(config);
    let Some(key) = key(config)? else {
        return Ok(None);
    };
    let rc_key = config.remote_configuration_key.as_deref();
    let rc_key = rc_key.map(RcKey::decode).transpose().map_err(failure)?;
    let url = base_url(config)?;
    let root = |name: &str| match config.value(name) {
        Some(Value::Json(text)) => Some(Bytes::from(text.clone())),
        _ => None,
    };
    let overrides = Overrides {
        config: root("remote_configuration.config_root"),
        director: root("remote_configuration.director_root"),
    };
    let roots = trust_roots(&config.site, &overrides).map_err(failure)?;
    let identity = Identity {
        hostname: hostname.to_owned(),
        agent_version: AGENT_VERSION.to_owned(),
        trace_agent_env: env(config),
        tags: config.tags.clone(),
    };
    let mut service = ServiceConfig::new(url.clone(), roots, identity);
    service.org_id = rc_key.as_ref().map(|key| key.org_id);
    service.store = store(config, &keys);
    let time = |name: &str, usual| keys.time(&format!("remote_configuration.{name}"), usual);
    let interval = time("refresh_interval", Duration::ZERO);
    service.refresh_interval = (!interval.is_zero()).then_some(interval);
    service.max_backoff = time("max_backoff_interval", service.max_backoff);
    service.org_status_interval = time("org_status_refresh_interval", service.org_status_interval);
    service.client_ttl = time("clients.ttl_seconds", service.client_ttl);
    let limit = keys.number("remote_configuration.clients.cache_bypass_limit", 5);
    service.bypass_limit = u32::try_from(limit).unwrap_or(service.bypass_limit);
    let client = http::remote_config_client(config)?;
    let par_jwt = keys.text("remote_configuration.par_jwt");
    let http = Http::new(client, &url, AGENT_VERSION)
        .with_app_key(rc_key.map(|key| key.app_key))
        .with_par_jwt(par_jwt.map(str::to_owned));
    Ok(Some(Settings {
        service,
        transport: Arc::new(http),
        key,
    }))
}

/// A key of the agent, as remote configuration asks for one.
struct AgentKey(ApiKey);

impl KeySource for AgentKey {
    fn current(&self) -> String {
        self.0.current()
    }

    fn refresh(&self) -> bool {
        self.0.refresh()
    }
}

fn key(config: &Config) -> Result<Option<Arc<dyn KeySource>>, AgentError> {
    let own = config.remote_configuration_api_key.as_deref();
    let key = match own.and_then(sanitize_api_key) {
        Some(own) => Some(ApiKey::fixed(own)),
        None => api_key(config.key_source())?,
    };
    Ok(key.map(|key| Arc::new(AgentKey(key)) as Arc<dyn KeySource>))
}

/// Where the backend is. Plain HTTP is for whoever permits it, and for this machine.
fn base_url(config: &Config) -> Result<String, AgentError> {
    let endpoints = config
        .endpoints()
        .map_err(|issues| failure(ConfigError { issues }))?;
    let url = endpoints.remote_configuration;
    let base = url.strip_suffix(CONFIGURATIONS_PATH).unwrap_or(&url);
    let permits = config.remote_configuration_no_tls;
    if let (true, None, Some(rest)) = (
        permits,
        &config.remote_configuration_rc_dd_url,
        base.strip_prefix("https://"),
    ) {
        return Ok(format!("http://{rest}"));
    }
    if base.starts_with("http://") && !permits && !is_of_this_machine(base) {
        let problem = "DD_REMOTE_CONFIGURATION_RC_DD_URL is plain HTTP, which needs DD_REMOTE_CONFIGURATION_NO_TLS";
        return Err(failure(problem));
    }
    Ok(base.to_owned())
}

fn is_of_this_machine(base: &str) -> bool {
    let uri: Option<Uri> = base.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<std::net::IpAddr> = address.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// A file where somebody names a directory, and for a program of its own; many programs with an agent inside may share
/// a machine, and only one may have the file.
fn store(config: &Config, keys: &Keys<'_>) -> StoreMode {
    match keys.text("remote_config_store_path") {
        Some(path) => StoreMode::Persistent(PathBuf::from(path)),
        None if config.profile == Profile::Standalone => StoreMode::Persistent(private_directory()),
        None => StoreMode::Ephemeral,
    }
}

/// One for each user, where files live as long as the machine runs.
fn private_directory() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    let of_session = PathBuf::from(format!("/run/user/{user}"));
    match of_session.is_dir() {
        true => of_session.join("datadog-agent-native-rc"),
        false => PathBuf::from(format!("/tmp/datadog-agent-native-rc-{user}")),
    }
}

/// The environment of this agent.
pub(super) fn env(config: &Config) -> String {
    let env = Keys(config)
        .text("apm_config.env")
        .or_else(|| config.effective_env());
    let env = env.map(normalize::tag_value).unwrap_or_default();
    match env.is_empty() {
        true => "none".to_owned(),
        false => env.into_owned(),
    }
}

pub(super) fn takes_sampling(config: &Config) -> bool {
    Keys(config).on("remote_configuration.apm_sampling.enabled")
}

pub(super) fn takes_log_level(config: &Config) -> bool {
    Keys(config).on("remote_configuration.agent_config.enabled")
}

/// Calls a tracer's service and environment what its spans call them.
pub(super) fn normalize(client: &mut Client, _headers: &HeaderMap) {
    let Some(tracer) = &mut client.client_tracer else {
        return;
    };
    let context = normalize::Context {
        language: &tracer.language,
        now: 0,
        component_as_name: false,
    };
    let service = normalize::service(&tracer.service, &context).0.into_owned();
    tracer.service = service;
    tracer.env = normalize::tag_value(&tracer.env).into_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Config {
        let key = [("DD_API_KEY", "main")];
        Config::from_env_iter(key.into_iter().chain(variables.iter().copied()))
    }

    #[track_caller]
    fn check_url(variables: &[(&str, &str)], expected: Result<&str, &str>) {
        match (base_url(&config(variables)), expected) {
            (Ok(url), Ok(expected)) => assert_eq!(url, expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (url, _) => panic!("{url:?}"),
        }
    }

    #[test]
    fn the_backend_is_that_of_the_site_or_of_the_setting_and_plain_only_where_permitted() {
        let url = "DD_REMOTE_CONFIGURATION_RC_DD_URL";
        let no_tls = ("DD_REMOTE_CONFIGURATION_NO_TLS", "true");
        check_url(&[], Ok("https://config.datadoghq.com"));
        check_url(
            &[("DD_SITE", "us3")],
            Ok("https://config.us3.datadoghq.com"),
        );
        check_url(&[no_tls], Ok("http://config.datadoghq.com"));
        check_url(&[("DD_SITE", "127.0.0.1:9")], Ok("http://127.0.0.1:9"));
        check_url(&[(url, "https://rc.example/")], Ok("https://rc.example"));
        check_url(
            &[(url, "https://rc.example"), no_tls],
            Ok("https://rc.example"),
        );
        check_url(&[(url, "http://rc.example")], Err("NO_TLS"));
        check_url(
            &[(url, "http://rc.example"), no_tls],
            Ok("http://rc.example"),
        );
        check_url(&[(url, "http://localhost:9")], Ok("http://localhost:9"));
        check_url(&[(url, "http://[::1]:9")], Ok("http://[::1]:9"));
        check_url(&[(url, "http://127.0.0.1.example")], Err("NO_TLS"));
    }

    #[test]
    fn its_own_key_comes_before_that_of_the_agent_and_no_key_is_no_error() {
        let current = |variables: &[(&str, &str)]| {
            let config = Config::from_env_iter(variables.iter().copied());
            key(&config).unwrap().map(|key| key.current())
        };
        let main = ("DD_API_KEY", "main");
        let own = |key| ("DD_REMOTE_CONFIGURATION_API_KEY", key);
        assert_eq!(current(&[main]).as_deref(), Some("main"));
        assert_eq!(current(&[main, own(" own ")]).as_deref(), Some("own"));
        assert_eq!(current(&[main, own("  ")]).as_deref(), Some("main"));
        assert_eq!(current(&[]), None);
    }

    #[test]
    fn settings_are_those_of_the_configuration() {
        let config = config(&[
            (
                "DD_REMOTE_CONFIGURATION_KEY",
                "DDRCM_QORWWZLZU5QXA4BNNNSXTI3POJTQFITEMORXK4ZR",
            ),
            ("DD_REMOTE_CONFIGURATION_REFRESH_INTERVAL", "7s"),
            ("DD_REMOTE_CONFIGURATION_ORG_STATUS_REFRESH_INTERVAL", "11"),
            ("DD_REMOTE_CONFIGURATION_MAX_BACKOFF_INTERVAL", "10m"),
            ("DD_REMOTE_CONFIGURATION_CLIENTS_TTL_SECONDS", "9"),
            ("DD_REMOTE_CONFIGURATION_CLIENTS_CACHE_BYPASS_LIMIT", "3"),
            ("DD_REMOTE_CONFIG_STORE_PATH", "/var/lib/x"),
            ("DD_TAGS", "a:b"),
            ("DD_ENV", "Prod"),
        ]);
        let service = read(&config, "web-1").unwrap().unwrap().service;
        assert_eq!(service.org_id, Some(2));
        assert_eq!(service.refresh_interval, Some(Duration::from_secs(7)));
        assert_eq!(service.org_status_interval, Duration::from_secs(11));
        assert_eq!(service.max_backoff, Duration::from_secs(300));
        assert_eq!(service.client_ttl, Duration::from_secs(9));
        assert_eq!(service.bypass_limit, 3);
        assert_eq!(service.store, StoreMode::Persistent("/var/lib/x".into()));
        assert_eq!(service.roots.origin, "production");
        let identity = &service.identity;
        assert_eq!(
            (
                identity.hostname.as_str(),
                identity.trace_agent_env.as_str()
            ),
            ("web-1", "prod")
        );
        assert_eq!(identity.tags, ["a:b"]);
    }

    #[test]
    fn without_settings_the_usual_ones_hold() {
        let service = read(&config(&[]), "").unwrap().unwrap().service;
        assert_eq!(service.refresh_interval, None);
        assert_eq!(service.max_backoff, Duration::from_secs(120));
        assert_eq!(service.org_status_interval, Duration::from_secs(60));
        assert_eq!(service.client_ttl, Duration::from_secs(30));
        assert_eq!(service.bypass_limit, 5);
        assert_eq!(service.store, StoreMode::Ephemeral);
        assert_eq!(service.identity.trace_agent_env, "none");
    }

    #[test]
    fn certificates_are_left_unchecked_only_when_both_settings_say_so() {
        let skip = ("DD_SKIP_SSL_VALIDATION", "true");
        let permit = ("DD_REMOTE_CONFIGURATION_NO_TLS_VALIDATION", "true");
        for (variables, is_taken) in [
            (&[][..], true),
            (&[permit], true),
            (&[skip], false),
            (&[skip, permit], true),
        ] {
            let client = http::remote_config_client(&config(variables));
            assert_eq!(client.is_ok(), is_taken, "{variables:?}");
        }
    }
}
