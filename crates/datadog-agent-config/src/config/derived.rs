//! What the fields mean, worked out from them whenever it is asked.
//!
//! Pure: equal fields give equal answers, in whatever way they were set.

use std::path::PathBuf;
use std::time::Duration;

use super::Config;
use crate::endpoints::{
    Endpoints, LogsDestination, LogsEndpoint, Product, Scheme, Site, additional_logs_url, logs_url,
    worker_url,
};
use crate::issue::{ConfigError, ConfigIssue, Masking, NOT_STARTED, Severity, masked};
use crate::key_source::KeySource;
use crate::operational_mode::OperationalMode;
use crate::rules::LogsAdditionalEndpoint;
use crate::{tags, value};

/// Port of the trace listener when none is set.
const TRACE_PORT: u16 = 8126;

/// Port of the log server when none is set.
const LOGS_PORT: u16 = 10517;

/// Addresses of metadata services, which no proxy can reach.
const METADATA_SERVICES: [&str; 2] = ["169.254.169.254", "100.100.100.200"];

/// How log batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogsCompression {
    /// Not at all.
    None,
    /// With gzip at this level, 1 to 9.
    Gzip(u32),
    /// With zstd at this level, 1 to 19.
    Zstd(i32),
}

impl LogsCompression {
    /// This kind at this level, or at the nearest one that it has.
    fn new(kind: &str, level: i32) -> Self {
        if kind == "gzip" {
            Self::Gzip(level.clamp(1, 9).unsigned_abs())
        } else {
            Self::Zstd(level.clamp(1, 19))
        }
    }
}

impl Config {
    /// The URL of each intake.
    ///
    /// # Errors
    /// One fatal issue for each field from which no URL can be made.
    pub fn endpoints(&self) -> Result<Endpoints, Vec<ConfigIssue>> {
        let mut issues = Vec::new();
        let site = match Site::new(&self.site) {
            Ok(site) if self.convert_dd_site_fqdn_enabled => Some(site.with_final_dot()),
            Ok(site) => Some(site),
            Err(problem) => {
                issues.push(self.misfit("site", &self.site, problem));
                None
            }
        };
        let logs = self.logs_destination(site.as_ref(), &mut issues);
        let logs_additional = self.logs_additional(logs.as_ref(), &mut issues);
        let traces_base = self.base("apm_config.apm_dd_url", &self.apm_dd_url, &mut issues);
        let metrics_base = match self.dd_url.is_empty() {
            true => self.base("url", &self.url, &mut issues),
            false => self.base("dd_url", &self.dd_url, &mut issues),
        };
        let remote = self.remote_configuration_rc_dd_url.as_deref().unwrap_or("");
        let remote = self.base("remote_configuration.rc_dd_url", remote, &mut issues);
        match (site, logs) {
            (Some(site), Some(logs)) if issues.is_empty() => Ok(Endpoints {
                logs,
                logs_additional,
                traces: url_of(Product::Traces, traces_base.as_deref(), &site),
                trace_stats: url_of(Product::TraceStats, traces_base.as_deref(), &site),
                data_streams: url_of(Product::DataStreams, traces_base.as_deref(), &site),
                metrics_base: metrics_base.unwrap_or_else(|| site.base("api")),
                remote_configuration: url_of(
                    Product::RemoteConfiguration,
                    remote.as_deref(),
                    &site,
                ),
            }),
            _ => Err(issues),
        }
    }

    fn logs_destination(
        &self,
        site: Option<&Site>,
        issues: &mut Vec<ConfigIssue>,
    ) -> Option<LogsDestination> {
        if self.observability_pipelines_worker_logs_enabled {
            let key = "observability_pipelines_worker.logs.url";
            let address = &self.observability_pipelines_worker_logs_url;
            if address.is_empty() {
                issues.push(self.misfit(
                    key,
                    "",
                    "is required when the worker is enabled".to_owned(),
                ));
                return None;
            }
            return worker_url(address)
                .map(|url| LogsDestination::ObservabilityPipelinesWorker { url })
                .map_err(|problem| issues.push(self.misfit(key, address, problem)))
                .ok();
        }
        let address = &self.logs_config_logs_dd_url;
        if address.is_empty() {
            let url = Product::Logs.url(site?);
            return Some(LogsDestination::Datadog { url });
        }
        let scheme = if self.logs_config_logs_no_ssl {
            Scheme::Http
        } else {
            Scheme::Https
        };
        logs_url(address, scheme)
            .map(|url| LogsDestination::Datadog { url })
            .map_err(|problem| {
                issues.push(self.misfit("logs_config.logs_dd_url", address, problem))
            })
            .ok()
    }

