//! What an agent only passes on: profiles, telemetry of tracers, the debugger and others.
//!
//! Looks as far into a body as a test needs that compares what went in with what came out, and judges no product.
//! The body itself is kept like that of any other request.

use datadog_wire::endpoints::{
    DEBUGGER_PATH, FLARE_PATH, LINEAGE_PATH, PIPELINE_STATS_PATH, PROFILES_PATH, TELEMETRY_PATH,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::problem::{Problems, What};
pub use multipart::Part;

mod multipart;

/// Bytes of a request, as sent and decompressed.
pub(crate) const MAX_BYTES: usize = 50 << 20;
/// Bytes of a `request_type` that are kept.
const MAX_TYPE_BYTES: usize = 200;
/// Messages of a batch whose types are kept.
const MAX_MESSAGES: usize = 1_000;
/// The header that an agent adds to whatever it passes on, and what stands in it.
pub(crate) const VIA: (&str, &str) = ("via", "trace-agent");

/// Whom a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    Profiling,
    Telemetry,
    /// The debugger, its diagnostics and its symbols.
    Debugger,
    PipelineStats,
    Lineage,
    Flare,
    /// Polls for remote configuration, and questions about the organisation and its key.
    RemoteConfig,
    /// Anything else that came through an agent.
    EventPlatform,
}

impl Product {
    /// The one that `path` leads to.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            PROFILES_PATH => Self::Profiling,
            TELEMETRY_PATH => Self::Telemetry,
            DEBUGGER_PATH => Self::Debugger,
            PIPELINE_STATS_PATH => Self::PipelineStats,
            LINEAGE_PATH => Self::Lineage,
            FLARE_PATH => Self::Flare,
            _ => return None,
        })
    }

    /// Its name in records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Profiling => "profiling",
            Self::Telemetry => "telemetry",
            Self::Debugger => "debugger",
            Self::PipelineStats => "pipeline_stats",
            Self::Lineage => "lineage",
            Self::Flare => "flare",
            Self::RemoteConfig => "remote_config",
            Self::EventPlatform => "evp",
        }
    }

    /// The status of what is taken.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Flare | Self::RemoteConfig | Self::EventPlatform => 200,
            _ => 202,
        }
    }

    /// What its body has to be, if it is looked into.
    fn is_json(self) -> bool {
        matches!(self, Self::Telemetry | Self::Lineage)
    }
}

/// What was seen of a request for a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) product: Product,
    /// The parts of a body that has some.
    pub(crate) parts: Vec<Part>,
    /// Of telemetry, what it is about; of a batch, then what each message in it is about.
    pub(crate) request_types: Vec<String>,
}

impl Seen {
    /// What has neither parts nor types.
    pub(crate) fn only(product: Product) -> Self {
        Self {
            product,
            parts: Vec::new(),
            request_types: Vec::new(),
        }
    }

    /// Bytes that keeping it takes.
    pub(crate) fn cost(&self) -> usize {
        let parts: usize = self.parts.iter().map(Part::cost).sum();
        let types = self.request_types.iter();
        parts
            + types
                .map(|name| name.len() + size_of::<String>())
                .sum::<usize>()
    }

    /// What a record says of it.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("product".to_owned(), self.product.name().into());
        if !self.parts.is_empty() {
            let parts = self.parts.iter().map(|part| {
                json!({
                    "name": part.name,
                    "filename": part.filename,
                    "content_type": part.content_type,
                    "bytes": part.bytes,
                })
            });
            fields.insert("parts".to_owned(), parts.collect());
        }
        if let Some((first, messages)) = self.request_types.split_first() {
            fields.insert("request_type".to_owned(), first.as_str().into());
            fields.insert("messages".to_owned(), messages.into());
        }
        fields
    }
}

