//! The grammars of values: which parser reads a key, and how the documentation words it.

use crate::source::{Node, Raw};
use crate::value::{Parsed, Value, json, list, number, text, url};

/// Microseconds in the units in which the table gives bounds.
pub(crate) const MICROSECOND: u64 = 1;
pub(crate) const MILLISECOND: u64 = 1_000 * MICROSECOND;
pub(crate) const SECOND: u64 = 1_000 * MILLISECOND;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

/// Bytes in the units in which the table gives bounds.
pub(crate) const KIB: i64 = 1 << 10;
pub(crate) const MIB: i64 = 1 << 20;
pub(crate) const GIB: i64 = 1 << 30;

/// How a value is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Bool,
    Port,
    Int {
        min: i64,
        max: i64,
        outside: Outside,
    },
    Float {
        min: f64,
        max: f64,
    },
    Bytes {
        min: i64,
        max: i64,
        outside: Outside,
    },
    Octal,
    /// A length of time; `min` and `max` are microseconds.
    Span {
        bare: Unit,
        min: u64,
        max: u64,
        outside: Outside,
    },
    WholeSeconds {
        min: i64,
        max: i64,
    },
    Text,
    ApiKey,
    Hostname,
    Host,
    HostPort,
    Path,
    SocketPath,
    Uuid,
    Regex,
    MetricNamespace,
    HeaderName,
    GrpcMethod,
    RemoteConfigurationKey,
    LogFilter,
    LogLevel,
    Mode,
    FlushStrategy,
    Choice(&'static [&'static str]),
    Site,
    Url,
    Address,
    Proxy,
    Words,
    Choices(&'static [&'static str]),
    Hosts,
    Tags,
    Features,
    FilterTags,
    FilterTagRegexes,
    PropagationStyles,
    Percentiles,
    QuotedRegexes,
    AnalyzedSpans,
    Mapping,
    KeysByUrl,
    JsonList,
    JsonObject,
    ProcessingRules,
    ReplaceRules,
    LogsEndpoints,
}

/// What a number out of bounds does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// It is malformed.
    Refuse,
    /// The nearest number within is used, with a warning.
    Clamp,
}

/// The unit of a length of time that is written without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Micros,
    Millis,
    Seconds,
    Minutes,
    Hours,
}

impl Unit {
    /// How many microseconds it has.
    pub(crate) const fn micros(self) -> u64 {
        match self {
            Self::Micros => MICROSECOND,
            Self::Millis => MILLISECOND,
            Self::Seconds => SECOND,
            Self::Minutes => MINUTE,
            Self::Hours => HOUR,
        }
    }

    const fn plural(self) -> &'static str {
        match self {
            Self::Micros => "microseconds",
            Self::Millis => "milliseconds",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }
}

impl Kind {
    /// Reads a value.
    ///
    /// # Errors
    /// A sentence about what is wrong, which repeats nothing of the value.
    pub(crate) fn read(self, raw: &Raw<'_>) -> Result<Parsed, String> {
        match raw {
            Raw::Text(text) => self.read_text(text.trim_ascii()),
            Raw::Node(Node::Scalar(scalar)) => self.read_text(scalar.text.trim_ascii()),
            Raw::Node(Node::List(items)) => self.read_list(items),
            Raw::Node(node @ Node::Map(entries)) => self.read_map(node, entries),
            Raw::NotUnicode => Err("is not UTF-8".to_owned()),
        }
    }

    fn read_text(self, text: &str) -> Result<Parsed, String> {
        match self {
            Self::Bool => number::boolean(text).map(|on| Value::Bool(on).into()),
            Self::Port => number::port(text).map(|port| Value::Int(port.into()).into()),
            Self::Int { min, max, outside } => number::integer(text, min, max, outside),
            Self::Float { min, max } => {
                number::float(text, min, max).map(|x| Value::Float(x).into())
            }
            Self::Bytes { min, max, outside } => number::bytes(text, min, max, outside),
            Self::Octal => number::octal(text).map(|mode| Value::Int(mode).into()),
            Self::Span {
                bare,
                min,
                max,
                outside,
            } => number::span(text, bare, min, max, outside),
            Self::WholeSeconds { min, max } => {
                number::whole_seconds(text, min, max).map(|s| Value::Int(s).into())
            }
            Self::ApiKey => text::api_key(text),
            Self::LogLevel => text.parse().map(|level| Value::LogLevel(level).into()),
            Self::Mode => text.parse().map(|mode| Value::Mode(mode).into()),
            Self::FlushStrategy => crate::flush_strategy::parse(text),
            Self::Site => url::site(text),
            Self::Words
            | Self::Choices(_)
            | Self::Hosts
            | Self::Tags
            | Self::Features
            | Self::FilterTags
            | Self::FilterTagRegexes
            | Self::PropagationStyles
            | Self::Percentiles
            | Self::QuotedRegexes
            | Self::AnalyzedSpans
            | Self::Mapping => self.split(text).and_then(|items| self.read_items(items)),
            Self::KeysByUrl
            | Self::JsonList
            | Self::JsonObject
            | Self::ProcessingRules
            | Self::ReplaceRules
            | Self::LogsEndpoints => json::parse(text).and_then(|json| self.read_json(&json)),
            _ => self.read_word(text).map(|text| Value::Text(text).into()),
        }
    }

