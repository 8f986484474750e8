//! Every key, once: its names, its grammar, its default, and what a malformed value does.
//!
//! Reading, explaining and documenting are all read off this table; nothing else lists keys.
//! A key says what it means, not where its value came from.

mod appsec;
mod collectors;
mod core;
mod logs;
mod metrics;
mod metrics_sending;
mod network;
mod obfuscation;
mod otlp;
mod remote_configuration;
mod serverless;
mod stateful;
mod trace_sampling;
mod traces;

use crate::Config;
use crate::kind::Kind;
use crate::profile::Profile;
use crate::value::{FromValue, Value};

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Key {
    /// Its name: the dotted path in `datadog.yaml`.
    pub name: &'static str,
    /// Environment variables, first wins. Each `DD_X` has a twin `DATADOG_X` of lower precedence.
    pub env: &'static [&'static str],
    /// Environment variables that still work, below all others, with a warning.
    pub deprecated: &'static [&'static str],
    /// Further paths in `datadog.yaml`, besides the name and the variables in lower case without `DD_`.
    pub yaml: &'static [&'static str],
    /// How a value is written.
    pub(crate) kind: Kind,
    /// What holds when nothing is set.
    pub default: Default,
    /// What a malformed value does.
    pub class: Class,
    /// What uses it.
    pub pipeline: Pipeline,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// What it is for, in one sentence.
    pub doc: &'static str,
    /// Puts a value into its field; `false` when the value is not of the field's type.
    pub(crate) set: fn(&mut Config, &Value) -> bool,
}

/// What holds when nothing is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Default {
    /// Nothing.
    Unset,
    /// Nothing is set, and this is what happens then.
    Described(&'static str),
    /// This value, in the grammar of the key.
    Text(&'static str),
    /// The value of another key.
    Like(&'static str),
    /// A value that depends on where the agent runs.
    ByProfile {
        /// As a program of its own.
        standalone: &'static str,
        /// Inside another program.
        embedded: &'static str,
        /// Beside a function, on any platform but Lambda.
        serverless: &'static str,
        /// As an extension of AWS Lambda.
        lambda: &'static str,
    },
}

/// What a malformed value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// The agent does not start: a guess would send data to the wrong place.
    Fatal,
    /// A warning names the variable, and the default holds.
    Warn,
    /// The agent does not start: falling back would leak data or weaken protection.
    Security,
    /// Any text is well formed.
    Free,
}

/// What uses a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pipeline {
    /// The agent itself.
    Core,
    /// The connection to the intakes.
    Network,
    /// Logs over HTTP.
    Logs,
    /// Tailed files and other collectors of logs.
    Collectors,
    /// Batches of logs kept on disk.
    DiskRetry,
    /// Logs over a stateful stream.
    Stateful,
    /// Traces and the proxies beside them.
    Traces,
    /// DogStatsD and metrics.
    Metrics,
    /// The web application firewall.
    AppSec,
    /// Remote configuration.
    RemoteConfiguration,
    /// API keys resolved by AWS or by delegated authentication.
    KeySources,
    /// Platforms where the agent runs beside a function.
    Serverless,
    /// Telemetry in the OpenTelemetry protocol.
    Otlp,
}

impl Pipeline {
    /// Whether this build has it. A key of a pipeline that is not there is read, checked and shown, and setting it is
    /// a warning.
    #[must_use]
    pub const fn available(self) -> bool {
        match self {
            Self::Core | Self::Network | Self::Logs => true,
            Self::Collectors => false,
            Self::DiskRetry => false,
            Self::Stateful => true,
            Self::Traces => true,
            Self::Metrics => true,
            Self::AppSec => cfg!(feature = "appsec"),
            Self::RemoteConfiguration => true,
            Self::KeySources => false,
            Self::Serverless => false,
            Self::Otlp => false,
        }
    }

    /// The feature that builds it in, for one that is not in every build.
    #[must_use]
    pub const fn feature(self) -> Option<&'static str> {
        match self {
            Self::AppSec => Some("appsec"),
            _ => None,
        }
    }

    /// Its name in messages.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Network => "network",
            Self::Logs => "logs",
            Self::Collectors => "log collectors",
            Self::DiskRetry => "log retries on disk",
            Self::Stateful => "stateful log stream",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::AppSec => "AppSec",
            Self::RemoteConfiguration => "remote configuration",
            Self::KeySources => "resolved API keys",
            Self::Serverless => "serverless platforms",
            Self::Otlp => "OTLP",
        }
    }
}

/// Keys that belong together, in the order of the documentation.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Subject {
    /// Heading.
    pub title: &'static str,
    /// What it is about, in one sentence.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

