//! What is wrong with a configuration, said so that it can be put right, without giving secrets away.

use std::fmt;

/// Longest part of a value that a message repeats, in characters.
const MAX_SHOWN_CHARS: usize = 120;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Nothing was set.
    Default,
    /// This environment variable.
    Env(String),
    /// This path in `datadog.yaml`.
    Yaml(String),
    /// An option of the program.
    Option,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Env(variable) => write!(f, "env {variable}"),
            Self::Yaml(_) => f.write_str("yaml"),
            Self::Option => f.write_str("option"),
        }
    }
}

/// What an issue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// The agent starts, with something else than what was asked for.
    Warning,
    /// The agent does not start.
    Fatal,
}

/// One thing that is wrong, or worth knowing, about a configuration.
///
/// Its text reads `DD_TRACE_AGENT_PORT="70000": port must be 0..=65535; agent not started`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigIssue {
    /// Where the value came from.
    pub source: Source,
    /// The key's name; `environment` or `datadog.yaml` when it is about no key of the table.
    pub key: &'static str,
    /// The value as written, shortened, secrets masked; empty when there is none to show.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
    /// What happens in consequence, such as `using 8126` or `agent not started`.
    pub used: String,
    /// How bad it is.
    pub severity: Severity,
}

/// What happens after a fatal issue.
pub(crate) const NOT_STARTED: &str = "agent not started";

impl ConfigIssue {
    /// The name under which the user wrote the value.
    #[must_use]
    pub fn written_as(&self) -> &str {
        match &self.source {
            Source::Env(variable) => variable,
            Source::Yaml(path) => path,
            Source::Default | Source::Option => self.key,
        }
    }

    /// The same, fatal if `strict` and a warning.
    pub(crate) fn hardened(mut self, strict: bool) -> Self {
        if strict && self.severity == Severity::Warning {
            self.severity = Severity::Fatal;
            NOT_STARTED.clone_into(&mut self.used);
        }
        self
    }
}

impl fmt::Display for ConfigIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written_as())?;
        if !self.value.is_empty() {
            write!(f, "=\"{}\"", self.value)?;
        }
        write!(f, ": {}", self.problem)?;
        if !self.used.is_empty() {
            write!(f, "; {}", self.used)?;
        }
        Ok(())
    }
}

/// A configuration with which the agent must not start. Its text names every offending variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The fatal issues; at least one.
    pub issues: Vec<ConfigIssue>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.issues.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            issue.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// How a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Masking {
    /// As it is, but for user and password in a URL.
    Plain,
    /// Its last four characters.
    Secret,
}

/// A value as a message may repeat it: on one line, shortened, secrets masked.
pub(crate) fn masked(text: &str, masking: Masking) -> String {
    match masking {
        Masking::Plain => shortened(&without_query(&without_userinfo(text))),
        Masking::Secret => last_four(text),
    }
}

/// The last four characters of a secret long enough to spare them.
pub(crate) fn last_four(secret: &str) -> String {
    let chars: Vec<char> = secret.trim().chars().collect();
    match chars.len() {
        0 => String::new(),
        1..=7 => "***".to_owned(),
        len => {
            let tail: String = chars.iter().skip(len - 4).collect();
            format!("***{}", shortened(&tail))
        }
    }
}

/// The text with user and password of a URL replaced by `***`.
///
/// Everything before the last `@` goes: a password may itself hold `/` or `@`, and too much hidden is better than too
/// little.
pub(crate) fn without_userinfo(text: &str) -> String {
    let Some((before, host)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://***@{host}"),
        None => format!("***@{host}"),
    }
}

/// The text with the query of a URL replaced by `***`: some put keys there.
fn without_query(text: &str) -> String {
    match text.split_once('?') {
        Some((before, _)) if before.contains("://") => format!("{before}?***"),
        _ => text.to_owned(),
    }
}

/// The text on one line and of bounded length.
fn shortened(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(MAX_SHOWN_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MAX_SHOWN_CHARS).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_is_hidden_wherever_the_password_ends() {
        for (text, shown) in [
            ("http://u:p@:bad", "http://***@:bad"),
            ("u:p@proxy:3128", "***@proxy:3128"),
            ("http://u:a/b@c@proxy:1", "http://***@proxy:1"),
            ("http://proxy:3128", "http://proxy:3128"),
        ] {
            assert_eq!(masked(text, Masking::Plain), shown);
        }
    }

    #[test]
    fn secrets_show_four_characters_and_short_ones_none() {
        assert_eq!(
            masked("0123456789abcdef0123456789abcdef", Masking::Secret),
            "***cdef"
        );
        assert_eq!(masked("1234567", Masking::Secret), "***");
        assert_eq!(masked("  ", Masking::Secret), "");
    }

    #[test]
    fn long_values_are_shortened_and_kept_on_one_line() {
        let shown = masked(&format!("a\nb{}", "x".repeat(1000)), Masking::Plain);
        assert_eq!(shown.chars().count(), MAX_SHOWN_CHARS + 1);
        assert!(shown.starts_with("a b"));
    }

    #[test]
    fn an_issue_reads_as_one_sentence() {
        let issue = ConfigIssue {
            source: Source::Env("DD_TRACE_AGENT_PORT".to_owned()),
            key: "trace_agent_port",
            value: "70000".to_owned(),
            problem: "port must be 0..=65535".to_owned(),
            used: NOT_STARTED.to_owned(),
            severity: Severity::Fatal,
        };
        assert_eq!(
            issue.to_string(),
            "DD_TRACE_AGENT_PORT=\"70000\": port must be 0..=65535; agent not started"
        );
    }
}
