//! The shape of one log on the wire: an *intake entry*, a JSON object.
//!
//! A request body is a JSON array of entries. Source: the public Logs API reference, `POST /api/v2/logs`.

/// Keys with a meaning of their own, in the order in which the agent writes them.
pub const RESERVED_KEYS: [&str; 7] = [
    MESSAGE, TIMESTAMP, HOSTNAME, SERVICE, DDSOURCE, DDTAGS, STATUS,
];
/// The text of the log; the one key which the intake requires.
pub const MESSAGE: &str = "message";
/// Unix milliseconds, or a date string which the backend parses.
pub const TIMESTAMP: &str = "timestamp";
/// The host that the log comes from.
pub const HOSTNAME: &str = "hostname";
/// The service that wrote the log.
pub const SERVICE: &str = "service";
/// The technology that wrote the log; picks the backend's parsing pipeline.
pub const DDSOURCE: &str = "ddsource";
/// Comma-separated `key:value` tags.
pub const DDTAGS: &str = "ddtags";
/// The severity, one of the words of [`status_of_level`].
pub const STATUS: &str = "status";

/// Entries in one request; the intake refuses more.
pub const MAX_ENTRIES: usize = 1_000;
/// Bytes of one request before compression; the intake refuses more.
pub const MAX_CONTENT_BYTES: usize = 5_242_880;
/// Bytes of one serialised entry; the intake cuts a longer one.
pub const MAX_ENTRY_BYTES: usize = 1_048_576;
/// Age in milliseconds past which the intake may not show an entry.
pub const MAX_AGE_MS: i64 = 18 * 60 * 60 * 1_000;

/// The status word for a level word as programs write it, in any case; `None` for a word that is no level.
#[must_use]
pub fn status_of_level(level: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 16] = [
        ("info", "info"),
        ("error", "error"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("debug", "debug"),
        ("trace", "debug"),
        ("err", "error"),
        ("information", "info"),
        ("notice", "notice"),
        ("critical", "critical"),
        ("crit", "critical"),
        ("fatal", "critical"),
        ("alert", "alert"),
        ("emergency", "emergency"),
        ("emerg", "emergency"),
        ("panic", "emergency"),
    ];
    WORDS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(level))
        .map(|&(_, status)| status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_word_of_any_case_becomes_a_status() {
        assert_eq!(status_of_level("TRACE"), Some("debug"));
        assert_eq!(status_of_level("Warning"), Some("warn"));
        assert_eq!(status_of_level("FATAL"), Some("critical"));
        assert_eq!(status_of_level("panic"), Some("emergency"));
        assert_eq!(status_of_level("loud"), None);
    }
}
