//! Logs of profile A.

use std::sync::Arc;

use super::{Batch, Last, Rest};
use crate::decoder::body::text_of;
use crate::decoder::json::{Json, Members, Path};
use crate::decoder::message::Value;
use crate::decoder::message_a::{Content, Log, Structured, Sync};
use crate::decoder::{Limit, Reason};

impl Batch<'_> {
    pub(super) fn sync_a(&mut self, sync: &Sync<'_>) -> Result<(), Reason> {
        if sync.timestamp != 0 {
            self.running.timestamp_ms = sync.timestamp.cast_signed();
        }
        self.pattern(sync.pattern);
        if let Some(tags) = sync.tags {
            self.running.tags = self.last(tags)?;
        }
        Ok(())
    }

    pub(super) fn log_a(&mut self, log: &Log<'_>) -> Result<(), Reason> {
        self.advance(log.timestamp);
        if let Some(tags) = log.tags {
            self.running.tags = self.last(tags)?;
        }
        if let Some(status) = log.status {
            self.running.status = self.last(status)?;
        }
        let (body, pattern) = match &log.content {
            Content::Missing => return Err(Reason::MissingContent),
            Content::Raw(text) => {
                let mut body = self.body(0);
                body.push(text.as_bytes())?;
                (body.into_bytes(), None)
            }
            Content::Structured(log) => {
                let pattern = self.pattern(log.pattern);
                (self.structured(pattern, log)?, Some(pattern))
            }
        };
        let (uuid, exact) = (log.uuid, log.exact);
        self.push(
            body,
            &Rest {
                uuid,
                exact,
                pattern,
            },
        )
    }

    /// A value that later logs may leave out.
    fn last(&self, value: Value<'_>) -> Result<Last, Reason> {
        Ok(match value {
            Value::Entry(id) => Last::Entry(id),
            value => Last::Text(text_of(self.state, value)?),
        })
    }

    fn structured(&mut self, pattern: u64, log: &Structured<'_>) -> Result<Vec<u8>, Reason> {
        let mut message = self.body(0);
        message.push_pattern(self.state, pattern, &log.values)?;
        let message = message.into_bytes();
        if !log.context.is_empty() {
            return Err(Reason::Json("the deprecated form of context"));
        }
        let Some(key) = log.message_key else {
            if log.schema != 0 || !log.members.is_empty() {
                return Err(Reason::Json("members without a key for the message"));
            }
            return Ok(message);
        };
        self.object_a(key, &message, log)
    }

    /// The object around a message.
    fn object_a(
        &mut self,
        message_key: Value<'_>,
        message: &[u8],
        log: &Structured<'_>,
    ) -> Result<Vec<u8>, Reason> {
        let message_key = text_of(self.state, message_key)?;
        let keys = match log.schema {
            0 => Arc::from(""),
            id => Arc::clone(self.state.text(id)?),
        };
        // A schema without keys and one with an empty key look the same; the values tell.
        let no_keys = keys.is_empty() && log.members.is_empty();
        let count = if no_keys { 0 } else { keys.split(',').count() };
        Limit::Values.check(count, self.limits.values)?;
        if count != log.members.len() || (log.schema == 0 && count > 0) {
            return Err(Reason::Json("more or fewer values than keys"));
        }

        let mut members = Members::new(self.limits.log_bytes);
        for (key, value) in keys.split(',').zip(&log.members) {
            let value = self.json(key, *value, &message_key)?;
            members.push(key, Path::Plain, value)?;
        }
        members.push(&message_key, Path::Dotted, Json::Text(message))?;
        let mut body = self.body(message.len());
        members.write(&mut body)?;
        self.spend(message.len())?;
        Ok(body.into_bytes())
    }

    /// The JSON of a value. Objects and arrays come as their text, which cannot be told from a string;
    /// only the object that the message was the sole member of is known to be one.
    fn json<'a>(
        &'a self,
        key: &str,
        value: Value<'a>,
        message_key: &str,
    ) -> Result<Json<'a>, Reason> {
        Ok(match value {
            Value::Missing => Json::Null,
            Value::Int(value) => Json::Int(value),
            Value::Float(value) => Json::Float(value),
            Value::Bool(value) => Json::Bool(value),
            Value::Raw(raw) => Json::Raw(raw),
            Value::Text("{}") if is_parent(key, message_key) => Json::Raw(b"{}"),
            Value::Text(text) => Json::Text(text.as_bytes()),
            Value::Entry(id) => match &**self.state.text(id)? {
                "{}" if is_parent(key, message_key) => Json::Raw(b"{}"),
                text => Json::Text(text.as_bytes()),
            },
        })
    }
}

/// Whether the path leads through the member of that key.
fn is_parent(key: &str, path: &str) -> bool {
    path.strip_prefix(key)
        .is_some_and(|rest| rest.starts_with('.'))
}
