//! What rules that operators write have in common: lists of items in a text, regular expressions, and what can be wrong
//! with them.
//!
//! Reads no environment; whoever does hands the texts on.

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take.
const COMPILED_BYTES: usize = 10_000_000;
/// Bytes that a search may remember of an expression's states.
const CACHE_BYTES: usize = 2_000_000;
/// Bytes of a pattern that a message shows.
const SHOWN_BYTES: usize = 200;

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The pattern is no regular expression, or too large a one.
    #[error("{key}: pattern `{pattern}`: {reason}")]
    Pattern {
        /// The key that the rule is about.
        key: String,
        /// The pattern, cut if it is long.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The rule has no key, or the replace rule no name.
    #[error("rule `{rule}` names no key")]
    NoKey {
        /// The rule as it was written, cut if it is long.
        rule: String,
    },
    /// The replace rule has no pattern.
    #[error("{key}: the rule has no pattern")]
    NoPattern {
        /// The name of the rule.
        key: String,
    },
    /// The text looks like JSON, and is not what is expected.
    #[error("not a JSON list of rules: {0}")]
    Json(String),
}

/// Compiles an expression of a rule within bounds of memory.
///
/// The syntax is that of RE2 but for `\Q…\E`, and `\d`, `\w` and `\s` know other alphabets than ASCII too.
pub(crate) fn compile(key: &str, pattern: &str) -> Result<Regex, RuleError> {
    let compiled = RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES)
        .dfa_size_limit(CACHE_BYTES)
        .build();
    compiled.map_err(|error| RuleError::Pattern {
        key: cut(key),
        pattern: cut(pattern),
        reason: reason(&error),
    })
}

/// One line of what the library says in several.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// A text that is short enough to be shown.
pub(crate) fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN_BYTES);
    match text.get(..end) {
        Some(start) if end < text.len() => format!("{start}…"),
        _ => text.to_owned(),
    }
}

/// What separates items in a text that is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separators {
    /// Blanks and commas.
    BlanksAndCommas,
    /// Blanks alone, for a comma may be part of a regular expression.
    Blanks,
}

/// The items of a text: those of a JSON list of strings, if it begins with a bracket, else its words.
pub(crate) fn items(text: &str, separators: Separators) -> Result<Vec<String>, RuleError> {
    let text = text.trim();
    if text.starts_with('[') {
        return serde_json::from_str(text).map_err(|error| RuleError::Json(error.to_string()));
    }
    let separates = |char: char| {
        char.is_whitespace() || (char == ',' && separators == Separators::BlanksAndCommas)
    };
    Ok(text
        .split(separates)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_a_json_list_or_words() {
        let all = |text| items(text, Separators::BlanksAndCommas);
        assert_eq!(all("a:b,c  d\te").unwrap(), ["a:b", "c", "d", "e"]);
        assert_eq!(all(r#" ["a:b c", "d"] "#).unwrap(), ["a:b c", "d"]);
        assert_eq!(all(" , ").unwrap(), Vec::<String>::new());
        assert_eq!(
            items("a:b,c d", Separators::Blanks).unwrap(),
            ["a:b,c", "d"]
        );
    }

    #[test]
    fn a_broken_list_is_an_error_rather_than_words() {
        for text in ["[\"a\"", "[1]", "[a:b]", "[\"a\"] b"] {
            let error = items(text, Separators::BlanksAndCommas).unwrap_err();
            assert!(matches!(error, RuleError::Json(_)), "{text}");
            assert!(error.to_string().contains("line 1 column"), "{error}");
        }
    }

    #[test]
    fn an_error_names_key_and_pattern() {
        let error = compile("http.url", "a(").unwrap_err();
        assert_eq!(error.to_string(), "http.url: pattern `a(`: unclosed group");
        let error = compile("k", "(?=a)").unwrap_err();
        assert!(error.to_string().contains("look-around"), "{error}");
    }

    #[test]
    fn expressions_are_bounded() {
        let error = compile("k", r"(\w{1000}){1000}").unwrap_err();
        assert!(error.to_string().contains("size limit"), "{error}");
        let long = "(".repeat(1_000);
        assert!(compile("k", &long).unwrap_err().to_string().len() < 500);
    }
}
