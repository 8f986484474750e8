//! Streams that break at any place go on with a snapshot and the batches that were not acknowledged.

use std::borrow::Cow;
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::decoder::{Decoder, Limits, Record};
use crate::operation::{Body, Json, Log};
use crate::runs::{Batch, Run, runs, written};
use crate::wire::Profile;

/// A batch in words: `+p1=text` and `-p1` for patterns, `+t1=text` and `-t1` for texts, `p1` and `t1` for logs
/// that use the one or have the other as their tags. `+s2=t1` is a schema whose message has text 1 as its key,
/// `-s2` deletes it, `s2` is a log of it.
fn batch(words: &[&str]) -> Operations {
    let mut batch = Operations::default();
    for word in words {
        let (rest, text) = word.split_once('=').unwrap_or((word, ""));
        let id = rest.trim_start_matches(['+', '-', 'p', 's', 't']);
        let id = id.parse().unwrap();
        let message_key = text.trim_start_matches('t').parse().unwrap_or_default();
        let text = batch.keep_text(text.as_bytes());
        let operation = match rest.trim_end_matches(char::is_numeric) {
            "+p" => Operation::DefinePattern {
                id,
                template: text,
                positions: batch.keep_positions(&[]),
            },
            "+t" => Operation::DefineText { id, text },
            "-p" => Operation::DeletePattern { id },
            "-t" => Operation::DeleteText { id },
            "+s" => Operation::DefineSchema {
                id,
                columns: batch.keep_columns([]),
                message_key,
            },
            "-s" => Operation::DeleteSchema { id },
            "s" => {
                let body = Body::Raw(batch.keep_text(b"raw"));
                let members = batch.keep_members([]);
                let json = batch.keep_json(Json::Columns {
                    schema: id,
                    members,
                });
                Operation::Log(Log {
                    json: Some(json),
                    ..log(None, body)
                })
            }
            "p" => {
                let values = batch.keep_values([]);
                Operation::Log(log(None, Body::Pattern { id, values }))
            }
            _ => {
                let body = Body::Raw(batch.keep_text(b"raw"));
                Operation::Log(log(Some(id), body))
            }
        };
        batch.push(operation);
    }
    batch
}

fn log(tags: Option<u64>, body: Body) -> Log {
    Log {
        timestamp_ms: 0,
        status: None,
        service: None,
        tags,
        uuid: None,
        body,
        json: None,
    }
}

fn schema(batch: &Operations, log: &Log) -> u64 {
    match batch.json(log) {
        Some(Json::Columns { schema, .. }) => *schema,
        other => panic!("{other:?}"),
    }
}

/// The same words again.
fn show(batch: Option<&Operations>) -> String {
    let mut out = String::new();
    let Some(batch) = batch else {
        return "nothing".into();
    };
    for operation in batch.iter() {
        let text = |span| String::from_utf8_lossy(batch.text(span));
        match operation {
            Operation::DefinePattern { id, template, .. } => {
                write!(out, "+p{id}={} ", text(template))
            }
            Operation::DefineText { id, text: span } => write!(out, "+t{id}={} ", text(span)),
            Operation::DeletePattern { id } => write!(out, "-p{id} "),
            Operation::DeleteText { id } => write!(out, "-t{id} "),
            Operation::DefineSchema {
                id, message_key, ..
            } => write!(out, "+s{id}=t{message_key} "),
            Operation::DeleteSchema { id } => write!(out, "-s{id} "),
            Operation::Log(log) if log.json.is_some() => {
                write!(out, "s{} ", schema(batch, log))
            }
            Operation::Log(Log {
                body: Body::Pattern { id, .. },
                ..
            }) => write!(out, "p{id} "),
            Operation::Log(log) => write!(out, "t{} ", log.tags.unwrap_or_default()),
        }
        .unwrap();
    }
    out
}

fn after(batches: &[Operations]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for batch in batches {
        snapshot.apply(batch);
    }
    snapshot
}

#[track_caller]
fn check(batches: &[&[&str]], snapshot: Expect) {
    let batches: Vec<_> = batches.iter().map(|words| batch(words)).collect();
    snapshot.assert_eq(&show(after(&batches).operations().as_ref()));
}

/// One decoder for each new stream, which counts the batches itself.
struct Stream {
    profile: Profile,
    decoder: Decoder,
    next_id: u32,
}

