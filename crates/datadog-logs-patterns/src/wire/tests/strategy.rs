//! Random operations: every kind, texts of a length with one byte and with more, times and ids of every size.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{define_pattern, define_text, log};
use crate::operation::{Body, Log, Operation, Operations, Value};
use crate::wire::Profile;

#[derive(Debug, Clone)]
enum Plan {
    DefinePattern(u64, String, Vec<u32>),
    DeletePattern(u64),
    DefineText(u64, String),
    DeleteText(u64),
    Log(PlannedLog),
}

#[derive(Debug, Clone)]
struct PlannedLog {
    timestamp_ms: i64,
    attributes: [Option<u64>; 3],
    uuid: Option<String>,
    body: PlannedBody,
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
    )
        .prop_map(|(timestamp_ms, attributes, uuid, body)| PlannedLog {
            timestamp_ms,
            attributes,
            uuid,
            body,
        })
}

fn planned_body(profile: Profile) -> impl Strategy<Value = PlannedBody> {
    let raw = match profile {
        Profile::A => ".{0,80}",
        Profile::C => ".{1,80}",
    };
    let value = prop_oneof![
        prop_oneof![0..200i64, any::<i64>()].prop_map(PlannedValue::Int),
        ".{0,50}".prop_map(PlannedValue::Text),
        id(profile.first_dict_id()).prop_map(PlannedValue::Dict),
    ];
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
        Plan::Log(planned) => {
            let [status, service, tags] = planned.attributes;
            let uuid = planned
                .uuid
                .map(|uuid| operations.keep_text(uuid.as_bytes()));
            let body = body(operations, planned.body);
            operations.push(Operation::Log(Log {
                status,
                service,
                tags,
                uuid,
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
            let mut values = Vec::new();
            for value in planned {
                values.push(match value {
                    PlannedValue::Int(number) => Value::Int(number),
                    PlannedValue::Text(text) => Value::Text(operations.keep_text(text.as_bytes())),
                    PlannedValue::Dict(id) => Value::Dict(id),
                });
            }
            let values = operations.keep_values(values);
            Body::Pattern { id, values }
        }
    }
}
