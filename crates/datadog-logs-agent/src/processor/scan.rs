//! Checks JSON and finds where its values begin and end, without building any.
//!
//! Accepts exactly what serde_json reads into a `Value`: RFC 8259, surrogates in pairs only, numbers that a double can
//! hold, and at most [`MAX_DEPTH`] containers around one another.

mod unescape;

use std::ops::Range;

pub(crate) use self::unescape::unescape;
use crate::intake_entry::json::next_special;

/// Containers around one another, the array of the batch included. One more, and readers that stop at 128 levels (as
/// serde_json does) would refuse the whole batch for it.
pub(crate) const MAX_DEPTH: usize = 127;

/// What is wrong with the JSON, and at which byte. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) problem: &'static str,
    pub(crate) at: usize,
}

/// What kind of value stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string, and whether any of it is escaped.
    String {
        escaped: bool,
    },
    Number,
    Bool,
    Null,
    Object,
    Array,
}

/// A value and its extent, quotes and brackets included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Found {
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// What stands between the quotes of a string.
    pub(crate) fn inner(&self) -> Range<usize> {
        self.start + 1..self.end - 1
    }
}

/// A key with its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) key: Found,
    pub(crate) value: Found,
}

/// Walks over JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self::starting_at(text, 0)
    }

    /// A scanner at a position of `text`.
    pub(crate) fn starting_at(text: &'a str, at: usize) -> Self {
        let bytes = text.as_bytes();
        Self { bytes, at }
    }

    /// Where the scanner stands.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Whether nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next byte.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes past `byte` if it is next.
    #[inline]
    pub(crate) fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Goes past white space.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A fault where the scanner stands.
    pub(crate) fn fault(&self, problem: &'static str) -> Fault {
        Fault {
            problem,
            at: self.at,
        }
    }

    /// Goes past the value that is next, inside of `depth` containers.
    #[inline]
    pub(crate) fn value(&mut self, depth: usize) -> Result<Found, Fault> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{') => {
                self.members(depth, |_| {})?;
                Kind::Object
            }
            Some(b'[') => {
                self.elements(depth)?;
                Kind::Array
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Kind::Number
            }
            Some(b't') => self.word(b"true", Kind::Bool)?,
            Some(b'f') => self.word(b"false", Kind::Bool)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            Some(_) => return Err(self.fault("expected a value")),
            None => return Err(self.fault("unexpected end")),
        };
        Ok(Found {
            kind,
            start,
            end: self.at,
        })
    }

    /// Goes past the object that is next, inside of `depth` containers, and shows its members.
    pub(crate) fn members(
        &mut self,
        depth: usize,
        mut each: impl FnMut(Member),
    ) -> Result<(), Fault> {
        self.members_until(depth, |member| {
            each(member);
            None
        })
    }

    /// The same, until `each` knows where the object ends.
    pub(crate) fn members_until(
        &mut self,
        depth: usize,
        mut each: impl FnMut(Member) -> Option<usize>,
    ) -> Result<(), Fault> {
        self.open(depth)?;
        self.skip_space();
        if self.accept(b'}') {
            return Ok(());
        }
        loop {
            if let Some(end) = each(self.member(depth + 1)?) {
                self.at = end;
                return Ok(());
            }
            self.skip_space();
            if self.accept(b'}') {
                return Ok(());
            }
            if !self.accept(b',') {
                return Err(self.unexpected("expected , or }"));
            }
            self.skip_space();
        }
    }

    #[inline]
    fn member(&mut self, depth: usize) -> Result<Member, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("expected a key"));
        }
        let start = self.at;
        let key = Found {
            kind: self.string()?,
            start,
            end: self.at,
        };
        self.skip_space();
        if !self.accept(b':') {
            return Err(self.unexpected("expected :"));
        }
        self.skip_space();
        let value = self.value(depth)?;
        Ok(Member { key, value })
    }

    fn elements(&mut self, depth: usize) -> Result<(), Fault> {
        self.open(depth)?;
        self.skip_space();
        if self.accept(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.skip_space();
            if self.accept(b']') {
                return Ok(());
            }
            if !self.accept(b',') {
                return Err(self.unexpected("expected , or ]"));
            }
            self.skip_space();
        }
    }

    /// Goes past an opening bracket.
    fn open(&mut self, depth: usize) -> Result<(), Fault> {
        if depth >= MAX_DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes past the string that is next.
    #[inline]
    fn string(&mut self) -> Result<Kind, Fault> {
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = next_special(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Kind::String { escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault("control character in a string")),
                None => return Err(self.fault("unexpected end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.code_unit()? {
                0xD800..=0xDBFF => match self.code_unit()? {
                    0xDC00..=0xDFFF => Ok(()),
                    _ => Err(self.fault("lone surrogate")),
                },
                0xDC00..=0xDFFF => Err(self.fault("lone surrogate")),
                _ => Ok(()),
            },
            Some(_) => Err(self.fault("unknown escape")),
            None => Err(self.fault("unexpected end")),
        }
    }

    /// Goes past `\uXXXX`.
    fn code_unit(&mut self) -> Result<u32, Fault> {
        let unit = match self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            Some(&[b'\\', b'u', a, b, c, d]) => {
                [a, b, c, d].into_iter().try_fold(0, |unit, digit| {
                    Some(unit * 16 + char::from(digit).to_digit(16)?)
                })
            }
            _ => None,
        };
        let unit = unit.ok_or_else(|| self.fault("bad \\u escape"))?;
        self.at += 6;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.accept(b'-');
        if !self.accept(b'0') {
            self.digits()?;
        }
        if self.accept(b'.') {
            self.digits()?;
        }
        let mut is_suspect = false;
        if self.accept(b'e') || self.accept(b'E') {
            if !self.accept(b'-') {
                self.accept(b'+');
            }
            self.digits()?;
            is_suspect = true;
        }
        // Only these can be beyond what a double holds. Where exactly that begins, serde_json knows.
        is_suspect |= self.at - start > 300;
        let number = &self.bytes[start..self.at];
        if is_suspect && serde_json::from_slice::<serde_json::Value>(number).is_err() {
            return Err(self.fault("number out of range"));
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.unexpected("expected a digit"));
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Fault> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.fault("expected a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn unexpected(&self, expected: &'static str) -> Fault {
        self.fault(if self.is_at_end() {
            "unexpected end"
        } else {
            expected
        })
    }
}

/// The text of a string that was found, its escapes resolved.
pub(crate) fn decode(text: &str, string: Found) -> std::borrow::Cow<'_, str> {
    let inner = text.get(string.inner()).unwrap_or_default();
    if string.kind == (Kind::String { escaped: false }) {
        return inner.into();
    }
    // A string that the scanner passed is one that can be read.
    let mut decoded = Vec::with_capacity(inner.len());
    match unescape(inner, &mut decoded).then(|| String::from_utf8(decoded)) {
        Some(Ok(decoded)) => decoded.into(),
        _ => inner.into(),
    }
}

#[cfg(test)]
mod tests;
