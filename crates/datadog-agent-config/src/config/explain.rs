//! The effective configuration, key by key, for people to read.

use super::{Config, ConfigIssue};
use crate::issue::Source;
use crate::table::{self, Class, Default, Pipeline};

/// One key of the effective configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The key's name.
    pub name: &'static str,
    /// Its value as text, secrets masked; empty when nothing is set.
    pub value: String,
    /// What holds when nothing is set, where that is not a value, such as `chosen at start`.
    pub otherwise: &'static str,
    /// Where the value came from.
    pub source: Source,
    /// What a malformed value does.
    pub class: Class,
    /// What uses the key.
    pub pipeline: Pipeline,
    /// What is wrong with it.
    pub issues: Vec<ConfigIssue>,
}

impl Config {
    /// Every key of the table with its value as it was read, in the order of the documentation. Fields that were set
    /// by hand do not show.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        let issues = self.issues();
        table::keys()
            .map(|key| Explained {
                name: key.name,
                value: self
                    .report
                    .value(key.name)
                    .map_or_else(String::new, |value| value.shown(key.secret)),
                otherwise: match key.default {
                    Default::Described(what) => what,
                    _ => "",
                },
                source: self.report.source(key.name).clone(),
                class: key.class,
                pipeline: key.pipeline,
                issues: issues
                    .iter()
                    .filter(|issue| issue.key == key.name)
                    .cloned()
                    .collect(),
            })
            .collect()
    }
}