impl Stream {
    fn begin(profile: Profile, snapshot: Option<&Operations>) -> Self {
        let mut decoder = Decoder::new(profile, Limits::default());
        if let Some(snapshot) = snapshot {
            let logs = decoder.decode(0, &written(snapshot, profile)).unwrap();
            assert_eq!(logs, []);
        }
        Self {
            profile,
            decoder,
            next_id: 1,
        }
    }

    fn send(&mut self, batch: &Operations) -> Vec<Record> {
        let records = self
            .decoder
            .decode(self.next_id, &written(batch, self.profile));
        self.next_id += 1;
        records.unwrap()
    }
}

fn bodies(records: Vec<Record>) -> Vec<String> {
    let body = |record: Record| String::from_utf8(record.body).unwrap();
    records.into_iter().map(body).collect()
}

#[test]
fn after_the_first_of_three_batches_a_replay_with_a_deletion_decodes() {
    let batches = [
        batch(&["+p1=A"]),
        batch(&["p1"]),
        batch(&["-p1", "+p2=B", "p2"]),
    ];
    let snapshot = after(&batches[..1]).operations();
    expect!["+p1=A "].assert_eq(&show(snapshot.as_ref()));
    for mode in [SnapshotMode::Full, SnapshotMode::Lazy] {
        let (mut planner, first) = Planner::begin(mode, &after(&batches[..1]), &batches[1..]);
        assert_eq!(first, snapshot);
        let mut stream = Stream::begin(Profile::A, first.as_ref());
        for (batch, logs) in batches[1..].iter().zip(["A", "B"]) {
            let sent = planner.prepare(&after(&batches[..1]), batch);
            assert!(matches!(sent, Cow::Borrowed(_)));
            assert_eq!(bodies(stream.send(&sent)), [logs]);
        }
        assert!(stream.decoder.pattern_ids().eq([2]));
    }
    expect!["+p2=B "].assert_eq(&show(after(&batches).operations().as_ref()));
}

#[test]
fn a_stream_that_fails_after_one_acknowledgement_goes_on_with_the_changes_of_one_batch() {
    let batches = [
        batch(&["+t1=tags", "+p1=A", "p1", "t1"]),
        batch(&["p1", "+p1=A wide", "p1"]),
        batch(&["t1", "-t1"]),
        batch(&["+t2=other", "t2"]),
    ];
    let snapshot = after(&batches[..1]).operations();
    expect!["+t1=tags +p1=A "].assert_eq(&show(snapshot.as_ref()));
    let mut stream = Stream::begin(Profile::A, snapshot.as_ref());
    let logs = batches[1..].iter().map(|batch| bodies(stream.send(batch)));
    let logs: Vec<_> = logs.collect();
    assert_eq!(logs, [vec!["A", "A wide"], vec!["raw"], vec!["raw"]]);
    assert_eq!(stream.next_id, 4);
}

#[test]
fn a_snapshot_has_texts_before_schemas_before_patterns_each_by_their_ids() {
    check(
        &[
            &["+p9=nine", "+t7=seven", "+p2=two", "+s5=t7", "+s4=t7"],
            &["+t3=three", "t7"],
        ],
        expect!["+t3=three +t7=seven +s4=t7 +s5=t7 +p2=two +p9=nine "],
    );
}

#[test]
fn a_definition_replaces_and_a_deletion_removes_in_their_order() {
    check(
        &[
            &["+p1=a", "+p1=b", "+t1=x", "-t1"],
            &["-p2", "+p2=c", "-p9", "-t9"],
            &["+s2=t1", "-s2", "-s9", "+s3=t1"],
        ],
        expect!["+s3=t1 +p1=b +p2=c "],
    );
}

#[test]
fn nothing_known_is_no_snapshot() {
    check(&[], expect!["nothing"]);
    check(&[&["+p1=a", "+t1=x", "-p1"], &["-t1"]], expect!["nothing"]);
}

#[test]
fn bytes_follow_what_is_known() {
    let mut snapshot = after(&[batch(&["+p1=12345", "+t1=123"])]);
    let places = size_of::<(u64, Pattern)>() + size_of::<(u64, Box<[u8]>)>();
    assert_eq!(snapshot.bytes(), 5 + 3 + places);
    snapshot.apply(&batch(&["+p1=1", "+t1=1234567"]));
    assert_eq!(snapshot.bytes(), 1 + 7 + places);
    assert_eq!(
        snapshot.entries(),
        Entries {
            patterns: 1,
            texts: 1,
            schemas: 0,
        }
    );
    snapshot.apply(&batch(&["-p1", "-t1", "-t1"]));
    assert_eq!((snapshot.bytes(), snapshot.is_empty()), (0, true));
}