    /// Where the stateful stream goes, as scheme, host and port: to its own address, else to that of the logs if one is
    /// set. The public intake has none that is known.
    ///
    /// # Errors
    /// When neither is set, or the one that is cannot be used.
    pub fn stateful_origin(&self) -> Result<String, ConfigError> {
        let own = self.stateful.dd_url.as_deref().unwrap_or_default();
        let (key, address, scheme) = match own.is_empty() {
            false => ("stateful.dd_url", own, Scheme::Https),
            true => {
                let scheme = match self.logs_config_logs_no_ssl {
                    true => Scheme::Http,
                    false => Scheme::Https,
                };
                let address = self.logs_config_logs_dd_url.as_str();
                ("logs_config.logs_dd_url", address, scheme)
            }
        };
        if address.is_empty() {
            let problem = "is required for the stateful stream, unless logs_config.logs_dd_url is set: set \
                           DD_STATEFUL_DD_URL or DD_LOGS_CONFIG_LOGS_DD_URL";
            let issue = self.misfit("stateful.dd_url", "", problem.to_owned());
            return Err(ConfigError {
                issues: vec![issue],
            });
        }
        let url = logs_url(address, scheme).map_err(|problem| ConfigError {
            issues: vec![self.misfit(key, address, problem)],
        })?;
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", &url));
        let authority = rest.split('/').next().unwrap_or_default();
        Ok(format!("{scheme}://{authority}"))
    }

    fn logs_additional(
        &self,
        primary: Option<&LogsDestination>,
        issues: &mut Vec<ConfigIssue>,
    ) -> Vec<LogsEndpoint> {
        let mut endpoints = Vec::new();
        for configured in &self.logs_config_additional_endpoints {
            match additional_logs_url(configured) {
                Ok(url) if self.repeats_primary(primary, &url, configured) => {}
                Ok(url) => endpoints.push(LogsEndpoint {
                    url,
                    configured: configured.clone(),
                }),
                Err(problem) => issues.push(self.misfit(
                    "logs_config.additional_endpoints",
                    &configured.host,
                    problem,
                )),
            }
        }
        endpoints
    }

    /// Whether a further log intake is the primary one with the same key.
    pub(super) fn repeats_primary(
        &self,
        primary: Option<&LogsDestination>,
        url: &str,
        endpoint: &LogsAdditionalEndpoint,
    ) -> bool {
        let same_url = primary.is_some_and(|primary| plain_port(primary.url()) == plain_port(url));
        same_url && self.logs_key_source() == KeySource::Plain(endpoint.api_key.clone())
    }

    /// A base that stands in place of the site's; `None` when there is none, or it is no URL.
    fn base(&self, key: &'static str, text: &str, issues: &mut Vec<ConfigIssue>) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        value::url::base(text)
            .map_err(|problem| issues.push(self.misfit(key, text, problem)))
            .ok()
    }

    fn misfit(&self, key: &'static str, text: &str, problem: String) -> ConfigIssue {
        ConfigIssue {
            source: self.report.source(key).clone(),
            key,
            value: masked(text, Masking::Plain),
            problem,
            used: NOT_STARTED.to_owned(),
            severity: Severity::Fatal,
        }
    }

    /// Where the API key comes from: a file, else the plain key.
    #[must_use]
    pub fn key_source(&self) -> KeySource {
        match &self.api_key_file {
            Some(path) if !self.is_key_given() => KeySource::File(PathBuf::from(path)),
            _ if self.api_key.is_empty() => KeySource::None,
            _ => KeySource::Plain(self.api_key.clone()),
        }
    }

    /// Where the API key for logs comes from: `logs_config.api_key`, else as all others.
    #[must_use]
    pub fn logs_key_source(&self) -> KeySource {
        match &self.logs_config_api_key {
            Some(key) if !key.is_empty() => KeySource::Plain(key.clone()),
            _ => self.key_source(),
        }
    }

