//! Records of groups as they are shown: one line of JSON each, with the keys of the wire.
//!
//! Times since 1970 and hashes are texts of decimal digits: JavaScript has no number for 64 bits. Counts and durations
//! are numbers. A sketch is shown as what it says.

use datadog_sketch::dd;
use datadog_wire::stats::{ClientStatsBucket, ClientStatsPayload, StatsPayload};
use serde_json::{Value, json};

use super::Stats;
use super::group::Group;
use crate::record::{notes, number, write_fields};
use crate::store::Stored;

/// The group at `index`, read again; `None` past the last.
pub(crate) fn group(stored: &Stored, stats: &Stats, index: usize) -> Option<Group> {
    stats.groups.get(index)?;
    let read = Group::read(stored.record_bytes(index));
    debug_assert!(read.is_ok(), "it was read when it arrived");
    read.ok()
}

/// Writes the record of the group at `index`, without a line end.
pub(crate) fn write(
    out: &mut Vec<u8>,
    stored: &Stored,
    stats: &Stats,
    index: usize,
    group: &Group,
) {
    let around = stats.around(index);
    let message = &group.message;
    let fields = json!({
        "payload": payload(&stats.payload),
        "client": around.map(|(client, _)| self::client(client)),
        "bucket": around.map(|(_, bucket)| self::bucket(bucket)),
        "Service": message.service,
        "Name": message.name,
        "Resource": message.resource,
        "HTTPStatusCode": message.http_status_code,
        "Type": message.kind,
        "DBType": message.db_type,
        "Hits": message.hits,
        "Errors": message.errors,
        "Duration": message.duration,
        "OkSummary": summary(&message.ok_summary, &group.ok),
        "ErrorSummary": summary(&message.error_summary, &group.error),
        "Synthetics": message.synthetics,
        "TopLevelHits": message.top_level_hits,
        "SpanKind": message.span_kind,
        "PeerTags": message.peer_tags,
        "IsTraceRoot": message.is_trace_root,
        "GRPCStatusCode": message.grpc_status_code,
        "HTTPMethod": message.http_method,
        "HTTPEndpoint": message.http_endpoint,
        "srv_src": message.service_source,
        "SpanDerivedPrimaryTags": message.span_derived_primary_tags,
        "AdditionalMetricTags": message.additional_metric_tags,
    });
    write_fields(out, notes(stored, index), fields);
}

fn payload(payload: &StatsPayload) -> Value {
    json!({
        "AgentHostname": payload.agent_hostname,
        "AgentEnv": payload.agent_env,
        "AgentVersion": payload.agent_version,
        "ClientComputed": payload.client_computed,
        "SplitPayload": payload.split_payload,
    })
}

fn client(client: &ClientStatsPayload) -> Value {
    json!({
        "Hostname": client.hostname,
        "Env": client.env,
        "Version": client.version,
        "Lang": client.lang,
        "TracerVersion": client.tracer_version,
        "RuntimeID": client.runtime_id,
        "Sequence": client.sequence,
        "AgentAggregation": client.agent_aggregation,
        "Service": client.service,
        "ContainerID": client.container_id,
        "Tags": client.tags,
        "GitCommitSha": client.git_commit_sha,
        "ImageTag": client.image_tag,
        "ProcessTagsHash": client.process_tags_hash.to_string(),
        "ProcessTags": client.process_tags,
    })
}

fn bucket(bucket: &ClientStatsBucket) -> Value {
    json!({
        "Start": bucket.start.to_string(),
        "Duration": bucket.duration,
        "AgentTimeShift": bucket.agent_time_shift,
    })
}

/// What a sketch says, `null` where there were no bytes.
fn summary(bytes: &[u8], sketch: &Result<dd::Sketch, String>) -> Value {
    match sketch {
        _ if bytes.is_empty() => Value::Null,
        Err(why) => json!({ "error": why }),
        Ok(sketch) => {
            let quantile = |share| sketch.quantile(share).map_or(Value::Null, number);
            json!({
                "count": number(sketch.count()),
                "p50": quantile(0.5),
                "p95": quantile(0.95),
                "p99": quantile(0.99),
            })
        }
    }
}
