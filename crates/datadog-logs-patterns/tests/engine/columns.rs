//! JSON as columns: what travels as such, what stays text, and that every byte comes back either way.

use datadog_logs_patterns::encoder::{JsonMode, Options, TextReason};
use datadog_logs_patterns::operation::{Body, Json, Log, Member, Operation, Operations};
use datadog_logs_patterns::wire::Profile;

use crate::stream::Stream;

pub(crate) fn options(profile: Profile) -> Options {
    Options {
        profile,
        json: JsonMode::Columns,
        ..Options::default()
    }
}

/// How many of the logs travel as columns.
fn objects(operations: &Operations) -> usize {
    let is_object =
        |operation: &&Operation| matches!(operation, Operation::Log(log) if log.json.is_some());
    operations.iter().filter(is_object).count()
}

/// The reason for which the last of three copies of a line is text; `None` when it travels as columns.
#[track_caller]
fn fate(profile: Profile, line: &str) -> Option<TextReason> {
    let mut stream = Stream::new(options(profile));
    for _ in 0..4 {
        stream.push(line);
    }
    let before = stream.encoder.stats().json_text;
    stream.seal();
    stream.push(line);
    let operations = stream.seal();
    let after = stream.encoder.stats().json_text;
    let mut grown = TextReason::ALL
        .into_iter()
        .filter(|reason| after[*reason as usize] > before[*reason as usize]);
    let reason = grown.next();
    assert_eq!(
        objects(&operations),
        usize::from(reason.is_none()),
        "{line}"
    );
    reason
}

