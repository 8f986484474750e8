//! The payload of trace stats: maps of msgpack, from a tracer to its agent and from an agent to the intake.
//!
//! Both are read leniently: a key that is missing or nil is the zero of its type, and a key that nobody knows is
//! skipped. Written, they have all their keys. The sketches in them are bytes here.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// `Content-Type` of a request with stats.
pub const CONTENT_TYPE: &str = "application/msgpack";
/// `Content-Encoding` of a request with stats, the only one that the intake takes.
pub const CONTENT_ENCODING: &str = "gzip";
/// Bytes of a request before compression; the intake refuses more.
pub const MAX_BODY_BYTES: usize = 25_000_000;
/// Groups in one request, over all its buckets; an agent with more splits them.
pub const MAX_GROUPS: usize = 4_000;
/// Length of the buckets of an agent in nanoseconds.
pub const BUCKET_NS: u64 = 10_000_000_000;

/// [`ClientGroupedStats::is_trace_root`] of a span with a parent, a span without one, or nobody knows.
pub mod trace_root {
    /// The tracer did not say.
    pub const NOT_SET: i32 = 0;
    /// The spans have no parent.
    pub const TRUE: i32 = 1;
    /// The spans have a parent.
    pub const FALSE: i32 = 2;
}

/// Structures whose every field has its key on the wire, and is zero where that is missing or nil.
macro_rules! maps {
    ($(
        $(#[$about:meta])*
        pub struct $name:ident {
            $( $(#[$doc:meta])* $key:literal $field:ident: $kind:ty, )*
        }
    )*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $(
                $(#[$doc])*
                #[serde(rename = $key, deserialize_with = "Lenient::read")]
                pub $field: $kind,
            )*
        }
    )*};
}

maps! {
    /// The body of a request to the intake.
    pub struct StatsPayload {
        /// The host of the agent.
        "AgentHostname" agent_hostname: String,
        /// The environment of the agent.
        "AgentEnv" agent_env: String,
        /// Stats of one service in one environment, container and version each.
        "Stats" stats: Vec<ClientStatsPayload>,
        /// The version of the agent.
        "AgentVersion" agent_version: String,
        /// Whether tracers worked them out, rather than the agent.
        "ClientComputed" client_computed: bool,
        /// Whether it is a part of what was too large for one request.
        "SplitPayload" split_payload: bool,
    }

    /// The body of a request of a tracer, and a part of a [`StatsPayload`].
    pub struct ClientStatsPayload {
        /// The host.
        "Hostname" hostname: String,
        /// The environment, such as `prod`.
        "Env" env: String,
        /// The version of the application.
        "Version" version: String,
        /// The buckets, in any order.
        "Stats" stats: Vec<ClientStatsBucket>,
        /// The language of the tracer, such as `python`.
        "Lang" lang: String,
        /// The version of the tracer.
        "TracerVersion" tracer_version: String,
        /// The process, as a UUID that the tracer drew.
        "RuntimeID" runtime_id: String,
        /// The number of the request in its process.
        "Sequence" sequence: u64,
        /// What the agent did with it: `counts`, `distributions` or nothing.
        "AgentAggregation" agent_aggregation: String,
        /// The service of the process.
        "Service" service: String,
        /// The container that the tracer runs in.
        "ContainerID" container_id: String,
        /// Tags of the container.
        "Tags" tags: Vec<String>,
        /// The commit that the application was built from.
        "GitCommitSha" git_commit_sha: String,
        /// The tag of the image of the container.
        "ImageTag" image_tag: String,
        /// A hash of [`Self::process_tags`].
        "ProcessTagsHash" process_tags_hash: u64,
        /// Tags of the process, joined by commas.
        "ProcessTags" process_tags: String,
    }

    /// The stats of a span of time.
    pub struct ClientStatsBucket {
        /// When it begins, in nanoseconds since 1970.
        "Start" start: u64,
        /// How long it is, in nanoseconds.
        "Duration" duration: u64,
        /// The groups, in any order.
        "Stats" stats: Vec<ClientGroupedStats>,
        /// By how much an agent moved it because its clock differs, in nanoseconds.
        "AgentTimeShift" agent_time_shift: i64,
    }

    /// The stats of all spans that are alike.
    pub struct ClientGroupedStats {
        /// The service.
        "Service" service: String,
        /// The name of the spans, such as `web.request`.
        "Name" name: String,
        /// What they operate on, such as `GET /users`.
        "Resource" resource: String,
        /// The status of HTTP; 0 is none.
        "HTTPStatusCode" http_status_code: u32,
        /// Their type, such as `web`.
        "Type" kind: String,
        /// The type of the database; of before.
        "DBType" db_type: String,
        /// How many spans.
        "Hits" hits: u64,
        /// How many of them failed.
        "Errors" errors: u64,
        /// How long all of them took, in nanoseconds.
        "Duration" duration: u64,
        /// A sketch of how long those took that did not fail, in nanoseconds; as protobuf.
        "OkSummary" ok_summary: Bytes,
        /// A sketch of how long the others took.
        "ErrorSummary" error_summary: Bytes,
        /// Whether a synthetic test caused them.
        "Synthetics" synthetics: bool,
        /// How many of them were the first of their service in their trace.
        "TopLevelHits" top_level_hits: u64,
        /// `client`, `server`, `producer`, `consumer`, `internal` or nothing.
        "SpanKind" span_kind: String,
        /// Who was at the other end, each tag `key:value`.
        "PeerTags" peer_tags: Vec<String>,
        /// One of [`trace_root`].
        "IsTraceRoot" is_trace_root: i32,
        /// The status of gRPC, a number in words; empty is none.
        "GRPCStatusCode" grpc_status_code: String,
        /// The method of HTTP.
        "HTTPMethod" http_method: String,
        /// The route of HTTP.
        "HTTPEndpoint" http_endpoint: String,
        /// What the name of the service was taken from.
        "srv_src" service_source: String,
        /// Further tags that tell groups apart; of before.
        "SpanDerivedPrimaryTags" span_derived_primary_tags: Vec<String>,
        /// Further tags that tell groups apart.
        "AdditionalMetricTags" additional_metric_tags: Vec<String>,
    }
}

/// A type of which nil is the zero.
trait Lenient: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

macro_rules! lenient {
    ($($kind:ty)*) => {$(
        impl Lenient for $kind {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Option::deserialize(deserializer)?.unwrap_or_default())
            }
        }
    )*};
}

