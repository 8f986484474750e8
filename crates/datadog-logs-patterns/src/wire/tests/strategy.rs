//! Random operations: every kind, texts of a length with one byte and with more, times and ids of every size.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{define_pattern, define_text, log};
use crate::operation::{
    Body, Column, ColumnKind, Json, JsonRef, Log, Member, Operation, Operations, Value,
};
use crate::wire::Profile;

#[derive(Debug, Clone)]
enum Plan {
    DefinePattern(u64, String, Vec<u32>),
    DeletePattern(u64),
    DefineText(u64, String),
    DeleteText(u64),
    DefineSchema(u64, Vec<(u64, ColumnKind)>, u64),
    DeleteSchema(u64),
    Log(PlannedLog),
}

#[derive(Debug, Clone)]
struct PlannedLog {
    timestamp_ms: i64,
    attributes: [Option<u64>; 3],
    uuid: Option<String>,
    body: PlannedBody,
    json: Option<PlannedJson>,
}

#[derive(Debug, Clone)]
enum PlannedJson {
    Keys(u64, Option<u64>, Vec<PlannedValue>),
    Columns(u64, Vec<PlannedMember>),
}

#[derive(Debug, Clone)]
enum PlannedMember {
    Bool(bool),
    Int(i64),
    Dict(u64),
    Text(String),
    Raw(String),
}

#[derive(Debug, Clone)]
enum PlannedBody {
    Raw(String),
    Bytes(Vec<u8>),
    Pattern(u64, Vec<PlannedValue>),
}

#[derive(Debug, Clone)]
enum PlannedValue {
    Int(i64),
    Text(String),
    Dict(u64),
}

/// Operations that keep the rules of this profile.
pub(super) fn operations(profile: Profile) -> impl Strategy<Value = Operations> {
    vec(plan(profile), 0..12).prop_map(|plans| {
        let mut operations = Operations::default();
        for plan in plans {
            push(&mut operations, plan);
        }
        operations
    })
}

fn plan(profile: Profile) -> impl Strategy<Value = Plan> {
    let text = profile.first_dict_id();
    prop_oneof![
        1 => (id(1), "[ -~]{0,200}", vec(number(), 0..40))
            .prop_map(|(id, template, at)| Plan::DefinePattern(id, template, at)),
        1 => id(1).prop_map(Plan::DeletePattern),
        1 => (id(text), ".{0,60}").prop_map(|(id, text)| Plan::DefineText(id, text)),
        1 => id(text).prop_map(Plan::DeleteText),
        1 => (id(2), vec((id(text), column_kind()), 0..20), id(text))
            .prop_map(|(id, columns, message)| Plan::DefineSchema(id, columns, message)),
        1 => id(2).prop_map(Plan::DeleteSchema),
        4 => planned_log(profile).prop_map(Plan::Log),
    ]
}

fn planned_log(profile: Profile) -> impl Strategy<Value = PlannedLog> {
    let attribute = || option::of(id(profile.first_dict_id()));
    (
        prop_oneof![-3..3i64, Just(1_700_000_000_000), any::<i64>()],
        [attribute(), attribute(), attribute()],
        option::weighted(0.2, "[0-9a-f]{0,36}"),
        planned_body(profile),
        option::of(planned_json(profile)),
    )
        .prop_map(move |(timestamp_ms, attributes, uuid, body, json)| {
            // In profile A a raw text has no object around it.
            let has_json = profile == Profile::C || matches!(body, PlannedBody::Pattern(..));
            PlannedLog {
                timestamp_ms,
                attributes,
                uuid,
                body,
                json: json.filter(|_| has_json),
            }
        })
}

fn planned_json(profile: Profile) -> BoxedStrategy<PlannedJson> {
    let text = profile.first_dict_id();
    match profile {
        Profile::A => (
            id(text),
            option::of(id(text)),
            vec(planned_value(profile), 0..12),
        )
            .prop_map(|(message, schema, values)| PlannedJson::Keys(message, schema, values))
            .boxed(),
        Profile::C => (id(2), vec(planned_member(text), 0..30))
            .prop_map(|(id, members)| PlannedJson::Columns(id, members))
            .boxed(),
    }
}

fn planned_member(first_text: u64) -> impl Strategy<Value = PlannedMember> {
    prop_oneof![
        2 => any::<bool>().prop_map(PlannedMember::Bool),
        1 => prop_oneof![-200..200i64, any::<i64>()].prop_map(PlannedMember::Int),
        1 => id(first_text).prop_map(PlannedMember::Dict),
        1 => ".{0,50}".prop_map(PlannedMember::Text),
        1 => "[ -~]{0,50}".prop_map(PlannedMember::Raw),
    ]
}

