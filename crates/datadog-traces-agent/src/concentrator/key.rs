//! What spans have in common that are counted together: of their payload, and of their group.
//!
//! Keys are looked up as they are borrowed from the span, and copied once for each new group.

use std::borrow::Cow;

use datadog_wire::stats::{ClientStatsPayload, trace_root};
use smallvec::SmallVec;

use crate::span::Span;
use crate::stats::{Texts, process_tags_hash};

use super::Facts;
use super::span::{BASE_SERVICE, Seen};

/// The resource of groups into which others are folded.
pub(super) const BLOCKED: &str = "agent_blocked_value";

/// Environment, host, version, container, commit, image, language, process tags, base service.
pub(super) type PayloadTexts<'a> = [&'a str; 9];
/// Service, name, resource, type, kind of span, gRPC status, source of the service.
type GroupTexts<'a> = [&'a str; 7];
/// Tags of a group, sorted by their keys.
pub(super) type Tags<'a> = SmallVec<[(&'a str, Cow<'a, str>); 4]>;

/// What tells payloads apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PayloadKey(Texts<9>);

/// What tells groups apart, as a span has it.
#[derive(Debug, Hash)]
pub(super) struct GroupKey<'a> {
    payload: u32,
    texts: GroupTexts<'a>,
    http_status: u32,
    is_synthetic: bool,
    trace_root: i32,
    pub(super) peer_tags: Tags<'a>,
    pub(super) additional_tags: Tags<'a>,
}

/// What tells groups apart, kept.
#[derive(Debug)]
pub(super) struct OwnedGroupKey {
    pub(super) payload: u32,
    pub(super) texts: Texts<7>,
    pub(super) http_status: u32,
    pub(super) is_synthetic: bool,
    pub(super) trace_root: i32,
    pub(super) peer_tags: Box<[String]>,
    pub(super) additional_tags: Box<[String]>,
}

/// The texts that tell the payload of a chunk from others.
pub(super) fn payload_texts<'a>(
    facts: &Facts<'a>,
    root: &'a Span<'_>,
    agent_env: &'a str,
    agent_hostname: &'a str,
) -> PayloadTexts<'a> {
    let or = |text: &'a str, other| if text.is_empty() { other } else { text };
    [
        or(facts.env, agent_env),
        or(facts.hostname, agent_hostname),
        facts.version,
        facts.container_id,
        facts.git_commit_sha,
        facts.image_tag,
        facts.lang,
        facts.process_tags,
        root.tag(BASE_SERVICE).unwrap_or_default(),
    ]
}

impl PayloadKey {
    pub(super) fn new(texts: &PayloadTexts<'_>) -> Self {
        Self(Texts::new(*texts))
    }

    pub(super) fn texts(&self) -> PayloadTexts<'_> {
        self.0.get()
    }

    pub(super) fn is(&self, texts: &PayloadTexts<'_>) -> bool {
        self.0.are(texts)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// A payload without buckets.
    pub(super) fn payload(&self) -> ClientStatsPayload {
        let [
            env,
            hostname,
            version,
            container,
            commit,
            image,
            lang,
            process,
            service,
        ] = self.0.get();
        ClientStatsPayload {
            hostname: hostname.to_owned(),
            env: env.to_owned(),
            version: version.to_owned(),
            lang: lang.to_owned(),
            service: service.to_owned(),
            container_id: container.to_owned(),
            git_commit_sha: commit.to_owned(),
            image_tag: image.to_owned(),
            process_tags_hash: process_tags_hash(process),
            process_tags: process.to_owned(),
            ..ClientStatsPayload::default()
        }
    }
}

impl<'a> GroupKey<'a> {
    /// The key of a span, as yet without tags.
    pub(super) fn of(
        span: &'a Span<'_>,
        seen: &'a Seen<'_>,
        payload: u32,
        is_synthetic: bool,
    ) -> Self {
        Self {
            payload,
            texts: [
                &span.service,
                &span.name,
                &span.resource,
                &span.kind,
                seen.span_kind,
                &seen.grpc_status,
                seen.service_source,
            ],
            http_status: seen.http_status,
            is_synthetic,
            trace_root: if span.parent_id == 0 {
                trace_root::TRUE
            } else {
                trace_root::FALSE
            },
            peer_tags: Tags::new(),
            additional_tags: Tags::new(),
        }
    }

    /// Leaves of the key what there are never many of.
    pub(super) fn fold(&mut self) {
        let [service, name, _, kind, span_kind, _, _] = self.texts;
        self.texts = [service, name, BLOCKED, kind, span_kind, "", ""];
        self.http_status = 0;
        self.peer_tags.clear();
        self.additional_tags.clear();
    }

    pub(super) fn to_owned(&self) -> OwnedGroupKey {
        OwnedGroupKey {
            payload: self.payload,
            texts: Texts::new(self.texts),
            http_status: self.http_status,
            is_synthetic: self.is_synthetic,
            trace_root: self.trace_root,
            peer_tags: owned(&self.peer_tags),
            additional_tags: owned(&self.additional_tags),
        }
    }
}

impl OwnedGroupKey {
    pub(super) fn is(&self, key: &GroupKey<'_>) -> bool {
        self.payload == key.payload
            && self.http_status == key.http_status
            && self.trace_root == key.trace_root
            && self.is_synthetic == key.is_synthetic
            && self.texts.are(&key.texts)
            && same(&self.peer_tags, &key.peer_tags)
            && same(&self.additional_tags, &key.additional_tags)
    }

    /// The bytes that are allocated.
    pub(super) fn bytes(&self) -> usize {
        let tags = self.peer_tags.iter().chain(&self.additional_tags);
        let tags: usize = tags.map(|tag| size_of::<String>() + tag.capacity()).sum();
        self.texts.bytes() + tags
    }
}

fn owned(tags: &Tags<'_>) -> Box<[String]> {
    tags.iter()
        .map(|(key, value)| [key, ":", value].concat())
        .collect()
}

fn same(owned: &[String], tags: &Tags<'_>) -> bool {
    owned.len() == tags.len()
        && owned.iter().zip(tags).all(|(owned, (key, value))| {
            let rest = owned.strip_prefix(*key);
            rest.and_then(|rest| rest.strip_prefix(':')) == Some(value)
        })
}
