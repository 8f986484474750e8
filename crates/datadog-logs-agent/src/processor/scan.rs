//! Checks JSON and finds where its values begin and end, without building any.
//!
//! Accepts exactly what serde_json reads into a `Value`: RFC 8259, surrogates in pairs only, numbers that a double can
//! hold, and at most [`MAX_DEPTH`] containers around one another. Decodes nothing.

use std::ops::Range;

use crate::intake_entry::json::next_special;

/// Containers around one another, the array of the batch included. One more, and readers that stop at 128 levels (as
/// serde_json does) would refuse the whole batch for it.
pub(crate) const MAX_DEPTH: usize = 127;

/// What is wrong with the JSON, and at which byte. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) problem: &'static str,
    pub(crate) at: usize,
}

/// What kind of value stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string, and whether any of it is escaped.
    String {
        escaped: bool,
    },
    Number,
    Bool,
    Null,
    Object,
    Array,
}

/// A value and its extent, quotes and brackets included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Found {
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// What stands between the quotes of a string.
    pub(crate) fn inner(&self) -> Range<usize> {
        self.start + 1..self.end - 1
    }
}

/// A key with its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) key: Found,
    pub(crate) value: Found,
}

/// Walks over JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self::starting_at(text, 0)
    }

    /// A scanner at a position of `text`.
    pub(crate) fn starting_at(text: &'a str, at: usize) -> Self {
        let bytes = text.as_bytes();
        Self { bytes, at }
    }

    /// Where the scanner stands.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Whether nothing is left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next byte.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes past `byte` if it is next.
    #[inline]
    pub(crate) fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Goes past white space.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A fault where the scanner stands.
    pub(crate) fn fault(&self, problem: &'static str) -> Fault {
        Fault {
            problem,
            at: self.at,
        }
    }

    /// Goes past the value that is next, inside of `depth` containers.
    #[inline]
    pub(crate) fn value(&mut self, depth: usize) -> Result<Found, Fault> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{') => {
                self.members(depth, |_| {})?;
                Kind::Object
            }
            Some(b'[') => {
                self.elements(depth)?;
                Kind::Array
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Kind::Number
            }
            Some(b't') => self.word(b"true", Kind::Bool)?,
            Some(b'f') => self.word(b"false", Kind::Bool)?,
            Some(b'n') => self.word(b"null", Kind::Null)?,
            Some(_) => return Err(self.fault("expected a value")),
            None => return Err(self.fault("unexpected end")),
        };
        Ok(Found {
            kind,
            start,
            end: self.at,
        })
    }

    /// Goes past the object that is next, inside of `depth` containers, and shows its members.
    pub(crate) fn members(
        &mut self,
        depth: usize,
        mut each: impl FnMut(Member),
    ) -> Result<(), Fault> {
        self.open(depth)?;
        self.skip_space();
        if self.accept(b'}') {
            return Ok(());
        }
        loop {
            each(self.member(depth + 1)?);
            self.skip_space();
            if self.accept(b'}') {
                return Ok(());
            }
            if !self.accept(b',') {
                return Err(self.unexpected("expected , or }"));
            }
            self.skip_space();
        }
    }

    #[inline]
    fn member(&mut self, depth: usize) -> Result<Member, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("expected a key"));
        }
        let start = self.at;
        let key = Found {
            kind: self.string()?,
            start,
            end: self.at,
        };
        self.skip_space();
        if !self.accept(b':') {
            return Err(self.unexpected("expected :"));
        }
        self.skip_space();
        let value = self.value(depth)?;
        Ok(Member { key, value })
    }

    fn elements(&mut self, depth: usize) -> Result<(), Fault> {
        self.open(depth)?;
        self.skip_space();
        if self.accept(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.skip_space();
            if self.accept(b']') {
                return Ok(());
            }
            if !self.accept(b',') {
                return Err(self.unexpected("expected , or ]"));
            }
            self.skip_space();
        }
    }

    /// Goes past an opening bracket.
    fn open(&mut self, depth: usize) -> Result<(), Fault> {
        if depth >= MAX_DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        self.at += 1;
        Ok(())
    }

    /// Goes past the string that is next.
    #[inline]
    fn string(&mut self) -> Result<Kind, Fault> {
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = next_special(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Kind::String { escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault("control character in a string")),
                None => return Err(self.fault("unexpected end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => match self.code_unit()? {
                0xD800..=0xDBFF => match self.code_unit()? {
                    0xDC00..=0xDFFF => Ok(()),
                    _ => Err(self.fault("lone surrogate")),
                },
                0xDC00..=0xDFFF => Err(self.fault("lone surrogate")),
                _ => Ok(()),
            },
            Some(_) => Err(self.fault("unknown escape")),
            None => Err(self.fault("unexpected end")),
        }
    }

    /// Goes past `\uXXXX`.
    fn code_unit(&mut self) -> Result<u32, Fault> {
        let unit = match self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            Some(&[b'\\', b'u', a, b, c, d]) => {
                [a, b, c, d].into_iter().try_fold(0, |unit, digit| {
                    Some(unit * 16 + char::from(digit).to_digit(16)?)
                })
            }
            _ => None,
        };
        let unit = unit.ok_or_else(|| self.fault("bad \\u escape"))?;
        self.at += 6;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.accept(b'-');
        if !self.accept(b'0') {
            self.digits()?;
        }
        if self.accept(b'.') {
            self.digits()?;
        }
        let mut is_suspect = false;
        if self.accept(b'e') || self.accept(b'E') {
            if !self.accept(b'-') {
                self.accept(b'+');
            }
            self.digits()?;
            is_suspect = true;
        }
        // Only these can be beyond what a double holds. Where exactly that begins, serde_json knows.
        is_suspect |= self.at - start > 300;
        let number = &self.bytes[start..self.at];
        if is_suspect && serde_json::from_slice::<serde_json::Value>(number).is_err() {
            return Err(self.fault("number out of range"));
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.unexpected("expected a digit"));
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Fault> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.fault("expected a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn unexpected(&self, expected: &'static str) -> Fault {
        self.fault(if self.is_at_end() {
            "unexpected end"
        } else {
            expected
        })
    }
}

