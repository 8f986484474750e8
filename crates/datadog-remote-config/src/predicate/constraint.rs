//! Constraints on versions, in the grammar that the backend writes them in.
//!
//! `||` is or; a comma or a space is and; operators are `= != > < >= => <= =< ~ ~> ^`, and none is `=`.
//! `x`, `X`, `*` and numbers that are left out stand for any; `1.2 - 1.4` is from one to the other.
//! A pre-release satisfies only what names a pre-release itself.

use crate::predicate::version::{Version, parse_number, split_suffixes};

/// Why a constraint or a version cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The constraint is not of the grammar.
    #[error("not a constraint on versions")]
    Constraint,
    /// The version is not one.
    #[error("not a version")]
    Version,
}

/// Which versions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint<'a> {
    /// One of these, in which everything must hold.
    any: Vec<Vec<Comparison<'a>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison<'a> {
    operator: Operator,
    bound: Bound<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// Longer ones come before those that they begin with.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// A version of which the last numbers may be any.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound<'a> {
    /// How many numbers are given, from 0 to 3.
    given: usize,
    /// With zeros for those that are not.
    least: Version<'a>,
}

impl<'a> Constraint<'a> {
    /// Reads a constraint.
    ///
    /// # Errors
    /// When it is not of the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Unreadable> {
        let any = text.split("||").map(parse_all).collect::<Option<_>>();
        Ok(Self {
            any: any.ok_or(Unreadable::Constraint)?,
        })
    }

    /// Whether a version is meant.
    ///
    /// # Errors
    /// When the version is not one.
    pub fn matches(&self, version: &str) -> Result<bool, Unreadable> {
        let version = Version::parse(version).ok_or(Unreadable::Version)?;
        let holds = |all: &Vec<Comparison<'_>>| all.iter().all(|one| one.holds(&version));
        Ok(self.any.iter().any(holds))
    }
}

/// Comparisons that must all hold; at least one.
fn parse_all(text: &str) -> Option<Vec<Comparison<'_>>> {
    let mut all = Vec::new();
    for part in text.split(',') {
        let mut rest = part.trim();
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let comparison;
            (comparison, rest) = parse_one(rest)?;
            // A hyphen between two versions, with white space around it.
            let to = rest.strip_prefix('-').filter(|to| to.starts_with(is_space));
            match to {
                Some(to) if comparison.operator == Operator::Equal => {
                    let (last, after) = parse_bound(to.trim_start())?;
                    all.push(Comparison {
                        operator: Operator::GreaterOrEqual,
                        bound: comparison.bound,
                    });
                    all.push(Comparison {
                        operator: Operator::LessOrEqual,
                        bound: last,
                    });
                    rest = after;
                }
                Some(_) => return None,
                None => all.push(comparison),
            }
        }
    }
    Some(all)
}

fn parse_one(text: &str) -> Option<(Comparison<'_>, &str)> {
    let found = OPERATORS.iter().find_map(|(sign, operator)| {
        let rest = text.strip_prefix(sign)?;
        Some((*operator, rest.trim_start()))
    });
    let (operator, rest) = found.unwrap_or((Operator::Equal, text));
    let (bound, rest) = parse_bound(rest)?;
    Some((Comparison { operator, bound }, rest))
}

/// A bound up to the next white space, and what follows it.
fn parse_bound(text: &str) -> Option<(Bound<'_>, &str)> {
    let (word, rest) = text.split_once(is_space).unwrap_or((text, ""));
    let word = word.strip_prefix('v').unwrap_or(word);
    let (numbers, pre) = split_suffixes(word)?;
    let mut least = [0; 3];
    let mut given = 0;
    let mut open = false;
    for (index, number) in numbers.split('.').enumerate() {
        let slot = least.get_mut(index)?;
        if matches!(number, "x" | "X" | "*") {
            open = true;
        } else {
            let number = parse_number(number)?;
            // What stands behind an open number says nothing.
            if !open {
                *slot = number;
                given = index + 1;
            }
        }
    }
    let least = Version {
        numbers: least,
        pre,
    };
    Some((Bound { given, least }, rest.trim_start()))
}

fn is_space(character: char) -> bool {
    character.is_ascii_whitespace()
}

impl Comparison<'_> {
    fn holds(&self, version: &Version<'_>) -> bool {
        let Bound { given, least } = &self.bound;
        let exact = *given == least.numbers.len();
        if self.operator == Operator::NotEqual && exact {
            return version != least;
        }
        if !version.pre.is_empty() && least.pre.is_empty() {
            return false;
        }
        // Equal as far as so many numbers of the bound.
        let same = |numbers: usize| {
            let both = version.numbers.iter().zip(&least.numbers);
            both.take(numbers).all(|(one, two)| one == two)
        };
        let within = same(*given)
            && if exact {
                version == least
            } else {
                version >= least
            };
        match self.operator {
            Operator::Equal => within,
            Operator::NotEqual => !within,
            Operator::GreaterOrEqual => version >= least,
            Operator::Less => version < least,
            Operator::Greater => version > least && !within,
            Operator::LessOrEqual => version < least || within,
            Operator::Tilde => version >= least && same((*given).min(2)),
            Operator::Caret => version >= least && same((*given).min(1)),
        }
    }
}

#[cfg(test)]
mod tests;
