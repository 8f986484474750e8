//! Rules, how they are read, and what they make of spans.

use proptest::prelude::*;

use super::*;
use crate::span::Event;

fn replacer(rules: &[(&str, &str, &str)]) -> Replacer {
    Replacer::new(rules.iter().map(|(name, pattern, repl)| Rule {
        name: (*name).to_owned(),
        pattern: (*pattern).to_owned(),
        repl: (*repl).to_owned(),
    }))
    .unwrap()
}

fn span<'a>(meta: &[(&'a str, &'a str)], metrics: &[(&'a str, f64)]) -> Span<'a> {
    Span {
        resource: "GET /users/42".into(),
        meta: meta
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        metrics: metrics
            .iter()
            .map(|(key, value)| ((*key).into(), *value))
            .collect(),
        ..Span::default()
    }
}

fn event<'a>(attributes: &[(&'a str, Value<'a>)]) -> Event<'a> {
    Event {
        attributes: attributes
            .iter()
            .map(|(key, value)| ((*key).into(), value.clone()))
            .collect(),
        ..Event::default()
    }
}

#[track_caller]
fn check(rules: &[(&str, &str, &str)], given: Span<'_>, expect: Span<'_>) {
    let mut spans = [given];
    replacer(rules).spans(&mut spans);
    assert_eq!(spans, [expect]);
}

#[test]
fn a_rule_for_a_key_leaves_others() {
    check(
        &[("http.url", r"\?.*$", "?")],
        span(&[("http.url", "/a?b=c"), ("other", "/a?b=c")], &[]),
        span(&[("http.url", "/a?"), ("other", "/a?b=c")], &[]),
    );
}

#[test]
fn a_rule_for_the_resource_leaves_tags() {
    let mut expect = span(&[("a", "42"), ("resource.name", "42")], &[]);
    expect.resource = "GET /users/?".into();
    check(
        &[("resource.name", r"\d+", "?")],
        span(&[("a", "42"), ("resource.name", "42")], &[]),
        expect,
    );
}

#[test]
fn a_rule_for_all_leaves_hidden_keys() {
    let mut given = span(&[("a", "42"), ("_a", "42")], &[("b", 42.0), ("_b", 42.0)]);
    given.events = vec![event(&[
        ("c", Value::Scalar(Scalar::Int(42))),
        ("_c", Value::Scalar(Scalar::Int(42))),
    ])];
    let mut expect = span(&[("a", "7"), ("_a", "42")], &[("b", 7.0), ("_b", 42.0)]);
    expect.resource = "GET /users/7".into();
    expect.events = vec![event(&[
        ("c", Value::Scalar(Scalar::Int(7))),
        ("_c", Value::Scalar(Scalar::Int(42))),
    ])];
    check(&[("*", "42", "7")], given, expect);
}

#[test]
fn rules_run_in_their_order() {
    check(
        &[("a", "x", "y"), ("a", "y", "z"), ("a", "x", "w")],
        span(&[("a", "x")], &[]),
        span(&[("a", "z")], &[]),
    );
}

#[test]
fn groups_of_the_expression_stand_in_the_replacement() {
    check(
        &[("a", r"(?P<user>\w+)@(\w+)", "${user}-$2-$user-${2}x-$2x-$$")],
        span(&[("a", "u@h")], &[]),
        // `$2x` names a group that does not exist.
        span(&[("a", "u-h-u-hx--$")], &[]),
    );
}

#[test]
fn numbers_that_are_none_any_more_become_texts() {
    check(
        &[("n", "5", "x"), ("m", "5", "6"), ("f", r"^0\.1$", "2e3")],
        span(&[], &[("n", 1.5), ("m", 15.0), ("f", 0.1), ("k", 5.0)]),
        span(&[("n", "1.x")], &[("m", 16.0), ("f", 2_000.0), ("k", 5.0)]),
    );
}

