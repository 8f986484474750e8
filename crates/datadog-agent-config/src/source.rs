//! Where values come from: one snapshot of the environment, one YAML document, options of the program.
//!
//! The environment is read once and never again: `getenv` races with a host that calls `setenv`.
//! For the same reason a host must not change its environment from another thread while the agent starts.

#[cfg(not(feature = "yaml"))]
pub(crate) mod no_yaml;
#[cfg(feature = "yaml")]
pub(crate) mod yaml;

#[cfg(not(feature = "yaml"))]
pub(crate) use no_yaml as yaml;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use serde_json::Value as Json;

use crate::issue::Source;
use crate::table::{self, Key, PLATFORM_INPUTS};

/// A value as it was written.
#[derive(Debug)]
pub(crate) enum Raw<'a> {
    /// Text of a variable or an option.
    Text(&'a str),
    /// A part of the YAML document.
    Node(&'a Node),
    /// A variable that is not UTF-8.
    NotUnicode,
}

/// A part of a YAML document, with scalars as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "yaml"),
    allow(dead_code, reason = "only the YAML reader makes nodes")
)]
pub(crate) enum Node {
    Scalar(Scalar),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// A scalar as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// Its text, without quotes.
    pub(crate) text: String,
    /// Whether it had none.
    pub(crate) is_plain: bool,
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) => Some(&scalar.text),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Whether nothing is set: no text, or `null` without quotes.
    fn is_unset(&self) -> bool {
        self.is_null()
            || self
                .scalar()
                .is_some_and(|text| text.trim_ascii().is_empty())
    }

    fn is_null(&self) -> bool {
        match self {
            Self::Scalar(scalar) => {
                scalar.is_plain
                    && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Self::List(_) | Self::Map(_) => false,
        }
    }

    /// The same structure as JSON, every scalar as a text.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Scalar(_) if self.is_null() => Json::Null,
            Self::Scalar(scalar) => Json::String(scalar.text.clone()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.clone(), node.to_json()))
                    .collect(),
            ),
        }
    }

    /// The part at a dotted path; a key may itself be written with dots.
    fn at(&self, path: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries.iter().find_map(|(key, child)| {
            let rest = path.strip_prefix(key.as_str())?;
            match rest {
                "" => Some(child),
                _ => child.at(rest.strip_prefix('.')?),
            }
        })
    }

    /// What in the document leads to no key.
    pub(crate) fn stray_paths(&self) -> Stray {
        let known: Vec<String> = table::keys().flat_map(Key::yaml_paths).collect();
        let mut stray = Stray::default();
        self.collect_stray("", &known, &mut stray);
        stray
    }

    fn collect_stray(&self, prefix: &str, known: &[String], stray: &mut Stray) {
        let Self::Map(entries) = self else { return };
        for (name, child) in entries {
            let path = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            if known.contains(&path) {
                continue;
            }
            let inside = format!("{path}.");
            let leads_on = known.iter().any(|key| key.starts_with(&inside));
            match child {
                Self::Map(_) if leads_on => child.collect_stray(&path, known, stray),
                _ if leads_on && child.is_unset() => {}
                _ if leads_on => stray.no_maps.push(path),
                _ => stray.unknown.push(path),
            }
        }
    }
}

/// Paths of a document that lead to no key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stray {
    /// The shortest that no key's path begins with.
    pub(crate) unknown: Vec<String>,
    /// Sections that hold something else than keys: whatever was meant to be set below them is not.
    pub(crate) no_maps: Vec<String>,
}

/// Variables that the platform sets. The debug text shows their names only.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PlatformInputs(BTreeMap<&'static str, String>);

impl PlatformInputs {
    /// The value of a variable such as `AWS_LAMBDA_FUNCTION_NAME` or `HOSTNAME`, if it is set and not blank.
    #[must_use]
    pub fn get(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(String::as_str)
    }
}

impl fmt::Debug for PlatformInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A snapshot of the environment. `None` stands for a value that is not UTF-8.
#[derive(Default, Clone)]
pub(crate) struct Environment(BTreeMap<String, Option<String>>);

