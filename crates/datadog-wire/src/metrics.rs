//! The payloads of metrics: protobuf messages of series and sketches, keys of the JSON of events and service checks,
//! and the limits of the intakes.
//!
//! Source of names and numbers: the public API reference of Datadog, and what its agent sends.

pub use self::generated::{
    CommonMetadata, Dogsketch, Metadata, MetricPayload, MetricPoint, MetricSeries, MetricType,
    Origin, Resource, Sketch, SketchPayload,
};

#[rustfmt::skip]
#[path = "generated/metrics.rs"]
mod generated;

/// `Content-Type` of series and sketches.
pub const CONTENT_TYPE_PROTOBUF: &str = "application/x-protobuf";
/// `Content-Type` of events and service checks.
pub const CONTENT_TYPE_JSON: &str = "application/json";
/// Value of [`AGENT_PAYLOAD_HEADER`](crate::endpoints::AGENT_PAYLOAD_HEADER) for these messages.
pub const PAYLOAD_VERSION: &str = "5.0.0";

/// Bytes of a request with series as it is sent; the intake refuses more.
pub const MAX_SERIES_BYTES: usize = 512_000;
/// Bytes of a request with series before compression; the intake refuses more.
pub const MAX_SERIES_RAW_BYTES: usize = 5_242_880;
/// Points in a request with series; the intake refuses more.
pub const MAX_SERIES_POINTS: usize = 10_000;
/// Bytes of any other request with metrics as it is sent; the intake refuses more.
pub const MAX_PAYLOAD_BYTES: usize = 2_621_440;
/// Bytes of any other request with metrics before compression; the intake refuses more.
pub const MAX_PAYLOAD_RAW_BYTES: usize = 4_194_304;
/// Tags of one series that the intake keeps.
pub const MAX_TAGS: usize = 100;
/// Seconds past which a point is too old for the intake.
pub const MAX_AGE_S: i64 = 3_600;
/// Seconds by which a point may lie ahead.
pub const MAX_AHEAD_S: i64 = 600;

/// Type of the first resource of a series.
pub const RESOURCE_HOST: &str = "host";
/// Type of the resource that a tag `device:NAME` becomes.
pub const RESOURCE_DEVICE: &str = "device";

/// Numbers of [`Origin::origin_product`].
pub mod product {
    /// A function or a container without a host.
    pub const SERVERLESS: u32 = 1;
    /// The agent of a host.
    pub const AGENT: u32 = 10;
}

/// Numbers of [`Origin::origin_category`].
pub mod category {
    /// DogStatsD of a host.
    pub const DOGSTATSD: u32 = 10;
    /// Azure App Service.
    pub const APP_SERVICE: u32 = 35;
    /// Google Cloud Run.
    pub const CLOUD_RUN: u32 = 36;
    /// Azure Container Apps.
    pub const CONTAINER_APP: u32 = 37;
    /// AWS Lambda.
    pub const LAMBDA: u32 = 38;
    /// Azure Functions.
    pub const AZURE_FUNCTIONS: u32 = 71;
}

/// Numbers of [`Origin::origin_service`], of serverless products alone.
pub mod service {
    /// Metrics of users.
    pub const CUSTOM: u32 = 472;
    /// Metrics about the function itself.
    pub const ENHANCED: u32 = 473;
    /// Metrics of the language's runtime.
    pub const RUNTIME: u32 = 474;
}

/// Keys of the body of a request with events, `{"apiKey":"","events":{SOURCE:[EVENT…]},"internalHostname":HOST}`.
pub mod event {
    /// Empty: the key travels in a header.
    pub const API_KEY: &str = "apiKey";
    /// An object: the events by their source.
    pub const EVENTS: &str = "events";
    /// The source of events that name none.
    pub const DEFAULT_SOURCE: &str = "api";
    /// The host of the agent.
    pub const INTERNAL_HOSTNAME: &str = "internalHostname";
    /// The title of an event.
    pub const TITLE: &str = "msg_title";
    /// Its text.
    pub const TEXT: &str = "msg_text";
    /// When it happened, in seconds since 1970.
    pub const TIMESTAMP: &str = "timestamp";
    /// `normal` or `low`.
    pub const PRIORITY: &str = "priority";
    /// Where it happened.
    pub const HOST: &str = "host";
    /// An array of its tags; absent without any.
    pub const TAGS: &str = "tags";
    /// `error`, `warning`, `info` or `success`.
    pub const ALERT_TYPE: &str = "alert_type";
    /// What groups it with others; absent without one.
    pub const AGGREGATION_KEY: &str = "aggregation_key";
    /// What it comes from; absent without one.
    pub const SOURCE_TYPE_NAME: &str = "source_type_name";
}

/// Keys of a service check; the body of a request is an array of them.
pub mod check {
    /// The name.
    pub const CHECK: &str = "check";
    /// Where it was checked.
    pub const HOST_NAME: &str = "host_name";
    /// What the check says.
    pub const MESSAGE: &str = "message";
    /// An array of its tags.
    pub const TAGS: &str = "tags";
    /// When it was checked, in seconds since 1970.
    pub const TIMESTAMP: &str = "timestamp";
    /// 0 to 3.
    pub const STATUS: &str = "status";
}

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

    fn metadata(product: u32, category: u32) -> Option<Metadata> {
        Some(Metadata {
            origin: Some(Origin {
                origin_product: product,
                origin_category: category,
                origin_service: 0,
            }),
        })
    }

    #[test]
    fn a_payload_of_series_has_the_numbers_of_the_intake() {
        let payload = MetricPayload {
            series: vec![MetricSeries {
                resources: vec![Resource {
                    r#type: RESOURCE_HOST.to_owned(),
                    name: "h".to_owned(),
                }],
                metric: "m.c".to_owned(),
                tags: vec!["a:b".to_owned()],
                points: vec![MetricPoint {
                    value: 0.5,
                    timestamp: 1_700_000_000,
                }],
                r#type: MetricType::Rate.into(),
                interval: 10,
                metadata: metadata(product::AGENT, category::DOGSTATSD),
                ..MetricSeries::default()
            }],
        };
        check(
            &payload,
            "0a320a090a04686f737412016812036d2e631a03613a62220f09000000000000e03f1080e2cfaa062802400a4a060a04200a280a",
        );
    }

    #[test]
    fn a_payload_of_sketches_has_the_numbers_of_the_intake() {
        let payload = SketchPayload {
            sketches: vec![Sketch {
                metric: "m.d".to_owned(),
                host: "h".to_owned(),
                tags: vec!["a:b".to_owned()],
                dogsketches: vec![Dogsketch {
                    ts: 1_700_000_000,
                    cnt: 2,
                    min: 1.0,
                    max: 2.0,
                    avg: 1.5,
                    sum: 3.0,
                    k: vec![1338, 1383],
                    n: vec![1, 1],
                }],
                metadata: metadata(product::AGENT, category::DOGSTATSD),
            }],
            metadata: Some(CommonMetadata::default()),
        };
        check(
            &payload,
            "0a4d0a036d2e641201682203613a623a360880e2cfaa06100219000000000000f03f21000000000000004029000000000000f83f3100000000000008403a04f414ce154202010142060a04200a280a1200",
        );
    }
}
