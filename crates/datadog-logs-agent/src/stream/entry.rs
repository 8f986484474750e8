//! From an entry as it would go over HTTP to a log as the stream has it.
//!
//! The message is the body, the other reserved keys have places of their own. An entry with attributes, or whose
//! message is no text, has as its body the JSON of message and attributes in their order: the intake reads a body that
//! is JSON as it reads a message over HTTP that is.

mod tail;

use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;

use datadog_wire::logs;

use self::tail::{Head, Tail};
use super::{shadow, time};
use crate::processor::outline::{DDTAGS, MESSAGE, RESERVED, TIMESTAMP, reserved};
use crate::processor::scan::{Found, Kind, Member, Scanner, decode, unescape};

/// Numbers of reserved keys beside those that [`crate::processor::outline`] names.
const HOSTNAME: usize = 2;
const SERVICE: usize = 3;
const DDSOURCE: usize = 4;
const STATUS: usize = 6;

/// Reads the entries of one text, one after the other; its memory is kept from one to the next.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    service_tag: ServiceTag,
    /// The members that may be part of the body: attributes, message and time, in their order.
    members: Vec<(Option<usize>, Member)>,
    slots: [Option<Found>; RESERVED],
    tail: Option<Tail>,
    /// Whether the slots of host, service, technology and tags all are those of the tail.
    is_of_tail: bool,
    body: Vec<u8>,
    tags: String,
    /// Whether `tags` is what the tail says.
    has_tags_of_tail: bool,
    /// The source that the tail says.
    source_of_tail: Option<u64>,
}

/// One entry in parts, each as text without escapes.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) body: &'a [u8],
    pub(super) timestamp_ms: i64,
    pub(super) status: Option<std::borrow::Cow<'a, str>>,
    pub(super) service: Option<std::borrow::Cow<'a, str>>,
    pub(super) tags: &'a str,
    /// What tells it from its copy on another way.
    pub(super) uuid: Option<&'a str>,
}

/// Whether the first member of every entry tells it from its copy on another way, and is none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marked {
    Yes,
    No,
}

/// Whether the service of a log is one of its tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceTag {
    Yes,
    No,
}

impl<'t> Reader<'t> {
    /// A reader of the entries in `text`.
    pub(super) fn new(text: &'t str, service_tag: ServiceTag) -> Self {
        Self {
            text,
            service_tag,
            members: Vec::new(),
            slots: [None; RESERVED],
            tail: None,
            is_of_tail: false,
            body: Vec::new(),
            tags: String::new(),
            has_tags_of_tail: false,
            source_of_tail: None,
        }
    }

