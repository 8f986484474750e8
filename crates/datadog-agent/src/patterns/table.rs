//! What the verb `patterns` says to people: totals of each file, then its patterns.

use std::time::Duration;

use super::Options;
use super::engine::Part;
use super::escape::shown;
use super::findings::{Found, MOST_VALUES, Order};
use super::measure::{Figures, Measured};

/// Columns before the template, and before what is said of it.
const INDENT: usize = 31;
/// Columns of a terminal that is too narrow, or of none.
const LEAST_WIDTH: usize = 60;
const USUAL_WIDTH: usize = 120;

/// Everything, for a terminal of `width` columns.
pub(super) fn to_text(
    files: &[(String, Measured)],
    total: &Figures,
    options: &Options,
    width: Option<usize>,
) -> String {
    let width = width.unwrap_or(USUAL_WIDTH).max(LEAST_WIDTH);
    let mut text = String::new();
    for (file, measured) in files {
        section(
            &shown(file.as_bytes(), width),
            &measured.figures,
            options,
            &mut text,
        );
        patterns(measured, options, width, &mut text);
        text.push('\n');
    }
    if files.len() > 1 {
        section("all files together", total, options, &mut text);
    }
    text.trim_end().to_owned()
}

fn section(title: &str, figures: &Figures, options: &Options, out: &mut String) {
    let Figures {
        lines,
        patterns,
        raw_bytes,
        ..
    } = *figures;
    let raw = amount(raw_bytes);
    let way = |name: &str, bytes: u64, time: Option<Duration>| {
        let share = percent(bytes, figures.http_bytes);
        let cpu = time.map(|time| cpu(raw_bytes, time)).unwrap_or_default();
        format!("  {name:<12}{:>10}{share:>9}{cpu}", amount(bytes))
    };
    let rows = [
        title.to_owned(),
        format!(
            "  {} lines in {} patterns, {raw}",
            grouped(lines),
            grouped(patterns)
        ),
        way("HTTP", figures.http_bytes, Some(figures.http_time)),
        way("zstd stream", figures.zstd_stream_bytes, None),
        way(
            "stateful",
            figures.stateful_bytes,
            Some(figures.stateful_time),
        ),
        format!("  {}", verdict(figures, options)),
    ];
    for row in rows {
        out.push_str(&row);
        out.push('\n');
    }
}

/// The time of a way, and how many megabytes of lines it takes a second.
fn cpu(raw_bytes: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.is_zero() {
        true => String::new(),
        false => format!(
            "{seconds:>9.3} s{:>7.0} MB/s",
            raw_bytes as f64 / 1e6 / seconds
        ),
    }
}

/// What the stream saves, and whether it may be believed.
fn verdict(figures: &Figures, options: &Options) -> String {
    let setting = format!(
        "{} logs a batch, zstd {}",
        grouped(options.batch_logs as u64),
        options.level
    );
    if !figures.lossless {
        return format!("NOT LOSSLESS: a line did not come back as it was ({setting})");
    }
    let (http, stateful) = (figures.http_bytes, figures.stateful_bytes);
    let bytes = match http.checked_sub(stateful) {
        Some(less) => format!("{} less", amount(less)),
        None => format!("{} more", amount(stateful - http)),
    };
    let cpu = figures.stateful_time.as_secs_f64() / figures.http_time.as_secs_f64();
    let cpu = match cpu.is_finite() {
        true => format!(" in {:.0} % of its time", cpu * 100.0),
        false => String::new(),
    };
    format!(
        "the stateful stream sends {bytes} than HTTP{cpu}; every line came back byte for byte ({setting})"
    )
}

fn patterns(measured: &Measured, options: &Options, width: usize, out: &mut String) {
    if measured.found.is_empty() {
        return;
    }
    let order = match options.sort {
        Order::Lines => "",
        Order::Saved => "; what saves most comes first",
    };
    out.push_str(&format!(
        "\n  saved = bytes of lines - bytes of their logs in the stream (uncompressed, without definitions){order}\n\n"
    ));
    out.push_str("     lines   share      saved  pattern\n");
    for found in &measured.found {
        pattern(found, measured.figures.lines, width, out);
    }
    let shown = measured.found.len() as u64;
    let more = measured.figures.patterns.saturating_sub(shown);
    if more > 0 {
        let rest: u64 = measured.found.iter().map(|found| found.facts.lines).sum();
        let lines = measured.figures.lines - rest;
        out.push_str(&format!(
            "{:>10}{:>8}{:13}in {} more, see --top\n",
            grouped(lines),
            percent(lines, measured.figures.lines),
            "",
            grouped(more)
        ));
    }
}

fn pattern(found: &Found, all_lines: u64, width: usize, out: &mut String) {
    let room = width - INDENT;
    let facts = &found.facts;
    let head = format!(
        "{:>10}{:>8}{:>11}  ",
        grouped(facts.lines),
        percent(facts.lines, all_lines),
        signed_amount(facts.saved())
    );
    let template = match found.parts.is_empty() {
        true => "(too few alike for a pattern)".to_owned(),
        false => shown(&template(&found.parts), room),
    };
    let mut rows = vec![template];
    rows.push(format!("e.g. {}", shown(&facts.example, room - 5)));
    if !found.values.is_empty() {
        rows.push(shown(values(found).as_bytes(), room));
    }
    for (number, row) in rows.iter().enumerate() {
        let before = if number == 0 { head.as_str() } else { "" };
        out.push_str(format!("{before:INDENT$}{row}").trim_end());
        out.push('\n');
    }
}

fn template(parts: &[Part]) -> Vec<u8> {
    let mut text = Vec::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.extend_from_slice(literal),
            Part::Variable(kind) => text.extend_from_slice(format!("<{kind}>").as_bytes()),
        }
    }
    text
}

/// Each variable with the number of its values.
fn values(found: &Found) -> String {
    let variables = found.parts.iter().filter_map(|part| match part {
        Part::Variable(kind) => Some(kind),
        Part::Literal(_) => None,
    });
    let mut text = String::from("values:");
    for (kind, values) in variables.zip(&found.values) {
        let count = match values.is_beyond() {
            true => format!("{}+", grouped(MOST_VALUES as u64)),
            false => grouped(values.count() as u64),
        };
        text.push_str(&format!("  <{kind}> {count}"));
    }
    text
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `–` for a share of nothing.
fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}

/// Bytes in the unit that suits them.
fn amount(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

fn signed_amount(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    format!("{sign}{}", amount(bytes.unsigned_abs()))
}

#[cfg(test)]
mod tests;
