//! Values with a shape of their own: processing rules, replace rules, further log intakes, propagation styles.
//!
//! They are what the user wrote; the pipelines compile them.

use std::fmt;

use crate::issue::last_four;

/// What a processing rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessingRuleKind {
    /// Drops messages that match.
    ExcludeAtMatch,
    /// Drops messages that do not match.
    IncludeAtMatch,
    /// Replaces every match.
    MaskSequences,
    /// Drops messages that were cut.
    ExcludeTruncated,
}

impl ProcessingRuleKind {
    /// Its name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExcludeAtMatch => "exclude_at_match",
            Self::IncludeAtMatch => "include_at_match",
            Self::MaskSequences => "mask_sequences",
            Self::ExcludeTruncated => "exclude_truncated",
        }
    }
}

/// One rule for every log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessingRule {
    /// What it does.
    pub kind: ProcessingRuleKind,
    /// Its name in counters and errors.
    pub name: String,
    /// The pattern, in RE2 syntax; empty for [`ProcessingRuleKind::ExcludeTruncated`].
    pub pattern: String,
    /// What stands in place of a match.
    pub replace_placeholder: String,
}

/// One replacement in span tags or resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceRule {
    /// The tag's name, `resource.name`, or `*` for all.
    pub name: String,
    /// The pattern, in RE2 syntax.
    pub pattern: String,
    /// What stands in place of a match.
    pub repl: String,
}

/// A further log intake. Its debug text hides the key.
#[derive(Clone, PartialEq, Eq)]
pub struct LogsAdditionalEndpoint {
    /// Its key.
    pub api_key: String,
    /// Host, with scheme and path in front and behind if need be.
    pub host: String,
    /// Port; `None` is the port in `host`, else that of the scheme.
    pub port: Option<u16>,
    /// Whether it is retried and may hold the pipeline back, as the primary intake does.
    pub is_reliable: bool,
    /// Whether it is reached over TLS, when `host` has no scheme.
    pub use_ssl: bool,
    /// Whether batches are compressed; `None` is as for the primary intake.
    pub use_compression: Option<bool>,
    /// `zstd` or `gzip`; `None` is as for the primary intake.
    pub compression_kind: Option<String>,
    /// Compression level; `None` is as for the primary intake.
    pub compression_level: Option<i32>,
    /// Path in front of `/api/v2/logs`.
    pub path_prefix: String,
}

impl fmt::Debug for LogsAdditionalEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogsAdditionalEndpoint")
            .field("api_key", &last_four(&self.api_key))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("is_reliable", &self.is_reliable)
            .field("use_ssl", &self.use_ssl)
            .field("use_compression", &self.use_compression)
            .field("compression_kind", &self.compression_kind)
            .field("compression_level", &self.compression_level)
            .field("path_prefix", &self.path_prefix)
            .finish()
    }
}

/// A header style of trace context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TracePropagationStyle {
    /// `x-datadog-*`.
    Datadog,
    /// One header `b3`.
    B3,
    /// `x-b3-*`.
    B3Multi,
    /// `traceparent` and `tracestate`.
    TraceContext,
    /// `baggage`.
    Baggage,
    /// None at all.
    None,
}

impl TracePropagationStyle {
    /// Its name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Datadog => "datadog",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::None => "none",
        }
    }

    /// The style of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "datadog" => Some(Self::Datadog),
            "b3" | "b3 single header" | "b3single" => Some(Self::B3),
            "b3multi" => Some(Self::B3Multi),
            "tracecontext" => Some(Self::TraceContext),
            "baggage" => Some(Self::Baggage),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}
