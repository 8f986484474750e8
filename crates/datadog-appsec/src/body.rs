//! Bodies of requests and responses, as values.
//!
//! What a body is, its content type says; without one, JSON is recognised by its first byte. What is encoded, too
//! large or of a type that rules do not look at is left alone, with the reason. Never holds more than the limits allow,
//! whatever the body is.

pub mod checks;
mod multipart;

use crate::form;
use crate::http::values;
use crate::json;
use crate::limits::{ADDRESS_DEPTH, Shaper};
use crate::value::Value;

/// A body that could be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    /// Its value.
    pub value: Value,
    /// Names of the files that came with it.
    pub filenames: Vec<Value>,
    /// What those files hold, as texts.
    pub files_content: Vec<Value>,
}

/// Why a body is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// There is none.
    Empty,
    /// It has more bytes than are looked at.
    TooLarge,
    /// It has a content encoding.
    Encoded,
    /// Its type is none of those that rules look at.
    Unsupported,
    /// It is not what its type says.
    Malformed,
}

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Multipart { boundary: String },
    Text,
}

/// Reads the body of a request by what its headers say.
pub(crate) fn parse(
    body: &[u8],
    headers: &[(String, String)],
    max_bytes: usize,
    shaper: &mut Shaper<'_>,
) -> Result<Body, Skipped> {
    let kind = decide(body, headers, max_bytes)?;
    if let Kind::Multipart { boundary } = &kind {
        return multipart::parse(body, boundary, shaper);
    }
    Ok(Body {
        value: value(&kind, body, shaper, ADDRESS_DEPTH)?,
        ..Body::default()
    })
}

/// Reads the body of a response, of which those with parts are not looked at.
pub(crate) fn parse_response(
    body: &[u8],
    headers: &[(String, String)],
    max_bytes: usize,
    shaper: &mut Shaper<'_>,
) -> Result<Value, Skipped> {
    let kind = decide(body, headers, max_bytes)?;
    value(&kind, body, shaper, ADDRESS_DEPTH)
}

/// What a body is, if it is looked at.
fn decide(body: &[u8], headers: &[(String, String)], max_bytes: usize) -> Result<Kind, Skipped> {
    if body.is_empty() {
        return Err(Skipped::Empty);
    }
    let is_plain =
        |value: &str| value.trim().is_empty() || value.trim().eq_ignore_ascii_case("identity");
    if !values(headers, "content-encoding").all(is_plain) {
        return Err(Skipped::Encoded);
    }
    let content_type = values(headers, "content-type").last();
    let kind = match content_type.filter(|text| !text.trim().is_empty()) {
        Some(text) => kind(text).ok_or(Skipped::Unsupported)?,
        None if looks_like_json(body) => Kind::Json,
        None => return Err(Skipped::Unsupported),
    };
    if body.len() > max_bytes {
        return Err(Skipped::TooLarge);
    }
    Ok(kind)
}

/// Reads what has one value, a part within a form too: `depth` is where it stands.
fn value(
    kind: &Kind,
    body: &[u8],
    shaper: &mut Shaper<'_>,
    depth: usize,
) -> Result<Value, Skipped> {
    match kind {
        Kind::Json => json::parse_with(body, shaper, depth).map_err(|_| Skipped::Malformed),
        Kind::Form => Ok(form::parse(body, shaper).into_value()),
        Kind::Text => Ok(shaper.text(body)),
        Kind::Multipart { .. } => Err(Skipped::Unsupported),
    }
}

fn looks_like_json(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
}

/// The kind that a content type stands for, if it is looked at.
fn kind(content_type: &str) -> Option<Kind> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    match (kind, subtype) {
        ("application", "x-www-form-urlencoded") => Some(Kind::Form),
        ("multipart", "form-data") => {
            let boundary = parameter(parameters, "boundary")?;
            (!boundary.is_empty()).then_some(Kind::Multipart { boundary })
        }
        ("text", "plain") => Some(Kind::Text),
        // Rules find what external entities of XML look like, in its text.
        (_, "xml") => Some(Kind::Text),
        (_, "json") => Some(Kind::Json),
        (_, subtype) if subtype.ends_with("+json") => Some(Kind::Json),
        (_, subtype) if subtype.ends_with("+xml") => Some(Kind::Text),
        _ => None,
    }
}

/// The value of `name=value` or `name="value"` among parameters of a header.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (before, after) = rest.split_once('=')?;
        let found = before.rsplit(';').next().unwrap_or(before).trim();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted),
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        if found.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

/// A text up to its closing quote, and what follows.
fn quoted_text(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests;
