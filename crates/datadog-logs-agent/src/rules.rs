//! Processing rules: which entries are dropped, and what is masked in the rest.
//!
//! Rules see the message only, as text, and run strictly in their order: an exclusion behind a mask sees masked text.
//! A rule that cannot be applied is an error, never skipped: a mask that is silently missing leaks what it hides.

mod dialect;
mod json;

use std::borrow::Cow;
use std::sync::Arc;

use regex::{NoExpand, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// Rules at most.
const MAX_RULES: usize = 128;
/// Bytes of a pattern at most.
const MAX_PATTERN_BYTES: usize = 4_096;
/// Bytes that all patterns together take once compiled, at most.
const MAX_COMPILED_BYTES: usize = 10 * 1_024 * 1_024;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// Drops messages that match.
    ExcludeAtMatch,
    /// Drops messages that do not match.
    IncludeAtMatch,
    /// Replaces every match.
    MaskSequences,
    /// Joins lines; per source only.
    MultiLine,
    /// Drops messages that were cut.
    ExcludeTruncated,
}

impl RuleKind {
    /// The kind that a configuration calls by this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "exclude_at_match" => Some(Self::ExcludeAtMatch),
            "include_at_match" => Some(Self::IncludeAtMatch),
            "mask_sequences" => Some(Self::MaskSequences),
            "multi_line" => Some(Self::MultiLine),
            "exclude_truncated" => Some(Self::ExcludeTruncated),
            _ => None,
        }
    }
}

/// A rule as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleConfig {
    /// What it does.
    pub kind: RuleKind,
    /// Its name in counters and errors.
    pub name: String,
    /// The pattern, in RE2 syntax; empty for [`RuleKind::ExcludeTruncated`].
    ///
    /// `\d`, `\w`, `\s` and `\b` know ASCII only; everything else means Unicode characters.
    pub pattern: String,
    /// What stands in place of a match; `$1` and `${name}` are its groups, `$$` is a dollar.
    pub replace_placeholder: String,
}

/// A rule that cannot be applied; the pipeline must not start without it.
#[derive(Debug, thiserror::Error)]
#[error("processing rule {name}: {problem}")]
pub struct RuleError {
    /// The rule's name.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

/// Compiled rules, in order. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Arc<[Rule]>,
    /// All the exclusions at the head of the list at once, where there are several: most messages match none.
    head: Option<Head>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Exclude(Regex),
    Include(Regex),
    Mask(Regex, Placeholder),
    ExcludeTruncated,
}

#[derive(Debug)]
enum Placeholder {
    /// Stands as it is.
    Literal(String),
    /// Has groups to be filled in.
    Template(String),
}

#[derive(Debug, Clone)]
struct Head {
    set: RegexSet,
    rules: usize,
}

/// What the rules make of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It stays as it is.
    Unchanged,
    /// It stays as this.
    Changed(String),
    /// The rule of this number drops it.
    Excluded(usize),
}

impl Rules {
    /// Compiles the rules.
    ///
    /// # Errors
    /// Names the first rule that cannot be applied.
    pub fn compile(rules: &[RuleConfig]) -> Result<Self, RuleError> {
        if let Some(beyond) = rules.get(MAX_RULES) {
            return Err(error(
                beyond,
                format!("there are more than {MAX_RULES} rules"),
            ));
        }
        let mut patterns = Vec::new();
        let mut compiled = Vec::new();
        for rule in rules {
            compiled.push(Rule {
                name: rule.name.clone(),
                action: action(rule, &mut patterns).map_err(|problem| error(rule, problem))?,
            });
        }
        let head = leading_excludes(&compiled);
        check_sum(rules, &patterns)?;
        Ok(Self {
            head: Head::from_patterns(patterns.get(..head).unwrap_or_default()),
            rules: compiled.into(),
        })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// The name of the rule of this number.
    pub(crate) fn name(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |rule| &rule.name)
    }

    /// The first rule that drops what was cut.
    pub(crate) fn excluding_truncated(&self) -> Option<usize> {
        let mut rules = self.rules.iter();
        rules.position(|rule| matches!(rule.action, Action::ExcludeTruncated))
    }

    /// Applies the rules to a text. Whether it was cut is not asked: it is not cut yet.
    pub(crate) fn apply(&self, text: &str) -> Verdict {
        let mask =
            |regex: &Regex, placeholder: &Placeholder, text: &str| placeholder.mask(regex, text);
        match self.walk(text, mask) {
            Ok(Cow::Borrowed(_)) => Verdict::Unchanged,
            Ok(Cow::Owned(text)) => Verdict::Changed(text),
            Err(rule) => Verdict::Excluded(rule),
        }
    }

    /// Applies the rules to an object or array: masks to every text in it, the others to its compact JSON.
    pub(crate) fn apply_to_json(&self, json: &str) -> Verdict {
        let compact = json::map_texts(json, |_| None).0;
        let mask = |regex: &Regex, placeholder: &Placeholder, json: &str| {
            let (masked, changed) = json::map_texts(json, |text| placeholder.mask(regex, text));
            changed.then_some(masked)
        };
        match self.walk(&compact, mask) {
            Ok(Cow::Borrowed(_)) => Verdict::Unchanged,
            Ok(Cow::Owned(json)) => Verdict::Changed(json),
            Err(rule) => Verdict::Excluded(rule),
        }
    }