/// The text of a string that was found, its escapes resolved.
pub(crate) fn decode(text: &str, string: Found) -> std::borrow::Cow<'_, str> {
    let inner = text.get(string.inner()).unwrap_or_default();
    if string.kind == (Kind::String { escaped: false }) {
        return inner.into();
    }
    // A string that the scanner passed is one that serde_json reads.
    let decoded = text.get(string.range()).map(serde_json::from_str::<String>);
    match decoded {
        Some(Ok(decoded)) => decoded.into(),
        _ => inner.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn scan(json: &str) -> Result<Kind, Fault> {
        let mut scanner = Scanner::new(json);
        scanner.skip_space();
        let found = scanner.value(0)?;
        scanner.skip_space();
        if !scanner.is_at_end() {
            return Err(scanner.fault("trailing"));
        }
        Ok(found.kind)
    }

    #[track_caller]
    fn agrees(json: &str) {
        let reference = serde_json::from_str::<Value>(json);
        assert_eq!(
            scan(json).is_ok(),
            reference.is_ok(),
            "{json:?}: {reference:?}"
        );
    }

    #[test]
    fn values_are_accepted_and_refused_as_serde_json_does() {
        let words = [
            "", "true", "tru", "truex", "nul", "null", "falsey", "False", "nan",
        ];
        let numbers = [
            "0",
            "-0",
            "-",
            "00",
            "01",
            "-01",
            "1.",
            ".1",
            "1.0",
            "1e",
            "1e+",
            "1e-5",
            "1E+5",
            "0e0",
            "1e308",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "1e309",
            "-1e999",
            "1e-999",
            "0e999999999999",
            "1e99999999999999999999",
            "+1",
            "0x1",
            "1_0",
            "- 1",
            "1 2",
        ];
        let strings = [
            r#""""#,
            r#"""#,
            r#""a"#,
            r#""\""#,
            r#""\\""#,
            r#""\x""#,
            r#""\u12""#,
            r#""\u12G4""#,
            r#""\u0000""#,
            r#""\uD83D\uDE00""#,
            r#""\uD83D""#,
            r#""\uDE00""#,
            r#""\uD83D\n""#,
            r#""\uD83Dx""#,
            r#""\uD83D\uD83D""#,
            r#""\uD83D\u0041""#,
            r#""\ud83d\ude0""#,
            r#""\/\b\f\n\r\t""#,
            "\"\n\"",
            "\"\t\"",
            "\"\u{1f}\"",
            "\"\u{7f}é\u{2028}\"",
            "'a'",
            r#""\u+123""#,
        ];
        let containers = [
            "[]",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{",
            "{1:2}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1"#,
            r#"{"a":1 "b":2}"#,
            r#"{"a" : 1 , "b":[{ } , [ ] ]}"#,
            r#"{"a":1}}"#,
            "[1]x",
            " \t\r\n[ \t\r\n] \t\r\n",
            "\u{a0}[]",
            "\u{c}[]",
            r#"{"a":1,"a":2}"#,
            "[1}",
            "{]",
        ];
        for json in words
            .iter()
            .chain(&numbers)
            .chain(&strings)
            .chain(&containers)
        {
            agrees(json);
        }
    }

    #[test]
    fn containers_are_nested_as_deeply_as_serde_json_reads_and_no_deeper() {
        for depth in [1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 100_000] {
            agrees(&format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
            agrees(&format!(
                "{}1{}",
                "{\"a\":".repeat(depth),
                "}".repeat(depth)
            ));
        }
        let deepest = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(scan(&deepest), Ok(Kind::Array));
        let deeper = format!("[{deepest}]");
        assert_eq!(
            scan(&deeper),
            Err(Fault {
                problem: "nested too deeply",
                at: MAX_DEPTH
            })
        );
    }

    #[test]
    fn numbers_of_many_digits_are_judged_as_serde_json_judges_them() {
        for digits in [300, 308, 309, 310, 400] {
            agrees(&"9".repeat(digits));
            agrees(&format!("1{}", "0".repeat(digits)));
            agrees(&format!("0.{}1", "0".repeat(digits)));
            agrees(&format!("1{}e-{digits}", "0".repeat(digits)));
        }
    }

    #[test]
    fn members_are_shown_with_their_extents() {
        let json = r#" {"a" : "x\n" , "b":[1]}"#;
        let mut scanner = Scanner::new(json);
        scanner.skip_space();
        let mut seen = Vec::new();
        scanner
            .members(0, |member| {
                seen.push((
                    json.get(member.key.inner()).unwrap(),
                    json.get(member.value.range()).unwrap(),
                ))
            })
            .unwrap();
        assert_eq!(seen, [("a", r#""x\n""#), ("b", "[1]")]);
        assert!(scanner.is_at_end());
    }

    #[test]
    fn a_string_is_decoded() {
        for json in [r#""plain é""#, r#""\u00e9\n\uD83D\uDE00\"""#] {
            let found = Scanner::new(json).value(0).unwrap();
            assert_eq!(
                decode(json, found),
                serde_json::from_str::<String>(json).unwrap()
            );
        }
    }

    /// JSON, and text that nearly is.
    fn nearly_json() -> impl Strategy<Value = String> {
        let token = prop::sample::select(vec![
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "\"a\"",
            "\"",
            "\\",
            "\\u",
            "D83D",
            "1",
            "-",
            "0",
            ".",
            "e",
            "+",
            "E9",
            "true",
            "null",
            " ",
            "\n",
            "é",
            "\u{1}",
            "\"\\uD83D\\uDE00\"",
            "\"k\":",
            "[1,2]",
            "{\"m\":1}",
            "99999",
        ]);
        prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]
        #[test]
        fn text_is_accepted_exactly_when_serde_json_reads_it(json in nearly_json()) {
            let reference = serde_json::from_str::<Value>(&json);
            prop_assert_eq!(scan(&json).is_ok(), reference.is_ok(), "{:?}", reference);
        }

        #[test]
        fn strings_are_accepted_exactly_when_serde_json_reads_them(inner in "[a-d\\\\u\"0-9D89C/n\u{1f} é]{0,40}") {
            let json = format!("\"{inner}\"");
            prop_assert_eq!(scan(&json).is_ok(), serde_json::from_str::<Value>(&json).is_ok());
        }
    }
}
