//! Patterns in the syntax of RE2, as rules are written, in the syntax of the `regex` crate.
//!
//! The two agree on nearly everything. Where they do not, RE2 is meant: `\d \w \s \b` and their opposites know ASCII
//! only while all else is Unicode; a bracket or `&&` inside of a class is itself, and so is a brace that repeats
//! nothing; `\<` is a `<`; `\Q…\E` quotes. What
//! RE2 lacks is refused, so that no rule means one thing here and another in the Datadog agent. Whatever the pattern,
//! it matches whole characters, hence what a mask leaves is valid UTF-8.

use std::iter::Peekable;
use std::str::Chars;

/// The pattern for the `regex` crate.
///
/// # Errors
/// Says what RE2 does not know. Other mistakes are left for the `regex` crate to find.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\\' => escape(&mut rest, &mut out)?,
            '[' => class(&mut rest, &mut out)?,
            '(' => group(&mut rest, &mut out)?,
            '{' if !is_repetition(rest.clone()) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// The names of classes within classes.
const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Whether what follows a brace makes it a repetition: `2}`, `2,}` or `2,3}`. Any other brace is itself.
fn is_repetition(rest: Peekable<Chars<'_>>) -> bool {
    let inside: String = rest.take_while(|&next| next != '}').collect();
    let (least, most) = inside.split_once(',').unwrap_or((&inside, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number(least) && (most.is_empty() || is_number(most))
}

/// What a Perl class holds, as the inside of a class.
fn perl_class(letter: char) -> Option<&'static str> {
    match letter {
        'd' | 'D' => Some("0-9"),
        'w' | 'W' => Some("0-9A-Za-z_"),
        // RE2 leaves the vertical tab out.
        's' | 'S' => Some("\\t\\n\\f\\r\\x20"),
        _ => None,
    }
}

/// A backslash outside of classes.
fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let Some(letter) = rest.next() else {
        return Err("trailing backslash".to_owned());
    };
    if let Some(set) = perl_class(letter) {
        let negation = if letter.is_ascii_uppercase() { "^" } else { "" };
        out.extend(["[", negation, set, "]"]);
        return Ok(());
    }
    match letter {
        'b' => out.push_str("(?-u:\\b)"),
        'B' => out.push_str("(?-u:\\B)"),
        'Q' => quoted(rest, out),
        '<' | '>' => out.push(letter),
        '1'..='9' => return Err("back-references are not supported".to_owned()),
        'x' | 'p' | 'P' => {
            out.extend(['\\', letter]);
            copy_braces(rest, out);
        }
        'u' | 'U' => return Err(format!("unknown escape \\{letter}")),
        other => out.extend(['\\', other]),
    }
    Ok(())
}

/// Copies what stands in braces, if that is next.
fn copy_braces(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    if rest.peek() != Some(&'{') {
        return;
    }
    for next in rest.by_ref() {
        out.push(next);
        if next == '}' {
            break;
        }
    }
}

/// `\Q…\E`: everything up to the end stands for itself.
fn quoted(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut literal = String::new();
    while let Some(next) = rest.next() {
        if next == '\\' && rest.next_if_eq(&'E').is_some() {
            break;
        }
        literal.push(next);
    }
    out.push_str(&regex::escape(&literal));
}

/// A parenthesis: look-around and flags that RE2 lacks are refused.
fn group(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    out.push('(');
    if rest.next_if_eq(&'?').is_none() {
        return Ok(());
    }
    out.push('?');
    match rest.peek() {
        Some('=' | '!') => return Err("look-around is not supported".to_owned()),
        Some('<') => {
            rest.next();
            if matches!(rest.peek(), Some('=' | '!')) {
                return Err("look-around is not supported".to_owned());
            }
            out.push('<');
        }
        Some('P') => {}
        _ => {
            while let Some(flag) = rest.next_if(|next| !matches!(next, ':' | ')')) {
                if !matches!(flag, 'i' | 'm' | 's' | 'U' | '-') {
                    return Err(format!("unknown flag {flag}"));
                }
                out.push(flag);
            }
        }
    }
    Ok(())
}

/// A class in brackets, item by item: RE2 knows no set operations and no classes inside of classes.
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut is_first = true;
    loop {
        let Some(&next) = rest.peek() else {
            return Err("unclosed character class".to_owned());
        };
        if next == ']' && !is_first {
            rest.next();
            out.push(']');
            return Ok(());
        }
        is_first = false;
        if !named_class(rest, out)? {
            range(rest, out)?;
        }
    }
}

