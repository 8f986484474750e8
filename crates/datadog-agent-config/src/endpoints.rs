//! From site and overrides to the URL of each intake.
//!
//! Pure: it resolves no name and opens no connection. URLs are texts, complete and ready to be sent to.

use std::fmt;
use std::net::Ipv4Addr;

use crate::rules::LogsAdditionalEndpoint;
use crate::value::url::{check, with_scheme};

/// Path of the log intake.
const LOGS_PATH: &str = "/api/v2/logs";

/// Sites that Datadog documents.
pub const KNOWN_SITES: [&str; 9] = [
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "datadoghq.eu",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "ddog-gov.com",
    "us2.ddog-gov.com",
    "datad0g.com",
];

/// Short names of regions.
const REGIONS: [(&str, &str); 11] = [
    ("us1", "datadoghq.com"),
    ("us", "datadoghq.com"),
    ("us3", "us3.datadoghq.com"),
    ("us5", "us5.datadoghq.com"),
    ("eu", "datadoghq.eu"),
    ("eu1", "datadoghq.eu"),
    ("ap1", "ap1.datadoghq.com"),
    ("ap2", "ap2.datadoghq.com"),
    ("gov", "ddog-gov.com"),
    ("us1-fed", "ddog-gov.com"),
    ("us2-fed", "us2.ddog-gov.com"),
];

/// What an intake takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Product {
    /// Traces.
    Traces,
    /// Stats of traces.
    TraceStats,
    /// Data streams monitoring.
    DataStreams,
    /// Logs.
    Logs,
    /// Series of metrics.
    Series,
    /// Sketches of metrics.
    Sketches,
    /// Events.
    Events,
    /// Service checks.
    ServiceChecks,
    /// Whether a key is valid.
    KeyValidation,
    /// A key by delegated authentication.
    DelegatedKey,
    /// Remote configuration.
    RemoteConfiguration,
    /// The organisation, as remote configuration sees it.
    RemoteConfigurationOrganisation,
    /// Whether remote configuration is allowed.
    RemoteConfigurationStatus,
    /// What tracers report about themselves.
    Telemetry,
    /// Profiles.
    Profiling,
    /// LLM observability.
    LlmObservability,
    /// Debugger and symbols.
    Debugger,
    /// OpenLineage.
    OpenLineage,
}

impl Product {
    /// Label in front of the site, and path.
    const fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Traces => ("trace.agent", "/api/v0.2/traces"),
            Self::TraceStats => ("trace.agent", "/api/v0.2/stats"),
            Self::DataStreams => ("trace.agent", "/api/v0.1/pipeline_stats"),
            Self::Logs => ("http-intake.logs", LOGS_PATH),
            Self::Series => ("api", "/api/v2/series"),
            Self::Sketches => ("api", "/api/beta/sketches"),
            Self::Events => ("api", "/intake/"),
            Self::ServiceChecks => ("api", "/api/v1/check_run"),
            Self::KeyValidation => ("api", "/api/v1/validate"),
            Self::DelegatedKey => ("api", "/api/v2/intake-key"),
            Self::RemoteConfiguration => ("config", "/api/v0.1/configurations"),
            Self::RemoteConfigurationOrganisation => ("config", "/api/v0.1/org"),
            Self::RemoteConfigurationStatus => ("config", "/api/v0.1/status"),
            Self::Telemetry => ("instrumentation-telemetry-intake", "/api/v2/apmtelemetry"),
            Self::Profiling => ("intake.profile", "/api/v2/profile"),
            Self::LlmObservability => ("llmobs-intake", "/api/v2/llmobs"),
            Self::Debugger => ("debugger-intake", "/api/v2/debugger"),
            Self::OpenLineage => ("data-obs-intake", "/api/v1/lineage"),
        }
    }

    /// Path of the intake, with a slash in front.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.place().1
    }

    /// URL of the intake at a site.
    #[must_use]
    pub fn url(self, site: &Site) -> String {
        let (label, path) = self.place();
        format!("{}{path}", site.base(label))
    }

    /// URL of the intake at a base that stands in place of the site's; a path that is there already is not repeated.
    ///
    /// `base` is `http[s]://host[:port][/prefix]`. When it ends with the path of a product that shares its host with
    /// this one, what stands before is the base.
    #[must_use]
    pub fn url_at(self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        let siblings: &[Self] = match self {
            Self::Traces | Self::TraceStats | Self::DataStreams => {
                &[Self::Traces, Self::TraceStats, Self::DataStreams]
            }
            Self::RemoteConfiguration
            | Self::RemoteConfigurationOrganisation
            | Self::RemoteConfigurationStatus => &[
                Self::RemoteConfiguration,
                Self::RemoteConfigurationOrganisation,
                Self::RemoteConfigurationStatus,
            ],
            _ => std::slice::from_ref(&self),
        };
        let stem = siblings
            .iter()
            .find_map(|sibling| base.strip_suffix(sibling.path()))
            .unwrap_or(base);
        format!("{}{}", stem.trim_end_matches('/'), self.path())
    }
}

/// A site, in its usual form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    name: String,
    ends_with_dot: bool,
}

impl Site {
    /// The site of this name or region.
    ///
    /// # Errors
    /// A sentence about what is wrong with the name.
    pub fn new(text: &str) -> Result<Self, String> {
        Self::normalize(text).map(|(name, _)| Self {
            name,
            ends_with_dot: false,
        })
    }

