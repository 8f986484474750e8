//! Reads `datadog.yaml`, keeping every scalar as it was written.
//!
//! A document is at most 1 MiB and 32 levels deep. Aliases are refused: they can make a small file large, and no
//! setting needs them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Node, Scalar};

/// Largest document.
const MAX_BYTES: u64 = 1 << 20;

/// Deepest nesting of lists and maps.
const MAX_DEPTH: usize = 32;

/// Keys in one map at most; each is compared with those before it.
const MAX_KEYS: usize = 1_000;

/// Why a document could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is no such file.
    Missing,
    /// It is there, but cannot be read or understood.
    Unreadable(String),
}

/// Reads the document in a file; an empty one is an empty map.
///
/// # Errors
/// When there is none, or it is too large, not UTF-8, or not YAML as configuration uses it.
pub(crate) fn read(path: &Path) -> Result<Node, ReadError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::Missing,
        _ => ReadError::Unreadable(format!("cannot be read: {error}")),
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    parse(&bytes).map_err(ReadError::Unreadable)
}

/// Reads a document.
///
/// # Errors
/// A sentence about what is wrong, with the line.
pub(crate) fn parse(bytes: &[u8]) -> Result<Node, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {MAX_BYTES} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            let at = error.marker();
            format!("line {}: is not YAML: {}", at.line(), error.info())
        })?;
        builder
            .take(event)
            .map_err(|problem| format!("line {}: {problem}", span.start.line()))?;
    }
    match builder.root {
        None => Ok(Node::Map(Vec::new())),
        Some(root @ Node::Map(_)) => Ok(root),
        Some(Node::Scalar(scalar)) if scalar.text.trim().is_empty() => Ok(Node::Map(Vec::new())),
        Some(_) => Err("must be a map of keys".to_owned()),
    }
}

/// A list or map that is not finished.
enum Open {
    List(Vec<Node>),
    Map {
        entries: Vec<(String, Node)>,
        key: Option<String>,
    },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, _, _) => self.put(Node::Scalar(Scalar {
                text: text.into_owned(),
                is_plain: style == ScalarStyle::Plain,
            })),
            Event::SequenceStart(..) => self.begin(Open::List(Vec::new())),
            Event::MappingStart(..) => self.begin(Open::Map {
                entries: Vec::new(),
                key: None,
            }),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items)) => self.put(Node::List(items)),
                Some(Open::Map { entries, .. }) => self.put(Node::Map(entries)),
                None => Err("ends what never began".to_owned()),
            },
            Event::Alias(_) => Err("aliases are not supported".to_owned()),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return Err("keys must be single values".to_owned());
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), String> {
        match self.open.last_mut() {
            None if self.root.is_some() => Err("must hold one document".to_owned()),
            None => {
                self.root = Some(node);
                Ok(())
            }
            Some(Open::List(items)) => {
                items.push(node);
                Ok(())
            }
            Some(Open::Map { entries, key }) => match (key.take(), node) {
                (Some(name), node) => {
                    entries.push((name, node));
                    Ok(())
                }
                (None, Node::Scalar(scalar)) => {
                    if entries.len() == MAX_KEYS {
                        return Err(format!("a map has more than {MAX_KEYS} keys"));
                    }
                    if entries.iter().any(|(name, _)| *name == scalar.text) {
                        return Err(format!("key {} stands twice", scalar.text.escape_default()));
                    }
                    *key = Some(scalar.text);
                    Ok(())
                }
                (None, _) => Err("keys must be single values".to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
