//! What must hold of any input: run by a fuzz target on bytes it makes up, and by a test on the stored ones.
//!
//! A check panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use super::{ContentEncoding, Decoder, Error, Limits, Record};
use crate::wire::Profile;

/// Limits that made-up bytes can reach.
const SMALL: Limits = Limits {
    patterns: 4,
    texts: 4,
    schemas: 2,
    state_bytes: 1_024,
    batch_bytes: 4_096,
    values: 4,
    log_bytes: 256,
    output_bytes: 2_048,
};

/// Decodes the same data as batches 1 and 2. The first byte chooses: bit 0 the profile, bits 1 and 2 the
/// content encoding, bit 3 the limits.
pub fn datum_sequence(input: &[u8]) {
    let Some((&choice, data)) = input.split_first() else {
        return;
    };
    let profile = [Profile::A, Profile::C][usize::from(choice & 1)];
    let encoding = match choice >> 1 & 3 {
        0 | 3 => ContentEncoding::Identity,
        1 => ContentEncoding::Gzip,
        _ => ContentEncoding::Zstd,
    };
    let small = choice & 8 != 0;
    let limits = if small { SMALL } else { Limits::default() };
    let decoder = || Decoder::new(profile, limits).with_encoding(encoding);
    let (mut one, mut other) = (decoder(), decoder());
    for batch_id in [1, 2] {
        let decoded = one.decode(batch_id, data);
        assert_eq!(decoded, other.decode(batch_id, data), "the same twice");
        check(&one, &decoded, &limits);
    }
}

/// The bounds hold, and an error leaves nothing behind.
fn check(decoder: &Decoder, decoded: &Result<Vec<Record>, Error>, limits: &Limits) {
    assert_eq!(decoder.state_bytes(), decoder.counted_state_bytes());
    assert!(decoder.state_bytes() <= limits.state_bytes);
    assert!(decoder.pattern_ids().len() <= limits.patterns);
    assert!(decoder.text_ids().len() <= limits.texts);
    assert!(decoder.schema_ids().len() <= limits.schemas);
    match decoded {
        Ok(records) => {
            let bytes = |record: &Record| size_of::<Record>() + record.body.len();
            assert!(records.iter().map(bytes).sum::<usize>() <= limits.output_bytes);
            let longest = records.iter().map(|record| record.body.len()).max();
            assert!(longest.unwrap_or(0) <= limits.log_bytes);
        }
        Err(_) => assert_eq!(decoder.state_bytes(), 0),
    }
}
