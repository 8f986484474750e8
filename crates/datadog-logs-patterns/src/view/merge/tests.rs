//! The bounds of the work, counted.

use super::*;
use crate::view::Structure;

/// The groups of lines and their words, before any merge.
fn grouped(lines: &[String]) -> (Vec<Group>, Words<'_>) {
    let structures: Vec<_> = lines
        .iter()
        .map(|line| Structure {
            id: 1,
            count: 1,
            sample: line.as_bytes(),
            variable: &[],
        })
        .collect();
    let mut words = Words::default();
    let groups = group::by_words(&structures, &mut words);
    (groups, words)
}

/// A word of letters that no other number has.
fn word(number: usize) -> String {
    number
        .to_string()
        .bytes()
        .map(|b| char::from(b - b'0' + b'a'))
        .collect()
}

#[test]
fn a_group_is_tried_at_a_bounded_number_of_places() {
    let lines: Vec<_> = (0..2_000)
        .map(|n| format!("{} {}", "same ".repeat(90), word(n)))
        .collect();
    let (groups, words) = grouped(&lines);
    assert_eq!(groups.len(), 2_000);
    assert_eq!(holes(&groups, &words).len(), 2_000 * MAX_HOLES);
}

#[test]
fn each_group_is_in_one_set_for_each_place() {
    let lines: Vec<_> = (0..2_000)
        .map(|n| format!("a {} c {} e", word(n % 40), word(n / 40)))
        .collect();
    let (groups, words) = grouped(&lines);
    let members: usize = alike(&groups, &words)
        .iter()
        .map(|alike| alike.groups.len())
        .sum();
    assert_eq!(members, 2 * 2_000);
}

#[test]
fn words_that_vary_in_two_places_need_two_rounds_at_most() {
    let lines: Vec<_> = (0..100)
        .map(|n| format!("a {} c {} e", word(n % 10), word(n / 10)))
        .collect();
    let (mut groups, words) = grouped(&lines);
    merge_once(&mut groups, &words);
    merge_once(&mut groups, &words);
    assert_eq!(groups.len(), 1);
}

#[test]
fn pairs_of_brackets_that_are_tried_are_few() {
    let lines = vec!["(a) ".repeat(100)];
    let (groups, words) = grouped(&lines);
    assert_eq!(enclosed(&groups[0].cells, &words).len(), MAX_PAIRS);
}