#[test]
fn a_lazy_stream_is_told_what_waiting_batches_need_and_later_what_others_do() {
    let snapshot = after(&[batch(&[
        "+t1=a", "+t2=b", "+t3=c", "+p1=A", "+p2=B", "+p3=C",
    ])]);
    let waiting = [batch(&["+t1=a", "t1", "p2"]), batch(&["+p3=D", "p3", "t2"])];
    let (mut planner, first) = Planner::begin(SnapshotMode::Lazy, &snapshot, &waiting);
    expect!["+t2=b +p2=B "].assert_eq(&show(first.as_ref()));
    for batch in &waiting {
        assert!(matches!(
            planner.prepare(&snapshot, batch),
            Cow::Borrowed(_)
        ));
    }
    let mut next = |words: &[&str], expected: Expect| {
        expected.assert_eq(&show(Some(&*planner.prepare(&snapshot, &batch(words)))));
    };
    next(
        &["p1", "p3", "+p1=wide", "p1", "-t3"],
        expect!["+p1=A p1 p3 +p1=wide p1 -t3 "],
    );
    next(&["p1", "t3", "p2"], expect!["+t3=c p1 t3 p2 "]);
    next(&["t3", "-t3"], expect!["t3 -t3 "]);
}

#[test]
fn a_schema_needs_its_keys_on_a_lazy_stream() {
    let snapshot = after(&[batch(&["+t1=a", "+t2=b", "+t3=c", "+s2=t1", "+s3=t2"])]);
    let waiting = [batch(&["s2"])];
    let (mut planner, first) = Planner::begin(SnapshotMode::Lazy, &snapshot, &waiting);
    expect!["+t1=a +s2=t1 "].assert_eq(&show(first.as_ref()));
    let mut next = |words: &[&str], expected: Expect| {
        expected.assert_eq(&show(Some(&*planner.prepare(&snapshot, &batch(words)))));
    };
    next(&["s2"], expect!["s2 "]);
    next(&["s3", "-s3", "-t2"], expect!["+t2=b +s3=t2 s3 -s3 -t2 "]);
    next(&["+s4=t3", "s4"], expect!["+t3=c +s4=t3 s4 "]);
}

#[test]
fn a_lazy_stream_without_waiting_batches_has_no_snapshot() {
    let snapshot = after(&[batch(&["+p1=A"])]);
    let (planner, first) = Planner::begin(SnapshotMode::Lazy, &snapshot, []);
    assert!(planner.is_lazy());
    assert_eq!(first, None);
}

#[test]
fn auto_is_lazy_above_256_kib() {
    let mut operations = Operations::default();
    let room = (256 << 10) - size_of::<(u64, Box<[u8]>)>();
    for (bytes, lazy) in [(room, false), (room + 1, true)] {
        operations.clear();
        let text = operations.keep_text(&vec![b'x'; bytes]);
        operations.push(Operation::DefineText { id: 1, text });
        let mut snapshot = Snapshot::default();
        snapshot.apply(&operations);
        let (planner, _) = Planner::begin(SnapshotMode::default(), &snapshot, []);
        assert_eq!(planner.is_lazy(), lazy);
    }
}

/// Lets a stream break so often: each time so many batches are sent and so many of these acknowledged.
/// Every batch has to come out of each stream as it was, and unchanged if it waited when the stream began.
///
/// Returns how many batches had definitions put in front.
fn check_breaks(run: &Run, mode: SnapshotMode, breaks: &[(usize, usize)]) -> usize {
    let Run { batches, .. } = run;
    let (mut snapshot, mut acknowledged, mut completed) = (Snapshot::default(), 0, 0);
    let mut queued = 0;
    for (sent, acks) in breaks.iter().chain([&(usize::MAX, 0)]) {
        let waiting = batches[acknowledged..queued].iter();
        let waiting = waiting.map(|batch| &batch.operations);
        let (mut planner, first) = Planner::begin(mode, &snapshot, waiting);
        let mut stream = Stream::begin(run.profile, first.as_ref());
        let first = acknowledged;
        let last = first.saturating_add(*sent).min(batches.len());
        for (
            index,
            Batch {
                operations,
                records,
            },
        ) in batches.iter().enumerate().take(last).skip(first)
        {
            let ready = planner.prepare(&snapshot, operations);
            let waited = index < queued;
            let changed = matches!(ready, Cow::Owned(_));
            assert!(!changed || (planner.is_lazy() && !waited));
            completed += usize::from(changed);
            assert_eq!(&stream.send(&ready), records);
            check_known(&planner, &stream.decoder);
            // Acknowledgements come while later batches are being sent.
            if index > first && acknowledged < first + acks {
                snapshot.apply(&batches[acknowledged].operations);
                acknowledged += 1;
            }
        }
        queued = queued.max(last);
        if last == batches.len() {
            check_ids(run, &stream.decoder, planner.is_lazy());
        }
    }
    completed
}

