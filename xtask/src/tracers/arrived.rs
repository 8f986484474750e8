//! What the intake has of a run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::http::request;

/// A span by its trace (32 digits of hex) and its own id (decimal).
pub(crate) type Id = (String, String);

/// All of it.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// Spans; one that came twice has several.
    pub(crate) spans: BTreeMap<Id, Vec<Value>>,
    /// Chunks.
    pub(crate) chunks: Vec<Value>,
    /// Groups of stats.
    pub(crate) groups: Vec<Value>,
    /// What the intake found wrong.
    pub(crate) problems: Vec<String>,
}

impl Arrived {
    /// Asks an intake.
    pub(crate) fn ask(intake: &str) -> anyhow::Result<Self> {
        let chunks = records(intake, "traces")?;
        let mut spans: BTreeMap<Id, Vec<Value>> = BTreeMap::new();
        for chunk in &chunks {
            for span in list(&chunk["spans"]) {
                let id = (word(&chunk["trace_id"]), word(&span["spanID"]));
                spans.entry(id).or_default().push(span.clone());
            }
        }
        let problems = records(intake, "requests")?
            .iter()
            .flat_map(|request| list(&request["problems"]))
            .map(Value::to_string)
            .collect();
        Ok(Self {
            spans,
            chunks,
            groups: records(intake, "stats")?,
            problems,
        })
    }
}

/// The records of a kind.
pub(crate) fn records(intake: &str, kind: &str) -> anyhow::Result<Vec<Value>> {
    let (_, text) = request("GET", &format!("{intake}/inspect/{kind}"), b"")?;
    let records = text.lines().map(serde_json::from_str);
    Ok(records.collect::<Result<_, _>>()?)
}

/// The elements of a list, none if it is no list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text, or a number as one.
pub(crate) fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
