//! What each byte may be part of: one table, looked up once a byte.

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

/// The classes of a byte.
pub(super) fn class(byte: u8) -> u8 {
    CLASS[usize::from(byte)]
}

/// The byte at an index, 0 beyond the end: no recogniser takes a NUL for its own.
pub(super) fn at(line: &[u8], index: usize) -> u8 {
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
