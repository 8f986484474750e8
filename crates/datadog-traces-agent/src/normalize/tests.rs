//! Tests of repairs: every rule at its limits, and that what is repaired needs no other repair.

mod chunks;

use proptest::prelude::*;

use super::*;
use crate::span::Link;
use crate::testing::arbitrary;

const NOW: i64 = 1_700_000_000_000_000_000;

const CONTEXT: Context<'_> = Context {
    language: "",
    now: NOW,
    component_as_name: false,
};

/// A span with nothing to repair.
fn fine() -> Span<'static> {
    Span {
        service: "web".into(),
        name: "web.request".into(),
        resource: "GET /".into(),
        trace_id: 7,
        span_id: 8,
        start: NOW,
        duration: 5,
        kind: "web".into(),
        ..Span::default()
    }
}

/// The span after its repair, and what was counted.
#[track_caller]
fn repair_in<'a>(mut span: Span<'a>, context: &Context<'_>) -> (Span<'a>, Vec<Malformed>) {
    let mut counts = Counts::default();
    super::span(&mut span, context, &mut counts);
    let counted = Malformed::ALL.into_iter();
    let counted = counted.filter(|&reason| counts.spans_malformed(reason) == 1);
    (span, counted.collect())
}

#[track_caller]
fn repair(span: Span<'_>) -> (Span<'_>, Vec<Malformed>) {
    repair_in(span, &CONTEXT)
}

#[track_caller]
fn check_service(language: &str, service: &str, expected: &str, reason: &[Malformed]) {
    let context = Context {
        language,
        ..CONTEXT
    };
    let span = Span {
        service: service.into(),
        ..fine()
    };
    let (span, counted) = repair_in(span, &context);
    assert_eq!(
        (span.service.as_ref(), counted.as_slice()),
        (expected, reason)
    );
}

#[test]
fn services_become_values_of_tags() {
    check_service("", "My Service", "my_service", &[]);
    check_service("", "9lives", "9lives", &[]);
    check_service("", "bad$", "bad", &[]);
    check_service("", "__a__b__", "_a_b", &[]);
    check_service("", "Über-Svc", "über-svc", &[]);
    assert_eq!(tag("__a__b__"), "a_b");
}

#[test]
fn services_without_name_are_called_after_the_language() {
    let empty = [Malformed::ServiceEmpty];
    check_service("python", "", "unnamed-python-service", &empty);
    check_service(".NET", "", "unnamed-.NET-service", &empty);
    check_service("", "", "unnamed-service", &empty);
    check_service(
        "go",
        "$$$",
        "unnamed-go-service",
        &[Malformed::ServiceInvalid],
    );
    let expected = format!("unnamed-{}-service", "x".repeat(100));
    check_service(&"x".repeat(10_000), "", &expected, &empty);
}

#[test]
fn a_service_keeps_its_first_100_bytes() {
    let truncated = [Malformed::ServiceTruncate];
    check_service("", &"s".repeat(100), &"s".repeat(100), &[]);
    check_service("", &"s".repeat(101), &"s".repeat(100), &truncated);
    check_service("", &"é".repeat(51), &"é".repeat(50), &truncated);
    check_service(
        "",
        &format!("a{}", "é".repeat(50)),
        &format!("a{}", "é".repeat(49)),
        &truncated,
    );
}

#[track_caller]
fn check_name(name: &str, expected: &str, reason: &[Malformed]) {
    let span = Span {
        name: name.into(),
        ..fine()
    };
    let (span, counted) = repair(span);
    assert_eq!((span.name.as_ref(), counted.as_slice()), (expected, reason));
}

#[test]
fn names_become_names_of_metrics() {
    check_name("web.request", "web.request", &[]);
    check_name("My Op!", "My_Op", &[]);
    check_name("__a__b__", "a_b", &[]);
    check_name("a_.b", "a.b", &[]);
    check_name("a._b", "a.b", &[]);
    check_name("a..b", "a..b", &[]);
    check_name("fine_", "fine", &[]);
    check_name("é9a", "a", &[]);
    check_name("naïve", "na_ve", &[]);
    check_name("123", "unnamed_operation", &[Malformed::SpanNameInvalid]);
    check_name("", "unnamed_operation", &[Malformed::SpanNameEmpty]);
    check_name(&"n".repeat(100), &"n".repeat(100), &[]);
    check_name(
        &"n".repeat(101),
        &"n".repeat(100),
        &[Malformed::SpanNameTruncate],
    );
}

#[test]
fn a_name_may_be_the_component() {
    let context = Context {
        component_as_name: true,
        ..CONTEXT
    };
    for (component, expected) in [("net/http", "net_http"), ("", "web.request")] {
        let mut span = fine();
        span.meta.push("component", Text::from(component));
        assert_eq!(repair(span.clone()).0.name, "web.request");
        assert_eq!(repair_in(span, &context).0.name, expected);
    }
}

