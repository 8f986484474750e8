//! Replaces parts of tags and resources on the word of the operator.
//!
//! Rules run in their order, each over all spans, so that a later one sees what an earlier one wrote. A text that no
//! rule matches stays borrowed.

use std::borrow::Cow;

use regex::Regex;
use serde::Deserialize;

use crate::rule::{self, RuleError};
use crate::span::{Scalar, Span, Text, Value};

/// The name of a rule for all tags and the resource.
const ALL: &str = "*";
/// The name of a rule for the resource.
const RESOURCE: &str = "resource.name";
/// What keys begin with that no rule for all tags touches.
const HIDDEN: char = '_';

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rule {
    /// The key of a tag, `resource.name` for the resource, or `*` for both and all tags whose key does not begin with an
    /// underscore.
    #[serde(default)]
    pub name: String,
    /// The regular expression of what to replace, wherever it is found.
    #[serde(default)]
    pub pattern: String,
    /// What to write instead; `$1`, `${1}` and `${name}` stand for groups of the expression.
    ///
    /// A name reaches as far as letters, digits and underscores do: it is `${1}a` rather than `$1a`.
    #[serde(default)]
    pub repl: String,
}

/// Reads a JSON list of rules; an empty text holds none.
///
/// # Errors
///
/// If the text is no list of objects with texts under `name`, `pattern` and `repl`.
pub fn parse_rules(text: &str) -> Result<Vec<Rule>, RuleError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| RuleError::Json(error.to_string()))
}

/// The rules that take stack traces out of spans.
pub fn stack_trace_rules() -> [Rule; 2] {
    ["error.stack", "exception.stacktrace"].map(|name| Rule {
        name: name.to_owned(),
        pattern: "(?s).*".to_owned(),
        repl: "?".to_owned(),
    })
}

/// Rules that are ready to be applied.
#[derive(Debug, Default)]
pub struct Replacer {
    rules: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    target: Target,
    pattern: Regex,
    repl: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Target {
    All,
    Resource,
    Key(String),
}

impl Replacer {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// If a rule has no name or no pattern, or its pattern cannot be compiled: secrets would be sent.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Result<Self, RuleError> {
        let rules: Result<_, _> = rules.into_iter().map(Compiled::new).collect();
        Ok(Self { rules: rules? })
    }

    /// Whether there is any rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Applies the rules to spans of one chunk.
    pub fn spans(&self, spans: &mut [Span<'_>]) {
        for rule in &self.rules {
            for span in &mut *spans {
                rule.apply(span);
            }
        }
    }

    /// Applies the rules to a group of stats: its resource, and its status code if that stays a number.
    pub fn stats_group(&self, resource: &mut Text<'_>, status_code: &mut u32) {
        for rule in &self.rules {
            if matches!(rule.target, Target::All | Target::Resource) {
                rule.replace(resource);
            }
            let is_status = match &rule.target {
                Target::All => true,
                Target::Resource => false,
                Target::Key(key) => key == "http.status_code",
            };
            if is_status
                && let Some(code) = rule.replaced(&status_code.to_string())
                && let Ok(code) = code.parse()
            {
                *status_code = code;
            }
        }
    }
}

impl Compiled {
    fn new(rule: Rule) -> Result<Self, RuleError> {
        if rule.name.is_empty() {
            return Err(RuleError::NoKey {
                rule: rule::cut(&rule.pattern),
            });
        }
        if rule.pattern.is_empty() {
            return Err(RuleError::NoPattern {
                key: rule::cut(&rule.name),
            });
        }
        Ok(Self {
            pattern: rule::compile(&rule.name, &rule.pattern)?,
            repl: rule.repl,
            target: match rule.name.as_str() {
                ALL => Target::All,
                RESOURCE => Target::Resource,
                _ => Target::Key(rule.name),
            },
        })
    }

    /// Whether the rule is for the value of a key.
    fn covers(&self, key: &str) -> bool {
        match &self.target {
            Target::All => !key.starts_with(HIDDEN),
            Target::Resource => false,
            Target::Key(own) => own == key,
        }
    }

    fn apply(&self, span: &mut Span<'_>) {
        if matches!(self.target, Target::All | Target::Resource) {
            self.replace(&mut span.resource);
        }
        if self.target == Target::Resource {
            return;
        }
        for (key, value) in span.meta.iter_mut() {
            if self.covers(key) {
                self.replace(value);
            }
        }
        self.replace_metrics(span);
        for event in &mut span.events {
            for (key, value) in event.attributes.iter_mut() {
                if self.covers(key) {
                    self.replace_value(value);
                }
            }
        }
    }

    /// Numbers that are none any more become texts.
    fn replace_metrics(&self, span: &mut Span<'_>) {
        let meta = &mut span.meta;
        span.metrics.retain(|key, number| {
            if !self.covers(key) {
                return true;
            }
            let Some(text) = self.replaced(&number.to_string()) else {
                return true;
            };
            if let Ok(replaced) = text.parse() {
                *number = replaced;
                return true;
            }
            meta.insert(key.to_owned(), Text::Owned(text));
            false
        });
    }

    fn replace_value(&self, value: &mut Value<'_>) {
        let scalars = match value {
            Value::Scalar(scalar) => std::slice::from_mut(scalar),
            Value::Array(scalars) => scalars.as_mut_slice(),
        };
        for scalar in scalars {
            let text = match scalar {
                Scalar::String(text) => {
                    self.replace(text);
                    continue;
                }
                Scalar::Bool(value) => value.to_string(),
                Scalar::Int(number) => number.to_string(),
                Scalar::Double(number) => number.to_string(),
            };
            if let Some(replaced) = self.replaced(&text) {
                *scalar = typed(replaced);
            }
        }
    }

    fn replace(&self, text: &mut Text<'_>) {
        if let Some(replaced) = self.replaced(text) {
            *text = Text::Owned(replaced);
        }
    }

    /// What a text becomes; nothing, if the rule does not match it.
    fn replaced(&self, text: &str) -> Option<String> {
        match self.pattern.replace_all(text, self.repl.as_str()) {
            Cow::Owned(replaced) => Some(replaced),
            Cow::Borrowed(_) => None,
        }
    }
}

/// A text as the type it reads as: a whole number, another number, a truth value or itself.
fn typed<'a>(text: String) -> Scalar<'a> {
    if let Ok(number) = text.parse() {
        return Scalar::Int(number);
    }
    if let Ok(number) = text.parse() {
        return Scalar::Double(number);
    }
    match text.as_str() {
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        _ => Scalar::String(Text::Owned(text)),
    }
}

#[cfg(test)]
mod tests;
