//! Walks the table: finds each key's value, reads it, puts it into its field, and takes note of what is wrong.

use std::collections::BTreeMap;
use std::fmt;

use super::Config;
use super::names::suspicion;
use crate::issue::{ConfigIssue, Masking, NOT_STARTED, Severity, Source, masked};
use crate::operational_mode::OperationalMode;
use crate::profile::Profile;
use crate::source::{Found, Raw, Sources};
use crate::table::{self, Class, Default, FOREIGN, Key, Pipeline};
use crate::value::{Note, Value};
use crate::{endpoints, tags};

/// What was read: values by key, their sources, and what was wrong with them.
#[derive(Clone, PartialEq, Default)]
pub struct Report {
    pub(super) entries: BTreeMap<&'static str, Entry>,
    pub(super) issues: Vec<ConfigIssue>,
}

/// One key as it was read.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Option<Value>,
    pub(super) source: Source,
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.source != Source::Default)
            .map(|(name, entry)| format!("{name} from {}", entry.source))
            .collect();
        f.debug_struct("Report")
            .field("set", &set)
            .field("issues", &self.issues)
            .finish()
    }
}

impl Report {
    pub(super) fn with_issues(issues: Vec<ConfigIssue>) -> Self {
        Self {
            entries: BTreeMap::new(),
            issues,
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.entries.get(name)?.value.as_ref()
    }

    /// Where a key's value came from.
    pub(super) fn source(&self, name: &str) -> &Source {
        self.entries
            .get(name)
            .map_or(&Source::Default, |entry| &entry.source)
    }

    /// Whether a key has a value from anywhere but its default.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        *self.source(name) != Source::Default
    }
}

/// Reads every key into `config`.
pub(super) fn read(config: &mut Config, sources: &Sources, report: Report) {
    let mut reader = Reader {
        config,
        sources,
        report,
        unavailable: Vec::new(),
    };
    for key in table::keys() {
        reader.read_key(key);
    }
    reader.warn_of_two_modes();
    reader.settle();
    reader.warn_of_names();
    let Reader {
        config,
        report,
        unavailable,
        ..
    } = reader;
    let strict = config.config_strict;
    let hardened = report
        .issues
        .into_iter()
        .map(|issue| issue.hardened(strict));
    config.report = Report {
        entries: report.entries,
        issues: hardened.chain(unavailable).collect(),
    };
}

struct Reader<'a> {
    config: &'a mut Config,
    sources: &'a Sources,
    report: Report,
    /// Keys of pipelines that this build does not have; never fatal, even when strict.
    unavailable: Vec<ConfigIssue>,
}

