//! Rules, applied one after another.

use proptest::prelude::*;

use super::{RuleConfig, RuleKind, Rules, Verdict};

fn rule(kind: RuleKind, pattern: &str) -> RuleConfig {
    masking(kind, pattern, "")
}

fn masking(kind: RuleKind, pattern: &str, placeholder: &str) -> RuleConfig {
    RuleConfig {
        kind,
        name: format!("rule {pattern}"),
        pattern: pattern.to_owned(),
        replace_placeholder: placeholder.to_owned(),
    }
}

fn exclude(pattern: &str) -> RuleConfig {
    rule(RuleKind::ExcludeAtMatch, pattern)
}

fn include(pattern: &str) -> RuleConfig {
    rule(RuleKind::IncludeAtMatch, pattern)
}

fn mask(pattern: &str, placeholder: &str) -> RuleConfig {
    masking(RuleKind::MaskSequences, pattern, placeholder)
}

fn apply(rules: &[RuleConfig], message: &str) -> Verdict {
    Rules::compile(rules).unwrap().apply(message)
}

fn changed(text: &str) -> Verdict {
    Verdict::Changed(text.to_owned())
}

#[track_caller]
fn problem(rules: &[RuleConfig]) -> String {
    Rules::compile(rules).unwrap_err().to_string()
}

#[test]
fn rules_run_in_their_order() {
    let mask = mask(r"\d{4}", "[n]");
    let exclude = exclude("1234");
    assert_eq!(
        apply(&[mask.clone(), exclude.clone()], "id 1234"),
        changed("id [n]")
    );
    assert_eq!(apply(&[exclude, mask], "id 1234"), Verdict::Excluded(0));
}

#[test]
fn a_message_must_match_every_inclusion() {
    let rules = [include("foo"), include("bar")];
    assert_eq!(apply(&rules, "foo"), Verdict::Excluded(1));
    assert_eq!(apply(&rules, "bar"), Verdict::Excluded(0));
    assert_eq!(apply(&rules, "foobar"), Verdict::Unchanged);
}

#[test]
fn groups_are_filled_into_the_placeholder() {
    let masked = |placeholder| apply(&[mask(r"(\w+)@(?P<host>\w+)", placeholder)], "to bob@corp");
    assert_eq!(masked("$2"), changed("to corp"));
    assert_eq!(masked("${host}!"), changed("to corp!"));
    assert_eq!(masked("$1x"), changed("to "), "names the group 1x");
    assert_eq!(masked("${1}x"), changed("to bobx"));
    assert_eq!(masked("$$1"), changed("to $1"));
    assert_eq!(masked("plain"), changed("to plain"));
}

#[test]
fn every_match_is_masked() {
    assert_eq!(apply(&[mask(r"\d", "é")], "1a2b3"), changed("éaébé"));
    assert_eq!(apply(&[mask(r"\d", "#")], "abc"), Verdict::Unchanged);
}

#[test]
fn anchors_mean_the_message_unless_told_otherwise() {
    assert_eq!(apply(&[exclude("^b")], "a\nb"), Verdict::Unchanged);
    assert_eq!(apply(&[exclude("(?m)^b")], "a\nb"), Verdict::Excluded(0));
    assert_eq!(apply(&[exclude("a.b")], "a\nb"), Verdict::Unchanged);
}

#[test]
fn several_exclusions_at_the_head_name_the_one_that_matched() {
    let rules = [
        exclude("a"),
        exclude("b"),
        exclude("c"),
        mask("x", "y"),
        exclude("d"),
    ];
    assert_eq!(apply(&rules, "b c"), Verdict::Excluded(1));
    assert_eq!(apply(&rules, "d"), Verdict::Excluded(4));
    assert_eq!(apply(&rules, "x"), changed("y"));
    assert_eq!(apply(&rules, "z"), Verdict::Unchanged);
}

