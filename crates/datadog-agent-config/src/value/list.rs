//! Lists and maps written in one line. A bad item is left out and named; the good ones stay.

use ipnet::IpNet;

use super::{Note, Parsed, Value, text};
use crate::rules::TracePropagationStyle;

/// Features of the trace pipeline that are known by name.
const FEATURES: [&str; 12] = [
    "429",
    "big_resource",
    "dollar_quoted_func",
    "enable_otlp_compute_top_level_by_span_kind",
    "enable_stats_by_span_kind",
    "error_rare_sample_tracer_drop",
    "keep_sql_alias",
    "probabilistic_sampler_full_trace_id",
    "quantize_sql_tables",
    "replace_sql_digits",
    "sqllexer",
    "table_names",
];

/// Splits at commas; blanks around items and empty items go.
pub(crate) fn at_commas(text: &str) -> Vec<String> {
    kept(text.split(','))
}

/// Splits at blanks.
pub(crate) fn at_blanks(text: &str) -> Vec<String> {
    kept(text.split_whitespace())
}

/// Splits at commas and blanks.
pub(crate) fn at_both(text: &str) -> Vec<String> {
    kept(text.split(|c: char| c == ',' || c.is_whitespace()))
}

/// Splits at commas if there is one, else at blanks.
pub(crate) fn at_commas_else_blanks(text: &str) -> Vec<String> {
    if text.contains(',') {
        at_commas(text)
    } else {
        at_blanks(text)
    }
}

/// Splits at commas outside double quotes, which are dropped; two quotes inside quotes are one.
pub(crate) fn quoted(text: &str) -> Result<Vec<String>, String> {
    let mut items = vec![String::new()];
    let mut in_quotes = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, in_quotes) {
            ('"', true) if chars.peek() == Some(&'"') => {
                chars.next();
                push(&mut items, '"');
            }
            ('"', _) => in_quotes = !in_quotes,
            (',', false) => items.push(String::new()),
            _ => push(&mut items, c),
        }
    }
    if in_quotes {
        return Err("a double quote is not closed".to_owned());
    }
    Ok(kept(items.iter().map(String::as_str)))
}

fn push(items: &mut [String], c: char) {
    if let Some(last) = items.last_mut() {
        last.push(c);
    }
}

fn kept<'a>(items: impl Iterator<Item = &'a str>) -> Vec<String> {
    items
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Takes each item through `read`; those that it refuses are left out with a note.
pub(crate) fn each(
    items: Vec<String>,
    mut read: impl FnMut(&str) -> Result<String, String>,
) -> Parsed {
    let mut good: Vec<String> = Vec::new();
    let mut notes = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match read(item) {
            Ok(item) => good.push(item),
            Err(problem) => notes.push(Note::warning(
                format!("item {index}: {problem}"),
                "item left out",
            )),
        }
    }
    Parsed::with(Value::List(good), notes)
}

/// Hosts, domains, addresses and networks of the bypass list.
pub(crate) fn hosts(items: Vec<String>) -> Parsed {
    each(items, |item| {
        let is_plain = item
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_:*[]".contains(&byte));
        if is_plain || item.parse::<IpNet>().is_ok() {
            Ok(item.to_owned())
        } else {
            Err("must be a host, domain, address or network".to_owned())
        }
    })
}

/// Tags, in order of first appearance, each once.
pub(crate) fn tags(items: Vec<String>) -> Parsed {
    let mut seen: Vec<String> = Vec::new();
    let mut parsed = each(items, |item| match item.split_once(':') {
        Some((key, value)) if key.is_empty() || value.is_empty() => {
            Err("tag must be key:value or a bare word".to_owned())
        }
        _ => Ok(item.to_owned()),
    });
    if let Value::List(tags) = &mut parsed.value {
        tags.retain(|tag| {
            let is_new = !seen.contains(tag);
            if is_new {
                seen.push(tag.clone());
            }
            is_new
        });
    }
    parsed
}

/// Tag filters: `key:value` or `key`; an empty value is as none.
pub(crate) fn filter_tags(items: Vec<String>) -> Parsed {
    each(items, |item| {
        let (key, value) = item.split_once(':').unwrap_or((item, ""));
        let (key, value) = (key.trim(), value.trim());
        match (key.is_empty(), value.is_empty()) {
            (true, _) => Err("filter must be key:value or key".to_owned()),
            (false, true) => Ok(key.to_owned()),
            (false, false) => Ok(format!("{key}:{value}")),
        }
    })
}

/// Tag filters with patterns as values; one that does not compile spoils the whole.
pub(crate) fn filter_tag_patterns(items: Vec<String>) -> Result<Parsed, String> {
    for (index, item) in items.iter().enumerate() {
        if let Some((_, value)) = item.split_once(':') {
            text::pattern(value).map_err(|problem| format!("item {index}: {problem}"))?;
        }
    }
    Ok(filter_tags(items))
}

/// Features; unknown ones are kept.
pub(crate) fn features(items: Vec<String>) -> Parsed {
    let notes = items
        .iter()
        .filter(|item| {
            let name = item.split('=').next().unwrap_or(item);
            !FEATURES.contains(&name)
        })
        .map(|item| Note::warning(format!("feature {item} is not known"), "kept"))
        .collect();
    Parsed::with(Value::List(items), notes)
}

/// Styles of trace context, by their usual names.
pub(crate) fn propagation_styles(items: Vec<String>) -> Parsed {
    each(items, |item| {
        TracePropagationStyle::from_name(item)
            .map(|style| style.as_str().to_owned())
            .ok_or_else(|| "must be datadog, b3, b3multi, tracecontext, baggage or none".to_owned())
    })
}

/// Percentiles, as numbers between 0 and 1.
pub(crate) fn percentiles(items: Vec<String>) -> Parsed {
    each(items, |item| {
        super::number::float(item, 0.01, 1.0).map(|_| item.to_owned())
    })
}

/// Rates of analysed spans: `service|operation=rate`.
pub(crate) fn analyzed_spans(items: Vec<String>) -> Parsed {
    each(items, |item| {
        let rate = item
            .split_once('|')
            .and_then(|(service, rest)| Some((service, rest.rsplit_once('=')?)));
        match rate {
            Some((service, (operation, rate)))
                if !service.is_empty()
                    && !operation.is_empty()
                    && super::number::float(rate, 0.0, 1.0).is_ok() =>
            {
                Ok(item.to_owned())
            }
            _ => Err("must be service|operation=rate with a rate in 0..=1".to_owned()),
        }
    })
}

/// Names with a text each, `a:b` with exactly one colon.
pub(crate) fn mapping(items: Vec<String>) -> Parsed {
    let mut pairs = Vec::new();
    let mut notes = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let parts: Vec<&str> = item.split(':').map(str::trim).collect();
        match parts.as_slice() {
            [from, to] if !from.is_empty() && !to.is_empty() => {
                pairs.push(((*from).to_owned(), (*to).to_owned()));
            }
            _ => notes.push(Note::warning(
                format!("item {index}: must be from:to with one colon"),
                "item left out",
            )),
        }
    }
    Parsed::with(Value::Pairs(pairs), notes)
}
