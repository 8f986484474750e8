//! Follows a file as it grows, is rotated by renaming, or is truncated in place.
//!
//! Polls, so that it works on network file systems. What a writer adds to a file between the last read and its
//! truncation is lost by the nature of truncating in place.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use tokio::fs::File;
use tokio::time::Instant;

use super::lines::{Reader, open_file};

/// How long a file that was renamed away must be quiet before its successor is read: whoever writes it may take a
/// moment to notice.
const GRACE: Duration = Duration::from_secs(2);

/// A file that is read from its start and then followed.
pub(super) struct Followed {
    path: PathBuf,
    file: File,
    reader: Reader,
    /// Bytes handed on, and so the offset of the next ones.
    offset: u64,
    /// Since when the file has been both replaced and quiet.
    quiet_since: Option<Instant>,
}

/// What the path says of the file that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// It is the same, at least as long as before; or the path is gone for now.
    None,
    /// It is shorter than what was read of it.
    Truncated,
    /// Another file has taken its place.
    Replaced,
}

impl Followed {
    /// Opens the file at its start.
    pub(super) async fn open(path: &Path) -> anyhow::Result<Self> {
        let file = open_file(path, 0).await?;
        let reader = Reader::new(Box::new(file.try_clone().await?));
        Ok(Self {
            path: path.to_path_buf(),
            file,
            reader,
            offset: 0,
            quiet_since: None,
        })
    }

    /// The lines that have come since; `None` when there are none yet. A line is handed on once it has its end, or
    /// once its file has been replaced.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        loop {
            // Looked at before reading, so that what was written up to the rotation is read before the successor.
            let change = self.change().await?;
            if let Some(lines) = self.reader.next_whole().await? {
                self.offset += lines.len() as u64;
                self.quiet_since = None;
                return Ok(Some(lines));
            }
            if change == Change::None || (change == Change::Replaced && !self.is_left()) {
                return Ok(None);
            }
            // The successor may be gone or out of reach again: then the next look finds it.
            let Ok(successor) = Self::open(&self.path).await else {
                return Ok(None);
            };
            let rest = self.rest();
            *self = successor;
            if rest.is_some() {
                return Ok(rest);
            }
        }
    }

    /// What is held of a line that has no end yet.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        self.reader.rest()
    }

    /// Whether the replaced file has been quiet for long enough.
    fn is_left(&mut self) -> bool {
        let since = *self.quiet_since.get_or_insert_with(Instant::now);
        since.elapsed() >= GRACE
    }

    async fn change(&self) -> anyhow::Result<Change> {
        let Ok(at_path) = tokio::fs::metadata(&self.path).await else {
            return Ok(Change::None);
        };
        let held = self.file.metadata().await?;
        if (at_path.dev(), at_path.ino()) != (held.dev(), held.ino()) {
            return Ok(Change::Replaced);
        }
        Ok(if held.len() < self.offset {
            Change::Truncated
        } else {
            Change::None
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    fn append(path: &Path, text: &str) {
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    async fn read(followed: &mut Followed) -> String {
        let mut text = String::new();
        while let Some(lines) = followed.next().await.unwrap() {
            text.push_str(std::str::from_utf8(&lines).unwrap());
        }
        text
    }

    #[tokio::test]
    async fn lines_are_handed_on_when_they_have_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        append(&path, "one\ntw");
        let mut followed = Followed::open(&path).await.unwrap();
        assert_eq!(read(&mut followed).await, "one\n");
        append(&path, "o\n");
        assert_eq!(read(&mut followed).await, "two\n");
    }

    #[tokio::test]
    async fn a_renamed_file_is_read_until_it_is_quiet_before_its_successor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let renamed = folder.path().join("a.log.1");
        append(&path, "one\n");
        let mut followed = Followed::open(&path).await.unwrap();
        assert_eq!(read(&mut followed).await, "one\n");
        append(&path, "late\n");
        fs::rename(&path, &renamed).unwrap();
        append(&path, "new\n");
        assert_eq!(read(&mut followed).await, "late\n");
        append(&renamed, "very late\nand without end");
        assert_eq!(read(&mut followed).await, "very late\n");

        tokio::time::pause();
        tokio::time::advance(GRACE).await;
        tokio::time::resume();
        assert_eq!(read(&mut followed).await, "and without endnew\n");
    }

    #[tokio::test]
    async fn a_file_truncated_in_place_is_read_from_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        append(&path, "a long first line\n");
        let mut followed = Followed::open(&path).await.unwrap();
        read(&mut followed).await;
        fs::write(&path, "new\n").unwrap();
        assert_eq!(read(&mut followed).await, "new\n");
    }

    #[tokio::test]
    async fn a_path_that_is_gone_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        append(&path, "one\n");
        let mut followed = Followed::open(&path).await.unwrap();
        read(&mut followed).await;
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&mut followed).await, "");
        append(&path, "back\n");
        assert_eq!(read(&mut followed).await, "");
        tokio::time::pause();
        tokio::time::advance(GRACE).await;
        tokio::time::resume();
        assert_eq!(read(&mut followed).await, "back\n");
    }
}
