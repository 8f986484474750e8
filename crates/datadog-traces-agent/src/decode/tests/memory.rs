//! What small bodies may become in memory.

use std::path::Path;

use proptest::prelude::*;

use super::super::*;
use crate::testing::{arbitrary, hex, msgpack};

/// A body that begins with these bytes and goes on with so many others.
fn body(head: &str, rest: &[u8], times: usize) -> Vec<u8> {
    let mut body = hex(head);
    body.extend(rest.repeat(times));
    body
}

#[track_caller]
fn check_refused(body: &[u8], decode: fn(&[u8]) -> Result<Payload<'_>, Error>) {
    let error = decode(body).unwrap_err();
    let budget = MEMORY_PER_BYTE * body.len() + MEMORY_FREE;
    assert_eq!(error.reason(), &Reason::TooMuchMemory(budget), "{error}");
}

#[test]
fn spans_of_one_byte_are_refused_when_there_are_many() {
    let count = 100_000;
    let spans = "9 1dd000186a0".replace(' ', "");
    check_refused(&body(&spans, &[0x80], count), v04);
    let error = v04(&body(&spans, &[0x80], count)).unwrap_err().to_string();
    let expected = "too many entries for its size: they would take more than 4065776 bytes of memory, in `body`, at byte ";
    assert!(error.starts_with(expected), "{error}");
    // Spans that are nil take no memory.
    assert_eq!(
        v04(&body(&spans, &[0xc0], count)).unwrap().chunks[0].spans,
        []
    );
    check_refused(&body("dd000186a0", &[0x90], count), v04);
    check_refused(&body("810bdd000186a0", &[0x80], count), v1);
    check_refused(&body("810b918104dd000186a0", &[0x80], count), v1);
    let links = "919181aa7370616e5f6c696e6b73dd000186a0";
    check_refused(&body(links, &[0x80], count), v04);
    let events = "919181ab7370616e5f6576656e7473dd000186a0";
    check_refused(&body(events, &[0x80], count), v04);
    check_refused(
        &[b"[[".as_slice(), &b"{},".repeat(count)].concat(),
        v04_json,
    );
    check_refused(&[b"[".as_slice(), &b"[],".repeat(count)].concat(), v04_json);
}

