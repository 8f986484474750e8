//! The parts of a `multipart/form-data` body: their names and lengths, not their bytes.
//!
//! Bounded in the number of parts and in what is kept of a head; linear in the body.

use memchr::memmem;

/// Parts that are listed; further ones make the body one that is not read.
const MAX_PARTS: usize = 1_000;
/// Bytes of the head of a part.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Bytes of a name that are kept.
const MAX_NAME_BYTES: usize = 200;
/// Bytes of a boundary; its grammar allows 70.
const MAX_BOUNDARY_BYTES: usize = 200;

/// One part of a body of `multipart/form-data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name; empty without one.
    pub name: String,
    /// The name of its file, if it has one.
    pub filename: Option<String>,
    /// Its own `Content-Type`, if it has one.
    pub content_type: Option<String>,
    /// The length of its body.
    pub bytes: u64,
}

impl Part {
    /// Bytes that keeping it takes.
    pub(super) fn cost(&self) -> usize {
        let texts = [&self.filename, &self.content_type];
        let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
        size_of::<Self>() + self.name.len() + texts
    }
}

/// The boundary that a `Content-Type` names; `None` of any other type.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next()?;
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parts.find_map(|part| parameter(part, "boundary"))?;
    let is_boundary = (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len());
    is_boundary.then(|| boundary.to_owned())
}

/// The value of `NAME=VALUE` or `NAME="VALUE"`.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = text.split_once('=')?;
    if !found.trim().eq_ignore_ascii_case(name) {
        return None;
    }
    let value = value.trim();
    let unquoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Some(unquoted.unwrap_or(value))
}

/// The parts of `body`.
///
/// # Errors
/// In words, what is wrong with it.
pub(super) fn parts(body: &[u8], boundary: &str) -> Result<Vec<Part>, String> {
    let first = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let between = memmem::Finder::new(between.as_bytes());
    // The first boundary may stand at the very start, without a line end before it.
    let mut rest = match body.strip_prefix(first.as_bytes()) {
        Some(rest) => rest,
        None => after(body, &between).ok_or("no boundary in the body")?.1,
    };
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let number = parts.len();
        if number == MAX_PARTS {
            return Err(format!("more than {MAX_PARTS} parts"));
        }
        let line_end = memmem::find(rest, b"\r\n").ok_or("no line end after a boundary")?;
        // The line end belongs to the head too, of which there may be none.
        let from_head = rest.get(line_end..).unwrap_or_default();
        let head_area = from_head.get(..MAX_HEAD_BYTES).unwrap_or(from_head);
        let head_end = memmem::find(head_area, b"\r\n\r\n")
            .ok_or_else(|| format!("part {number}: no end of its head"))?;
        let head = from_head.get(..head_end).unwrap_or_default();
        let content = from_head.get(head_end + 4..).unwrap_or_default();
        let (length, next) = after(content, &between)
            .ok_or_else(|| format!("part {number}: no boundary after it"))?;
        parts.push(part(head, length));
        rest = next;
    }
}

/// Where a boundary stands, and what follows it.
fn after<'a>(bytes: &'a [u8], between: &memmem::Finder<'_>) -> Option<(usize, &'a [u8])> {
    let at = between.find(bytes)?;
    let rest = bytes.get(at + between.needle().len()..)?;
    Some((at, rest))
}

fn part(head: &[u8], length: usize) -> Part {
    let head = String::from_utf8_lossy(head);
    let mut part = Part {
        name: String::new(),
        filename: None,
        content_type: None,
        bytes: crate::store::as_u64(length),
    };
    for line in head.split("\r\n") {
        let Some((header, value)) = line.split_once(':') else {
            continue;
        };
        let kept = |value: &str| cut(value, MAX_NAME_BYTES);
        if header.trim().eq_ignore_ascii_case("content-disposition") {
            for piece in value.split(';').map(str::trim) {
                if let Some(name) = parameter(piece, "name") {
                    part.name = kept(name);
                } else if let Some(filename) = parameter(piece, "filename") {
                    part.filename = Some(kept(filename));
                }
            }
        } else if header.trim().eq_ignore_ascii_case("content-type") {
            part.content_type = Some(kept(value.trim()));
        }
    }
    part
}

/// As many whole characters of `text` as have `bytes`.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(name: &str, bytes: u64) -> Part {
        Part {
            name: name.to_owned(),
            filename: None,
            content_type: None,
            bytes,
        }
    }

    #[test]
    fn a_boundary_is_read_plain_or_quoted() {
        let of = |text| boundary(text);
        assert_eq!(
            of("multipart/form-data; boundary=abc").as_deref(),
            Some("abc")
        );
        assert_eq!(
            of("Multipart/Form-Data; charset=x; Boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        assert_eq!(of("multipart/form-data"), None);
        assert_eq!(of("multipart/form-data; boundary="), None);
        assert_eq!(of("application/json; boundary=abc"), None);
    }

    #[test]
    fn parts_are_listed_with_their_names_and_lengths() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"event\"; filename=\"event.json\"\r\ncontent-type: application/json\r\n\r\n{\"a\":1}\r\n--B\r\nContent-Disposition: form-data; name=auto.pprof\r\n\r\n\0\x01\r\n-B\r\n--B--\r\n";
        let event = Part {
            filename: Some("event.json".to_owned()),
            content_type: Some("application/json".to_owned()),
            ..named("event", 7)
        };
        assert_eq!(parts(body, "B").unwrap(), [event, named("auto.pprof", 6)]);
    }

    #[test]
    fn a_part_may_have_no_head_and_no_body() {
        assert_eq!(parts(b"--B\r\n\r\n\r\n--B--", "B").unwrap(), [named("", 0)]);
        assert_eq!(parts(b"preamble\r\n--B--", "B").unwrap(), []);
    }

    #[test]
    fn what_is_broken_is_said() {
        let why = |body: &[u8]| parts(body, "B").unwrap_err();
        assert_eq!(why(b""), "no boundary in the body");
        assert_eq!(why(b"--B"), "no line end after a boundary");
        assert_eq!(why(b"--B\r\nx: y\r\n"), "part 0: no end of its head");
        assert_eq!(why(b"--B\r\n\r\nx"), "part 0: no boundary after it");
        let long = [
            b"--B\r\nx: ",
            &[b'x'; MAX_HEAD_BYTES][..],
            b"\r\n\r\n\r\n--B--",
        ]
        .concat();
        assert_eq!(why(&long), "part 0: no end of its head");
        let many = [&b"--B\r\n\r\n\r\n".repeat(MAX_PARTS + 1)[..], b"--B--"].concat();
        assert_eq!(why(&many), "more than 1000 parts");
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }

    proptest! {
        #[test]
        fn any_bytes_are_listed_or_refused(body in "(--B|\r\n|x|: |;|name=|\"|--)*") {
            if let Ok(parts) = parts(body.as_bytes(), "B") {
                let total: u64 = parts.iter().map(|part| part.bytes).sum();
                prop_assert!(total <= body.len() as u64);
            }
        }
    }
}
