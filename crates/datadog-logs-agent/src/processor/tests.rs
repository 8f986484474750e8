//! From bodies, handles and lines to entries.

mod bodies;
mod limits;

use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    BodyError, Defaults, EmptyLines, Enrichment, EntryLimits, Oversize, Processor, Tally, checks,
};
use crate::rules::{RuleConfig, RuleKind, Rules};
use crate::{EntryBlock, IntakeEntry};

const NOW: i64 = 1_700_000_000_000;

fn processor() -> Processor {
    Processor {
        rules: Rules::default(),
        enrichment: Enrichment::default(),
        limits: EntryLimits {
            message_bytes: 900_000,
            entry_bytes: 1_048_576,
            oversize: Oversize::Truncate,
        },
    }
}

/// Host, service, tags and status are known.
fn enriching() -> Processor {
    Processor {
        enrichment: Enrichment {
            hostname: Some("h".to_owned()),
            service: Some("s".to_owned()),
            ddsource: Some("d".to_owned()),
            tags: vec!["env:prod".to_owned(), "team:\"a\"".to_owned()],
            status: Some("info".to_owned()),
        },
        ..processor()
    }
}

fn with_rules(rules: &[(RuleKind, &str, &str)]) -> Processor {
    let rule = |&(kind, pattern, placeholder): &(RuleKind, &str, &str)| RuleConfig {
        kind,
        name: format!("{kind:?}"),
        pattern: pattern.to_owned(),
        replace_placeholder: placeholder.to_owned(),
    };
    let rules: Vec<RuleConfig> = rules.iter().map(rule).collect();
    Processor {
        rules: Rules::compile(&rules).unwrap(),
        ..processor()
    }
}

fn texts(block: &EntryBlock) -> Vec<String> {
    block
        .iter()
        .map(|json| String::from_utf8(json.to_vec()).unwrap())
        .collect()
}

/// The entries of a body of unknown type.
#[track_caller]
fn body(processor: &Processor, body: &str) -> Vec<String> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    texts(
        &processor
            .body(body, None, &Defaults::default(), NOW)
            .unwrap()
            .0,
    )
}