#[test]
fn in_an_object_each_text_is_masked_and_the_compact_json_is_matched() {
    let json = r#"{ "id" : "card 1234", "n" : 1234, "l" : [ "\u0031234" ] }"#;
    let compile = |rules: &[RuleConfig]| Rules::compile(rules).unwrap();
    let digits = mask(r"\d{4}", "[n]");
    assert_eq!(
        compile(std::slice::from_ref(&digits)).apply_to_json(json),
        changed(r#"{"id":"card [n]","n":1234,"l":["[n]"]}"#)
    );
    assert_eq!(
        compile(&[exclude(r#""l":\["1234"\]"#)]).apply_to_json(json),
        Verdict::Excluded(0)
    );
    assert_eq!(
        compile(&[include("nothing")]).apply_to_json(json),
        Verdict::Excluded(0)
    );
    assert_eq!(
        compile(&[include(r#""id":"card"#)]).apply_to_json(json),
        Verdict::Unchanged
    );
    assert_eq!(
        compile(&[digits, exclude(r"\[n\]")]).apply_to_json(json),
        Verdict::Excluded(1)
    );
}

#[test]
fn a_rule_that_cannot_be_applied_is_named() {
    assert_eq!(
        problem(&[exclude("a"), rule(RuleKind::MultiLine, "x")]),
        "processing rule rule x: multi_line belongs to one source, it cannot be applied to all"
    );
    assert_eq!(
        problem(&[mask("(?=a)", "")]),
        "processing rule rule (?=a): look-around is not supported"
    );
    assert!(problem(&[mask("(", "")]).starts_with("processing rule rule (: "));
    assert_eq!(
        problem(&[exclude("")]),
        "processing rule rule : a pattern is needed"
    );
    let mut nameless = exclude("a");
    nameless.name.clear();
    assert_eq!(
        problem(&[nameless]),
        "processing rule : a rule needs a name"
    );
}

#[test]
fn a_rule_for_cut_messages_needs_no_pattern() {
    let rules = [exclude("a"), rule(RuleKind::ExcludeTruncated, "")];
    let rules = Rules::compile(&rules).unwrap();
    assert_eq!(rules.excluding_truncated(), Some(1));
    assert_eq!(rules.apply("b"), Verdict::Unchanged);
}

#[test]
fn there_are_128_rules_at_most() {
    let rules = vec![exclude("a"); 128];
    assert_eq!(Rules::compile(&rules).unwrap().len(), 128);
    let mut rules = rules;
    rules.push(exclude("b"));
    assert_eq!(
        problem(&rules),
        "processing rule rule b: there are more than 128 rules"
    );
}

#[test]
fn a_pattern_has_4096_bytes_at_most() {
    assert!(Rules::compile(&[exclude(&"a".repeat(4_096))]).is_ok());
    assert!(
        problem(&[exclude(&"a".repeat(4_097))]).ends_with("the pattern is longer than 4096 bytes")
    );
}

#[test]
fn compiled_patterns_are_bounded_alone_and_together() {
    assert!(
        problem(&[exclude(r"(\PL{100}){100}")]).ends_with("the pattern is too large once compiled")
    );
    let mut rules: Vec<RuleConfig> = (0..20)
        .map(|n| exclude(&format!(r"\PL{{{}}}", 100 + n)))
        .collect();
    rules.insert(0, rule(RuleKind::ExcludeTruncated, ""));
    let problem = problem(&rules);
    assert!(problem.contains("rules up to this one"), "{problem}");
    assert!(problem.contains(r"rule rule \PL{1"), "{problem}");
}

#[test]
fn kinds_are_known_by_the_words_of_the_configuration() {
    assert_eq!(
        RuleKind::from_word("exclude_at_match"),
        Some(RuleKind::ExcludeAtMatch)
    );
    assert_eq!(
        RuleKind::from_word("include_at_match"),
        Some(RuleKind::IncludeAtMatch)
    );
    assert_eq!(
        RuleKind::from_word("mask_sequences"),
        Some(RuleKind::MaskSequences)
    );
    assert_eq!(RuleKind::from_word("multi_line"), Some(RuleKind::MultiLine));
    assert_eq!(
        RuleKind::from_word("exclude_truncated"),
        Some(RuleKind::ExcludeTruncated)
    );
    assert_eq!(RuleKind::from_word("mask"), None);
}

proptest! {
    #[test]
    fn rules_agree_with_plain_string_search(message in "[abc1é ]{0,20}", order in any::<bool>()) {
        let mut rules = vec![mask("1", "one"), exclude("one"), include("a")];
        if order {
            rules.rotate_left(1);
        }
        let masked = message.replace('1', "one");
        let expected = match order {
            // The exclusion sees what the mask wrote.
            false if masked.contains("one") => Verdict::Excluded(1),
            false if !masked.contains('a') => Verdict::Excluded(2),
            true if message.contains("one") => Verdict::Excluded(0),
            true if !message.contains('a') => Verdict::Excluded(1),
            _ if masked == message => Verdict::Unchanged,
            _ => Verdict::Changed(masked),
        };
        prop_assert_eq!(apply(&rules, &message), expected);
    }

    #[test]
    fn no_match_of_a_mask_is_left(message in any::<String>()) {
        let digits = regex::Regex::new("[0-9]|\u{e9}|[^\u{0}-\u{ffff}]").unwrap();
        let rules = [mask(r"\d|é|[^\x00-\x{ffff}]", "")];
        let left = match apply(&rules, &message) {
            Verdict::Changed(left) => left,
            verdict => {
                prop_assert_eq!(verdict, Verdict::Unchanged);
                message.clone()
            }
        };
        prop_assert_eq!(left, digits.replace_all(&message, "").into_owned());
    }
}
