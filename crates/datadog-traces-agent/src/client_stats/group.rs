//! What tells payloads and groups of tracers apart, and what is added up of those that are alike.

use std::mem::take;

use datadog_wire::stats::{ClientGroupedStats, ClientStatsPayload};

use super::summary::Summary;

/// What tells payloads apart. What differs from process to process is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PayloadKey {
    hostname: String,
    env: String,
    version: String,
    lang: String,
    service: String,
    container_id: String,
    git_commit_sha: String,
    image_tag: String,
    process_tags_hash: u64,
    process_tags: String,
}

/// What tells groups apart.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    service: String,
    name: String,
    resource: String,
    http_status_code: u32,
    kind: String,
    db_type: String,
    synthetics: bool,
    span_kind: String,
    /// Sorted, as are the other lists.
    peer_tags: Vec<String>,
    is_trace_root: i32,
    grpc_status_code: String,
    http_method: String,
    http_endpoint: String,
    service_source: String,
    span_derived_primary_tags: Vec<String>,
    additional_metric_tags: Vec<String>,
}

/// What is added up.
#[derive(Debug, Default)]
pub(super) struct Sums {
    hits: u64,
    errors: u64,
    duration: u64,
    top_level_hits: u64,
    pub(super) ok: Summary,
    pub(super) error: Summary,
}

impl PayloadKey {
    /// Takes the key out of a payload.
    pub(super) fn take(payload: &mut ClientStatsPayload) -> Self {
        Self {
            hostname: take(&mut payload.hostname),
            env: take(&mut payload.env),
            version: take(&mut payload.version),
            lang: take(&mut payload.lang),
            service: take(&mut payload.service),
            container_id: take(&mut payload.container_id),
            git_commit_sha: take(&mut payload.git_commit_sha),
            image_tag: take(&mut payload.image_tag),
            process_tags_hash: payload.process_tags_hash,
            process_tags: take(&mut payload.process_tags),
        }
    }

    /// A payload with this key, and no more.
    pub(super) fn into_payload(self) -> ClientStatsPayload {
        ClientStatsPayload {
            hostname: self.hostname,
            env: self.env,
            version: self.version,
            lang: self.lang,
            service: self.service,
            container_id: self.container_id,
            git_commit_sha: self.git_commit_sha,
            image_tag: self.image_tag,
            process_tags_hash: self.process_tags_hash,
            process_tags: self.process_tags,
            ..ClientStatsPayload::default()
        }
    }

    /// The bytes of memory that it takes, itself included.
    pub(super) fn bytes(&self) -> usize {
        let texts = [
            &self.hostname,
            &self.env,
            &self.version,
            &self.lang,
            &self.service,
            &self.container_id,
            &self.git_commit_sha,
            &self.image_tag,
            &self.process_tags,
        ];
        size_of::<Self>() + texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

impl GroupKey {
    /// Takes the key out of a group.
    pub(super) fn take(group: &mut ClientGroupedStats) -> Self {
        let sorted = |tags: &mut Vec<String>| {
            let mut tags = take(tags);
            tags.sort_unstable();
            tags
        };
        Self {
            service: take(&mut group.service),
            name: take(&mut group.name),
            resource: take(&mut group.resource),
            http_status_code: group.http_status_code,
            kind: take(&mut group.kind),
            db_type: take(&mut group.db_type),
            synthetics: group.synthetics,
            span_kind: take(&mut group.span_kind),
            peer_tags: sorted(&mut group.peer_tags),
            is_trace_root: group.is_trace_root,
            grpc_status_code: take(&mut group.grpc_status_code),
            http_method: take(&mut group.http_method),
            http_endpoint: take(&mut group.http_endpoint),
            service_source: take(&mut group.service_source),
            span_derived_primary_tags: sorted(&mut group.span_derived_primary_tags),
            additional_metric_tags: sorted(&mut group.additional_metric_tags),
        }
    }

    /// A group with this key and sums.
    pub(super) fn into_group(self, sums: Sums) -> ClientGroupedStats {
        ClientGroupedStats {
            service: self.service,
            name: self.name,
            resource: self.resource,
            http_status_code: self.http_status_code,
            kind: self.kind,
            db_type: self.db_type,
            hits: sums.hits,
            errors: sums.errors,
            duration: sums.duration,
            ok_summary: sums.ok.into_bytes(),
            error_summary: sums.error.into_bytes(),
            synthetics: self.synthetics,
            top_level_hits: sums.top_level_hits,
            span_kind: self.span_kind,
            peer_tags: self.peer_tags,
            is_trace_root: self.is_trace_root,
            grpc_status_code: self.grpc_status_code,
            http_method: self.http_method,
            http_endpoint: self.http_endpoint,
            service_source: self.service_source,
            span_derived_primary_tags: self.span_derived_primary_tags,
            additional_metric_tags: self.additional_metric_tags,
        }
    }

    /// The bytes of memory that it takes, itself and its sums included, but not their sketches.
    pub(super) fn bytes(&self) -> usize {
        let texts = [
            &self.service,
            &self.name,
            &self.resource,
            &self.kind,
            &self.db_type,
            &self.span_kind,
            &self.grpc_status_code,
            &self.http_method,
            &self.http_endpoint,
            &self.service_source,
        ];
        let lists = [
            &self.peer_tags,
            &self.span_derived_primary_tags,
            &self.additional_metric_tags,
        ];
        let tags = lists.into_iter().flatten();
        let tags: usize = tags.map(|tag| size_of::<String>() + tag.capacity()).sum();
        // A map is at most seven eighths full, and half full after it grew.
        let place = 2 * (size_of::<Self>() + size_of::<Sums>());
        place + texts.iter().map(|text| text.capacity()).sum::<usize>() + tags
    }
}

impl Sums {
    /// Adds the counts of a group.
    pub(super) const fn add(&mut self, group: &ClientGroupedStats) {
        self.hits = self.hits.saturating_add(group.hits);
        self.errors = self.errors.saturating_add(group.errors);
        self.duration = self.duration.saturating_add(group.duration);
        self.top_level_hits = self.top_level_hits.saturating_add(group.top_level_hits);
    }
}
