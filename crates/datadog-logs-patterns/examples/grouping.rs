//! Measures how well the view groups labelled log lines: `grouping DIR [--fine | --coarse] [--errors N] [--only NAME]`.
//!
//! `DIR` holds CSV files whose names end in `_corrected.csv`, with the columns `Content`, `EventId` and `EventTemplate`,
//! one for each system.
//! A line counts when the lines of its pattern are exactly the lines that have its label.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    reason = "a program for developers that prints what it found"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use datadog_logs_patterns::view::{Pattern, Structure, patterns};

fn main() {
    let options = Options::parse();
    let mut total = 0.0;
    let mut files = 0;
    for path in labelled_files(&options) {
        let lines = read_labelled(&path);
        let report = measure(&lines, options.grain);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        println!(
            "{:.4} {name}: {} structures, {} patterns, {} labels, {:?}",
            report.accuracy, report.structures, report.patterns, report.labels, report.took
        );
        for error in report.errors.iter().take(options.errors) {
            println!("{error}");
        }
        total += report.accuracy;
        files += 1;
    }
    println!("{:.4} mean of {files} files", total / f64::from(files));
}

/// How much the engine tells apart.
#[derive(Clone, Copy, PartialEq)]
enum Grain {
    /// One structure for each sequence of words, runs of digits masked.
    Fine,
    /// Words with digits are masked as a whole.
    Masked,
    /// As `Masked`, and a word that varies alone in its place is already known to vary.
    Coarse,
}

struct Options {
    dir: PathBuf,
    grain: Grain,
    errors: usize,
    only: Option<String>,
}

impl Options {
    fn parse() -> Self {
        let mut arguments = std::env::args().skip(1);
        let mut options = Self {
            dir: PathBuf::from(arguments.next().expect("a directory")),
            grain: Grain::Masked,
            errors: 0,
            only: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--fine" => options.grain = Grain::Fine,
                "--coarse" => options.grain = Grain::Coarse,
                "--errors" => options.errors = arguments.next().unwrap().parse().unwrap(),
                "--only" => options.only = arguments.next(),
                other => panic!("unknown option {other}"),
            }
        }
        options
    }
}

fn labelled_files(options: &Options) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(&options.dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("_corrected.csv"))
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            options
                .only
                .as_ref()
                .is_none_or(|only| name.starts_with(only.as_str()))
        })
        .collect();
    paths.sort();
    paths
}

struct Labelled {
    content: String,
    label: String,
    template: String,
}

fn read_labelled(path: &Path) -> Vec<Labelled> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows = rows(&text).into_iter();
    let header = rows.next().unwrap();
    let column = |name: &str| header.iter().position(|field| field == name).unwrap();
    let (content, label, template) = (
        column("Content"),
        column("EventId"),
        column("EventTemplate"),
    );
    rows.map(|row| Labelled {
        content: row[content].clone(),
        label: row[label].clone(),
        template: row[template].clone(),
    })
    .collect()
}

/// The rows of a CSV text; quoted fields may hold separators, line ends and doubled quotes.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

struct Report {
    accuracy: f64,
    structures: usize,
    patterns: usize,
    labels: usize,
    took: std::time::Duration,
    errors: Vec<String>,
}

fn measure(lines: &[Labelled], grain: Grain) -> Report {
    let built = structures(lines, grain);
    let structures: Vec<_> = built
        .iter()
        .enumerate()
        .map(|(index, (lines_of, sample, variable))| Structure {
            id: index as u64 + 1,
            count: lines_of.len() as u64,
            sample: sample.as_bytes(),
            variable,
        })
        .collect();
    #[allow(
        clippy::disallowed_methods,
        reason = "the example measures time; the crate does not"
    )]
    let start = std::time::Instant::now();
    let patterns = patterns(&structures);
    let took = start.elapsed();
    let mut labels: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        labels.entry(&line.label).or_default().insert(index);
    }
    let mut right = 0;
    let mut wrong: Vec<(usize, String)> = Vec::new();
    for pattern in &patterns {
        let members: BTreeSet<usize> = pattern
            .structures
            .iter()
            .flat_map(|index| built[*index].0.iter().copied())
            .collect();
        let label = &lines[*members.first().unwrap()].label;
        if labels[label.as_str()] == members {
            right += members.len();
        } else {
            wrong.push((members.len(), describe(pattern, &members, lines)));
        }
    }
    wrong.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    #[allow(clippy::cast_precision_loss, reason = "a few thousand lines")]
    let accuracy = right as f64 / lines.len() as f64;
    Report {
        accuracy,
        structures: structures.len(),
        patterns: patterns.len(),
        labels: labels.len(),
        took,
        errors: wrong.into_iter().map(|(_, text)| text).collect(),
    }
}

