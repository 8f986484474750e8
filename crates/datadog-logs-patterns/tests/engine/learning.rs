//! What becomes a pattern, by the examples of the specification.

use datadog_logs_patterns::encoder::Options;

use crate::stream::Stream;

/// The patterns that the other end knows, by their ids.
fn patterns(stream: &Stream) -> Vec<(String, Vec<u32>)> {
    let decoder = &stream.decoder;
    decoder
        .pattern_ids()
        .filter_map(|id| decoder.pattern(id))
        .map(|(template, positions)| (template.to_owned(), positions.to_vec()))
        .collect()
}

#[track_caller]
fn check(lines: &[&str], expected: &[(&str, &[u32])]) {
    let mut stream = Stream::new(Options::default());
    for line in lines {
        stream.push(line);
    }
    stream.seal();
    let expected: Vec<_> = expected
        .iter()
        .map(|(template, positions)| ((*template).to_owned(), positions.to_vec()))
        .collect();
    assert_eq!(patterns(&stream), expected);
}

#[test]
fn two_lines_make_a_pattern_of_what_they_have_in_common() {
    check(
        &[
            "User alice logged in from 10.0.0.1",
            "User bob logged in from 10.0.0.2",
        ],
        &[("User  logged in from ", &[5, 21])],
    );
}

#[test]
fn lines_that_differ_in_their_spaces_have_different_patterns() {
    check(
        &["a  b 10", "a b 10", "a  b 20", "a b 20"],
        &[("a  b ", &[5]), ("a b ", &[4])],
    );
}

#[test]
fn a_first_word_stays_literal() {
    let lines = ["[x] foo 10", "[x] bar 10", "[x] foo 20", "[x] bar 20"];
    check(&lines, &[("[x] foo ", &[8]), ("[x] bar ", &[8])]);
}

/// Lines with so many different first words, each twice so that there are patterns.
fn with_first_words(count: usize) -> Stream {
    let mut options = Options::default();
    options.learning.max_patterns_per_cluster = 0;
    let mut stream = Stream::new(options);
    for word in 0..count {
        let word: String = word
            .to_string()
            .bytes()
            .map(|digit| char::from(digit - b'0' + b'a'))
            .collect();
        for number in ["1", "2"] {
            stream.push(format!("[1] word{word} has come and is here now {number}"));
        }
    }
    stream.seal();
    stream
}

#[test]
fn more_than_a_hundred_first_words_become_a_value() {
    assert_eq!(patterns(&with_first_words(100)).len(), 100);
    let stream = with_first_words(101);
    assert_eq!(patterns(&stream).len(), 100, "the last one widens another");
    let merged = ("[1]  has come and is here now ".to_owned(), vec![4, 30]);
    let found = patterns(&stream);
    assert!(found.contains(&merged), "{found:?}");
}

#[test]
fn first_words_that_never_come_twice_become_a_value_as_well() {
    let mut stream = Stream::new(Options::default());
    let word = |number: u32| -> String {
        let digits = number.to_string().into_bytes();
        digits
            .iter()
            .map(|digit| char::from(digit - b'0' + b'a'))
            .collect()
    };
    for number in 1_000..1_150 {
        stream.push(format!("[1] {} has come and is here now", word(number)));
    }
    stream.seal();
    assert_eq!(
        patterns(&stream),
        [("[1]  has come and is here now".to_owned(), vec![4])]
    );
    assert_eq!(stream.encoder.stats().raw.iter().sum::<u64>(), 100);
}
