//! An entry that is written anew: its message was changed or must be cut, or a reserved key is not as it should be.
//!
//! The reserved keys come first, in their fixed order, then the attributes in theirs. What is not touched is copied
//! as JSON text, so that numbers keep every digit.

use std::borrow::Cow;

use super::outline::{DDTAGS, MESSAGE, Outline, RESERVED, TIMESTAMP, reserved};
use super::plan::{Cut, Plan};
use super::scan::{Found, Kind, Member, Scanner, decode};
use super::{EntryLimits, Oversize, REQUEST_ENTRY_BYTES, TRUNCATION_MARKER};
use crate::intake_entry::{json, whole_milliseconds};

/// What stands before the message.
const HEAD: &[u8] = b"{\"message\":";

/// The message of a draft.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// Text, not yet escaped.
    Text(Cow<'a, str>),
    /// An object or array, as JSON.
    Json(Cow<'a, str>),
}

/// The entry does not fit, and cannot be made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// An entry on its way to be written anew.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    message: Message<'a>,
    /// The values of the other reserved keys, as JSON.
    values: [Option<Cow<'a, str>>; RESERVED],
    /// The entry's own tags.
    tags: Option<Cow<'a, str>>,
    /// Whether `ddtags` is an attribute, being no text.
    has_odd_tags: bool,
    /// Reserved keys that are set, attributes of their name included.
    set: u8,
    /// Keys with their values, as JSON.
    attributes: Vec<&'a str>,
}

impl<'a> Draft<'a> {
    /// A draft of which only the message is known.
    pub(super) fn from_message(message: Cow<'a, str>) -> Self {
        Self {
            message: Message::Text(message),
            values: Default::default(),
            tags: None,
            has_odd_tags: false,
            set: 1 << MESSAGE,
            attributes: Vec::new(),
        }
    }

    /// A draft of an entry in `text`, with another message where `message` is one.
    pub(super) fn from_outline(
        text: &'a str,
        outline: &Outline,
        message: Option<Message<'a>>,
    ) -> Self {
        let message = message.or_else(|| Some(message_of(text, outline.slot(MESSAGE)?)));
        let mut draft = Self {
            message: message.unwrap_or(Message::Text(Cow::Borrowed(""))),
            set: outline.set,
            ..Self::from_message(Cow::Borrowed(""))
        };
        let mut is_attribute = [false; RESERVED];
        for (index, is_attribute) in is_attribute.iter_mut().enumerate().skip(TIMESTAMP) {
            let Some(value) = outline.slot(index) else {
                continue;
            };
            match (index, value.kind) {
                (DDTAGS, Kind::String { .. }) => draft.tags = Some(decode(text, value)),
                (_, Kind::String { .. }) => {
                    draft.values[index] = text.get(value.range()).map(Cow::Borrowed)
                }
                (TIMESTAMP, Kind::Number) => {
                    draft.values[index] = text.get(value.range()).map(milliseconds)
                }
                _ => *is_attribute = true,
            }
        }
        draft.has_odd_tags = is_attribute[DDTAGS];
        let is_kept = |member: &Member| match reserved(text, member) {
            None => true,
            // Of equal keys only the one that counts.
            Some(index) => is_attribute[index] && outline.slot(index) == Some(member.value),
        };
        let attributes = &mut draft.attributes;
        let walked = Scanner::starting_at(text, outline.start).members(1, |member| {
            if is_kept(&member) {
                attributes.extend(text.get(member.key.start..member.value.end));
            }
        });
        debug_assert!(walked.is_ok(), "the outline was read from the same text");
        draft
    }

    /// Appends the entry, cut if it must be and may be.
    pub(super) fn write(
        &self,
        plan: &Plan,
        limits: &EntryLimits,
        out: &mut Vec<u8>,
    ) -> Result<Cut, TooLarge> {
        let mut tail = Vec::new();
        self.write_tail(plan, Cut::No, &mut tail);
        let text = match &self.message {
            Message::Text(text) => text,
            Message::Json(json) => {
                if HEAD.len() + json.len() + tail.len() > limits.most_bytes() {
                    return Err(TooLarge);
                }
                out.extend_from_slice(HEAD);
                out.extend_from_slice(json.as_bytes());
                out.extend_from_slice(&tail);
                return Ok(Cut::No);
            }
        };
        let whole = HEAD.len() + 2 + json::escaped_len(text) + tail.len();
        if limits.allows_message(text.len()) && whole <= limits.most_bytes() {
            out.extend_from_slice(HEAD);
            json::write_str(text, out);
            out.extend_from_slice(&tail);
            return Ok(Cut::No);
        }
        if limits.oversize != Oversize::Truncate {
            return Err(TooLarge);
        }
        tail.clear();
        self.write_tail(plan, Cut::Yes, &mut tail);
        let around = HEAD.len() + 2 + TRUNCATION_MARKER.len() + tail.len();
        let room = limits.entry_bytes.checked_sub(around).ok_or(TooLarge)?;
        let kept = json::prefix_within(text, limits.message_bytes, room);
        out.extend_from_slice(HEAD);
        out.push(b'"');
        json::write_escaped(&text.as_bytes()[..kept], out);
        out.extend_from_slice(TRUNCATION_MARKER.as_bytes());
        out.push(b'"');
        out.extend_from_slice(&tail);
        Ok(Cut::Yes)
    }

    /// Appends everything behind the message.
    fn write_tail(&self, plan: &Plan, cut: Cut, out: &mut Vec<u8>) {
        for index in TIMESTAMP..RESERVED {
            if index == DDTAGS {
                self.write_tags(plan, cut, out);
            } else if let Some(value) = &self.values[index] {
                write_key(index, out);
                out.extend_from_slice(value.as_bytes());
            } else if self.set & (1 << index) == 0 {
                out.extend_from_slice(plan.fragment(index));
            }
        }
        for attribute in &self.attributes {
            out.push(b',');
            out.extend_from_slice(attribute.as_bytes());
        }
        out.push(b'}');
    }

    fn write_tags(&self, plan: &Plan, cut: Cut, out: &mut Vec<u8>) {
        if self.has_odd_tags {
            return;
        }
        let own = self.tags.as_deref().unwrap_or(&plan.default_tags);
        if let Some(value) = plan.tags_value(own, cut) {
            write_key(DDTAGS, out);
            out.extend_from_slice(&value);
        }
    }
}

impl EntryLimits {
    /// Bytes of the largest entry that goes out.
    pub(super) fn most_bytes(&self) -> usize {
        match self.oversize {
            Oversize::Send => REQUEST_ENTRY_BYTES,
            Oversize::Truncate | Oversize::Drop => self.entry_bytes,
        }
    }

    /// Whether a message of so many bytes may go out whole.
    pub(super) fn allows_message(&self, bytes: usize) -> bool {
        self.oversize == Oversize::Send || bytes <= self.message_bytes
    }
}

/// The message as the entry has it: a number or boolean becomes its text.
fn message_of(text: &str, value: Found) -> Message<'_> {
    let json = text.get(value.range()).unwrap_or_default();
    match value.kind {
        Kind::String { .. } => Message::Text(decode(text, value)),
        Kind::Object | Kind::Array => Message::Json(json.into()),
        Kind::Number | Kind::Bool | Kind::Null => Message::Text(json.into()),
    }
}

/// The number without its fraction, if it has one and an integer can hold the rest.
fn milliseconds(number: &str) -> Cow<'_, str> {
    if !number.contains(['.', 'e', 'E']) {
        return number.into();
    }
    let whole = number.parse().ok().and_then(whole_milliseconds);
    whole.map_or_else(|| number.into(), |whole| whole.to_string().into())
}

fn write_key(index: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(datadog_wire::logs::RESERVED_KEYS[index].as_bytes());
    out.extend_from_slice(b"\":");
}