    /// Whether the key is an option of the program, or was set by hand, which wins over every other source.
    fn is_key_given(&self) -> bool {
        let read = match self.report.value("api_key") {
            Some(value::Value::Text(key)) => key.as_str(),
            _ => "",
        };
        let is_option = *self.report.source("api_key") == crate::Source::Option;
        !self.api_key.is_empty() && (is_option || self.api_key != read)
    }

    /// The tags of everything that is sent: the user's, then those of the platform, then the unified ones, which
    /// replace tags of the same name.
    #[must_use]
    pub fn global_tags(&self, platform: &[String]) -> Vec<String> {
        let unified: Vec<(&str, &str)> = [
            ("service", &self.service),
            ("env", &self.env),
            ("version", &self.version),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
        tags::merge(&self.tags, platform, &unified)
    }

    /// The environment of what is sent: `env`, else that of a tag `env:…`.
    #[must_use]
    pub fn effective_env(&self) -> Option<&str> {
        self.env
            .as_deref()
            .or_else(|| tags::value_of(&self.tags, "env"))
    }

    /// Longest time for one request: `http_timeout`, or 5 seconds when it was set to none.
    #[must_use]
    pub const fn request_timeout(&self) -> Duration {
        match self.http_timeout {
            0 => Duration::from_secs(5),
            seconds => Duration::from_secs(seconds),
        }
    }

    /// Hosts that are reached without a proxy: `proxy.no_proxy`, and metadata services unless
    /// `use_proxy_for_cloud_metadata` is set.
    #[must_use]
    pub fn bypass_list(&self) -> Vec<String> {
        let mut hosts = self.proxy_no_proxy.clone();
        if !self.use_proxy_for_cloud_metadata {
            for address in METADATA_SERVICES {
                tags::push_new(&mut hosts, address.to_owned());
            }
        }
        hosts
    }

    /// How batches for the primary log intake are compressed.
    #[must_use]
    pub fn logs_compression(&self) -> LogsCompression {
        let is_on = if self.observability_pipelines_worker_logs_enabled {
            self.observability_pipelines_worker_logs_use_compression
        } else {
            self.logs_config_use_compression
        };
        if is_on {
            self.configured_compression()
        } else {
            LogsCompression::None
        }
    }

    /// How batches for a further log intake are compressed: as configured, whatever the primary one is.
    #[must_use]
    pub fn additional_logs_compression(
        &self,
        endpoint: &LogsAdditionalEndpoint,
    ) -> LogsCompression {
        if !endpoint
            .use_compression
            .unwrap_or(self.logs_config_use_compression)
        {
            return LogsCompression::None;
        }
        let kind = endpoint
            .compression_kind
            .as_deref()
            .unwrap_or(&self.logs_config_compression_kind);
        let level = endpoint
            .compression_level
            .unwrap_or(self.logs_config_compression_level);
        LogsCompression::new(kind, level)
    }

    fn configured_compression(&self) -> LogsCompression {
        LogsCompression::new(
            &self.logs_config_compression_kind,
            self.logs_config_compression_level,
        )
    }

    /// Time that logs have at the end: `logs_config.stop_grace_period`, and never more than `shutdown_timeout`.
    #[must_use]
    pub fn logs_stop_timeout(&self) -> Duration {
        self.logs_config_stop_grace_period
            .min(self.shutdown_timeout)
    }

    /// The TCP port for traces; `None` when they arrive on a Unix socket, 0 when the system chooses.
    #[must_use]
    pub fn trace_port(&self) -> Option<u16> {
        match self.operational_mode {
            OperationalMode::HttpFixedPort => Some(self.trace_agent_port.unwrap_or(TRACE_PORT)),
            OperationalMode::HttpEphemeralPort => Some(0),
            OperationalMode::HttpUds => None,
        }
    }

    /// The TCP port of the log server; 0 when the system chooses.
    #[must_use]
    pub fn logs_port(&self) -> u16 {
        if self.operational_mode.uses_ephemeral_ports() {
            0
        } else {
            self.logs_agent_port.unwrap_or(LOGS_PORT)
        }
    }
}

fn url_of(product: Product, base: Option<&str>, site: &Site) -> String {
    match base {
        Some(base) => product.url_at(base),
        None => product.url(site),
    }
}

/// The URL without a port that its scheme implies, for comparing.
fn plain_port(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |parsed| parsed.to_string())
}
