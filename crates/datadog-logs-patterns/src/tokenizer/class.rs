//! What each byte may be part of: one table, looked up once a byte.

use super::text::LENGTHS;

/// Part of a word: letter, digit, `_` or a byte beyond ASCII.
pub(super) const WORD: u8 = 1;
/// A decimal digit.
pub(super) const DIGIT: u8 = 1 << 1;
/// A hexadecimal digit.
pub(super) const HEX: u8 = 1 << 2;
/// A byte beyond ASCII.
pub(super) const HIGH: u8 = 1 << 3;
/// Part of the local part of an electronic mail address; the characters of a scheme are among them.
pub(super) const LOCAL: u8 = 1 << 4;
/// White space.
pub(super) const SPACE: u8 = 1 << 5;
/// Ends a URI.
pub(super) const ENDS_URI: u8 = 1 << 6;
/// Ends a path; whatever ends a URI does too.
pub(super) const ENDS_PATH: u8 = 1 << 7;

/// The classes of each byte.
pub(super) static CLASS: [u8; 256] = classes();

/// How a token that starts with a byte is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Letter,
    Digit,
    Space,
    Sign,
    Slash,
    Colon,
    Special,
    Control,
}

/// How a token is recognised by its first byte.
pub(super) static START: [Start; 256] = starts();

/// What each byte says of a word of letters by standing first, last or behind.
static HINTS: [Hints; 256] = hints();

/// What a byte says of a word of letters.
struct Hints {
    /// Not 0 if a byte behind a word links it to something longer.
    link: u16,
    /// The lengths of words with this first byte that may mean something, as bits.
    first: u16,
    /// The lengths of words with this last byte that may mean something, as bits.
    last: u16,
}

/// A run of the bytes of words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Where it ends.
    pub(super) end: usize,
    /// The classes that any of the bytes has.
    any: u8,
    /// The classes that all of the bytes have.
    all: u8,
}

impl Run {
    /// The run that starts at an index.
    ///
    /// A loop, as lines of one log are so alike that the processor guesses where words end,
    /// which is faster than to compute it from many bytes at once.
    #[inline]
    pub(super) fn read(line: &[u8], start: usize) -> Self {
        let (mut end, mut any, mut all) = (start, 0, u8::MAX);
        while let Some(&byte) = line.get(end) {
            let classes = class(byte);
            if classes & WORD == 0 {
                break;
            }
            any |= classes;
            all &= classes;
            end += 1;
        }
        Self { end, any, all }
    }

    /// Whether all of the bytes are of a class.
    pub(super) fn is_all(self, class: u8) -> bool {
        self.all & class != 0
    }

    /// Whether any of the bytes is of a class.
    pub(super) fn has(self, class: u8) -> bool {
        self.any & class != 0
    }

    /// Whether the run, which is not empty, is nothing but a word of ASCII letters; that is so for most.
    #[inline]
    pub(super) fn is_plain_word(self, line: &[u8], start: usize) -> bool {
        let hints =
            [start, self.end - 1, self.end].map(|index| &HINTS[usize::from(at(line, index))]);
        let [first, last, behind] = hints;
        let meaning = match u32::try_from(self.end - start) {
            Ok(len) => (first.first & last.last).unbounded_shr(len) & 1,
            Err(_) => 0,
        };
        behind.link | meaning | u16::from(self.any & (DIGIT | HIGH)) == 0
    }

    /// Whether the run of letters may be a severity or a method of HTTP, or begin a date.
    pub(super) fn may_mean_something(self, line: &[u8], start: usize) -> bool {
        let [first, last] =
            [start, self.end - 1].map(|index| &LENGTHS[usize::from(at(line, index))]);
        let len = self.end - start;
        len < 16 && (first.first & last.last) >> len & 1 != 0
    }
}

/// The classes of a byte.
pub(super) fn class(byte: u8) -> u8 {
    #[cfg(test)]
    looks::count();
    CLASS[usize::from(byte)]
}

/// The byte at an index, 0 beyond the end: no recogniser takes a NUL for its own.
pub(super) fn at(line: &[u8], index: usize) -> u8 {
    #[cfg(test)]
    looks::count();
    line.get(index).copied().unwrap_or(0)
}

/// The byte before an index, a space at the start of the line.
pub(super) fn before(line: &[u8], index: usize) -> u8 {
    index.checked_sub(1).map_or(b' ', |index| at(line, index))
}

/// Whether the byte at an index is of one of the classes.
pub(super) fn is(line: &[u8], index: usize, classes: u8) -> bool {
    class(at(line, index)) & classes != 0
}

/// The end of the run of bytes of the classes that starts at an index.
pub(super) fn run_end(line: &[u8], start: usize, classes: u8) -> usize {
    let mut end = start;
    while is(line, end, classes) {
        end += 1;
    }
    end
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        table[index] = classes_of(index);
        index += 1;
    }
    table
}

const fn classes_of(index: usize) -> u8 {
    let byte = index.to_le_bytes()[0];
    let ends_both = ENDS_URI | ENDS_PATH;
    match byte {
        b'0'..=b'9' => WORD | DIGIT | HEX | LOCAL,
        b'a'..=b'f' | b'A'..=b'F' => WORD | HEX | LOCAL,
        b'g'..=b'z' | b'G'..=b'Z' | b'_' => WORD | LOCAL,
        0x80.. => WORD | HIGH,
        b'\t'..=b'\r' | b' ' => SPACE | ends_both,
        b'.' | b'%' | b'+' | b'-' => LOCAL,
        b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'^' | b'|' => ends_both,
        b',' | b';' | b'?' | b'#' | b':' => ENDS_PATH,
        0..0x20 | 0x7f => ends_both,
        _ => 0,
    }
}

const fn starts() -> [Start; 256] {
    let mut table = [Start::Special; 256];
    let mut index = 0;
    while index < 256 {
        let classes = classes_of(index);
        table[index] = match index.to_le_bytes()[0] {
            b'+' | b'-' => Start::Sign,
            b'/' => Start::Slash,
            b':' => Start::Colon,
            _ if classes & SPACE != 0 => Start::Space,
            0..0x20 | 0x7f => Start::Control,
            _ if classes & DIGIT != 0 => Start::Digit,
            _ if classes & WORD != 0 => Start::Letter,
            _ => Start::Special,
        };
        index += 1;
    }
    table
}

const fn hints() -> [Hints; 256] {
    let mut table = [const {
        Hints {
            link: 0,
            first: 0,
            last: 0,
        }
    }; 256];
    let mut index = 0_usize;
    while index < 256 {
        table[index] = Hints {
            link: matches!(
                index.to_le_bytes()[0],
                b'@' | b'.' | b'%' | b'+' | b'-' | b':'
            ) as u16,
            first: LENGTHS[index].first,
            last: LENGTHS[index].last,
        };
        index += 1;
    }
    table
}

/// How often a test has looked at a byte.
#[cfg(test)]
pub(super) mod looks {
    use std::cell::Cell;

    thread_local! {
        static LOOKS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        LOOKS.set(LOOKS.get() + 1);
    }

    /// The number since it was last taken.
    pub(in super::super) fn take() -> usize {
        LOOKS.take()
    }
}
