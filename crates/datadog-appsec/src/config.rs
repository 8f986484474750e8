//! How AppSec is set up; whoever reads the user's configuration fills it.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits::Limits;

/// How AppSec is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The library; searched for without it.
    pub library_path: Option<PathBuf>,
    /// The user's rules; without them, `rules.json` beside the library.
    pub rules_path: Option<PathBuf>,
    /// Time that the rules may take on one request, of all its evaluations. Default 5 ms.
    pub waf_timeout: Duration,
    /// Schemas of requests and responses.
    pub api_security: ApiSecurity,
    /// Traces a second that are kept because of what was found. Default 100.
    pub trace_rate_limit: u32,
    /// Keys whose values are hidden in events; the library's own expression without it.
    pub obfuscation_key: Option<String>,
    /// Values that are hidden in events; the library's own expression without it.
    pub obfuscation_value: Option<String>,
    /// The user's page for blocked requests, as HTML.
    pub blocked_template_html: Option<PathBuf>,
    /// The same as JSON.
    pub blocked_template_json: Option<PathBuf>,
    /// The only header that the client's address is taken from.
    pub client_ip_header: Option<String>,
    /// Whether traces are only there to carry what AppSec finds.
    pub use_of_traces: UseOfTraces,
    /// Whether somebody obeys verdicts.
    pub blocking: Blocking,
    /// Bytes of a body; a larger one is not looked at. Default 1 MiB.
    pub max_body_bytes: usize,
    /// Spans that are looked at at once; more are left alone. Default: as many as there are processors.
    pub max_inspections: usize,
    /// How much of a request is looked at.
    pub limits: Limits,
    /// Where events stand on a span.
    pub events: EventsAs,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            library_path: None,
            rules_path: None,
            waf_timeout: Duration::from_millis(5),
            api_security: ApiSecurity::default(),
            trace_rate_limit: 100,
            obfuscation_key: None,
            obfuscation_value: None,
            blocked_template_html: None,
            blocked_template_json: None,
            client_ip_header: None,
            use_of_traces: UseOfTraces::default(),
            blocking: Blocking::default(),
            max_body_bytes: 1 << 20,
            max_inspections: std::thread::available_parallelism().map_or(1, usize::from),
            limits: Limits::default(),
            events: EventsAs::default(),
        }
    }
}

/// Schemas of requests and responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSecurity {
    /// Whether any are made. Default true.
    pub enabled: bool,
    /// Pause between two of one endpoint. Default 30 s; 0 is every request.
    pub sample_delay: Duration,
    /// Whether bodies of responses are looked at. Default true.
    pub parse_response_body: bool,
}

impl Default for ApiSecurity {
    fn default() -> Self {
        Self {
            enabled: true,
            sample_delay: Duration::from_secs(30),
            parse_response_body: true,
        }
    }
}

/// What traces are there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UseOfTraces {
    /// For themselves.
    #[default]
    Tracing,
    /// Only to carry what AppSec finds: the rest is not charged for.
    Transport,
}

/// Whether somebody obeys verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blocking {
    /// Nobody: every request goes on, and no span says that it was blocked.
    #[default]
    Ignored,
    /// Whoever asks answers the client as the verdict says.
    Obeyed,
}

/// Where events stand on a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventsAs {
    /// As JSON in `meta`, which every intake and agent takes.
    #[default]
    Json,
    /// As msgpack in `meta_struct`.
    MetaStruct,
}
