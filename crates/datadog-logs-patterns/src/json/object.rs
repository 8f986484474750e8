//! Writes an object in its canonical form from its members, which come in their order.

use super::paths::{behind_common, objects, pieces_of_key, split_first};

/// Takes the bytes of an object, piece by piece.
pub(crate) trait Sink {
    fn push(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn push(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Compares what is written with what is expected.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    rest: &'a [u8],
    same: bool,
}

impl<'a> Expected<'a> {
    /// Expects this text.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            same: true,
        }
    }

    /// Whether exactly that text was written.
    pub(crate) fn is_met(&self) -> bool {
        self.same && self.rest.is_empty()
    }
}

impl Sink for Expected<'_> {
    fn push(&mut self, bytes: &[u8]) {
        match self.rest.strip_prefix(bytes) {
            Some(rest) => self.rest = rest,
            None => self.same = false,
        }
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaf<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// The content of a string, without quotes and escapes.
    Text(&'a [u8]),
    /// As it is.
    Raw(&'a [u8]),
}

/// Writes one object.
#[derive(Debug)]
pub(crate) struct ObjectWriter<'p, 's, S> {
    out: &'s mut S,
    /// The path of the member before.
    before: Option<&'p [u8]>,
}

impl<'p, 's, S: Sink> ObjectWriter<'p, 's, S> {
    pub(crate) fn new(out: &'s mut S) -> Self {
        out.push(b"{");
        Self { out, before: None }
    }

    /// Writes a member behind the others, whose paths sort before its own.
    pub(crate) fn member(&mut self, path: &'p [u8], leaf: Leaf<'_>) {
        let mut rest = path;
        if let Some(before) = self.before {
            let (open, inner) = behind_common(before, path);
            self.close(objects(open));
            self.out.push(b",");
            rest = inner;
        }
        while let (key, Some(inner)) = split_first(rest) {
            self.key(key);
            self.out.push(b"{");
            rest = inner;
        }
        self.key(rest);
        self.leaf(leaf);
        self.before = Some(path);
    }

    /// Ends the object.
    pub(crate) fn finish(mut self) {
        self.close(self.before.map_or(0, objects));
        self.out.push(b"}");
    }

    fn close(&mut self, objects: usize) {
        for _ in 0..objects {
            self.out.push(b"}");
        }
    }

    fn key(&mut self, key: &[u8]) {
        self.out.push(b"\"");
        pieces_of_key(key, |piece| push_escaped(piece, self.out));
        self.out.push(b"\":");
    }

    fn leaf(&mut self, leaf: Leaf<'_>) {
        match leaf {
            Leaf::Null => self.out.push(b"null"),
            Leaf::Bool(true) => self.out.push(b"true"),
            Leaf::Bool(false) => self.out.push(b"false"),
            Leaf::Int(number) => self.out.push(itoa::Buffer::new().format(number).as_bytes()),
            Leaf::Raw(text) => self.out.push(text),
            Leaf::Text(text) => {
                self.out.push(b"\"");
                push_escaped(text, self.out);
                self.out.push(b"\"");
            }
        }
    }
}

/// Writes a text inside of a string, with the escapes that it needs.
fn push_escaped(text: &[u8], out: &mut impl Sink) {
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|byte| needs_escape(*byte)) {
        let (before, from) = rest.split_at(plain);
        out.push(before);
        let Some((byte, behind)) = from.split_first() else {
            break;
        };
        push_escape(*byte, out);
        rest = behind;
    }
    out.push(rest);
}

/// Whether a byte cannot stand in a string as it is.
pub(super) fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn push_escape(byte: u8, out: &mut impl Sink) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.push(b"\\\""),
        b'\\' => out.push(b"\\\\"),
        0x08 => out.push(b"\\b"),
        0x0c => out.push(b"\\f"),
        b'\n' => out.push(b"\\n"),
        b'\r' => out.push(b"\\r"),
        b'\t' => out.push(b"\\t"),
        other => {
            let digit = |nibble: u8| HEX[usize::from(nibble & 15)];
            out.push(&[b'\\', b'u', b'0', b'0', digit(other >> 4), digit(other)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(members: &[(&str, Leaf<'_>)], expected: &str) {
        let mut written = Vec::new();
        let mut same = Expected::new(expected.as_bytes());
        write(members, &mut written);
        write(members, &mut same);
        assert_eq!(std::str::from_utf8(&written), Ok(expected));
        assert!(same.is_met());
    }

    fn write(members: &[(&str, Leaf<'_>)], out: &mut impl Sink) {
        let mut object = ObjectWriter::new(out);
        for (path, leaf) in members {
            object.member(path.as_bytes(), *leaf);
        }
        object.finish();
    }

    #[test]
    fn paths_become_objects_inside_of_objects() {
        let one = Leaf::Int(-1);
        check(&[], "{}");
        check(&[("a.b.c", one)], r#"{"a":{"b":{"c":-1}}}"#);
        check(
            &[
                ("a.b.c", one),
                ("a.b.d", Leaf::Null),
                ("a.c", Leaf::Bool(true)),
                ("b.b.c", Leaf::Bool(false)),
                ("z", Leaf::Raw(b"[1.0]")),
            ],
            r#"{"a":{"b":{"c":-1,"d":null},"c":true},"b":{"b":{"c":false}},"z":[1.0]}"#,
        );
        check(
            &[(r"a\.b", one), (r"c\\.d", one)],
            r#"{"a.b":-1,"c\\":{"d":-1}}"#,
        );
    }

    #[test]
    fn strings_have_no_more_escapes_than_needed() {
        check(
            &[(
                "\"\n",
                Leaf::Text("\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}é\u{2028}<".as_bytes()),
            )],
            "{\"\\\"\\n\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}é\u{2028}<\"}",
        );
    }

    #[test]
    fn what_differs_anywhere_is_not_what_was_expected() {
        for expected in ["", "{", r#"{"a":1}"#, r#"{"a":2} "#, r#"{"b":2}"#] {
            let mut same = Expected::new(expected.as_bytes());
            write(&[("a", Leaf::Int(2))], &mut same);
            assert!(!same.is_met(), "{expected}");
        }
    }
}
