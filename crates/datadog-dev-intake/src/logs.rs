//! Decodes a body of log entries, and says what the real intake would not like about it.
//!
//! Keeps the text of every entry as it came: an entry is a range of the body, never a tree.
//! Knows nothing of HTTP; the server turns a [`Refusal`] into a status.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use datadog_wire::logs::{
    DDSOURCE, DDTAGS, HOSTNAME, MAX_AGE_MS, MAX_CONTENT_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES,
    MESSAGE, SERVICE, STATUS, TIMESTAMP,
};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::{Problems, What};

/// Keys looked through one by one before a set takes over.
const FEW_KEYS: usize = 24;
/// What a record is said to have when its entry has no such key.
pub(crate) const NONE: &str = "(none)";

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

/// Occurrences of status, service and source within one body.
#[derive(Debug, Default)]
pub(crate) struct Facets {
    pub(crate) status: Tally,
    pub(crate) service: Tally,
    pub(crate) source: Tally,
}

/// A few values and how often each occurs; a body has at most a thousand entries.
#[derive(Debug, Default)]
pub(crate) struct Tally(pub(crate) Vec<(String, u64)>);

impl Tally {
    fn add(&mut self, value: &str) {
        // Neighbours mostly share their value, so the newest is looked at first.
        match self.0.iter_mut().rev().find(|(known, _)| known == value) {
            Some((_, count)) => *count += 1,
            None => self.0.push((value.to_owned(), 1)),
        }
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
    decoded.facets.status.add(&entry.facet(STATUS));
    decoded.facets.service.add(&entry.facet(SERVICE));
    decoded.facets.source.add(&entry.facet(DDSOURCE));
    decoded.entries.push(range_within(body, text));
    Ok(())
}

/// Where `text`, which borrows from `body`, stands in it.
fn range_within(body: &[u8], text: &str) -> Range<u32> {
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

/// The keys of one entry that mean something to the intake, each as its JSON text.
#[derive(Debug, Default)]
pub(crate) struct Entry<'a> {
    message: Option<&'a str>,
    timestamp: Option<&'a str>,
    hostname: Option<&'a str>,
    service: Option<&'a str>,
    ddsource: Option<&'a str>,
    ddtags: Option<&'a str>,
    status: Option<&'a str>,
    duplicates: usize,
}

impl<'a> Entry<'a> {
    /// Reads the object `text`, calling `on_key` for each of its keys. Of a key that occurs twice the last value counts.
    ///
    /// # Errors
    /// When `text` is no JSON object.
    pub(crate) fn parse(
        text: &'a str,
        on_key: impl FnMut(&str),
    ) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let entry = deserializer.deserialize_map(Keys { on_key })?;
        deserializer.end()?;
        Ok(entry)
    }

    /// The message: the string itself, or the JSON text of a message that is no string.
    pub(crate) fn message(&self) -> Cow<'a, str> {
        self.message.map_or(Cow::Borrowed(""), unquote)
    }

    /// The value of a facet key, or [`NONE`].
    pub(crate) fn facet(&self, key: &str) -> Cow<'a, str> {
        let text = match key {
            SERVICE => self.service,
            DDSOURCE => self.ddsource,
            _ => self.status,
        };
        match text {
            None | Some("null" | "\"\"") => Cow::Borrowed(NONE),
            Some(text) => unquote(text),
        }
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        Some(match key {
            MESSAGE => &mut self.message,
            TIMESTAMP => &mut self.timestamp,
            HOSTNAME => &mut self.hostname,
            SERVICE => &mut self.service,
            DDSOURCE => &mut self.ddsource,
            DDTAGS => &mut self.ddtags,
            STATUS => &mut self.status,
            _ => return None,
        })
    }

    fn check(&self, text: &str, now_ms: i64, mut found: impl FnMut(What)) {
        if text.len() > MAX_ENTRY_BYTES {
            found(What::EntryTooLarge);
        }
        for _ in 0..self.duplicates {
            found(What::DuplicateKey);
        }
        match self.message {
            None => found(What::NoMessage),
            Some("null") => found(What::NullMessage),
            Some(_) => {}
        }
        let optional = [
            (HOSTNAME, self.hostname),
            (SERVICE, self.service),
            (DDSOURCE, self.ddsource),
            (DDTAGS, self.ddtags),
            (STATUS, self.status),
        ];
        for (key, value) in optional {
            match value {
                None => {}
                Some("null") => found(What::NullKey(key)),
                Some("\"\"") => found(What::EmptyKey(key)),
                Some(text) if text.starts_with('"') => {}
                Some(_) => found(What::NotAString(key)),
            }
        }
        match self.timestamp {
            None => {}
            Some(text) if text.starts_with('"') => {}
            Some(text) => match text.parse::<i64>() {
                Ok(at) if now_ms.saturating_sub(at) > MAX_AGE_MS => found(What::TooOld),
                Ok(_) => {}
                Err(_) => found(What::BadTimestamp),
            },
        }
    }
}

/// The string that a JSON text stands for, or the text itself when it is no string.
fn unquote(text: &str) -> Cow<'_, str> {
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        // A lone surrogate is legal JSON and no string; such a message is shown as it was written.
        Some(inner) => serde_json::from_str(text).map_or(Cow::Borrowed(inner), Cow::Owned),
        None => Cow::Borrowed(text),
    }
}

/// Walks the keys of an object without building anything for the values.
struct Keys<F> {
    on_key: F,
}

impl<'de, F: FnMut(&str)> Visitor<'de> for Keys<F> {
    type Value = Entry<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Entry<'de>, A::Error> {
        let mut entry = Entry::default();
        let mut seen = Seen::default();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            (self.on_key)(&key);
            match entry.slot(&key) {
                Some(slot) => *slot = Some(map.next_value::<&RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if !seen.insert(key) {
                entry.duplicates += 1;
            }
        }
        Ok(entry)
    }
}

/// An object key, borrowed from the body unless it holds escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// The keys of one object so far: a list while they are few, so that an ordinary entry is not hashed.
#[derive(Default)]
struct Seen<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Seen<'a> {
    /// Whether `key` is new.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < FEW_KEYS {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}