static SUBJECTS: [Subject; 14] = [
    Subject {
        title: "Core",
        doc: "Identity, the agent's own log, timeouts, mode, and the plain API key.",
        keys: core::KEYS,
    },
    Subject {
        title: "Network",
        doc: "How the intakes are reached.",
        keys: network::KEYS,
    },
    Subject {
        title: "Logs",
        doc: "The log server, processing rules, batches, and where logs go.",
        keys: logs::KEYS,
    },
    Subject {
        title: "Log collectors",
        doc: "Tailed files, sockets and containers as sources of logs.",
        keys: collectors::KEYS,
    },
    Subject {
        title: "Stateful log stream",
        doc: "Logs over one gRPC stream that remembers patterns.",
        keys: stateful::KEYS,
    },
    Subject {
        title: "Traces",
        doc: "The trace listener, what is kept of a trace, and where traces go.",
        keys: traces::KEYS,
    },
    Subject {
        title: "Trace sampling and stats",
        doc: "Which traces are kept, and how stats are grouped.",
        keys: trace_sampling::KEYS,
    },
    Subject {
        title: "Obfuscation",
        doc: "What is taken out of spans before they leave.",
        keys: obfuscation::KEYS,
    },
    Subject {
        title: "Metrics and DogStatsD",
        doc: "The DogStatsD listeners, what they take, and how it is aggregated.",
        keys: metrics::KEYS,
    },
    Subject {
        title: "Sending metrics",
        doc: "Payloads of metrics, and their queues and attempts.",
        keys: metrics_sending::KEYS,
    },
    Subject {
        title: "AppSec",
        doc: "The web application firewall and API security.",
        keys: appsec::KEYS,
    },
    Subject {
        title: "Remote configuration",
        doc: "Configuration that the backend signs and sends.",
        keys: remote_configuration::KEYS,
    },
    Subject {
        title: "Serverless",
        doc: "Platforms where the agent runs beside a function, and API keys resolved by AWS.",
        keys: serverless::KEYS,
    },
    Subject {
        title: "OTLP",
        doc: "Telemetry in the OpenTelemetry protocol.",
        keys: otlp::KEYS,
    },
];

/// Variables that other programs of Datadog read, and that are not misspellings of ours.
pub(crate) static FOREIGN: &[&str] = &[
    // Where the bindings look for the library of this agent.
    "DATADOG_AGENT_NATIVE_LIBRARY_PATH",
    "DD_AGENT_HOST",
    "DD_APPLICATION_KEY",
    "DD_CSM_ENABLED",
    "DD_DBM_PROPAGATION_MODE",
    "DD_DOGSTATSD_HOST",
    "DD_DOGSTATSD_URL",
    "DD_ENTITY_ID",
    "DD_GPU_ENABLED",
    "DD_IAST_ENABLED",
    "DD_LOGS_INJECTION",
    "DD_RUM_ENABLED",
    "DD_TRACE_API_VERSION",
    "DD_TRACE_ENABLED",
    "DD_TRACE_SAMPLE_RATE",
    "DD_TRACE_STATS_COMPUTATION_ENABLED",
];

/// Variables that the platform sets, which tell where the agent runs. They have neither twin nor YAML key.
pub(crate) static PLATFORM_INPUTS: &[&str] = &[
    "ASCSVCRT_SPRING__APPLICATION__NAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AzureWebJobsScriptRoot",
    "COMPUTERNAME",
    "CONTAINER_NAME",
    "ECS_CONTAINER_METADATA_URI_V4",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "FUNCTION_NAME",
    "FUNCTION_TARGET",
    "GCE_METADATA_HOST",
    "GCP_PROJECT",
    "HOSTNAME",
    "K_SERVICE",
    "LAMBDA_TASK_ROOT",
    "REGION_NAME",
    "TMPDIR",
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_OS",
    "WEBSITE_OWNER_NAME",
    "WEBSITE_POD_NAME",
    "WEBSITE_RESOURCE_GROUP",
    "WEBSITE_SITE_NAME",
    "WEBSITE_SKU",
];

/// The subjects, in the order of the documentation.
pub fn subjects() -> &'static [Subject] {
    &SUBJECTS
}

/// Every key, in the order of the documentation.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    SUBJECTS.iter().flat_map(|subject| subject.keys)
}

/// The key of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.name == name)
}

impl Key {
    /// A key of `pipeline` with everything else left to be filled in.
    const fn of(pipeline: Pipeline) -> Self {
        Self {
            name: "",
            env: &[],
            deprecated: &[],
            yaml: &[],
            kind: Kind::Text,
            default: Default::Unset,
            class: Class::Warn,
            pipeline,
            secret: false,
            doc: "",
            set: keep,
        }
    }

    /// How a value is written, in words.
    #[must_use]
    pub fn grammar(&self) -> String {
        self.kind.describe()
    }

    /// Paths in `datadog.yaml`, first wins.
    #[must_use]
    pub fn yaml_paths(&self) -> Vec<String> {
        let mut paths = vec![self.name.to_owned()];
        let twins = self.env.iter().filter_map(|name| yaml_twin(name));
        let rest = twins.chain(self.yaml.iter().map(|path| (*path).to_owned()));
        for path in rest.chain(self.deprecated_yaml_paths()) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        paths
    }

    /// Those of the paths that are deprecated.
    pub(crate) fn deprecated_yaml_paths(&self) -> impl Iterator<Item = String> {
        self.deprecated.iter().filter_map(|name| yaml_twin(name))
    }
}

impl Default {
    /// The text that stands for it in `profile`; `None` when nothing is set, or another key decides.
    pub(crate) fn text(self, profile: Profile) -> Option<&'static str> {
        match self {
            Self::Unset | Self::Described(_) | Self::Like(_) => None,
            Self::Text(text) => Some(text),
            Self::ByProfile {
                standalone,
                embedded,
                serverless,
                lambda,
            } => Some(match profile {
                Profile::Standalone => standalone,
                Profile::Embedded => embedded,
                Profile::Serverless => serverless,
                Profile::Lambda => lambda,
            }),
        }
    }
}

/// The twin in `datadog.yaml` of a variable: what follows `DD_`, in lower case.
fn yaml_twin(variable: &str) -> Option<String> {
    variable.strip_prefix("DD_").map(str::to_ascii_lowercase)
}

/// The `set` of a key without a field: its value is kept in the report only.
fn keep(_config: &mut Config, _value: &Value) -> bool {
    true
}

/// Puts a value into a field, if it is of the field's type.
fn put<T: FromValue>(field: &mut T, value: &Value) -> bool {
    match T::from_value(value) {
        Some(converted) => {
            *field = converted;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests;
