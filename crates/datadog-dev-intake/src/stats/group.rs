//! One group of stats, read when it arrives and again whenever somebody asks for it.

use datadog_sketch::dd;
use datadog_wire::stats::{ClientGroupedStats, trace_root};

use super::scan;
use crate::traces::Dislike;
use crate::traces::chunk::Found;
use crate::traces::span::check_resource;
use crate::traces::text::{check_name, check_service};

/// A group, and what the sketch crate makes of its two sketches.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) message: ClientGroupedStats,
    /// How long the spans took that did not fail; empty of no bytes.
    pub(crate) ok: Result<dd::Sketch, String>,
    /// How long the others took.
    pub(crate) error: Result<dd::Sketch, String>,
}

impl Group {
    /// Reads the bytes of one group.
    ///
    /// # Errors
    /// In words, why they are none.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        // Nil is a group of nothing.
        let message: Option<ClientGroupedStats> = scan::read(bytes)?;
        let message = message.unwrap_or_default();
        Ok(Self {
            ok: sketch(&message.ok_summary),
            error: sketch(&message.error_summary),
            message,
        })
    }

    /// All that tells the group apart from others of its bucket.
    pub(super) fn key(&self) -> ClientGroupedStats {
        ClientGroupedStats {
            hits: 0,
            errors: 0,
            duration: 0,
            top_level_hits: 0,
            ok_summary: bytes::Bytes::new(),
            error_summary: bytes::Bytes::new(),
            ..self.message.clone()
        }
    }

    /// Tells of everything that the intake would not like.
    pub(super) fn check(&self, found: &mut Found<'_>) {
        let group = &self.message;
        check_service(&group.service, found);
        check_name(&group.name, found);
        check_resource(&group.resource, found);
        if !matches!(group.http_status_code, 0 | 100..=599) {
            let status = group.http_status_code.to_string();
            found(Dislike::BadStatusCode, Some(status));
        }
        if !(trace_root::NOT_SET..=trace_root::FALSE).contains(&group.is_trace_root) {
            found(Dislike::UnknownTraceRoot, None);
        }
        let tags = [
            &group.peer_tags,
            &group.span_derived_primary_tags,
            &group.additional_metric_tags,
        ];
        let has_key = |tag: &String| tag.split_once(':').is_some_and(|(key, _)| !key.is_empty());
        if tags.into_iter().flatten().any(|tag| !has_key(tag)) {
            found(Dislike::OddTag, None);
        }
        self.check_counts(found);
    }

    fn check_counts(&self, found: &mut Found<'_>) {
        let group = &self.message;
        if group.hits == 0 {
            found(Dislike::NoHits, None);
        }
        if group.errors > group.hits || group.top_level_hits > group.hits {
            found(Dislike::MoreThanHits, None);
        }
        for (name, sketch) in [("OkSummary", &self.ok), ("ErrorSummary", &self.error)] {
            if let Err(why) = sketch {
                found(Dislike::BadSketch, Some(format!("{name}: {why}")));
            }
        }
        let is_empty =
            |sketch: &Result<dd::Sketch, String>| sketch.as_ref().is_ok_and(dd::Sketch::is_empty);
        if group.hits > 0 && is_empty(&self.ok) && is_empty(&self.error) {
            found(Dislike::NoSketch, None);
        }
    }
}

/// The sketch that `bytes` are; an empty one of none.
fn sketch(bytes: &[u8]) -> Result<dd::Sketch, String> {
    if bytes.is_empty() {
        return Ok(dd::Sketch::default());
    }
    let message = dd::Message::decode(bytes).map_err(|error| error.to_string())?;
    dd::Sketch::from_message(&message).map_err(|error| error.to_string())
}
