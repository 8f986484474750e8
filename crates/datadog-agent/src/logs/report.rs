//! What the verb `logs` says at its end.

use datadog_agent_native::logs::Delivered;
use serde_json::{Value, json};

/// What was read of one input.
#[derive(Debug, Default)]
pub(super) struct FileReport {
    pub(super) file: String,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    /// Whether it was read to its end, or is being followed.
    pub(super) finished: bool,
    pub(super) error: Option<String>,
}

impl FileReport {
    pub(super) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            ..Self::default()
        }
    }
}

/// What became of every line.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) files: Vec<FileReport>,
    pub(super) delivered: Delivered,
    pub(super) seconds: f64,
}

impl Report {
    /// Whether every file was read and every line delivered, or excluded by a rule.
    pub(super) fn is_complete(&self) -> bool {
        self.delivered.dropped.is_empty() && self.files.iter().all(|file| file.error.is_none())
    }

    pub(super) fn to_json(&self) -> Value {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|file| json!({ "file": file.file, "lines": file.lines, "bytes": file.bytes, "error": file.error }))
            .collect();
        json!({
            "files": files,
            "entries": self.delivered.entries,
            "delivered": self.delivered.sent,
            "excluded": self.delivered.excluded,
            "dropped": self.delivered.dropped,
            "retries": self.delivered.retries,
            "bytes_raw": self.delivered.bytes_raw,
            "bytes_wire": self.delivered.bytes_wire,
            "seconds": (self.seconds * 1_000.0).round() / 1_000.0,
        })
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for file in &self.files {
            text.push_str(&format!(
                "{}: {} lines, {} bytes\n",
                file.file, file.lines, file.bytes
            ));
            if let Some(error) = &file.error {
                text.push_str(&format!("  could not be read to its end: {error}\n"));
            }
        }
        let Delivered {
            entries,
            sent,
            excluded,
            dropped,
            retries,
            bytes_raw,
            bytes_wire,
        } = &self.delivered;
        text.push_str(&format!(
            "delivered {sent} of {entries} entries in {:.1} s: {bytes_raw} bytes, {bytes_wire} on the wire, {retries} retries",
            self.seconds
        ));
        if *excluded > 0 {
            text.push_str(&format!("\nexcluded by rules: {excluded}"));
        }
        for (reason, count) in dropped {
            text.push_str(&format!("\ndropped, {reason}: {count}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn report() -> Report {
        Report {
            files: vec![FileReport {
                file: "a.log".to_owned(),
                lines: 10,
                bytes: 200,
                finished: true,
                error: None,
            }],
            delivered: Delivered {
                entries: 10,
                sent: 7,
                excluded: 1,
                dropped: BTreeMap::from([("client_4xx".to_owned(), 2)]),
                retries: 3,
                bytes_raw: 500,
                bytes_wire: 90,
            },
            seconds: 1.26,
        }
    }

    #[test]
    fn the_text_accounts_for_every_entry() {
        let expected = "a.log: 10 lines, 200 bytes\n\
                        delivered 7 of 10 entries in 1.3 s: 500 bytes, 90 on the wire, 3 retries\n\
                        excluded by rules: 1\n\
                        dropped, client_4xx: 2";
        assert_eq!(report().to_text(), expected);
    }

    #[test]
    fn a_lost_line_or_an_unread_file_makes_the_run_incomplete() {
        let mut report = report();
        assert!(!report.is_complete());
        report.delivered.dropped.clear();
        assert!(report.is_complete());
        report.files[0].error = Some("gone".to_owned());
        assert!(!report.is_complete());
    }
}
