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
/// What a date may begin with.
const DATES: &[u8] = b"JFMASOND TMTWFS";

/// For each first byte the lengths, as bits, of the words worth a closer look.
static LENGTHS: [u16; 256] = lengths();

/// Whether a word with this first byte and this length may be a severity, a method or begin a date.
pub(super) fn may_mean_something(first: u8, len: usize) -> bool {
    len < 16 && LENGTHS[usize::from(first)] >> len & 1 != 0
}

/// The kind of a whole word, if it is a severity or a method.
pub(super) fn keyword(word: &[u8]) -> Option<Kind> {
    if SEVERITIES
        .iter()
        .any(|severity| word.eq_ignore_ascii_case(severity))
    {
        return Some(Kind::Severity);
    }
    METHODS.contains(&word).then_some(Kind::HttpMethod)
}

const fn lengths() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < SEVERITIES.len() {
        let word = SEVERITIES[index];
        table[word[0] as usize] |= 1 << word.len();
        table[word[0].to_ascii_uppercase() as usize] |= 1 << word.len();
        index += 1;
    }
    index = 0;
    while index < METHODS.len() {
        let word = METHODS[index];
        table[word[0] as usize] |= 1 << word.len();
        index += 1;
    }
    index = 0;
    while index < DATES.len() {
        table[DATES[index] as usize] |= 1 << 3;
        index += 1;
    }
    table
}
