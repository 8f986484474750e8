//! How well the patterns that the engine finds agree with those that people have labelled.
//!
//! Each `NAME.log_structured_corrected.csv` of a folder has a line of a log in its column `Content` and the label of
//! its pattern in `EventId`, as in LogHub. The lines go through the verb `patterns`, with nothing tuned.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::json;

use crate::program::{Profile, build, target_folder};
use crate::run::{command, print, root};

/// What the names of labelled files end with.
const SUFFIX: &str = ".log_structured_corrected.csv";

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The folder of the labelled files.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints the grouping accuracy of each file, one JSON object a line, and their mean.
///
/// # Errors
/// When there is no labelled file, one cannot be read, or the program fails.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let files = labelled_files(&options.folder)?;
    let program = build(Profile::Release)?;
    let mut sum = 0.0;
    for (name, path) in &files {
        let labelled = read_labelled(path).with_context(|| path.display().to_string())?;
        let clusters = clusters(&program, &labelled)?;
        let labels: Vec<_> = labelled.iter().map(|line| line.label.as_str()).collect();
        let accuracy = grouping_accuracy(&labels, &clusters)?;
        sum += accuracy;
        report(&format!("accuracy:{name}"), accuracy);
    }
    report("accuracy_mean", sum / files.len() as f64);
    Ok(())
}

fn report(name: &str, accuracy: f64) {
    let value = (accuracy * 10_000.0).round() / 10_000.0;
    print(&json!({ "name": name, "value": value, "unit": "ratio" }).to_string());
}

/// The labelled files of a folder with what they are called, in order.
fn labelled_files(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.and_then(|name| name.strip_suffix(SUFFIX)) {
            files.push((name.to_owned(), path.clone()));
        }
    }
    ensure!(!files.is_empty(), "no *{SUFFIX} in {}", folder.display());
    files.sort();
    Ok(files)
}

/// A line and its label.
#[derive(Debug, PartialEq, Eq)]
struct Labelled {
    content: String,
    label: String,
}

fn read_labelled(path: &Path) -> anyhow::Result<Vec<Labelled>> {
    parse(fs::File::open(path)?)
}

fn parse(csv: impl std::io::Read) -> anyhow::Result<Vec<Labelled>> {
    let mut reader = csv::Reader::from_reader(csv);
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        let place = headers.iter().position(|header| header == name);
        place.with_context(|| format!("no column {name}"))
    };
    let (content, label) = (column("Content")?, column("EventId")?);
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record?;
        let field = |place: usize| record.get(place).unwrap_or_default().to_owned();
        let line = Labelled {
            content: field(content),
            label: field(label),
        };
        ensure!(!line.content.contains('\n'), "a line has an end within");
        lines.push(line);
    }
    Ok(lines)
}

/// What the program makes of the lines: a cluster for each.
fn clusters(program: &Path, lines: &[Labelled]) -> anyhow::Result<Vec<u64>> {
    let folder = target_folder()?;
    let (input, output) = (folder.join("accuracy.log"), folder.join("accuracy.ids"));
    let text: String = lines
        .iter()
        .map(|line| format!("{}\n", line.content))
        .collect();
    fs::write(&input, text)?;
    let words = [
        program.as_os_str(),
        "patterns".as_ref(),
        input.as_os_str(),
        "--assignments".as_ref(),
        output.as_os_str(),
    ];
    let words: Vec<_> = words
        .iter()
        .map(|word| word.to_str())
        .collect::<Option<_>>()
        .context("a path is no UTF-8")?;
    let mut run = command(&root(), &words);
    let ended = run
        .args(["--format", "json"])
        .output()
        .context("cannot run the verb patterns")?;
    ensure!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let ids = fs::read_to_string(&output)?;
    fs::remove_file(&input)?;
    fs::remove_file(&output)?;
    ids.lines()
        .map(|id| id.parse().with_context(|| format!("{id:?} is no id")))
        .collect()
}

/// The share of lines whose cluster holds exactly the lines of their label.
fn grouping_accuracy(labels: &[&str], clusters: &[u64]) -> anyhow::Result<f64> {
    ensure!(
        labels.len() == clusters.len(),
        "{} lines have {} assignments",
        labels.len(),
        clusters.len()
    );
    let mut of_label: HashMap<&str, usize> = HashMap::new();
    let mut of_cluster: HashMap<u64, usize> = HashMap::new();
    let mut of_both: HashMap<(&str, u64), usize> = HashMap::new();
    for (&label, &cluster) in labels.iter().zip(clusters) {
        *of_label.entry(label).or_default() += 1;
        *of_cluster.entry(cluster).or_default() += 1;
        *of_both.entry((label, cluster)).or_default() += 1;
    }
    // Both sets are equal when what they share is all of each.
    let right = of_both.iter().filter(|((label, cluster), count)| {
        of_label.get(label) == Some(count) && of_cluster.get(cluster) == Some(count)
    });
    let right: usize = right.map(|(_, count)| count).sum();
    Ok(right as f64 / labels.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_when_its_cluster_is_its_label() {
        let check = |labels: &[&str], clusters: &[u64], expected: f64| {
            assert_eq!(grouping_accuracy(labels, clusters).unwrap(), expected);
        };
        check(&["a", "a", "b", "b"], &[7, 7, 1, 1], 1.0);
        check(&["a", "a", "b", "b"], &[7, 7, 7, 7], 0.0);
        check(&["a", "a", "b", "b"], &[1, 2, 3, 3], 0.5);
        check(&["a", "a", "b", "c"], &[1, 1, 1, 2], 0.25);
        assert!(grouping_accuracy(&["a"], &[]).is_err());
    }

    #[test]
    fn a_content_may_be_quoted() {
        let csv = "LineId,Content,EventId\n1,\"a, \"\"b\"\"\",E1\n2,plain,E2\n";
        let line = |content: &str, label: &str| Labelled {
            content: content.to_owned(),
            label: label.to_owned(),
        };
        assert_eq!(
            parse(csv.as_bytes()).unwrap(),
            [line("a, \"b\"", "E1"), line("plain", "E2")]
        );
        assert!(parse("LineId,Content\n1,a\n".as_bytes()).is_err());
    }
}
