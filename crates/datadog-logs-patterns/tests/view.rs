//! The view over lines that people can read, in `cases/view.txt`, and what holds for any input.
//!
//! `UPDATE_EXPECT=1` writes the file anew.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::ops::Range;

use datadog_logs_patterns::view::{Pattern, Structure, patterns};
use expect_test::expect_file;
use proptest::prelude::*;

/// The patterns of lines, each a structure that was seen once.
fn of_lines<T: AsRef<[u8]>>(lines: &[T]) -> Vec<Pattern> {
    let structures: Vec<_> = lines
        .iter()
        .map(|line| Structure {
            id: 1,
            count: 1,
            sample: line.as_ref(),
            variable: &[],
        })
        .collect();
    patterns(&structures)
}

#[test]
fn lines_of_the_case_file_have_the_templates_behind_them() {
    let cases = include_str!("cases/view.txt");
    let mut file = String::new();
    for case in cases.split("\n\n") {
        let given = case.lines().take_while(|line| *line != "=>");
        let (titles, lines): (Vec<_>, Vec<_>) = given.partition(|line| line.starts_with("# "));
        if !file.is_empty() {
            file.push_str("\n\n");
        }
        let mut rows: Vec<String> = titles
            .iter()
            .chain(&lines)
            .map(|row| (*row).to_owned())
            .collect();
        if !lines.is_empty() {
            rows.push("=>".to_owned());
            let found = of_lines(&lines);
            rows.extend(
                found
                    .iter()
                    .map(|pattern| format!("{} {}", pattern.count, pattern.text())),
            );
        }
        file.push_str(&rows.join("\n"));
    }
    file.push('\n');
    expect_file!["cases/view.txt"].assert_eq(&file);
}

/// Lines of few words, so that many are alike.
fn alike_lines() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(vec![
        "user",
        "for",
        "carol",
        "dave",
        "erin",
        "n1",
        "n2",
        "10.0.0.1",
        "started",
        "stopped",
        "key=",
        "key=v",
        "(a)",
        "(b",
        "]",
        "org.example.A",
        "org.example.B",
        "5 ms",
        "\"q r\"",
        ",",
        ":",
        "x:y",
    ]);
    let line = prop::collection::vec(word, 1..7).prop_map(|words| words.join(" "));
    prop::collection::vec(line, 1..60)
}

/// Counts, templates and lines of the patterns.
fn shown(lines: &[String]) -> Vec<(u64, String, Vec<String>)> {
    let of = |pattern: &Pattern| {
        let mut members: Vec<_> = pattern
            .structures
            .iter()
            .map(|at| lines[*at].clone())
            .collect();
        members.sort();
        (pattern.count, pattern.text(), members)
    };
    of_lines(lines).iter().map(of).collect()
}

proptest! {
    #[test]
    fn order_of_the_structures_does_not_matter(
        (lines, shuffled) in alike_lines().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle()))
    ) {
        prop_assert_eq!(shown(&lines), shown(&shuffled));
    }

    #[test]
    fn any_bytes_are_grouped_once_and_counted(
        samples in prop::collection::vec(
            (prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b" =:\"'([{<>}]),.0aZ-/".to_vec())], 0..200), 0..9_u64),
            0..40,
        ),
        ranges in prop::collection::vec(any::<(u32, u32)>(), 0..4),
    ) {
        let variable: Vec<Range<u32>> = ranges.iter().map(|(a, b)| *a..*b).collect();
        let structures: Vec<_> = samples
            .iter()
            .map(|(sample, count)| Structure { id: 1, count: *count, sample, variable: &variable })
            .collect();
        let patterns = patterns(&structures);
        let mut members: Vec<_> = patterns.iter().flat_map(|pattern| pattern.structures.clone()).collect();
        members.sort_unstable();
        prop_assert_eq!(members, (0..samples.len()).collect::<Vec<_>>());
        for pattern in &patterns {
            let counts: u64 = pattern.structures.iter().map(|at| samples[*at].1).sum();
            prop_assert_eq!(pattern.count, counts);
        }
    }
}

#[test]
fn places_that_the_engine_knows_to_vary_are_values() {
    let structure = |sample: &'static str, variable: &'static [Range<u32>]| Structure {
        id: 1,
        count: 7,
        sample: sample.as_bytes(),
        variable,
    };
    let found = patterns(&[
        structure("stop carol now", &[5..10, 99..100]),
        structure("stop dave now", &[]),
        structure("stop it soon", &[]),
    ]);
    let shown: Vec<_> = found
        .iter()
        .map(|pattern| (pattern.count, pattern.text()))
        .collect();
    assert_eq!(
        shown,
        [
            (7, "stop <*> now".to_owned()),
            (7, "stop dave now".to_owned()),
            (7, "stop it soon".to_owned())
        ]
    );
}

#[test]
fn the_same_input_gives_the_same_patterns() {
    let lines = ["a 1 b", "a 2 b", "for carol", "for dave", "for erin go"];
    assert_eq!(of_lines(&lines), of_lines(&lines));
}

#[test]
fn counts_that_overflow_stay_at_the_greatest() {
    let structure = Structure {
        id: 1,
        count: u64::MAX,
        sample: b"a",
        variable: &[],
    };
    assert_eq!(patterns(&[structure, structure])[0].count, u64::MAX);
}

#[test]
fn no_structures_give_no_patterns() {
    assert_eq!(patterns(&[]), []);
}
