//! Which styles of headers are read and written.
//!
//! Reads no environment.

/// A style of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// `x-datadog-trace-id` and others.
    Datadog,
    /// `traceparent` and `tracestate` of W3C.
    TraceContext,
    /// `b3`, one header for all.
    B3,
    /// `x-b3-traceid` and others.
    B3Multi,
    /// `baggage` of W3C.
    Baggage,
}

impl Style {
    /// Its name in settings, and in links to spans that came in it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Datadog => "datadog",
            Self::TraceContext => "tracecontext",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Baggage => "baggage",
        }
    }
}

/// Reads a list of names of styles with commas between them, in any case: the styles, each once and in their order, and
/// names that are none.
///
/// `none` is a name of no style; `b3 single header` and `b3single` are further names of `b3`.
pub fn parse_styles(text: &str) -> (Vec<Style>, Vec<String>) {
    let mut styles = Vec::new();
    let mut unknown = Vec::new();
    for name in text.split(',').map(str::trim) {
        let style = match name.to_ascii_lowercase().as_str() {
            "" | "none" => continue,
            "datadog" => Style::Datadog,
            "tracecontext" => Style::TraceContext,
            "b3" | "b3single" | "b3 single header" => Style::B3,
            "b3multi" => Style::B3Multi,
            "baggage" => Style::Baggage,
            _ => {
                unknown.push(crate::rule::cut(name));
                continue;
            }
        };
        if !styles.contains(&style) {
            styles.push(style);
        }
    }
    (styles, unknown)
}

/// What is read and written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Styles to read, in order; default Datadog's and the trace context.
    pub extract: Vec<Style>,
    /// Styles to write; default Datadog's and the trace context.
    pub inject: Vec<Style>,
    /// Whether the first context found is the only one looked at; default false.
    pub extract_first: bool,
    /// Whether items of OpenTracing's baggage become tags; default false.
    pub http_baggage: bool,
}

impl Default for Config {
    fn default() -> Self {
        let styles = vec![Style::Datadog, Style::TraceContext];
        Self {
            extract: styles.clone(),
            inject: styles,
            extract_first: false,
            http_baggage: false,
        }
    }
}
