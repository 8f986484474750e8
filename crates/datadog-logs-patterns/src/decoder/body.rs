//! Rebuilds the text of a log from its pattern and its values, within the room that is left.

use std::sync::Arc;

use crate::decoder::message::Value;
use crate::decoder::state::State;
use crate::decoder::{Limit, Reason};

/// A text that grows up to a bound.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    room: usize,
    /// What is said when the room is used up.
    full: Reason,
}

impl Body {
    /// A text of up to `room` bytes.
    pub(super) fn new(room: usize, limit: Limit, max: usize) -> Self {
        let full = Reason::Limit { limit, max };
        Self {
            bytes: Vec::new(),
            room,
            full,
        }
    }

    /// Adds bytes behind the others.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        match self.room.checked_sub(bytes.len()) {
            Some(room) => self.room = room,
            None => return Err(self.full.clone()),
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds a number as text.
    pub(super) fn push_int(&mut self, value: i64) -> Result<(), Reason> {
        self.push(itoa::Buffer::new().format(value).as_bytes())
    }

    /// Adds a number in its shortest decimal notation, without an exponent: as Rust prints it.
    pub(super) fn push_float(&mut self, value: f64) -> Result<(), Reason> {
        self.push(value.to_string().as_bytes())
    }

    /// Adds `true` or `false`.
    pub(super) fn push_bool(&mut self, value: bool) -> Result<(), Reason> {
        self.push(if value { b"true" } else { b"false" })
    }

    /// Adds the text of a pattern with its values in their places.
    pub(super) fn push_pattern(
        &mut self,
        state: &State,
        pattern: u64,
        values: &[Value<'_>],
    ) -> Result<(), Reason> {
        let template = state.pattern(pattern)?;
        let (values_len, positions) = (values.len(), template.positions().len());
        if values_len != positions {
            let values = values_len;
            return Err(Reason::ValueCount { values, positions });
        }
        for (piece, value) in template.pieces() {
            self.push(piece)?;
            self.push_value(state, values.get(value).copied().unwrap_or_default())?;
        }
        self.push(template.tail())
    }

    fn push_value(&mut self, state: &State, value: Value<'_>) -> Result<(), Reason> {
        match value {
            Value::Missing => Err(Reason::MissingValue),
            Value::Int(value) => self.push_int(value),
            Value::Float(value) => self.push_float(value),
            Value::Text(text) => self.push(text.as_bytes()),
            Value::Entry(id) => self.push(state.text(id)?.as_bytes()),
            Value::Bool(value) => self.push_bool(value),
            Value::Raw(raw) => self.push(raw),
        }
    }
}

/// The text of a value that stands for a text as a whole: tags, a status, a key.
pub(super) fn text_of(state: &State, value: Value<'_>) -> Result<Arc<str>, Reason> {
    Ok(match value {
        Value::Text(text) => text.into(),
        Value::Entry(id) => Arc::clone(state.text(id)?),
        Value::Int(value) => value.to_string().into(),
        Value::Float(value) => value.to_string().into(),
        Value::Missing | Value::Bool(_) | Value::Raw(_) => return Err(Reason::MissingValue),
    })
}
