//! Reads a line as a JSON object in its canonical form, in one pass and without a tree.
//!
//! Members of nested objects become members with a path; an array is one value, as is an object without members.
//! What is not canonical to the byte is refused with the reason, and says nothing of the line as text.

mod value;

use std::ops::Range;

use super::MESSAGE_PATHS;
use super::object::{Expected, Leaf, ObjectWriter};
use super::paths::push_key;
use crate::integer::is_canonical_int;

/// Objects and arrays inside of one another.
const MAX_DEPTH: usize = 32;
/// Members of a line.
const MAX_MEMBERS: usize = 256;
/// Bytes of the paths of a line.
const MAX_SHAPE_BYTES: usize = 8 << 10;
/// Bytes that a buffer keeps from line to line.
const MAX_KEPT_BYTES: usize = 64 << 10;
/// The bytes of a member in a shape besides its path: what it holds, and the length of the path.
const SHAPE_HEAD: usize = 3;

/// Why a line is no object whose members could travel as columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is no JSON object, or one that is written in another way.
    Form,
    /// It has no message.
    NoMessage,
    /// It has too many members, too long keys or too many levels.
    TooLarge,
}

/// What a scanner tells apart in the shape of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShapeOf {
    /// Its keys.
    Keys,
    /// Its keys, and what each member holds.
    KeysAndKinds,
}

/// Reads lines; holds what it found in the last one.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    members: Vec<Member>,
    /// The members with what they hold and their paths, as bytes.
    shape: Vec<u8>,
    /// The strings of the line that have escapes, without them.
    unescaped: Vec<u8>,
    /// The path of the object that is being read.
    path: Vec<u8>,
    /// How good a message the best member is, and its place.
    message: Option<(usize, usize)>,
}

/// A member that is no object with members.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Where its path stands in the shape.
    path: (u32, u32),
    key: Text,
    /// In how many objects it is.
    depth: usize,
    value: Value,
    /// Where the value stands in the line; for a string, what is between the quotes.
    from: u32,
    to: u32,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(Text),
    Raw,
}

/// A string of the line, without its escapes.
#[derive(Debug, Clone, Copy)]
struct Text {
    start: u32,
    end: u32,
    /// Whether it stands among the strings that had escapes, and not in the line.
    had_escapes: bool,
}

/// How far a line was read.
struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, Refusal> {
        let byte = self.peek().ok_or(Refusal::Form)?;
        self.at += 1;
        Ok(byte)
    }

    fn eat(&mut self, text: &[u8]) -> Result<(), Refusal> {
        let rest = self.line.get(self.at..).unwrap_or_default();
        if !rest.starts_with(text) {
            return Err(Refusal::Form);
        }
        self.at += text.len();
        Ok(())
    }
}

impl Scanner {
    /// Reads a line. What was found before is forgotten.
    ///
    /// Of bytes beyond ASCII nothing is asked, so whether they are UTF-8 is left to the caller.
    pub(crate) fn scan(&mut self, line: &[u8], shape: ShapeOf) -> Result<(), Refusal> {
        self.forget();
        if line.last() != Some(&b'}') || u32::try_from(line.len()).is_err() {
            return Err(Refusal::Form);
        }
        if line == b"{}" {
            return Err(Refusal::NoMessage);
        }
        let mut cursor = Cursor { line, at: 0 };
        cursor.eat(b"{")?;
        self.object(&mut cursor, 0)?;
        if cursor.at != line.len() {
            return Err(Refusal::Form);
        }
        let message = self.message_index().ok_or(Refusal::NoMessage)?;
        self.note_kinds(message, shape);
        Ok(())
    }

    fn forget(&mut self) {
        self.members.clear();
        self.path.clear();
        self.message = None;
        self.shape.clear();
        self.unescaped.clear();
        self.unescaped.shrink_to(MAX_KEPT_BYTES);
    }