    /// Reads what stays a text.
    fn read_word(self, text: &str) -> Result<String, String> {
        match self {
            Self::Hostname => text::hostname(text),
            Self::Host => text::host(text),
            Self::HostPort => text::host_port(text),
            Self::Path => text::path(text),
            Self::SocketPath => text::socket_path(text),
            Self::Uuid => text::uuid(text),
            Self::Regex => text::pattern(text),
            Self::MetricNamespace => text::metric_namespace(text),
            Self::HeaderName => text::header_name(text),
            Self::GrpcMethod => text::grpc_method(text),
            Self::RemoteConfigurationKey => text::remote_configuration_key(text),
            Self::LogFilter => text::log_filter(text),
            Self::Choice(words) => text::choice(text, words),
            Self::Url => url::base(text),
            Self::Address => url::address(text),
            Self::Proxy => url::proxy(text),
            _ => Ok(text.to_owned()),
        }
    }

    /// Splits a list that was written in one line.
    fn split(self, text: &str) -> Result<Vec<String>, String> {
        match self {
            Self::Hosts | Self::Tags => Ok(list::at_both(text)),
            Self::Features => Ok(list::at_commas_else_blanks(text)),
            Self::FilterTags | Self::FilterTagRegexes if text.starts_with('[') => {
                json::parse(text).and_then(|json| json::texts(&json))
            }
            Self::FilterTags => Ok(list::at_both(text)),
            Self::FilterTagRegexes => Ok(list::at_blanks(text)),
            Self::QuotedRegexes => list::quoted(text),
            _ => Ok(list::at_commas(text)),
        }
    }

    fn read_items(self, items: Vec<String>) -> Result<Parsed, String> {
        match self {
            Self::Words => Ok(Value::List(items).into()),
            Self::Choices(words) => Ok(list::each(items, |item| text::choice(item, words))),
            Self::Hosts => Ok(list::hosts(items)),
            Self::Tags => Ok(list::tags(items)),
            Self::Features => Ok(list::features(items)),
            Self::FilterTags => Ok(list::filter_tags(items)),
            Self::FilterTagRegexes => list::filter_tag_patterns(items),
            Self::PropagationStyles => Ok(list::propagation_styles(items)),
            Self::Percentiles => Ok(list::percentiles(items)),
            Self::QuotedRegexes => Ok(list::each(items, text::pattern)),
            Self::AnalyzedSpans => Ok(list::analyzed_spans(items)),
            Self::Mapping => Ok(list::mapping(items)),
            _ => Err("must be a single value, not a list".to_owned()),
        }
    }

    fn read_json(self, json: &serde_json::Value) -> Result<Parsed, String> {
        match self {
            Self::KeysByUrl => json::keys_by_url(json),
            Self::JsonList => json::list(json),
            Self::JsonObject => json::object(json),
            Self::ProcessingRules => json::processing_rules(json),
            Self::ReplaceRules => json::replace_rules(json),
            Self::LogsEndpoints => json::logs_endpoints(json),
            _ => Err("must be a single value".to_owned()),
        }
    }

    /// Reads a list of YAML.
    fn read_list(self, items: &[Node]) -> Result<Parsed, String> {
        if self.is_json() {
            return self.read_json(&Node::List(items.to_vec()).to_json());
        }
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| Some(item.scalar()?.trim_ascii().to_owned()))
            .collect();
        let mut texts = texts.ok_or_else(|| "must be a list of single values".to_owned())?;
        if matches!(self, Self::Tags) {
            // A comma ends a tag wherever it stands, since tags travel in one line with commas between.
            texts = texts
                .iter()
                .flat_map(|item| list::at_commas(item))
                .collect();
        }
        self.read_items(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }

