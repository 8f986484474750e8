//! Where the API key comes from, and the file that may hold it.
//!
//! A file is read again when it changed, so that a key can be rotated without a restart.
//! Keys that need the network to be resolved are not resolved here.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often the file's modification time is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// Part of the file that is read; a key has 32 characters.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// Where the API key comes from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// Nowhere.
    None,
    /// It was given as it is.
    Plain(String),
    /// It is the first line of this file.
    File(PathBuf),
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Plain(_) => f.write_str("Plain(***)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Why a file yields no key. The text names the file and holds nothing of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("API key file {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// It holds no key.
    #[error("API key file {path}: no usable key in it")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
}

/// A file with an API key, read again when it changed.
///
/// It holds no clock: the caller says when it is. Reading blocks, for as long as a small local file takes.
pub struct KeyFile {
    path: PathBuf,
    key: String,
    modified: Option<SystemTime>,
    checked_at: Duration,
    world_readable: bool,
}

impl KeyFile {
    /// Reads the file. `now` is a reading of a monotonic clock.
    ///
    /// # Errors
    /// When it cannot be read or holds no key.
    pub fn open(path: impl Into<PathBuf>, now: Duration) -> Result<Self, KeyFileError> {
        let path = path.into();
        let reading = Reading::of(&path)?;
        Ok(Self {
            path,
            key: reading.key,
            modified: reading.modified,
            checked_at: now,
            world_readable: reading.world_readable,
        })
    }

    /// The key that was read last.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether every user of the machine may read the file, which deserves a warning.
    #[must_use]
    pub const fn is_world_readable(&self) -> bool {
        self.world_readable
    }

    /// The key now: the file is looked at when ten seconds passed since the last look, and read when it changed.
    /// A file that went away or holds no key any more leaves the last key in force.
    pub fn current(&mut self, now: Duration) -> &str {
        if now.saturating_sub(self.checked_at) >= CHECK_EVERY {
            self.checked_at = now;
            let modified = fs::metadata(&self.path)
                .and_then(|data| data.modified())
                .ok();
            if modified.is_some() && modified != self.modified {
                self.reread();
            }
        }
        &self.key
    }

    /// Reads the file at once, whatever its time says, as after a refusal of the key; returns whether the key changed.
    pub fn refresh(&mut self, now: Duration) -> bool {
        self.checked_at = now;
        let before = self.key.clone();
        self.reread();
        self.key != before
    }

    fn reread(&mut self) {
        if let Ok(reading) = Reading::of(&self.path) {
            self.key = reading.key;
            self.modified = reading.modified;
            self.world_readable = reading.world_readable;
        }
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}

/// What one reading of the file gave.
struct Reading {
    key: String,
    modified: Option<SystemTime>,
    world_readable: bool,
}

impl Reading {
    fn of(path: &Path) -> Result<Self, KeyFileError> {
        let unreadable = |error| KeyFileError::Unreadable {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(unreadable)?;
        // The time is taken before the text: a change in between is then seen at the next look.
        let metadata = file.metadata().map_err(unreadable)?;
        let mut text = String::new();
        file.take(MAX_FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        let line = text.lines().map(str::trim).find(|line| !line.is_empty());
        let key = line.and_then(usable).ok_or_else(|| KeyFileError::NoKey {
            path: path.to_owned(),
        })?;
        Ok(Self {
            key,
            modified: metadata.modified().ok(),
            world_readable: is_world_readable(&metadata),
        })
    }
}

#[cfg(unix)]
fn is_world_readable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_world_readable(_metadata: &fs::Metadata) -> bool {
    false
}

/// The key in the text of a secret: the member `dd_api_key` or `apiKey` of a JSON object, else the whole text.
/// Blanks and line ends go; `None` when nothing that a header can carry is left.
#[must_use]
pub fn key_in_secret(secret: &str) -> Option<String> {
    let json: Option<serde_json::Value> = serde_json::from_str(secret).ok();
    let member = |name: &str| json.as_ref()?.as_object()?.get(name)?.as_str();
    usable(
        member("dd_api_key")
            .or_else(|| member("apiKey"))
            .unwrap_or(secret),
    )
}

/// The key without blanks, if a header can carry it.
fn usable(text: &str) -> Option<String> {
    let key: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let is_usable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    is_usable.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Writes a file with a modification time that no earlier one has.
    fn write(path: &Path, text: &str, modified_s: u64) {
        fs::write(path, text).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + at(1_000_000 + modified_s))
            .unwrap();
    }

    #[test]
    fn the_first_line_that_is_not_blank_is_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "\n  \n abc123 \nother\n", 0);
        assert_eq!(KeyFile::open(&path, at(0)).unwrap().key(), "abc123");
    }

    #[test]
    fn a_changed_file_is_read_again_after_ten_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "old", 0);
        let mut file = KeyFile::open(&path, at(100)).unwrap();
        write(&path, "new", 1);
        assert_eq!(file.current(at(109)), "old");
        assert_eq!(file.current(at(110)), "new");
    }

    #[test]
    fn an_unchanged_time_leaves_the_file_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "old", 0);
        let mut file = KeyFile::open(&path, at(0)).unwrap();
        write(&path, "new", 0);
        assert_eq!(file.current(at(50)), "old");
        assert!(file.refresh(at(51)), "a refusal reads it at once");
        assert_eq!(file.key(), "new");
    }

    #[test]
    fn a_file_that_went_away_leaves_the_last_key_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "old", 0);
        let mut file = KeyFile::open(&path, at(0)).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(file.current(at(50)), "old");
        assert!(!file.refresh(at(51)));
    }

    #[test]
    fn a_missing_or_empty_file_names_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let missing = KeyFile::open(&path, at(0)).unwrap_err().to_string();
        assert!(missing.contains(&path.display().to_string()), "{missing}");
        write(&path, " \n", 0);
        assert!(matches!(
            KeyFile::open(&path, at(0)),
            Err(KeyFileError::NoKey { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everyone_may_read_says_so() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "abc", 0);
        for (mode, expected) in [(0o600, false), (0o644, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let file = KeyFile::open(&path, at(0)).unwrap();
            assert_eq!(file.is_world_readable(), expected);
        }
    }

    #[test]
    fn a_secret_is_json_with_a_known_member_or_the_key_itself() {
        for (secret, key) in [
            ("{\"dd_api_key\":\"k\\n\"}", Some("k")),
            ("{\"apiKey\":\"z\"}", Some("z")),
            ("plain ", Some("plain")),
            ("00000001", Some("00000001")),
            (" \n", None),
            ("schlüssel", None),
        ] {
            assert_eq!(key_in_secret(secret).as_deref(), key, "{secret}");
        }
    }

    #[test]
    fn debug_texts_hide_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "verysecret", 0);
        let file = KeyFile::open(&path, at(0)).unwrap();
        assert!(!format!("{file:?}").contains("verysecret"));
        assert!(!format!("{:?}", KeySource::Plain("verysecret".to_owned())).contains("verysecret"));
    }
}
