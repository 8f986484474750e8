//! Where requests for other products go, and within which limits.
//!
//! Only holds what the caller says; URLs and keys are checked where they are put together.

use std::time::Duration;

use super::{ConfigError, not_zero, within};

/// Where requests for other products go. A product without an intake is turned off.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// How they are passed on. Default: while they come.
    pub mode: ProxyMode,
    /// The site that hosts are made of, such as `datadoghq.com`; one that begins with `127.` or `localhost` is a
    /// development intake, which is spoken to without TLS and takes everything on one host.
    pub site: String,
    /// Longest time to pass a request on, its answer included. Default: 30 seconds, of which telemetry never takes more
    /// than 10.
    pub timeout: Duration,
    /// Bytes of requests and answers that are held at once; a request of the largest size always is. Default: 64 MiB.
    /// Requests that are passed on while they come to a single intake are not held.
    pub memory_bytes: usize,
    /// The intakes of profiles. The client gets the answer of the first.
    pub profiling: Vec<ProxyTarget>,
    /// Bytes of a profile at most. Default: 50 MiB.
    pub profiling_bytes: usize,
    /// Longest time without a byte of a profile from its client. Default: 5 seconds.
    pub profiling_timeout: Duration,
    /// Longest time to pass a profile on, its answer included. Default: 60 seconds, as it may be large.
    pub profiling_total_timeout: Duration,
    /// Tags of profiles besides host, environment and version, each as `key:value`. Default: none.
    pub profiling_tags: Vec<String>,
    /// The intakes of telemetry.
    pub telemetry: Vec<ProxyTarget>,
    /// How this agent was installed, for telemetry and the first trace of each service. Default: unknown.
    pub install: Option<Install>,
    /// What this agent runs on, for telemetry. Default: unknown.
    pub cloud: Option<CloudResource>,
    /// The intakes of the debugger's snapshots, which are logs.
    pub debugger_logs: Vec<ProxyTarget>,
    /// The intakes of the debugger.
    pub debugger: Vec<ProxyTarget>,
    /// The intakes of symbols.
    pub symdb: Vec<ProxyTarget>,
    /// The intakes of lineage.
    pub lineage: Vec<ProxyTarget>,
    /// The site of the EVP proxy; `None` turns it off.
    pub evp: Option<EvpTarget>,
    /// The key for requests that ask for one of an application.
    pub application_key: Option<String>,
}

/// How this agent was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The id of the installation.
    pub id: String,
    /// What installed it.
    pub kind: String,
    /// When, in seconds since 1970, as text.
    pub time: String,
}

/// What this agent runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudResource {
    /// The provider: `AWS`, `GCP` or `Azure`.
    pub provider: String,
    /// The kind of resource, such as `AWSFargate` or `GCPCloudRun`.
    pub resource_type: String,
    /// Which of them.
    pub identifier: String,
}

/// How requests are passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyMode {
    /// While they come; the client gets the intake's answer.
    #[default]
    Streaming,
    /// Taken whole and answered at once; sent at the next flush.
    Buffered,
}

/// An intake that requests are passed on to.
#[derive(Clone)]
pub struct ProxyTarget {
    /// The base of its URLs, or the whole URL that its product is posted to; `https://` may be left out.
    pub url: String,
    /// Its key; `None` is the agent's own.
    pub api_key: Option<String>,
}

impl std::fmt::Debug for ProxyTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProxyTarget")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Where the EVP proxy sends to.
#[derive(Debug, Clone)]
pub struct EvpTarget {
    /// The site behind the subdomain that a client names, or a base URL with its scheme, which takes the place of both.
    pub site: String,
    /// Bytes of a request at most. Default: 10 MiB.
    pub max_bytes: usize,
}

impl Proxies {
    /// Whether these can be used, apart from their URLs and keys.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let any = usize::MAX;
        within(
            "the limit of a profile in bytes",
            self.profiling_bytes,
            1,
            any,
        )?;
        let evp_bytes = self.evp.as_ref().map_or(1, |evp| evp.max_bytes);
        within("the limit of an EVP request in bytes", evp_bytes, 1, any)?;
        not_zero("the time to pass a request on", self.timeout)?;
        not_zero(
            "the time without a byte of a profile",
            self.profiling_timeout,
        )?;
        not_zero(
            "the time to pass a profile on",
            self.profiling_total_timeout,
        )
    }

    /// The intakes of a site, with the agent's own key.
    #[must_use]
    pub fn of_site(site: &str) -> Self {
        let target = |host: &str| {
            let url = match is_local(site) {
                true => format!("http://{site}"),
                false => format!("https://{host}.{site}"),
            };
            vec![ProxyTarget { url, api_key: None }]
        };
        Self {
            mode: ProxyMode::Streaming,
            site: site.to_owned(),
            timeout: Duration::from_secs(30),
            memory_bytes: 64 * 1_024 * 1_024,
            profiling: target("intake.profile"),
            profiling_bytes: 50 * 1_024 * 1_024,
            profiling_timeout: Duration::from_secs(5),
            profiling_total_timeout: Duration::from_secs(60),
            profiling_tags: Vec::new(),
            telemetry: target("instrumentation-telemetry-intake"),
            install: None,
            cloud: None,
            debugger_logs: target("http-intake.logs"),
            debugger: target("debugger-intake"),
            symdb: target("debugger-intake"),
            lineage: target("data-obs-intake"),
            evp: Some(EvpTarget {
                site: site.to_owned(),
                max_bytes: 10 * 1_024 * 1_024,
            }),
            application_key: None,
        }
    }
}

/// Whether a site is a development intake on this machine.
pub(crate) fn is_local(site: &str) -> bool {
    site.starts_with("127.") || site.starts_with("localhost")
}
