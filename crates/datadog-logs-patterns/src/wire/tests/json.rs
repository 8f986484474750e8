//! JSON objects around messages, to the byte.

use super::{check, define_text, log, pattern, raw};
use crate::operation::{Column, ColumnKind, Json, Log, Member, Operation, Operations, Value};
use crate::wire::Profile;

/// Adds a log of schema 2 with a raw message and these members.
fn push_columns(operations: &mut Operations, members: Vec<Member>) {
    let body = raw(operations, "x");
    let members = operations.keep_members(members);
    let json = operations.keep_json(Json::Columns { schema: 2, members });
    operations.push(Operation::Log(Log {
        json: Some(json),
        ..log(0, body)
    }));
}

fn define_schema(operations: &mut Operations, id: u64, columns: &[(u64, ColumnKind)]) {
    let columns = columns.iter().map(|(key, kind)| Column {
        key: *key,
        kind: *kind,
    });
    let columns = operations.keep_columns(columns);
    operations.push(Operation::DefineSchema {
        id,
        columns,
        message_key: 300,
    });
}

#[test]
fn bools_are_bits_with_the_first_in_the_lowest() {
    let mut operations = Operations::default();
    let bools = [1, 0, 1, 1, 0, 0, 0, 0, 1].map(|bit| Member::Bool(bit == 1));
    push_columns(&mut operations, bools.to_vec());
    check(
        &operations,
        Profile::C,
        "0a11 220f 1001 1801 2001 3a0178 4002 7202 0d01",
    );
}

#[test]
fn eight_bools_are_one_byte() {
    let mut operations = Operations::default();
    push_columns(&mut operations, vec![Member::Bool(true); 8]);
    check(
        &operations,
        Profile::C,
        "0a10 220e 1001 1801 2001 3a0178 4002 7201 ff",
    );
}

#[test]
fn columns_are_written_by_kind_and_the_schema_once() {
    let mut operations = Operations::default();
    let (text, nested) = (operations.keep_text(b"ab"), operations.keep_text(b"[1]"));
    let members = vec![
        Member::Text(text),
        Member::Int(-1),
        Member::Raw(nested),
        Member::Dict(300),
        Member::Int(64),
        Member::Dict(5),
    ];
    push_columns(&mut operations, members.clone());
    push_columns(&mut operations, members);
    let body = raw(&mut operations, "y");
    operations.push(Operation::Log(log(0, body)));
    check(
        &operations,
        Profile::C,
        "0a20 221e 1001 1801 2001 3a0178 4002 4a03 018001 5a03 ac0205 6203 5b315d 6a02 6162
         0a18 2216 3a0178 4a03 018001 5a03 ac0205 6203 5b315d 6a02 6162
         0a07 2205 3a0179 4001",
    );
}

#[test]
fn schemas_are_defined_and_deleted_in_profile_c_alone() {
    let mut operations = Operations::default();
    use ColumnKind::{Bool, Dict, Int, Null, Raw, Text};
    let kinds = [Null, Bool, Int, Dict, Text, Raw];
    let columns: Vec<_> = (299..).zip(kinds).collect();
    define_schema(&mut operations, 2, &columns);
    define_schema(&mut operations, 3, &[]);
    operations.push(Operation::DeleteSchema { id: 2 });
    check(
        &operations,
        Profile::C,
        "0a1d 1a1b 0802 120c ab02 ac02 ad02 ae02 af02 b002 18ac02 2206 010203050607
         0a07 1a05 0803 18ac02
         0a04 4202 0802",
    );
    check(&operations, Profile::A, "");
}

#[test]
fn keys_of_profile_a_are_stated_in_every_log() {
    let mut operations = Operations::default();
    define_text(&mut operations, 1, "msg");
    for schema in [Some(2), Some(2), None] {
        let body = pattern(&mut operations, 7, &[]);
        let text = operations.keep_text(b"a");
        let all = [Value::Int(-1), Value::Text(text), Value::Dict(3)];
        let values = all.into_iter().filter(|_| schema.is_some());
        let values = operations.keep_values(values);
        let json = operations.keep_json(Json::Keys {
            message_key: 1,
            schema,
            values,
        });
        operations.push(Operation::Log(Log {
            json: Some(json),
            ..log(0, body)
        }));
    }
    let values = "320b 08ffffffffffffffffff01 3203 1a0161 3202 2003";
    check(
        &operations,
        Profile::A,
        &format!(
            "0a09 1a07 0801 12036d7367
             0a22 3220 121e 0807 2202 2001 2802 {values}
             0a20 321e 121c 2202 2001 2802 {values}
             0a08 3206 1204 2202 2001"
        ),
    );
}
