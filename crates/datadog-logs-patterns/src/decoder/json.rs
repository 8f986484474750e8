//! Puts a JSON log together: an object of members, one of which is the message.
//!
//! Of all the ways to write an object this is one: no white space, keys sorted by their bytes at every level,
//! in strings no more escapes than needed. A sender uses members only for a log that was written so.

use std::borrow::Cow;

use crate::decoder::body::Body;
use crate::decoder::{Limit, Reason};

/// Objects inside of objects.
const MAX_DEPTH: usize = 64;

/// The members of one object, nested ones by their path.
#[derive(Debug)]
pub(super) struct Members<'a> {
    list: Vec<Member<'a>>,
    /// How long the keys may still get; they stand in the log.
    key_room: usize,
    full: Reason,
}

#[derive(Debug)]
struct Member<'a> {
    /// Of an outer key to the innermost; never empty.
    path: Vec<Cow<'a, str>>,
    value: Json<'a>,
}

/// What a member is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// The content of a string, without quotes and escapes.
    Text(&'a [u8]),
    /// As it is.
    Raw(&'a [u8]),
}

/// How a key is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// As one key.
    Plain,
    /// As keys with dots between them.
    Dotted,
    /// The same, with `\.` for a dot and `\\` for a backslash inside of a key.
    Escaped,
}

impl<'a> Members<'a> {
    /// No members yet, with keys of up to `max_bytes` in all.
    pub(super) fn new(max_bytes: usize) -> Self {
        let (limit, max) = (Limit::LogBytes, max_bytes);
        Self {
            list: Vec::new(),
            key_room: max_bytes,
            full: Reason::Limit { limit, max },
        }
    }

    pub(super) fn push(&mut self, key: &'a str, path: Path, value: Json<'a>) -> Result<(), Reason> {
        match self.key_room.checked_sub(key.len()) {
            Some(room) => self.key_room = room,
            None => return Err(self.full.clone()),
        }
        let path = match path {
            Path::Plain => vec![Cow::Borrowed(key)],
            Path::Dotted => dotted(key)?,
            Path::Escaped => escaped(key)?,
        };
        self.list.push(Member { path, value });
        Ok(())
    }

    /// Writes the object.
    pub(super) fn write(mut self, body: &mut Body) -> Result<(), Reason> {
        self.list.sort_by(|a, b| a.path.cmp(&b.path));
        let mut previous: &[Cow<'_, str>] = &[];
        body.push(b"{")?;
        for (index, member) in self.list.iter().enumerate() {
            // What lies below a path follows it at once in this order.
            if let Some(next) = self.list.get(index + 1)
                && next.path.starts_with(&member.path)
            {
                member.check_below(next)?;
                continue;
            }
            let common = common_objects(previous, &member.path);
            if let Some((_, objects)) = previous.split_last() {
                close(objects.len() - common, body)?;
                body.push(b",")?;
            }
            for (depth, key) in member.path.iter().enumerate().skip(common) {
                write_string(key.as_bytes(), body)?;
                let is_last = depth + 1 == member.path.len();
                body.push(if is_last { b":" } else { b":{" })?;
            }
            member.value.write(body)?;
            previous = &member.path;
        }
        close(previous.len().saturating_sub(1), body)?;
        body.push(b"}")
    }
}

impl Member<'_> {
    /// Nothing can be below a member or twice in its place, unless it is an object without members.
    fn check_below(&self, next: &Self) -> Result<(), Reason> {
        if next.path.len() == self.path.len() {
            return Err(Reason::Json("the same key twice"));
        }
        match self.value {
            Json::Raw(b"{}") => Ok(()),
            _ => Err(Reason::Json("a key below one that is no object")),
        }
    }
}

impl Json<'_> {
    fn write(self, body: &mut Body) -> Result<(), Reason> {
        match self {
            Self::Null => body.push(b"null"),
            Self::Bool(value) => body.push_bool(value),
            Self::Int(value) => body.push_int(value),
            Self::Float(value) if value.is_finite() => body.push_float(value),
            Self::Float(_) => Err(Reason::Json("a number that is not finite")),
            Self::Text(text) => write_string(text, body),
            Self::Raw(raw) => body.push(raw),
        }
    }
}

/// How many of the objects around the one are also around the other.
fn common_objects(previous: &[Cow<'_, str>], path: &[Cow<'_, str>]) -> usize {
    let objects = previous.len().min(path.len()).saturating_sub(1);
    let pairs = previous.iter().zip(path).take(objects);
    pairs.take_while(|(a, b)| a == b).count()
}

fn close(objects: usize, body: &mut Body) -> Result<(), Reason> {
    for _ in 0..objects {
        body.push(b"}")?;
    }
    Ok(())
}

fn dotted(key: &str) -> Result<Vec<Cow<'_, str>>, Reason> {
    let mut path = Vec::new();
    for part in key.split('.') {
        Limit::Depth.check(path.len() + 1, MAX_DEPTH)?;
        path.push(Cow::Borrowed(part));
    }
    Ok(path)
}

fn escaped(key: &str) -> Result<Vec<Cow<'_, str>>, Reason> {
    if !key.contains('\\') {
        return dotted(key);
    }
    let mut path = Vec::new();
    let mut part = String::new();
    let mut chars = key.chars();
    while let Some(char) = chars.next() {
        match char {
            '.' => {
                Limit::Depth.check(path.len() + 2, MAX_DEPTH)?;
                path.push(Cow::Owned(std::mem::take(&mut part)));
            }
            '\\' => match chars.next() {
                Some(literal @ ('.' | '\\')) => part.push(literal),
                _ => return Err(Reason::Json("unknown escape in a key")),
            },
            char => part.push(char),
        }
    }
    path.push(Cow::Owned(part));
    Ok(path)
}

fn write_string(text: &[u8], body: &mut Body) -> Result<(), Reason> {
    body.push(b"\"")?;
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|&byte| needs_escape(byte)) {
        let (before, from) = rest.split_at(plain);
        body.push(before)?;
        let Some((&byte, after)) = from.split_first() else {
            break;
        };
        write_escape(byte, body)?;
        rest = after;
    }
    body.push(rest)?;
    body.push(b"\"")
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escape(byte: u8, body: &mut Body) -> Result<(), Reason> {
    match byte {
        b'"' => body.push(b"\\\""),
        b'\\' => body.push(b"\\\\"),
        0x08 => body.push(b"\\b"),
        0x0c => body.push(b"\\f"),
        b'\n' => body.push(b"\\n"),
        b'\r' => body.push(b"\\r"),
        b'\t' => body.push(b"\\t"),
        other => body.push(format!("\\u{other:04x}").as_bytes()),
    }
}

#[cfg(test)]
mod tests;
