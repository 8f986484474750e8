//! Raw batches carry the same logs, and leave the same state behind.

use proptest::prelude::*;

use super::*;
use crate::decoder::{Decoder, Limits};
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