    /// Goes through the rules in order: what is left of the text, or the rule that drops it.
    fn walk<'a>(
        &self,
        text: &'a str,
        mask: impl Fn(&Regex, &Placeholder, &str) -> Option<String>,
    ) -> Result<Cow<'a, str>, usize> {
        let mut text = Cow::Borrowed(text);
        let skipped = self.head.as_ref().filter(|head| !head.set.is_match(&text));
        let first = skipped.map_or(0, |head| head.rules);
        for (index, rule) in self.rules.iter().enumerate().skip(first) {
            let is_kept = match &rule.action {
                Action::Exclude(regex) => !regex.is_match(&text),
                Action::Include(regex) => regex.is_match(&text),
                Action::ExcludeTruncated => true,
                Action::Mask(regex, placeholder) => {
                    if let Some(masked) = mask(regex, placeholder, &text) {
                        text = Cow::Owned(masked);
                    }
                    true
                }
            };
            if !is_kept {
                return Err(index);
            }
        }
        Ok(text)
    }
}

impl Placeholder {
    fn from_text(text: &str) -> Self {
        if text.contains('$') {
            Self::Template(text.to_owned())
        } else {
            Self::Literal(text.to_owned())
        }
    }

    /// The text with every match replaced; `None` without a match.
    fn mask(&self, regex: &Regex, text: &str) -> Option<String> {
        let masked = match self {
            Self::Literal(literal) => regex.replace_all(text, NoExpand(literal)),
            Self::Template(template) => regex.replace_all(text, template),
        };
        match masked {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        }
    }
}

impl Head {
    /// `None` where a set saves nothing.
    fn from_patterns(patterns: &[String]) -> Option<Self> {
        if patterns.len() < 2 {
            return None;
        }
        // It is part of the whole, which was found to be within the bound.
        let set = RegexSetBuilder::new(patterns)
            .size_limit(MAX_COMPILED_BYTES)
            .build();
        Some(Self {
            set: set.ok()?,
            rules: patterns.len(),
        })
    }
}

fn error(rule: &RuleConfig, problem: String) -> RuleError {
    RuleError {
        name: rule.name.clone(),
        problem,
    }
}

/// Compiles one rule, and adds its pattern as the engine reads it.
fn action(rule: &RuleConfig, patterns: &mut Vec<String>) -> Result<Action, String> {
    if rule.name.is_empty() {
        return Err("a rule needs a name".to_owned());
    }
    match rule.kind {
        RuleKind::ExcludeAtMatch => Ok(Action::Exclude(regex(rule, patterns)?)),
        RuleKind::IncludeAtMatch => Ok(Action::Include(regex(rule, patterns)?)),
        RuleKind::MaskSequences => {
            let placeholder = Placeholder::from_text(&rule.replace_placeholder);
            Ok(Action::Mask(regex(rule, patterns)?, placeholder))
        }
        RuleKind::ExcludeTruncated => Ok(Action::ExcludeTruncated),
        RuleKind::MultiLine => {
            Err("multi_line belongs to one source, it cannot be applied to all".to_owned())
        }
    }
}

fn regex(rule: &RuleConfig, patterns: &mut Vec<String>) -> Result<Regex, String> {
    if rule.pattern.is_empty() {
        return Err("a pattern is needed".to_owned());
    }
    if rule.pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!(
            "the pattern is longer than {MAX_PATTERN_BYTES} bytes"
        ));
    }
    let pattern = dialect::translate(&rule.pattern)?;
    let regex = RegexBuilder::new(&pattern)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large once compiled".to_owned(),
            error => error.to_string(),
        })?;
    patterns.push(pattern);
    Ok(regex)
}

/// How many exclusions stand at the head of the list.
fn leading_excludes(rules: &[Rule]) -> usize {
    let is_exclude = |rule: &&Rule| matches!(rule.action, Action::Exclude(_));
    rules.iter().take_while(is_exclude).count()
}

/// Refuses patterns that are too large together; names the rule that goes over the bound.
fn check_sum(rules: &[RuleConfig], patterns: &[String]) -> Result<(), RuleError> {
    let fits = |patterns: &[String]| {
        let set = RegexSetBuilder::new(patterns)
            .size_limit(MAX_COMPILED_BYTES)
            .build();
        set.is_ok()
    };
    if fits(patterns) {
        return Ok(());
    }
    let counts: Vec<usize> = (1..=patterns.len()).collect();
    let most = counts.partition_point(|&count| fits(&patterns[..count]));
    let with_pattern = |rule: &&RuleConfig| rule.kind != RuleKind::ExcludeTruncated;
    let over = rules.iter().filter(with_pattern).nth(most);
    Err(RuleError {
        name: over.map(|rule| rule.name.clone()).unwrap_or_default(),
        problem: format!(
            "the rules up to this one take more than {MAX_COMPILED_BYTES} bytes once compiled"
        ),
    })
}

#[cfg(test)]
mod tests;