impl Environment {
    /// The environment of the process, now.
    pub(crate) fn of_process() -> Self {
        #[allow(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the environment, once, as a snapshot"
        )]
        let variables = std::env::vars_os();
        Self(
            variables
                .filter_map(|(name, value): (OsString, OsString)| {
                    Some((name.into_string().ok()?, value.into_string().ok()))
                })
                .collect(),
        )
    }

    /// The same with further variables, which win over those of the same name.
    pub(crate) fn with<K: Into<String>, V: Into<String>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.0.extend(Self::of_pairs(pairs).0);
        self
    }

    /// A made-up environment.
    pub(crate) fn of_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), Some(value.into())))
                .collect(),
        )
    }

    #[cfg(test)]
    pub(crate) fn with_broken(mut self, name: &str) -> Self {
        self.0.insert(name.to_owned(), None);
        self
    }

    /// The value of a variable, unless it is unset or blank.
    fn get(&self, name: &str) -> Option<Raw<'_>> {
        match self.0.get(name)? {
            None => Some(Raw::NotUnicode),
            Some(text) if text.trim_ascii().is_empty() => None,
            Some(text) => Some(Raw::Text(text)),
        }
    }

    /// Names of the variables that are set and not blank.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|(_, value)| {
                !value
                    .as_ref()
                    .is_some_and(|text| text.trim_ascii().is_empty())
            })
            .map(|(name, _)| name.as_str())
    }

    /// The variables that the platform set.
    pub(crate) fn platform_inputs(&self) -> PlatformInputs {
        PlatformInputs(
            PLATFORM_INPUTS
                .iter()
                .filter_map(|name| match self.get(name)? {
                    Raw::Text(text) => Some((*name, text.trim_ascii().to_owned())),
                    Raw::Node(_) | Raw::NotUnicode => None,
                })
                .collect(),
        )
    }
}

/// All that was set.
#[derive(Default)]
pub(crate) struct Sources {
    /// Options of the program, by name of key.
    pub(crate) options: BTreeMap<&'static str, String>,
    /// The environment.
    pub(crate) environment: Environment,
    /// The YAML document.
    pub(crate) document: Option<Node>,
}

/// A value that was found, and whether its name is one to give up.
pub(crate) struct Found<'a> {
    pub(crate) raw: Raw<'a>,
    pub(crate) source: Source,
    pub(crate) is_deprecated: bool,
}

impl<'a> Found<'a> {
    const fn new(raw: Raw<'a>, source: Source, is_deprecated: bool) -> Self {
        Self {
            raw,
            source,
            is_deprecated,
        }
    }
}

impl Sources {
    /// The value of a key with the highest precedence.
    pub(crate) fn find(&self, key: &Key) -> Option<Found<'_>> {
        let option = self.options.get(key.name);
        if let Some(text) = option.filter(|text| !text.trim_ascii().is_empty()) {
            return Some(Found::new(Raw::Text(text), Source::Option, false));
        }
        self.in_environment(key).or_else(|| self.in_document(key))
    }

    /// `DD_*` first, then their `DATADOG_*` twins, then names of no vendor, then deprecated ones.
    fn in_environment(&self, key: &Key) -> Option<Found<'_>> {
        let is_ours = |name: &&str| name.starts_with("DD_");
        let ours = key.env.iter().copied().filter(is_ours).map(str::to_owned);
        let twins = key.env.iter().copied().filter_map(twin);
        let others = key
            .env
            .iter()
            .copied()
            .filter(|name| !is_ours(name))
            .map(str::to_owned);
        let deprecated = key.deprecated.iter().map(|name| (*name).to_owned());
        let deprecated_twins = key.deprecated.iter().copied().filter_map(twin);

        let current = ours.chain(twins).chain(others).map(|name| (name, false));
        let old = deprecated.chain(deprecated_twins).map(|name| (name, true));
        current.chain(old).find_map(|(name, is_deprecated)| {
            let raw = self.environment.get(&name)?;
            Some(Found::new(raw, Source::Env(name), is_deprecated))
        })
    }

    fn in_document(&self, key: &Key) -> Option<Found<'_>> {
        let document = self.document.as_ref()?;
        key.yaml_paths().into_iter().find_map(|path| {
            let node = document.at(&path).filter(|node| !node.is_unset())?;
            let is_deprecated = key.deprecated_yaml_paths().any(|old| old == path);
            Some(Found::new(
                Raw::Node(node),
                Source::Yaml(path),
                is_deprecated,
            ))
        })
    }

    /// Every value of a key in the environment, with its variable, by precedence.
    pub(crate) fn all_in_environment(&self, key: &Key) -> Vec<(String, String)> {
        key.env
            .iter()
            .filter_map(|name| match self.environment.get(name)? {
                Raw::Text(text) => Some(((*name).to_owned(), text.trim_ascii().to_owned())),
                Raw::Node(_) | Raw::NotUnicode => None,
            })
            .collect()
    }
}

/// The twin of lower precedence of a variable of ours.
pub(crate) fn twin(name: &str) -> Option<String> {
    name.strip_prefix("DD_")
        .map(|rest| format!("DATADOG_{rest}"))
}

#[cfg(test)]
mod tests;
