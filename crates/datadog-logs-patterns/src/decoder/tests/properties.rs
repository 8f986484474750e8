//! Of bytes of any kind: no panic, no bound passed.

use std::path::Path;

use proptest::prelude::*;

use super::vectors::{batch_a, batch_c};
use super::*;
use crate::decoder::checks;

#[test]
fn a_batch_cut_short_anywhere_is_no_whole_batch() {
    for (profile, data) in [(Profile::A, batch_a()), (Profile::C, batch_c())] {
        let mut whole = 0;
        for cut in 0..data.len() {
            let mut decoder = Decoder::new(profile, Limits::default());
            match decoder.decode(1, &data[..cut]) {
                // Between two datums.
                Ok(records) => whole += usize::from(records.len() < 3),
                Err(error) => assert_eq!(error.code(), Code::InvalidArgument),
            }
        }
        assert_eq!(whole, 6);
    }
}

#[test]
fn the_stored_inputs_of_the_fuzz_target_pass_its_checks() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/datum_sequence");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::datum_sequence(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 8, "the corpus is where it should be");
}

/// A batch with some of its bytes changed, left out or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let batch = prop_oneof![Just((0_u8, batch_a())), Just((1_u8, batch_c()))];
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (batch, prop::collection::vec(change, 0..6), 0..2_u8).prop_map(
        |((profile, mut data), changes, small)| {
            for (at, byte, how) in changes {
                let at = at.index(data.len());
                match how {
                    0 => data[at] = byte,
                    1 => drop(data.remove(at)),
                    _ => data.insert(at, byte),
                }
            }
            data.insert(0, profile | small << 3);
            data
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(input in prop::collection::vec(any::<u8>(), 0..300)) {
        checks::datum_sequence(&input);
    }

    #[test]
    fn a_changed_batch_is_decoded_or_refused(input in mutated()) {
        checks::datum_sequence(&input);
    }

    #[test]
    fn an_envelope_of_any_bytes_is_taken_apart_or_refused(input in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok((_, data)) = envelope(&input) {
            prop_assert!(data.len() <= input.len());
        }
    }
}
