//! Forms in several parts, such as browsers upload files with.
//!
//! Refuses to look into a part that has parts itself. Parts, their headers and what is kept of them are bounded; a part
//! that cannot be read is an invalid value in its place, and does not spoil the others.

use memchr::memmem;

use super::{Body, Skipped, kind, parameter, value};
use crate::limits::{ADDRESS_DEPTH, Shaper};
use crate::value::Value;

/// Bytes of the headers of one part; more are not headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Bytes of a boundary, as the standard has it, with some room.
const MAX_BOUNDARY_BYTES: usize = 256;

/// What the headers of a part say.
#[derive(Debug, Default)]
struct Header {
    name: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
    is_encoded: bool,
}

/// Reads a form whose parts stand between boundaries.
pub(super) fn parse(body: &[u8], boundary: &str, shaper: &mut Shaper<'_>) -> Result<Body, Skipped> {
    if boundary.len() > MAX_BOUNDARY_BYTES {
        return Err(Skipped::Malformed);
    }
    let mut out = Body::default();
    let mut pairs: Vec<(Vec<u8>, Value)> = Vec::new();
    let mut members = 0;
    for part in Parts::new(body, boundary).ok_or(Skipped::Malformed)? {
        let Some((header, content)) = split(part) else {
            continue;
        };
        members += 1;
        if !shaper.admits_member(pairs.len()) {
            continue;
        }
        let header = read(header);
        if let Some(filename) = &header.filename {
            out.filenames.push(shaper.text(filename.as_bytes()));
            out.files_content.push(shaper.text(content));
        }
        let name = shaper.cut(header.name.as_deref().unwrap_or_default().as_bytes());
        pairs.push((name, part_value(&header, content, shaper)));
    }
    if members == 0 {
        return Err(Skipped::Malformed);
    }
    if members > pairs.len() {
        shaper.too_wide(members);
    }
    out.value = Value::Map(pairs);
    Ok(out)
}

/// The value of one part, by its own type.
fn part_value(header: &Header, content: &[u8], shaper: &mut Shaper<'_>) -> Value {
    let kind = kind(header.content_type.as_deref().unwrap_or("text/plain"));
    let kind = kind.filter(|_| !header.is_encoded);
    let read = kind.map(|kind| value(&kind, content, shaper, ADDRESS_DEPTH + 1));
    match read {
        Some(Ok(value)) => value,
        // Its content stands among the files, where it has such a name.
        Some(Err(_)) | None => Value::Invalid,
    }
}

/// Headers and content, which an empty line divides.
fn split(part: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(content) = part.strip_prefix(b"\r\n") {
        return Some((&[], content));
    }
    let head = part.get(..part.len().min(MAX_HEADER_BYTES + 4))?;
    let end = memmem::find(head, b"\r\n\r\n")?;
    Some((part.get(..end)?, part.get(end + 4..)?))
}

fn read(header: &[u8]) -> Header {
    let mut read = Header::default();
    for line in header.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let (_, parameters) = value.split_once(';').unwrap_or((value, ""));
                read.name = parameter(parameters, "name");
                read.filename = parameter(parameters, "filename")
                    .or_else(|| parameter(parameters, "filename*"));
            }
            "content-type" => read.content_type = Some(value.trim().to_owned()),
            "content-transfer-encoding" => {
                let value = value.trim().to_ascii_lowercase();
                read.is_encoded = !matches!(value.as_str(), "" | "7bit" | "8bit" | "binary");
            }
            _ => {}
        }
    }
    read
}

/// What stands between the boundaries of a body, each without the line break that belongs to the next boundary.
struct Parts<'b> {
    rest: Option<&'b [u8]>,
    delimiter: Vec<u8>,
}

impl<'b> Parts<'b> {
    /// Nothing, if the body has no boundary at all.
    fn new(body: &'b [u8], boundary: &str) -> Option<Self> {
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        let opening = delimiter.get(2..)?;
        let after = match body.strip_prefix(opening) {
            Some(after) => after,
            None => {
                let at = memmem::find(body, &delimiter)?;
                body.get(at + delimiter.len()..)?
            }
        };
        Some(Self {
            rest: line(after),
            delimiter,
        })
    }
}

/// What follows the rest of a boundary's line; nothing after the last one.
fn line(after: &[u8]) -> Option<&[u8]> {
    if after.starts_with(b"--") {
        return None;
    }
    let end = memchr::memchr(b'\n', after)?;
    after.get(end + 1..)
}

impl<'b> Iterator for Parts<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let rest = self.rest.take()?;
        let Some(end) = memmem::find(rest, &self.delimiter) else {
            // A body that was cut: what is there of its last part counts.
            return (!rest.is_empty()).then_some(rest);
        };
        self.rest = rest.get(end + self.delimiter.len()..).and_then(line);
        rest.get(..end)
    }
}
