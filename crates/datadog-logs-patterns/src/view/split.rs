//! Splits a sample into the tokens that people see: words, punctuation and values that surely vary.
//!
//! Coarser than the tokens of the wire, and it forgets how much space there was:
//! a path, a quoted text, the value behind `=` are one token each.
//! Reads at most [`MAX_BYTES`] of a sample and gives about [`MAX_TOKENS`] tokens;
//! one value stands for what is left out.

use std::ops::Range;

use super::VariableKind;
use super::{notation, shape};

/// Tokens of one sample; what follows is left out.
pub(super) const MAX_TOKENS: usize = 128;

/// Bytes of one sample; what follows is left out.
pub(super) const MAX_BYTES: usize = 2048;

/// The longest text between quotes or brackets that is one value, in bytes.
const MAX_VALUE: usize = 512;

/// Bytes of one sample that are looked at in search of the ends of quotes and brackets.
///
/// A sample that needs more is a strange one: its other quotes and brackets are marks.
const LOOK_AHEAD: usize = 2 * MAX_BYTES;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A word that may belong to the message.
    Word,
    /// Punctuation.
    Mark,
    /// A value.
    Variable(VariableKind),
}

/// A piece of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Where it is in the sample; empty for a value that is not there, as in `user= host=a`.
    pub(super) range: Range<usize>,
    /// Whether space precedes it.
    pub(super) spaced: bool,
}

/// Splits a sample, of which the given ranges are known to vary.
pub(super) fn split(sample: &[u8], variable: &[Range<u32>]) -> Vec<Token> {
    let mut splitter = Splitter {
        text: read(sample),
        at: 0,
        budget: LOOK_AHEAD,
        message_end: None,
        tokens: Vec::new(),
    };
    splitter.run();
    splitter.leave_out(sample.len());
    let mut tokens = splitter.tokens;
    mark_known(&mut tokens, variable);
    tokens
}

/// The piece of a sample that is read: not beyond [`MAX_BYTES`], and no half of a word at its end.
fn read(sample: &[u8]) -> &[u8] {
    let Some(head) = sample.get(..MAX_BYTES).filter(|_| sample.len() > MAX_BYTES) else {
        return sample;
    };
    let last_space = head.iter().rposition(|byte| is_space(*byte));
    let end = last_space.filter(|at| *at >= MAX_BYTES / 2);
    &head[..end.unwrap_or(MAX_BYTES)]
}

/// Words that overlap a range which is known to vary are variable.
fn mark_known(tokens: &mut [Token], variable: &[Range<u32>]) {
    let mut known = variable.iter().peekable();
    for token in tokens {
        while known
            .next_if(|range| range.end as usize <= token.range.start)
            .is_some()
        {}
        let overlaps = known
            .peek()
            .is_some_and(|range| (range.start as usize) < token.range.end);
        if overlaps && token.kind == TokenKind::Word {
            token.kind = TokenKind::Variable(VariableKind::Text);
        }
    }
}

struct Splitter<'a> {
    text: &'a [u8],
    at: usize,
    /// What is left of [`LOOK_AHEAD`].
    budget: usize,
    /// The quote that closes the message, once the message was entered.
    message_end: Option<usize>,
    tokens: Vec<Token>,
}

impl<'a> Splitter<'a> {
    fn run(&mut self) {
        while self.tokens.len() < MAX_TOKENS {
            let spaced = self.skip_space();
            let Some(byte) = self.peek(0) else { return };
            match byte {
                b'=' => self.equals(spaced),
                b'"' | b'\'' => self.quote(byte, spaced),
                b'<' if self.is_comparison() => self.word(spaced),
                b':' if notation::ipv6(&self.text[self.at..]).is_some() => self.word(spaced),
                _ if self.is_word_start() => self.word(spaced),
                _ => self.mark(spaced),
            }
        }
    }

