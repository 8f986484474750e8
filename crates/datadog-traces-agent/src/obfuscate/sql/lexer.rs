//! Finds where literals, names and comments of a statement begin and end.
//!
//! Decides whether a statement can be read at all, and rewrites literals with backslashes so that every tokenizer reads
//! them alike. Changes nothing else, and knows no keyword.

use std::borrow::Cow;

use memchr::memmem;

use super::Dialect;

/// Bytes that may be searched in vain for the ends of dollar-quoted texts in one statement.
///
/// Every `$` might open one, so a text of nothing else would be searched as often as it is long.
const VAIN_SEARCH_BYTES: usize = 16 << 20;
/// How deep statements in dollar quotes are read; the tokenizer goes no deeper either.
const MAX_DEPTH: usize = 63;

/// What a backslash in a literal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backslash {
    /// The character after it is part of the literal.
    Escapes,
    /// Itself.
    Literal,
}

impl Backslash {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Escapes => Self::Literal,
            Self::Literal => Self::Escapes,
        }
    }
}

/// What to hand on of a literal that has to be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literals {
    /// Nothing, as it becomes `?`.
    Emptied,
    /// Its content.
    Kept,
}

/// A statement that ends within a literal, a quoted name or a comment, or that takes too long to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Whether a backslash was seen in a literal, so that its other meaning may help.
    pub(super) saw_backslash: bool,
}

/// How statements are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexer {
    pub(super) dialect: Dialect,
    pub(super) backslash: Backslash,
    pub(super) literals: Literals,
    /// Whether dollar quotes hold statements of their own, which have literals too.
    pub(super) dollar_quotes_are_statements: bool,
}

impl Lexer {
    /// The statement as the tokenizer shall see it.
    pub(super) fn prepare(self, statement: &str) -> Result<Cow<'_, str>, Unreadable> {
        let mut vain_search = VAIN_SEARCH_BYTES;
        self.prepare_at_depth(statement, 0, &mut vain_search)
    }

    fn prepare_at_depth<'a>(
        self,
        statement: &'a str,
        depth: usize,
        vain_search: &mut usize,
    ) -> Result<Cow<'a, str>, Unreadable> {
        let mut pass = Pass {
            lexer: self,
            text: statement,
            bytes: statement.as_bytes(),
            at: 0,
            copied: 0,
            rewritten: String::new(),
            saw_backslash: false,
            depth,
            vain_search,
        };
        match pass.run() {
            Some(()) => Ok(pass.finish()),
            None => Err(Unreadable {
                saw_backslash: pass.saw_backslash,
            }),
        }
    }
}

/// One walk over a statement. Steps answer with nothing when the statement cannot be read.
struct Pass<'a, 'b> {
    lexer: Lexer,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Up to where the text is in `rewritten`.
    copied: usize,
    /// The text with changes, once there are any.
    rewritten: String,
    saw_backslash: bool,
    depth: usize,
    vain_search: &'b mut usize,
}

