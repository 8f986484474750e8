//! Values of tags, and services, which are one.

use std::borrow::Cow;

use super::letters::{is_digit, is_letter};
use super::{Context, Malformed};
use crate::truncate;

/// Characters of a tag at most, counted before runs are shortened.
const TAG_CHARACTERS: usize = 200;

/// Bytes of which no more characters are looked at.
const TAG_BYTES: usize = 2 * TAG_CHARACTERS;

/// Bytes of a service at most.
const SERVICE_BYTES: usize = 100;

/// Repairs the value of a tag: letters become lowercase, and each run of what is no letter, digit, `:`, `.`, `/` or `-`
/// becomes one underscore, or nothing at the end. What is beyond 200 characters is cut.
pub fn tag_value(value: &str) -> Cow<'_, str> {
    if is_fine(value.as_bytes()) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(repair(value, Start::Any))
}

/// Repairs a whole tag like the value of one, and leaves out what is before its first letter or `:`.
pub fn tag(tag: &str) -> Cow<'_, str> {
    let starts_well = tag
        .bytes()
        .next()
        .is_none_or(|first| first.is_ascii_lowercase() || first == b':');
    if starts_well && is_fine(tag.as_bytes()) {
        return Cow::Borrowed(tag);
    }
    Cow::Owned(repair(tag, Start::Letter))
}

/// Repairs the service of a span, and says what was wrong with it.
///
/// One that is empty is called after the language of the tracer.
pub fn service<'s>(service: &'s str, context: &Context<'_>) -> (Cow<'s, str>, Option<Malformed>) {
    if service.is_empty() {
        return (unnamed(context), Some(Malformed::ServiceEmpty));
    }
    match tag_of_service(service) {
        (repaired, _) if repaired.is_empty() => (unnamed(context), Some(Malformed::ServiceInvalid)),
        (repaired, true) => (repaired, Some(Malformed::ServiceTruncate)),
        (repaired, false) => (repaired, None),
    }
}

/// Repairs a service that may be empty, and says whether it was too long.
pub(super) fn tag_of_service(service: &str) -> (Cow<'_, str>, bool) {
    let cut = service.len() > SERVICE_BYTES;
    (tag_value(truncate::head(service, SERVICE_BYTES)), cut)
}

/// The service of spans that have none. The language is cut, because it comes from outside and is repeated here.
fn unnamed(context: &Context<'_>) -> Cow<'static, str> {
    if context.language.is_empty() {
        return Cow::Borrowed("unnamed-service");
    }
    let language = truncate::head(context.language, SERVICE_BYTES);
    Cow::Owned(format!("unnamed-{language}-service"))
}

/// What the first character may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Any that is allowed elsewhere.
    Any,
    /// A letter or `:`.
    Letter,
}

/// The bytes that any tag may hold anywhere.
const FINE: [bool; 256] = {
    let mut fine = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        fine[byte as usize] = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'.' | b'/' | b'-');
        byte += 1;
    }
    fine
};

/// Whether nothing is to be changed.
fn is_fine(value: &[u8]) -> bool {
    let mut before_is_fine = true;
    for &byte in value {
        let fine = FINE[usize::from(byte)];
        // An underscore may stand alone.
        if !fine && (byte != b'_' || !before_is_fine) {
            return false;
        }
        before_is_fine = fine;
    }
    before_is_fine && value.len() <= TAG_CHARACTERS
}

fn repair(value: &str, start: Start) -> String {
    let mut repaired = String::with_capacity(value.len().min(TAG_BYTES));
    let mut characters = 0;
    // Whether characters were left out for which there is no underscore yet.
    let mut gap = false;
    for (index, character) in value.char_indices() {
        let lower = lowercase(character);
        let letter = is_letter_or_colon(lower);
        if !letter && start == Start::Letter && characters == 0 {
            // Left out for good.
        } else {
            characters += 1;
            if letter || is_allowed(lower) {
                if std::mem::take(&mut gap) {
                    repaired.push('_');
                }
                repaired.push(lower);
            } else {
                gap = true;
            }
        }
        if characters >= TAG_CHARACTERS || index + character.len_utf8() >= TAG_BYTES {
            break;
        }
    }
    repaired
}

/// The lowercase of a character, if it takes as many bytes.
fn lowercase(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None)
            if character.is_uppercase() && lower.len_utf8() == character.len_utf8() =>
        {
            lower
        }
        _ => character,
    }
}

fn is_letter_or_colon(character: char) -> bool {
    match character {
        'a'..='z' | ':' => true,
        _ => !character.is_ascii() && is_letter(character),
    }
}

fn is_allowed(character: char) -> bool {
    match character {
        '0'..='9' | '.' | '/' | '-' => true,
        _ => !character.is_ascii() && is_digit(character),
    }
}
