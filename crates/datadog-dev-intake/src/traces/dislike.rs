//! What can be wrong with traces and trace stats, in words that are few enough to be counted.

use std::fmt;

use datadog_wire::stats::MAX_GROUPS;
use datadog_wire::traces::{MAX_PAYLOAD_BYTES, MAX_SERVICE_BYTES, MAX_TYPE_BYTES};

use super::scan::{MAX_PARTS, MAX_SPANS};
use crate::security::{MAX_CHUNK_EVENTS, MAX_EVENTS, MAX_EVENTS_BYTES, MAX_SCHEMA_BYTES};

/// One kind of problem of these signals. Its words are the key under which the summary counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dislike {
    /// A `Content-Type` that the intake of traces does not take.
    NotProtobuf,
    /// A `Content-Type` that the intake of stats does not take.
    NotMsgpack,
    /// A `Content-Encoding` that the intake of traces does not take.
    TracesEncoding,
    /// A `Content-Encoding` that the intake of stats does not take.
    StatsEncoding,
    /// Larger than an agent makes it.
    OverTarget,
    TooManySpans,
    TooManyParts,
    /// A form that this intake takes and does not decode.
    NotDecoded,
    NoAgentVersion,
    NoEnv,
    /// A tracer without a chunk.
    NoChunks,
    /// A chunk without a span.
    NoSpans,
    NoPriority,
    UnknownPriority,
    /// Spans of more than one trace.
    MixedTraces,
    ZeroTraceId,
    ZeroSpanId,
    /// A span with the ids of another in the body.
    SpanTwice,
    /// A span that is its own parent.
    OwnParent,
    /// The upper half of the trace's id is no such half.
    OddTraceIdHigh,
    NoService,
    LongService,
    OddService,
    NoName,
    LongName,
    OddName,
    NoResource,
    LongResource,
    LongType,
    TooEarly,
    NegativeDuration,
    /// The end is past what nanoseconds can say.
    EndlessDuration,
    BadStatusCode,
    LongKey,
    LongValue,
    NotFinite,
    /// A structured tag that is no document of msgpack.
    BadStruct,
    /// A link to no span.
    EmptyLink,
    UnknownValueType,
    /// What should be the events of a firewall is none.
    BadEvents,
    LongEvents,
    TooManyEvents,
    /// An event that lacks something.
    BadEvent,
    /// Events, and no tag that says so.
    NoEventTag,
    BadSchema,
    LongSchema,
    /// More of a firewall than is read.
    SecurityCut,
    /// A payload of a client without a bucket.
    NoBuckets,
    /// A bucket without a group.
    NoGroups,
    TooManyGroups,
    /// The start of a bucket is none.
    OddStart,
    OddDuration,
    Ahead,
    NoHits,
    /// More spans failed, or were the first of their service, than there were.
    MoreThanHits,
    BadSketch,
    /// Hits, and no sketch of how long they took.
    NoSketch,
    UnknownTraceRoot,
    /// A tag without a key.
    OddTag,
    /// A group with all that tells groups apart equal to another's.
    GroupTwice,
}

impl fmt::Display for Dislike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotProtobuf => "Content-Type is not application/x-protobuf",
            Self::NotMsgpack => "Content-Type is not application/msgpack",
            Self::TracesEncoding => "Content-Encoding is none of zstd, gzip and identity",
            Self::StatsEncoding => "Content-Encoding is not gzip",
            Self::OverTarget => {
                return write!(f, "more than one chunk in over {MAX_PAYLOAD_BYTES} bytes");
            }
            Self::TooManySpans => return write!(f, "more than {MAX_SPANS} spans"),
            Self::TooManyParts => {
                return write!(
                    f,
                    "more than {MAX_PARTS} tags, links, events and attributes"
                );
            }
            Self::NotDecoded => "idxTracerPayloads are kept as a raw request, not decoded",
            Self::NoAgentVersion => "no version of the agent",
            Self::NoEnv => "no env, neither of the tracer nor of the agent",
            Self::NoChunks => "a tracer payload without chunks",
            Self::NoSpans => "no spans",
            Self::NoPriority => "no sampling priority",
            Self::UnknownPriority => "sampling priority is none of -1 to 2",
            Self::MixedTraces => "spans of more than one trace",
            Self::ZeroTraceId => "trace id is 0",
            Self::ZeroSpanId => "span id is 0",
            Self::SpanTwice => "a span twice",
            Self::OwnParent => "a span is its own parent",
            Self::OddTraceIdHigh => "_dd.p.tid is not 16 digits of lower-case hex",
            Self::NoService => "no service",
            Self::LongService => return write!(f, "service over {MAX_SERVICE_BYTES} bytes"),
            Self::OddService => "service has characters that an agent replaces",
            Self::NoName => "no name",
            Self::LongName => "name over 100 bytes",
            Self::OddName => "name has characters that an agent replaces",
            Self::NoResource => "no resource",
            Self::LongResource => "resource over 15000 bytes",
            Self::LongType => return write!(f, "type over {MAX_TYPE_BYTES} bytes"),
            Self::TooEarly => "start before the year 2000",
            Self::NegativeDuration => "negative duration",
            Self::EndlessDuration => "start and duration exceed 64 bits",
            Self::BadStatusCode => "http.status_code is none of 100 to 599",
            Self::LongKey => "key of a tag over 200 bytes",
            Self::LongValue => "text of a tag over 25000 bytes",
            Self::NotFinite => "a metric is not finite",
            Self::BadStruct => "meta_struct is not msgpack",
            Self::EmptyLink => "a link to no span",
            Self::UnknownValueType => "an attribute of no known type",
            Self::BadEvents => "security events cannot be read",
            Self::LongEvents => {
                return write!(f, "security events over {MAX_EVENTS_BYTES} bytes");
            }
            Self::TooManyEvents => {
                return write!(
                    f,
                    "more than {MAX_EVENTS} security events on a span, or {MAX_CHUNK_EVENTS} in a chunk"
                );
            }
            Self::BadEvent => "a security event lacks something",
            Self::NoEventTag => "security events without appsec.event",
            Self::BadSchema => "a schema cannot be read",
            Self::LongSchema => return write!(f, "schema over {MAX_SCHEMA_BYTES} bytes"),
            Self::SecurityCut => "more security data than is read",
            Self::NoBuckets => "client stats without buckets",
            Self::NoGroups => "a bucket without groups",
            Self::TooManyGroups => return write!(f, "more than {MAX_GROUPS} groups"),
            Self::OddStart => "start of a bucket is not a multiple of its length",
            Self::OddDuration => "bucket is not 10 seconds long",
            Self::Ahead => "bucket over 10 minutes ahead",
            Self::NoHits => "no hits",
            Self::MoreThanHits => "more errors or top-level hits than hits",
            Self::BadSketch => "no valid sketch",
            Self::NoSketch => "hits without a sketch",
            Self::UnknownTraceRoot => "IsTraceRoot is none of 0 to 2",
            Self::OddTag => "a tag is not key:value",
            Self::GroupTwice => "a group twice in one bucket",
        })
    }
}
