//! Rules, how they are read, and the roots that they drop.

use proptest::prelude::*;

use super::*;

fn root<'a>(meta: &[(&'a str, &'a str)]) -> Span<'a> {
    Span {
        name: "web.request".into(),
        service: "shop".into(),
        resource: "GET /health".into(),
        kind: "web".into(),
        meta: meta
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        ..Span::default()
    }
}

fn filter(config: Config) -> Filter {
    let (filter, warnings) = Filter::new(config).unwrap();
    assert_eq!(warnings, []);
    filter
}

fn tags(rules: &str) -> Vec<TagRule> {
    parse_tags(rules).unwrap()
}

fn patterns(rules: &str) -> Vec<TagRule> {
    parse_tag_patterns(rules).unwrap()
}

#[test]
fn resources_are_searched() {
    let filter = filter(Config {
        ignore_resources: parse_resources("(GET|POST) /health,^PUT$"),
        ..Config::default()
    });
    assert_eq!(filter.drops(&root(&[])), Some(Reason::Resource));
    for (resource, ignored) in [
        ("x POST /healthcheck", true),
        ("PUT", true),
        ("PUT /", false),
        ("GET /", false),
    ] {
        assert_eq!(filter.ignores(resource), ignored, "{resource}");
    }
}

#[test]
fn a_bad_pattern_of_resources_is_told_and_left_out() {
    let (filter, warnings) = Filter::new(Config {
        ignore_resources: vec!["a(".to_owned(), "^GET".to_owned()],
        ..Config::default()
    })
    .unwrap();
    let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["left out: ignore_resources: pattern `a(`: unclosed group"]
    );
    assert!(filter.ignores("GET /"));
}

#[test]
fn any_rejected_tag_drops() {
    let filter = filter(Config {
        reject: tags("env:test debug"),
        ..Config::default()
    });
    let drops = |meta| filter.drops(&root(meta));
    assert_eq!(drops(&[("env", "test")]), Some(Reason::RejectedTag));
    assert_eq!(drops(&[("debug", "")]), Some(Reason::RejectedTag));
    assert_eq!(drops(&[("env", "prod")]), None);
    assert_eq!(drops(&[]), None);
}

#[test]
fn all_required_tags_are_needed() {
    let filter = filter(Config {
        require: tags("env:prod,team"),
        ..Config::default()
    });
    let drops = |meta| filter.drops(&root(meta));
    assert_eq!(drops(&[("env", "prod"), ("team", "a")]), None);
    assert_eq!(drops(&[("env", "prod")]), Some(Reason::MissingTag));
    assert_eq!(
        drops(&[("env", "test"), ("team", "a")]),
        Some(Reason::MissingTag)
    );
}

#[test]
fn expressions_are_searched_in_values() {
    let rejecting = filter(Config {
        reject_regex: patterns("http.url:/health,?z$ debug"),
        ..Config::default()
    });
    let drops = |meta| rejecting.drops(&root(meta));
    assert_eq!(
        drops(&[("http.url", "http://h/healthz")]),
        Some(Reason::RejectedTag)
    );
    assert_eq!(drops(&[("http.url", "http://h/healthy")]), None);
    assert_eq!(drops(&[("debug", "")]), Some(Reason::RejectedTag));
    let requiring = filter(Config {
        require_regex: patterns("env:^prod"),
        ..Config::default()
    });
    assert_eq!(requiring.drops(&root(&[("env", "prod-eu")])), None);
    assert_eq!(
        requiring.drops(&root(&[("env", "x-prod")])),
        Some(Reason::MissingTag)
    );
}

#[test]
fn rejection_comes_first() {
    let filter = filter(Config {
        reject_regex: patterns("env:test"),
        require: tags("team"),
        ..Config::default()
    });
    assert_eq!(
        filter.drops(&root(&[("env", "test")])),
        Some(Reason::RejectedTag)
    );
}

#[test]
fn fields_of_a_span_stand_in_for_tags() {
    for rule in ["name:web.request", "service:shop", "type:web", "resource"] {
        let filter = filter(Config {
            reject: tags(rule),
            ..Config::default()
        });
        assert_eq!(
            filter.drops(&root(&[])),
            Some(Reason::RejectedTag),
            "{rule}"
        );
        assert_eq!(filter.drops(&Span::default()), None, "{rule}");
    }
    let filter = filter(Config {
        reject: tags("service:shop"),
        ..Config::default()
    });
    assert_eq!(filter.drops(&root(&[("service", "other")])), None);
}

#[test]
fn a_bad_expression_of_a_tag_is_an_error() {
    let error = Filter::new(Config {
        reject_regex: patterns("env:a("),
        ..Config::default()
    })
    .unwrap_err();
    assert_eq!(error.to_string(), "env: pattern `a(`: unclosed group");
}

#[test]
fn an_exact_rule_makes_an_expression_for_its_key_void() {
    let (filter, warnings) = Filter::new(Config {
        reject: tags("env:a"),
        reject_regex: patterns("env:b"),
        require_regex: patterns("env:[ab]"),
        ..Config::default()
    })
    .unwrap();
    let key = "env".to_owned();
    assert_eq!(warnings, [Warning::Shadowed { key }]);
    assert_eq!(filter.drops(&root(&[("env", "b")])), None);
    assert_eq!(
        filter.drops(&root(&[("env", "c")])),
        Some(Reason::MissingTag)
    );
}

#[test]
fn rules_are_split_at_their_first_colon() {
    let rule = |key: &str, value: Option<&str>| TagRule {
        key: key.to_owned(),
        value: value.map(str::to_owned),
    };
    assert_eq!(
        tags(r#"["http.url: http://h:80/ ", "key:", "other"]"#),
        [
            rule("http.url", Some("http://h:80/")),
            rule("key", None),
            rule("other", None)
        ]
    );
    assert_eq!(
        patterns("a:b,c d:e"),
        [rule("a", Some("b,c")), rule("d", Some("e"))]
    );
    assert_eq!(
        tags("a:b,d:e"),
        [rule("a", Some("b")), rule("d", Some("e"))]
    );
    assert_eq!(
        parse_tags("a :b").unwrap_err().to_string(),
        "rule `:b` names no key"
    );
}

#[test]
fn resources_are_split_as_csv() {
    for (text, expect) in [
        ("", vec![]),
        ("a", vec!["a"]),
        ("a, b ,,c", vec!["a", "b", "c"]),
        (r#""a,b",c"#, vec!["a,b", "c"]),
        (r#" "a ""b"" " , c"#, vec![r#"a "b" "#, "c"]),
        (r#""open, c"#, vec!["open, c"]),
        (r#""a"b",c"#, vec![r#"a"b"#, "c"]),
        (r#"a"b,c"#, vec![r#"a"b"#, "c"]),
    ] {
        assert_eq!(parse_resources(text), expect, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_of_rules_makes_parsers_panic(text in "[\\[\\]\", :a-c\\\\(]*|.*") {
        let _resources = parse_resources(&text);
        for rules in [parse_tags(&text), parse_tag_patterns(&text)].into_iter().flatten() {
            for rule in rules {
                prop_assert_eq!(rule.key.trim(), &rule.key);
                prop_assert!(!rule.key.is_empty());
            }
        }
    }

    #[test]
    fn quoted_resources_come_back(resources in prop::collection::vec("[^\"]{1,9}", 0..5)) {
        let quoted: Vec<_> = resources.iter().map(|text| format!("\"{text}\"")).collect();
        prop_assert_eq!(parse_resources(&quoted.join(",")), resources);
    }
}