    /// One value for what follows the tokens, if anything does and they do not end in a value.
    fn leave_out(&mut self, whole: usize) {
        let spaced = self.skip_space();
        let ends_in_value = self
            .tokens
            .last()
            .is_some_and(|token| matches!(token.kind, TokenKind::Variable(_)));
        if self.at < whole && !ends_in_value {
            self.push(
                TokenKind::Variable(VariableKind::Text),
                self.at..self.at,
                spaced,
            );
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn skip_space(&mut self) -> bool {
        let start = self.at;
        while self.peek(0).is_some_and(is_space) {
            self.at += 1;
        }
        self.at > start
    }

    fn push(&mut self, kind: TokenKind, range: Range<usize>, spaced: bool) {
        self.tokens.push(Token {
            kind,
            range,
            spaced,
        });
    }

    /// One mark, or a run of the same mark as in `.....`.
    fn mark(&mut self, spaced: bool) {
        let start = self.at;
        let byte = self.text[start];
        let run = if matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>') {
            1
        } else {
            self.text[start..]
                .iter()
                .take_while(|b| **b == byte)
                .count()
        };
        self.at = start + run;
        self.push(TokenKind::Mark, start..self.at, spaced);
        let is_empty_value = spaced
            && matches!(
                (byte, self.peek(0)),
                (b'(', Some(b')')) | (b'[', Some(b']'))
            );
        if is_empty_value {
            self.push(
                TokenKind::Variable(VariableKind::Text),
                self.at..self.at,
                false,
            );
        }
    }

    /// `=` and the value behind it, which may be empty; other operators are marks.
    fn equals(&mut self, spaced: bool) {
        let start = self.at;
        let before = start.checked_sub(1).map(|at| self.text[at]);
        let longer = matches!(self.peek(1), Some(b'=' | b'>' | b'~'));
        let compares = longer || matches!(before, Some(b'!' | b'<'));
        self.at += if longer { 2 } else { 1 };
        self.push(TokenKind::Mark, start..self.at, spaced);
        if !compares && !self.follows_message_key(start) {
            self.value();
        }
    }

    /// The value of a key, as one token.
    fn value(&mut self) {
        let after = self.at;
        let spaced = self.skip_space();
        let start = self.at;
        let end = self.value_end(start);
        let is_next_key = spaced && self.is_key(start, end);
        if end == start || is_next_key {
            self.at = after;
            self.push(TokenKind::Variable(VariableKind::Text), after..after, false);
            return;
        }
        let kind = shape::variable(&self.text[start..end]).unwrap_or(VariableKind::Text);
        let end = end + self.continued(kind, end);
        self.at = end;
        self.push(TokenKind::Variable(kind), start..end, spaced);
    }

    /// How many bytes behind a value belong to it: a unit, a time of day.
    fn continued(&self, kind: VariableKind, end: usize) -> usize {
        let rest = &self.text[end..];
        let more = match kind {
            VariableKind::Number => notation::unit(rest),
            VariableKind::Timestamp => notation::time_after_date(rest),
            _ => None,
        };
        more.unwrap_or(0)
    }

    /// Whether what stands there is the next key rather than the value of the last.
    fn is_key(&self, start: usize, end: usize) -> bool {
        let word = self.text[start..end]
            .iter()
            .take_while(|b| is_word(**b))
            .count();
        matches!(self.text.get(start + word), Some(b'=' | b':'))
    }

    /// Where the value that starts there ends: at space or a separator outside of brackets and quotes.
    fn value_end(&mut self, start: usize) -> usize {
        let mut at = start;
        while let Some(byte) = self.text.get(at).copied() {
            let skipped = match byte {
                b'"' => self.quoted_end(at, byte),
                b'(' | b'[' | b'{' | b'<' => self.bracket_end(at),
                b')' | b']' | b'}' | b'>' | b',' | b';' => None,
                _ if is_space(byte) => None,
                _ => Some(at + 1),
            };
            match skipped {
                Some(end) => at = end,
                None => break,
            }
        }
        without_full_stop(self.text, start, at)
    }

    /// The end of the bracket that opens there, if it closes nearby.
    fn bracket_end(&mut self, open: usize) -> Option<usize> {
        let text = self.look_ahead(open);
        let mut depth = 0_usize;
        let closes = text.iter().position(|byte| {
            match byte {
                b'(' | b'[' | b'{' | b'<' => depth += 1,
                b')' | b']' | b'}' | b'>' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        closes.map(|length| open + length + 1)
    }

    /// The text from there on, as far as a value may reach; empty once too much was looked at.
    fn look_ahead(&mut self, from: usize) -> &'a [u8] {
        let length = (self.text.len() - from).min(MAX_VALUE);
        match self.budget.checked_sub(length) {
            Some(left) => {
                self.budget = left;
                &self.text[from..from + length]
            }
            None => &[],
        }
    }

    /// Text between quotes is one value, unless it is a key or the message itself.
    fn quote(&mut self, quote: u8, spaced: bool) {
        let start = self.at;
        let closes_message = self.message_end == Some(start);
        let Some(end) = self.quoted_end(start, quote).filter(|_| !closes_message) else {
            return self.mark(spaced);
        };
        let is_key = matches!(self.text.get(end), Some(b':' | b'='));
        if is_key {
            self.at = end;
            self.push(TokenKind::Word, start..end, spaced);
        } else if self.follows_message_key(start) {
            self.message_end = Some(end - 1);
            self.at += 1;
            self.push(TokenKind::Mark, start..start + 1, spaced);
        } else if let Some(length) = notation::request_method(&self.text[start + 1..end]) {
            let method = start + 1..start + 1 + length;
            self.push(TokenKind::Mark, start..start + 1, spaced);
            self.push(TokenKind::Word, method.clone(), false);
            self.variable(VariableKind::Text, method.end + 1..end - 1, true);
            self.at = end;
            self.push(TokenKind::Mark, end - 1..end, false);
        } else {
            self.variable(VariableKind::Text, start..end, spaced);
        }
    }

    /// Behind the closing quote, if there is one nearby and the quote is no apostrophe.
    fn quoted_end(&mut self, open: usize, quote: u8) -> Option<usize> {
        let before = open.checked_sub(1).map(|at| self.text[at]);
        if before.is_some_and(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let text = self.look_ahead(open);
        let mut escaped = false;
        let closes = (1..text.len()).find(|at| {
            let byte = text[*at];
            let in_word = text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
            let closes = byte == quote && !escaped && !in_word;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        closes.map(|length| open + length + 1)
    }

    /// Whether the key before this place says that the message itself follows.
    fn follows_message_key(&self, at: usize) -> bool {
        let mut keys = self
            .tokens
            .iter()
            .rev()
            .skip_while(|token| token.kind == TokenKind::Mark);
        keys.next().is_some_and(|key| {
            let name = &self.text[key.range.clone()];
            let near = at - key.range.end <= 3;
            let separated = self.text[key.range.end..=at]
                .iter()
                .any(|b| matches!(b, b'=' | b':'));
            near && separated && shape::is_message_key(name)
        })
    }

    fn word(&mut self, spaced: bool) {
        let start = self.at;
        let rest = &self.text[start..];
        if let Some((kind, length)) = with_notation(rest) {
            return self.variable(kind, start..start + length, spaced);
        }
        let end = self.word_end(start);
        match shape::variable(&self.text[start..end]) {
            Some(kind) => {
                let end = end + self.continued(kind, end);
                self.variable(kind, start..end, spaced);
            }
            None => {
                self.at = end;
                self.push(TokenKind::Word, start..end, spaced);
            }
        }
    }

    /// Whether a letter or a digit stands in the run that starts here; without it, it is marks.
    fn is_word_start(&self) -> bool {
        let end = self.run_end(self.at);
        let run = &self.text[self.at..end];
        run.iter().any(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
    }

    fn variable(&mut self, kind: VariableKind, range: Range<usize>, spaced: bool) {
        self.at = range.end;
        self.push(TokenKind::Variable(kind), range, spaced);
    }

    /// Whether `<` says that a number is less, as in `<1 ms`, and opens no bracket.
    fn is_comparison(&self) -> bool {
        let digits = self.text[self.at + 1..]
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        digits > 0
            && self
                .peek(digits + 1)
                .is_some_and(|b| is_space(b) || b.is_ascii_alphabetic())
    }

    /// Where the word that starts there ends.
    ///
    /// A colon belongs to a word with digits when a run with digits follows: `10:24`, `10.0.0.1:80`, `C3:J12`.
    fn word_end(&self, start: usize) -> usize {
        let first = start + usize::from(self.text[start] == b'<');
        let mut end = self.run_end(first);
        if self.text[end..].starts_with(b"://") && end > start {
            return without_full_stop(self.text, start, self.uri_end(end));
        }
        while self.text.get(end) == Some(&b':') && has_digit(&self.text[start..end]) {
            let next = self.run_end(end + 1);
            if !has_digit(&self.text[end + 1..next]) {
                break;
            }
            end = next;
        }
        without_full_stop(self.text, start, end)
    }

    fn uri_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let stops = |b: &u8| {
            is_space(*b) || matches!(b, b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b',' | b';')
        };
        at + rest.iter().position(stops).unwrap_or(rest.len())
    }

    /// The end of a run of word bytes; two dots end it.
    fn run_end(&self, start: usize) -> usize {
        let mut at = start;
        while let Some(byte) = self.text.get(at) {
            let dots = *byte == b'.' && self.text.get(at + 1) == Some(&b'.');
            if !is_word(*byte) || dots {
                break;
            }
            at += 1;
        }
        at
    }
}

/// A value that a notation with space or colons says to begin there.
fn with_notation(text: &[u8]) -> Option<(VariableKind, usize)> {
    let date = notation::date(text).map(|length| (VariableKind::Timestamp, length));
    let address = || notation::ipv6(text).map(|length| (VariableKind::Ip, length));
    let hardware = || notation::hardware_address(text).map(|length| (VariableKind::Hex, length));
    let place = || notation::numbered_place(text).map(|length| (VariableKind::Text, length));
    date.or_else(address).or_else(hardware).or_else(place)
}

/// Leaves a full stop or the like to the sentence.
fn without_full_stop(text: &[u8], start: usize, end: usize) -> usize {
    let stops = text[start..end]
        .iter()
        .rev()
        .take_while(|b| matches!(b, b'.' | b'!' | b'?'))
        .count();
    (end - stops).max(start + 1).min(end)
}

fn has_digit(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(
            byte,
            b'_' | b'-'
                | b'.'
                | b'/'
                | b'\\'
                | b'@'
                | b'#'
                | b'$'
                | b'*'
                | b'+'
                | b'%'
                | b'&'
                | b'~'
        )
}

#[cfg(test)]
mod tests;
