//! The messages that operations stand for, in the generated types; the rules are written here once more, plainly.

use datadog_wire::stateful::{a, c};

use crate::operation::{
    Body, Column, ColumnKind, Json, Log, Member, Operation, Operations, Span, Value,
};
use crate::wire::Options;

/// The message of a batch in profile A.
pub(super) fn a(operations: &Operations, options: Options) -> a::DatumSequence {
    use a::datum::Data;
    let mut logs: Vec<&Log> = Vec::new();
    let mut pattern = 0;
    let mut data = Vec::new();
    for operation in operations.iter() {
        let step = match operation {
            Operation::DefinePattern {
                id,
                template,
                positions,
            } => {
                pattern = *id;
                let pos_list = operations.positions(positions).to_vec();
                Data::PatternDefine(a::PatternDefine {
                    pattern_id: *id,
                    template: string(operations, template),
                    param_count: u32::try_from(pos_list.len()).unwrap(),
                    pos_list,
                })
            }
            Operation::DeletePattern { id } => {
                Data::PatternDelete(a::PatternDelete { pattern_id: *id })
            }
            Operation::DefineText { id, text } => Data::DictEntryDefine(a::DictEntryDefine {
                id: *id,
                value: string(operations, text),
            }),
            Operation::DeleteText { id } => Data::DictEntryDelete(a::DictEntryDelete { id: *id }),
            Operation::DefineSchema { .. } | Operation::DeleteSchema { .. } => continue,
            Operation::Log(log) => {
                let message = log_a(operations, options, log, logs.last().copied(), &mut pattern);
                logs.push(log);
                Data::Logs(message)
            }
        };
        data.push(a::Datum { data: Some(step) });
    }
    a::DatumSequence { data }
}

fn log_a(
    operations: &Operations,
    options: Options,
    log: &Log,
    before: Option<&Log>,
    pattern: &mut u64,
) -> a::Log {
    let entry = |now: Option<u64>, last: Option<u64>| {
        let value = match now {
            _ if now == last => return None,
            Some(id) => a::dynamic_value::Value::DictIndex(id),
            None => a::dynamic_value::Value::StringValue(String::new()),
        };
        Some(a::DynamicValue { value: Some(value) })
    };
    let content = match &log.body {
        Body::Raw(text) | Body::Bytes { lossy: text, .. } => {
            a::log::Content::Raw(string(operations, text))
        }
        Body::Pattern { id, values } => a::log::Content::Structured(a::StructuredLog {
            pattern_id: explicit_pattern(pattern, *id),
            dynamic_values: operations
                .values(values)
                .iter()
                .map(|value| value_a(operations, value))
                .collect(),
            ..json_a(operations, operations.json(log))
        }),
    };
    a::Log {
        timestamp: difference(log, before),
        content: Some(content),
        tags: entry(log.tags, before.and_then(|log| log.tags)).map(|tagset| a::TagSet {
            tagset: Some(tagset),
        }),
        uuid: log.uuid.as_ref().map(|uuid| string(operations, uuid)),
        status: entry(log.status, before.and_then(|log| log.status)),
        raw_bytes: raw_bytes(operations, options, log),
    }
}

fn json_a(operations: &Operations, json: Option<&Json>) -> a::StructuredLog {
    let Some(Json::Keys {
        message_key,
        schema,
        values,
    }) = json
    else {
        return a::StructuredLog::default();
    };
    let values = operations.values(values).iter();
    a::StructuredLog {
        json_message_key: Some(value_a(operations, &Value::Dict(*message_key))),
        json_context_schema_id: schema.unwrap_or(0),
        json_context_values: values.map(|value| value_a(operations, value)).collect(),
        ..a::StructuredLog::default()
    }
}

fn value_a(operations: &Operations, value: &Value) -> a::DynamicValue {
    use a::dynamic_value::Value as Member;
    let value = match value {
        Value::Int(number) => Member::IntValue(*number),
        Value::Text(text) => Member::StringValue(string(operations, text)),
        Value::Dict(id) => Member::DictIndex(*id),
    };
    a::DynamicValue { value: Some(value) }
}