/// A lazy planner knows what the decoder knows, no less and no more.
#[track_caller]
fn check_known(planner: &Planner, decoder: &Decoder) {
    let Some(known) = &planner.known else {
        return;
    };
    assert!(
        decoder
            .pattern_ids()
            .eq(sorted(known.patterns.iter().copied()))
    );
    assert!(decoder.text_ids().eq(sorted(known.texts.iter().copied())));
    assert!(
        decoder
            .schema_ids()
            .eq(sorted(known.schemas.iter().copied()))
    );
}

fn sorted(ids: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids
}

/// A decoder that was told everything knows what the encoder knows; one that was told less knows no more.
#[track_caller]
fn check_ids(run: &Run, decoder: &Decoder, is_lazy: bool) {
    let patterns = sorted(run.encoder.pattern_ids());
    let texts = sorted(run.encoder.text_ids());
    let schemas = sorted(run.encoder.schema_ids());
    if is_lazy {
        assert!(decoder.pattern_ids().all(|id| patterns.contains(&id)));
        assert!(decoder.text_ids().all(|id| texts.contains(&id)));
        assert!(decoder.schema_ids().all(|id| schemas.contains(&id)));
    } else {
        assert!(decoder.pattern_ids().eq(patterns));
        assert!(decoder.text_ids().eq(texts));
        assert!(decoder.schema_ids().eq(schemas));
    }
}

#[test]
fn a_long_run_survives_many_breaks_and_a_lazy_one_is_completed_on_its_way() {
    let breaks: Vec<_> = (0..90).map(|n| (n % 9, n * 7 % 6)).collect();
    for profile in [Profile::A, Profile::C] {
        let run = Run::long(profile);
        assert_eq!(check_breaks(&run, SnapshotMode::Full, &breaks), 0);
        let completed = check_breaks(&run, SnapshotMode::Lazy, &breaks);
        assert!(completed > 20, "{completed}");
    }
}

proptest! {
    #[test]
    fn a_stream_that_breaks_anywhere_loses_nothing(
        run in runs(),
        lazy: bool,
        breaks in prop::collection::vec((0..8usize, 0..8usize), 0..6),
    ) {
        let mode = if lazy { SnapshotMode::Lazy } else { SnapshotMode::Full };
        check_breaks(&run, mode, &breaks);
    }

    /// Why no deletion has to wait: see the planner.
    #[test]
    fn what_a_batch_uses_is_in_every_earlier_snapshot_or_defined_behind_it(run in runs()) {
        let snapshots = run.batches.iter().scan(Snapshot::default(), |state, batch| {
            let before = state.clone();
            state.apply(&batch.operations);
            Some(before)
        });
        let snapshots: Vec<_> = snapshots.collect();
        for (acknowledged, old) in snapshots.iter().enumerate() {
            // What is known on a stream that was told nothing at first, with the version that it was told.
            let mut told = Snapshot::default();
            for (index, Batch { operations, .. }) in run.batches.iter().enumerate().skip(acknowledged) {
                let now = &snapshots[index];
                for id in now.patterns.keys() {
                    let version = told.pattern(*id).or_else(|| old.pattern(*id));
                    prop_assert_eq!(version, now.pattern(*id));
                }
                for id in now.texts.keys() {
                    let version = told.text(*id).or_else(|| old.text(*id));
                    prop_assert_eq!(version, now.text(*id));
                }
                for id in now.schemas.keys() {
                    let version = told.schema(*id).or_else(|| old.schema(*id));
                    prop_assert_eq!(version, now.schema(*id));
                }
                told.apply(operations);
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_a_snapshot_that_is_made_anew(run in runs()) {
        let mut snapshot = Snapshot::default();
        for batch in &run.batches {
            snapshot.apply(&batch.operations);
            let mut again = Snapshot::default();
            if let Some(operations) = snapshot.operations() {
                again.apply(&operations);
            }
            prop_assert_eq!(&again, &snapshot);
        }
    }
}
