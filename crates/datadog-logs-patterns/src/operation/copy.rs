//! Copies operations from one batch to another, each with the text and values that it refers to.

use std::ops::Range;

use super::{Body, Json, JsonRef, Log, Member, Operation, Operations, Span, Value};

impl Operations {
    /// Adds a copy of an operation of another batch behind the others.
    pub(crate) fn copy(&mut self, from: &Self, operation: &Operation) {
        let operation = match operation {
            Operation::DefinePattern {
                id,
                template,
                positions,
            } => Operation::DefinePattern {
                id: *id,
                template: self.keep_text(from.text(template)),
                positions: self.keep_positions(from.positions(positions)),
            },
            Operation::DefineText { id, text } => Operation::DefineText {
                id: *id,
                text: self.keep_text(from.text(text)),
            },
            Operation::DefineSchema {
                id,
                columns,
                message_key,
            } => Operation::DefineSchema {
                id: *id,
                columns: self.keep_columns(from.columns(columns).iter().copied()),
                message_key: *message_key,
            },
            Operation::DeletePattern { .. }
            | Operation::DeleteText { .. }
            | Operation::DeleteSchema { .. } => operation.clone(),
            Operation::Log(log) => Operation::Log(self.copy_log(from, log)),
        };
        self.push(operation);
    }

    /// Adds copies of all operations of another batch behind the others.
    pub(crate) fn copy_all(&mut self, from: &Self) {
        for operation in from.iter() {
            self.copy(from, operation);
        }
    }

    fn copy_log(&mut self, from: &Self, log: &Log) -> Log {
        let body = match &log.body {
            Body::Raw(text) => Body::Raw(self.copy_text(from, text)),
            Body::Bytes { lossy, exact } => Body::Bytes {
                lossy: self.copy_text(from, lossy),
                exact: self.copy_text(from, exact),
            },
            Body::Pattern { id, values } => Body::Pattern {
                id: *id,
                values: self.copy_values(from, values),
            },
        };
        let json = from.json(log).map(|json| self.copy_json(from, json));
        Log {
            json,
            ..self.copy_attributes(from, log, body)
        }
    }

    fn copy_values(&mut self, from: &Self, values: &Range<u32>) -> Range<u32> {
        let first = self.next_value();
        for value in from.values(values) {
            let value = match value {
                Value::Text(text) => Value::Text(self.copy_text(from, text)),
                Value::Int(_) | Value::Dict(_) => value.clone(),
            };
            self.keep_value(value);
        }
        first..self.next_value()
    }

    fn copy_json(&mut self, from: &Self, json: &Json) -> JsonRef {
        let copy = match json {
            Json::Keys {
                message_key,
                schema,
                values,
            } => Json::Keys {
                message_key: *message_key,
                schema: *schema,
                values: self.copy_values(from, values),
            },
            Json::Columns { schema, members } => {
                let copies: Vec<_> = from
                    .members(members)
                    .iter()
                    .map(|member| match member {
                        Member::Text(text) => Member::Text(self.copy_text(from, text)),
                        Member::Raw(text) => Member::Raw(self.copy_text(from, text)),
                        Member::Bool(_) | Member::Int(_) | Member::Dict(_) => member.clone(),
                    })
                    .collect();
                Json::Columns {
                    schema: *schema,
                    members: self.keep_members(copies),
                }
            }
        };
        self.keep_json(copy)
    }

    /// A log with everything of another but its body, and without the object around it.
    pub(super) fn copy_attributes(&mut self, from: &Self, log: &Log, body: Body) -> Log {
        Log {
            timestamp_ms: log.timestamp_ms,
            status: log.status,
            service: log.service,
            tags: log.tags,
            uuid: log.uuid.as_ref().map(|uuid| self.copy_text(from, uuid)),
            body,
            json: None,
        }
    }

    fn copy_text(&mut self, from: &Self, span: &Span) -> Span {
        self.keep_text(from.text(span))
    }
}