    /// The usual form of a site, and what was stripped from it.
    pub(crate) fn normalize(text: &str) -> Result<(String, Vec<&'static str>), String> {
        let mut stripped = Vec::new();
        let lower = text.trim().to_ascii_lowercase();
        let mut rest = lower.as_str();
        for scheme in ["https://", "http://"] {
            if let Some(bare) = rest.strip_prefix(scheme) {
                stripped.push("the scheme");
                rest = bare;
            }
        }
        if let Some((host, path)) = rest.split_once('/') {
            if !path.is_empty() || stripped.is_empty() {
                stripped.push("the path");
            }
            rest = host;
        }
        if let Some(bare) = rest.strip_prefix('.') {
            stripped.push("a leading dot");
            rest = bare;
        }
        for label in ["app.", "www."] {
            if let Some(bare) = rest.strip_prefix(label) {
                stripped.push("the label app or www");
                rest = bare;
                break;
            }
        }
        let site = REGIONS
            .iter()
            .find(|(region, _)| *region == rest)
            .map_or(rest, |(_, site)| site);
        let is_plain = site
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b':' | b'-'));
        let is_host = check(&format!("https://{site}")).is_ok();
        let made = Self {
            name: site.to_owned(),
            ends_with_dot: false,
        };
        // An address other than loopback cannot have a label in front.
        if is_plain && is_host && check(&made.base("api")).is_ok() {
            Ok((made.name, stripped))
        } else {
            Err("is not a site such as datadoghq.com or us5".to_owned())
        }
    }

    /// The same, with a dot after the host name, which saves searches in DNS.
    #[must_use]
    pub fn with_final_dot(mut self) -> Self {
        self.ends_with_dot = true;
        self
    }

    /// Its name, such as `datadoghq.com`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is this machine: plain HTTP and no label in front.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.name.split(':').next().unwrap_or("");
        host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether it belongs to a government cloud.
    #[must_use]
    pub fn is_government(&self) -> bool {
        self.name == "ddog-gov.com" || self.name.ends_with(".ddog-gov.com")
    }

    /// Base URL of the intake with this label, such as `http-intake.logs`; no slash at the end.
    #[must_use]
    pub fn base(&self, label: &str) -> String {
        if self.is_loopback() {
            return format!("http://{}", self.name);
        }
        if !self.ends_with_dot {
            return format!("https://{label}.{}", self.name);
        }
        let (host, port) = match self.name.split_once(':') {
            Some((host, port)) => (host, format!(":{port}")),
            None => (self.name.as_str(), String::new()),
        };
        format!("https://{label}.{}.{port}", host.trim_end_matches('.'))
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Where logs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogsDestination {
    /// The Datadog intake at this URL, its path included.
    Datadog {
        /// The full URL.
        url: String,
    },
    /// An Observability Pipelines Worker at this URL, its path included.
    ObservabilityPipelinesWorker {
        /// The full URL.
        url: String,
    },
}

impl LogsDestination {
    /// The full URL.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Datadog { url } | Self::ObservabilityPipelinesWorker { url } => url,
        }
    }
}

/// A further log intake, with its full URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsEndpoint {
    /// The full URL.
    pub url: String,
    /// What was configured, with its key.
    pub configured: LogsAdditionalEndpoint,
}

/// The URL of each intake that the configuration names. Full URLs, ready to be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoints {
    /// Where logs go.
    pub logs: LogsDestination,
    /// Further log intakes, without those that repeat the primary one with the same key.
    pub logs_additional: Vec<LogsEndpoint>,
    /// Traces.
    pub traces: String,
    /// Stats of traces.
    pub trace_stats: String,
    /// Data streams monitoring.
    pub data_streams: String,
    /// Base of the metrics intake, no slash at the end.
    pub metrics_base: String,
    /// Remote configuration.
    pub remote_configuration: String,
}

/// URL of the log intake from an override: `host`, `host:port`, or a URL.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn logs_url(address: &str, default_scheme: Scheme) -> Result<String, String> {
    let full = with_scheme(address.trim(), default_scheme.prefix());
    check(&full)?;
    Ok(Product::Logs.url_at(&full))
}

/// URL of an Observability Pipelines Worker: as it is, with the path of the log intake when it has none.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn worker_url(address: &str) -> Result<String, String> {
    let full = with_scheme(address.trim(), Scheme::Https.prefix());
    check(&full)?;
    let bare = full.trim_end_matches('/');
    let has_path = bare
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains('/'));
    if has_path {
        Ok(full)
    } else {
        Ok(format!("{bare}{LOGS_PATH}"))
    }
}

/// URL of a further log intake.
///
/// # Errors
/// A sentence about what is wrong with it.
pub fn additional_logs_url(endpoint: &LogsAdditionalEndpoint) -> Result<String, String> {
    let scheme = if endpoint.use_ssl {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let full = with_scheme(endpoint.host.trim(), scheme.prefix());
    check(&full)?;
    let (scheme, rest) = full.split_once("://").unwrap_or(("https", &full));
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, String::new()),
    };
    let (host, own_port) = split_port(authority);
    let usual = if scheme.eq_ignore_ascii_case("http") {
        80
    } else {
        443
    };
    let port = endpoint.port.or(own_port).unwrap_or(usual);
    let prefix = match endpoint.path_prefix.trim_matches('/') {
        "" => String::new(),
        prefix => format!("/{prefix}"),
    };
    let base = format!(
        "{scheme}://{host}:{port}{}{prefix}",
        path.trim_end_matches('/')
    );
    check(&base)?;
    Ok(Product::Logs.url_at(&base))
}

/// A scheme for addresses that have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Http => "http://",
            Self::Https => "https://",
        }
    }
}

/// Host and port of an authority; an address in brackets keeps its colons.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok())
        }
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests;
