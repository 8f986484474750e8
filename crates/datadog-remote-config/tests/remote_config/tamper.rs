//! Bytes that are changed on their way: never believed, never a panic, nothing lost of what was believed.

use std::path::Path;

use bytes::Bytes;
use datadog_remote_config::{Error, Update, checks};
use proptest::prelude::*;

use crate::signer::Backend;
use crate::{NOW, apply, begin, refuse, try_update};

type Part = fn(&mut Update) -> &mut Bytes;

/// Every document and file of an update.
const PARTS: [Part; 9] = [
    |u| u.config.timestamp.as_mut().unwrap(),
    |u| u.config.snapshot.as_mut().unwrap(),
    |u| u.config.targets.as_mut().unwrap(),
    |u| &mut u.delegations[0].1,
    |u| u.director.timestamp.as_mut().unwrap(),
    |u| u.director.snapshot.as_mut().unwrap(),
    |u| u.director.targets.as_mut().unwrap(),
    |u| &mut u.files[0].1,
    |u| &mut u.files[1].1,
];

fn change(update: &mut Update, part: Part, with: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = part(update).to_vec();
    with(&mut bytes);
    *part(update) = bytes.into();
}

/// The next version of everything, after a first one that is believed.
fn second_update() -> (datadog_remote_config::Trusted, Update) {
    let mut backend = Backend::new();
    let trusted = apply(&begin(&backend), &backend.update());
    backend.change_top_file(b"{\"enabled\":false}");
    backend.config.delegates[0].version += 1;
    (trusted, backend.update())
}

#[test]
fn a_digit_of_a_signature_or_of_a_version_that_is_flipped_leaves_no_valid_signature() {
    let (trusted, update) = second_update();
    for (part, name) in PARTS.into_iter().zip([
        "config timestamp",
        "config snapshot",
        "config targets",
        "config delegation apm",
        "director timestamp",
        "director snapshot",
        "director targets",
    ]) {
        for marker in ["\"sig\":\"", "\"expires\":\"", "\"version\":"] {
            let mut tampered = update.clone();
            change(&mut tampered, part, |bytes| {
                let text = String::from_utf8_lossy(bytes);
                let at = text.rfind(marker).unwrap() + marker.len();
                bytes[at] = if bytes[at] == b'3' { b'4' } else { b'3' };
            });
            let message = format!("{name}: 0 valid signatures of 1");
            refuse(&trusted, &tampered, &message);
        }
    }
}

#[test]
fn the_corpus_of_the_fuzzer_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/remote_config");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::remote_config(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 8, "the corpus is where it should be");
}

#[test]
fn a_member_that_is_there_twice_is_no_document() {
    let (trusted, update) = second_update();
    let mut tampered = update;
    change(&mut tampered, PARTS[6], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let twice = text.replace("\"signed\":{", "\"signed\":{\"version\":9,");
        *bytes = twice.into_bytes();
    });
    let error = try_update(&trusted, &tampered, NOW).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("director targets: document: a member is there twice at line 1"),
        "{text}"
    );
}

#[test]
fn a_missing_file_or_role_is_missed() {
    let (trusted, update) = second_update();
    let mut without = update.clone();
    without.files.remove(1);
    let path = &update.files[1].0;
    refuse(&trusted, &without, &format!("file {path}: missing"));
    let mut without = update;
    without.delegations.clear();
    refuse(
        &trusted,
        &without,
        "config delegation apm: version 1 instead of 2",
    );
}

/// What is believed of an update that came with this change is what was signed, or nothing is.
fn unharmed(part: Part, with: impl FnOnce(&mut Vec<u8>)) -> Result<(), TestCaseError> {
    let (trusted, update) = second_update();
    let before = trusted.clone();
    let expected = apply(&trusted, &update);
    let mut tampered = update.clone();
    change(&mut tampered, part, with);
    match try_update(&trusted, &tampered, NOW) {
        // White space, the case of a hexadecimal digit, the name of an unknown member: none of it is signed.
        Ok(verified) => {
            prop_assert!(verified.dropped.is_empty());
            prop_assert_eq!(verified.trusted.versions(), expected.versions());
            let files = verified.trusted.to_update().files;
            prop_assert_eq!(files, expected.to_update().files);
        }
        Err(error) => {
            prop_assert!(tampered != update, "{}", error);
            let by_itself = !matches!(error, Error::OrgUnknown { .. } | Error::OrgUuid { .. });
            prop_assert!(by_itself);
        }
    }
    prop_assert_eq!(trusted, before);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_is_never_believed(part in 0..9usize, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        unharmed(PARTS[part], |bytes| {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        })?;
    }

    #[test]
    fn a_cut_document_is_never_believed(part in 0..9usize, at in any::<prop::sample::Index>()) {
        unharmed(PARTS[part], |bytes| bytes.truncate(at.index(bytes.len())))?;
    }

    #[test]
    fn bytes_in_between_are_never_believed(
        part in 0..9usize, at in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        unharmed(PARTS[part], |bytes| {
            let at = at.index(bytes.len());
            bytes.splice(at..at, more);
        })?;
    }
}

proptest! {
    #[test]
    fn the_checks_of_the_fuzz_target_hold_for_any_bytes(data in prop::collection::vec(any::<u8>(), 0..300)) {
        checks::remote_config(&data);
    }

    #[test]
    fn and_for_documents_that_are_nearly_right(
        kind in 2..8u8, part in 0..9usize, at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut update = second_update().1;
        let mut data = vec![kind];
        data.extend_from_slice(PARTS[part](&mut update));
        let at = 1 + at.index(data.len() - 1);
        data[at] = byte;
        checks::remote_config(&data);
    }

    #[test]
    fn and_for_texts(text in "[01](datadog/2/|employee/)?[a-z/*0-9.|<>=~^ x,\n-]{0,40}") {
        let mut data = text.into_bytes();
        data[0] -= b'0';
        checks::remote_config(&data);
    }
}