/// The message of a batch in profile C.
pub(super) fn c(operations: &Operations, options: Options) -> c::LogDatumSequence {
    use c::log_datum::Data;
    let mut logs: Vec<&Log> = Vec::new();
    let mut pattern = 0;
    let mut data = Vec::new();
    for operation in operations.iter() {
        let step = match operation {
            Operation::DefinePattern {
                id,
                template,
                positions,
            } => {
                pattern = *id;
                Data::PatternDefine(c::PatternDefine {
                    pattern_id: *id,
                    template: string(operations, template),
                    pos_list: operations.positions(positions).to_vec(),
                })
            }
            Operation::DeletePattern { id } => {
                Data::PatternDelete(c::PatternDelete { pattern_id: *id })
            }
            Operation::DefineText { id, text } => Data::DictEntryDefine(c::DictEntryDefine {
                id: *id,
                value: string(operations, text),
            }),
            Operation::DeleteText { id } => Data::DictEntryDelete(c::DictEntryDelete { id: *id }),
            Operation::DefineSchema {
                id,
                columns,
                message_key,
            } => {
                let columns = operations.columns(columns).iter();
                Data::JsonSchemaDefine(c::JsonSchemaDefine {
                    schema_id: *id,
                    keys: columns.clone().map(|column| column.key).collect(),
                    message_key_id: *message_key,
                    value_kinds: columns.map(kind).collect(),
                })
            }
            Operation::DeleteSchema { id } => {
                Data::JsonSchemaDelete(c::JsonSchemaDelete { schema_id: *id })
            }
            Operation::Log(log) => {
                let message = log_c(operations, options, log, logs.last().copied(), &mut pattern);
                logs.push(log);
                Data::Log(message)
            }
        };
        data.push(c::LogDatum { data: Some(step) });
    }
    c::LogDatumSequence { data }
}

fn log_c(
    operations: &Operations,
    options: Options,
    log: &Log,
    before: Option<&Log>,
    pattern: &mut u64,
) -> c::Log {
    let entry = |of: fn(&Log) -> Option<u64>| match before {
        Some(before) if of(before) == of(log) => 0,
        _ => of(log).unwrap_or(1),
    };
    let mut message = c::Log {
        timestamp: difference(log, before),
        status: entry(|log| log.status),
        service: entry(|log| log.service),
        tags: entry(|log| log.tags),
        json_schema_id: match before {
            Some(before) if schema(operations, before) == schema(operations, log) => 0,
            _ => schema(operations, log),
        },
        uuid: log.uuid.as_ref().map(|uuid| string(operations, uuid)),
        raw_bytes: raw_bytes(operations, options, log),
        ..c::Log::default()
    };
    if let Some(Json::Columns { members, .. }) = operations.json(log) {
        columns(operations, operations.members(members), &mut message);
    }
    match &log.body {
        Body::Raw(text) | Body::Bytes { lossy: text, .. } => {
            message.raw_log = string(operations, text);
        }
        Body::Pattern { id, values } => {
            message.pattern_id = explicit_pattern(pattern, *id);
            message.dynamic_values = operations
                .values(values)
                .iter()
                .map(|value| value_c(operations, value))
                .collect();
        }
    }
    message
}

fn schema(operations: &Operations, log: &Log) -> u64 {
    match operations.json(log) {
        Some(Json::Columns { schema, .. }) => *schema,
        _ => 1,
    }
}

/// The numbers that the format gives to kinds of values.
fn kind(column: &Column) -> u8 {
    match column.kind {
        ColumnKind::Null => 1,
        ColumnKind::Bool => 2,
        ColumnKind::Int => 3,
        ColumnKind::Dict => 5,
        ColumnKind::Text => 6,
        ColumnKind::Raw => 7,
    }
}

fn columns(operations: &Operations, members: &[Member], message: &mut c::Log) {
    let mut bools = Vec::new();
    for member in members {
        match member {
            Member::Bool(value) => bools.push(*value),
            Member::Int(number) => message.json_context_int_values.push(*number),
            Member::Dict(id) => message.json_context_dict_values.push(*id),
            Member::Text(text) => {
                message
                    .json_context_string_values
                    .push(string(operations, text));
            }
            Member::Raw(text) => {
                let text = operations.text(text).to_vec();
                message.json_context_raw_values.push(text);
            }
        }
    }
    let byte = |bits: &[bool]| {
        let bits = bits.iter().rev();
        bits.fold(0, |byte, bit| byte << 1 | u8::from(*bit))
    };
    message.json_context_bool_values = bools.chunks(8).map(byte).collect();
}

fn value_c(operations: &Operations, value: &Value) -> c::DynamicValue {
    use c::dynamic_value::Value as Member;
    let value = match value {
        Value::Int(number) => Member::IntValue(*number),
        Value::Text(text) => Member::StringValue(string(operations, text)),
        Value::Dict(id) => Member::DictIndex(*id),
    };
    c::DynamicValue {
        value: Some(value),
        render_as_string: false,
    }
}

fn difference(log: &Log, before: Option<&Log>) -> i64 {
    log.timestamp_ms
        .wrapping_sub(before.map_or(0, |before| before.timestamp_ms))
}

/// The id as the log states it: 0 when it is that of the last pattern.
fn explicit_pattern(last: &mut u64, id: u64) -> u64 {
    let explicit = if *last == id { 0 } else { id };
    *last = id;
    explicit
}

fn raw_bytes(operations: &Operations, options: Options, log: &Log) -> Vec<u8> {
    match &log.body {
        Body::Bytes { exact, .. } if options.exact_bytes_extension => {
            operations.text(exact).to_vec()
        }
        _ => Vec::new(),
    }
}

fn string(operations: &Operations, span: &Span) -> String {
    String::from_utf8(operations.text(span).to_vec()).unwrap()
}
