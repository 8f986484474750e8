//! The model that all trace formats are decoded into, and that payloads are written from.
//!
//! Holds texts as they came; what is allowed in them is decided elsewhere.

mod owned;

use std::borrow::Cow;

/// A text that is borrowed from the body until something changes it.
pub type Text<'a> = Cow<'a, str>;

/// The priority of a chunk for which no sampling decision was made.
pub const PRIORITY_NONE: i32 = i8::MIN as i32;

/// One request of a tracer: the chunks in it, and what holds for all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Payload<'a> {
    /// The container in which the tracer runs, empty when not known.
    pub container_id: Text<'a>,
    /// The language of the tracer, such as `python`.
    pub language_name: Text<'a>,
    /// The version of the language.
    pub language_version: Text<'a>,
    /// The version of the tracer.
    pub tracer_version: Text<'a>,
    /// The process, as a UUID that its tracer drew.
    pub runtime_id: Text<'a>,
    /// The chunks, in the order in which they came.
    pub chunks: Vec<Chunk<'a>>,
    /// Tags of all chunks.
    pub tags: Map<'a, Text<'a>>,
    /// The environment, such as `prod`.
    pub env: Text<'a>,
    /// The host, if the tracer knows it better than the agent does.
    pub hostname: Text<'a>,
    /// The version of the application.
    pub app_version: Text<'a>,
}

/// Spans of one trace that were sent together: the whole trace, or a part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk<'a> {
    /// The sampling priority: -1 and 2 are a user's drop and keep, 0 and 1 the sampler's; [`PRIORITY_NONE`] is none.
    pub priority: i32,
    /// Where the trace began, such as `synthetics` or `lambda`.
    pub origin: Text<'a>,
    /// The spans, in the order in which they came.
    pub spans: Vec<Span<'a>>,
    /// Tags of the chunk.
    pub tags: Map<'a, Text<'a>>,
    /// Whether the chunk was sampled out, and travels only for its single spans or events.
    pub dropped_trace: bool,
}

impl Default for Chunk<'_> {
    fn default() -> Self {
        Self {
            priority: PRIORITY_NONE,
            origin: Text::default(),
            spans: Vec::new(),
            tags: Map::default(),
            dropped_trace: false,
        }
    }
}

/// One timed operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Span<'a> {
    /// The service that did it.
    pub service: Text<'a>,
    /// The kind of operation, such as `web.request`.
    pub name: Text<'a>,
    /// What was operated on, such as `GET /users`.
    pub resource: Text<'a>,
    /// The type, such as `web`, `sql`, `redis`; called `type` on the wire.
    pub kind: Text<'a>,
    /// The lower 64 bits of the trace's id.
    pub trace_id: u64,
    /// The id of the span.
    pub span_id: u64,
    /// The id of the span that caused it, 0 when there is none.
    pub parent_id: u64,
    /// When it began, in nanoseconds since 1970.
    pub start: i64,
    /// How long it took, in nanoseconds.
    pub duration: i64,
    /// Whether it failed: 0 when it did not.
    pub error: i32,
    /// Its tags.
    pub meta: Map<'a, Text<'a>>,
    /// Its numeric tags.
    pub metrics: Map<'a, f64>,
    /// Its structured tags: each a msgpack document that nobody here looks into.
    pub meta_struct: Map<'a, Cow<'a, [u8]>>,
    /// Spans of this or other traces that it refers to.
    pub links: Vec<Link<'a>>,
    /// What happened meanwhile, such as an exception.
    pub events: Vec<Event<'a>>,
}

/// A reference from one span to another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Link<'a> {
    /// The lower 64 bits of the other trace's id.
    pub trace_id: u64,
    /// The upper 64 bits of the other trace's id.
    pub trace_id_high: u64,
    /// The other span.
    pub span_id: u64,
    /// Tags of the reference.
    pub attributes: Map<'a, Text<'a>>,
    /// The W3C `tracestate` of the other span.
    pub tracestate: Text<'a>,
    /// The W3C trace flags; bit 31 says that there were any.
    pub flags: u32,
}

/// A moment in a span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event<'a> {
    /// When, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What happened.
    pub name: Text<'a>,
    /// Tags of the moment.
    pub attributes: Map<'a, Value<'a>>,
}

/// The value of an attribute of an [`Event`].
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// One value.
    Scalar(Scalar<'a>),
    /// Several; arrays hold no arrays.
    Array(Vec<Scalar<'a>>),
}

/// One value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// A text.
    String(Text<'a>),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Double(f64),
}

/// A map in the order of the wire.
///
/// A body may hold a key twice; the last one counts, as it does for readers of the payload. Spans have some dozen keys,
/// for which a scan is faster than a hash; a body that holds a million costs a scan a lookup, and no more.
#[derive(Debug, Clone, PartialEq)]
pub struct Map<'a, V>(Vec<(Text<'a>, V)>);

impl<V> Default for Map<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, V> Map<'a, V> {
    /// An empty map with room for so many entries.
    pub fn with_capacity(entries: usize) -> Self {
        Self(Vec::with_capacity(entries))
    }

    /// Adds an entry as it was read, without a look at those before it.
    pub fn push(&mut self, key: impl Into<Text<'a>>, value: V) {
        self.0.push((key.into(), value));
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.entries_named(key).map(|(_, value)| value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.0
            .iter_mut()
            .rev()
            .find(|(found, _)| found == key)
            .map(|(_, value)| value)
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &str) -> bool {
        self.entries_named(key).is_some()
    }

    /// Sets the value of a key, which may be there already.
    pub fn insert(&mut self, key: impl Into<Text<'a>>, value: V) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(held) => *held = value,
            None => self.0.push((key, value)),
        }
    }

    /// Takes a key and all its values out.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(found, _)| found != key);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries in the order of the wire.
    pub fn iter(&self) -> std::slice::Iter<'_, (Text<'a>, V)> {
        self.0.iter()
    }

    /// All entries, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, (Text<'a>, V)> {
        self.0.iter_mut()
    }

    /// Keeps the entries for which a test holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    fn entries_named(&self, key: &str) -> Option<&(Text<'a>, V)> {
        self.0.iter().rev().find(|(found, _)| found == key)
    }
}

impl<'m, 'a, V> IntoIterator for &'m Map<'a, V> {
    type Item = &'m (Text<'a>, V);
    type IntoIter = std::slice::Iter<'m, (Text<'a>, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, V> FromIterator<(Text<'a>, V)> for Map<'a, V> {
    fn from_iter<I: IntoIterator<Item = (Text<'a>, V)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Span<'_> {
    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.meta.get(key).map(AsRef::as_ref)
    }

    /// The value of a numeric tag.
    pub fn metric(&self, key: &str) -> Option<f64> {
        self.metrics.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_values_counts() {
        let mut map = Map::default();
        map.push("a", 1);
        map.push("b", 2);
        map.push("a", 3);
        assert_eq!(map.get("a"), Some(&3));
        map.insert("a", 4);
        assert_eq!((map.get("a"), map.len()), (Some(&4), 3));
        map.remove("a");
        assert_eq!(
            (map.get("a"), map.contains("b"), map.len()),
            (None, true, 1)
        );
    }

    #[test]
    fn a_chunk_begins_without_a_decision() {
        assert_eq!(Chunk::default().priority, -128);
    }
}
