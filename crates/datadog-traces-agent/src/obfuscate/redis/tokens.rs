//! Cuts a text into commands and their arguments.
//!
//! A command begins a line, an argument follows a space; an argument in double quotes may hold both. Quotes and
//! backslashes stay as they are.

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The name of a command, or its first word.
    Command(&'a str),
    /// An argument of the command before it.
    Argument(&'a str),
}

/// Walks over the words of a text.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
    in_command: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.trim(),
            in_command: false,
        }
    }

    /// Takes a word of so many bytes, and the separator after it.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (word, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let blank = |char| matches!(char, ' ' | '\t' | '\r');
        let rest = rest.trim_start_matches(blank);
        self.in_command = !rest.starts_with('\n');
        self.rest = rest.strip_prefix('\n').unwrap_or(rest);
        word
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.in_command {
            if self.rest.is_empty() {
                return None;
            }
            return Some(Token::Argument(self.take(argument_bytes(self.rest))));
        }
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if self.rest.is_empty() {
            return None;
        }
        let bytes = self.rest.find([' ', '\n']).unwrap_or(self.rest.len());
        Some(Token::Command(self.take(bytes)))
    }
}

/// How long the argument is that a text begins with.
fn argument_bytes(text: &str) -> usize {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            b'"' if !is_escaped => is_quoted = !is_quoted,
            b' ' | b'\n' if !is_quoted => return at,
            _ => {}
        }
        is_escaped = false;
    }
    text.len()
}
