//! What a tracer says of itself in the headers of a request.

use hyper::HeaderMap;

use crate::span::Payload;

/// The most that a tracer can say to have sent or dropped at once: beyond any truth, and far from the end of counters.
const MAX_COUNT: u64 = u32::MAX as u64;

/// Bytes of the id of a container; the longest that are in use have 64.
const MAX_CONTAINER_BYTES: usize = 128;

/// What a tracer says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) language: String,
    pub(crate) language_version: String,
    pub(crate) tracer_version: String,
    /// The container that it runs in; empty when not known.
    pub(crate) container_id: String,
    pub(crate) process_tags: String,
    /// Whether it marked spans by which a trace enters a service.
    pub(crate) computed_top_level: bool,
    /// Whether it works stats out itself.
    pub(crate) computed_stats: bool,
    pub(crate) dropped_traces: u64,
    pub(crate) dropped_spans: u64,
    /// The version of rates that it has; empty if it does not ask.
    pub(crate) rates_version: String,
    /// Whether it wants to be told by status that it sends too much.
    pub(crate) wants_status: bool,
    /// Whether resources of its stats are obfuscated.
    pub(crate) obfuscated: bool,
    /// How many traces it says are in the body.
    pub(crate) traces: u64,
}

impl Client {
    /// Reads the headers; `other` is the container as others than the tracer know it, by the inode of its control group
    /// or the process at the other end, and counts if the tracer names none.
    pub(crate) fn of(headers: &HeaderMap, other: Option<String>) -> Self {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().trim()
        };
        let number = |name: &str| text(name).parse().unwrap_or(0_u64).min(MAX_COUNT);
        Self {
            language: text("datadog-meta-lang").to_owned(),
            language_version: text("datadog-meta-lang-version").to_owned(),
            tracer_version: text("datadog-meta-tracer-version").to_owned(),
            container_id: container(headers)
                .map(str::to_owned)
                .or(other)
                .unwrap_or_default(),
            process_tags: text("x-datadog-process-tags").to_owned(),
            computed_top_level: is_true(text("datadog-client-computed-top-level")),
            computed_stats: is_true(text("datadog-client-computed-stats")),
            dropped_traces: number("datadog-client-dropped-p0-traces"),
            dropped_spans: number("datadog-client-dropped-p0-spans"),
            rates_version: text("datadog-rates-payload-version").to_owned(),
            wants_status: is_true(text("datadog-send-real-http-status")),
            obfuscated: !text("datadog-obfuscation-version").is_empty(),
            traces: number("x-datadog-trace-count"),
        }
    }

    /// Fills what a payload does not say itself.
    pub(crate) fn describe<'a>(&'a self, payload: &mut Payload<'a>) {
        let fields = [
            (&mut payload.language_name, &self.language),
            (&mut payload.language_version, &self.language_version),
            (&mut payload.tracer_version, &self.tracer_version),
            (&mut payload.container_id, &self.container_id),
        ];
        for (field, value) in fields {
            if field.is_empty() {
                *field = value.as_str().into();
            }
        }
    }
}

/// The id of the container, as newer tracers say it, else as older ones did.
pub(crate) fn container(headers: &HeaderMap) -> Option<&str> {
    let newer = entity(headers).find_map(|part| {
        part.strip_prefix("ci-")
            .or_else(|| part.strip_prefix("cid-"))
    });
    let legacy = headers.get("datadog-container-id");
    let legacy = legacy.and_then(|value| value.to_str().ok());
    [newer.unwrap_or_default(), legacy.unwrap_or_default().trim()]
        .into_iter()
        .find(|id| is_container(id))
}

/// The inode of the control group, from tracers that know no more of themselves.
pub(crate) fn inode(headers: &HeaderMap) -> Option<u64> {
    entity(headers).find_map(|part| part.strip_prefix("in-")?.parse().ok())
}

/// What a tracer says to tell itself from others, part by part.
fn entity(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let entity = headers.get("datadog-entity-id");
    let entity = entity.and_then(|value| value.to_str().ok());
    entity.unwrap_or_default().split(',').map(str::trim)
}

/// Whether a container could be called so: stats are kept apart by it, and it is sent with every payload.
fn is_container(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_CONTAINER_BYTES).contains(&id.len()) && id.bytes().all(is_allowed)
}

/// Truth as tracers write it: whatever is not empty and no word for false.
fn is_true(text: &str) -> bool {
    !matches!(text, "" | "0" | "f" | "F" | "FALSE" | "False" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Client {
        let headers = headers.iter().map(|(name, value)| {
            let name = hyper::header::HeaderName::from_static(name);
            (name, hyper::header::HeaderValue::from_str(value).unwrap())
        });
        Client::of(&headers.collect(), Some("of-the-peer".to_owned()))
    }

    #[test]
    fn whatever_is_no_word_for_false_is_true() {
        for (text, expected) in [
            ("", false),
            ("0", false),
            ("False", false),
            ("yes", true),
            ("2", true),
            ("true", true),
        ] {
            assert_eq!(is_true(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_container_is_what_the_tracer_says_newest_form_first() {
        let of = |entity, legacy| {
            let client = read(&[
                ("datadog-entity-id", entity),
                ("datadog-container-id", legacy),
            ]);
            client.container_id
        };
        assert_eq!(of("ci-abc", "def"), "abc");
        assert_eq!(of("in-1,cid-abc", ""), "abc");
        assert_eq!(of("in-1", "def"), "def");
        assert_eq!(of("in-1", ""), "of-the-peer");
        assert_eq!(of("ci-a b", "def"), "def");
        assert_eq!(of("ci-", &"a".repeat(129)), "of-the-peer");
        assert_eq!(read(&[]).container_id, "of-the-peer");
    }

    #[test]
    fn an_inode_is_a_number_in_any_part() {
        let of = |entity: &'static str| {
            let value = hyper::header::HeaderValue::from_static(entity);
            inode(&HeaderMap::from_iter([(
                hyper::header::HeaderName::from_static("datadog-entity-id"),
                value,
            )]))
        };
        assert_eq!(of("in-17"), Some(17));
        assert_eq!(of("ci-abc, in-17"), Some(17));
        assert_eq!(of("in-"), None);
        assert_eq!(of("in--1"), None);
        assert_eq!(of("ci-17"), None);
        assert_eq!(inode(&HeaderMap::new()), None);
    }

    #[test]
    fn numbers_that_are_none_count_as_0() {
        let client = read(&[
            ("datadog-client-dropped-p0-traces", "many"),
            ("datadog-client-dropped-p0-spans", "-1"),
            ("x-datadog-trace-count", "7"),
        ]);
        assert_eq!(
            (client.dropped_traces, client.dropped_spans, client.traces),
            (0, 0, 7)
        );
    }

    #[test]
    fn a_payload_that_names_its_tracer_keeps_the_name() {
        let client = read(&[
            ("datadog-meta-lang", "go"),
            ("datadog-meta-tracer-version", "2"),
        ]);
        let mut payload = Payload {
            language_name: "python".into(),
            ..Payload::default()
        };
        client.describe(&mut payload);
        assert_eq!(payload.language_name, "python");
        assert_eq!(payload.tracer_version, "2");
    }
}
