//! Cuts a log line into tokens in one pass from left to right, and hashes its structure on the way.
//!
//! The tokens cover the line exactly, whatever its bytes, so a recogniser that errs costs size, never content.
//! No recogniser looks at a byte more often than a fixed number of times: hostile lines take linear time.

mod address;
mod class;
mod dispatch;
mod json;
mod number;
mod quoted;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod time;

use address::Lookahead;
use class::{SPACE, START, Start, run_end};
use signature::Signature;

pub use crate::token::Tokens;
use crate::token::{Flags, Kind};

/// How large a line may be to be cut into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of a line at most.
    pub max_tokens: usize,
    /// Bytes of a line at most; never more than 4 GiB.
    pub max_bytes: usize,
}

impl Default for Limits {
    /// 2,048 tokens and 64 KiB.
    fn default() -> Self {
        Self {
            max_tokens: 2_048,
            max_bytes: 65_536,
        }
    }
}

/// A line beyond the limits, which has no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// It has more tokens than allowed.
    #[error("the line has too many tokens")]
    Tokens,
    /// It has more bytes than allowed.
    #[error("the line has too many bytes")]
    Bytes,
}

/// Cuts lines into tokens, with buffers that serve one line after the other.
#[derive(Debug)]
pub struct Tokenizer {
    tokens: Tokens,
    signature: Signature,
    limits: Limits,
}

impl Tokenizer {
    /// A tokenizer whose signatures depend on the seed.
    pub fn new(seed: u64, limits: Limits) -> Self {
        Self {
            tokens: Tokens::default(),
            signature: Signature::new(seed),
            limits,
        }
    }

    /// Cuts a line into tokens, which [`Self::tokens`] then holds.
    ///
    /// # Errors
    /// The limit that the line exceeds; then there are no tokens.
    pub fn tokenize(&mut self, line: &[u8]) -> Result<(), TooLarge> {
        self.tokens.clear();
        if line.len() > self.limits.max_bytes || u32::try_from(line.len()).is_err() {
            return Err(TooLarge::Bytes);
        }
        let mut scan = Scan {
            tokens: &mut self.tokens,
            signature: self.signature,
            lookahead: Lookahead::default(),
            max_tokens: self.limits.max_tokens,
            method_seen: false,
            quotes: true,
        };
        let result = if json::is_likely(line) {
            json::scan(&mut scan, line)
        } else {
            scan.text(line, 0)
        };
        let signature = scan.signature.finish();
        match result {
            Ok(()) => self.tokens.seal(signature),
            Err(_) => self.tokens.clear(),
        }
        result
    }

    /// The tokens of the last line.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

/// A recognised token.
struct Found {
    kind: Kind,
    flags: Flags,
    end: usize,
}

/// What the signature takes of a token with a first byte and a length that count.
fn literal(kind: Kind, len: usize, first: u8) -> u64 {
    (len as u64) << 16 | u64::from(first) << 8 | u64::from(kind as u8)
}

/// The pass over one line.
struct Scan<'a> {
    tokens: &'a mut Tokens,
    signature: Signature,
    lookahead: Lookahead,
    max_tokens: usize,
    /// Whether the line has a method of HTTP.
    method_seen: bool,
    /// Whether quotes make their text a token.
    quotes: bool,
}

impl Scan<'_> {
    /// Tokenizes a line as text, from where its tokens so far end.
    fn text(&mut self, line: &[u8], from: usize) -> Result<(), TooLarge> {
        let mut pos = from;
        while let Some(&byte) = line.get(pos) {
            let found = match START[usize::from(byte)] {
                Start::Letter => self.letters(line, pos),
                Start::Digit => self.digits(line, pos),
                Start::Space => {
                    pos = self.space(line, pos)?;
                    continue;
                }
                Start::Sign => self.sign(line, pos),
                Start::Slash => self.slash(line, pos),
                Start::Colon => self.colon(line, pos),
                Start::Special | Start::Control => None,
            };
            pos = match found {
                Some(found) => {
                    self.token(found.kind, found.flags, found.end)?;
                    found.end
                }
                None if byte == b'"' && self.quotes => self.quote(line, pos)?,
                None => self.special(byte, pos)?,
            };
        }
        Ok(())
    }

    /// Adds a token that may differ between lines of one structure.
    fn token(&mut self, kind: Kind, flags: Flags, end: usize) -> Result<(), TooLarge> {
        self.signature.add(u64::from(kind as u8));
        self.push(kind, flags, end)
    }

    /// Adds a token of one byte.
    fn special(&mut self, byte: u8, start: usize) -> Result<usize, TooLarge> {
        let flags = match START[usize::from(byte)] {
            Start::Control => Flags::NOT_PLAIN,
            _ => Flags::NONE,
        };
        self.signature.add(literal(Kind::Special, 1, byte));
        self.push(Kind::Special, flags, start + 1)?;
        Ok(start + 1)
    }

    /// Adds a quote, with the text that it opens if it does.
    fn quote(&mut self, line: &[u8], start: usize) -> Result<usize, TooLarge> {
        let text = start + 1;
        self.special(b'"', start)?;
        let Some((end, flags)) = quoted::end(line, start) else {
            return Ok(text);
        };
        self.token(Kind::Quoted, flags, end)?;
        self.special(b'"', end)
    }

    /// Adds a run of white space; returns its end.
    fn space(&mut self, line: &[u8], start: usize) -> Result<usize, TooLarge> {
        let end = run_end(line, start, SPACE);
        let run = &line[start..end];
        let mut flags = Flags::NONE;
        self.signature.add(literal(Kind::Space, run.len(), run[0]));
        if run != b" " {
            self.signature.add_bytes(run);
            if !run.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
                flags = Flags::NOT_PLAIN;
            }
        }
        self.push(Kind::Space, flags, end)?;
        Ok(end)
    }

    /// Adds what stands between two values of JSON, if there is anything.
    fn structure(&mut self, line: &[u8], start: usize, end: usize) -> Result<(), TooLarge> {
        let bytes = &line[start..end];
        let Some(&first) = bytes.first() else {
            return Ok(());
        };
        self.signature
            .add(literal(Kind::Structure, bytes.len(), first));
        self.signature.add_bytes(bytes);
        let plain = bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let flags = if plain { Flags::NONE } else { Flags::NOT_PLAIN };
        self.push(Kind::Structure, flags, end)
    }

    fn push(&mut self, kind: Kind, flags: Flags, end: usize) -> Result<(), TooLarge> {
        if self.tokens.len() >= self.max_tokens {
            return Err(TooLarge::Tokens);
        }
        let end = u32::try_from(end).map_err(|_| TooLarge::Bytes)?;
        self.tokens.push(kind, flags, end);
        Ok(())
    }
}
