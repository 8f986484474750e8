//! Series, of protobuf or of either form of JSON, as the one message that the schema has for them.

use datadog_wire::metrics::{
    Metadata, MetricPoint, MetricSeries, MetricType, Origin, RESOURCE_DEVICE, RESOURCE_HOST,
    Resource,
};
use prost::Message;
use serde::Deserialize;

use super::Dislike;
use super::item::{self, Found};

/// A series, and whether an agent wrote it.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) message: MetricSeries,
    is_of_agent: bool,
}

impl Series {
    pub(super) fn of_protobuf(bytes: &[u8]) -> Result<Self, String> {
        Ok(Self {
            message: MetricSeries::decode(bytes).map_err(|error| error.to_string())?,
            is_of_agent: true,
        })
    }

    pub(super) fn of_json_v1(bytes: &[u8]) -> Result<Self, String> {
        let json: JsonV1 = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        Ok(Self {
            message: json.into(),
            is_of_agent: false,
        })
    }

    pub(super) fn of_json_v2(bytes: &[u8]) -> Result<Self, String> {
        let json: JsonV2 = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        Ok(Self {
            message: json.into(),
            is_of_agent: false,
        })
    }

    /// The host that it is about; `None` without one, and for one without a name.
    pub(crate) fn host(&self) -> Option<&str> {
        let mut resources = self.message.resources.iter();
        let host = resources.find(|resource| resource.r#type == RESOURCE_HOST)?;
        (!host.name.is_empty()).then_some(host.name.as_str())
    }

    /// The type, if it has one of the numbers that mean something.
    pub(crate) fn metric_type(&self) -> Option<MetricType> {
        MetricType::try_from(self.message.r#type)
            .ok()
            .filter(|known| *known != MetricType::Unspecified)
    }

    pub(super) fn check(&self, now_s: i64, found: &mut Found<'_>) {
        let MetricSeries {
            metric,
            tags,
            points,
            interval,
            resources,
            ..
        } = &self.message;
        item::check_name(metric, found);
        item::check_tags(tags, found);
        item::check_host(self.host().unwrap_or_default(), found);
        let host_is_first = resources
            .first()
            .is_some_and(|first| first.r#type == RESOURCE_HOST);
        if self.is_of_agent && !host_is_first {
            found(Dislike::HostNotFirst, None);
        }
        match self.metric_type() {
            None => found(Dislike::UnknownType, None),
            Some(MetricType::Rate) if *interval == 0 => found(Dislike::NoInterval, None),
            Some(_) => {}
        }
        if *interval < 0 {
            found(Dislike::NegativeInterval, None);
        }
        if points.is_empty() {
            found(Dislike::NoPoints, None);
        }
        if points.iter().any(|point| !point.value.is_finite()) {
            found(Dislike::NotFinite, None);
        }
        item::check_times(points.iter().map(|point| point.timestamp), now_s, found);
    }
}

/// A series in version 1 of the interface.
#[derive(Debug, Deserialize)]
struct JsonV1 {
    metric: String,
    /// Each a time and a value.
    points: Vec<(f64, f64)>,
    r#type: Option<String>,
    host: Option<String>,
    device: Option<String>,
    tags: Option<Vec<String>>,
    interval: Option<f64>,
    unit: Option<String>,
    source_type_name: Option<String>,
}

impl From<JsonV1> for MetricSeries {
    fn from(json: JsonV1) -> Self {
        let metric_type = match json.r#type.as_deref() {
            Some("count") => MetricType::Count,
            Some("rate") => MetricType::Rate,
            None | Some("gauge") => MetricType::Gauge,
            Some(_) => MetricType::Unspecified,
        };
        let resources = [(RESOURCE_HOST, json.host), (RESOURCE_DEVICE, json.device)];
        let resources = resources.into_iter().filter_map(|(kind, name)| {
            let name = name.filter(|name| !name.is_empty())?;
            Some(Resource {
                r#type: kind.to_owned(),
                name,
            })
        });
        let points = json.points.into_iter().map(|(at, value)| MetricPoint {
            timestamp: whole(at),
            value,
        });
        Self {
            resources: resources.collect(),
            metric: json.metric,
            tags: json.tags.unwrap_or_default(),
            points: points.collect(),
            r#type: metric_type.into(),
            unit: json.unit.unwrap_or_default(),
            source_type_name: json.source_type_name.unwrap_or_default(),
            interval: whole(json.interval.unwrap_or_default()),
            metadata: None,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction of a second is dropped, and what no second could be becomes the last one"
)]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

/// A series in the JSON of version 2.
#[derive(Debug, Deserialize)]
struct JsonV2 {
    metric: String,
    points: Vec<PointV2>,
    resources: Option<Vec<ResourceV2>>,
    r#type: Option<i32>,
    tags: Option<Vec<String>>,
    interval: Option<i64>,
    unit: Option<String>,
    source_type_name: Option<String>,
    metadata: Option<MetadataV2>,
}

#[derive(Debug, Deserialize)]
struct PointV2 {
    timestamp: i64,
    value: f64,
}

#[derive(Debug, Deserialize)]
struct ResourceV2 {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct MetadataV2 {
    origin: Option<OriginV2>,
}

/// The origin under the names of the schema, of the public interface, or of serverless agents.
#[derive(Debug, Deserialize)]
struct OriginV2 {
    #[serde(default, alias = "product")]
    origin_product: u32,
    #[serde(default, alias = "origin_sub_product")]
    origin_category: u32,
    #[serde(default, alias = "origin_product_detail", alias = "service")]
    origin_service: u32,
}

impl From<JsonV2> for MetricSeries {
    fn from(json: JsonV2) -> Self {
        let points = json.points.into_iter().map(|point| MetricPoint {
            timestamp: point.timestamp,
            value: point.value,
        });
        let resources = json.resources.into_iter().flatten();
        let origin = json.metadata.and_then(|metadata| metadata.origin);
        Self {
            resources: resources
                .map(|resource| Resource {
                    r#type: resource.r#type,
                    name: resource.name,
                })
                .collect(),
            metric: json.metric,
            tags: json.tags.unwrap_or_default(),
            points: points.collect(),
            r#type: json.r#type.unwrap_or_default(),
            unit: json.unit.unwrap_or_default(),
            source_type_name: json.source_type_name.unwrap_or_default(),
            interval: json.interval.unwrap_or_default(),
            metadata: origin.map(|origin| Metadata {
                origin: Some(Origin {
                    origin_product: origin.origin_product,
                    origin_category: origin.origin_category,
                    origin_service: origin.origin_service,
                }),
            }),
        }
    }
}
