//! Profile A: a `DatumSequence`, whose logs hold a oneof of pattern and raw text.
//!
//! "None" after "some": a log without tags or status whose predecessor had them says so with an empty string,
//! as absence means "the same".

use datadog_wire::stateful::RAW_BYTES_FIELD;

use super::change::{ParamCount, Steps};
use super::message::{
    entry_or_empty_len, exact_bytes, stated, text_len, uuid, values_len, write_entry_or_empty,
    write_stated, write_text, write_values,
};
use super::{Breakdown, FieldOrder, Message, Options};
use crate::delta::Delta;
use crate::operation::{Body, Json, Log, Operations, Value};
use crate::protobuf::{bytes_field, bytes_field_len, message_field, zigzag};

/// The fields of a log.
mod log {
    pub(super) const TIMESTAMP: u32 = 1;
    pub(super) const STRUCTURED: u32 = 2;
    pub(super) const RAW: u32 = 3;
    pub(super) const TAGS: u32 = 4;
    pub(super) const UUID: u32 = 5;
    pub(super) const STATUS: u32 = 6;
}

/// The fields of a text as a pattern and its values.
mod structured {
    pub(super) const PATTERN_ID: u32 = 1;
    pub(super) const DYNAMIC_VALUES: u32 = 2;
    pub(super) const JSON_MESSAGE_KEY: u32 = 4;
    pub(super) const JSON_SCHEMA_ID: u32 = 5;
    pub(super) const JSON_VALUES: u32 = 6;
}

/// The field of a tag set.
const TAG_SET_TAGSET: u32 = 1;

/// A log as it differs from the one before, with the lengths of its messages.
pub(super) struct Measured<'a> {
    timestamp: Option<u64>,
    content: Content<'a>,
    tags: Option<u64>,
    uuid: Option<&'a [u8]>,
    status: Option<u64>,
    exact: Option<&'a [u8]>,
    order: FieldOrder,
    len: usize,
}

enum Content<'a> {
    Structured {
        pattern: Option<u64>,
        values: &'a [Value],
        json: Option<&'a Json>,
        len: usize,
    },
    Raw(&'a [u8]),
}

impl<'a> Message<'a> for Measured<'a> {
    const STEPS: Steps = Steps {
        pattern_define: 1,
        pattern_delete: 2,
        dict_entry_define: 3,
        dict_entry_delete: 4,
        schema_define: None,
        schema_delete: None,
        log: 6,
        param_count: ParamCount::Stated,
    };

    fn measure(
        log: &'a Log,
        operations: &'a Operations,
        options: Options,
        delta: &mut Delta,
    ) -> Self {
        let timestamp = zigzag(delta.timestamp(log.timestamp_ms));
        let mut measured = Self {
            timestamp: (timestamp != 0).then_some(timestamp),
            content: Content::new(log, operations, delta),
            tags: delta.tags(log.tags.unwrap_or(0)),
            uuid: uuid(operations, log),
            status: delta.status(log.status.unwrap_or(0)),
            exact: exact_bytes(operations, log, options),
            order: options.order,
            len: 0,
        };
        measured.len = stated(log::TIMESTAMP, measured.timestamp)
            + measured.content.len()
            + measured.tags_len()
            + text_len(log::UUID, measured.uuid)
            + measured.status_len()
            + text_len(RAW_BYTES_FIELD, measured.exact);
        measured
    }

    fn len(&self) -> usize {
        self.len
    }

    fn write(&self, operations: &Operations, out: &mut Vec<u8>) {
        if self.order == FieldOrder::Ascending {
            write_stated(out, log::TIMESTAMP, self.timestamp);
        }
        self.content.write(operations, out);
        if let Some(id) = self.tags {
            let tagset = bytes_field_len(TAG_SET_TAGSET, entry_or_empty_len(id));
            message_field(out, log::TAGS, tagset);
            write_entry_or_empty(out, TAG_SET_TAGSET, id);
        }
        write_text(out, log::UUID, self.uuid);
        if let Some(id) = self.status {
            write_entry_or_empty(out, log::STATUS, id);
        }
        write_text(out, RAW_BYTES_FIELD, self.exact);
        if self.order == FieldOrder::LengthsFirst {
            write_stated(out, log::TIMESTAMP, self.timestamp);
        }
    }

    fn count(&self, operations: &Operations, bytes: &mut Breakdown) {
        bytes.timestamps += stated(log::TIMESTAMP, self.timestamp);
        bytes.tags_status += self.tags_len() + self.status_len();
        bytes.uuids += text_len(log::UUID, self.uuid);
        bytes.raw += text_len(RAW_BYTES_FIELD, self.exact);
        match &self.content {
            Content::Structured {
                pattern,
                values,
                json,
                len,
            } => {
                bytes.json += json_len(*json, operations);
                bytes.pattern_ids += stated(structured::PATTERN_ID, *pattern);
                bytes.add_values(structured::DYNAMIC_VALUES, values);
                bytes.framing += bytes_field_len(log::STRUCTURED, *len) - len;
            }
            Content::Raw(text) => bytes.raw += bytes_field_len(log::RAW, text.len()),
        }
    }
}

