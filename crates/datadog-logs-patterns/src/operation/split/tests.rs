//! Halves that are sent one after the other mean what the whole means.

use proptest::prelude::*;

use super::*;
use crate::decoder::{Decoder, Limits, Record};
use crate::operation::{Body, Column, ColumnKind, Json, Log};
use crate::runs::{Run, runs, written};
use crate::snapshot::Snapshot;
use crate::wire::Profile;

/// A batch in words: `+1=text` defines a text, `-1` deletes it, `1` is a log that has it as its tags.
fn batch(words: &[&str]) -> Operations {
    let mut batch = Operations::default();
    for word in words {
        let (rest, text) = word.split_once('=').unwrap_or((word, "raw"));
        let id = rest.trim_start_matches(['+', '-']).parse().unwrap();
        let text = batch.keep_text(text.as_bytes());
        batch.push(match rest.as_bytes()[0] {
            b'+' => Operation::DefineText { id, text },
            b'-' => Operation::DeleteText { id },
            _ => Operation::Log(Log {
                timestamp_ms: 0,
                status: None,
                service: None,
                tags: Some(id),
                uuid: None,
                body: Body::Raw(text),
                json: None,
            }),
        });
    }
    batch
}

#[track_caller]
fn check(whole: &[&str], first: &[&str], second: &[&str]) {
    let halves = batch(whole).split().unwrap();
    let list = |batch: &Operations| written(batch, Profile::A);
    assert_eq!(list(&halves.0), list(&batch(first)));
    assert_eq!(list(&halves.1), list(&batch(second)));
}

#[test]
fn an_odd_log_goes_to_the_first_half() {
    check(&["+1=a", "1", "1", "1"], &["+1=a", "1", "1"], &["1"]);
}

#[test]
fn a_text_of_the_second_half_is_defined_there() {
    check(
        &["+1=a", "+2=b", "+3=c", "1", "1", "-1", "2", "3"],
        &["+1=a", "1", "1"],
        &["+2=b", "+3=c", "-1", "2", "3"],
    );
}

#[test]
fn a_text_that_the_first_half_deletes_is_defined_there() {
    check(
        &["+1=a", "+2=b", "-2", "1", "1"],
        &["+1=a", "+2=b", "-2", "1"],
        &["1"],
    );
}

#[test]
fn a_batch_of_one_log_or_none_cannot_be_split() {
    assert_eq!(batch(&["+1=a", "1"]).split(), None);
    assert_eq!(batch(&["+1=a", "+2=b"]).split(), None);
    assert_eq!(Operations::default().split(), None);
}

#[test]
fn a_text_that_a_schema_of_the_first_half_needs_is_defined_there() {
    let mut whole = batch(&["+2=a", "+3=b", "+4=c"]);
    for (id, [key, message_key]) in [(2, [2, 3]), (3, [2, 4])] {
        let kind = ColumnKind::Null;
        let columns = whole.keep_columns([Column { key, kind }]);
        whole.push(Operation::DefineSchema {
            id,
            columns,
            message_key,
        });
        let body = Body::Raw(whole.keep_text(b"raw"));
        let members = whole.keep_members([]);
        let json = whole.keep_json(Json::Columns {
            schema: id,
            members,
        });
        whole.push(Operation::Log(Log {
            timestamp_ms: 0,
            status: None,
            service: None,
            tags: None,
            uuid: None,
            body,
            json: Some(json),
        }));
    }
    let (first, second) = whole.split().unwrap();
    let defined = |half: &Operations| {
        let texts = half.iter().filter_map(|operation| match operation {
            Operation::DefineText { id, .. } => Some(*id),
            _ => None,
        });
        texts.collect::<Vec<_>>()
    };
    assert_eq!((defined(&first), defined(&second)), (vec![2, 3], vec![4]));
    let mut decoder = Decoder::new(Profile::C, Limits::default());
    for (batch_id, half, object) in [
        (1, &first, r#"{"a":null,"b":"raw"}"#),
        (2, &second, r#"{"a":null,"c":"raw"}"#),
    ] {
        let records = decoder
            .decode(batch_id, &written(half, Profile::C))
            .unwrap();
        assert_eq!(records[0].body, object.as_bytes());
    }
}

/// Splits every batch until it has one log, and decodes the parts in place of the whole.
fn check_run(run: &Run) {
    let mut decoder = Decoder::new(run.profile, Limits::default());
    let mut batch_id = 0;
    let (mut whole, mut parts) = (Snapshot::default(), Snapshot::default());
    for batch in &run.batches {
        let mut records: Vec<Record> = Vec::new();
        let mut waiting = vec![batch.operations.clone()];
        while let Some(part) = waiting.pop() {
            if let Some((first, second)) = part.split() {
                assert_eq!(first.logs(), part.logs().div_ceil(2));
                assert_eq!(first.logs() + second.logs(), part.logs());
                assert_eq!(first.iter().len() + second.iter().len(), part.iter().len());
                waiting.extend([second, first]);
                continue;
            }
            batch_id += 1;
            let decoded = decoder.decode(batch_id, &written(&part, run.profile));
            records.extend(decoded.unwrap());
            parts.apply(&part);
        }
        assert_eq!(records, batch.records);
        whole.apply(&batch.operations);
        assert_eq!(parts, whole);
    }
}

#[test]
fn the_parts_of_a_long_run_mean_the_same() {
    for profile in [Profile::A, Profile::C] {
        check_run(&Run::long(profile));
    }
}

proptest! {
    #[test]
    fn the_parts_of_a_run_mean_the_same(run in runs()) {
        check_run(&run);
    }
}