/// An item that is a class by name: `[:alpha:]`, `\pL`, `\d`.
fn named_class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<bool, String> {
    let mut ahead = rest.clone();
    match (ahead.next(), ahead.next()) {
        (Some('['), Some(':')) => {
            let name: String = ahead.by_ref().take_while(|&next| next != ':').collect();
            if ahead.next() != Some(']') {
                return Ok(false);
            }
            if !POSIX_CLASSES.contains(&name.strip_prefix('^').unwrap_or(&name)) {
                return Err(format!("unknown character class [:{name}:]"));
            }
            out.extend(["[:", &name, ":]"]);
        }
        (Some('\\'), Some(letter @ ('p' | 'P'))) => {
            out.extend(['\\', letter]);
            if ahead.peek() == Some(&'{') {
                copy_braces(&mut ahead, out);
            } else {
                out.extend(ahead.next());
            }
        }
        (Some('\\'), Some(letter)) => {
            let Some(set) = perl_class(letter) else {
                return Ok(false);
            };
            if letter.is_ascii_uppercase() {
                out.extend(["[^", set, "]"]);
            } else {
                out.push_str(set);
            }
        }
        _ => return Ok(false),
    }
    *rest = ahead;
    Ok(true)
}

/// An item that is a character, or two with all between them.
fn range(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let low = class_character(rest)?;
    push_character(low, out);
    let mut ahead = rest.clone();
    if ahead.next() == Some('-') && ahead.peek().is_some_and(|&next| next != ']') {
        *rest = ahead;
        let high = class_character(rest)?;
        if low > high {
            return Err("character class with a range that runs backwards".to_owned());
        }
        out.push('-');
        push_character(high, out);
    }
    Ok(())
}

/// Writes a character so that it means itself inside of a class, whatever stands around it.
fn push_character(character: char, out: &mut String) {
    out.push_str(&format!("\\x{{{:X}}}", u32::from(character)));
}

