//! Copies operations from one batch to another, each with the text and values that it refers to.

use super::{Body, Log, Operation, Operations, Span, Value};

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
            Operation::DeletePattern { .. } | Operation::DeleteText { .. } => operation.clone(),
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
            Body::Pattern { id, values } => {
                let first = self.next_value();
                for value in from.values(values) {
                    let value = match value {
                        Value::Text(text) => Value::Text(self.copy_text(from, text)),
                        Value::Int(_) | Value::Dict(_) => value.clone(),
                    };
                    self.keep_value(value);
                }
                Body::Pattern {
                    id: *id,
                    values: first..self.next_value(),
                }
            }
        };
        self.copy_attributes(from, log, body)
    }

    /// A log with everything of another but its body.
    pub(super) fn copy_attributes(&mut self, from: &Self, log: &Log, body: Body) -> Log {
        Log {
            uuid: log.uuid.as_ref().map(|uuid| self.copy_text(from, uuid)),
            body,
            ..*log
        }
    }

    fn copy_text(&mut self, from: &Self, span: &Span) -> Span {
        self.keep_text(from.text(span))
    }
}
