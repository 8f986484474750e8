//! The words of profile A for objects: a list of keys is a text, and values are numbers or strings.
//!
//! It writes a number and the string of its digits alike, `true` like `"true"`, `null` like `""`,
//! and what is nested like the string of its text. So of each pair only one may travel: the number, and else the string.

use crate::dictionary::Moment;
use crate::encoder::values::Shortest;
use crate::integer::is_canonical_int;
use crate::json::object::Leaf;
use crate::json::scan::{Member, Scanner};
use crate::operation::{DictId, Json, Value};

use super::{Columns, Encoder};

/// What is left of the object whose only member was the message.
const EMPTY_OBJECT: &[u8] = b"{}";

/// Whether the profile can say every member so that it comes back as it is.
pub(super) fn can_say(scanner: &Scanner, line: &[u8]) -> bool {
    let message = scanner.message_index();
    let can_say = |(index, member): (usize, &Member)| {
        if Some(index) == message {
            return true;
        }
        let value = match scanner.value(line, member) {
            Leaf::Int(_) => true,
            Leaf::Text(text) => is_canonical_int(text).is_none(),
            Leaf::Null | Leaf::Bool(_) | Leaf::Raw(_) => false,
        };
        value && member.depth() == 0 && !scanner.key(line, member).contains(&b',')
    };
    (0..).zip(scanner.members()).all(can_say)
}

impl Encoder {
    /// The entries for the path of the message, and for the list of the other keys if there are any.
    pub(super) fn keys_of_profile_a(
        &mut self,
        scanner: &Scanner,
        line: &[u8],
        now: Moment,
    ) -> Vec<DictId> {
        let (mut list, mut keys) = (Vec::new(), Vec::new());
        for (index, member) in (0..).zip(scanner.members()) {
            let key = match Some(index) == scanner.message_index() {
                false => scanner.key(line, member),
                true => {
                    let path = scanner.path(member);
                    keys.push(self.entry_of(path, now));
                    match object_of(path) {
                        Some(object) => object,
                        None => continue,
                    }
                }
            };
            if !list.is_empty() {
                list.push(b',');
            }
            list.extend_from_slice(key);
        }
        if !list.is_empty() {
            keys.push(self.entry_of(&list, now));
        }
        keys
    }

    /// The members beside the message.
    pub(super) fn keys(
        &mut self,
        columns: &mut Columns,
        index: u32,
        line: &[u8],
        now: Moment,
    ) -> Option<Json> {
        let Columns {
            scanner, schemas, ..
        } = columns;
        let schema = schemas.get_mut(index)?;
        let first = self.open.next_value();
        for ((index, member), slot) in (0..).zip(scanner.members()).zip(&mut schema.slots) {
            let value = match scanner.value(line, member) {
                _ if Some(index) == scanner.message_index() => {
                    if member.depth() == 0 {
                        continue;
                    }
                    Value::Text(self.open.keep_text(EMPTY_OBJECT))
                }
                Leaf::Int(number) => Value::Int(number),
                Leaf::Text(text) => self
                    .values()
                    .encode_text(text, slot, Shortest::OF_OBJECT, now),
                Leaf::Null | Leaf::Bool(_) | Leaf::Raw(_) => return None,
            };
            self.open.keep_value(value);
        }
        Some(Json::Keys {
            message_key: *schema.keys.first()?,
            schema: schema.keys.get(1).copied(),
            values: first..self.open.next_value(),
        })
    }
}

/// The key of the object that a message is in, if it is in one; no such key has a dot or a backslash.
fn object_of(path: &[u8]) -> Option<&[u8]> {
    let dot = path.iter().position(|byte| *byte == b'.')?;
    path.get(..dot)
}