impl Measured<'_> {
    fn tags_len(&self) -> usize {
        self.tags.map_or(0, |id| {
            bytes_field_len(
                log::TAGS,
                bytes_field_len(TAG_SET_TAGSET, entry_or_empty_len(id)),
            )
        })
    }

    fn status_len(&self) -> usize {
        self.status
            .map_or(0, |id| bytes_field_len(log::STATUS, entry_or_empty_len(id)))
    }
}

impl<'a> Content<'a> {
    fn new(log: &Log, operations: &'a Operations, delta: &mut Delta) -> Self {
        match &log.body {
            Body::Raw(text) | Body::Bytes { lossy: text, .. } => {
                debug_assert_eq!(log.json, None, "a raw text has no object around it");
                Self::Raw(operations.text(text))
            }
            Body::Pattern { id, values } => {
                let json = operations.json(log);
                let pattern = delta.pattern(*id);
                let values = operations.values(values);
                let len = stated(structured::PATTERN_ID, pattern)
                    + values_len(structured::DYNAMIC_VALUES, values)
                    + json_len(json, operations);
                Self::Structured {
                    pattern,
                    values,
                    json,
                    len,
                }
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Structured { len, .. } => bytes_field_len(log::STRUCTURED, *len),
            Self::Raw(text) => bytes_field_len(log::RAW, text.len()),
        }
    }

    fn write(&self, operations: &Operations, out: &mut Vec<u8>) {
        match self {
            Self::Structured {
                pattern,
                values,
                json,
                len,
            } => {
                message_field(out, log::STRUCTURED, *len);
                write_stated(out, structured::PATTERN_ID, *pattern);
                write_values(out, structured::DYNAMIC_VALUES, values, operations);
                if let Some(json) = json {
                    write_json(json, operations, out);
                }
            }
            // Present even when empty: it is a member of a oneof.
            Self::Raw(text) => bytes_field(out, log::RAW, text),
        }
    }
}

/// The bytes of what stands for the object around a text, of which nothing is left out because the log before had the same.
#[inline]
fn json_len(json: Option<&Json>, operations: &Operations) -> usize {
    match json {
        None => 0,
        Some(json) => some_json_len(json, operations),
    }
}

#[inline(never)]
fn some_json_len(json: &Json, operations: &Operations) -> usize {
    let Json::Keys {
        message_key,
        schema,
        values,
    } = json
    else {
        debug_assert!(false, "columns are for profile C");
        return 0;
    };
    bytes_field_len(
        structured::JSON_MESSAGE_KEY,
        entry_or_empty_len(*message_key),
    ) + stated(structured::JSON_SCHEMA_ID, *schema)
        + values_len(structured::JSON_VALUES, operations.values(values))
}

/// Appends what stands for the object around a text.
#[inline(never)]
fn write_json(json: &Json, operations: &Operations, out: &mut Vec<u8>) {
    let Json::Keys {
        message_key,
        schema,
        values,
    } = json
    else {
        return;
    };
    write_entry_or_empty(out, structured::JSON_MESSAGE_KEY, *message_key);
    write_stated(out, structured::JSON_SCHEMA_ID, *schema);
    let values = operations.values(values);
    write_values(out, structured::JSON_VALUES, values, operations);
}