#[test]
fn attributes_of_events_are_typed_anew() {
    let all = |scalars: Vec<Scalar<'static>>| {
        let mut given = span(&[], &[]);
        given.events = vec![event(&[("a", Value::Array(scalars))])];
        given
    };
    check(
        &[("a", "^(12|1.5|true|x)$", "$1.25")],
        all(vec![
            Scalar::Int(12),
            Scalar::Double(1.5),
            Scalar::Bool(true),
            Scalar::String("x".into()),
            Scalar::Int(13),
        ]),
        all(vec![
            Scalar::Double(12.25),
            Scalar::String("1.5.25".into()),
            Scalar::String("true.25".into()),
            Scalar::String("x.25".into()),
            Scalar::Int(13),
        ]),
    );
    check(
        &[("a", ".*", "true")],
        all(vec![Scalar::Int(12), Scalar::String("x".into())]),
        all(vec![Scalar::Bool(true), Scalar::String("true".into())]),
    );
}

#[test]
fn stack_traces_become_a_question_mark() {
    let mut spans = [span(
        &[
            ("error.stack", "a\nb\n"),
            ("exception.stacktrace", "c"),
            ("error.msg", "d"),
        ],
        &[],
    )];
    Replacer::new(stack_trace_rules())
        .unwrap()
        .spans(&mut spans);
    assert_eq!(
        spans,
        [span(
            &[
                ("error.stack", "?"),
                ("exception.stacktrace", "?"),
                ("error.msg", "d"),
            ],
            &[],
        )]
    );
}

#[test]
fn groups_of_stats_follow_the_same_rules() {
    let apply = |rules: &[(&str, &str, &str)]| {
        let mut resource = Text::Borrowed("GET 404");
        let mut status = 404;
        replacer(rules).stats_group(&mut resource, &mut status);
        (resource.into_owned(), status)
    };
    let expect = |resource: &str, status| (resource.to_owned(), status);
    assert_eq!(apply(&[("*", "404", "200")]), expect("GET 200", 200));
    assert_eq!(
        apply(&[("resource.name", "404", "200")]),
        expect("GET 200", 404)
    );
    assert_eq!(
        apply(&[("http.status_code", "04", "00")]),
        expect("GET 404", 400)
    );
    assert_eq!(apply(&[("*", "404", "x")]), expect("GET x", 404));
    assert_eq!(apply(&[("other", "404", "x")]), expect("GET 404", 404));
}

#[test]
fn rules_are_read_from_json() {
    let rules = parse_rules(
        r#"[{"name": "a", "pattern": "b", "repl": "c"}, {"name": "*", "pattern": "d"}]"#,
    )
    .unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!((rules[0].name.as_str(), rules[1].repl.as_str()), ("a", ""));
    assert_eq!(parse_rules(" ").unwrap(), []);
    for text in ["{}", "[", "[1]", r#"[{"name": 1}]"#] {
        assert!(
            matches!(parse_rules(text), Err(RuleError::Json(_))),
            "{text}"
        );
    }
}

#[test]
fn a_rule_that_cannot_be_used_is_an_error() {
    let error = |text: &str| {
        Replacer::new(parse_rules(text).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(r#"[{"name": "a", "pattern": "b("}]"#),
        "a: pattern `b(`: unclosed group"
    );
    assert_eq!(error(r#"[{"pattern": "b"}]"#), "rule `b` names no key");
    assert_eq!(error(r#"[{"name": "a"}]"#), "a: the rule has no pattern");
}

#[test]
fn what_does_not_match_stays_borrowed() {
    let mut spans = [span(&[("a", "b")], &[])];
    replacer(&[("*", "x", "y")]).spans(&mut spans);
    assert!(matches!(spans[0].resource, Cow::Borrowed(_)));
    assert!(
        spans[0]
            .meta
            .iter()
            .all(|(_, value)| matches!(value, Cow::Borrowed(_)))
    );
}

proptest! {
    #[test]
    fn no_span_makes_rules_panic(
        meta in prop::collection::vec((".{0,3}", ".*"), 0..4),
        metrics in prop::collection::vec((".{0,3}", any::<f64>()), 0..4),
        pattern in ".{1,9}|[a-z.*+()\\[\\]|0-9]{1,9}",
        repl in ".*|[$a0-9{}]*",
    ) {
        let mut spans = [Span {
            meta: meta
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            metrics: metrics.into_iter().map(|(key, value)| (key.into(), value)).collect(),
            ..Span::default()
        }];
        let name = ALL.to_owned();
        if let Ok(replacer) = Replacer::new([Rule { name, pattern, repl }]) {
            replacer.spans(&mut spans);
        }
    }
}
