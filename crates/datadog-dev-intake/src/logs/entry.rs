//! One log entry: an object whose keys are read, and whose values stay text.
//!
//! Nothing is built for a value; what is needed of one is a slice of the body.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use datadog_wire::logs::{
    DDSOURCE, DDTAGS, HOSTNAME, MAX_AGE_MS, MAX_ENTRY_BYTES, MESSAGE, SERVICE, STATUS, TIMESTAMP,
};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::What;
use crate::store::counts::NONE;

/// Keys looked through one by one before a set takes over.
const FEW_KEYS: usize = 24;

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

    /// Tells `found` of everything that the intake would not like about this entry, whose whole text is `text`.
    pub(super) fn check(&self, text: &str, now_ms: i64, mut found: impl FnMut(What)) {
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
