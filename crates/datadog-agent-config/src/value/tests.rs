//! What each grammar takes and refuses.

use proptest::prelude::*;

use super::*;
use crate::kind::{Outside, Unit};
use crate::source::{Node, Raw, Scalar};
use crate::table;

#[test]
fn switches_know_every_usual_word() {
    for word in ["true", "1", "t", "YES", "y", "on", "Enabled"] {
        assert_eq!(number::boolean(word), Ok(true), "{word}");
    }
    for word in ["false", "0", "f", "no", "N", "off", "DISABLED"] {
        assert_eq!(number::boolean(word), Ok(false), "{word}");
    }
    for word in ["2", "", "truee", "yes no"] {
        assert!(number::boolean(word).is_err(), "{word}");
    }
}

#[test]
fn ports_are_digits_up_to_65535() {
    assert_eq!(number::port("0"), Ok(0));
    assert_eq!(number::port("65535"), Ok(65_535));
    for text in [
        "65536",
        "-1",
        "+8126",
        "",
        "8126 ",
        "0x10",
        "99999999999999999999",
    ] {
        assert!(number::port(text).is_err(), "{text}");
    }
}

#[test]
fn whole_numbers_have_no_plus_and_no_underscore() {
    let read = |text| number::integer(text, -5, 10, Outside::Refuse).map(|parsed| parsed.value);
    assert!(read("-5") == Ok(Value::Int(-5)));
    for text in [
        "+1",
        "1_0",
        "11",
        "-6",
        "1.0",
        "",
        "-",
        "9223372036854775808",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn lengths_of_time_take_units_and_fractions() {
    let read = |text, bare| {
        let value = number::span(text, bare, 0, u64::MAX, Outside::Refuse)?.value;
        match value {
            Value::Duration(duration) => Ok(duration.as_micros()),
            _ => Err("not a length of time".to_owned()),
        }
    };
    for (text, micros) in [
        ("5", 5_000_000),
        ("0.5", 500_000),
        ("1500ms", 1_500_000),
        ("2m", 120_000_000),
        ("1h", 3_600_000_000),
        ("0.1h", 360_000_000),
        ("7us", 7),
        ("0", 0),
    ] {
        assert_eq!(read(text, Unit::Seconds), Ok(micros), "{text}");
    }
    assert_eq!(read("5000", Unit::Micros), Ok(5_000));
    assert_eq!(read("1000", Unit::Millis), Ok(1_000_000));
    for text in [
        "-1",
        "",
        "s",
        "5.",
        ".5",
        "1d",
        "1 2",
        "1.2.3",
        "999999999999999999h",
    ] {
        assert!(read(text, Unit::Seconds).is_err(), "{text}");
    }
}

#[test]
fn modes_are_octal_with_or_without_a_prefix() {
    for text in ["0660", "660", "0o660"] {
        assert_eq!(number::octal(text), Ok(432), "{text}");
    }
    assert_eq!(number::octal("777"), Ok(0o777));
    for text in ["0888", "0x1b0", "1000", "", "0o", "-660"] {
        assert!(number::octal(text).is_err(), "{text}");
    }
}

#[test]
fn sizes_take_units() {
    let read = |text| number::bytes(text, 0, i64::MAX, Outside::Refuse).map(|parsed| parsed.value);
    for (text, bytes) in [
        ("0", 0),
        ("8192", 8_192),
        ("2k", 2_048),
        ("15MiB", 15 << 20),
        ("64 KiB", 65_536),
        ("3m", 3 << 20),
    ] {
        assert!(read(text) == Ok(Value::Int(bytes)), "{text}");
    }
    for text in ["-1", "1.5MiB", "1TB", "", "MiB", "9999999999999MiB"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn host_names_that_name_no_host_are_refused() {
    for text in ["web-1", "a.b.c", "10-0-0-1"] {
        assert_eq!(text::hostname(text).as_deref(), Ok(text));
    }
    for text in [
        "localhost",
        "LocalHost.localdomain",
        "-a",
        "a-",
        "a..b",
        "a_b",
        "",
        "a b",
    ] {
        assert!(text::hostname(text).is_err(), "{text}");
    }
    assert!(text::hostname(&"a".repeat(255)).is_ok());
    assert!(text::hostname(&"a".repeat(256)).is_err());
}

#[test]
fn socket_paths_are_absolute_and_at_most_100_bytes() {
    let longest = format!("/{}", "x".repeat(99));
    assert!(text::socket_path(&longest).is_ok());
    let problem = text::socket_path(&format!("{longest}x")).unwrap_err();
    assert_eq!(
        problem,
        "socket path is too long: 101 bytes, maximum 100 bytes"
    );
    assert_eq!(
        text::socket_path("a.sock").unwrap_err(),
        "socket path must be absolute"
    );
    assert_eq!(
        text::socket_path("/a\0b").unwrap_err(),
        "path has null bytes"
    );
}

#[test]
fn base_urls_gain_a_scheme_and_lose_a_final_slash() {
    for (text, expected) in [
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("host:443", "https://host:443"),
        ("https://x.y/p/", "https://x.y/p"),
        ("http://[::1]:80", "http://[::1]:80"),
    ] {
        assert_eq!(url::base(text).as_deref(), Ok(expected));
    }
    for text in [
        "ftp://x",
        "http://",
        "http://u:p@h",
        "http://h?q",
        "http://h#f",
        "http://h:99999",
        "h h",
        "http://ü",
        "http:///x",
    ] {
        assert!(url::base(text).is_err(), "{text}");
    }
}

#[test]
fn proxies_gain_http_and_may_have_a_user() {
    for (text, expected) in [
        ("my-proxy:3128", "http://my-proxy:3128"),
        ("https://u:p@proxy:8080/", "https://u:p@proxy:8080"),
        ("u:p@proxy:1", "http://u:p@proxy:1"),
    ] {
        assert_eq!(url::proxy(text).as_deref(), Ok(expected));
    }
    for text in [
        "http://u:p@:bad",
        "socks5://x:1",
        "http://proxy/path",
        "http://u:p/w@h:1",
        "http://",
    ] {
        assert!(url::proxy(text).is_err(), "{text}");
    }
}

#[test]
fn quoted_lists_keep_commas_inside_quotes() {
    assert_eq!(
        list::quoted(r#"GET /a,"(x,y)", "say ""hi""",,"#),
        Ok(vec![
            "GET /a".to_owned(),
            "(x,y)".to_owned(),
            "say \"hi\"".to_owned()
        ])
    );
    assert!(list::quoted("\"open").is_err());
}

#[test]
fn log_filters_have_known_levels() {
    for text in ["info", "a::b=debug,warn", "[span{x=1}]=trace", "h2=off"] {
        assert_eq!(text::log_filter(text).as_deref(), Ok(text));
    }
    assert!(text::log_filter("a=loud").is_err());
}

#[test]
fn remote_configuration_keys_are_base32() {
    let key = "DDRCM_QORWWZLZU5QXA4BNNNSXTI3POJTQFITEMORXK4ZR";
    assert_eq!(text::remote_configuration_key(key).as_deref(), Ok(key));
    for text in ["", "DDRCM_", "DDRCM_lower", "DDRCM_A", "DDRCM_A1"] {
        assert!(text::remote_configuration_key(text).is_err(), "{text}");
    }
}

#[test]
fn rules_name_what_is_wrong_with_them() {
    let problem = |text: &str| {
        json::processing_rules(&json::parse(text).expect("JSON")).expect_err("malformed")
    };
    assert_eq!(
        problem(r#"[{"type":"mask_sequences","name":"n","pattern":"("}]"#),
        "rule 0 (n): pattern does not compile"
    );
    assert_eq!(
        problem(r#"[{"type":"mask_sequences","pattern":"x"}]"#),
        "rule 0: name is missing"
    );
    assert_eq!(
        problem(r#"[{"type":"exclude_at_match","name":"n"}]"#),
        "rule 0 (n): pattern is missing"
    );
    assert_eq!(
        problem(r#"[{"type":"multi_line","name":"n","pattern":"x"}]"#),
        "rule 0 (n): multi_line belongs to one source, not to all"
    );
    assert!(problem(r#"[{"type":"wat","name":"n","pattern":"x"}]"#).contains("type must be"));
    let many = format!("[{}1]", "1,".repeat(128));
    assert_eq!(problem(&many), "has 129 rules, maximum 128");
    let long = format!(
        r#"[{{"type":"exclude_at_match","name":"n","pattern":"{}"}}]"#,
        "x".repeat(4097)
    );
    assert_eq!(
        problem(&long),
        "rule 0 (n): pattern is longer than 4096 bytes"
    );
}

#[test]
fn a_rule_for_cut_messages_needs_no_pattern() {
    let json = json::parse(r#"[{"type":"exclude_truncated","name":"n"}]"#).expect("JSON");
    let Value::ProcessingRules(rules) = json::processing_rules(&json).expect("well formed").value
    else {
        panic!("not rules");
    };
    assert_eq!(rules[0].kind, crate::ProcessingRuleKind::ExcludeTruncated);
    assert_eq!(rules[0].pattern, "");
}

#[test]
fn debug_texts_of_values_hide_them() {
    assert_eq!(format!("{:?}", Value::Text("secret".to_owned())), "Text");
}

proptest! {
    #[test]
    fn no_parser_panics_on_any_text(text in ".{0,80}") {
        for key in table::keys() {
            drop(key.kind.read(&Raw::Text(&text)));
        }
    }

    #[test]
    fn no_parser_panics_on_text_that_is_nearly_right(
        text in r#"[-+0-9a-z.:,/@\[\]{}"|= %_]{0,40}"#,
    ) {
        for key in table::keys() {
            drop(key.kind.read(&Raw::Text(&text)));
        }
    }

    #[test]
    fn no_parser_panics_on_any_structure(items in proptest::collection::vec(".{0,20}", 0..4)) {
        let scalar = |text: &String| Node::Scalar(Scalar { text: text.clone(), is_plain: true });
        let list = Node::List(items.iter().map(scalar).collect());
        let map = Node::Map(items.iter().map(|text| (text.clone(), list.clone())).collect());
        for key in table::keys() {
            drop(key.kind.read(&Raw::Node(&list)));
            drop(key.kind.read(&Raw::Node(&map)));
        }
    }

    #[test]
    fn a_value_that_was_shown_reads_back_as_itself(seconds in 0_u64..1_000_000, ms in 0_u64..1000) {
        let duration = Duration::from_millis(seconds * 1000 + ms);
        let text = number::duration_text(duration);
        let parsed = number::span(&text, Unit::Seconds, 0, u64::MAX, Outside::Refuse);
        prop_assert!(parsed.map(|parsed| parsed.value) == Ok(Value::Duration(duration)), "{}", text);
    }
}
