//! The payload of traces: protobuf messages, names of tags with a meaning, and the limits of the intake.
//!
//! Source of names and numbers: what Datadog's agent sends to `POST /api/v0.2/traces`.

pub use self::generated::{
    AgentPayload, AttributeAnyValue, AttributeArray, AttributeArrayValue, ContainerDebug, Span,
    SpanEvent, SpanLink, TraceChunk, TracerPayload, attribute_any_value, attribute_array_value,
};

#[rustfmt::skip]
#[path = "generated/traces.rs"]
mod generated;

/// `Content-Type` of a request with traces.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// Bytes of a request before compression, from which on an agent begins another; a single chunk may be larger.
pub const MAX_PAYLOAD_BYTES: usize = 3_200_000;
/// Bytes of a request before compression; the intake refuses more.
pub const MAX_BODY_BYTES: usize = 25_000_000;

/// Bytes of the name of a service.
pub const MAX_SERVICE_BYTES: usize = 100;
/// Bytes of the name of a span.
pub const MAX_NAME_BYTES: usize = 100;
/// Bytes of the type of a span.
pub const MAX_TYPE_BYTES: usize = 100;
/// Bytes of a resource.
pub const MAX_RESOURCE_BYTES: usize = 5_000;
/// Bytes of the key of a tag; a longer one is cut there and gets [`CUT`].
pub const MAX_KEY_BYTES: usize = 200;
/// Bytes of the text of a tag; a longer one is cut there and gets [`CUT`].
pub const MAX_VALUE_BYTES: usize = 25_000;
/// What the key or the text of a tag ends in where it was cut.
pub const CUT: &str = "...";

/// Priority of a chunk of which nobody decided whether to keep it.
pub const PRIORITY_NONE: i32 = -128;
/// Earliest begin of a span in nanoseconds since 1970, the first moment of 2000.
pub const MIN_START_NS: i64 = 946_684_800_000_000_000;

/// Tag: the upper 64 bits of the trace's id, as 16 digits of lower-case hex.
pub const TRACE_ID_HIGH: &str = "_dd.p.tid";
/// Numeric tag: 1 on the first span of a service within its trace.
pub const TOP_LEVEL: &str = "_top_level";
/// Numeric tag: 1 on a span that its user wants stats of.
pub const MEASURED: &str = "_dd.measured";
/// Numeric tag: 0 and above on a span that had not yet ended.
pub const PARTIAL_VERSION: &str = "_dd.partial_version";
/// Numeric tag: on a span that is kept though its trace is not.
pub const SPAN_SAMPLING: &str = "_dd.span_sampling.mechanism";
/// Tag of a payload: the tags of its container, joined by commas.
pub const CONTAINER_TAGS: &str = "_dd.tags.container";
/// Tag of a payload: the tags of its process, joined by commas.
pub const PROCESS_TAGS: &str = "_dd.tags.process";

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[track_caller]
    fn check(message: &impl Message, hex: &str) {
        let bytes = message.encode_to_vec();
        let found: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, hex);
    }

    #[test]
    fn a_payload_has_the_numbers_of_the_intake() {
        let span = Span {
            service: "s".to_owned(),
            name: "n".to_owned(),
            resource: "r".to_owned(),
            trace_id: 1,
            span_id: 2,
            start: 1_700_000_000_000_000_000,
            duration: 5,
            meta: [("env".to_owned(), "e".to_owned())].into(),
            metrics: [(TOP_LEVEL.to_owned(), 1.0)].into(),
            r#type: "web".to_owned(),
            ..Span::default()
        };
        let payload = AgentPayload {
            host_name: "h".to_owned(),
            env: "e".to_owned(),
            tracer_payloads: vec![TracerPayload {
                language_version: "go".to_owned(),
                chunks: vec![TraceChunk {
                    priority: 1,
                    spans: vec![span],
                    ..TraceChunk::default()
                }],
                env: "e".to_owned(),
                ..TracerPayload::default()
            }],
            agent_version: "1".to_owned(),
            target_tps: 10.0,
            error_tps: 10.0,
            ..AgentPayload::default()
        };
        check(
            &payload,
            "0a01681201652a4c1a02676f324308011a3f0a017312016e1a017220012802388080a8b1e39fe7cb17400552080a03656e761201655a150a0a5f746f705f6c6576656c11000000000000f03f62037765624201653a0131410000000000002440490000000000002440",
        );
    }

    #[test]
    fn no_priority_is_a_negative_number_of_ten_bytes() {
        let chunk = TraceChunk {
            priority: PRIORITY_NONE,
            ..TraceChunk::default()
        };
        check(&chunk, "0880ffffffffffffffff01");
    }

    #[test]
    fn links_and_events_have_the_numbers_of_the_intake() {
        let link = SpanLink {
            trace_id: 1,
            trace_id_high: 2,
            span_id: 3,
            attributes: [("a".to_owned(), "b".to_owned())].into(),
            tracestate: "t".to_owned(),
            flags: 1 << 31,
        };
        check(&link, "08011002180322060a01611201622a0174308080808008");
        let array = AttributeArray {
            values: vec![AttributeArrayValue {
                r#type: attribute_array_value::AttributeArrayValueType::IntValue.into(),
                int_value: 7,
                ..AttributeArrayValue::default()
            }],
        };
        let value = AttributeAnyValue {
            r#type: attribute_any_value::AttributeAnyValueType::ArrayValue.into(),
            array_value: Some(array),
            ..AttributeAnyValue::default()
        };
        let event = SpanEvent {
            time_unix_nano: 1,
            name: "e".to_owned(),
            attributes: [("k".to_owned(), value)].into(),
        };
        check(
            &event,
            "0901000000000000001201651a0f0a016b120a080432060a0408022007",
        );
    }
}
