//! Decides which traces are dropped on the word of the operator: by the resource of their root, or by its tags.
//!
//! Changes nothing, and looks at the root only.

use std::fmt;

use regex::Regex;

use crate::rule::{self, RuleError, Separators, cut};
use crate::span::Span;

/// Which traces to drop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Regular expressions of resources to drop, searched for anywhere in them; default none.
    pub ignore_resources: Vec<String>,
    /// All of these tags must be there; default none.
    pub require: Vec<TagRule>,
    /// None of these tags may be there; default none.
    pub reject: Vec<TagRule>,
    /// All of these keys must have such a value; values are regular expressions; default none.
    pub require_regex: Vec<TagRule>,
    /// None of these keys may have such a value; values are regular expressions; default none.
    pub reject_regex: Vec<TagRule>,
}

/// A tag that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRule {
    /// The key of a tag, or `name`, `service`, `resource` or `type` for that field of a span without such a tag.
    pub key: String,
    /// The value or its regular expression; none, if the key need only be there.
    pub value: Option<String>,
}

impl TagRule {
    /// Reads `key:value` or `key`; the value may hold colons, and an empty one is none.
    ///
    /// # Errors
    ///
    /// If the key is empty.
    pub fn parse(rule: &str) -> Result<Self, RuleError> {
        let (key, value) = rule.split_once(':').unwrap_or((rule, ""));
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(RuleError::NoKey { rule: cut(rule) });
        }
        Ok(Self {
            key: key.to_owned(),
            value: (!value.is_empty()).then(|| value.to_owned()),
        })
    }
}

/// Reads rules of exact values: a JSON list of them, else words between blanks and commas.
///
/// # Errors
///
/// If a rule has no key, or a text that begins with a bracket is no JSON list of strings.
pub fn parse_tags(text: &str) -> Result<Vec<TagRule>, RuleError> {
    parse(text, Separators::BlanksAndCommas)
}

/// Reads rules of regular expressions: a JSON list of them, else words between blanks.
///
/// # Errors
///
/// If a rule has no key, or a text that begins with a bracket is no JSON list of strings.
pub fn parse_tag_patterns(text: &str) -> Result<Vec<TagRule>, RuleError> {
    parse(text, Separators::Blanks)
}

fn parse(text: &str, separators: Separators) -> Result<Vec<TagRule>, RuleError> {
    let items = rule::items(text, separators)?;
    items.iter().map(|item| TagRule::parse(item)).collect()
}

/// Reads patterns of resources: fields with commas between them; those in double quotes may hold commas, and a doubled
/// quote is one.
pub fn parse_resources(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.trim_start();
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted),
            None => {
                let (field, after) = rest.split_once(',').unwrap_or((rest, ""));
                (field.trim_end().to_owned(), after)
            }
        };
        if !field.is_empty() {
            fields.push(field);
        }
        rest = after;
    }
    fields
}

/// The field whose opening quote was taken, and what follows its comma. A quote alone within it stays.
fn quoted_field(text: &str) -> (String, &str) {
    let mut field = String::new();
    let mut rest = text;
    while let Some((part, after)) = rest.split_once('"') {
        field.push_str(part);
        if let Some(after) = after.strip_prefix('"') {
            field.push('"');
            rest = after;
            continue;
        }
        let next = after.trim_start();
        if next.is_empty() {
            return (field, "");
        }
        if let Some(next) = next.strip_prefix(',') {
            return (field, next);
        }
        field.push('"');
        rest = after;
    }
    field.push_str(rest);
    (field, "")
}

/// Why a trace is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The root's resource is to be ignored.
    Resource,
    /// The root has a tag that no trace may have.
    RejectedTag,
    /// The root lacks a tag that every trace must have.
    MissingTag,
}