#[test]
fn a_profile_takes_what_it_can_say() {
    let message = r#""message":"all 7 are well""#;
    for (value, in_a) in [
        ("5", true),
        ("-5", true),
        ("-9223372036854775808", true),
        ("\"x\"", true),
        ("\"\"", true),
        ("\"true\"", true),
        ("\"null\"", true),
        ("\"007\"", true),
        ("\"{}\"", true),
        ("\"5\"", false),
        ("\"-5\"", false),
        ("true", false),
        ("null", false),
        ("1.5", false),
        ("-0", false),
        ("9223372036854775808", false),
        ("[]", false),
        ("{}", false),
        ("{\"a\":1}", false),
    ] {
        let line = format!(r#"{{"k":{value},{message}}}"#);
        let expected = (!in_a).then_some(TextReason::Ambiguous);
        assert_eq!(fate(Profile::A, &line), expected, "{line}");
        assert_eq!(fate(Profile::C, &line), None, "{line}");
    }
    for (key, in_a) in [
        ("a.b", true),
        ("a b", true),
        ("a\\\\", true),
        ("a,b", false),
    ] {
        let line = format!(r#"{{"{key}":1,{message}}}"#);
        let expected = (!in_a).then_some(TextReason::Ambiguous);
        assert_eq!(fate(Profile::A, &line), expected, "{line}");
        assert_eq!(fate(Profile::C, &line), None, "{line}");
    }
}

#[test]
fn a_message_in_an_object_is_one_in_profile_a_only_if_it_is_alone_there() {
    for (line, in_a) in [
        (r#"{"a":1,"data":{"message":"all 7 are well"}}"#, true),
        (r#"{"payload":{"message":"all 7 are well"}}"#, true),
        (r#"{"data":{"id":1,"message":"all 7 are well"}}"#, false),
        (r#"{"a":{},"data":{"message":"all 7 are well"}}"#, false),
    ] {
        let expected = (!in_a).then_some(TextReason::Ambiguous);
        assert_eq!(fate(Profile::A, line), expected, "{line}");
        assert_eq!(fate(Profile::C, line), None, "{line}");
    }
}

#[test]
fn what_is_no_canonical_object_with_a_message_is_text() {
    for (line, reason) in [
        (r#"{"b":1,"a":"x","a":2,"msg":"hi"}"#, TextReason::Form),
        (r#"{ "msg" : "\u00e9" , "n":1.0e3}"#, TextReason::Form),
        (r#"{"msg":"hi"} "#, TextReason::Form),
        (r#"{"a":1,"msg":""}"#, TextReason::NoMessage),
    ] {
        assert_eq!(fate(Profile::A, line), Some(reason), "{line}");
        assert_eq!(fate(Profile::C, line), Some(reason), "{line}");
    }
}

#[test]
fn a_message_that_cannot_have_a_pattern_is_raw_in_profile_c_and_text_in_a() {
    let line = format!(r#"{{"k":1,"message":"{}"}}"#, "x ".repeat(2_000));
    assert_eq!(fate(Profile::A, &line), Some(TextReason::Message));
    assert_eq!(fate(Profile::C, &line), None);
}

#[test]
fn invalid_utf8_in_an_object_is_no_object() {
    let mut stream = Stream::new(options(Profile::C));
    for _ in 0..3 {
        stream.push(b"{\"k\":1,\"message\":\"\xff\"}");
    }
    let operations = stream.seal();
    assert_eq!(objects(&operations), 0);
    let reasons = stream.encoder.stats().json_text;
    assert_eq!(reasons[TextReason::Form as usize], 3);
}

#[test]
fn lines_of_one_schema_and_one_pattern_have_one_structure() {
    for profile in [Profile::A, Profile::C] {
        for sample_bytes in [0, 1 << 20] {
            let mut stream = Stream::new(Options {
                sample_bytes,
                ..options(profile)
            });
            let line = |key: &str, message: &str, number: u32| {
                format!(r#"{{"{key}":{number},"message":"{message} {number} of them"}}"#)
            };
            for number in 0..3 {
                for (key, message) in [("a", "took"), ("b", "took"), ("a", "gave away")] {
                    stream.push(line(key, message, number));
                }
            }
            let mut structure =
                |key, message, number| stream.push(line(key, message, number)).structure;
            let first = structure("a", "took", 7);
            assert_eq!(structure("a", "took", 8), first);
            assert_ne!(structure("b", "took", 7), first);
            assert_ne!(structure("a", "gave away", 7), first);
            stream.seal();
        }
    }
}

#[test]
fn a_sample_varies_where_its_members_and_the_values_of_its_message_stand() {
    let mut stream = Stream::new(Options {
        sample_bytes: 1 << 20,
        ..options(Profile::C)
    });
    for (number, word) in (0..).zip(["apples", "pears", "plums", "plums"]) {
        stream.push(format!(
            r#"{{"empty":"","host":"web-{number}","message":"say \"\u0001\" to {number} \\ of {word}","ok":true}}"#
        ));
    }
    stream.seal();
    let last = stream.encoder.structures().last().unwrap();
    let mut shown = String::from_utf8(last.sample.to_vec()).unwrap();
    for range in last.variable.iter().rev() {
        shown.replace_range(range.start as usize..range.end as usize, "*");
    }
    assert_eq!(
        shown,
        r#"{"empty":"","host":"*","message":"say \"*\" to * \\ of plums","ok":*}"#
    );
}

#[test]
fn objects_of_one_shape_travel_as_their_values() {
    for profile in [Profile::A, Profile::C] {
        let mut stream = Stream::new(options(profile));
        for number in 0..500 {
            stream.push(format!(
                r#"{{"level":"info","message":"request {number} is done","service":"checkout-service","took":{}}}"#,
                number * 7 % 100
            ));
        }
        let operations = stream.seal();
        assert!(objects(&operations) >= 498, "{}", objects(&operations));
        let in_pattern = |operation: &&Operation| {
            matches!(operation, Operation::Log(log)
                if matches!(log.body, Body::Pattern { .. })
                    && log.json.is_some())
        };
        assert!(operations.iter().filter(in_pattern).count() >= 498);
        let mut written = Vec::new();
        stream.encoder.write(&operations, &mut written);
        assert!(written.len() < 500 * 40, "{}", written.len());
        assert_eq!(stream.encoder.stats().columns, objects(&operations) as u64);
    }
}

/// Lines of one shape with five strings; those of these bits come back, and the others never do.
fn with_some_entries(number: u64, bits: u64) -> String {
    let member = |place: u64| match bits >> place & 1 {
        1 => format!(r#""k{place}":"constant value of {place}""#),
        _ => format!(r#""k{place}":"value {number} of {place}""#),
    };
    let members: Vec<_> = (0..5).map(member).collect();
    format!(r#"{{{},"message":"tick {number}"}}"#, members.join(","))
}

#[test]
fn a_shape_has_eight_schemas_at_most_and_its_strings_come_back() {
    let mut stream = Stream::new(options(Profile::C));
    let (mut spelled_out, mut deleted) = (0, 0);
    for number in 0..3_500_u64 {
        // First all combinations, then one after the other, so that most schemas are not used for long.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let bits = if number < 1_500 {
            mixed
        } else {
            3 + number / 400
        };
        stream.push(with_some_entries(number, bits));
        if number % 50 == 0 {
            let operations = stream.seal();
            assert!(stream.encoder.schema_ids().count() <= 8);
            for operation in operations.iter() {
                match operation {
                    Operation::DeleteSchema { .. } => deleted += 1,
                    Operation::Log(log) => spelled_out += constants(&operations, log),
                    _ => {}
                }
            }
        }
    }
    stream.seal();
    let stats = stream.encoder.stats();
    assert_eq!(stats.schemas, 1);
    assert_eq!(stats.schemas_evicted, deleted);
    assert!(spelled_out > 100 && deleted > 3, "{spelled_out} {deleted}");
}

/// How many of the members are texts although they have an entry of the dictionary.
fn constants(operations: &Operations, log: &Log) -> usize {
    let Some(Json::Columns { members, .. }) = operations.json(log) else {
        return 0;
    };
    let is_constant = |member: &&Member| match member {
        Member::Text(text) => operations.text(text).starts_with(b"constant"),
        _ => false,
    };
    operations
        .members(members)
        .iter()
        .filter(is_constant)
        .count()
}

#[test]
fn only_the_first_64_strings_of_an_object_are_entries() {
    let mut stream = Stream::new(options(Profile::C));
    let line = |number: usize| {
        let member = |place: usize| format!(r#""k{place:03}":"constant value of {place}""#);
        let members: Vec<_> = (0..100).map(member).collect();
        format!(r#"{{{},"message":"tick {number}"}}"#, members.join(","))
    };
    for number in 0..6 {
        stream.push(line(number));
        stream.seal();
    }
    stream.push(line(6));
    let operations = stream.seal();
    let logs = operations.iter().filter_map(|operation| match operation {
        Operation::Log(log) => Some(log),
        _ => None,
    });
    assert_eq!(
        logs.map(|log| constants(&operations, log)).sum::<usize>(),
        36
    );
}