lenient!(String Bytes bool i32 i64 u32 u64);

/// A list, of which elements may be nil too.
impl<T: DeserializeOwned + Default> Lenient for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let elements: Option<Vec<Option<T>>> = Option::deserialize(deserializer)?;
        let elements = elements.unwrap_or_default().into_iter();
        Ok(elements.map(Option::unwrap_or_default).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of a group has exactly these keys, in this order.
    const GROUP_KEYS: [&str; 22] = [
        "Service",
        "Name",
        "Resource",
        "HTTPStatusCode",
        "Type",
        "DBType",
        "Hits",
        "Errors",
        "Duration",
        "OkSummary",
        "ErrorSummary",
        "Synthetics",
        "TopLevelHits",
        "SpanKind",
        "PeerTags",
        "IsTraceRoot",
        "GRPCStatusCode",
        "HTTPMethod",
        "HTTPEndpoint",
        "srv_src",
        "SpanDerivedPrimaryTags",
        "AdditionalMetricTags",
    ];

    #[derive(Deserialize)]
    struct Anything(std::collections::BTreeMap<String, serde::de::IgnoredAny>);

    #[track_caller]
    fn has_keys<T: Serialize>(value: &T, keys: &[&str]) {
        let bytes = rmp_serde::to_vec_named(value).unwrap();
        let Anything(found) = rmp_serde::from_slice(&bytes).unwrap();
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), keys);
    }

    #[test]
    fn every_key_is_written_and_is_that_of_the_intake() {
        has_keys(&ClientGroupedStats::default(), &GROUP_KEYS);
        has_keys(
            &ClientStatsBucket::default(),
            &["Start", "Duration", "Stats", "AgentTimeShift"],
        );
        has_keys(
            &ClientStatsPayload::default(),
            &[
                "Hostname",
                "Env",
                "Version",
                "Stats",
                "Lang",
                "TracerVersion",
                "RuntimeID",
                "Sequence",
                "AgentAggregation",
                "Service",
                "ContainerID",
                "Tags",
                "GitCommitSha",
                "ImageTag",
                "ProcessTagsHash",
                "ProcessTags",
            ],
        );
        has_keys(
            &StatsPayload::default(),
            &[
                "AgentHostname",
                "AgentEnv",
                "Stats",
                "AgentVersion",
                "ClientComputed",
                "SplitPayload",
            ],
        );
    }

    #[test]
    fn what_was_written_is_read_back() {
        let payload = StatsPayload {
            agent_hostname: "h".to_owned(),
            stats: vec![ClientStatsPayload {
                env: "e".to_owned(),
                sequence: u64::MAX,
                stats: vec![ClientStatsBucket {
                    start: 1_700_000_000_000_000_000,
                    duration: BUCKET_NS,
                    stats: vec![ClientGroupedStats {
                        service: "s".to_owned(),
                        hits: 3,
                        ok_summary: Bytes::from_static(&[0, 0xff]),
                        peer_tags: vec!["a:b".to_owned()],
                        is_trace_root: trace_root::FALSE,
                        ..ClientGroupedStats::default()
                    }],
                    agent_time_shift: -1,
                }],
                ..ClientStatsPayload::default()
            }],
            client_computed: true,
            ..StatsPayload::default()
        };
        let bytes = rmp_serde::to_vec_named(&payload).unwrap();
        assert_eq!(
            rmp_serde::from_slice::<StatsPayload>(&bytes).unwrap(),
            payload
        );
    }

    #[test]
    fn the_bytes_of_a_sketch_are_written_as_bytes() {
        let group = ClientGroupedStats {
            ok_summary: Bytes::from_static(b"xyz"),
            ..ClientGroupedStats::default()
        };
        let bytes = rmp_serde::to_vec_named(&group).unwrap();
        let field = b"\xa9OkSummary\xc4\x03xyz";
        assert!(bytes.windows(field.len()).any(|found| found == field));
    }

    #[test]
    fn what_is_missing_nil_or_unknown_is_zero() {
        let body = b"\x84\xa3Env\xc0\xa5Stats\x92\xc0\x82\xa5Start\x05\xa5Stats\xc0\xa5Other\x91\x80\xa4Tags\x92\xa1t\xc0";
        let expected = ClientStatsPayload {
            stats: vec![
                ClientStatsBucket::default(),
                ClientStatsBucket {
                    start: 5,
                    ..ClientStatsBucket::default()
                },
            ],
            tags: vec!["t".to_owned(), String::new()],
            ..ClientStatsPayload::default()
        };
        let read: ClientStatsPayload = rmp_serde::from_slice(body).unwrap();
        assert_eq!(read, expected);
    }

    #[test]
    fn a_number_that_does_not_fit_is_an_error() {
        let read = |body: &[u8]| rmp_serde::from_slice::<ClientStatsBucket>(body).map(|_| ());
        read(b"\x81\xa5Start\x05").unwrap();
        read(b"\x81\xa5Start\xd3\x00\x00\x00\x00\x00\x00\x00\x05").unwrap();
        read(b"\x81\xa5Start\xff").unwrap_err();
        read(b"\x81\xa5Start\xa1x").unwrap_err();
    }
}
