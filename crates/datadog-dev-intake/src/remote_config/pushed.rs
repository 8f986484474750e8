//! A file that was pushed, and what both repositories say of it.

use serde_json::{Value, json};

use super::RemoteConfig;
use super::key::{sha256, sha512};

/// A file that was pushed.
#[derive(Debug)]
pub(super) struct Pushed {
    pub(super) file: RemoteConfig,
    /// Its version as clients report it, the number of the push.
    pub(super) version: u64,
    /// The config snapshot that brought it.
    pub(super) since: u64,
    pub(super) pushed_at_s: u64,
    pub(super) sha256: String,
    sha512: String,
}

impl Pushed {
    /// The push of that number, which the config snapshot `since` brings.
    pub(super) fn new(file: RemoteConfig, version: u64, since: u64, pushed_at_s: u64) -> Self {
        Self {
            version,
            since,
            pushed_at_s,
            sha256: sha256(&file.raw),
            sha512: sha512(&file.raw),
            file,
        }
    }

    /// What the config repository says of it.
    pub(super) fn listed(&self) -> Value {
        json!({
            "length": self.file.raw.len(),
            "hashes": {"sha256": self.sha256, "sha512": self.sha512},
            "custom": {"v": self.version},
        })
    }

    /// What the director says of it, which is more.
    pub(super) fn listed_for_clients(&self) -> Value {
        let mut listed = self.listed();
        if let Some(expires) = self.file.expires {
            listed["custom"]["expires"] = expires.into();
        }
        if !self.file.predicates.is_empty() {
            listed["custom"]["tracer-predicates"] =
                json!({"tracer_predicates_v1": self.file.predicates});
        }
        listed
    }

    /// The name under which it is sent, with the hash before its last part.
    pub(super) fn path_to_send(&self, path: &str) -> String {
        let folder = path.strip_suffix(&self.file.name).unwrap_or(path);
        format!("{folder}{}.{}", self.sha256, self.file.name)
    }
}
