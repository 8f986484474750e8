//! Reads a file or standard input in blocks that end at a line's end, in bounded memory.

use std::io::SeekFrom;
use std::path::PathBuf;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _};

/// Bytes read at once.
const BLOCK: usize = 512 * 1_024;
/// A line that is longer is handed on in parts of this size, so that a file without line ends stays bounded.
const LONGEST_LINE: usize = 16 * 1_024 * 1_024;

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Input {
    /// `-` is standard input.
    pub(super) fn of(argument: &str) -> Self {
        if argument == "-" {
            Self::Stdin
        } else {
            Self::File(argument.into())
        }
    }

    /// Opens it; a file that cannot be opened is named.
    pub(super) async fn open(&self) -> anyhow::Result<Reader> {
        let source: Box<dyn AsyncRead + Send + Unpin> = match self {
            Self::Stdin => Box::new(tokio::io::stdin()),
            Self::File(path) => Box::new(open_file(path, 0).await?),
        };
        Ok(Reader::new(source))
    }

    /// Its size, where it has one.
    pub(super) async fn size(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => tokio::fs::metadata(path)
                .await
                .ok()
                .map(|facts| facts.len()),
        }
    }
}

/// Opens a regular file at an offset.
pub(super) async fn open_file(path: &std::path::Path, offset: u64) -> anyhow::Result<File> {
    let named = || path.display().to_string();
    let mut file = File::open(path).await.with_context(named)?;
    anyhow::ensure!(
        !file.metadata().await.with_context(named)?.is_dir(),
        "{}: is a directory",
        named()
    );
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))
            .await
            .with_context(named)?;
    }
    Ok(file)
}

/// Gives blocks of whole lines.
pub(super) struct Reader {
    source: Box<dyn AsyncRead + Send + Unpin>,
    held: BytesMut,
}

impl Reader {
    pub(super) fn new(source: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self {
            source,
            held: BytesMut::new(),
        }
    }

    /// The next lines, each with its end; the last one of the source may lack it. `None` at the end.
    pub(super) async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        loop {
            if let Some(lines) = self.whole_lines() {
                return Ok(Some(lines));
            }
            if self.fill().await? == 0 {
                return Ok(self.rest());
            }
        }
    }

    /// Reads what has come since, if it ends at least one line; what does not stays for the next call.
    pub(super) async fn next_whole(&mut self) -> std::io::Result<Option<Bytes>> {
        loop {
            if let Some(lines) = self.whole_lines() {
                return Ok(Some(lines));
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// What is held of a line that has no end yet.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        let rest = self.held.split().freeze();
        (!rest.is_empty()).then_some(rest)
    }

    async fn fill(&mut self) -> std::io::Result<usize> {
        self.held.reserve(BLOCK);
        self.source.read_buf(&mut self.held).await
    }

    fn whole_lines(&mut self) -> Option<Bytes> {
        let end = match self.held.iter().rposition(|&byte| byte == b'\n') {
            Some(last) => last + 1,
            None if self.held.len() >= LONGEST_LINE => LONGEST_LINE,
            None => return None,
        };
        Some(self.held.split_to(end).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn blocks(text: &'static [u8]) -> Vec<Bytes> {
        let mut reader = Reader::new(Box::new(text));
        let mut blocks = Vec::new();
        while let Some(block) = reader.next().await.unwrap() {
            blocks.push(block);
        }
        blocks
    }

    #[tokio::test]
    async fn blocks_end_at_a_line_and_nothing_is_missing() {
        assert_eq!(blocks(b"a\nb\nc").await, ["a\nb\n", "c"]);
        assert_eq!(blocks(b"a\r\n\n").await, ["a\r\n\n"]);
        assert!(blocks(b"").await.is_empty());
    }

    #[tokio::test]
    async fn a_line_without_end_is_handed_on_in_bounded_parts() {
        let text: &'static [u8] = Box::leak(vec![b'x'; LONGEST_LINE + 5].into_boxed_slice());
        let lengths: Vec<_> = blocks(text).await.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [LONGEST_LINE, 5]);
    }

    #[test]
    fn a_dash_is_standard_input() {
        assert_eq!(Input::of("-"), Input::Stdin);
        assert_eq!(Input::of("a.log"), Input::File("a.log".into()));
    }
}
