//! Collects what was set, from wherever, before it is read.

use std::path::{Path, PathBuf};

use super::load::{self, Report};
use super::{Config, Environment};
use crate::issue::{ConfigError, ConfigIssue, NOT_STARTED, Severity, Source};
use crate::operational_mode::OperationalMode;
use crate::profile::Profile;
use crate::source::Sources;
use crate::source::yaml::{self, ReadError};
use crate::table;

/// Which YAML document is read.
#[derive(Debug, Clone, Default)]
enum Document {
    #[default]
    None,
    /// This very file; it must be there.
    File(PathBuf),
    /// `datadog.yaml` in this folder, if it is there.
    In(PathBuf),
}

/// Builds a [`Config`] from defaults, a YAML document, the environment and options, in ascending precedence.
#[derive(Default)]
pub struct Builder {
    profile: Profile,
    fips_build: bool,
    document: Document,
    sources: Sources,
    issues: Vec<ConfigIssue>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("profile", &self.profile)
            .field("document", &self.document)
            .field("options", &self.sources.options.keys())
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Reads the environment of the process, once, now.
    #[must_use]
    pub fn with_env(mut self) -> Self {
        self.sources.environment = Environment::of_process();
        self
    }

    /// Reads a made-up environment in place of that of the process.
    #[must_use]
    pub fn with_env_iter<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.sources.environment = Environment::of_pairs(variables);
        self
    }

    /// Sets variables above those that were read before, as if the environment had them. A blank value unsets.
    #[must_use]
    pub fn with_more_env<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.sources.environment = self.sources.environment.with(variables);
        self
    }

    #[cfg(test)]
    pub(crate) fn with_broken_env(mut self, name: &str) -> Self {
        self.sources.environment = self.sources.environment.with_broken(name);
        self
    }

    /// Reads this YAML file. That it is missing or malformed is fatal, since it was asked for by name.
    #[must_use]
    pub fn with_yaml(mut self, file: impl Into<PathBuf>) -> Self {
        self.document = Document::File(file.into());
        self
    }

    /// Reads `datadog.yaml` in this folder if it is there. That it is malformed is a warning, since nobody asked for it
    /// by name.
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.document = Document::In(folder.into());
        self
    }

    /// Says where the agent runs, which decides some defaults. The default is [`Profile::Embedded`].
    #[must_use]
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Says that this is a build with FIPS cryptography.
    #[must_use]
    pub const fn fips_build(mut self) -> Self {
        self.fips_build = true;
        self
    }

    /// Sets a key of the table by its name, in the grammar of that key, above environment and file. Blank text leaves
    /// it unset; a name that is not in the table is a fatal issue.
    #[must_use]
    pub fn option(mut self, name: &str, text: impl Into<String>) -> Self {
        match table::find(name) {
            Some(key) => {
                self.sources.options.insert(key.name, text.into());
            }
            None => self.issues.push(ConfigIssue {
                source: Source::Option,
                key: "option",
                value: name.escape_default().to_string(),
                problem: "is not a key".to_owned(),
                used: NOT_STARTED.to_owned(),
                severity: Severity::Fatal,
            }),
        }
        self
    }

    /// Sets the API key.
    #[must_use]
    pub fn api_key(self, key: impl Into<String>) -> Self {
        self.option("api_key", key)
    }

    /// Sets the site.
    #[must_use]
    pub fn site(self, site: impl Into<String>) -> Self {
        self.option("site", site)
    }

    /// Sets the unified tag `service`.
    #[must_use]
    pub fn service(self, service: impl Into<String>) -> Self {
        self.option("service", service)
    }

    /// Sets the unified tag `env`.
    #[must_use]
    pub fn env(self, env: impl Into<String>) -> Self {
        self.option("env", env)
    }

    /// Sets the unified tag `version`.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        self.option("version", version)
    }

    /// Sets the mode of the listeners.
    #[must_use]
    pub fn operational_mode(self, mode: OperationalMode) -> Self {
        self.option("operational_mode", mode.as_str())
    }

    /// Reads everything.
    ///
    /// # Errors
    /// All fatal issues, when there is one; each names its variable.
    pub fn build(self) -> Result<Config, ConfigError> {
        let config = self.build_with_issues();
        match config.validate() {
            Ok(()) => Ok(config),
            Err(issues) => Err(ConfigError { issues }),
        }
    }

    /// Reads everything as far as it can be understood; what cannot is in [`Config::issues`].
    #[must_use]
    pub fn build_with_issues(mut self) -> Config {
        self.read_document();
        let mut config = Config::blank();
        config.profile = self.profile;
        config.fips_build = self.fips_build;
        config.platform_inputs = self.sources.environment.platform_inputs();
        let report = Report::with_issues(self.issues);
        load::read(&mut config, &self.sources, report);
        config
    }

    fn read_document(&mut self) {
        let (path, severity) = match &self.document {
            Document::None => return,
            Document::File(path) => (path.clone(), Severity::Fatal),
            Document::In(folder) => (folder.join("datadog.yaml"), Severity::Warning),
        };
        let problem = match yaml::read(&path) {
            Ok(document) => {
                let stray = document.stray_paths();
                self.note_unknown_keys(&stray.unknown);
                self.note_sections(&path, &stray.no_maps);
                self.sources.document = Some(document);
                return;
            }
            Err(ReadError::Missing) if severity == Severity::Warning => return,
            Err(ReadError::Missing) => "there is no such file".to_owned(),
            Err(ReadError::Unreadable(problem)) => problem,
        };
        self.issues.push(document_issue(&path, problem, severity));
    }

    /// Rules or a proxy may have been meant there: going on without them could leak.
    fn note_sections(&mut self, path: &Path, sections: &[String]) {
        for section in sections {
            let problem = format!("{} must be a map of keys", section.escape_default());
            self.issues
                .push(document_issue(path, problem, Severity::Fatal));
        }
    }

    fn note_unknown_keys(&mut self, paths: &[String]) {
        if paths.is_empty() {
            return;
        }
        let listed: Vec<String> = paths
            .iter()
            .take(20)
            .map(|path| path.escape_default().to_string())
            .collect();
        let more = match paths.len().saturating_sub(listed.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.issues.push(ConfigIssue {
            source: Source::Yaml("datadog.yaml".to_owned()),
            key: "datadog.yaml",
            value: String::new(),
            problem: format!("unknown keys: {}{more}", listed.join(", ")),
            used: "ignored".to_owned(),
            severity: Severity::Warning,
        });
    }
}

fn document_issue(path: &Path, problem: String, severity: Severity) -> ConfigIssue {
    ConfigIssue {
        source: Source::Yaml(path.display().to_string()),
        key: "datadog.yaml",
        value: String::new(),
        problem,
        used: match severity {
            Severity::Fatal => NOT_STARTED.to_owned(),
            Severity::Info | Severity::Warning => "file ignored".to_owned(),
        },
        severity,
    }
}
