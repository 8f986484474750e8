//! What the engine says of a configuration, in short.

use serde_json::{Map, Value as Json};

/// What became of the rules of a configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnostics {
    /// The version that the rules say they have; empty if they say none.
    pub version: String,
    /// Rules in use.
    pub loaded: usize,
    /// Rules that could not be used.
    pub failed: usize,
    /// Messages with the ids of the rules that they concern.
    pub errors: Map<String, Json>,
    /// Errors of other sections, or of the whole.
    pub others: Map<String, Json>,
}

impl Diagnostics {
    /// Reads what the engine says.
    pub(crate) fn of(json: &Json) -> Self {
        let count = |section: &Json, name: &str| {
            let list = section.get(name).and_then(Json::as_array);
            list.map_or(0, Vec::len)
        };
        let rules = json.get("rules").unwrap_or(&Json::Null);
        let errors = rules.get("errors").and_then(Json::as_object);
        let mut others = Map::new();
        for (name, section) in json.as_object().into_iter().flatten() {
            let whole = section.get("error").filter(|error| error.is_string());
            let part = section.get("errors").filter(|errors| {
                name != "rules" && errors.as_object().is_some_and(|errors| !errors.is_empty())
            });
            if let Some(error) = whole.or(part) {
                others.insert(name.clone(), error.clone());
            } else if name == "error" {
                others.insert(name.clone(), section.clone());
            }
        }
        let version = json.get("ruleset_version").and_then(Json::as_str);
        Self {
            version: version.unwrap_or_default().to_owned(),
            loaded: count(rules, "loaded"),
            failed: count(rules, "failed"),
            errors: errors.cloned().unwrap_or_default(),
            others,
        }
    }

    /// What failed, as compact JSON; nothing if nothing did.
    pub(crate) fn failures(&self) -> Option<String> {
        if self.errors.is_empty() && self.others.is_empty() && self.failed == 0 {
            return None;
        }
        let mut all = self.errors.clone();
        all.extend(self.others.clone());
        Some(super::compact(&Json::Object(all)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_counted_and_their_errors_kept() {
        let diagnostics = Diagnostics::of(&json!({
            "ruleset_version": "1.2.3",
            "rules": {"loaded": ["a", "b"], "failed": ["c"], "skipped": [], "errors": {"missing key": ["c"]}},
            "actions": {"loaded": [], "failed": ["x"], "errors": {"bad": ["x"]}},
            "scanners": {"error": "not a list"},
            "processors": {"loaded": ["p"], "failed": [], "errors": {}},
        }));
        assert_eq!(diagnostics.version, "1.2.3");
        assert_eq!((diagnostics.loaded, diagnostics.failed), (2, 1));
        assert_eq!(
            diagnostics.failures().as_deref(),
            Some(r#"{"missing key":["c"],"actions":{"bad":["x"]},"scanners":"not a list"}"#)
        );
        assert_eq!(Diagnostics::of(&json!({})).failures(), None);
        assert_eq!(
            Diagnostics::of(&json!({"error": "no map"}))
                .failures()
                .as_deref(),
            Some(r#"{"error":"no map"}"#)
        );
    }
}
