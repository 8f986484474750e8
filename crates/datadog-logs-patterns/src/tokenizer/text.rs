//! Words that mean something: severities, methods of HTTP, and what may begin a date.

use crate::token::Kind;

/// Severities, in any case.
const SEVERITIES: [&[u8]; 15] = [
    b"trace",
    b"debug",
    b"info",
    b"notice",
    b"warn",
    b"warning",
    b"err",
    b"error",
    b"crit",
    b"critical",
    b"alert",
    b"fatal",
    b"panic",
    b"emerg",
    b"emergency",
];
/// Methods of HTTP; TRACE is taken for a severity.
const METHODS: [&[u8]; 8] = [
    b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"CONNECT",
];
/// Months, and days of the week.
const NAMES: [&[u8]; 19] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
    b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun",
];

/// The lengths of the words worth a closer look, as bits, by their first and by their last byte.
pub(super) struct Lengths {
    pub(super) first: u16,
    pub(super) last: u16,
}

/// Of the words that may mean something.
pub(super) static LENGTHS: [Lengths; 256] = lengths();

/// The kind of a whole word, if it is a severity or a method.
pub(super) fn keyword(word: &[u8]) -> Option<Kind> {
    let severity = match (word.first()? | 0x20, word.len()) {
        (b't', _) => "trace",
        (b'd', _) => "debug",
        (b'i', _) => "info",
        (b'n', _) => "notice",
        (b'w', 4) => "warn",
        (b'w', _) => "warning",
        (b'e', 3) => "err",
        (b'e', 5) => match word.last()? | 0x20 {
            b'r' => "error",
            _ => "emerg",
        },
        (b'e', _) => "emergency",
        (b'c', 4) => "crit",
        (b'c', _) => "critical",
        (b'a', _) => "alert",
        (b'f', _) => "fatal",
        _ => "panic",
    };
    if word.eq_ignore_ascii_case(severity.as_bytes()) {
        return Some(Kind::Severity);
    }
    METHODS.contains(&word).then_some(Kind::HttpMethod)
}

const fn lengths() -> [Lengths; 256] {
    let none = [const { Lengths { first: 0, last: 0 } }; 256];
    with_words(with_words(with_words(none, &SEVERITIES), &METHODS), &NAMES)
}

/// Adds words, as they are and in the other case.
const fn with_words(mut table: [Lengths; 256], words: &[&[u8]]) -> [Lengths; 256] {
    let mut index = 0;
    while index < words.len() {
        let word = words[index];
        let (first, last, len) = (word[0], word[word.len() - 1], 1 << word.len());
        table[first as usize].first |= len;
        table[last as usize].last |= len;
        table[first.to_ascii_uppercase() as usize].first |= len;
        table[last.to_ascii_uppercase() as usize].last |= len;
        index += 1;
    }
    table
}
