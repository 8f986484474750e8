//! Commands of Redis and Valkey without their values.
//!
//! Resources become the names of their commands; raw commands keep those arguments that are no values.

mod arguments;
mod tokens;

use std::borrow::Cow;

use tokens::{Token, Tokens};

/// What tracers end a command with that they cut.
const CUT: &str = "...";
/// Commands that a resource names, at most.
const MAX_COMMANDS: usize = 3;
/// Commands whose second word belongs to their name.
const COMPOUND: [&str; 6] = ["CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "SCRIPT"];

/// The names of the first commands of a text, one command a line.
pub(crate) fn quantize(commands: &str) -> Cow<'_, str> {
    if is_name(commands) {
        return Cow::Borrowed(commands);
    }
    let mut names = String::new();
    let mut count = 0;
    let mut is_cut = false;
    for line in commands.split('\n') {
        if count == MAX_COMMANDS {
            break;
        }
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let Some(word) = words.next() else {
            continue;
        };
        is_cut = word.ends_with(CUT);
        if is_cut {
            continue;
        }
        let command = upper(word);
        let mut second = None;
        if COMPOUND.contains(&command.as_ref()) {
            second = words.next();
            is_cut = second.is_some_and(|second| second.ends_with(CUT));
        }
        if is_cut {
            continue;
        }
        for word in std::iter::once(command).chain(second.map(upper)) {
            if !names.is_empty() {
                names.push(' ');
            }
            names.push_str(&word);
        }
        count += 1;
    }
    if count == MAX_COMMANDS || is_cut {
        names.push_str(if names.is_empty() { CUT } else { " ..." });
    }
    Cow::Owned(names)
}

/// Whether a text is one word in capitals, and so its own name.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A word in capitals, as far as that leaves each character one.
fn upper(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return if word.bytes().any(|byte| byte.is_ascii_lowercase()) {
            Cow::Owned(word.to_ascii_uppercase())
        } else {
            Cow::Borrowed(word)
        };
    }
    let capital = |char: char| {
        let mut capitals = char.to_uppercase();
        match (capitals.next(), capitals.next()) {
            (Some(capital), None) => capital,
            _ => char,
        }
    };
    Cow::Owned(word.chars().map(capital).collect())
}

/// Commands with `?` for each argument that holds a value, one command a line.
pub(crate) fn obfuscate(commands: &str) -> String {
    let mut out = String::with_capacity(commands.len());
    let mut command = "";
    let mut args = Vec::new();
    for token in Tokens::new(commands) {
        match token {
            Token::Command(next) => {
                if !command.is_empty() {
                    arguments::write(&mut out, command, &mut args);
                    out.push('\n');
                }
                command = next;
                args.clear();
            }
            Token::Argument(arg) => args.push(arg),
        }
    }
    arguments::write(&mut out, command, &mut args);
    out
}

/// A command with `?` for all its arguments.
pub(crate) fn remove_all_args(command: &str) -> String {
    let mut words = command.split_whitespace();
    let mut out = words.next().unwrap_or_default().to_owned();
    let Some(first) = words.next() else {
        return out;
    };
    let is_one_of =
        |word: &str, names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    if out.eq_ignore_ascii_case("BITFIELD") {
        out.push_str(" ?");
        for word in std::iter::once(first).chain(words) {
            if is_one_of(word, &["SET", "GET", "INCRBY"]) {
                out.extend([" ", word, " ?"]);
            }
        }
    } else if out.eq_ignore_ascii_case("CONFIG")
        && is_one_of(first, &["GET", "SET", "RESETSTAT", "REWRITE"])
    {
        out.extend([" ", first, " ?"]);
    } else {
        out.push_str(" ?");
    }
    out
}

#[cfg(test)]
mod tests;
