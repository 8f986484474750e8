//! Cuts a log line into tokens in one pass from left to right, and hashes its structure on the way.
//!
//! The tokens cover the line exactly, whatever its bytes, so a recogniser that errs costs size, never content.
//! No recogniser looks at a byte more often than a fixed number of times: hostile lines take linear time.

mod address;
#[cfg(any(test, fuzzing))]
pub mod checks;
mod class;
mod dispatch;
mod json;
mod number;
mod output;
mod quoted;
mod signature;
#[cfg(test)]
mod tests;
mod text;
mod time;

use std::mem;

use class::{Run, SPACE, START, Start, is};
use dispatch::{Found, Recognisers};
use output::{Output, code};
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
#[derive(Debug, Clone)]
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
        let room = line.len().min(self.limits.max_tokens);
        let mut scan = Scan {
            line,
            recognisers: Recognisers::default(),
            output: Output::new(self.tokens.begin(room), self.signature),
        };
        let result = if json::is_likely(line) {
            json::scan(&mut scan, line)
        } else {
            scan.text(line, 0)
        };
        let (len, signature) = scan.output.finish();
        match result {
            Ok(()) => self.tokens.seal(len, signature),
            Err(_) => self.tokens.clear(),
        }
        result
    }

    /// The tokens of the last line.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }
}

/// The pass over one line.
struct Scan<'a> {
    line: &'a [u8],
    recognisers: Recognisers,
    output: Output<'a>,
}

impl Scan<'_> {
    /// Tokenizes a line as text, from where its tokens so far end.
    ///
    /// Works on copies of its state, which the compiler can keep in registers.
    fn text(&mut self, line: &[u8], from: usize) -> Result<(), TooLarge> {
        let mut output = mem::take(&mut self.output);
        let mut start = from;
        while let Some(&first) = line.get(start) {
            let found = match START[usize::from(first)] {
                Start::Letter => {
                    let run = Run::read(line, start);
                    let found = match run.is_plain_word(line, start) {
                        true => Found::new(Kind::Word, run.end),
                        false => self.recognisers.letters(line, start, run),
                    };
                    output.signature.add_code(code(found.kind, 0));
                    found
                }
                Start::Space if first == b' ' && !is(line, start + 1, SPACE) => {
                    output.signature.add_code(code(Kind::Space, first));
                    Found::new(Kind::Space, start + 1)
                }
                Start::Special => {
                    output.signature.add_code(code(Kind::Special, first));
                    let special = Found::new(Kind::Special, start + 1);
                    if first == b'"'
                        && let Some(quoted) = quoted::text(line, start)
                    {
                        output.push(&special)?;
                        output.signature.add_code(code(Kind::Quoted, 0));
                        output.push(&quoted)?;
                        output.signature.add_code(code(Kind::Special, first));
                        Found::new(Kind::Special, quoted.end + 1)
                    } else {
                        special
                    }
                }
                Start::Digit => {
                    let run = Run::read(line, start);
                    let found = self.recognisers.digits(line, start, run, output.kinds());
                    output.signature.add_code(code(found.kind, 0));
                    found
                }
                other => {
                    let found = self.recognisers.find(line, start, other, output.kinds());
                    output.sign(&found, &line[start..found.end]);
                    found
                }
            };
            output.push(&found)?;
            start = found.end;
        }
        self.output = output;
        Ok(())
    }

    /// Adds a value of JSON that is no string.
    fn value(&mut self, kind: Kind, end: usize) -> Result<(), TooLarge> {
        let found = Found::new(kind, end);
        self.output.sign(&found, &[]);
        self.output.push(&found)
    }

    /// Adds what stands between two values of JSON, if there is anything.
    fn structure(&mut self, start: usize, end: usize) -> Result<(), TooLarge> {
        let bytes = &self.line[start..end];
        if bytes.is_empty() {
            return Ok(());
        }
        // Looks at all bytes: without a way out the compiler looks at many at once.
        let odd = bytes.iter().fold(false, |odd, byte| {
            odd | !matches!(byte, b'\t' | b' '..=b'~')
        });
        let found = Found {
            flags: if odd { Flags::NOT_PLAIN } else { Flags::NONE },
            ..Found::new(Kind::Structure, end)
        };
        self.output.sign(&found, bytes);
        self.output.push(&found)
    }
}
