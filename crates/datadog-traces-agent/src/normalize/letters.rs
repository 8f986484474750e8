//! What Unicode calls a letter or a decimal digit, which the standard library does not tell: its letters include marks
//! and numerals, and its numbers fractions.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Whether a character is a letter, of any script.
pub(super) fn is_letter(character: char) -> bool {
    static LETTERS: LazyLock<Vec<RangeInclusive<char>>> = LazyLock::new(|| ranges(r"\p{L}"));
    contains(&LETTERS, character)
}

/// Whether a character is a decimal digit, of any script.
pub(super) fn is_digit(character: char) -> bool {
    static DIGITS: LazyLock<Vec<RangeInclusive<char>>> = LazyLock::new(|| ranges(r"\p{Nd}"));
    contains(&DIGITS, character)
}

/// The ranges of a class in their order; none if the pattern were no class.
fn ranges(class: &str) -> Vec<RangeInclusive<char>> {
    match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class
            .iter()
            .map(|range| range.start()..=range.end())
            .collect(),
        _ => Vec::new(),
    }
}

fn contains(ranges: &[RangeInclusive<char>], character: char) -> bool {
    let after = ranges.partition_point(|range| *range.start() <= character);
    let range = after.checked_sub(1).and_then(|index| ranges.get(index));
    range.is_some_and(|range| range.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_all_scripts_but_no_marks_and_no_numerals() {
        for letter in ['a', 'Z', 'ü', 'ß', 'ж', '漢', 'ª', 'ǅ', '\u{1e900}'] {
            assert!(is_letter(letter), "{letter}");
        }
        for other in ['0', '_', '-', '\u{301}', 'Ⅷ', 'ⓐ', '🍣', '\u{93f}', '½'] {
            assert!(!is_letter(other), "{other}");
        }
    }

    #[test]
    fn digits_are_decimal() {
        for digit in ['0', '9', '٣', '߀'] {
            assert!(is_digit(digit), "{digit}");
        }
        for other in ['a', '½', '²', 'Ⅷ', '㊀'] {
            assert!(!is_digit(other), "{other}");
        }
    }
}
