//! The bodies that clients post: JSON arrays, objects, objects line by line, and plain text.

use bytes::Bytes;

use super::outline::{MESSAGE, Outline};
use super::run::Run;
use super::scan::{Fault, Kind, Scanner};
use super::{BodyError, EmptyLines};

/// The mark that some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What the content type says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A log a line.
    Text,
    /// An object a line.
    Lines,
    /// Nothing that is believed: the first byte decides.
    Unknown,
}

impl Form {
    pub(super) fn from_content_type(content_type: Option<&str>) -> Self {
        let media = content_type.and_then(|text| text.split(';').next());
        let media = media.unwrap_or_default().trim();
        let is = |name: &str| media.eq_ignore_ascii_case(name);
        if is("text/plain") {
            Self::Text
        } else if is("application/x-ndjson") || is("application/jsonl") {
            Self::Lines
        } else {
            Self::Unknown
        }
    }
}

/// The body without its byte order mark.
pub(super) fn without_mark(body: Bytes) -> Result<Bytes, BodyError> {
    let body = if body.starts_with(BYTE_ORDER_MARK) {
        body.slice(BYTE_ORDER_MARK.len()..)
    } else {
        body
    };
    if body.is_empty() {
        return Err(BodyError("empty body".to_owned()));
    }
    if u32::try_from(body.len()).is_err() {
        return Err(BodyError("longer than 4 GiB".to_owned()));
    }
    Ok(body)
}

/// Gives every entry of the body to `run`.
pub(super) fn read(run: &mut Run<'_>, body: &[u8], form: Form) -> Result<(), BodyError> {
    if form == Form::Text {
        for line in lines(body) {
            run.line(line, EmptyLines::Keep);
        }
        return Ok(());
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| BodyError(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let mut scanner = Scanner::new(text);
    scanner.skip_space();
    match (form, scanner.peek()) {
        (_, None) => Err(BodyError("empty body".to_owned())),
        (Form::Unknown, Some(b'[')) => array(run, text, &mut scanner),
        (Form::Unknown, Some(b'{')) | (Form::Lines, _) => objects(run, text, &mut scanner),
        _ => Err(outside(&scanner.fault("expected an array or an object"))),
    }
}

/// Lines without their ends; what follows the last line feed is one if it is not empty.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn array(run: &mut Run<'_>, text: &str, scanner: &mut Scanner<'_>) -> Result<(), BodyError> {
    scanner.accept(b'[');
    scanner.skip_space();
    if !scanner.accept(b']') {
        for index in 0.. {
            scanner.skip_space();
            element(run, text, scanner, index)?;
            scanner.skip_space();
            if scanner.accept(b']') {
                break;
            }
            if !scanner.accept(b',') {
                return Err(outside(&scanner.fault("expected , or ]")));
            }
        }
    }
    scanner.skip_space();
    if !scanner.is_at_end() {
        return Err(outside(&scanner.fault("characters after the array")));
    }
    Ok(())
}

fn element(
    run: &mut Run<'_>,
    text: &str,
    scanner: &mut Scanner<'_>,
    index: usize,
) -> Result<(), BodyError> {
    match scanner.peek() {
        Some(b'{') => object(run, text, scanner, index),
        Some(b'"') => {
            let found = scanner.value(1).map_err(|fault| inside(index, &fault))?;
            run.string(text, found);
            Ok(())
        }
        _ => Err(inside(
            index,
            &scanner.fault("expected an object or a string"),
        )),
    }
}

/// Objects with a line feed between each two; a single one is such a body too.
fn objects(run: &mut Run<'_>, text: &str, scanner: &mut Scanner<'_>) -> Result<(), BodyError> {
    for index in 0.. {
        if scanner.peek() != Some(b'{') {
            return Err(inside(index, &scanner.fault("expected an object")));
        }
        object(run, text, scanner, index)?;
        let end = scanner.position();
        scanner.skip_space();
        if scanner.is_at_end() {
            break;
        }
        if !text.as_bytes()[end..scanner.position()].contains(&b'\n') {
            return Err(outside(&scanner.fault("characters after an object")));
        }
    }
    Ok(())
}

fn object(
    run: &mut Run<'_>,
    text: &str,
    scanner: &mut Scanner<'_>,
    index: usize,
) -> Result<(), BodyError> {
    let outline = Outline::read(text, scanner).map_err(|fault| inside(index, &fault))?;
    match outline.slot(MESSAGE).map(|message| message.kind) {
        None => Err(BodyError(format!("entry {index}: missing field message"))),
        Some(Kind::Null) => Err(BodyError(format!("entry {index}: message is null"))),
        Some(_) => {
            run.object(text, &outline);
            Ok(())
        }
    }
}

fn inside(index: usize, fault: &Fault) -> BodyError {
    BodyError(format!(
        "entry {index}: {} at byte {}",
        fault.problem, fault.at
    ))
}

fn outside(fault: &Fault) -> BodyError {
    BodyError(format!("{} at byte {}", fault.problem, fault.at))
}
