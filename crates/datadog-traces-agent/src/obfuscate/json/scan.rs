//! Finds the literals of a JSON text.
//!
//! Knows nothing of objects and arrays. A literal that goes wrong is handed out up to there.

/// The text is no JSON from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// A literal as it stands in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal<'a> {
    /// The literal with its quotes, or what there is of it.
    pub(super) text: &'a str,
    /// Whether it is whole.
    pub(super) whole: Result<(), Broken>,
}

/// A place in a text.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    /// The next byte that is no blank.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Goes past the byte that was peeked at.
    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// Goes past this byte, and blanks before it.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        if self.peek() != Some(byte) {
            return Err(Broken);
        }
        self.skip();
        Ok(())
    }

    /// Reads a string, number, `true`, `false` or `null` that begins with the byte that was peeked at.
    ///
    /// # Errors
    ///
    /// If none begins with that byte.
    pub(super) fn literal(&mut self, first: u8) -> Result<Literal<'a>, Broken> {
        let start = self.at;
        let whole = match first {
            b'"' => return Ok(self.string()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => return Err(Broken),
        };
        Ok(self.since(start, whole))
    }

    /// Reads the string whose quote was peeked at.
    pub(super) fn string(&mut self) -> Literal<'a> {
        let start = self.at;
        self.at += 1;
        let whole = loop {
            match self.byte() {
                None | Some(0..0x20) => break Err(Broken),
                Some(b'"') => {
                    self.at += 1;
                    break Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    if self.escape().is_err() {
                        break Err(Broken);
                    }
                }
                Some(_) => self.at += 1,
            }
        };
        self.since(start, whole)
    }

    fn escape(&mut self) -> Result<(), Broken> {
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.byte().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(Broken);
                    }
                    self.at += 1;
                }
            }
            _ => return Err(Broken),
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Broken> {
        for byte in word {
            if self.byte() != Some(*byte) {
                return Err(Broken);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Broken> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            Err(Broken)
        } else {
            Ok(())
        }
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// What was read since a place; a character that was read in part is left out.
    fn since(&self, start: usize, whole: Result<(), Broken>) -> Literal<'a> {
        let end = self.text.floor_char_boundary(self.at);
        Literal {
            text: self.text.get(start..end).unwrap_or_default(),
            whole,
        }
    }
}