fn describe(pattern: &Pattern, members: &BTreeSet<usize>, lines: &[Labelled]) -> String {
    let mut labels: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for index in members {
        let line = &lines[*index];
        *labels.entry((&line.label, &line.template)).or_default() += 1;
    }
    let mut text = format!("  ours {}: {}", members.len(), pattern.text());
    for ((label, template), count) in labels.iter().take(6) {
        let all = lines.iter().filter(|line| line.label == *label).count();
        text.push_str(&format!("\n      {count} of {all} {label}: {template}"));
    }
    text
}

type Built = (Vec<usize>, String, Vec<Range<u32>>);

/// The structures that the engine would learn from these lines.
fn structures(lines: &[Labelled], grain: Grain) -> Vec<Built> {
    let mut found: BTreeMap<String, Built> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let key: String = words(&line.content)
            .map(|word| masked(word, grain))
            .collect();
        let built = found
            .entry(key)
            .or_insert_with(|| (Vec::new(), line.content.clone(), Vec::new()));
        built.0.push(index);
    }
    let built: Vec<Built> = found.into_values().collect();
    if grain == Grain::Coarse {
        coarser(built)
    } else {
        built
    }
}

/// Runs of letters, digits and `_`, and single other characters.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

fn masked(word: &str, grain: Grain) -> String {
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    match grain {
        Grain::Fine if has_digit => {
            let mut text = String::new();
            for char in word.chars() {
                let char = if char.is_ascii_digit() { '0' } else { char };
                if char != '0' || !text.ends_with('0') {
                    text.push(char);
                }
            }
            text
        }
        _ if has_digit => "0".to_owned(),
        _ => word.to_owned(),
    }
}

/// Joins structures that differ in one word with many values, as an engine that widens its patterns.
fn coarser(built: Vec<Built>) -> Vec<Built> {
    const ENOUGH: usize = 8;
    let mut holes: BTreeMap<(String, usize), Vec<usize>> = BTreeMap::new();
    for (index, (_, sample, _)) in built.iter().enumerate() {
        let words: Vec<_> = words(sample)
            .map(|word| masked(word, Grain::Masked))
            .collect();
        for hole in (0..words.len()).filter(|at| words[*at].len() > 1) {
            let mut key = words.clone();
            key[hole] = String::new();
            holes
                .entry((key.join("\u{1}"), hole))
                .or_default()
                .push(index);
        }
    }
    let mut taken = vec![false; built.len()];
    let mut joined = Vec::new();
    for ((_, hole), members) in holes {
        let members: Vec<_> = members.into_iter().filter(|at| !taken[*at]).collect();
        if members.len() < ENOUGH {
            continue;
        }
        let sample = built[members[0]].1.clone();
        let start: usize = words(&sample).take(hole).map(str::len).sum();
        let end = start + words(&sample).nth(hole).unwrap().len();
        let range = u32::try_from(start).unwrap()..u32::try_from(end).unwrap();
        let lines = members.iter().flat_map(|at| built[*at].0.clone()).collect();
        members.iter().for_each(|at| taken[*at] = true);
        joined.push((lines, sample, vec![range]));
    }
    let rest = built.into_iter().zip(taken).filter(|(_, taken)| !taken);
    joined.extend(rest.map(|(built, _)| built));
    joined
}
