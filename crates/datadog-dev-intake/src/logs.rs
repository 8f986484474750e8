//! Decodes a body of log entries, and says what the real intake would not like about it.
//!
//! Keeps the text of every entry as it came: an entry is a range of the body, never a tree.
//! Knows nothing of HTTP; the server turns a [`Refusal`] into a status.

use std::fmt;
use std::ops::Range;

use datadog_wire::logs::{DDSOURCE, MAX_CONTENT_BYTES, MAX_ENTRIES, SERVICE, STATUS};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::{Problems, What};
use crate::security::SecurityCount;
use crate::store::counts::OTHER;
pub(crate) use entry::Entry;

mod entry;
pub(crate) mod rebuilt;

/// What a body held.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// Where each entry stands in the body, in order.
    pub(crate) entries: Vec<Range<u32>>,
    /// How many entries there are, refused ones included; `None` when they could not be counted.
    pub(crate) items: Option<usize>,
    /// Why the body as a whole is refused, if it is.
    pub(crate) refusal: Option<Refusal>,
    /// How often each value of the three facets occurs.
    pub(crate) facets: Facets,
}

/// Why a body is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Too many bytes or too many entries.
    TooLarge,
    /// Not an array of objects, nor an object.
    Malformed,
}

/// Occurrences of status, service and source within one body, or of what stands in their place.
#[derive(Debug, Default)]
pub(crate) struct Facets {
    pub(crate) status: Tally,
    pub(crate) service: Tally,
    pub(crate) source: Tally,
    /// Of any other record instead, what each is counted under.
    pub(crate) named: Tally,
    /// Points of series, sketches of distributions, spans of chunks or hits of groups.
    pub(crate) points: u64,
    /// Security events on the spans of chunks.
    pub(crate) security: SecurityCount,
}

impl Facets {
    fn add(&mut self, entry: &Entry<'_>) {
        self.status.add(&entry.facet(STATUS));
        self.service.add(&entry.facet(SERVICE));
        self.source.add(&entry.facet(DDSOURCE));
    }
}

/// A few values and how often each occurs.
///
/// A body has at most a thousand entries; a batch of a stream may have more, whose values are then counted as one.
#[derive(Debug, Default)]
pub(crate) struct Tally(pub(crate) Vec<(String, u64)>);

impl Tally {
    fn add(&mut self, value: &str) {
        let value = match self.0.len() {
            MAX_ENTRIES.. if !self.has(value) => OTHER,
            _ => value,
        };
        // Neighbours mostly share their value, so the newest is looked at first.
        match self.0.iter_mut().rev().find(|(known, _)| known == value) {
            Some((_, count)) => *count += 1,
            None => self.0.push((value.to_owned(), 1)),
        }
    }

    fn has(&self, value: &str) -> bool {
        self.0.iter().rev().any(|(known, _)| known == value)
    }
}

/// Decodes `body`, noting in `problems` whatever is wrong with it.
pub(crate) fn decode(body: &[u8], now_ms: i64, problems: &mut Problems) -> Decoded {
    let mut decoded = Decoded::default();
    if body.len() > MAX_CONTENT_BYTES {
        problems.add(What::BodyTooLarge);
        decoded.refusal = Some(Refusal::TooLarge);
        return decoded;
    }
    let texts = match split(body) {
        Ok(texts) => texts,
        Err(why) => {
            problems.add_detail(What::Malformed, why);
            decoded.refusal = Some(Refusal::Malformed);
            return decoded;
        }
    };
    decoded.items = Some(texts.count);
    if texts.count == 0 {
        problems.add(What::NoEntries);
    }
    if texts.count > MAX_ENTRIES {
        problems.add(What::TooManyEntries);
        decoded.refusal = Some(Refusal::TooLarge);
        return decoded;
    }
    for (index, text) in texts.first.iter().enumerate() {
        if let Err(why) = add_entry(&mut decoded, body, text, index, now_ms, problems) {
            problems.add_detail(What::Malformed, format!("entry {index}: {why}"));
            decoded.refusal = Some(Refusal::Malformed);
            return decoded;
        }
    }
    decoded
}

fn add_entry(
    decoded: &mut Decoded,
    body: &[u8],
    text: &str,
    index: usize,
    now_ms: i64,
    problems: &mut Problems,
) -> Result<(), serde_json::Error> {
    let entry = Entry::parse(text, |_| ())?;
    entry.check(text, now_ms, |what| problems.add_to_entry(index, what));
    decoded.facets.add(&entry);
    decoded.entries.push(range_within(body, text));
    Ok(())
}

/// Where `text`, which borrows from `body`, stands in it.
pub(crate) fn range_within(body: &[u8], text: &str) -> Range<u32> {
    let start = text.as_ptr().addr() - body.as_ptr().addr();
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX); // a decoded body is far below 4 GiB
    offset(start)..offset(start + text.len())
}

/// The entries of a body: the text of as many as are allowed, and the number of all.
#[derive(Default)]
struct Texts<'a> {
    first: Vec<&'a str>,
    count: usize,
}

/// Splits an array into its elements; a lone object is an array of one.
fn split(body: &[u8]) -> Result<Texts<'_>, String> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'[') => serde_json::from_slice(body).map_err(|error| error.to_string()),
        Some(b'{') => {
            let lone: &RawValue =
                serde_json::from_slice(body).map_err(|error| error.to_string())?;
            Ok(Texts {
                first: vec![lone.get()],
                count: 1,
            })
        }
        Some(_) => Err("neither a JSON array nor an object".to_owned()),
        None => Err("the body is empty".to_owned()),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Texts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of log entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Texts<'de>, A::Error> {
                let mut texts = Texts::default();
                while texts.count < MAX_ENTRIES {
                    let Some(element) = elements.next_element::<&RawValue>()? else {
                        return Ok(texts);
                    };
                    texts.first.push(element.get());
                    texts.count += 1;
                }
                while elements.next_element::<IgnoredAny>()?.is_some() {
                    texts.count += 1;
                }
                Ok(texts)
            }
        }

        deserializer.deserialize_seq(Elements)
    }
}

#[cfg(test)]
mod tests;
