//! Chooses by the first bytes of a token which recognisers to try; most words try none.

use super::address::{self, Lookahead};
use super::class::{DIGIT, HEX, HIGH, Run, SPACE, Start, WORD, at, before, is, run_end};
use super::{number, text, time};
use crate::token::{Flags, Kind};

/// A recognised token.
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) flags: Flags,
    pub(super) end: usize,
}

impl Found {
    /// A token of printable bytes.
    #[inline]
    pub(super) fn new(kind: Kind, end: usize) -> Self {
        Self {
            kind,
            flags: Flags::NONE,
            end,
        }
    }

    /// A token that may hold any bytes.
    pub(super) fn printable_or_not(line: &[u8], start: usize, kind: Kind, end: usize) -> Self {
        let bytes = &line[start..end];
        let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        let flags = if plain { Flags::NONE } else { Flags::NOT_PLAIN };
        Self { kind, flags, end }
    }

    /// A token that may hold bytes beyond ASCII.
    fn plain_or_not(line: &[u8], start: usize, kind: Kind, end: usize) -> Self {
        let ascii = line[start..end].is_ascii();
        let flags = if ascii { Flags::NONE } else { Flags::NOT_PLAIN };
        Self { kind, flags, end }
    }
}

/// What the recognisers remember of a line.
#[derive(Debug, Default)]
pub(super) struct Recognisers {
    lookahead: Lookahead,
    /// Whether the line has a method of HTTP.
    method_seen: bool,
}

impl Recognisers {
    /// The token that starts in this way at an index, after tokens of these kinds, if neither with a letter nor digit.
    pub(super) fn find(&mut self, line: &[u8], start: usize, how: Start, kinds: &[Kind]) -> Found {
        let found = match how {
            Start::Space => Some(space(line, start)),
            Start::Sign => self.sign(line, start, kinds),
            Start::Slash => slash(line, start, kinds),
            Start::Colon => self.colon(line, start),
            Start::Control => Some(Found {
                flags: Flags::NOT_PLAIN,
                ..Found::new(Kind::Special, start + 1)
            }),
            Start::Letter | Start::Digit | Start::Special => None,
        };
        found.unwrap_or_else(|| Found::new(Kind::Special, start + 1))
    }

    /// The token that starts with a letter.
    pub(super) fn letters(&mut self, line: &[u8], start: usize, run: Run) -> Found {
        self.linked(line, start, run)
            .or_else(|| joined(line, run))
            .unwrap_or_else(|| self.word(line, start, run))
    }

    /// The token that goes on beyond the word with which it starts.
    fn linked(&mut self, line: &[u8], start: usize, run: Run) -> Option<Found> {
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
        found.map(|(kind, end)| Found::plain_or_not(line, start, kind, end))
    }

    /// The token that is a word by its look.
    fn word(&mut self, line: &[u8], start: usize, run: Run) -> Found {
        let word = &line[start..run.end];
        if run.has(DIGIT) {
            let klog = word.len() == 5 && matches!(word[0], b'I' | b'W' | b'E' | b'F');
            if klog && let Some(end) = time::klog(line, start) {
                return Found::new(Kind::Timestamp, end);
            }
            if number::is_hex(word, run.is_all(HEX)) {
                return Found::new(Kind::Hex, run.end);
            }
            return any_word(run);
        }
        if run.may_mean_something(line, start) {
            if let Some(kind) = text::keyword(word) {
                self.method_seen |= kind == Kind::HttpMethod;
                return Found::new(kind, run.end);
            }
            if word.len() == 3
                && let Some(end) = time::from_name(line, start)
            {
                return Found::new(Kind::Timestamp, end);
            }
        }
        any_word(run)
    }

    /// The token that starts with a digit.
    pub(super) fn digits(&mut self, line: &[u8], start: usize, run: Run, kinds: &[Kind]) -> Found {
        let only_digits = run.is_all(DIGIT);
        let digits = if only_digits {
            run.end
        } else {
            run_end(line, start, DIGIT)
        };
        if let Some(end) = time::from_digits(line, start, digits) {
            return Found::new(Kind::Timestamp, end);
        }
        if at(line, digits) == b'.'
            && let Some(end) = address::ipv4(line, start)
        {
            return self.longer(line, start, Found::new(Kind::Ipv4, end));
        }
        if let Some(linked) = self.linked(line, start, run) {
            return linked;
        }
        if !only_digits && number::is_hex(&line[start..run.end], run.is_all(HEX)) {
            return Found::new(Kind::Hex, run.end);
        }
        match number::number(line, start, digits) {
            Some(end)
                if end == digits && end - start == 3 && self.is_status(line, start, kinds) =>
            {
                Found::new(Kind::HttpStatus, end)
            }
            Some(end) if run.has(HIGH) => Found::plain_or_not(line, start, Kind::Number, end),
            // Only the first run of a fraction is known: the unit may be beyond ASCII.
            Some(end) if end > run.end => Found::plain_or_not(line, start, Kind::Number, end),
            Some(end) => Found::new(Kind::Number, end),
            None => any_word(run),
        }
    }