fn column_kind() -> impl Strategy<Value = ColumnKind> {
    prop::sample::select(vec![
        ColumnKind::Null,
        ColumnKind::Bool,
        ColumnKind::Int,
        ColumnKind::Dict,
        ColumnKind::Text,
        ColumnKind::Raw,
    ])
}

fn planned_value(profile: Profile) -> impl Strategy<Value = PlannedValue> {
    prop_oneof![
        prop_oneof![0..200i64, any::<i64>()].prop_map(PlannedValue::Int),
        ".{0,50}".prop_map(PlannedValue::Text),
        id(profile.first_dict_id()).prop_map(PlannedValue::Dict),
    ]
}

fn planned_body(profile: Profile) -> impl Strategy<Value = PlannedBody> {
    let raw = match profile {
        Profile::A => ".{0,80}",
        Profile::C => ".{1,80}",
    };
    let value = planned_value(profile);
    prop_oneof![
        1 => raw.prop_map(PlannedBody::Raw),
        1 => vec(any::<u8>(), 0..150).prop_map(|mut bytes| {
            bytes.push(0xff);
            PlannedBody::Bytes(bytes)
        }),
        3 => (id(1), vec(value, 0..12)).prop_map(|(id, values)| PlannedBody::Pattern(id, values)),
    ]
}

/// Few ids, so that they repeat, and some large ones.
fn id(first: u64) -> impl Strategy<Value = u64> {
    prop_oneof![4 => first..first + 3, 1 => first..=u64::MAX]
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..300u32, any::<u32>()]
}

fn push(operations: &mut Operations, plan: Plan) {
    match plan {
        Plan::DefinePattern(id, template, positions) => {
            define_pattern(operations, id, template.as_bytes(), &positions);
        }
        Plan::DeletePattern(id) => operations.push(Operation::DeletePattern { id }),
        Plan::DefineText(id, text) => define_text(operations, id, &text),
        Plan::DeleteText(id) => operations.push(Operation::DeleteText { id }),
        Plan::DefineSchema(id, planned, message_key) => {
            let columns = planned.into_iter().map(|(key, kind)| Column { key, kind });
            let columns = operations.keep_columns(columns);
            operations.push(Operation::DefineSchema {
                id,
                columns,
                message_key,
            });
        }
        Plan::DeleteSchema(id) => operations.push(Operation::DeleteSchema { id }),
        Plan::Log(planned) => {
            let [status, service, tags] = planned.attributes;
            let uuid = planned
                .uuid
                .map(|uuid| operations.keep_text(uuid.as_bytes()));
            let body = body(operations, planned.body);
            let json = planned.json.map(|planned| json(operations, planned));
            operations.push(Operation::Log(Log {
                status,
                service,
                tags,
                uuid,
                json,
                ..log(planned.timestamp_ms, body)
            }));
        }
    }
}

fn body(operations: &mut Operations, planned: PlannedBody) -> Body {
    match planned {
        PlannedBody::Raw(text) => Body::Raw(operations.keep_text(text.as_bytes())),
        PlannedBody::Bytes(bytes) => Body::Bytes {
            lossy: operations.keep_text(String::from_utf8_lossy(&bytes).as_bytes()),
            exact: operations.keep_text(&bytes),
        },
        PlannedBody::Pattern(id, planned) => {
            let values = values(operations, planned);
            Body::Pattern { id, values }
        }
    }
}

fn values(operations: &mut Operations, planned: Vec<PlannedValue>) -> std::ops::Range<u32> {
    let mut values = Vec::new();
    for value in planned {
        values.push(match value {
            PlannedValue::Int(number) => Value::Int(number),
            PlannedValue::Text(text) => Value::Text(operations.keep_text(text.as_bytes())),
            PlannedValue::Dict(id) => Value::Dict(id),
        });
    }
    operations.keep_values(values)
}

fn json(operations: &mut Operations, planned: PlannedJson) -> JsonRef {
    let json = match planned {
        PlannedJson::Keys(message_key, schema, planned) => Json::Keys {
            message_key,
            schema,
            values: values(operations, planned),
        },
        PlannedJson::Columns(schema, planned) => {
            let mut members = Vec::new();
            for member in planned {
                members.push(match member {
                    PlannedMember::Bool(value) => Member::Bool(value),
                    PlannedMember::Int(number) => Member::Int(number),
                    PlannedMember::Dict(id) => Member::Dict(id),
                    PlannedMember::Text(text) => {
                        Member::Text(operations.keep_text(text.as_bytes()))
                    }
                    PlannedMember::Raw(text) => Member::Raw(operations.keep_text(text.as_bytes())),
                });
            }
            let members = operations.keep_members(members);
            Json::Columns { schema, members }
        }
    };
    operations.keep_json(json)
}