/// The only entry of a body.
#[track_caller]
fn one(processor: &Processor, json: &str) -> String {
    let mut entries = body(processor, json);
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

fn tally(processor: &Processor, body: &str) -> Tally {
    let body = Bytes::copy_from_slice(body.as_bytes());
    processor
        .body(body, None, &Defaults::default(), NOW)
        .unwrap()
        .1
}

fn lines(processor: &Processor, lines: &[&[u8]], empty: EmptyLines) -> (Vec<String>, Tally) {
    let (block, tally) = processor.lines(lines.iter().copied(), empty, NOW);
    (texts(&block), tally)
}

#[test]
fn entries_of_a_handle_are_written_and_enriched() {
    let mut full = IntakeEntry::from_message("a", 1);
    full.ddtags = Some("own:1".to_owned());
    full.hostname = Some("mine".to_owned());
    let mut timeless = IntakeEntry::from_message("b", 1);
    timeless.timestamp = None;
    let (block, tally) = enriching().entries(&[full, timeless], NOW);
    assert_eq!(
        texts(&block),
        [
            r#"{"message":"a","timestamp":1,"hostname":"mine","ddtags":"own:1,env:prod,team:\"a\"","service":"s","ddsource":"d","status":"info"}"#,
            r#"{"message":"b","timestamp":1700000000000,"hostname":"h","service":"s","ddsource":"d","ddtags":"env:prod,team:\"a\"","status":"info"}"#,
        ]
    );
    assert_eq!((tally.received, tally.processed, tally.too_old), (2, 2, 1));
}

#[test]
fn an_entry_of_a_handle_that_is_nested_too_deeply_is_dropped_and_counted() {
    let nested = |depth: usize| {
        let mut entry = IntakeEntry::from_message("a", NOW);
        let value = (0..depth).fold(Value::Null, |inner, _| json!([inner]));
        entry.attributes.insert("deep".to_owned(), value);
        entry
    };
    // The entry itself and the array of the batch are two of 127 levels.
    let (block, tally) = processor().entries(&[nested(125), nested(126)], NOW);
    assert_eq!(block.len(), 1);
    assert_eq!(
        (tally.received, tally.processed, tally.too_large),
        (2, 1, 1)
    );
}

#[test]
fn a_line_is_a_message_byte_for_byte() {
    let (entries, tally) = lines(
        &processor(),
        &[b"  a\t\"b\" ", b"", "é".as_bytes()],
        EmptyLines::Keep,
    );
    assert_eq!(
        entries,
        [
            r#"{"message":"  a\t\"b\" ","timestamp":1700000000000}"#,
            r#"{"message":"","timestamp":1700000000000}"#,
            r#"{"message":"é","timestamp":1700000000000}"#,
        ]
    );
    assert_eq!((tally.received, tally.processed), (3, 3));
}

#[test]
fn empty_lines_are_passed_over_where_the_source_says_so() {
    let (entries, tally) = lines(&processor(), &[b"", b"a", b" ", b""], EmptyLines::Skip);
    assert_eq!(entries.len(), 2);
    assert_eq!((tally.received, tally.processed), (2, 2));
}

#[test]
fn each_maximal_invalid_sequence_of_a_line_is_replaced() {
    let message = |line: &[u8]| {
        let entry: Value =
            serde_json::from_str(&lines(&processor(), &[line], EmptyLines::Keep).0[0]).unwrap();
        entry["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message(b"a\xFFb"), "a\u{FFFD}b");
    // Three bytes of a four-byte character are one sequence, two stray bytes are two.
    assert_eq!(
        message(b"\xF0\x9F\x98x\xC0\xAF"),
        "\u{FFFD}x\u{FFFD}\u{FFFD}"
    );
    assert_eq!(message(b"end\xE2\x82"), "end\u{FFFD}");
}

#[test]
fn a_line_gets_all_that_is_known_of_its_source() {
    let (entries, _) = lines(&enriching(), &[b"a"], EmptyLines::Keep);
    assert_eq!(
        entries,
        [
            r#"{"message":"a","timestamp":1700000000000,"hostname":"h","service":"s","ddsource":"d","ddtags":"env:prod,team:\"a\"","status":"info"}"#
        ]
    );
}

#[test]
fn a_timed_line_has_its_own_time_of_arrival() {
    let lines: [(&[u8], i64); 2] = [(b"a", 5), (b"b", 1_700_000_000_001)];
    let (block, tally) = processor().timed_lines(lines.into_iter(), EmptyLines::Keep);
    assert_eq!(
        texts(&block),
        [
            r#"{"message":"a","timestamp":5}"#,
            r#"{"message":"b","timestamp":1700000000001}"#
        ]
    );
    assert_eq!((tally.received, tally.processed), (2, 2));
}

#[test]
fn rules_apply_to_every_way_in_and_drops_are_counted_by_name() {
    let processor = with_rules(&[
        (RuleKind::MaskSequences, r"\d{4}", "[n]"),
        (RuleKind::ExcludeAtMatch, "health", ""),
    ]);
    let expected = Tally {
        received: 2,
        processed: 1,
        excluded: vec![("ExcludeAtMatch".to_owned(), 1)],
        ..Tally::default()
    };
    let masked = r#"{"message":"id [n]","timestamp":1700000000000}"#;

    let json = r#"[{"message":"id 1234","timestamp":1700000000000},{"message":"health"}]"#;
    assert_eq!(body(&processor, json), [masked]);
    assert_eq!(tally(&processor, json), expected);

    let json = r#"["id 1234","\u0068ealth"]"#;
    assert_eq!(body(&processor, json), [masked]);
    assert_eq!(tally(&processor, json), expected);

    let entries = ["id 1234", "health"].map(|text| IntakeEntry::from_message(text, NOW));
    let (block, tally) = processor.entries(&entries, NOW);
    assert_eq!(
        (texts(&block), tally),
        (vec![masked.to_owned()], expected.clone())
    );

    let outcome = lines(&processor, &[b"id 1234", b"health"], EmptyLines::Keep);
    assert_eq!(outcome, (vec![masked.to_owned()], expected));
}

#[test]
fn rules_see_the_decoded_message_and_nothing_else() {
    let processor = with_rules(&[(RuleKind::ExcludeAtMatch, "a\"b|secret", "")]);
    assert_eq!(
        body(&processor, r#"[{"message":"\u0061\"b"}]"#),
        Vec::<String>::new()
    );
    assert_eq!(
        body(&processor, r#"[{"message":"x","secret":"secret"}]"#).len(),
        1
    );
}

#[test]
fn an_object_message_is_masked_in_its_texts() {
    let processor = with_rules(&[(RuleKind::MaskSequences, r"\d", "#")]);
    assert_eq!(
        one(
            &processor,
            r#"{"timestamp":1,"message":{ "a1" : "b2", "c" : 3 },"x":"4"}"#
        ),
        r##"{"message":{"a1":"b#","c":3},"timestamp":1,"x":"4"}"##
    );
}

#[test]
fn the_stored_inputs_of_the_fuzz_targets_pass_their_checks() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut inputs = 0;
    for (target, check) in [
        ("intake_body", checks::intake_body as fn(&[u8])),
        ("intake_entry", checks::intake_entry),
    ] {
        for file in std::fs::read_dir(corpus.join(target)).unwrap() {
            check(&std::fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
    }
    assert!(inputs > 20, "the corpora are where they should be");
}

/// A value of a top-level key, of a type that is not always its own.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => "[a-z0-9:,\"\\\\\n\u{1}é ]{0,20}".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!({"a": ["b", 1]})),
        1 => any::<bool>().prop_map(Value::from),
    ]
}

fn any_entry() -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![
        3 => prop::sample::select(&datadog_wire::logs::RESERVED_KEYS[..]).prop_map(str::to_owned),
        1 => "[a-c\"é]{0,2}",
    ];
    let members = prop::collection::vec((key, any_value()), 0..8);
    (members, any_value()).prop_map(|(members, message)| {
        let mut entry: Map<String, Value> = members.into_iter().collect();
        entry.insert("message".to_owned(), message);
        entry
    })
}

proptest! {
    #[test]
    fn a_body_and_a_handle_make_the_same_of_an_entry(
        entries in prop::collection::vec(any_entry(), 0..6),
        pretty in any::<bool>(),
        enrich in any::<bool>(),
    ) {
        let mut processor = if enrich { enriching() } else { processor() };
        processor.limits.message_bytes = 15;
        let value = Value::from(entries.clone());
        let json = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let typed: Result<Vec<IntakeEntry>, _> = entries
            .iter()
            .map(|entry| IntakeEntry::from_json(&serde_json::to_vec(entry).unwrap()))
            .collect();
        let from_body = processor.body(json.unwrap().into(), None, &Defaults::default(), NOW);
        match (typed, from_body) {
            (Ok(typed), Ok((block, tally))) => {
                let (expected, expected_tally) = processor.entries(&typed, NOW);
                let values = |block: &EntryBlock| -> Vec<Value> {
                    block.iter().map(|json| serde_json::from_slice(&json).unwrap()).collect()
                };
                prop_assert_eq!(values(&block), values(&expected));
                prop_assert_eq!(tally, expected_tally);
            }
            (Err(_), Err(_)) => {}
            (typed, from_body) => prop_assert!(false, "{typed:?} {from_body:?}"),
        }
    }

    #[test]
    fn any_bytes_pass_the_checks_of_the_fuzz_targets(data in prop::collection::vec(any::<u8>(), 0..64)) {
        checks::intake_body(&data);
        checks::intake_entry(&data);
    }

    #[test]
    fn nothing_is_lost_or_over_the_limit_when_a_line_is_cut(
        line in "[a\"\u{1}é\u{1F600}]{0,60}",
        message_bytes in 4usize..20, // at least one character, as no setting is below 1000
        entry_bytes in 85usize..130,
    ) {
        let mut processor = processor();
        processor.limits = EntryLimits { message_bytes, entry_bytes, oversize: Oversize::Truncate };
        let (entries, tally) = lines(&processor, &[line.as_bytes()], EmptyLines::Keep);
        let pieces: Vec<String> = entries
            .iter()
            .map(|json| serde_json::from_str::<Value>(json).unwrap()["message"].as_str().unwrap().to_owned())
            .collect();
        prop_assert!(entries.iter().all(|json| json.len() <= entry_bytes), "{entries:?}");
        prop_assert_eq!(pieces.concat().replace("...TRUNCATED...", ""), line);
        prop_assert_eq!(tally.truncated, u64::from(pieces.len() > 1));
        prop_assert_eq!((tally.received, tally.processed), (pieces.len() as u64, pieces.len() as u64));
    }
}
