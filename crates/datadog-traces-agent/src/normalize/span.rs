//! The repairs of one span.

use super::tag::tag_of_service;
use super::{Context, Counts, Malformed, operation, service, tag_value, update};
use crate::span::{Map, Span, Text};
use crate::truncate;

/// The start of the year 2000, before which no span can have begun, in nanoseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000_000_000;

/// Bytes of a type at most.
const TYPE_BYTES: usize = 100;

const STATUS_CODE: &str = "http.status_code";

/// Repairs a span, and counts what was wrong with it.
pub fn span(span: &mut Span<'_>, context: &Context<'_>, counts: &mut Counts) {
    let mut wrong = None;
    update(&mut span.service, |text| {
        noting(&mut wrong, service(text, context))
    });
    count(counts, wrong);

    if context.component_as_name
        && let Some(component) = span.meta.get("component").filter(|name| !name.is_empty())
    {
        span.name = component.clone();
    }
    let mut wrong = None;
    update(&mut span.name, |text| noting(&mut wrong, operation(text)));
    count(counts, wrong);

    if span.resource.is_empty() {
        span.resource = span.name.clone();
        counts.malformed(Malformed::ResourceEmpty);
    }
    if truncate::cut(&mut span.kind, TYPE_BYTES) {
        counts.malformed(Malformed::TypeTruncate);
    }
    if span.parent_id == span.span_id && span.parent_id == span.trace_id {
        span.parent_id = 0;
    }
    times(span, context.now, counts);
    tags(&mut span.meta, counts);
    for link in &mut span.links {
        if let Some(name) = link.attributes.get_mut("link.name") {
            update(name, |text| operation(text).0);
        }
    }
}

/// Remembers what was wrong with a text, and gives the repaired one.
fn noting<T>(wrong: &mut Option<Malformed>, (repaired, found): (T, Option<Malformed>)) -> T {
    *wrong = found;
    repaired
}

fn count(counts: &mut Counts, wrong: Option<Malformed>) {
    if let Some(reason) = wrong {
        counts.malformed(reason);
    }
}

/// Afterwards the span neither begins before 1970, unless now is before it, nor ends after all times.
fn times(span: &mut Span<'_>, now: i64, counts: &mut Counts) {
    let mut invalid_duration = span.duration < 0 || span.start.checked_add(span.duration).is_none();
    if invalid_duration {
        span.duration = 0;
    }
    if span.start < YEAR_2000 {
        span.start = now.saturating_sub(span.duration);
        if span.start < 0 {
            span.start = now;
        }
        counts.malformed(Malformed::InvalidStartDate);
        if span.start.checked_add(span.duration).is_none() {
            span.duration = 0;
            invalid_duration = true;
        }
    }
    if invalid_duration {
        counts.malformed(Malformed::InvalidDuration);
    }
}

/// Repairs the tags that have rules, in one walk through all of them.
fn tags(meta: &mut Map<'_, Text<'_>>, counts: &mut Counts) {
    let mut has_status = false;
    for (key, value) in meta.iter_mut() {
        match key.as_ref() {
            "env" => update(value, tag_value),
            STATUS_CODE => has_status = true,
            "peer.service" => other_service(
                value,
                counts,
                Malformed::PeerServiceTruncate,
                Malformed::PeerServiceInvalid,
            ),
            "_dd.base_service" => other_service(
                value,
                counts,
                Malformed::BaseServiceTruncate,
                Malformed::BaseServiceInvalid,
            ),
            _ => {}
        }
    }
    if has_status && !meta.get(STATUS_CODE).is_some_and(|code| is_status(code)) {
        meta.remove(STATUS_CODE);
        counts.malformed(Malformed::InvalidHttpStatusCode);
    }
}

/// Repairs a service in a tag, which may be empty.
fn other_service(
    value: &mut Text<'_>,
    counts: &mut Counts,
    truncated: Malformed,
    invalid: Malformed,
) {
    if value.is_empty() {
        return;
    }
    let mut was_cut = false;
    update(value, |text| {
        let (repaired, cut) = tag_of_service(text);
        was_cut = cut;
        repaired
    });
    if value.is_empty() {
        counts.malformed(invalid);
    } else if was_cut {
        counts.malformed(truncated);
    }
}

/// Whether a text is a number from 100 to 599, of digits only.
fn is_status(code: &str) -> bool {
    let digits = code.bytes().all(|byte| byte.is_ascii_digit());
    digits
        && code
            .parse()
            .is_ok_and(|code: u64| (100..600).contains(&code))
}
