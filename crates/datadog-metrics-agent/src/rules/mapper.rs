//! The mapper: profiles of patterns that make a name and tags of a name with too many parts.
//!
//! The profiles are looked at in order, and of the first whose prefix fits, the mappings in order; the first that
//! matches decides, and a name that none matches stays as it is. The result for a message is remembered with its
//! context, so that patterns cost nothing for what is known.

use regex::{Captures, Regex};

use super::tags::TagList;

/// The longest pattern that is compiled.
const MAX_PATTERN_BYTES: usize = 4_096;

/// Mappings for the names that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// How names begin that it is for; `*` is any name.
    pub prefix: String,
    /// Tried in order.
    pub mappings: Vec<Mapping>,
}

/// A pattern, and what a name that matches it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The pattern.
    pub pattern: Pattern,
    /// The new name, in which `$1` is the first part that the pattern caught.
    pub name: String,
    /// Names and values of tags, in which `$1` is that as well.
    pub tags: Vec<(String, String)>,
}

/// A pattern of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// With `*` for a part between dots.
    Wildcard(String),
    /// A regular expression for the whole name.
    Regex(String),
}

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mapping `{pattern}` of the profile `{profile}` cannot be used: {problem}")]
pub struct MapperError {
    /// Of which profile.
    pub profile: String,
    /// Which one.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The profiles, ready to be used.
#[derive(Debug, Default)]
pub struct Mapper {
    profiles: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    prefix: String,
    mappings: Vec<(Regex, Mapping)>,
}

impl Mapper {
    /// Compiles all patterns.
    ///
    /// # Errors
    /// The first pattern that cannot be used.
    pub fn compile(profiles: &[Profile]) -> Result<Self, MapperError> {
        let profiles = profiles.iter().map(|profile| {
            let mappings = profile.mappings.iter().map(|mapping| {
                let regex = mapping.pattern.compile().map_err(|problem| MapperError {
                    profile: profile.name.clone(),
                    pattern: mapping.pattern.as_str().to_owned(),
                    problem,
                })?;
                Ok((regex, mapping.clone()))
            });
            Ok(Compiled {
                prefix: profile.prefix.clone(),
                mappings: mappings.collect::<Result<_, _>>()?,
            })
        });
        Ok(Self {
            profiles: profiles.collect::<Result<_, _>>()?,
        })
    }

    /// Appends what a name becomes, and the tags that it gains.
    pub(super) fn map(&self, name: &str, out: &mut String, tags: &mut TagList) {
        let fits = |profile: &&Compiled| profile.prefix == "*" || name.starts_with(&profile.prefix);
        let mut mappings = self
            .profiles
            .iter()
            .filter(fits)
            .flat_map(|it| &it.mappings);
        let matched = mappings.find_map(|(regex, mapping)| Some((regex.captures(name)?, mapping)));
        let Some((captures, mapping)) = matched else {
            out.push_str(name);
            return;
        };
        expand(&captures, &mapping.name, out);
        let mut value = String::new();
        for (name, template) in &mapping.tags {
            value.clear();
            value.push_str(name);
            value.push(':');
            expand(&captures, template, &mut value);
            tags.push(&value);
        }
    }
}

/// Appends a template with what was caught in place of `$1`, `$2` and so on; `$` and a name stand for a group of it.
fn expand(captures: &Captures<'_>, template: &str, out: &mut String) {
    captures.expand(&braced(template), out);
}

/// The template with braces around its numbers, so that `$1_x` is the first part and `_x`.
fn braced(template: &str) -> String {
    let mut out = String::with_capacity(template.len() + 4);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = after.split_at_checked(digits).unwrap_or_default();
        match number {
            "" => out.push('$'),
            number => {
                out.push_str("${");
                out.push_str(number);
                out.push('}');
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

impl Pattern {
    fn as_str(&self) -> &str {
        match self {
            Self::Wildcard(pattern) | Self::Regex(pattern) => pattern,
        }
    }

    fn compile(&self) -> Result<Regex, String> {
        if self.as_str().len() > MAX_PATTERN_BYTES {
            return Err(format!("it is longer than {MAX_PATTERN_BYTES} bytes"));
        }
        let regex = match self {
            Self::Wildcard(pattern) => wildcard(pattern)?,
            Self::Regex(pattern) => format!("^(?:{pattern})$"),
        };
        Regex::new(&regex).map_err(|error| error.to_string())
    }
}

/// The regular expression of a pattern with wildcards, each of which catches what has no dot.
fn wildcard(pattern: &str) -> Result<String, String> {
    if pattern.contains("**") {
        return Err("two wildcards stand side by side".to_owned());
    }
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'*');
    if pattern.is_empty() || !pattern.bytes().all(is_part) {
        return Err("it may have letters, digits, `_`, `-`, `.` and `*`".to_owned());
    }
    let parts: Vec<_> = pattern.split('*').map(regex::escape).collect();
    Ok(format!("^{}$", parts.join("([^.]*)")))
}
