//! Chooses by the first bytes of a token which recognisers to try; most words try none.

use super::class::{CLASS, DIGIT, HEX, HIGH, WORD, at, before, is};
use super::{Found, Scan, address, number, text, time};
use crate::token::{Flags, Kind};

/// A run of the bytes of words.
struct Run {
    end: usize,
    /// The classes that any of the bytes has.
    any: u8,
    /// The classes that all of the bytes have.
    all: u8,
}

impl Run {
    fn read(line: &[u8], start: usize) -> Self {
        let (mut end, mut any, mut all) = (start, 0, u8::MAX);
        while let Some(&byte) = line.get(end) {
            let classes = CLASS[usize::from(byte)];
            if classes & WORD == 0 {
                break;
            }
            any |= classes;
            all &= classes;
            end += 1;
        }
        Self { end, any, all }
    }

    fn is_all(&self, classes: u8) -> bool {
        self.all & classes != 0
    }

    fn has(&self, classes: u8) -> bool {
        self.any & classes != 0
    }

    fn word(&self) -> Found {
        let digit = if self.has(DIGIT) {
            Flags::HAS_DIGIT
        } else {
            Flags::NONE
        };
        let high = if self.has(HIGH) {
            Flags::NOT_PLAIN
        } else {
            Flags::NONE
        };
        Found {
            kind: Kind::Word,
            flags: digit.with(high),
            end: self.end,
        }
    }
}

impl Scan<'_> {
    /// The token that starts with a letter.
    pub(super) fn letters(&mut self, line: &[u8], start: usize) -> Option<Found> {
        let run = Run::read(line, start);
        if let Some(found) = self.linked(line, start, &run) {
            return Some(found);
        }
        if matches!(at(line, run.end), b'-' | b':')
            && let Some(joined) = joined(line, run.end, run.has(DIGIT), run.has(HIGH))
        {
            return Some(joined);
        }
        Some(self.word(line, start, &run))
    }

    /// The token that goes on beyond the word with which it starts.
    fn linked(&mut self, line: &[u8], start: usize, run: &Run) -> Option<Found> {
        let found = match at(line, run.end) {
            b':' => address::uri(line, start, run.end)
                .map(|end| (Kind::Uri, end))
                .or_else(|| {
                    let groups = run.end - start <= 4 && run.is_all(HEX);
                    groups.then(|| self.lookahead.groups(line, start))?
                }),
            b'-' if run.is_all(HEX) && run.end - start == 8 => {
                number::uuid(line, start, run.end).map(|end| (Kind::Uuid, end))
            }
            _ => None,
        };
        let found = found.or_else(|| match at(line, run.end) {
            b'@' | b'.' | b'-' | b'+' | b'%' => self.lookahead.mail_or_uri(line, start),
            _ => None,
        });
        found.map(|(kind, end)| plain_or_not(line, start, kind, end))
    }

    /// The token that is a word by its look.
    fn word(&mut self, line: &[u8], start: usize, run: &Run) -> Found {
        let word = &line[start..run.end];
        if run.has(DIGIT) {
            let klog = word.len() == 5 && matches!(word[0], b'I' | b'W' | b'E' | b'F');
            if klog && let Some(end) = time::klog(line, start) {
                return found(Kind::Timestamp, end);
            }
            if number::is_hex(word, run.is_all(HEX)) {
                return found(Kind::Hex, run.end);
            }
            return run.word();
        }
        if text::may_mean_something(word[0], word.len()) {
            if let Some(kind) = text::keyword(word) {
                self.method_seen |= kind == Kind::HttpMethod;
                return found(kind, run.end);
            }
            if word.len() == 3
                && let Some(end) = time::from_name(line, start)
            {
                return found(Kind::Timestamp, end);
            }
        }
        run.word()
    }

    /// The token that starts with a digit.
    pub(super) fn digits(&mut self, line: &[u8], start: usize) -> Option<Found> {
        let run = Run::read(line, start);
        let digits = match run.is_all(DIGIT) {
            true => run.end,
            false => super::run_end(line, start, DIGIT),
        };
        if let Some(end) = time::from_digits(line, start, digits) {
            return Some(found(Kind::Timestamp, end));
        }
        if at(line, digits) == b'.'
            && let Some(end) = address::ipv4(line, start)
        {
            return Some(self.longer(line, start, found(Kind::Ipv4, end)));
        }
        if let Some(linked) = self.linked(line, start, &run) {
            return Some(linked);
        }
        if !run.is_all(DIGIT) && number::is_hex(&line[start..run.end], run.is_all(HEX)) {
            return Some(found(Kind::Hex, run.end));
        }
        if let Some(end) = number::number(line, start, digits) {
            let status = digits - start == 3 && end == digits && self.is_status(line, start);
            let kind = if status {
                Kind::HttpStatus
            } else {
                Kind::Number
            };
            return Some(plain_or_not(line, start, kind, end));
        }
        Some(run.word())
    }

    /// An address of electronic mail that is longer than what was found, or else that.
    fn longer(&mut self, line: &[u8], start: usize, shorter: Found) -> Found {
        if !matches!(at(line, shorter.end), b'@' | b'-' | b'+' | b'%') {
            return shorter;
        }
        match self.lookahead.mail_or_uri(line, start) {
            Some((kind, end)) => plain_or_not(line, start, kind, end),
            None => shorter,
        }
    }

    /// Whether three digits are the status of a response: 100 to 599, after what was asked for or its protocol.
    fn is_status(&self, line: &[u8], start: usize) -> bool {
        let previous = match line[..start] {
            [ref previous @ .., b' '] if matches!(at(line, start), b'1'..=b'5') => previous,
            _ => return false,
        };
        let kinds = self.tokens.kinds();
        let quoted = matches!(previous, [.., b'"' | b'\'']);
        let asked = matches!(
            kinds,
            [
                ..,
                Kind::HttpMethod,
                Kind::Space,
                Kind::Path | Kind::Uri,
                Kind::Space
            ]
        );
        let protocol = matches!(
            previous,
            [.., b'H', b'T', b'T', b'P', b'/', b'1'..=b'3']
                | [
                    ..,
                    b'H',
                    b'T',
                    b'T',
                    b'P',
                    b'/',
                    b'0'..=b'3',
                    b'.',
                    b'0'..=b'9'
                ]
        );
        protocol || asked || (quoted && self.method_seen)
    }

    /// A number with a sign.
    pub(super) fn sign(&mut self, line: &[u8], start: usize) -> Option<Found> {
        let opens = matches!(
            before(line, start),
            b' ' | b'\t' | b'\n' | b'=' | b':' | b'(' | b',' | b'['
        );
        if !opens || !is(line, start + 1, DIGIT) {
            return None;
        }
        let number = self.digits(line, start + 1)?;
        (number.kind == Kind::Number).then_some(number)
    }

    /// A path; the root alone is one after a method of HTTP.
    pub(super) fn slash(&mut self, line: &[u8], start: usize) -> Option<Found> {
        if matches!(self.tokens.kinds(), [.., Kind::HttpMethod, Kind::Space]) {
            let rest = &line[start..];
            let len = memchr::memchr3(b' ', b'"', b'\t', rest).unwrap_or(rest.len());
            return Some(plain_or_not(line, start, Kind::Path, start + len));
        }
        if let Some(end) = address::path(line, start) {
            return Some(plain_or_not(line, start, Kind::Path, end));
        }
        let asked = matches!(self.tokens.kinds(), [.., Kind::HttpMethod, Kind::Space]);
        (asked && !is(line, start + 1, WORD)).then(|| found(Kind::Path, start + 1))
    }

    /// An IPv6 address that starts with `::`.
    pub(super) fn colon(&mut self, line: &[u8], start: usize) -> Option<Found> {
        if at(line, start + 1) != b':' || is(line, start.wrapping_sub(1), WORD) {
            return None;
        }
        let (kind, end) = self.lookahead.groups(line, start)?;
        Some(found(kind, end))
    }
}

