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

use super::AGENT_VERSION;
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
