//! The verb `patterns`: what the pattern engine makes of logs, and what the stateful stream saves on them.
//!
//! Sends nothing anywhere. The same lines travel three ways in memory, and what the stream gives back is compared
//! with what went in.

mod datums;
mod engine;
mod escape;
mod findings;
mod legs;
mod lines;
mod measure;
mod report;
mod split;
mod table;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;

use self::engine::{Json, Wire};
use self::findings::Order;
use self::measure::{Figures, Measured, measure};
use crate::output::{Format, line, terminal_width};

/// Shows the patterns of logs, and what it costs to send them by HTTP and by the stateful stream.
///
/// Each file starts with empty state. Ends with status 1 when a line does not come back byte for byte.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Files, or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Logs in a batch; it also ends at 5,000,000 bytes of JSON.
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = batch_logs)]
    batch_logs: usize,
    /// Level of zstd.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// Dialect of the stateful stream.
    #[arg(long, value_enum, default_value_t)]
    wire: Wire,
    /// What the stateful stream does with lines that are JSON objects.
    #[arg(long, value_enum, default_value_t)]
    json: Json,
    /// Writes the pattern of each line to this file: one id a line, in the order of the input.
    #[arg(long, value_name = "OUT")]
    assignments: Option<PathBuf>,
    /// How many patterns to show of each file.
    #[arg(long, default_value_t = 20, value_name = "N")]
    top: usize,
    /// Which patterns to show first. Saved are the bytes of a pattern's lines less those of their logs in the stream,
    /// before compression and without definitions.
    #[arg(long, value_enum, default_value_t)]
    sort: Order,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn batch_logs(text: &str) -> Result<usize, String> {
    let logs = text
        .parse()
        .ok()
        .filter(|logs| (1..=100_000).contains(logs));
    logs.ok_or_else(|| "expected a number from 1 to 100000".to_owned())
}

/// Measures every file, then prints.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut assignments = Assignments::create(options.assignments.as_deref())?;
    let mut total = Figures::nothing();
    let mut files = Vec::new();
    for file in &options.files {
        let mut measured = measure(open(file)?, options).with_context(|| file.clone())?;
        assignments.write(&std::mem::take(&mut measured.assignments))?;
        total.add(&measured.figures);
        files.push((file.clone(), measured));
    }
    assignments.finish()?;
    line(&match options.format {
        Format::Json => report::to_json(&figures(&files), &total).to_string(),
        Format::Text => table::to_text(&files, &total, options, terminal_width()),
    });
    Ok(match total.lossless {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn figures(files: &[(String, Measured)]) -> Vec<(String, Figures)> {
    let figures = |(file, measured): &(String, Measured)| (file.clone(), measured.figures);
    files.iter().map(figures).collect()
}

/// Opens an input; what cannot be opened is named.
fn open(file: &str) -> anyhow::Result<Box<dyn BufRead>> {
    if file == "-" {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let opened = File::open(file).with_context(|| file.to_owned())?;
    ensure!(
        !opened.metadata().with_context(|| file.to_owned())?.is_dir(),
        "{file}: is a directory"
    );
    Ok(Box::new(BufReader::with_capacity(256 * 1_024, opened)))
}

/// Where the pattern of each line is written, if it is asked for.
struct Assignments {
    file: Option<(PathBuf, BufWriter<File>)>,
    /// Added to the ids of a file, so that they differ from those of the files before it.
    offset: u64,
}

impl Assignments {
    fn create(path: Option<&Path>) -> anyhow::Result<Self> {
        let create = |path: &Path| {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            anyhow::Ok((path.to_owned(), BufWriter::new(file)))
        };
        let file = path.map(create).transpose()?;
        Ok(Self { file, offset: 0 })
    }

    /// Writes the ids of a file's lines.
    fn write(&mut self, ids: &[u64]) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        for id in ids {
            writeln!(file, "{}", self.offset + id).with_context(|| path.display().to_string())?;
        }
        self.offset += ids.iter().max().unwrap_or(&0);
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        let Some((path, mut file)) = self.file else {
            return Ok(());
        };
        file.flush().with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
impl Options {
    /// The defaults, for these files.
    fn of_files(files: &[&str]) -> Self {
        Self {
            files: files.iter().map(|&file| file.to_owned()).collect(),
            batch_logs: 1_000,
            level: 3,
            wire: Wire::A,
            json: Json::Text,
            assignments: None,
            top: 20,
            sort: Order::Lines,
            format: Format::Text,
        }
    }
}
