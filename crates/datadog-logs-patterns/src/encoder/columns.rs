//! JSON objects as columns: the message is a body like any other, the other members travel beside it.
//!
//! An object is taken apart only if it is the canonical form of its members to the byte, and if the profile has a word
//! for each of them. Everything that can make a line text after all is looked at before anything of it is sent.

mod profile_a;
mod profile_c;
mod structure;

use std::hash::BuildHasher as _;

use crate::cluster::Slot;
use crate::dictionary::Moment;
use crate::eviction;
use crate::json::object::Leaf;
use crate::json::scan::{Refusal, Scanner, ShapeOf};
use crate::json::schemas::{Limits, New, Schemas};
use crate::operation::{Body, JsonRef, Member, Operation, SchemaId};
use crate::token::Kind;
use crate::wire::Profile;

use super::body::Fit;
use super::{Encoder, RawReason, TextReason};

/// What an encoder needs for columns.
#[derive(Debug)]
pub(super) struct Columns {
    scanner: Scanner,
    schemas: Schemas,
    /// The members of the log that is being encoded.
    members: Vec<Member>,
}

impl From<Refusal> for TextReason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Form => Self::Form,
            Refusal::NoMessage => Self::NoMessage,
            Refusal::TooLarge => Self::TooLarge,
        }
    }
}

impl Columns {
    /// Without any schema; and what of the limits is left for the dictionary.
    pub(super) fn new(limits: eviction::Limits) -> (Self, eviction::Limits) {
        let (limits, texts) = Limits::share(limits);
        let columns = Self {
            scanner: Scanner::default(),
            schemas: Schemas::new(limits),
            members: Vec::new(),
        };
        (columns, texts)
    }

    pub(super) fn len(&self) -> usize {
        self.schemas.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.schemas.bytes()
    }

    /// The memory of what is remembered of shapes without a schema.
    pub(super) fn once_bytes(&self) -> usize {
        self.schemas.once_bytes()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = SchemaId> {
        self.schemas.ids()
    }
}

impl Encoder {
    /// The message of an object, its other members, and the structure of the line; `None` where it is to be text.
    ///
    /// In profile A a message without a pattern cannot be in an object. When its structure is new,
    /// the line travels as it is, without members.
    pub(super) fn object(
        &mut self,
        line: &[u8],
        now: Moment,
    ) -> Option<(Body, Option<JsonRef>, u64)> {
        let mut columns = self.columns.take()?;
        let found = self.object_with(&mut columns, line, now);
        self.columns = Some(columns);
        match found {
            Ok(found) => {
                self.stats.columns += u64::from(found.1.is_some());
                Some(found)
            }
            Err(reason) => {
                self.stats.count_text(reason);
                None
            }
        }
    }

    fn object_with(
        &mut self,
        columns: &mut Columns,
        line: &[u8],
        now: Moment,
    ) -> Result<(Body, Option<JsonRef>, u64), TextReason> {
        let profile = self.options.profile;
        let shape = match profile {
            Profile::A => ShapeOf::Keys,
            Profile::C => ShapeOf::KeysAndKinds,
        };
        columns.scanner.scan(line, shape)?;
        if simdutf8::basic::from_utf8(line).is_err() {
            return Err(TextReason::Form);
        }
        if profile == Profile::A && !profile_a::can_say(&columns.scanner, line) {
            return Err(TextReason::Ambiguous);
        }
        if !columns.scanner.gives_back(line) {
            return Err(TextReason::Guard);
        }
        let index = self.schema(columns, line, now)?;
        let message = columns.message(line).ok_or(TextReason::NoMessage)?;
        let fit = self.fit(message, now);
        let body = match fit {
            Fit::Pattern(index) => self
                .structured(message, index, now)
                .ok_or(TextReason::Guard)?,
            Fit::Raw { reason, .. } if profile == Profile::C => self.raw(message, reason),
            // The next of its structure will have a pattern, so there is no use in learning the line as text.
            Fit::Raw {
                reason: RawReason::New,
                ..
            } => {
                let structure = self.object_structure(columns, index, line, message, fit);
                return Ok((self.raw(line, RawReason::New), None, structure));
            }
            Fit::Raw { .. } => return Err(TextReason::Message),
        };
        let structure = self.object_structure(columns, index, line, message, fit);
        let json = match profile {
            Profile::A => self.keys(columns, index, line, now),
            Profile::C => self.columns(columns, index, line, now),
        };
        let json = self.open.keep_json(json.ok_or(TextReason::Guard)?);
        Ok((body, Some(json), structure))
    }

    /// The place of the schema of the object that was scanned; a new one when the shape is seen for the second time.
    fn schema(
        &mut self,
        columns: &mut Columns,
        line: &[u8],
        now: Moment,
    ) -> Result<u32, TextReason> {
        let Columns {
            scanner, schemas, ..
        } = columns;
        let shape = scanner.shape();
        let hash = self.hasher.hash_one(shape);
        if let Some(index) = schemas.find(hash, shape, now) {
            return Ok(index);
        }
        if !schemas.seen(hash) {
            return Err(TextReason::New);
        }
        if !schemas.may_hold(scanner.members().len(), shape.len()) {
            return Err(TextReason::NoRoom);
        }
        let keys = match self.options.profile {
            Profile::A => self.keys_of_profile_a(scanner, line, now),
            Profile::C => self.keys_of_profile_c(scanner, now),
        };
        let slots = self.slots(scanner, line);
        let new = New {
            hash,
            shape,
            structure: self.clusters.new_structure(),
            keys,
            slots,
        };
        Ok(schemas.add(new, &mut self.dictionary, now))
    }

    /// What is to be known of the values of each member: times and ids never come back.
    fn slots(&mut self, scanner: &Scanner, line: &[u8]) -> Vec<Slot> {
        let members = scanner.members().iter();
        members
            .map(|member| Slot {
                fleeting: match scanner.value(line, member) {
                    Leaf::Text(text) => self.is_fleeting(text),
                    Leaf::Null | Leaf::Bool(_) | Leaf::Int(_) | Leaf::Raw(_) => false,
                },
                ..Slot::default()
            })
            .collect()
    }

    fn is_fleeting(&mut self, text: &[u8]) -> bool {
        if self.tokenizer.tokenize(text).is_err() {
            return false;
        }
        let is_id = |kind: &Kind| matches!(kind, Kind::Number | Kind::Hex | Kind::Uuid);
        let kinds = self.tokenizer.tokens().kinds();
        kinds.contains(&Kind::Timestamp) || (!kinds.is_empty() && kinds.iter().all(is_id))
    }

    /// Lets go of schemas that have become too many, after the log that may still use them.
    pub(super) fn evict_schemas(&mut self, now: Moment) {
        let Some(columns) = &mut self.columns else {
            return;
        };
        let left = columns.schemas.evict(
            &mut self.dictionary,
            now,
            self.text_limits.age_decay,
            &mut self.evicted,
        );
        self.stats.schemas_evicted += left as u64;
        for id in self.evicted.drain(..) {
            self.open.push(Operation::DeleteSchema { id });
        }
    }
}

impl Columns {
    /// The message of the object that was scanned, without escapes.
    fn message<'a>(&'a self, line: &'a [u8]) -> Option<&'a [u8]> {
        let member = self.scanner.members().get(self.scanner.message_index()?)?;
        match self.scanner.value(line, member) {
            Leaf::Text(text) => Some(text),
            Leaf::Null | Leaf::Bool(_) | Leaf::Int(_) | Leaf::Raw(_) => None,
        }
    }
}