impl Reader<'_> {
    fn read_key(&mut self, key: &'static Key) {
        let default = self.default_of(key);
        let sources = self.sources;
        let entry = match sources.find(key) {
            None => Entry {
                value: default,
                source: Source::Default,
            },
            Some(found) => self.read_found(key, found, default),
        };
        if let Some(value) = &entry.value {
            let fits = (key.set)(self.config, value);
            debug_assert!(fits, "{}: {value:?} does not fit its field", key.name);
        }
        self.report.entries.insert(key.name, entry);
    }

    fn default_of(&self, key: &Key) -> Option<Value> {
        if let Default::Like(other) = key.default {
            return self.report.value(other).cloned();
        }
        let text = key.default.text(self.config.profile)?;
        // A test reads the default of every key in every profile.
        key.kind
            .read(&Raw::Text(text))
            .ok()
            .map(|parsed| parsed.value)
    }

    fn read_found(&mut self, key: &'static Key, found: Found<'_>, default: Option<Value>) -> Entry {
        let Found {
            raw,
            source,
            is_deprecated,
        } = found;
        if is_deprecated {
            let current = key.env.first().copied().unwrap_or(key.name);
            self.note(
                key,
                &source,
                String::new(),
                Note::warning(format!("is deprecated, use {current}"), "used as it is"),
            );
        }
        let shown = shown(key, &raw);
        let is_handle = is_secret_handle(&raw);
        let read = if is_handle {
            Err("secret handles ENC[...] are not supported".to_owned())
        } else {
            key.kind.read(&raw)
        };
        match read {
            Ok(parsed) => {
                for note in parsed.notes {
                    self.note(key, &source, shown.clone(), note);
                }
                self.note_unavailable(key, &source, default.as_ref(), &parsed.value);
                Entry {
                    value: Some(parsed.value),
                    source,
                }
            }
            Err(problem) => {
                let severity = if is_handle {
                    Severity::Fatal
                } else {
                    severity_of(key.class)
                };
                let used = match severity {
                    Severity::Fatal => NOT_STARTED.to_owned(),
                    Severity::Info | Severity::Warning => instead(key, default.as_ref()),
                };
                self.report.issues.push(ConfigIssue {
                    source,
                    key: key.name,
                    value: shown,
                    problem,
                    used,
                    severity,
                });
                Entry {
                    value: default,
                    source: Source::Default,
                }
            }
        }
    }

    fn note(&mut self, key: &Key, source: &Source, value: String, note: Note) {
        self.report.issues.push(ConfigIssue {
            source: source.clone(),
            key: key.name,
            value,
            problem: note.problem,
            used: note.used,
            severity: if note.is_info {
                Severity::Info
            } else {
                Severity::Warning
            },
        });
    }

    /// Takes note that nothing uses a key. A value that is the default asks for nothing and is only worth knowing.
    fn note_unavailable(
        &mut self,
        key: &Key,
        source: &Source,
        default: Option<&Value>,
        value: &Value,
    ) {
        if key.pipeline.available() {
            return;
        }
        // Without its key the agent could only drop what it takes.
        let is_key_source = key.pipeline == Pipeline::KeySources && key.class == Class::Fatal;
        let problem = if is_key_source {
            "this build cannot resolve an API key from it; set DD_API_KEY or DD_API_KEY_FILE"
                .to_owned()
        } else if let Some(feature) = key.pipeline.feature() {
            format!("this build is without the feature `{feature}`")
        } else {
            format!(
                "this build has no pipeline for it yet ({})",
                key.pipeline.label()
            )
        };
        let (severity, used) = if is_key_source {
            (Severity::Fatal, NOT_STARTED)
        } else if default == Some(value) {
            (Severity::Info, "no effect")
        } else {
            (Severity::Warning, "no effect")
        };
        self.unavailable.push(ConfigIssue {
            source: source.clone(),
            key: key.name,
            value: String::new(),
            problem,
            used: used.to_owned(),
            severity,
        });
    }

    /// Warns when the two names of the mode disagree.
    fn warn_of_two_modes(&mut self) {
        let Some(key) = table::find("operational_mode") else {
            return;
        };
        let all = self.sources.all_in_environment(key);
        let [(first, chosen), (second, other)] = all.as_slice() else {
            return;
        };
        let modes = (
            chosen.parse::<OperationalMode>(),
            other.parse::<OperationalMode>(),
        );
        if modes.0 != modes.1 {
            let source = Source::Env(first.clone());
            let note = Note::warning(
                format!(
                    "{second}=\"{}\" says otherwise",
                    masked(other, Masking::Plain)
                ),
                format!("{first} wins"),
            );
            self.note(key, &source, masked(chosen, Masking::Plain), note);
        }
    }

    /// Settles what depends on several keys.
    fn settle(&mut self) {
        self.append_extra_tags();
        self.settle_logs_switch();
        self.settle_dogstatsd_port();
        self.settle_mode();
        self.settle_remote_configuration();
        self.settle_shutdown_in_lambda();
        self.settle_bind_host();
    }

    /// Replaces a value that was read or defaulted, and what the report says of it.
    fn replace(&mut self, name: &'static str, value: Value) {
        let Some(key) = table::find(name) else { return };
        let fits = (key.set)(self.config, &value);
        debug_assert!(fits, "{name}: {value:?} does not fit its field");
        let source = self.report.source(name).clone();
        let value = Some(value);
        self.report.entries.insert(name, Entry { value, source });
    }

    fn append_extra_tags(&mut self) {
        if let Some(Value::List(extra)) = self.report.value("extra_tags") {
            for tag in extra {
                tags::push_new(&mut self.config.tags, tag.clone());
            }
        }
    }

    /// Logs are on when either switch that is set says so; in Lambda also when none is set.
    fn settle_logs_switch(&mut self) {
        let is_on = |name| match self.report.value(name) {
            Some(Value::Bool(on)) => Some(*on),
            _ => None,
        };
        let on = match (is_on("logs_enabled"), is_on("serverless_logs_enabled")) {
            (None, None) => self.config.profile == Profile::Lambda,
            (one, other) => one == Some(true) || other == Some(true),
        };
        self.replace("logs_enabled", Value::Bool(on));
    }

    fn settle_dogstatsd_port(&mut self) {
        let older = self.config.metrics_agent_port;
        if let Some(port) = older.filter(|_| !self.report.is_set("dogstatsd_port")) {
            self.replace("dogstatsd_port", Value::Int(port.into()));
        }
    }

    /// The path of a socket selects the mode that uses it, when nothing else does.
    fn settle_mode(&mut self) {
        let has_path = self.config.trace_agent_uds_path.is_some();
        if !has_path || self.report.is_set("operational_mode") {
            return;
        }
        self.replace("operational_mode", Value::Mode(OperationalMode::HttpUds));
        if let Some(key) = table::find("trace_agent_uds_path") {
            let source = self.report.source(key.name).clone();
            let note = Note::info("selects the mode http_uds");
            self.note(key, &source, String::new(), note);
        }
    }

    /// Remote configuration is on, but for government sites and FIPS builds, unless it is set.
    fn settle_remote_configuration(&mut self) {
        let is_government =
            endpoints::Site::new(&self.config.site).is_ok_and(|site| site.is_government());
        let on = match self.report.value("remote_configuration.enabled") {
            Some(Value::Bool(on)) => *on,
            _ => !is_government && !self.config.fips_build,
        };
        let is_forced_off = matches!(
            self.report.value("remote_configuration.force_off"),
            Some(Value::Bool(true))
        );
        self.replace(
            "remote_configuration.enabled",
            Value::Bool(on && !is_forced_off),
        );
    }

    /// Lambda gives two seconds and no more.
    fn settle_shutdown_in_lambda(&mut self) {
        let limit = std::time::Duration::from_secs(2);
        if self.config.profile != Profile::Lambda || self.config.shutdown_timeout <= limit {
            return;
        }
        if let Some(key) = table::find("shutdown_timeout") {
            let source = self.report.source(key.name).clone();
            let note = Note::warning("Lambda gives two seconds to stop", "using 2s");
            self.note(key, &source, String::new(), note);
            self.replace("shutdown_timeout", Value::Duration(limit));
        }
    }

    /// The trace listener is open to others only when that was asked for.
    fn settle_bind_host(&mut self) {
        if self.config.apm_non_local_traffic && !self.report.is_set("bind_host") {
            self.replace("bind_host", Value::Text("0.0.0.0".to_owned()));
        }
    }

    /// Warns of variables whose names are nearly ours.
    fn warn_of_names(&mut self) {
        let known: Vec<(&str, &'static str)> = table::keys()
            .flat_map(|key| {
                key.env
                    .iter()
                    .chain(key.deprecated)
                    .map(|name| (*name, key.name))
            })
            .filter(|(name, _)| name.starts_with("DD_"))
            .collect();
        for name in self.sources.environment.names() {
            if FOREIGN.contains(&name) {
                continue;
            }
            if let Some((problem, key)) = suspicion(name, &known) {
                self.report.issues.push(ConfigIssue {
                    source: Source::Env(name.to_owned()),
                    key,
                    value: String::new(),
                    problem,
                    used: "ignored".to_owned(),
                    severity: Severity::Warning,
                });
            }
        }
    }
}