#[test]
fn values_of_tags_hold_lowercase_letters_digits_and_some_signs() {
    for (value, expected) in [
        ("", ""),
        ("a:b.c/d-e_f9", "a:b.c/d-e_f9"),
        ("a_", "a"),
        ("_a", "_a"),
        ("a__b", "a_b"),
        ("A B", "a_b"),
        ("ΑΒΓ", "αβγ"),
        ("ſ", "ſ"),
        ("İx", "İx"),
        ("٣", "٣"),
        ("Ⅷ", ""),
        ("a\u{301}b", "a_b"),
        ("🍣a🍣🍣b🍣", "_a_b"),
    ] {
        assert_eq!(tag_value(value), expected, "{value}");
    }
    for (whole, expected) in [
        ("9a:b", "a:b"),
        (":a", ":a"),
        ("-_9é", "é"),
        ("99", ""),
        ("a_", "a"),
    ] {
        assert_eq!(tag(whole), expected, "{whole}");
    }
}

#[test]
fn tags_are_cut_after_200_characters_or_400_bytes() {
    for (value, expected) in [
        ("a".repeat(200), "a".repeat(200)),
        ("a".repeat(201), "a".repeat(200)),
        ("é".repeat(201), "é".repeat(200)),
        ("漢".repeat(201), "漢".repeat(134)),
        (format!("{}_b", "a".repeat(199)), "a".repeat(199)),
        (format!("a{}b", "$".repeat(198)), "a_b".to_owned()),
        (format!("a{}b", "$".repeat(199)), "a".to_owned()),
    ] {
        assert_eq!(tag_value(&value), expected, "{value}");
    }
}

#[test]
fn what_is_fine_is_not_copied() {
    assert!(matches!(tag_value("my-service_2"), Cow::Borrowed(_)));
    assert!(matches!(tag("env:prod"), Cow::Borrowed(_)));
    assert!(matches!(
        metric_name("web.request_"),
        Some(Cow::Borrowed("web.request"))
    ));
    let mut long = Text::Borrowed("n234567890");
    update(&mut long, |text| Cow::Borrowed(text.split_at(3).0));
    assert!(matches!(long, Cow::Borrowed("n23")));
    let mut owned = Text::Owned("n234567890".to_owned());
    update(&mut owned, |text| Cow::Borrowed(text.split_at(3).0));
    assert_eq!(owned, "n23");
}

#[test]
fn a_text_is_replaced_by_one_of_the_same_length() {
    let mut span = fine();
    span.name = Text::Owned("1".repeat("unnamed_operation".len()));
    assert_eq!(repair(span).0.name, "unnamed_operation");
}

#[test]
fn a_resource_without_text_is_the_name() {
    let span = Span {
        resource: "".into(),
        name: "My Op!".into(),
        ..fine()
    };
    let (span, counted) = repair(span);
    assert_eq!(span.resource, "My_Op");
    assert_eq!(counted, [Malformed::ResourceEmpty]);
}

#[test]
fn times_that_cannot_be_are_replaced() {
    let (start, duration) = (Malformed::InvalidStartDate, Malformed::InvalidDuration);
    let year_2000 = 946_684_800_000_000_000;
    for (before, after, reasons) in [
        ((1, 5), (NOW - 5, 5), vec![start]),
        ((NOW, i64::MAX), (NOW, 0), vec![duration]),
        ((NOW, i64::MAX - NOW), (NOW, i64::MAX - NOW), vec![]),
        ((NOW, i64::MAX - NOW + 1), (NOW, 0), vec![duration]),
        ((NOW, -1), (NOW, 0), vec![duration]),
        ((year_2000, 5), (year_2000, 5), vec![]),
        ((year_2000 - 1, 5), (NOW - 5, 5), vec![start]),
        ((-7, NOW + 1), (NOW, NOW + 1), vec![start]),
        ((i64::MIN, i64::MIN), (NOW, 0), vec![start, duration]),
        ((0, i64::MAX), (NOW, 0), vec![start, duration]),
    ] {
        let span = Span {
            start: before.0,
            duration: before.1,
            ..fine()
        };
        let (span, counted) = repair(span);
        assert_eq!(
            ((span.start, span.duration), counted),
            (after, reasons),
            "{before:?}"
        );
    }
}

#[test]
fn a_span_is_not_its_own_parent() {
    for ((trace_id, span_id, parent_id), expected) in
        [((7, 7, 7), 0), ((6, 7, 7), 7), ((7, 6, 7), 7)]
    {
        let span = Span {
            trace_id,
            span_id,
            parent_id,
            ..fine()
        };
        assert_eq!(repair(span).0.parent_id, expected);
    }
}