    /// Reads the entry that is next. The scanner passed it before, or it would not be here; one that cannot be read is
    /// `None`.
    pub(super) fn read<'a>(
        &'a mut self,
        scanner: &mut Scanner<'_>,
        marked: Marked,
        now_ms: i64,
    ) -> Option<Entry<'a>> {
        let text = self.text;
        let uuid = match marked {
            Marked::Yes => shadow::uuid_of(text.get(scanner.position()..)?),
            Marked::No => None,
        };
        self.scan(scanner)?;
        if uuid.is_some() {
            self.members.remove(0);
        }
        let timestamp_ms = self.take_timestamp();
        self.write_tags();
        let in_place = self.place_body();
        let slot = |index: usize| self.slots[index].map(|found| decode(text, found));
        let body = in_place.and_then(|range| text.get(range));
        Some(Entry {
            body: body.map_or(&*self.body, str::as_bytes),
            timestamp_ms: timestamp_ms.unwrap_or(now_ms),
            status: slot(STATUS),
            service: slot(SERVICE),
            tags: &self.tags,
            uuid,
        })
    }

    /// Which source the entry that is next belongs to, as far as order matters; and how long its body is at most.
    pub(super) fn source(&mut self, scanner: &mut Scanner<'_>) -> Option<Source> {
        let start = scanner.position();
        self.scan(scanner)?;
        let known = self.source_of_tail.filter(|_| self.is_of_tail);
        let hash = known.unwrap_or_else(|| self.hash_source());
        self.source_of_tail = self.is_of_tail.then_some(hash);
        let message = self.slots[MESSAGE].map(|found| found.inner().len());
        let body_bytes = match self.has_attributes() {
            true => scanner.position() - start,
            false => message.unwrap_or_default(),
        };
        Some(Source { hash, body_bytes })
    }

    fn hash_source(&self) -> u64 {
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        for index in [HOSTNAME, SERVICE, DDSOURCE] {
            let value = self.slots[index].and_then(|found| self.text.get(found.range()));
            hasher.write(value.unwrap_or_default().as_bytes());
            hasher.write_u8(0);
        }
        hasher.finish()
    }

    fn scan(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        let text = self.text;
        self.members.clear();
        self.slots = [None; RESERVED];
        let mut head = Head::default();
        let (members, slots, tail) = (&mut self.members, &mut self.slots, &self.tail);
        let scanned = scanner.members_until(1, |member| {
            let index = reserved(text, &member).filter(|index| is_its_own(text, *index, &member));
            if let Some(index) = index {
                slots[index] = Some(member.value);
            }
            let is_varied = matches!(index, Some(MESSAGE | TIMESTAMP));
            if index.is_none() || is_varied {
                members.push((index, member));
            }
            head.note(index, member.value.end);
            let tail = tail.as_ref().filter(|_| is_varied)?;
            let end = tail.follows(text, member.value.end)?;
            tail.put(member.value.end, slots);
            head.is_followed = true;
            Some(end)
        });
        scanned.ok()?;
        if !head.is_followed {
            let end = scanner.position();
            let start = head.end.filter(|_| !head.has_attributes_behind);
            self.tail = start.map(|start| Tail::new(start..end, &self.slots));
            self.has_tags_of_tail = false;
            self.source_of_tail = None;
        }
        self.is_of_tail = self.tail.is_some() && !head.has_others;
        Some(())
    }

    /// The time, if it can be told; one that cannot stays in the body.
    fn take_timestamp(&mut self) -> Option<i64> {
        let (text, found) = (self.text, self.slots[TIMESTAMP]?);
        let time = match found.kind {
            Kind::Number => text.get(found.range()).and_then(time::whole_milliseconds),
            _ => time::from_iso_8601(&decode(text, found)),
        };
        if time.is_none() {
            for (index, _) in &mut self.members {
                *index = index.filter(|index| *index != TIMESTAMP);
            }
        }
        time
    }

    fn has_attributes(&self) -> bool {
        self.members.iter().any(|(index, _)| index.is_none())
    }

    /// Where the body stands in the text as it is; `None` when it had to be written.
    fn place_body(&mut self) -> Option<Range<usize>> {
        let text = self.text;
        let message = self.slots[MESSAGE].filter(|_| !self.has_attributes());
        match message.map(|found| (found, found.kind)) {
            Some((found, Kind::String { escaped: false })) => return Some(found.inner()),
            Some((found, Kind::String { escaped: true })) => {
                self.body.clear();
                let inner = text.get(found.inner()).unwrap_or_default();
                if !unescape(inner, &mut self.body) {
                    // The scanner has passed it, so that it can be read.
                    return Some(found.inner());
                }
            }
            _ => self.write_json(),
        }
        None
    }

    fn write_tags(&mut self) {
        if self.is_of_tail && self.has_tags_of_tail {
            return;
        }
        self.has_tags_of_tail = self.is_of_tail;
        self.tags.clear();
        let with_service = self.service_tag == ServiceTag::Yes;
        for (index, name) in [
            (DDTAGS, ""),
            (HOSTNAME, "hostname:"),
            (SERVICE, "service:"),
            (DDSOURCE, "ddsource:"),
        ] {
            let Some(found) = self.slots[index].filter(|_| index != SERVICE || with_service) else {
                continue;
            };
            let value = decode(self.text, found);
            if value.is_empty() {
                continue;
            }
            if !self.tags.is_empty() {
                self.tags.push(',');
            }
            self.tags.push_str(name);
            self.tags.push_str(&value);
        }
    }

    /// Message and attributes as one object without white space between its parts.
    fn write_json(&mut self) {
        self.body.clear();
        self.body.push(b'{');
        for (index, member) in &self.members {
            if index.is_some_and(|index| index != MESSAGE) {
                continue;
            }
            if self.body.len() > 1 {
                self.body.push(b',');
            }
            let part = |found: Found| self.text.get(found.range()).unwrap_or_default();
            self.body.extend_from_slice(part(member.key).as_bytes());
            self.body.push(b':');
            compact(part(member.value), &mut self.body);
        }
        self.body.push(b'}');
    }
}

/// What decides where an entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) hash: u64,
    /// Bytes of its body, escapes counted.
    pub(super) body_bytes: usize,
}

/// Whether the value of a reserved key is what the key is for: any for the message and the time, text for the others,
/// and one tag where it becomes one.
fn is_its_own(text: &str, index: usize, member: &Member) -> bool {
    let is_text = matches!(member.value.kind, Kind::String { .. });
    match index {
        MESSAGE => true,
        TIMESTAMP => is_text || matches!(member.value.kind, Kind::Number),
        HOSTNAME | SERVICE | DDSOURCE => is_text && !decode(text, member.value).contains(','),
        _ => is_text,
    }
}

/// Appends JSON without the white space between its parts.
fn compact(json: &str, out: &mut Vec<u8>) {
    let mut is_text = false;
    let mut is_escaped = false;
    for byte in json.bytes() {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        if is_text || !is_space {
            out.push(byte);
        }
        is_text ^= byte == b'"' && !is_escaped;
        is_escaped = is_text && byte == b'\\' && !is_escaped;
    }
}