/// A rule that is left out, and why; worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The pattern of a resource is no regular expression.
    Resource(RuleError),
    /// There is a rule with an exact value for the same key, which makes the expression void.
    Shadowed {
        /// The key of both rules.
        key: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(error) => write!(f, "left out: {error}"),
            Self::Shadowed { key } => {
                write!(f, "left out: {key} has a rule with an exact value too")
            }
        }
    }
}

/// The rules, ready to be asked.
#[derive(Debug, Default)]
pub struct Filter {
    ignore_resources: Vec<Regex>,
    require: Vec<TagRule>,
    reject: Vec<TagRule>,
    require_regex: Vec<Matcher>,
    reject_regex: Vec<Matcher>,
}

#[derive(Debug)]
struct Matcher {
    key: String,
    value: Option<Regex>,
}

impl Filter {
    /// Compiles the rules. What is left out is told, for the rest is of use.
    ///
    /// # Errors
    ///
    /// If the expression of a tag cannot be compiled: a trace that should go would stay, or all would go.
    pub fn new(config: Config) -> Result<(Self, Vec<Warning>), RuleError> {
        let mut warnings = Vec::new();
        let mut ignore_resources = Vec::new();
        for pattern in &config.ignore_resources {
            match rule::compile("ignore_resources", pattern) {
                Ok(regex) => ignore_resources.push(regex),
                Err(error) => warnings.push(Warning::Resource(error)),
            }
        }
        let filter = Self {
            ignore_resources,
            require_regex: matchers(config.require_regex, &config.require, &mut warnings)?,
            reject_regex: matchers(config.reject_regex, &config.reject, &mut warnings)?,
            require: config.require,
            reject: config.reject,
        };
        Ok((filter, warnings))
    }

    /// Whether to drop the trace with this root, and why.
    pub fn drops(&self, root: &Span<'_>) -> Option<Reason> {
        if self.ignores(&root.resource) {
            return Some(Reason::Resource);
        }
        let rejected = self.reject.iter().any(|rule| rule.matches(root))
            || self.reject_regex.iter().any(|rule| rule.matches(root));
        if rejected {
            return Some(Reason::RejectedTag);
        }
        let complete = self.require.iter().all(|rule| rule.matches(root))
            && self.require_regex.iter().all(|rule| rule.matches(root));
        (!complete).then_some(Reason::MissingTag)
    }

    /// Whether a resource is to be ignored; groups of stats with it are dropped too.
    pub fn ignores(&self, resource: &str) -> bool {
        self.ignore_resources
            .iter()
            .any(|regex| regex.is_match(resource))
    }
}

fn matchers(
    rules: Vec<TagRule>,
    exact: &[TagRule],
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Matcher>, RuleError> {
    let mut matchers = Vec::with_capacity(rules.len());
    for rule in rules {
        let value = match &rule.value {
            Some(pattern) => Some(rule::compile(&rule.key, pattern)?),
            None => None,
        };
        if exact.iter().any(|exact| exact.key == rule.key) {
            warnings.push(Warning::Shadowed { key: rule.key });
        } else {
            matchers.push(Matcher {
                key: rule.key,
                value,
            });
        }
    }
    Ok(matchers)
}

impl TagRule {
    fn matches(&self, root: &Span<'_>) -> bool {
        value_of(root, &self.key)
            .is_some_and(|found| self.value.as_deref().is_none_or(|value| value == found))
    }
}

impl Matcher {
    fn matches(&self, root: &Span<'_>) -> bool {
        value_of(root, &self.key).is_some_and(|found| {
            self.value
                .as_ref()
                .is_none_or(|value| value.is_match(found))
        })
    }
}

/// The tag of a span, or else its field of that name, unless it is empty.
fn value_of<'s>(span: &'s Span<'_>, key: &str) -> Option<&'s str> {
    let field = || {
        let field = match key {
            "name" => &span.name,
            "service" => &span.service,
            "resource" => &span.resource,
            "type" => &span.kind,
            _ => return None,
        };
        (!field.is_empty()).then_some(field.as_ref())
    };
    span.tag(key).or_else(field)
}

#[cfg(test)]
mod tests;
