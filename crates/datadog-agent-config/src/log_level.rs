//! How much the agent says about itself.

use std::fmt;
use std::str::FromStr;

/// How much the agent says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Failures; `critical` means this too.
    Error,
    /// And what a person should look at.
    Warn,
    /// And what happens once or rarely.
    #[default]
    Info,
    /// And what helps to understand a fault.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Its name, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "off" => Ok(Self::Off),
            "critical" | "error" => Ok(Self::Error),
            "warn" | "warning" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            "trace" => Ok(Self::Trace),
            _ => Err(
                "must be one of off, critical, error, warn, warning, info, debug, trace".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_its_level_in_any_case() {
        for (word, level) in [
            ("off", LogLevel::Off),
            ("critical", LogLevel::Error),
            ("ERROR", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("Warning", LogLevel::Warn),
            (" info ", LogLevel::Info),
            ("debug", LogLevel::Debug),
            ("trace", LogLevel::Trace),
        ] {
            assert_eq!(word.parse(), Ok(level), "{word}");
        }
        assert!("verbose".parse::<LogLevel>().is_err());
    }
}
