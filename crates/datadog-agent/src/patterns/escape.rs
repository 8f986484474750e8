//! Text of unknown origin on a terminal: nothing in it may move the cursor, hide or turn what stands beside it.

/// The first characters of `bytes` that fit into `width` columns, with `…` when that is not all. Control characters,
/// marks without a width and bytes that are no UTF-8 are shown as escapes.
pub(super) fn shown(bytes: &[u8], width: usize) -> String {
    let mut cut = Cut::new(width);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_harmless(character) {
                cut.push(character.encode_utf8(&mut [0; 4]), columns(character));
            } else {
                let escape = character.escape_default().to_string();
                cut.push(&escape, escape.len());
            }
        }
        for byte in chunk.invalid() {
            cut.push(&format!("\\x{byte:02x}"), 4);
        }
        if cut.is_full {
            break;
        }
    }
    cut.finish()
}

/// A text that grows up to a width.
struct Cut {
    text: String,
    columns: usize,
    width: usize,
    /// Length of the text that leaves room for the mark of a cut.
    safe: usize,
    is_full: bool,
}

impl Cut {
    fn new(width: usize) -> Self {
        Self {
            text: String::new(),
            columns: 0,
            width,
            safe: 0,
            is_full: false,
        }
    }

    fn push(&mut self, text: &str, columns: usize) {
        self.is_full |= self.columns + columns > self.width;
        if self.is_full {
            return;
        }
        self.text.push_str(text);
        self.columns += columns;
        if self.columns < self.width {
            self.safe = self.text.len();
        }
    }

    fn finish(mut self) -> String {
        if self.is_full {
            self.text.truncate(self.safe);
            self.text.push('…');
        }
        self.text
    }
}

/// Whether a terminal shows the character where it stands and as what it is.
fn is_harmless(character: char) -> bool {
    let is_mark = matches!(character,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{300}'..='\u{36F}' | '\u{E0000}'..='\u{E0FFF}');
    !character.is_control() && !is_mark
}

/// Columns that a terminal gives it: two for East Asian characters and pictures.
fn columns(character: char) -> usize {
    match character {
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}'
        | '\u{1F300}'..='\u{1FAFF}'
        | '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(
            shown(b"\x1b[31mred\x07\r\n\t", 99),
            r"\u{1b}[31mred\u{7}\r\n\t"
        );
        assert_eq!(
            shown("a\u{202E}b\u{200B}\u{9b}".as_bytes(), 99),
            r"a\u{202e}b\u{200b}\u{9b}"
        );
        assert_eq!(shown(b"caf\xE9 \xF0\x9F", 99), r"caf\xe9 \xf0\x9f");
        assert_eq!(shown("größer 🎉".as_bytes(), 99), "größer 🎉");
    }

    #[test]
    fn a_text_is_cut_to_its_columns() {
        assert_eq!(shown(b"12345", 5), "12345");
        assert_eq!(shown(b"123456", 5), "1234…");
        assert_eq!(shown("日本語".as_bytes(), 6), "日本語");
        assert_eq!(shown("日本語".as_bytes(), 5), "日本…");
        assert_eq!(shown(b"ab\x1b", 5), "ab…");
        assert_eq!(shown(b"", 5), "");
    }
}