impl<'a> Pass<'a, '_> {
    fn run(&mut self) -> Option<()> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\'' | b'"' | b'`' => self.quoted(byte)?,
                b'-' if self.peek(1) == Some(b'-') => self.skip_line(),
                b'/' if self.peek(1) == Some(b'/') => self.skip_line(),
                b'/' if self.peek(1) == Some(b'*') => self.block_comment()?,
                b'#' => self.hash(),
                b'$' => self.dollar()?,
                b'%' => self.percent(),
                b'[' if self.lexer.dialect == Dialect::SqlServer => self.skip_past(b']'),
                b':' if self
                    .peek(1)
                    .is_some_and(|next| opens_word(next) || next == b'#') =>
                {
                    self.skip_word();
                }
                _ if opens_word(byte) => self.skip_word(),
                _ => self.at += 1,
            }
        }
        Some(())
    }

    fn finish(mut self) -> Cow<'a, str> {
        if self.copied == 0 {
            return Cow::Borrowed(self.text);
        }
        self.copy_until(self.text.len());
        Cow::Owned(self.rewritten)
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..).unwrap_or_default()
    }

    fn skip_line(&mut self) {
        let rest = self.rest(self.at);
        self.at += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    }

    fn skip_past(&mut self, byte: u8) {
        let rest = self.rest(self.at);
        self.at += memchr::memchr(byte, rest).map_or(rest.len(), |end| end + 1);
    }

    fn skip_word(&mut self) {
        self.at += 1;
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) -> Option<()> {
        self.at += 2;
        self.at += memmem::find(self.rest(self.at), b"*/")? + 2;
        Some(())
    }

    /// A comment, except where `#` begins names or operators.
    fn hash(&mut self) {
        match (self.lexer.dialect, self.peek(1)) {
            (Dialect::SqlServer, Some(next))
                if next.is_ascii_alphanumeric() || matches!(next, b'_' | b'#') =>
            {
                self.skip_word();
            }
            (Dialect::Postgres, Some(b'>' | b'-')) => self.at += 2,
            _ => self.skip_line(),
        }
    }

    /// `%s` and `%(name)s` stand for values.
    fn percent(&mut self) {
        match self.peek(1) {
            Some(b'(') => self.skip_past(b')'),
            Some(next) if next.is_ascii_alphabetic() || matches!(next, b'_' | b'@' | b'#') => {
                self.at += 2;
            }
            _ => self.at += 1,
        }
    }

    /// A literal or a quoted name: it ends at its quote, unless that is doubled or escaped.
    fn quoted(&mut self, quote: u8) -> Option<()> {
        let start = self.at;
        let mut at = start + 1;
        let mut has_backslash = false;
        let end = loop {
            let found = at + memchr::memchr2(quote, b'\\', self.rest(at))?;
            let next = self.bytes.get(found + 1);
            if self.bytes.get(found) == Some(&b'\\') {
                has_backslash = true;
                self.saw_backslash = true;
                at = found + 1;
                if self.lexer.backslash == Backslash::Escapes {
                    // The end of the text cannot be escaped.
                    next?;
                    at += 1;
                }
            } else if next == Some(&quote) {
                at = found + 2;
            } else {
                break found;
            }
        };
        self.at = end + 1;
        if has_backslash {
            self.rewrite_quoted(start, end, quote);
        }
        Some(())
    }

    fn rewrite_quoted(&mut self, start: usize, end: usize, quote: u8) {
        let text = self.text;
        self.copy_until(start + 1);
        if quote != b'\'' || self.lexer.literals == Literals::Kept {
            let mut escaped = false;
            for char in text.get(start + 1..end).unwrap_or_default().chars() {
                let opens = self.lexer.backslash == Backslash::Escapes && char == '\\';
                if opens && !escaped {
                    escaped = true;
                    continue;
                }
                // A quote that is not escaped is doubled already.
                if escaped && char == char::from(quote) {
                    self.rewritten.push(char);
                }
                self.rewritten.push(char);
                escaped = false;
            }
        }
        self.copied = end;
    }

    /// `$1`, `$tag$text$tag$`, or a name.
    fn dollar(&mut self) -> Option<()> {
        let start = self.at;
        match self.peek(1) {
            Some(next) if next.is_ascii_alphabetic() || matches!(next, b'_' | b'$') => {}
            Some(next) if next.is_ascii_digit() => {
                self.at += 2;
                return Some(());
            }
            _ => {
                self.skip_word();
                return Some(());
            }
        }
        match self.dollar_quote(start) {
            Ok((inner, close, end)) => {
                if self.lexer.dollar_quotes_are_statements {
                    self.inner_statement(start, inner, close, end);
                }
                self.at = end;
            }
            Err(searched) => {
                *self.vain_search = self.vain_search.checked_sub(searched)?;
                self.skip_word();
            }
        }
        Some(())
    }

    /// Where the inner text begins, where it ends, and where its closing tag ends; else how much was searched.
    fn dollar_quote(&self, start: usize) -> Result<(usize, usize, usize), usize> {
        let rest = self.rest(start + 1);
        let tag_end = memchr::memchr2(b'$', b'\n', rest).ok_or(rest.len())?;
        if rest.get(tag_end) == Some(&b'\n') {
            return Err(tag_end);
        }
        let inner = start + tag_end + 2;
        let tag = self.bytes.get(start..inner).unwrap_or_default();
        let searched = self.rest(inner);
        let found = memmem::find(searched, tag).ok_or(tag_end + searched.len())?;
        Ok((inner, inner + found, inner + found + tag.len()))
    }

    /// A statement that cannot be read is handed on as a value.
    fn inner_statement(&mut self, start: usize, inner: usize, close: usize, end: usize) {
        let text = self.text;
        let statement = text.get(inner..close).unwrap_or_default();
        let depth = self.depth + 1;
        let prepared = if depth > MAX_DEPTH {
            Err(Unreadable {
                saw_backslash: false,
            })
        } else {
            self.lexer
                .prepare_at_depth(statement, depth, self.vain_search)
        };
        match prepared {
            Ok(Cow::Borrowed(_)) => {}
            Ok(Cow::Owned(changed)) => {
                self.copy_until(inner);
                self.rewritten.push_str(&changed);
                self.copied = close;
            }
            Err(_) if self.lexer.literals == Literals::Emptied => {
                self.copy_until(start);
                self.rewritten.push_str("''");
                self.copied = end;
            }
            Err(_) => {}
        }
    }

    fn copy_until(&mut self, end: usize) {
        let part = self.text.get(self.copied..end).unwrap_or_default();
        self.rewritten.push_str(part);
        self.copied = end;
    }
}

/// Whether a name may begin with a byte.
const fn opens_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'@') || byte > 127
}

/// Whether a byte may stand in a name.
const fn is_word(byte: u8) -> bool {
    opens_word(byte) || byte.is_ascii_digit() || matches!(byte, b'$' | b'#' | b'*' | b'.')
}
