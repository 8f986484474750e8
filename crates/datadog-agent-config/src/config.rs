//! What the user said, key by key, with defaults in the gaps.
//!
//! What it means (URLs, merged tags, where the key comes from) is worked out from the fields when asked, so that a
//! field set by hand counts as well as one that was read.

mod builder;
mod derived;
mod explain;
mod load;
mod names;
mod validate;

pub use builder::Builder;
pub use derived::LogsCompression;
pub use explain::Explained;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::flush_strategy::FlushStrategy;
use crate::issue::{ConfigError, ConfigIssue};
use crate::log_level::LogLevel;
use crate::operational_mode::OperationalMode;
use crate::profile::Profile;
use crate::rules::{LogsAdditionalEndpoint, ProcessingRule, ReplaceRule, TracePropagationStyle};
use crate::source::{Environment, PlatformInputs};
use crate::stateful::Stateful;
use crate::value::Value;
pub use load::Report;

/// Declares the fields once, for the struct, for the values that stand before any key is read, and for the debug text,
/// which hides the masked ones.
macro_rules! config {
    (
        $(#[$outer:meta])*
        shown { $($(#[$shown_doc:meta])* pub $shown:ident: $shown_type:ty,)* }
        masked { $($(#[$masked_doc:meta])* pub $masked:ident: $masked_type:ty,)* }
    ) => {
        $(#[$outer])*
        #[derive(Clone, PartialEq)]
        pub struct Config {
            $($(#[$shown_doc])* pub $shown: $shown_type,)*
            $($(#[$masked_doc])* pub $masked: $masked_type,)*
        }

        impl Config {
            /// No key read, no default applied.
            fn blank() -> Self {
                Self {
                    $($shown: Default::default(),)*
                    $($masked: Default::default(),)*
                }
            }
        }

        impl fmt::Debug for Config {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = f.debug_struct("Config");
                $(text.field(stringify!($shown), &self.$shown);)*
                $(text.field(stringify!($masked), &Masked(self.$masked != <$masked_type>::default()));)*
                text.finish()
            }
        }
    };
}

/// Stands for a secret in a debug text.
struct Masked(bool);

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "***" } else { "unset" })
    }
}

config! {
    /// The configuration of the agent: what the user said, with defaults in the gaps.
    ///
    /// Every field is public; one that is set by hand counts as if it had been read. An empty text means unset.
    /// The debug text hides secrets.
    ///
    /// ```
    /// use datadog_agent_config::Config;
    ///
    /// let config = Config {
    ///     api_key: "0123456789abcdef0123456789abcdef".to_owned(),
    ///     ..Config::default()
    /// };
    /// assert!(!format!("{config:?}").contains("0123456789abcdef"));
    /// ```
    shown {
        /// Treats every malformed value as fatal.
        pub config_strict: bool,
        /// File whose first non-empty line is the API key; read again when its modification time changes.
        pub api_key_file: Option<String>,
        /// Site whose intakes are used, or a short name of a region such as `us5` or `eu`.
        pub site: String,
        /// Unified tag `service`; kept exactly as written.
        pub service: Option<String>,
        /// Unified tag `env`; kept exactly as written.
        pub env: Option<String>,
        /// Unified tag `version`; kept exactly as written, so `1.10` stays `1.10`.
        pub version: Option<String>,
        /// Tags for everything that is sent, in this order.
        pub tags: Vec<String>,
        /// Host name that telemetry carries; an invalid one makes way for the next source.
        pub hostname: Option<String>,
        /// File with the host name, used when `hostname` is not set.
        pub hostname_file: Option<String>,
        /// How much the agent says about itself.
        pub log_level: LogLevel,
        /// Writes the agent's own log lines as JSON.
        pub log_format_json: bool,
        /// Filter in the syntax of `tracing`'s environment filter; replaces `log_level` when set.
        pub rust_log: Option<String>,
        /// Default of `http_timeout` and `flush_interval`, nothing else.
        pub flush_timeout: u64,
        /// Longest time for one request to an intake, in every pipeline.
        pub http_timeout: u64,
        /// Timer of traces and buffered proxies.
        pub flush_interval: u64,
        /// Whether the listeners use fixed ports, ports chosen by the system, or a Unix socket.
        pub operational_mode: OperationalMode,
        /// Organisation for delegated authentication.
        pub org_uuid: Option<String>,
        /// Notices that the event bus holds.
        pub event_bus_capacity: usize,
        /// Deadline of the whole stop, final flush included; never more than 2 seconds in Lambda.
        pub shutdown_timeout: Duration,
        /// Opaque text copied to the header `Datadog-External-Env`.
        pub external_env: Option<String>,
        /// Hosts, domains, addresses and networks that are reached without a proxy.
        pub proxy_no_proxy: Vec<String>,
        /// Lets an item of `proxy.no_proxy` cover subdomains and networks; `false` compares host names exactly.
        pub no_proxy_nonexact_match: bool,
        /// When `false`, 169.254.169.254 and 100.100.100.200 are added to `proxy.no_proxy`.
        pub use_proxy_for_cloud_metadata: bool,
        /// HTTP version towards the intakes; `auto` negotiates it, and uses HTTP/1.1 through a proxy.
        pub http_protocol: Option<String>,
        /// PEM file with root certificates besides those of the platform.
        pub tls_cert_file: Option<String>,
        /// Sends to intakes without checking their certificate.
        pub skip_ssl_validation: bool,
        /// Oldest TLS version that is spoken.
        pub min_tls_version: String,
        /// Base URL of the metrics intake; wins over `url`.
        pub dd_url: String,
        /// Older spelling of `dd_url`.
        pub url: String,
        /// zstd level of every pipeline that has no level of its own.
        pub compression_level: i32,
        /// Ends host names made from `site` with a dot, which saves searches in DNS.
        pub convert_dd_site_fqdn_enabled: bool,
        /// Turns the log pipeline on.
        pub logs_enabled: bool,
        /// The log pipeline is on when this or `logs_enabled` is `true`.
        pub serverless_logs_enabled: Option<bool>,
        /// Port of the log server; `0` lets the system choose.
        pub logs_agent_port: Option<u16>,
        /// Address or name of the interface that the log server listens on.
        pub logs_bind_host: String,
        /// Unix socket of the log server, besides its port.
        pub logs_socket: Option<String>,
        /// Largest request body that the log server accepts, as received.
        pub logs_max_body_bytes: usize,
        /// Entries that wait for a batch at most.
        pub logs_buffer_max_entries: usize,
        /// Bytes that wait for a batch at most.
        pub logs_buffer_max_bytes: usize,
        /// Memory that queued, building, in-flight and waiting log data may take together.
        pub logs_memory_limit: usize,
        /// Log intake, as `host`, `host:port` or a URL; `/api/v2/logs` is appended unless it is there.
        pub logs_config_logs_dd_url: String,
        /// Sends logs over plain HTTP when `logs_config.logs_dd_url` has no scheme.
        pub logs_config_logs_no_ssl: bool,
        /// What is dropped from logs and what is masked in them, in this order.
        pub logs_config_processing_rules: Option<Vec<ProcessingRule>>,
        /// Compresses log batches before sending.
        pub logs_config_use_compression: bool,
        /// Compression of log batches.
        pub logs_config_compression_kind: String,
        /// Compression level of log batches; at most 9 for gzip.
        pub logs_config_compression_level: i32,
        /// Age of the oldest entry at which a batch is sent.
        pub logs_config_batch_wait: Duration,
        /// Entries in a batch at most.
        pub logs_config_batch_max_size: usize,
        /// Bytes in a batch at most, before compression.
        pub logs_config_batch_max_content_size: usize,
        /// Requests in flight at once to one endpoint; 1 keeps batches in order.
        pub logs_config_batch_max_concurrent_send: usize,
        /// Bytes of a message that are kept; the rest is cut and marked.
        pub logs_config_max_message_size_bytes: usize,
        /// Messages between two steps of a collector.
        pub logs_config_message_channel_size: usize,
        /// HTTP version towards the log intakes.
        pub logs_config_http_protocol: Option<String>,
        /// How far below its upper bound a pause between attempts may lie, as a divisor.
        pub logs_config_sender_backoff_factor: f64,
        /// Pause that doubles with each failure.
        pub logs_config_sender_backoff_base: Duration,
        /// Longest pause between attempts.
        pub logs_config_sender_backoff_max: Duration,
        /// Failures that one success makes good.
        pub logs_config_sender_recovery_interval: u32,
        /// Lets one success make good all failures.
        pub logs_config_sender_recovery_reset: bool,
        /// Age at which a connection is not used again, so that a changed DNS answer is seen; `0` is never.
        pub logs_config_connection_reset_interval: Duration,
        /// Encoded bytes that wait for another attempt at most, per endpoint.
        pub logs_config_retry_queue_max_bytes: usize,
        /// Disk space for batches that wait for another attempt; `0` keeps them in memory only.
        pub logs_config_disk_retry_max_size_bytes: u64,
        /// Time for logs at the end; shortens `shutdown_timeout`, never lengthens it.
        pub logs_config_stop_grace_period: Duration,
        /// Sends logs to an Observability Pipelines Worker in place of Datadog.
        pub observability_pipelines_worker_logs_enabled: bool,
        /// The worker's URL, used as it is when it has a path; required when the worker is enabled.
        pub observability_pipelines_worker_logs_url: String,
        /// Compresses what is sent to the worker.
        pub observability_pipelines_worker_logs_use_compression: bool,
        /// Directory of the registry that remembers how far each source was read.
        pub logs_config_run_path: String,
        /// Files that are tailed at once.
        pub logs_config_open_files_limit: Option<usize>,
        /// How often globs are looked through for new files.
        pub logs_config_file_scan_period: Duration,
        /// Which files come first when a glob matches more than may be open.
        pub logs_config_file_wildcard_selection_mode: String,
        /// How long a rotated file stays open after its end was reached.
        pub logs_config_close_timeout: Duration,
        /// How long the registry remembers a source that is gone; a bare number is hours.
        pub logs_config_auditor_ttl: Duration,
        /// Largest UDP datagram that is read.
        pub logs_config_frame_size: usize,
        /// How long an unfinished multi-line group waits for its next line; a bare number is milliseconds.
        pub logs_config_aggregation_timeout: Duration,
        /// Adds `source_host:<ip>` to logs from TCP and UDP.
        pub logs_config_use_sourcehost_tag: bool,
        /// Adds `truncated:<reason>` to lines that were cut.
        pub logs_config_tag_truncated_logs: bool,
        /// Adds `multiline:<source>` to joined lines.
        pub logs_config_tag_multi_line_logs: bool,
        /// Joins lines that belong together without being told how they begin.
        pub logs_config_auto_multi_line_detection: bool,
        /// Collects from every container.
        pub logs_config_container_collect_all: bool,
        /// Reads Kubernetes containers from their files.
        pub logs_config_k8s_container_use_file: bool,
        /// Reads Docker containers from their files.
        pub logs_config_docker_container_use_file: bool,
        /// Keeps lines that begin a JSON object alone.
        pub logs_config_auto_multi_line_enable_json_detection: bool,
        /// Lets a line that holds a time begin a group.
        pub logs_config_auto_multi_line_enable_datetime_detection: bool,
        /// Score above which a line is held to contain a time.
        pub logs_config_auto_multi_line_timestamp_detector_match_threshold: f64,
        /// Bytes of a line that detection looks at.
        pub logs_config_auto_multi_line_tokenizer_max_input_bytes: usize,
        /// Rows of the table of line patterns.
        pub logs_config_auto_multi_line_pattern_table_max_size: usize,
        /// Share of equal tokens at which two lines have one pattern.
        pub logs_config_auto_multi_line_pattern_table_match_threshold: f64,
        /// Merges lines that form one JSON object together.
        pub logs_config_auto_multi_line_enable_json_aggregation: bool,
        /// Adds `aggregated_json:true` to merged JSON.
        pub logs_config_auto_multi_line_tag_aggregated_json: bool,
        /// Port of the trace listener; `0` lets the system choose.
        pub trace_agent_port: Option<u16>,
        /// Unix socket of the mode `http_uds`; selects that mode when none is set.
        pub trace_agent_uds_path: Option<String>,
        /// Unix socket besides the port; the path of mode `http_uds` when `trace_agent_uds_path` is not set.
        pub apm_receiver_socket: Option<String>,
        /// Mode of the Unix socket, in octal.
        pub trace_agent_uds_permissions: u32,
        /// Address or name of the interface that the trace listener uses.
        pub bind_host: String,
        /// Listens on every interface when `bind_host` is not set.
        pub apm_non_local_traffic: bool,
        /// Turns the trace pipeline on.
        pub apm_enabled: bool,
        /// Base URL of the trace intake.
        pub apm_dd_url: String,
        /// What is replaced in span tags and resources, in this order.
        pub apm_replace_tags: Option<Vec<ReplaceRule>>,
        /// zstd level of trace payloads.
        pub apm_config_compression_level: i32,
        /// Features by name; unknown names are kept.
        pub apm_features: Vec<String>,
        /// All of these tags must be on the root span for a trace to be kept.
        pub apm_filter_tags_require: Option<Vec<String>>,
        /// As `apm_config.filter_tags.require`, with expressions for the values.
        pub apm_filter_tags_regex_require: Option<Vec<String>>,
        /// Any of these tags being on the root span drops the trace.
        pub apm_filter_tags_reject: Option<Vec<String>>,
        /// As `apm_config.filter_tags.reject`, with expressions for the values.
        pub apm_filter_tags_regex_reject: Option<Vec<String>>,
        /// Services to rename.
        pub service_mapping: HashMap<String, String>,
        /// Names services after the AWS resource.
        pub trace_aws_service_representation_enabled: bool,
        /// Header styles of trace context.
        pub trace_propagation_style: Vec<TracePropagationStyle>,
        /// Header styles from which trace context is read.
        pub trace_propagation_style_extract: Vec<TracePropagationStyle>,
        /// Stops at the first style that yields a context.
        pub trace_propagation_extract_first: bool,
        /// Reads and writes baggage headers.
        pub trace_propagation_http_baggage_enabled: bool,
        /// Whether the agent computes trace stats; `false` leaves them to the backend.
        pub compute_trace_stats_on_extension: Option<bool>,
        /// Removes the query from URLs.
        pub apm_config_obfuscation_http_remove_query_string: bool,
        /// Replaces path segments with digits in URLs.
        pub apm_config_obfuscation_http_remove_paths_with_digits: bool,
        /// Turns the DogStatsD listener on.
        pub dogstatsd_enabled: bool,
        /// UDP port of DogStatsD; `0` lets the system choose.
        pub dogstatsd_port: u16,
        /// Older name of `dogstatsd_port`, which wins.
        pub metrics_agent_port: Option<u16>,
        /// Sends metrics about the function that the agent runs beside.
        pub enhanced_metrics: bool,
        /// zstd level of series and sketches.
        pub metrics_config_compression_level: i32,
        /// Turns AppSec on; `false` also forbids remote configuration to do so.
        pub appsec_enabled: Option<bool>,
        /// File with the rules.
        pub appsec_rules: Option<String>,
        /// Time that the rules may take on one request; a bare number is microseconds.
        pub appsec_waf_timeout: Duration,
        /// Extracts the schema of requests.
        pub api_security_enabled: bool,
        /// Pause between two schemas of one route; `0` is every request.
        pub api_security_sample_delay: Duration,
        /// Turns remote configuration on.
        pub remote_configuration_enabled: bool,
        /// Turns remote configuration off whatever else is set.
        pub remote_configuration_force_off: bool,
        /// Permits plain HTTP to the backend.
        pub remote_configuration_no_tls: bool,
        /// Permits a backend whose certificate is not checked.
        pub remote_configuration_no_tls_validation: bool,
        /// Base URL of the backend.
        pub remote_configuration_rc_dd_url: Option<String>,
        /// The stateful log stream.
        pub stateful: Stateful,
        /// When data is flushed.
        pub serverless_flush_strategy: FlushStrategy,
        /// Where the agent runs, which decides some defaults.
        pub profile: Profile,
        /// Whether this is a build with FIPS cryptography.
        pub fips_build: bool,
        /// What the platform says about itself.
        pub platform_inputs: PlatformInputs,
        /// What was read: values by key, their sources, and what was wrong with them.
        pub report: Report,
    }
    masked {
        /// API key of the organisation; blanks and line ends in it are removed.
        pub api_key: String,
        /// Proxy for `https://` intakes; without scheme it is an `http://` proxy, and it may carry user and password.
        pub proxy_https: Option<String>,
        /// Proxy for `http://` targets.
        pub proxy_http: Option<String>,
        /// Further metrics intakes with their keys.
        pub additional_endpoints: HashMap<String, Vec<String>>,
        /// API key for logs.
        pub logs_config_api_key: Option<String>,
        /// Further log intakes, each with a key of its own, that get every batch too.
        pub logs_config_additional_endpoints: Vec<LogsAdditionalEndpoint>,
        /// Further trace intakes with their keys.
        pub apm_additional_endpoints: HashMap<String, Vec<String>>,
        /// API key for remote configuration.
        pub remote_configuration_api_key: Option<String>,
        /// Older key of remote configuration.
        pub remote_configuration_key: Option<String>,
        /// Secret of AWS Secrets Manager that holds the API key.
        pub api_key_secret_arn: Option<String>,
        /// Parameter of AWS Systems Manager that holds the API key.
        pub api_key_ssm_arn: Option<String>,
        /// API key, encrypted with AWS KMS.
        pub kms_api_key: Option<String>,
    }
}

impl Default for Config {
    /// Defaults and the environment of the process; no file is read. What is wrong is kept in [`Config::issues`].
    fn default() -> Self {
        Self::builder().with_env().build_with_issues()
    }
}

impl Config {
    /// Starts from defaults, without the environment.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Defaults and the environment of the process.
    ///
    /// # Errors
    /// All fatal issues, when there is one.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::builder().with_env().build()
    }

    /// Defaults, `datadog.yaml` in `folder` if it is there, and the environment of the process.
    ///
    /// # Errors
    /// All fatal issues, when there is one.
    pub fn load(folder: &Path) -> Result<Self, ConfigError> {
        Self::builder().with_folder(folder).with_env().build()
    }

    /// Defaults and a made-up environment. What is wrong is kept in [`Config::issues`].
    #[must_use]
    pub fn from_env_iter<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::builder().with_env_iter(variables).build_with_issues()
    }

    /// The value of a key by its name, as it was read; fields that were set by hand do not show here.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.report.value(name)
    }
}

#[cfg(test)]
mod tests;