#[test]
fn a_type_keeps_its_first_100_bytes() {
    for (len, expected) in [(100, &[][..]), (101, &[Malformed::TypeTruncate])] {
        let span = Span {
            kind: "t".repeat(len).into(),
            ..fine()
        };
        let (span, counted) = repair(span);
        assert_eq!((span.kind.len(), counted.as_slice()), (100, expected));
    }
}

#[track_caller]
fn check_tag(key: &'static str, value: &str, expected: Option<&str>, reason: &[Malformed]) {
    let mut span = fine();
    span.meta.push(key, Text::from(value.to_owned()));
    let (span, counted) = repair(span);
    assert_eq!(
        (span.tag(key), counted.as_slice()),
        (expected, reason),
        "{key} {value}"
    );
}

#[test]
fn a_status_code_is_a_number_from_100_to_599_or_gone() {
    let invalid = [Malformed::InvalidHttpStatusCode];
    for value in [
        "99",
        "600",
        "abc",
        "",
        "+200",
        "2e2",
        "99999999999999999999999",
    ] {
        check_tag("http.status_code", value, None, &invalid);
    }
    for value in ["200", "100", "599", "0404"] {
        check_tag("http.status_code", value, Some(value), &[]);
    }
}

#[test]
fn other_services_and_the_environment_become_values_of_tags() {
    check_tag("env", "Prod EU", Some("prod_eu"), &[]);
    check_tag("env", "$", Some(""), &[]);
    check_tag("version", "V 1", Some("V 1"), &[]);
    for (key, truncated, invalid) in [
        (
            "peer.service",
            Malformed::PeerServiceTruncate,
            Malformed::PeerServiceInvalid,
        ),
        (
            "_dd.base_service",
            Malformed::BaseServiceTruncate,
            Malformed::BaseServiceInvalid,
        ),
    ] {
        check_tag(key, "My DB", Some("my_db"), &[]);
        check_tag(key, "", Some(""), &[]);
        check_tag(key, "$$$", Some(""), &[invalid]);
        check_tag(key, &"S".repeat(101), Some(&"s".repeat(100)), &[truncated]);
    }
}

#[test]
fn the_last_status_code_counts() {
    let mut span = fine();
    span.meta.push("http.status_code", Text::from("abc"));
    span.meta.push("http.status_code", Text::from("200"));
    let (span, counted) = repair(span);
    assert_eq!(
        (span.tag("http.status_code"), counted),
        (Some("200"), vec![])
    );
}

#[test]
fn names_of_links_are_names() {
    let mut link = Link::default();
    link.attributes.push("link.name", Text::from("My Link!"));
    link.attributes.push("other", Text::from("My Link!"));
    let span = Span {
        links: vec![link],
        ..fine()
    };
    let attributes = repair(span).0.links.remove(0).attributes;
    assert_eq!(
        attributes.get("link.name").map(AsRef::as_ref),
        Some("My_Link")
    );
    assert_eq!(attributes.get("other").map(AsRef::as_ref), Some("My Link!"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_repaired_span_needs_no_repair(span in arbitrary::span()) {
        let mut counts = Counts::default();
        let mut once = span;
        // A span that took longer than since 2000 begins before it even after its repair.
        once.duration %= NOW / 4;
        super::span(&mut once, &CONTEXT, &mut counts);
        let mut twice = once.clone();
        let mut counts = Counts::default();
        super::span(&mut twice, &CONTEXT, &mut counts);
        prop_assert_eq!(&twice, &once);
        prop_assert_eq!(counts, Counts::default());
        prop_assert!(once.service.len() <= 100 && !once.service.is_empty());
        prop_assert!(once.name.len() <= 100 && !once.name.is_empty());
        prop_assert!(once.start >= 0 && once.duration >= 0);
    }

    #[test]
    fn a_repaired_tag_needs_no_repair(text in "\\PC{0,300}") {
        let value = tag_value(&text).into_owned();
        prop_assert!(value.chars().count() <= 200 && value.len() <= 402);
        prop_assert_eq!(tag_value(&value), value.as_str());
        let whole = tag(&text).into_owned();
        prop_assert_eq!(tag(&whole), whole.as_str());
    }

    #[test]
    fn a_repaired_name_needs_no_repair(text in "\\PC{0,150}") {
        if let Some(name) = metric_name(&text) {
            prop_assert_eq!(metric_name(&name), Some(Cow::Borrowed(name.as_ref())));
        }
    }
}

#[test]
fn the_stored_inputs_of_the_fuzz_target_pass_its_check() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = corpus.join("../../fuzz/corpus/traces_normalize");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::normalize(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 10, "the corpus is where it should be");
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_make_chunks_that_are_repaired_or_dropped(bytes: Vec<u8>) {
        checks::normalize(&bytes);
    }
}
