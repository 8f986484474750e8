//! The values of canonical JSON: what has another spelling in the canonical form is refused.

use super::{Cursor, MAX_DEPTH, Refusal, Scanner, Text, Value, is_canonical_int, place};
use crate::json::object::needs_escape;

impl Scanner {
    /// Reads a value that is no object with members.
    pub(super) fn leaf(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<Value, Refusal> {
        Ok(match cursor.peek() {
            Some(b'"') => Value::Text(self.string(cursor)?),
            Some(b't') => {
                cursor.eat(b"true")?;
                Value::Bool(true)
            }
            Some(b'f') => {
                cursor.eat(b"false")?;
                Value::Bool(false)
            }
            Some(b'n') => {
                cursor.eat(b"null")?;
                Value::Null
            }
            Some(b'{') => {
                cursor.eat(b"{}")?;
                Value::Raw
            }
            Some(b'[') => {
                let strings = self.unescaped.len();
                self.array(cursor, depth + 1)?;
                self.unescaped.truncate(strings);
                Value::Raw
            }
            _ => number(cursor)?,
        })
    }

    /// Reads an array; what is in it only has to be canonical.
    fn array(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Refusal> {
        if depth >= MAX_DEPTH {
            return Err(Refusal::TooLarge);
        }
        cursor.eat(b"[")?;
        if cursor.peek() == Some(b']') {
            cursor.at += 1;
            return Ok(());
        }
        loop {
            self.element(cursor, depth)?;
            match cursor.next()? {
                b',' => {}
                b']' => return Ok(()),
                _ => return Err(Refusal::Form),
            }
        }
    }

    fn element(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Refusal> {
        let is_object =
            cursor.peek() == Some(b'{') && cursor.line.get(cursor.at + 1) != Some(&b'}');
        match is_object {
            true => self.object_in_array(cursor, depth + 1),
            false => self.leaf(cursor, depth).map(drop),
        }
    }

    fn object_in_array(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Refusal> {
        if depth >= MAX_DEPTH {
            return Err(Refusal::TooLarge);
        }
        cursor.eat(b"{")?;
        let mut before: Option<Text> = None;
        loop {
            let key = self.string(cursor)?;
            let bytes = self.text(cursor.line, key);
            if before.is_some_and(|before| self.text(cursor.line, before) >= bytes) {
                return Err(Refusal::Form);
            }
            before = Some(key);
            cursor.eat(b":")?;
            self.element(cursor, depth)?;
            match cursor.next()? {
                b',' => {}
                b'}' => return Ok(()),
                _ => return Err(Refusal::Form),
            }
        }
    }

    /// Reads a string with its quotes.
    pub(super) fn string(&mut self, cursor: &mut Cursor<'_>) -> Result<Text, Refusal> {
        cursor.eat(b"\"")?;
        let start = cursor.at;
        let end = start + plain_len(&cursor.line[start..]);
        cursor.at = end;
        if cursor.peek() == Some(b'\\') {
            return self.string_with_escapes(cursor, start);
        }
        cursor.eat(b"\"")?;
        Ok(Text {
            start: place(start),
            end: place(end),
            had_escapes: false,
        })
    }

    /// Reads a string from its first escape on.
    fn string_with_escapes(
        &mut self,
        cursor: &mut Cursor<'_>,
        mut from: usize,
    ) -> Result<Text, Refusal> {
        let start = place(self.unescaped.len());
        loop {
            self.unescaped
                .extend_from_slice(&cursor.line[from..cursor.at]);
            match cursor.next()? {
                b'\\' => self.unescaped.push(escape(cursor)?),
                b'"' => {
                    return Ok(Text {
                        start,
                        end: place(self.unescaped.len()),
                        had_escapes: true,
                    });
                }
                _ => return Err(Refusal::Form),
            }
            from = cursor.at;
            cursor.at += plain_len(&cursor.line[from..]);
        }
    }
}

/// How many bytes stand before a quote, a backslash or a control character.
fn plain_len(text: &[u8]) -> usize {
    let special = |byte: &u8| needs_escape(*byte);
    text.iter().position(special).unwrap_or(text.len())
}

/// Reads an escape behind its backslash: the one that the byte has in the canonical form.
fn escape(cursor: &mut Cursor<'_>) -> Result<u8, Refusal> {
    Ok(match cursor.next()? {
        byte @ (b'"' | b'\\') => byte,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            cursor.eat(b"00")?;
            let high = match cursor.next()? {
                b'0' => 0x00,
                b'1' => 0x10,
                _ => return Err(Refusal::Form),
            };
            let low = match cursor.next()? {
                digit @ b'0'..=b'9' => digit - b'0',
                digit @ b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(Refusal::Form),
            };
            match high | low {
                0x08 | 0x0c | b'\n' | b'\r' | b'\t' => return Err(Refusal::Form),
                control => control,
            }
        }
        _ => return Err(Refusal::Form),
    })
}

/// Reads a number in any spelling that JSON has; one that is printed as it is spelled is an integer.
fn number(cursor: &mut Cursor<'_>) -> Result<Value, Refusal> {
    let from = cursor.at;
    if cursor.peek() == Some(b'-') {
        cursor.at += 1;
    }
    match cursor.next()? {
        b'0' => {}
        b'1'..=b'9' => drop(digits(cursor)),
        _ => return Err(Refusal::Form),
    }
    if cursor.peek() == Some(b'.') {
        cursor.at += 1;
        some_digits(cursor)?;
    }
    if matches!(cursor.peek(), Some(b'e' | b'E')) {
        cursor.at += 1;
        if matches!(cursor.peek(), Some(b'+' | b'-')) {
            cursor.at += 1;
        }
        some_digits(cursor)?;
    }
    let spelled = &cursor.line[from..cursor.at];
    Ok(is_canonical_int(spelled).map_or(Value::Raw, Value::Int))
}

fn some_digits(cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
    match digits(cursor) {
        0 => Err(Refusal::Form),
        _ => Ok(()),
    }
}

fn digits(cursor: &mut Cursor<'_>) -> usize {
    let from = cursor.at;
    while cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        cursor.at += 1;
    }
    cursor.at - from
}