/// An identifier that goes on behind `-` and `:` with parts that hold digits: `R02-M1-N0-C:J12`, `node-17`.
fn joined(line: &[u8], first_end: usize, mut digit: bool, mut high: bool) -> Option<Found> {
    let mut end = first_end;
    loop {
        let link = at(line, end);
        if !matches!(link, b'-' | b':') || !is(line, end + 1, WORD) {
            break;
        }
        let next = Run::read(line, end + 1);
        let goes_on = match link {
            b'-' => digit || next.has(DIGIT),
            _ => digit && next.has(DIGIT),
        };
        if !goes_on {
            break;
        }
        digit |= next.has(DIGIT);
        high |= next.has(HIGH);
        end = next.end;
    }
    let flags = if high { Flags::NOT_PLAIN } else { Flags::NONE };
    (end > first_end).then_some(Found {
        kind: Kind::Word,
        flags: flags.with(Flags::HAS_DIGIT),
        end,
    })
}

/// A token of printable bytes.
fn found(kind: Kind, end: usize) -> Found {
    Found {
        kind,
        flags: Flags::NONE,
        end,
    }
}

/// A token that may hold bytes beyond ASCII.
fn plain_or_not(line: &[u8], start: usize, kind: Kind, end: usize) -> Found {
    let flags = match line[start..end].is_ascii() {
        true => Flags::NONE,
        false => Flags::NOT_PLAIN,
    };
    Found { kind, flags, end }
}
