//! A new stream that gets a snapshot and the batches that wait decodes them to what was sent.

#![allow(
    clippy::unwrap_used,
    reason = "a stream that cannot be written or read is a failed test"
)]

use datadog_logs_patterns::decoder::{Decoder, Limits, Record};
use datadog_logs_patterns::encoder::{Encoder, Input, Options};
use datadog_logs_patterns::operation::{Body, Log, Operation, Operations};
use datadog_logs_patterns::snapshot::{Planner, Snapshot};
use datadog_logs_patterns::wire::{self, Profile};
use proptest::prelude::*;

fn define(operations: &mut Operations, id: u64, text: &str) {
    let template = operations.keep_text(text.as_bytes());
    let positions = operations.keep_positions(&[]);
    operations.push(Operation::DefinePattern {
        id,
        template,
        positions,
    });
}

fn log(operations: &mut Operations, id: u64) {
    operations.push(Operation::Log(Log {
        timestamp_ms: 1,
        status: None,
        service: None,
        tags: None,
        uuid: None,
        body: Body::Pattern { id, values: 0..0 },
    }));
}

fn decode(batches: &[(u32, Operations)], profile: Profile) -> (Decoder, Vec<Record>) {
    let mut decoder = Decoder::new(profile, Limits::default());
    let mut records = Vec::new();
    for (id, batch) in batches {
        let mut written = Vec::new();
        wire::write(batch, profile, wire::Options::default(), &mut written);
        records.extend(decoder.decode(*id, &written).unwrap());
    }
    (decoder, records)
}

#[test]
fn a_replay_with_deletes_decodes_wherever_the_acknowledgements_stopped() {
    let mut first = Operations::default();
    define(&mut first, 1, "A");
    log(&mut first, 1);
    let mut second = Operations::default();
    log(&mut second, 1);
    let mut third = Operations::default();
    third.push(Operation::DeletePattern { id: 1 });
    define(&mut third, 2, "B");
    log(&mut third, 2);

    let mut snapshot = Snapshot::default();
    assert!(snapshot.is_empty());
    snapshot.apply(&first);
    let (decoder, _) = decode(&[(0, snapshot.operations())], Profile::A);
    assert_eq!(decoder.pattern_ids().collect::<Vec<_>>(), [1]);
    let replay = [
        (0, snapshot.operations()),
        (1, second.clone()),
        (2, third.clone()),
    ];
    let (_, records) = decode(&replay, Profile::A);
    let bodies: Vec<_> = records
        .iter()
        .map(|record| record.body.as_slice())
        .collect();
    assert_eq!(bodies, [b"A", b"B"]);

    snapshot.apply(&second);
    snapshot.apply(&third);
    let (decoder, _) = decode(&[(0, snapshot.operations())], Profile::A);
    assert_eq!(decoder.pattern_ids().collect::<Vec<_>>(), [2]);
    assert_eq!(snapshot.entries(), (1, 0));
}

/// Batches of lines with a few words in changing places, under limits that make things leave all the time.
fn batches(seed: &[u8], profile: Profile) -> (Encoder, Vec<Vec<String>>, Vec<Operations>) {
    let mut options = Options {
        profile,
        ..Options::default()
    };
    options.pattern_limits.max_items = 5;
    options.pattern_limits.grace_ms = 0;
    options.text_limits.max_items = 8;
    let mut encoder = Encoder::new(options, 3);
    let mut lines = Vec::new();
    let mut sent = Vec::new();
    for (number, batch) in seed.chunks(12).enumerate() {
        let texts: Vec<_> = batch
            .iter()
            .map(|byte| match byte % 5 {
                0 => format!("read took {byte} ms from disk-{}", byte % 7),
                1 => format!("user alice{} logged in from 10.0.0.{}", byte % 3, byte % 9),
                2 => format!(
                    "GET \"/some/longer/path/{}\" with \"agent number {}\"",
                    byte % 6,
                    byte % 4
                ),
                3 => format!("{{\"n\":{byte},\"kind\":\"value {}\"}}", byte % 5),
                _ => format!(
                    "something else {} {}",
                    byte % 2,
                    "x ".repeat(usize::from(byte % 11))
                ),
            })
            .collect();
        for text in &texts {
            let input = Input {
                body: text.as_bytes(),
                timestamp_ms: 5,
                status: Some(["info", "warn"][number % 2]),
                service: None,
                tags: ["env:a", "env:b", "env:c"][number % 3],
                uuid: None,
            };
            encoder.push(&input, number as i64).unwrap();
        }
        lines.push(texts);
        sent.push(encoder.seal());
    }
    (encoder, lines, sent)
}

#[track_caller]
fn check(records: &[Record], lines: &[Vec<String>]) {
    let expected: Vec<_> = lines.iter().flatten().map(String::as_bytes).collect();
    let found: Vec<_> = records
        .iter()
        .map(|record| record.body.as_slice())
        .collect();
    assert_eq!(found, expected);
}

proptest! {
    #[test]
    fn a_new_stream_goes_on_where_the_acknowledgements_stopped(
        seed in prop::collection::vec(any::<u8>(), 1..200),
        acknowledged in any::<prop::sample::Index>(),
        waiting in 0..4_usize,
        is_c in any::<bool>(),
    ) {
        let profile = [Profile::A, Profile::C][usize::from(is_c)];
        let (encoder, lines, sent) = batches(&seed, profile);
        let acknowledged = acknowledged.index(sent.len());
        let mut snapshot = Snapshot::default();
        sent[..acknowledged].iter().for_each(|batch| snapshot.apply(batch));

        let mut full = vec![(0, snapshot.operations())];
        full.extend((1..).zip(sent[acknowledged..].iter().cloned()));
        let (decoder, records) = decode(&full, profile);
        check(&records, &lines[acknowledged..]);
        let patterns: std::collections::BTreeSet<_> = encoder.pattern_ids().collect();
        prop_assert_eq!(decoder.pattern_ids().collect::<std::collections::BTreeSet<_>>(), patterns);

        let waiting = (acknowledged + waiting).min(sent.len());
        let mut planner = Planner::new();
        let begin = planner.begin(&snapshot, &sent[acknowledged..waiting]);
        let mut lazy = vec![(0, begin.unwrap_or_default())];
        for (id, (place, batch)) in (1..).zip(sent.iter().enumerate().skip(acknowledged)) {
            let prepared = (place >= waiting).then(|| planner.prepare(&snapshot, batch)).flatten();
            lazy.push((id, prepared.unwrap_or_else(|| batch.clone())));
        }
        let (_, records) = decode(&lazy, profile);
        check(&records, &lines[acknowledged..]);
    }

    #[test]
    fn two_halves_are_as_good_as_the_whole(
        seed in prop::collection::vec(any::<u8>(), 1..100),
        is_c in any::<bool>(),
    ) {
        let profile = [Profile::A, Profile::C][usize::from(is_c)];
        let (_, lines, sent) = batches(&seed, profile);
        let halves = sent.iter().flat_map(|batch| {
            let (first, second) = batch.split();
            assert!(first.logs() - second.logs() <= 1);
            [first, second]
        });
        let (_, records) = decode(&(1..).zip(halves).collect::<Vec<_>>(), profile);
        check(&records, &lines);
    }
}