    /// Reads an object from behind its brace to behind the other; it is not empty.
    fn object(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Refusal> {
        let mut before: Option<Text> = None;
        loop {
            let key = self.string(cursor)?;
            let bytes = self.text(cursor.line, key);
            if bytes.is_empty()
                || before.is_some_and(|before| self.text(cursor.line, before) >= bytes)
            {
                return Err(Refusal::Form);
            }
            before = Some(key);
            cursor.eat(b":")?;
            let outer = self.path.len();
            self.push_key(cursor.line, key)?;
            self.member(cursor, key, depth)?;
            self.path.truncate(outer);
            match cursor.next()? {
                b',' => {}
                b'}' => return Ok(()),
                _ => return Err(Refusal::Form),
            }
        }
    }

    fn push_key(&mut self, line: &[u8], key: Text) -> Result<(), Refusal> {
        let Self {
            path, unescaped, ..
        } = self;
        push_key(path, key.of(line, unescaped));
        match path.len() > MAX_SHAPE_BYTES {
            true => Err(Refusal::TooLarge),
            false => Ok(()),
        }
    }

    /// Reads the value of a member, which may be an object of more members.
    fn member(&mut self, cursor: &mut Cursor<'_>, key: Text, depth: usize) -> Result<(), Refusal> {
        let is_object =
            cursor.peek() == Some(b'{') && cursor.line.get(cursor.at + 1) != Some(&b'}');
        if is_object {
            if depth + 1 >= MAX_DEPTH {
                return Err(Refusal::TooLarge);
            }
            cursor.at += 1;
            self.path.push(b'.');
            return self.object(cursor, depth + 1);
        }
        let mut from = cursor.at;
        let value = self.leaf(cursor, depth)?;
        let mut to = cursor.at;
        if matches!(value, Value::Text(_)) {
            (from, to) = (from + 1, to - 1);
        }
        self.push_member(Member {
            path: (0, 0),
            key,
            depth,
            value,
            from: place(from),
            to: place(to),
        })
    }

    fn push_member(&mut self, mut member: Member) -> Result<(), Refusal> {
        let bytes = self.shape.len() + SHAPE_HEAD + self.path.len();
        let len = u16::try_from(self.path.len()).map_err(|_| Refusal::TooLarge)?;
        if self.members.len() == MAX_MEMBERS || bytes > MAX_SHAPE_BYTES {
            return Err(Refusal::TooLarge);
        }
        self.shape.push(0);
        self.shape.extend_from_slice(&len.to_le_bytes());
        member.path = (place(self.shape.len()), place(bytes));
        self.shape.extend_from_slice(&self.path);
        let has_text = matches!(member.value, Value::Text(_)) && member.from < member.to;
        if has_text
            && member.depth <= 1
            && let Some(rank) = MESSAGE_PATHS.iter().position(|path| *path == self.path)
            && self.message.is_none_or(|(best, _)| rank < best)
        {
            self.message = Some((rank, self.members.len()));
        }
        self.members.push(member);
        Ok(())
    }

    /// Completes the shape by what each member holds.
    fn note_kinds(&mut self, message: usize, shape: ShapeOf) {
        for (index, member) in self.members.iter().enumerate() {
            let kind = match (shape, member.value) {
                _ if index == message => b'm',
                (ShapeOf::Keys, _) => b'k',
                (ShapeOf::KeysAndKinds, Value::Null) => b'n',
                (ShapeOf::KeysAndKinds, Value::Bool(_)) => b'b',
                (ShapeOf::KeysAndKinds, Value::Int(_)) => b'i',
                (ShapeOf::KeysAndKinds, Value::Text(_)) => b't',
                (ShapeOf::KeysAndKinds, Value::Raw) => b'r',
            };
            let head = member.path.0 as usize - SHAPE_HEAD;
            if let Some(place) = self.shape.get_mut(head) {
                *place = kind;
            }
        }
    }

    fn text<'a>(&'a self, line: &'a [u8], text: Text) -> &'a [u8] {
        text.of(line, &self.unescaped)
    }

    /// What lines of one schema have in common: their keys, which of them is the message, and perhaps what they hold.
    pub(crate) fn shape(&self) -> &[u8] {
        &self.shape
    }

    /// The members in their order, the message among them.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The place of the message.
    pub(crate) fn message_index(&self) -> Option<usize> {
        self.message.map(|(_, index)| index)
    }

    /// The path of a member.
    pub(crate) fn path(&self, member: &Member) -> &[u8] {
        &self.shape[member.path.0 as usize..member.path.1 as usize]
    }

    /// The key of a member in its own object, as it is.
    pub(crate) fn key<'a>(&'a self, line: &'a [u8], member: &Member) -> &'a [u8] {
        self.text(line, member.key)
    }

    /// What a member of this line holds.
    pub(crate) fn value<'a>(&'a self, line: &'a [u8], member: &Member) -> Leaf<'a> {
        match member.value {
            Value::Null => Leaf::Null,
            Value::Bool(value) => Leaf::Bool(value),
            Value::Int(number) => Leaf::Int(number),
            Value::Text(text) => Leaf::Text(self.text(line, text)),
            Value::Raw => Leaf::Raw(&line[member.from as usize..member.to as usize]),
        }
    }

    /// Whether the canonical form of what was found is the line, to the byte.
    pub(crate) fn gives_back(&self, line: &[u8]) -> bool {
        let mut same = Expected::new(line);
        let mut object = ObjectWriter::new(&mut same);
        for member in &self.members {
            object.member(self.path(member), self.value(line, member));
        }
        object.finish();
        same.is_met()
    }
}

impl Member {
    /// In how many objects it is, besides that of the whole line.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Where its value stands in the line; for a string, what is between its quotes.
    pub(crate) fn range(&self) -> Range<u32> {
        self.from..self.to
    }
}

impl Text {
    fn of<'a>(self, line: &'a [u8], unescaped: &'a [u8]) -> &'a [u8] {
        let all = if self.had_escapes { unescaped } else { line };
        &all[self.start as usize..self.end as usize]
    }
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
