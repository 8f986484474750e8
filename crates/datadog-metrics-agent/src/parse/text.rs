//! Text as it came, which need not be UTF-8, and lists of tags.
//!
//! Made into strings only when somebody wants one: most tags are compared as bytes and never become text.

use std::borrow::Cow;
use std::fmt;

/// Text of a client, mostly UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Text<'a>(pub(super) &'a [u8]);

/// Text of a client in which a backslash and an `n` stand for a line feed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Escaped<'a>(pub(super) &'a [u8]);

/// Tags, separated by commas.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tags<'a>(pub(super) &'a [u8]);

impl<'a> Text<'a> {
    /// The bytes as they came.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text, each run of bytes that are no UTF-8 replaced by one U+FFFD.
    pub fn to_str(self) -> Cow<'a, str> {
        if let Ok(text) = str::from_utf8(self.0) {
            return Cow::Borrowed(text);
        }
        let mut text = String::with_capacity(self.0.len());
        let mut replaced = false;
        for chunk in self.0.utf8_chunks() {
            if !chunk.valid().is_empty() {
                text.push_str(chunk.valid());
                replaced = false;
            }
            if !chunk.invalid().is_empty() && !replaced {
                text.push(char::REPLACEMENT_CHARACTER);
                replaced = true;
            }
        }
        Cow::Owned(text)
    }
}

impl<'a> Escaped<'a> {
    /// The bytes as they came.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text with its line feeds, and what is no UTF-8 replaced as in [`Text::to_str`].
    pub fn to_str(self) -> Cow<'a, str> {
        let text = Text(self.0).to_str();
        if text.contains("\\n") {
            Cow::Owned(text.replace("\\n", "\n"))
        } else {
            text
        }
    }
}

impl<'a> Tags<'a> {
    /// The list as it came, commas included.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The tags in their order, repetitions included. What is empty between two commas is no tag.
    pub fn iter(self) -> impl Iterator<Item = Text<'a>> {
        let mut rest = Some(self.0);
        std::iter::from_fn(move || {
            loop {
                let (tag, after) = super::cut(rest?, b',');
                rest = after;
                if !tag.is_empty() {
                    return Some(Text(tag));
                }
            }
        })
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text(self.0).fmt(f)
    }
}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_unless_it_has_to_change() {
        assert!(matches!(
            Text("é:ü".as_bytes()).to_str(),
            Cow::Borrowed("é:ü")
        ));
        assert!(matches!(Escaped(b"a\\b").to_str(), Cow::Borrowed("a\\b")));
    }

    #[test]
    fn a_run_of_bytes_that_are_no_text_becomes_one_character() {
        assert_eq!(Text(b"a\xff\xfe\xe9b\xffc").to_str(), "a\u{fffd}b\u{fffd}c");
        assert_eq!(Text(b"\xf0\x9f\x92").to_str(), "\u{fffd}");
        assert_eq!(Escaped(b"\xff\\n\xff").to_str(), "\u{fffd}\n\u{fffd}");
    }

    #[test]
    fn only_a_backslash_and_an_n_are_an_escape() {
        assert_eq!(Escaped(b"a\\nb\\tc\\\\nd\\").to_str(), "a\nb\\tc\\\nd\\");
    }

    #[test]
    fn empty_pieces_are_no_tags() {
        let tags =
            |list: &'static [u8]| -> Vec<&[u8]> { Tags(list).iter().map(Text::as_bytes).collect() };
        assert_eq!(tags(b"a:b,c,,a:b,"), [&b"a:b"[..], b"c", b"a:b"]);
        assert_eq!(tags(b",, ,"), [b" "]);
        assert_eq!(tags(b""), [b""; 0]);
    }
}