/// A character of a class, its escape resolved.
fn class_character(rest: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let unclosed = || "unclosed character class".to_owned();
    let next = rest.next().ok_or_else(unclosed)?;
    if next != '\\' {
        return Ok(next);
    }
    let letter = rest.next().ok_or_else(unclosed)?;
    match letter {
        'a' => Ok('\u{7}'),
        'f' => Ok('\u{C}'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        'v' => Ok('\u{B}'),
        'x' => hexadecimal(rest),
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(other),
        other => Err(format!("unknown escape \\{other} in a character class")),
    }
}

/// `7F` or `{10FFFF}`, behind `\x`.
fn hexadecimal(rest: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let digits: String = if rest.next_if_eq(&'{').is_some() {
        rest.by_ref().take_while(|&next| next != '}').collect()
    } else {
        rest.by_ref().take(2).collect()
    };
    let code = u32::from_str_radix(&digits, 16).ok();
    let character = code.and_then(char::from_u32);
    character.ok_or_else(|| "bad \\x escape in a character class".to_owned())
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[track_caller]
    fn matches(pattern: &str, text: &str) -> bool {
        Regex::new(&translate(pattern).unwrap())
            .unwrap()
            .is_match(text)
    }

    #[track_caller]
    fn refused(pattern: &str) -> String {
        translate(pattern).unwrap_err()
    }

    #[test]
    fn perl_classes_know_ascii_only() {
        for (pattern, ascii, other) in [
            (r"^\d$", "7", "٣"),
            (r"^\w$", "_", "é"),
            (r"^\s$", "\t", "\u{a0}"),
            (r"^[\d]$", "7", "٣"),
            (r"^[\w-]$", "-", "é"),
            (r"^[\s,]$", ",", "\u{a0}"),
        ] {
            assert!(matches(pattern, ascii), "{pattern}");
            assert!(!matches(pattern, other), "{pattern}");
        }
        assert!(
            !matches(r"\s", "\u{b}"),
            "the vertical tab is no space in RE2"
        );
    }

    #[test]
    fn the_opposites_of_perl_classes_match_whole_characters() {
        for pattern in [
            r"^\D$",
            r"^\W$",
            r"^\S$",
            r"^[\W]$",
            r"^[^\w]$",
            r"^[\D\W]$",
        ] {
            assert!(matches(pattern, "é"), "{pattern}");
            assert!(matches(pattern, "\u{1F600}"), "{pattern}");
        }
        assert!(!matches(r"^[\W\d]$", "a"));
    }

    #[test]
    fn word_boundaries_know_ascii_only() {
        assert!(matches(r"\bb", "éb"));
        assert!(!matches(r"\bb", "ab"));
        assert!(matches(r"a\B", "ab"));
        assert!(!matches(r"a\B", "aé"));
    }

    #[test]
    fn literals_and_dots_are_unicode() {
        assert!(matches("^é.$", "éß"));
        assert!(matches("^[à-ü]$", "é"));
        assert!(matches("^[^a]$", "é"));
        assert!(matches("(?i)^É$", "é"));
        assert!(matches(r"^\pL\p{Greek}[\p{Lu}\PL]$", "éαÉ"));
        assert!(!matches("^.$", "\n"));
    }

    #[test]
    fn inside_of_a_class_every_sign_is_itself() {
        assert!(matches("^[[]$", "["));
        assert!(matches("^[]a]$", "]"));
        assert!(matches("^[^]a]$", "b"));
        for sign in ["a", "&", "b"] {
            assert!(matches("^[a&&b]$", sign), "{sign}");
        }
        for sign in ["+", ",", "-"] {
            assert!(matches("^[+--]$", sign), "{sign}");
        }
        assert!(matches("^[~~#^-]$", "^"));
        assert!(matches("^[a-]$", "-"));
        assert!(matches(r"^[\-\]\\\n\x41\x{e9}]+$", "-]\\\nAé"));
        assert!(matches("^[[:alpha:][:^digit:]]$", "é"));
        assert!(!matches("^[[:alpha:]]$", "é"));
        assert!(matches("^[[:a]$", ":"));
    }

    #[test]
    fn quoted_text_and_angles_stand_for_themselves() {
        assert!(matches(r"^\Qa.b\d[\E\d$", r"a.b\d[7"));
        assert!(matches(r"\Q(x", "(x"));
        assert!(matches(r"^\<\>$", "<>"));
    }

    #[test]
    fn a_brace_that_repeats_nothing_is_itself() {
        assert!(matches(r#"^{"a":\d{2}}$"#, r#"{"a":12}"#));
        assert!(matches("^a{,2}$", "a{,2}"));
        assert!(matches("^a{$", "a{"));
        assert!(matches(r"^\b{start}$", "{start}") == matches(r"^\b\{start\}$", "{start}"));
        for text in ["aa", "aaa"] {
            assert!(
                matches("^a{2,}$", text) && matches("^a{2,3}$", text),
                "{text}"
            );
        }
        assert!(!matches("^a{2}$", "aaa"));
        assert!(matches(r"^\x{e9}\x41\pL$", "éAz"));
    }

    #[test]
    fn groups_and_the_flags_of_re2_pass() {
        assert!(matches(r"^(?i:A)(?P<x>b)(?<y>c)(?:d)(?s).$", "abcd\n"));
        assert!(matches(r"(?m)^b$", "a\nb"));
        assert!(matches(r"^(?U)a+?$", "aa"));
        assert!(
            matches(r"\(?=", "(="),
            "an escaped parenthesis opens no group"
        );
    }

    #[test]
    fn what_re2_lacks_is_refused() {
        for pattern in ["(?=a)", "(?!a)", "(?<=a)", "(?<!a)"] {
            assert_eq!(refused(pattern), "look-around is not supported");
        }
        assert_eq!(refused(r"(a)\1"), "back-references are not supported");
        assert_eq!(refused("(?x)a # [b"), "unknown flag x");
        assert_eq!(refused("(?-u)a"), "unknown flag u");
        assert_eq!(refused("[[:nope:]]"), "unknown character class [:nope:]");
        assert_eq!(refused("[a"), "unclosed character class");
        assert_eq!(
            refused("[b-a]"),
            "character class with a range that runs backwards"
        );
        assert_eq!(refused(r"[\q]"), "unknown escape \\q in a character class");
        assert_eq!(refused("a\\"), "trailing backslash");
        for pattern in ["(", r"\C", r"\Z"] {
            assert!(
                Regex::new(&translate(pattern).unwrap()).is_err(),
                "{pattern}"
            );
        }
    }
}