/// Looks at the body of a request whose `Content-Type` is `content_type`, parameters included.
pub(crate) fn look(
    product: Product,
    content_type: &str,
    raw: &[u8],
    problems: &mut Problems,
) -> Seen {
    let mut seen = Seen::only(product);
    if let Some(boundary) = multipart::boundary(content_type) {
        match multipart::parts(raw, &boundary) {
            Ok(parts) => seen.parts = parts,
            Err(why) => problems.add_detail(What::Malformed, why),
        }
    } else if matches!(product, Product::Profiling | Product::Flare) {
        problems.add(What::NotMultipart);
    }
    if product.is_json() {
        match serde_json::from_slice::<Telemetry>(raw) {
            Ok(body) if product == Product::Telemetry => {
                seen.request_types = body.types(raw);
                if seen.request_types.is_empty() {
                    problems.add(What::NoRequestType);
                }
            }
            Ok(_) => {}
            Err(error) => problems.add_detail(What::Malformed, error),
        }
    }
    seen
}

/// What a body says that it is about; anything else in it is skipped.
#[derive(Deserialize)]
struct Telemetry {
    #[serde(default)]
    request_type: Option<String>,
}

/// The messages of a batch.
#[derive(Deserialize)]
struct Batch {
    payload: Vec<Telemetry>,
}

impl Telemetry {
    fn types(self, raw: &[u8]) -> Vec<String> {
        let Some(own) = self.request_type else {
            return Vec::new();
        };
        let messages = match serde_json::from_slice::<Batch>(raw) {
            Ok(batch) if own == "message-batch" => batch.payload,
            _ => Vec::new(),
        };
        let types = messages
            .into_iter()
            .filter_map(|message| message.request_type);
        std::iter::once(own)
            .chain(types.take(MAX_MESSAGES))
            .map(|name| multipart::cut(&name, MAX_TYPE_BYTES))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_at(product: Product, content_type: &str, raw: &[u8]) -> (Value, Vec<String>) {
        let mut problems = Problems::default();
        let seen = look(product, content_type, raw, &mut problems);
        (seen.fields().into(), problems.lines())
    }

    #[test]
    fn telemetry_says_what_it_is_about() {
        let (fields, problems) = look_at(
            Product::Telemetry,
            "application/json",
            br#"{"api_version":"v2","request_type":"app-started","payload":{"x":[1]}}"#,
        );
        let expected =
            json!({"product": "telemetry", "request_type": "app-started", "messages": []});
        assert_eq!((fields, problems), (expected, vec![]));
        let (fields, _) = look_at(
            Product::Telemetry,
            "application/json",
            br#"{"request_type":"message-batch","payload":[{"request_type":"a"},{"request_type":"b","payload":{}},{}]}"#,
        );
        assert_eq!(fields["messages"], json!(["a", "b"]));
    }

    #[test]
    fn telemetry_that_says_nothing_is_a_problem() {
        let (fields, problems) = look_at(Product::Telemetry, "application/json", b"{}");
        assert_eq!(fields, json!({"product": "telemetry"}));
        assert_eq!(problems, ["no request_type"]);
        let (_, problems) = look_at(Product::Telemetry, "application/json", b"{");
        assert_eq!(
            problems,
            ["body not decodable: EOF while parsing an object at line 1 column 1"]
        );
    }

    #[test]
    fn what_is_nested_without_end_is_refused_by_the_parser() {
        let deep = [&br#"{"request_type":"a","x":"#[..], &[b'['; 100_000]].concat();
        let (_, problems) = look_at(Product::Telemetry, "application/json", &deep);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].starts_with("body not decodable: "),
            "{problems:?}"
        );
    }

    #[test]
    fn a_profile_without_parts_is_a_problem() {
        let (fields, problems) = look_at(Product::Profiling, "application/octet-stream", b"x");
        assert_eq!(fields, json!({"product": "profiling"}));
        assert_eq!(problems, ["Content-Type is not multipart/form-data"]);
    }

    #[test]
    fn what_is_opaque_is_not_looked_into() {
        for product in [
            Product::PipelineStats,
            Product::Debugger,
            Product::EventPlatform,
        ] {
            let (fields, problems) = look_at(product, "application/json", b"\xff{");
            assert_eq!(
                (fields, problems),
                (json!({"product": product.name()}), vec![])
            );
        }
    }
}