const _: () = assert!(logs::RESERVED_KEYS.len() == 7);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(json: &str, service_tag: ServiceTag, expected: &str) {
        let mut reader = Reader::new(json, service_tag);
        let entry = reader.read(&mut Scanner::new(json), Marked::No, 7);
        assert_eq!(shown(&entry.unwrap()), expected);
    }

    fn shown(entry: &Entry<'_>) -> String {
        format!(
            "{} @{} {:?} {:?} {}",
            String::from_utf8_lossy(entry.body),
            entry.timestamp_ms,
            entry.status.as_deref().unwrap_or_default(),
            entry.service.as_deref().unwrap_or_default(),
            entry.tags
        )
    }

    /// A member of an entry, often the same as in another.
    fn member() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            "[ab]{0,2}".prop_map(|text| format!("\"{text}\"")),
            Just("\"\\n\"".to_owned()),
            Just("1".to_owned()),
            Just("null".to_owned()),
        ];
        let key = prop_oneof![
            3 => Just("message"),
            2 => Just("timestamp"),
            1 => Just("hostname"),
            1 => Just("service"),
            1 => Just("ddsource"),
            1 => Just("ddtags"),
            1 => Just("status"),
            1 => Just("a"),
        ];
        (key, "[ ]{0,1}", value).prop_map(|(key, space, value)| format!("\"{key}\":{space}{value}"))
    }

    /// An entry with one of few tails.
    fn entry() -> impl Strategy<Value = String> {
        let tail = prop_oneof![
            Just(""),
            Just(r#","hostname":"h","service":"s","ddtags":"t:1","status":"info""#),
            Just(r#","service":"s","x":1"#),
            Just(r#","ddsource":"d" "#),
        ];
        (prop::collection::vec(member(), 1..5), tail)
            .prop_map(|(members, tail)| format!("{{{}{tail}}}", members.join(",")))
    }

    proptest! {
        #[test]
        fn an_entry_is_read_as_if_there_were_none_before_it(
            entries in prop::collection::vec(entry(), 1..8)
        ) {
            let text = entries.join(",");
            let mut reader = Reader::new(&text, ServiceTag::Yes);
            let mut sources = Reader::new(&text, ServiceTag::Yes);
            let mut scanner = Scanner::new(&text);
            for entry in &entries {
                let source = sources.source(&mut Scanner::starting_at(&text, scanner.position()));
                let read = shown(&reader.read(&mut scanner, Marked::No, 7).unwrap());
                scanner.accept(b',');
                let alone = || Reader::new(entry, ServiceTag::Yes);
                prop_assert_eq!(read, shown(&alone().read(&mut Scanner::new(entry), Marked::No, 7).unwrap()));
                prop_assert_eq!(source, alone().source(&mut Scanner::new(entry)));
            }
        }
    }

    #[test]
    fn the_message_is_the_body_and_the_rest_has_places_of_its_own() {
        check(
            r#"{"message":"a \"b\"","timestamp":5,"hostname":"h","service":"s","ddsource":"d","ddtags":"x:1,y","status":"warn"}"#,
            ServiceTag::Yes,
            r#"a "b" @5 "warn" "s" x:1,y,hostname:h,service:s,ddsource:d"#,
        );
        check(
            r#"{"service":"s","message":"m","hostname":"h"}"#,
            ServiceTag::No,
            r#"m @7 "" "s" hostname:h"#,
        );
        check(r#"{"message":""}"#, ServiceTag::Yes, r#" @7 "" "" "#);
    }

    #[test]
    fn attributes_and_a_message_that_is_no_text_make_the_body_json() {
        check(
            r#"{ "a" : [1, " \" x"], "message" : "m", "service":"s", "b":{"c" : null} }"#,
            ServiceTag::Yes,
            r#"{"a":[1," \" x"],"message":"m","b":{"c":null}} @7 "" "s" service:s"#,
        );
        check(
            r#"{"message":{"x": 1}}"#,
            ServiceTag::Yes,
            r#"{"message":{"x":1}} @7 "" "" "#,
        );
        check(
            r#"{"message":"m","service":"a,b","hostname":"h\u002cost"}"#,
            ServiceTag::Yes,
            r#"{"message":"m","service":"a,b","hostname":"h\u002cost"} @7 "" "" "#,
        );
        check(
            r#"{"message":"m","service":5}"#,
            ServiceTag::Yes,
            r#"{"message":"m","service":5} @7 "" "" "#,
        );
    }

    #[test]
    fn a_time_that_cannot_be_told_stays_in_the_body() {
        check(
            r#"{"message":"m","timestamp":"2026-01-02T03:04:05.678Z"}"#,
            ServiceTag::Yes,
            r#"m @1767323045678 "" "" "#,
        );
        check(
            r#"{"message":"m","timestamp":"yesterday"}"#,
            ServiceTag::Yes,
            r#"{"message":"m","timestamp":"yesterday"} @7 "" "" "#,
        );
    }

    #[test]
    fn a_source_is_host_service_and_technology() {
        let source = |json: &str| {
            let source = Reader::new(json, ServiceTag::Yes).source(&mut Scanner::new(json));
            source.unwrap()
        };
        let one = source(r#"{"message":"abc","service":"s"}"#);
        assert_eq!(one.body_bytes, 3);
        assert_eq!(
            one.hash,
            source(r#"{"service":"s","message":"other","status":"x"}"#).hash
        );
        assert_ne!(one.hash, source(r#"{"message":"abc","hostname":"s"}"#).hash);
    }
}
