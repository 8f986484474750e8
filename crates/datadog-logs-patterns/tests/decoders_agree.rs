//! The decoder and a second one, written apart from it, make the same of every stream.

#![allow(
    clippy::unwrap_used,
    reason = "a stream that cannot be written or read is a failed test"
)]

#[path = "support/fields.rs"]
mod fields;
#[path = "support/minimal_decoder.rs"]
mod minimal_decoder;
#[path = "support/streams.rs"]
mod streams;

use std::path::Path;

use datadog_logs_patterns::decoder::{Decoder, Limits, Record};
use datadog_logs_patterns::wire::Profile;
use proptest::prelude::*;

use minimal_decoder::{Log, MinimalDecoder};

fn decoders(profile: Profile) -> (Decoder, MinimalDecoder) {
    let decoder = Decoder::new(profile, Limits::default());
    (decoder, MinimalDecoder::new(profile == Profile::C))
}

/// A record in the words of the other decoder.
fn log(record: Record) -> Log {
    let text = |text: Option<std::sync::Arc<str>>| text.map(|text| text.to_string());
    Log {
        body: record.body,
        timestamp_ms: record.timestamp_ms,
        status: text(record.status),
        service: text(record.service),
        tags: text(record.tags),
        uuid: record.uuid,
    }
}

/// Decodes the batches with both; gives back how many logs there were.
#[track_caller]
fn check(profile: Profile, batches: &[Vec<u8>]) -> usize {
    let (mut decoder, mut minimal) = decoders(profile);
    let mut logs = 0;
    for (batch_id, batch) in (1..).zip(batches) {
        let records = decoder.decode(batch_id, batch).unwrap();
        let records: Vec<_> = records.into_iter().map(log).collect();
        assert_eq!(Ok(&records), minimal.decode(batch).as_ref());
        logs += records.len();
    }
    logs
}

#[test]
fn they_agree_on_the_stored_batches() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/datum_sequence");
    let stored = |name: &str| std::fs::read(corpus.join(name)).unwrap().split_off(1);
    for (name, logs) in [
        ("a", 3),
        ("a_none_after_some", 2),
        ("a_json", 1),
        ("a_exact_bytes", 1),
        ("a_sync", 1),
    ] {
        assert_eq!(check(Profile::A, &[stored(name)]), logs, "{name}");
    }
    for (name, logs) in [("c", 3), ("c_json", 2), ("c_sync", 1)] {
        assert_eq!(check(Profile::C, &[stored(name)]), logs, "{name}");
    }
}

#[test]
fn made_up_streams_hold_logs_of_every_sort() {
    let dice: Vec<u8> = (0..20_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect();
    for profile in [Profile::A, Profile::C] {
        let batches = streams::write(profile, &dice);
        assert!(batches.len() > 20);
        assert!(check(profile, &batches) > 500);
    }
}

proptest! {
    #[test]
    fn they_agree_on_made_up_streams(
        is_c in any::<bool>(),
        dice in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let profile = if is_c { Profile::C } else { Profile::A };
        check(profile, &streams::write(profile, &dice));
    }
}
