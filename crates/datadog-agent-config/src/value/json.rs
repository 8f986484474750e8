//! Values written as JSON, or as the same structure in YAML, where every scalar is a text.
//!
//! Hence a number may arrive as a number or as a text of digits, and a switch as a word.

use serde_json::{Map, Value as Json};

use super::{Note, Parsed, Value, number, text, url};
use crate::rules::{LogsAdditionalEndpoint, ProcessingRule, ProcessingRuleKind, ReplaceRule};

/// Rules in one list at most.
const MAX_RULES: usize = 128;

/// Reads a text as JSON.
pub(crate) fn parse(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| {
        format!(
            "is not JSON: line {}, column {}",
            error.line(),
            error.column()
        )
    })
}

/// URLs with their keys: `{"https://host":["key"]}`.
pub(crate) fn keys_by_url(json: &Json) -> Result<Parsed, String> {
    let problem = || "must be a JSON object of URLs with a list of keys each".to_owned();
    let mut endpoints = Vec::new();
    for (address, keys) in json.as_object().ok_or_else(problem)? {
        let address = url::base(address)?;
        let keys: Option<Vec<String>> = keys
            .as_array()
            .ok_or_else(problem)?
            .iter()
            .map(|key| Some(key.as_str()?.trim().to_owned()).filter(|key| !key.is_empty()))
            .collect();
        endpoints.push((address, keys.ok_or_else(problem)?));
    }
    Ok(Value::KeysByUrl(endpoints).into())
}

/// A list of texts.
pub(crate) fn texts(json: &Json) -> Result<Vec<String>, String> {
    let problem = || "must be a JSON list of texts".to_owned();
    json.as_array()
        .ok_or_else(problem)?
        .iter()
        .map(|item| {
            item.as_str()
                .map(|item| item.trim().to_owned())
                .ok_or_else(problem)
        })
        .collect()
}

/// Any list.
pub(crate) fn list(json: &Json) -> Result<Parsed, String> {
    if json.is_array() {
        Ok(Value::Json(json.to_string()).into())
    } else {
        Err("must be a JSON list".to_owned())
    }
}

/// Any object.
pub(crate) fn object(json: &Json) -> Result<Parsed, String> {
    if json.is_object() {
        Ok(Value::Json(json.to_string()).into())
    } else {
        Err("must be a JSON object".to_owned())
    }
}

/// Processing rules. One bad rule spoils the list, since a mask that is missing leaks.
pub(crate) fn processing_rules(json: &Json) -> Result<Parsed, String> {
    let rules = rule_objects(json)?;
    let rules: Result<Vec<ProcessingRule>, String> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| processing_rule(rule).map_err(|problem| named(index, rule, &problem)))
        .collect();
    Ok(Value::ProcessingRules(rules?).into())
}

fn processing_rule(rule: &Map<String, Json>) -> Result<ProcessingRule, String> {
    let kind = match member(rule, "type").and_then(Json::as_str) {
        Some("exclude_at_match") => ProcessingRuleKind::ExcludeAtMatch,
        Some("include_at_match") => ProcessingRuleKind::IncludeAtMatch,
        Some("mask_sequences") => ProcessingRuleKind::MaskSequences,
        Some("exclude_truncated") => ProcessingRuleKind::ExcludeTruncated,
        Some("multi_line") => return Err("multi_line belongs to one source, not to all".to_owned()),
        _ => {
            return Err(
                "type must be exclude_at_match, include_at_match, mask_sequences or exclude_truncated"
                    .to_owned(),
            );
        }
    };
    let pattern = if kind == ProcessingRuleKind::ExcludeTruncated {
        String::new()
    } else {
        required_pattern(rule)?
    };
    Ok(ProcessingRule {
        kind,
        name: required(rule, "name")?,
        pattern,
        replace_placeholder: optional_text(rule, "replace_placeholder")?,
    })
}

/// Replace rules. One bad rule spoils the list.
pub(crate) fn replace_rules(json: &Json) -> Result<Parsed, String> {
    let rules = rule_objects(json)?;
    let rules: Result<Vec<ReplaceRule>, String> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            Ok(ReplaceRule {
                name: required(rule, "name")?,
                pattern: required_pattern(rule)?,
                repl: optional_text(rule, "repl")?,
            })
            .map_err(|problem: String| named(index, rule, &problem))
        })
        .collect();
    Ok(Value::ReplaceRules(rules?).into())
}

