//! The scanner against serde_json.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn scan(json: &str) -> Result<Kind, Fault> {
    let mut scanner = Scanner::new(json);
    scanner.skip_space();
    let found = scanner.value(0)?;
    scanner.skip_space();
    if !scanner.is_at_end() {
        return Err(scanner.fault("trailing"));
    }
    Ok(found.kind)
}

#[track_caller]
fn agrees(json: &str) {
    let reference = serde_json::from_str::<Value>(json);
    assert_eq!(
        scan(json).is_ok(),
        reference.is_ok(),
        "{json:?}: {reference:?}"
    );
}

#[test]
fn values_are_accepted_and_refused_as_serde_json_does() {
    let words = [
        "", "true", "tru", "truex", "nul", "null", "falsey", "False", "nan",
    ];
    let numbers = [
        "0",
        "-0",
        "-",
        "00",
        "01",
        "-01",
        "1.",
        ".1",
        "1.0",
        "1e",
        "1e+",
        "1e-5",
        "1E+5",
        "0e0",
        "1e308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e309",
        "-1e999",
        "1e-999",
        "0e999999999999",
        "1e99999999999999999999",
        "+1",
        "0x1",
        "1_0",
        "- 1",
        "1 2",
    ];
    let strings = [
        r#""""#,
        r#"""#,
        r#""a"#,
        r#""\""#,
        r#""\\""#,
        r#""\x""#,
        r#""\u12""#,
        r#""\u12G4""#,
        r#""\u0000""#,
        r#""\uD83D\uDE00""#,
        r#""\uD83D""#,
        r#""\uDE00""#,
        r#""\uD83D\n""#,
        r#""\uD83Dx""#,
        r#""\uD83D\uD83D""#,
        r#""\uD83D\u0041""#,
        r#""\ud83d\ude0""#,
        r#""\/\b\f\n\r\t""#,
        "\"\n\"",
        "\"\t\"",
        "\"\u{1f}\"",
        "\"\u{7f}é\u{2028}\"",
        "'a'",
        r#""\u+123""#,
    ];
    let containers = [
        "[]",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{",
        "{1:2}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":1"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a" : 1 , "b":[{ } , [ ] ]}"#,
        r#"{"a":1}}"#,
        "[1]x",
        " \t\r\n[ \t\r\n] \t\r\n",
        "\u{a0}[]",
        "\u{c}[]",
        r#"{"a":1,"a":2}"#,
        "[1}",
        "{]",
    ];
    for json in words
        .iter()
        .chain(&numbers)
        .chain(&strings)
        .chain(&containers)
    {
        agrees(json);
    }
}

#[test]
fn containers_are_nested_as_deeply_as_serde_json_reads_and_no_deeper() {
    for depth in [1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 100_000] {
        agrees(&format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
        agrees(&format!(
            "{}1{}",
            "{\"a\":".repeat(depth),
            "}".repeat(depth)
        ));
    }
    let deepest = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert_eq!(scan(&deepest), Ok(Kind::Array));
    let deeper = format!("[{deepest}]");
    assert_eq!(
        scan(&deeper),
        Err(Fault {
            problem: "nested too deeply",
            at: MAX_DEPTH
        })
    );
}

#[test]
fn numbers_of_many_digits_are_judged_as_serde_json_judges_them() {
    for digits in [300, 308, 309, 310, 400] {
        agrees(&"9".repeat(digits));
        agrees(&format!("1{}", "0".repeat(digits)));
        agrees(&format!("0.{}1", "0".repeat(digits)));
        agrees(&format!("1{}e-{digits}", "0".repeat(digits)));
    }
}

#[test]
fn members_are_shown_with_their_extents() {
    let json = r#" {"a" : "x\n" , "b":[1]}"#;
    let mut scanner = Scanner::new(json);
    scanner.skip_space();
    let mut seen = Vec::new();
    scanner
        .members(0, |member| {
            seen.push((
                json.get(member.key.inner()).unwrap(),
                json.get(member.value.range()).unwrap(),
            ))
        })
        .unwrap();
    assert_eq!(seen, [("a", r#""x\n""#), ("b", "[1]")]);
    assert!(scanner.is_at_end());
}

#[test]
fn a_string_is_decoded() {
    for json in [r#""plain é""#, r#""\u00e9\n\uD83D\uDE00\"""#] {
        let found = Scanner::new(json).value(0).unwrap();
        assert_eq!(
            decode(json, found),
            serde_json::from_str::<String>(json).unwrap()
        );
    }
}

/// JSON, and text that nearly is.
fn nearly_json() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"a\"",
        "\"",
        "\\",
        "\\u",
        "D83D",
        "1",
        "-",
        "0",
        ".",
        "e",
        "+",
        "E9",
        "true",
        "null",
        " ",
        "\n",
        "é",
        "\u{1}",
        "\"\\uD83D\\uDE00\"",
        "\"k\":",
        "[1,2]",
        "{\"m\":1}",
        "99999",
    ]);
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]
    #[test]
    fn text_is_accepted_exactly_when_serde_json_reads_it(json in nearly_json()) {
        let reference = serde_json::from_str::<Value>(&json);
        prop_assert_eq!(scan(&json).is_ok(), reference.is_ok(), "{:?}", reference);
    }

    #[test]
    fn strings_are_accepted_exactly_when_serde_json_reads_them(inner in "[a-d\\\\u\"0-9D89C/n\u{1f} é]{0,40}") {
        let json = format!("\"{inner}\"");
        prop_assert_eq!(scan(&json).is_ok(), serde_json::from_str::<Value>(&json).is_ok());
    }
}