    /// Reads a map of YAML.
    fn read_map(self, node: &Node, entries: &[(String, Node)]) -> Result<Parsed, String> {
        if self.is_json() {
            return self.read_json(&node.to_json());
        }
        if !matches!(self, Self::Mapping) {
            return Err("must not be a map".to_owned());
        }
        let pairs: Option<Vec<(String, String)>> = entries
            .iter()
            .map(|(key, value)| Some((key.clone(), value.scalar()?.trim_ascii().to_owned())))
            .collect();
        pairs
            .map(|pairs| Value::Pairs(pairs).into())
            .ok_or_else(|| "must be a map of single values".to_owned())
    }

    const fn is_json(self) -> bool {
        matches!(
            self,
            Self::KeysByUrl
                | Self::JsonList
                | Self::JsonObject
                | Self::ProcessingRules
                | Self::ReplaceRules
                | Self::LogsEndpoints
        )
    }

    /// The grammar in words.
    pub(crate) fn describe(self) -> String {
        let fixed = match self {
            Self::Int { min, max, .. } => return format!("whole number, {}", bounds(min, max)),
            Self::Bytes { min, max, .. } => return format!("bytes, {}", bounds(min, max)),
            Self::Float { min, max } => return format!("number, {min} to {max}"),
            Self::Span { bare, min, max, .. } => {
                let lowest = number::duration_text(std::time::Duration::from_micros(min));
                let highest = number::duration_text(std::time::Duration::from_micros(max));
                return format!("{}, {lowest} to {highest}", bare.plural());
            }
            Self::WholeSeconds { min, max } => {
                return format!("whole seconds, {}", bounds(min, max));
            }
            Self::Choice(words) => return words.join(", "),
            Self::Choices(words) => return format!("comma list of {}", words.join(", ")),
            Self::Bool => "bool",
            Self::Port => "port",
            Self::Octal => "octal mode",
            Self::Text => "text",
            Self::ApiKey => "API key",
            Self::Hostname => "host name",
            Self::Host => "address or host name",
            Self::HostPort => "host:port",
            Self::Path => "path",
            Self::SocketPath => "absolute path, at most 100 bytes",
            Self::Uuid => "UUID",
            Self::Regex => "pattern",
            Self::MetricNamespace => "letter, then letters, digits, `_`, `.`",
            Self::HeaderName => "header name",
            Self::GrpcMethod => "/service/method",
            Self::RemoteConfigurationKey => "base32 after `DDRCM_`",
            Self::LogFilter => "log filter",
            Self::LogLevel => "off, critical, error, warn, warning, info, debug, trace",
            Self::Mode => "http_fixed_port, http_ephemeral_port, http_uds",
            Self::FlushStrategy => "flush strategy",
            Self::Site => "site",
            Self::Url => "URL",
            Self::Address => "host, host:port or URL",
            Self::Proxy => "proxy URL",
            Self::Words => "comma list",
            Self::Hosts => "list of hosts, at commas and blanks",
            Self::Tags => "tags, at commas and blanks",
            Self::Features => "comma list, else at blanks",
            Self::FilterTags => "JSON list, else at commas and blanks: `key:value` or `key`",
            Self::FilterTagRegexes => "JSON list, else at blanks: `key:pattern` or `key`",
            Self::PropagationStyles => {
                "comma list of datadog, b3, b3multi, tracecontext, baggage, none"
            }
            Self::Percentiles => "comma list of numbers, 0.01 to 1",
            Self::QuotedRegexes => "comma list of patterns, double quotes honoured",
            Self::AnalyzedSpans => "comma list of `service\\|operation=rate`",
            Self::Mapping => "comma list of `from:to`",
            Self::KeysByUrl => "JSON object of URLs with lists of keys",
            Self::JsonList => "JSON list",
            Self::JsonObject => "JSON object",
            Self::ProcessingRules => "JSON list of processing rules",
            Self::ReplaceRules => "JSON list of `name`, `pattern`, `repl`",
            Self::LogsEndpoints => "JSON list of endpoints",
        };
        fixed.to_owned()
    }
}

fn bounds(min: i64, max: i64) -> String {
    format!("{min} to {max}")
}
