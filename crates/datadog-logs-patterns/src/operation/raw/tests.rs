//! Raw batches carry the same logs, and leave the same state behind.

use proptest::prelude::*;

use super::*;
use crate::decoder::{Decoder, Limits};
use crate::operation::{Column, ColumnKind, Json, Member};
use crate::runs::{Run, runs, written};
use crate::wire::Profile;

/// Sends every batch of that parity raw, and the others as they are.
fn check_run(run: &Run, parity: usize) -> (usize, usize) {
    let mut decoder = Decoder::new(run.profile, Limits::default());
    let mut snapshot = Snapshot::default();
    let (mut raw_logs, mut structured) = (0, 0);
    for ((batch_id, index), batch) in (1..).zip(0_usize..).zip(&run.batches) {
        let mut expected = batch.records.clone();
        let mut sent = batch.operations.clone();
        if index % 2 == parity {
            sent = sent.as_raw(&snapshot).unwrap();
            for record in expected.iter_mut().filter(|record| !record.body.is_empty()) {
                raw_logs += usize::from(record.pattern.take().is_some());
            }
        }
        let decoded = decoder
            .decode(batch_id, &written(&sent, run.profile))
            .unwrap();
        assert_eq!(decoded, expected);
        structured += decoded
            .iter()
            .filter(|record| record.pattern.is_some())
            .count();
        let mut other = snapshot.clone();
        snapshot.apply(&batch.operations);
        other.apply(&sent);
        assert_eq!(other, snapshot);
    }
    (raw_logs, structured)
}

#[test]
fn a_long_run_with_raw_batches_among_others_means_the_same() {
    for profile in [Profile::A, Profile::C] {
        let (raw_logs, structured) = check_run(&Run::long(profile), 0);
        assert!(
            raw_logs > 200 && structured > 200,
            "{raw_logs} {structured}"
        );
    }
}

proptest! {
    #[test]
    fn a_run_with_raw_batches_among_others_means_the_same(run in runs(), parity in 0..2usize) {
        check_run(&run, parity);
    }
}

/// A batch with one log of pattern 1 and these values, behind a definition of it.
fn batch(positions: &[u32], values: &[Value]) -> Operations {
    let mut batch = Operations::default();
    let template = batch.keep_text(b"from ");
    let positions = batch.keep_positions(positions);
    batch.push(Operation::DefinePattern {
        id: 1,
        template,
        positions,
    });
    push(&mut batch, 1, values);
    batch
}

fn push(batch: &mut Operations, id: PatternId, values: &[Value]) {
    let values = batch.keep_values(values.iter().cloned());
    batch.push(Operation::Log(Log {
        timestamp_ms: 0,
        status: None,
        service: None,
        tags: None,
        uuid: None,
        body: Body::Pattern { id, values },
        json: None,
    }));
}

#[track_caller]
fn check_error(batch: &Operations, error: RebuildError) {
    assert_eq!(batch.as_raw(&Snapshot::default()), Err(error));
}

#[test]
fn what_an_encoder_never_writes_is_an_error() {
    let int = Value::Int(5);
    assert!(
        batch(&[5], std::slice::from_ref(&int))
            .as_raw(&Snapshot::default())
            .is_ok()
    );
    check_error(
        &batch(&[6], std::slice::from_ref(&int)),
        RebuildError::Unfit { id: 1 },
    );
    check_error(
        &batch(&[3, 2], &[int.clone(), int.clone()]),
        RebuildError::Unfit { id: 1 },
    );
    check_error(&batch(&[5, 5], &[int]), RebuildError::Unfit { id: 1 });
    check_error(
        &batch(&[5], &[Value::Dict(9)]),
        RebuildError::UnknownText { id: 9 },
    );
    let mut unknown = Operations::default();
    push(&mut unknown, 4, &[]);
    check_error(&unknown, RebuildError::UnknownPattern { id: 4 });
}

/// A batch whose schema 2 has a text under `a.b` and a number under `k`, and whose message is under `a.msg`.
fn json_batch(members: Vec<Member>) -> Operations {
    let mut batch = Operations::default();
    for (id, text) in [(2, "a.b"), (3, "k"), (4, "a.msg"), (5, "entry")] {
        let text = batch.keep_text(text.as_bytes());
        batch.push(Operation::DefineText { id, text });
    }
    let column = |key, kind| Column { key, kind };
    let columns = [column(2, ColumnKind::Dict), column(3, ColumnKind::Int)];
    let columns = batch.keep_columns(columns);
    batch.push(Operation::DefineSchema {
        id: 2,
        columns,
        message_key: 4,
    });
    let members = batch.keep_members(members);
    push_json(&mut batch, Json::Columns { schema: 2, members });
    batch
}

fn push_json(batch: &mut Operations, json: Json) {
    let body = Body::Raw(batch.keep_text(b"hi"));
    let json = batch.keep_json(json);
    batch.push(Operation::Log(Log {
        timestamp_ms: 0,
        status: None,
        service: None,
        tags: None,
        uuid: None,
        body,
        json: Some(json),
    }));
}

/// The text of the last log.
fn last_raw(batch: &Operations) -> String {
    match batch.iter().last() {
        Some(Operation::Log(Log {
            body: Body::Raw(text),
            json: None,
            ..
        })) => String::from_utf8(batch.text(text).to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_is_put_back_together() {
    let batch = json_batch(vec![Member::Dict(5), Member::Int(7)]);
    let raw = batch.as_raw(&Snapshot::default()).unwrap();
    assert_eq!(last_raw(&raw), r#"{"a":{"b":"entry","msg":"hi"},"k":7}"#);

    let mut batch = Operations::default();
    for (id, text) in [(1, "data.message"), (2, "a.b,data,k")] {
        let text = batch.keep_text(text.as_bytes());
        batch.push(Operation::DefineText { id, text });
    }
    let (text, object) = (batch.keep_text(b"\"x"), batch.keep_text(b"{}"));
    let values = [Value::Text(text), Value::Text(object), Value::Int(7)];
    let values = batch.keep_values(values);
    let json = Json::Keys {
        message_key: 1,
        schema: Some(2),
        values,
    };
    push_json(&mut batch, json);
    let raw = batch.as_raw(&Snapshot::default()).unwrap();
    let object = r#"{"a.b":"\"x","data":{"message":"hi"},"k":7}"#;
    assert_eq!(last_raw(&raw), object);
}

#[test]
fn members_that_no_schema_has_are_an_error() {
    let int = Member::Int(7);
    let unfit = RebuildError::UnfitSchema { id: 2 };
    check_error(&json_batch(vec![Member::Dict(5)]), unfit);
    check_error(&json_batch(vec![int.clone(), int.clone()]), unfit);
    let too_many = vec![Member::Dict(5), int.clone(), int.clone()];
    check_error(&json_batch(too_many), unfit);
    let unknown = RebuildError::UnknownText { id: 9 };
    check_error(&json_batch(vec![Member::Dict(9), int]), unknown);
    let mut batch = Operations::default();
    let members = batch.keep_members([]);
    push_json(&mut batch, Json::Columns { schema: 2, members });
    check_error(&batch, RebuildError::UnknownSchema { id: 2 });
}