fn rule_objects(json: &Json) -> Result<Vec<&Map<String, Json>>, String> {
    let problem = || "must be a JSON list of rules".to_owned();
    let rules = json.as_array().ok_or_else(problem)?;
    if rules.len() > MAX_RULES {
        return Err(format!("has {} rules, maximum {MAX_RULES}", rules.len()));
    }
    rules
        .iter()
        .map(|rule| rule.as_object().ok_or_else(problem))
        .collect()
}

fn named(index: usize, rule: &Map<String, Json>, problem: &str) -> String {
    match member(rule, "name").and_then(Json::as_str) {
        Some(name) if !name.trim().is_empty() => {
            format!("rule {index} ({}): {problem}", name.escape_default())
        }
        _ => format!("rule {index}: {problem}"),
    }
}

/// Further log intakes. A bad element is left out with its index; what is not a list is refused.
pub(crate) fn logs_endpoints(json: &Json) -> Result<Parsed, String> {
    let elements = json
        .as_array()
        .ok_or_else(|| "must be a JSON list of endpoints".to_owned())?;
    let mut endpoints = Vec::new();
    let mut notes = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let endpoint = element
            .as_object()
            .ok_or_else(|| "must be an object".to_owned())
            .and_then(logs_endpoint);
        match endpoint {
            Ok(endpoint) => endpoints.push(endpoint),
            Err(problem) => notes.push(Note::warning(
                format!("endpoint {index}: {problem}"),
                "endpoint left out",
            )),
        }
    }
    Ok(Parsed::with(Value::LogsEndpoints(endpoints), notes))
}

fn logs_endpoint(element: &Map<String, Json>) -> Result<LogsAdditionalEndpoint, String> {
    let Value::Text(api_key) = text::api_key(&required(element, "api_key")?)?.value else {
        return Err("api_key must be a text".to_owned());
    };
    let host =
        url::address(&required(element, "host")?).map_err(|problem| format!("host {problem}"))?;
    if let Some(version) = scalar(element, "version")?
        && version != "2"
        && version != "v2"
    {
        return Err("only version 2 is spoken".to_owned());
    }
    let kind = scalar(element, "compression_kind")?
        .map(|kind| text::choice(&kind, &["zstd", "gzip"]))
        .transpose()
        .map_err(|problem| format!("compression_kind {problem}"))?;
    let level = scalar(element, "compression_level")?
        .map(|level| level.parse::<i32>().map(|level| level.clamp(1, 19)))
        .transpose()
        .map_err(|_| "compression_level must be a whole number".to_owned())?;
    let port = scalar(element, "port")?
        .map(|port| number::port(&port))
        .transpose()?;
    if port == Some(0) {
        return Err("port must not be 0".to_owned());
    }
    let path_prefix = optional_text(element, "path_prefix")?;
    url::check(&format!("https://host/{}", path_prefix.trim_matches('/')))
        .map_err(|_| "path_prefix is not a path".to_owned())?;
    Ok(LogsAdditionalEndpoint {
        api_key,
        host,
        port,
        is_reliable: switch(element, "is_reliable")?.unwrap_or(true),
        use_ssl: switch(element, "use_ssl")?.unwrap_or(true),
        use_compression: switch(element, "use_compression")?,
        compression_kind: kind,
        compression_level: level,
        path_prefix,
    })
}

/// The member of this name, in any case.
fn member<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    object
        .get(name)
        .or_else(|| {
            object
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })
        .filter(|value| !value.is_null())
}

/// A text that must be there and not be blank.
fn required(object: &Map<String, Json>, name: &str) -> Result<String, String> {
    member(object, name)
        .and_then(Json::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| format!("{name} is missing"))
}

/// A pattern that must be there; blanks at its ends belong to it.
fn required_pattern(object: &Map<String, Json>) -> Result<String, String> {
    member(object, "pattern")
        .and_then(Json::as_str)
        .filter(|pattern| !pattern.is_empty())
        .ok_or_else(|| "pattern is missing".to_owned())
        .and_then(text::pattern)
}

/// A text, or nothing.
fn optional_text(object: &Map<String, Json>, name: &str) -> Result<String, String> {
    match member(object, name) {
        None => Ok(String::new()),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(_) => Err(format!("{name} must be a text")),
    }
}

/// A text, number or switch as text.
fn scalar(object: &Map<String, Json>, name: &str) -> Result<Option<String>, String> {
    match member(object, name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(value @ (Json::Number(_) | Json::Bool(_))) => Ok(Some(value.to_string())),
        Some(_) => Err(format!("{name} must be a single value")),
    }
}

/// A switch.
fn switch(object: &Map<String, Json>, name: &str) -> Result<Option<bool>, String> {
    scalar(object, name)?
        .map(|word| number::boolean(&word))
        .transpose()
        .map_err(|problem| format!("{name} {problem}"))
}