#[test]
fn signs_in_texts_of_json_take_no_memory() {
    let signs = r#"\"{[:"#.repeat(100_000);
    let body = format!(r#"[[{{"name":"{signs}"}}]]"#).into_bytes();
    let payload = v04_json(&body).unwrap();
    assert_eq!(payload.chunks[0].spans[0].name.len(), 400_000);
}

#[test]
fn tags_of_six_bytes_are_taken_from_json_however_many() {
    let tags = r#""":"","#.repeat(100_000);
    let body = format!(r#"[[{{"meta":{{{tags}"":""}}}}]]"#).into_bytes();
    assert_eq!(
        v04_json(&body).unwrap().chunks[0].spans[0].meta.len(),
        100_001
    );
}

#[test]
fn tags_of_two_bytes_are_taken_however_many() {
    let body = body("919181a46d657461df000186a0", &[0xa0, 0xa0], 100_000);
    assert_eq!(v04(&body).unwrap().chunks[0].spans[0].meta.len(), 100_000);
}

#[test]
fn attributes_of_three_bytes_are_taken_however_many() {
    for (kind, numbers) in [(1, 0), (4, 100_000)] {
        let body = body("810b918104918109dd000493e0", &[0, kind, 0], 100_000);
        let span = v1(&body).unwrap().chunks.remove(0).spans.remove(0);
        assert_eq!(
            (span.meta.len(), span.metrics.len()),
            (100_000 - numbers, numbers)
        );
    }
}

#[test]
fn the_smallest_real_spans_are_taken_however_many() {
    // Ids of eight bytes, a start and a duration, and nothing else.
    let v05_span = hex(
        "9c000000cf0000000000000001cf0000000000000002cf0000000000000003cf17979cfe362a0000cd7fff00808000",
    );
    let read = body("9291a091dd000186a0", &v05_span, 100_000);
    assert_eq!(v05(&read).unwrap().chunks[0].spans.len(), 100_000);
    let v1_span = hex("85010004cf000000000000000205cf000000000000000306cf17979cfe362a000007cd7fff");
    let read = body("810b918104dd000186a0", &v1_span, 100_000);
    assert_eq!(v1(&read).unwrap().chunks[0].spans.len(), 100_000);
}

#[test]
fn a_small_body_may_be_anything() {
    let body = body("91dc0064", &[0x80], 100);
    assert_eq!(v04(&body).unwrap().chunks[0].spans.len(), 100);
}

#[test]
fn repaired_texts_are_not_copied_without_limit() {
    let text = [hex("9291c500ff"), vec![0xff; 255]].concat();
    let spans = |count: u8| {
        [
            text.clone(),
            hex("91dc00"),
            vec![count],
            hex("9c000000000000000000808000").repeat(count.into()),
        ]
        .concat()
    };
    assert_eq!(
        v05(&spans(2)).unwrap().chunks[0].spans[1]
            .name
            .chars()
            .count(),
        255
    );
    check_refused(&spans(250), v05);
    let mut body = hex("8302c500ff");
    body.extend([0xff; 255]);
    body.extend(hex("03 01 0bdc03e8".replace(' ', "").as_str()));
    body.extend(hex("810201").repeat(1_000));
    check_refused(&body, v1);
}

#[test]
fn keys_of_nested_values_are_not_copied_without_limit() {
    let mut body = hex("810a93da2710");
    body.extend([b'k'; 10_000]);
    body.extend(hex("06dc07d0"));
    body.extend(hex("0100").repeat(1_000));
    check_refused(&body, v1);
}

#[test]
fn the_stored_inputs_of_the_fuzz_target_pass_its_check() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/traces_decode");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::traces_decode(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 10, "the corpus is where it should be");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        checks::traces_decode(&bytes);
    }

    #[test]
    fn bodies_with_changed_bytes_are_read_or_refused(
        payload in arbitrary::payload(),
        format in 0_u8..8,
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..8),
    ) {
        let mut body = match format % 4 {
            0 => msgpack::v04(&payload),
            1 => msgpack::v05(&payload),
            2 => msgpack::v07(&payload),
            _ => crate::testing::v1::v1(&payload, &Default::default()),
        };
        for (place, byte) in changes {
            let len = body.len();
            body[place % len] = byte;
        }
        let selector = [0, 3, 4, 5][usize::from(format % 4)];
        checks::traces_decode(&[&[selector], body.as_slice()].concat());
    }
}

/// A body of v0.5 with one text, and so many tags of one span that are that text.
fn references(text_bytes: usize, tags: u32) -> Vec<u8> {
    let mut body = hex("9291db");
    body.extend(u32::try_from(text_bytes).unwrap().to_be_bytes());
    body.extend(vec![b'a'; text_bytes]);
    body.extend(hex("91919c000000010200050500df"));
    body.extend(tags.to_be_bytes());
    body.extend(vec![0; 2 * tags as usize]);
    body.extend(hex("8000"));
    body
}

#[test]
fn references_that_stand_for_too_much_text_are_refused() {
    // Each tag is 2 bytes, and stands for 20,000.
    let body = references(10_000, 10_000);
    let error = v05(&body).unwrap_err();
    let budget = TEXTS_FREE + TEXTS_PER_BYTE * body.len();
    assert_eq!(error.reason(), &Reason::TooMuchText(budget), "{error}");
    let body = references(10_000, 3_000);
    assert_eq!(v05(&body).unwrap().chunks[0].spans[0].meta.len(), 3_000);
}

#[test]
fn no_body_becomes_more_than_the_largest_memory() {
    assert_eq!(memory_of(0), MEMORY_FREE);
    assert_eq!(memory_of(1_000), 1_000 * MEMORY_PER_BYTE + MEMORY_FREE);
    assert_eq!(memory_of(50 << 20), MEMORY_MAX);
    assert_eq!(memory_of(usize::MAX), MEMORY_MAX);
}