    /// An address of electronic mail that is longer than what was found, or else that.
    fn longer(&mut self, line: &[u8], start: usize, shorter: Found) -> Found {
        if !matches!(at(line, shorter.end), b'@' | b'-' | b'+' | b'%') {
            return shorter;
        }
        match self.lookahead.mail_or_uri(line, start) {
            Some((kind, end)) => Found::plain_or_not(line, start, kind, end),
            None => shorter,
        }
    }

    /// Whether three digits are the status of a response: 100 to 599, after what was asked for or its protocol.
    fn is_status(&self, line: &[u8], start: usize, kinds: &[Kind]) -> bool {
        let previous = match line[..start] {
            [ref previous @ .., b' '] if matches!(at(line, start), b'1'..=b'5') => previous,
            _ => return false,
        };
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
    fn sign(&mut self, line: &[u8], start: usize, kinds: &[Kind]) -> Option<Found> {
        let opens = matches!(
            before(line, start),
            b' ' | b'\t' | b'\n' | b'=' | b':' | b'(' | b',' | b'['
        );
        if !opens || !is(line, start + 1, DIGIT) {
            return None;
        }
        let number = self.digits(line, start + 1, Run::read(line, start + 1), kinds);
        (number.kind == Kind::Number).then_some(number)
    }

    /// An IPv6 address that starts with `::`.
    fn colon(&mut self, line: &[u8], start: usize) -> Option<Found> {
        if at(line, start + 1) != b':' || is(line, start.wrapping_sub(1), WORD) {
            return None;
        }
        let (kind, end) = self.lookahead.groups(line, start)?;
        Some(Found::new(kind, end))
    }
}

/// A word by default.
fn any_word(run: Run) -> Found {
    let digit = if run.has(DIGIT) {
        Flags::HAS_DIGIT
    } else {
        Flags::NONE
    };
    let high = if run.has(HIGH) {
        Flags::NOT_PLAIN
    } else {
        Flags::NONE
    };
    Found {
        kind: Kind::Word,
        flags: digit.with(high),
        end: run.end,
    }
}

/// An identifier that goes on behind `-` and `:` with parts that hold digits: `R02-M1-N0-C:J12`, `node-17`.
fn joined(line: &[u8], first: Run) -> Option<Found> {
    let (mut end, mut digit, mut high) = (first.end, first.has(DIGIT), first.has(HIGH));
    while let link @ (b'-' | b':') = at(line, end)
        && is(line, end + 1, WORD)
    {
        let part = Run::read(line, end + 1);
        let goes_on = match link {
            b'-' => digit || part.has(DIGIT),
            _ => digit && part.has(DIGIT),
        };
        if !goes_on {
            break;
        }
        digit |= part.has(DIGIT);
        high |= part.has(HIGH);
        end = part.end;
    }
    let flags = if high { Flags::NOT_PLAIN } else { Flags::NONE };
    (end > first.end).then_some(Found {
        kind: Kind::Word,
        flags: flags.with(Flags::HAS_DIGIT),
        end,
    })
}

/// A run of white space.
fn space(line: &[u8], start: usize) -> Found {
    let end = run_end(line, start, SPACE);
    let plain = line[start..end]
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t'));
    let flags = if plain { Flags::NONE } else { Flags::NOT_PLAIN };
    Found {
        flags,
        ..Found::new(Kind::Space, end)
    }
}

/// A path; after a method of HTTP it may be the root alone, and has its query with it in the log of a server.
fn slash(line: &[u8], start: usize, kinds: &[Kind]) -> Option<Found> {
    let asked = matches!(kinds, [.., Kind::HttpMethod, Kind::Space]);
    if asked && is_request_line(&line[..start]) {
        let end = run_until(line, start, |byte| {
            matches!(byte, b' ' | b'"' | b'\\' | b'\t')
        });
        return Some(Found::printable_or_not(line, start, Kind::Path, end));
    }
    if let Some(end) = address::path(line, start) {
        return Some(Found::plain_or_not(line, start, Kind::Path, end));
    }
    (asked && !is(line, start + 1, WORD)).then(|| Found::new(Kind::Path, start + 1))
}

/// Whether a method and a space stand right behind a quote, as in the log of a server.
fn is_request_line(before: &[u8]) -> bool {
    let method = before.strip_suffix(b" ").unwrap_or(before);
    let letters = method
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    method[..method.len() - letters].ends_with(b"\"")
}

fn run_until(line: &[u8], start: usize, ends: impl Fn(&u8) -> bool) -> usize {
    let rest = &line[start..];
    start + rest.iter().position(ends).unwrap_or(rest.len())
}