/// The value as a message may repeat it.
fn shown(key: &Key, raw: &Raw<'_>) -> String {
    let masking = if key.secret && !matches!(key.kind, crate::kind::Kind::Proxy) {
        Masking::Secret
    } else {
        Masking::Plain
    };
    match raw {
        Raw::Text(text) => masked(text.trim_ascii(), masking),
        Raw::Node(node) => node
            .scalar()
            .map_or_else(String::new, |text| masked(text.trim_ascii(), masking)),
        Raw::NotUnicode => String::new(),
    }
}

/// Whether a value is a handle that another agent would have resolved.
fn is_secret_handle(raw: &Raw<'_>) -> bool {
    let text = match raw {
        Raw::Text(text) => Some(*text),
        Raw::Node(node) => node.scalar(),
        Raw::NotUnicode => None,
    };
    text.is_some_and(|text| {
        text.trim_ascii().starts_with("ENC[") && text.trim_ascii().ends_with(']')
    })
}

const fn severity_of(class: Class) -> Severity {
    match class {
        Class::Fatal | Class::Security => Severity::Fatal,
        Class::Warn | Class::Free => Severity::Warning,
    }
}

/// What holds in place of a malformed value.
fn instead(key: &Key, default: Option<&Value>) -> String {
    match (default, key.default) {
        (Some(value), _) => {
            let text = value.shown(key.secret);
            if text.is_empty() {
                "using none".to_owned()
            } else {
                format!("using {text}")
            }
        }
        (None, Default::Described(what)) => format!("using {}", what.replace('`', "")),
        (None, _) => "ignored".to_owned(),
    }
}
