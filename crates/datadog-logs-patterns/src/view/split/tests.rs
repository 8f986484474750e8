//! What the view sees in a sample.

use expect_test::{Expect, expect};

use super::*;

fn render(sample: &[u8], variable: &[Range<u32>]) -> String {
    let tokens = split(sample, variable).into_iter().map(|token| {
        let text = String::from_utf8_lossy(&sample[token.range]).into_owned();
        match token.kind {
            TokenKind::Word => format!("Word({text})"),
            TokenKind::Mark => format!("Mark({text})"),
            TokenKind::Variable(kind) => format!("{kind:?}({text})"),
        }
    });
    tokens.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(sample: &str, expect: Expect) {
    expect.assert_eq(&render(sample.as_bytes(), &[]));
}

#[test]
fn full_stop_of_a_sentence_is_a_mark() {
    check(
        "wrote app.conf. Done",
        expect!["Word(wrote) Word(app.conf) Mark(.) Word(Done)"],
    );
}

#[test]
fn run_of_dots_is_one_mark() {
    check(
        "enable.....7",
        expect!["Word(enable) Mark(.....) Number(7)"],
    );
}

#[test]
fn value_ends_at_space_outside_of_brackets() {
    check(
        "a=f(x, y) b=[1 2] c=d e",
        expect![
            "Word(a) Mark(=) Text(f(x, y)) Word(b) Mark(=) Text([1 2]) Word(c) Mark(=) Text(d) Word(e)"
        ],
    );
}

#[test]
fn missing_value_is_empty_and_the_next_key_stays() {
    check(
        "a= b=c",
        expect!["Word(a) Mark(=) Text() Word(b) Mark(=) Text(c)"],
    );
}

#[test]
fn operators_take_no_value() {
    check(
        "a == b => c != d",
        expect!["Word(a) Mark(==) Word(b) Mark(=>) Word(c) Mark(!) Mark(=) Word(d)"],
    );
}

#[test]
fn apostrophe_opens_no_quote() {
    check(
        "can't open 'the file'",
        expect!["Word(can) Mark(') Word(t) Word(open) Text('the file')"],
    );
}

#[test]
fn quote_with_an_escaped_quote_inside_is_one_value() {
    check(
        r#"say "a \"b\" c" end"#,
        expect![[r#"Word(say) Text("a \"b\" c") Word(end)"#]],
    );
}

#[test]
fn message_ends_at_its_own_quote() {
    check(
        r#"msg="all done." by="me""#,
        expect![[
            r#"Word(msg) Mark(=) Mark(") Word(all) Word(done) Mark(.) Mark(") Word(by) Mark(=) Text("me")"#
        ]],
    );
}

#[test]
fn key_of_json_is_a_word() {
    check(
        r#"{"a":"b","n":5}"#,
        expect![[
            r#"Mark({) Word("a") Mark(:) Text("b") Mark(,) Word("n") Mark(:) Number(5) Mark(})"#
        ]],
    );
}

#[test]
fn colon_joins_what_has_digits_on_both_sides() {
    check(
        "C3:J12:U5 b7:gone",
        expect!["Text(C3:J12:U5) Text(b7) Mark(:) Word(gone)"],
    );
}

#[test]
fn range_that_varies_makes_a_word_a_value() {
    let found = render(b"user carol came, carol went", &[5..10, 99..100]);
    expect!["Word(user) Text(carol) Word(came) Mark(,) Word(carol) Word(went)"].assert_eq(&found);
}

#[test]
fn one_token_more_than_is_kept_is_one_value_at_the_end() {
    let exact = "a ".repeat(MAX_TOKENS);
    assert_eq!(split(exact.as_bytes(), &[]).len(), MAX_TOKENS);
    let tokens = split(format!("{exact}a a").as_bytes(), &[]);
    assert_eq!(tokens.len(), MAX_TOKENS + 1);
    assert_eq!(
        tokens[MAX_TOKENS].kind,
        TokenKind::Variable(VariableKind::Text)
    );
}

#[test]
fn value_at_the_end_stands_for_what_is_left_out() {
    assert_eq!(
        split("7 ".repeat(MAX_TOKENS + 1).as_bytes(), &[]).len(),
        MAX_TOKENS
    );
}

#[test]
fn one_byte_more_than_is_read_is_one_value_at_the_end() {
    let exact = "a".repeat(MAX_BYTES);
    assert_eq!(split(exact.as_bytes(), &[]).len(), 1);
    assert_eq!(split(format!("{exact}a").as_bytes(), &[]).len(), 2);
}

#[test]
fn word_that_is_cut_by_the_bound_is_left_out() {
    let sample = format!("{} {}", "a".repeat(MAX_BYTES - 3), "b".repeat(9));
    let rendered = render(sample.as_bytes(), &[]);
    assert!(rendered.ends_with("a) Text()"), "{rendered}");
}

#[test]
fn quotes_without_end_are_not_searched_without_bound() {
    let sample = "\"a ".repeat(MAX_BYTES);
    let mut splitter = Splitter {
        text: &sample.as_bytes()[..MAX_BYTES],
        at: 0,
        budget: LOOK_AHEAD,
        message_end: None,
        tokens: Vec::new(),
    };
    splitter.run();
    assert_eq!(splitter.tokens.len(), MAX_TOKENS);
    assert_eq!(splitter.look_ahead(0), b"");
}
