//! Profile C: a `LogDatumSequence` of flat logs.
//!
//! Status, service, tags and schema are always stated in the first log of a batch, as an entry or as "none".
//! A log with a schema is a JSON object: its text is the message, pattern or raw, and its other members are columns.

use datadog_wire::stateful::{NONE_ID_C, RAW_BYTES_FIELD};

use super::change::{ParamCount, Steps};
use super::columns::Columns;
use super::message::{
    exact_bytes, present, stated, text_len, uuid, values_len, write_stated, write_text,
    write_values,
};
use super::{Breakdown, FieldOrder, Message, Options};
use crate::delta::Delta;
use crate::operation::{Body, Json, Log, Operations, Value};
use crate::protobuf::{bytes_field, zigzag};

/// The fields of a log.
mod log {
    pub(super) const TIMESTAMP: u32 = 1;
    pub(super) const STATUS: u32 = 2;
    pub(super) const SERVICE: u32 = 3;
    pub(super) const TAGS: u32 = 4;
    pub(super) const PATTERN_ID: u32 = 5;
    pub(super) const DYNAMIC_VALUES: u32 = 6;
    pub(super) const RAW_LOG: u32 = 7;
    pub(super) const JSON_SCHEMA_ID: u32 = 8;
    pub(super) const UUID: u32 = 100;
}

/// A log as it differs from the one before, with its length.
pub(super) struct Measured<'a> {
    timestamp: Option<u64>,
    status: Option<u64>,
    service: Option<u64>,
    tags: Option<u64>,
    pattern: Option<u64>,
    values: &'a [Value],
    /// Empty when the log is a pattern.
    raw: &'a [u8],
    schema: Option<u64>,
    columns: Columns<'a>,
    uuid: Option<&'a [u8]>,
    exact: Option<&'a [u8]>,
    order: FieldOrder,
    len: usize,
}

impl<'a> Message<'a> for Measured<'a> {
    const STEPS: Steps = Steps {
        pattern_define: 2,
        pattern_delete: 7,
        dict_entry_define: 1,
        dict_entry_delete: 6,
        schema_define: Some(3),
        schema_delete: Some(8),
        log: 4,
        param_count: ParamCount::Absent,
    };

    fn measure(
        log: &'a Log,
        operations: &'a Operations,
        options: Options,
        delta: &mut Delta,
    ) -> Self {
        let timestamp = zigzag(delta.timestamp(log.timestamp_ms));
        let (pattern, values, raw) = match &log.body {
            Body::Raw(text) | Body::Bytes { lossy: text, .. } => {
                debug_assert!(
                    !text.is_empty(),
                    "the wire has no word for an empty raw log"
                );
                (None, &[][..], operations.text(text))
            }
            Body::Pattern { id, values } => {
                (delta.pattern(*id), operations.values(values), &[][..])
            }
        };
        let (schema, members) = match operations.json(log) {
            Some(Json::Columns { schema, members }) => (*schema, operations.members(members)),
            Some(Json::Keys { .. }) => {
                debug_assert!(false, "lists of keys are for profile A");
                (NONE_ID_C, &[][..])
            }
            None => (NONE_ID_C, &[][..]),
        };
        let mut measured = Self {
            timestamp: (timestamp != 0).then_some(timestamp),
            status: delta.status(log.status.unwrap_or(NONE_ID_C)),
            service: delta.service(log.service.unwrap_or(NONE_ID_C)),
            tags: delta.tags(log.tags.unwrap_or(NONE_ID_C)),
            pattern,
            values,
            raw,
            schema: delta.schema(schema),
            columns: Columns::new(members),
            uuid: uuid(operations, log),
            exact: exact_bytes(operations, log, options),
            order: options.order,
            len: 0,
        };
        measured.len = stated(log::TIMESTAMP, measured.timestamp)
            + measured.attributes_len()
            + stated(log::PATTERN_ID, pattern)
            + values_len(log::DYNAMIC_VALUES, values)
            + present(log::RAW_LOG, raw.len())
            + measured.json_len()
            + text_len(log::UUID, measured.uuid)
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
        write_stated(out, log::STATUS, self.status);
        write_stated(out, log::SERVICE, self.service);
        write_stated(out, log::TAGS, self.tags);
        write_stated(out, log::PATTERN_ID, self.pattern);
        write_values(out, log::DYNAMIC_VALUES, self.values, operations);
        if !self.raw.is_empty() {
            bytes_field(out, log::RAW_LOG, self.raw);
        }
        write_stated(out, log::JSON_SCHEMA_ID, self.schema);
        self.columns.write(operations, out);
        write_text(out, log::UUID, self.uuid);
        write_text(out, RAW_BYTES_FIELD, self.exact);
        if self.order == FieldOrder::LengthsFirst {
            write_stated(out, log::TIMESTAMP, self.timestamp);
        }
    }

    fn count(&self, _operations: &Operations, bytes: &mut Breakdown) {
        bytes.timestamps += stated(log::TIMESTAMP, self.timestamp);
        bytes.tags_status += self.attributes_len();
        bytes.json += self.json_len();
        bytes.pattern_ids += stated(log::PATTERN_ID, self.pattern);
        bytes.add_values(log::DYNAMIC_VALUES, self.values);
        bytes.raw += present(log::RAW_LOG, self.raw.len()) + text_len(RAW_BYTES_FIELD, self.exact);
        bytes.uuids += text_len(log::UUID, self.uuid);
    }
}

impl Measured<'_> {
    fn attributes_len(&self) -> usize {
        stated(log::STATUS, self.status)
            + stated(log::SERVICE, self.service)
            + stated(log::TAGS, self.tags)
    }

    fn json_len(&self) -> usize {
        stated(log::JSON_SCHEMA_ID, self.schema) + self.columns.len()
    }
}
