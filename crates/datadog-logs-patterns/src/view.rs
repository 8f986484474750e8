//! The patterns that people see: a merge of the finer structures that the wire uses.
//!
//! Off the hot path, pure and bounded; the groups do not depend on the order of the input.
//! Structures with the same words are one pattern once their values are masked;
//! patterns that differ in one word are one pattern when that word behaves as a value.

mod group;
mod merge;
mod notation;
mod place;
mod shape;
mod split;
mod words;

use std::ops::Range;

/// What the engine knows of one structure.
#[derive(Debug, Clone, Copy)]
pub struct Structure<'a> {
    /// The id of the structure; the view only hands it on.
    pub id: u64,
    /// How many lines had this structure.
    pub count: u64,
    /// One of these lines.
    pub sample: &'a [u8],
    /// The byte ranges of the sample that are known to vary, ascending and apart.
    pub variable: &'a [Range<u32>],
}

/// A pattern for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The structures that it covers, as ascending indices of the input.
    pub structures: Vec<usize>,
    /// How many lines it covers.
    pub count: u64,
    /// What its lines have in common.
    pub template: Vec<Piece>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// Text that all lines have, with single spaces.
    Literal(Vec<u8>),
    /// A place where lines differ.
    Variable(VariableKind),
}

/// What stands at a place where lines differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VariableKind {
    /// A number, with its unit if it has one.
    Number,
    /// An address of IPv4 or IPv6, with its port if it has one.
    Ip,
    /// A date, a time or both.
    Timestamp,
    /// A path of files.
    Path,
    /// A URI with its scheme.
    Uri,
    /// A UUID.
    Uuid,
    /// A hexadecimal number.
    Hex,
    /// An address of electronic mail.
    Email,
    /// Anything else.
    Text,
}

/// Groups structures into the patterns that people see, the most frequent first.
///
/// Every structure is in exactly one pattern.
/// The work grows with the number of structures and never with its square:
/// of each sample a bounded piece is read, and the rest does not count.
pub fn patterns(structures: &[Structure<'_>]) -> Vec<Pattern> {
    let mut words = words::Words::default();
    let mut groups = group::by_words(structures, &mut words);
    merge::merge(&mut groups, &words);
    let mut patterns: Vec<_> = groups
        .into_iter()
        .map(|group| group.into_pattern(structures, &words))
        .collect();
    patterns.sort_by(|a, b| {
        let by_count = b.count.cmp(&a.count);
        by_count.then_with(|| a.template.cmp(&b.template))
    });
    patterns
}

impl Pattern {
    /// The template as text, its variables as `<number>` or `<*>`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for piece in &self.template {
            match piece {
                Piece::Literal(literal) => text.push_str(&String::from_utf8_lossy(literal)),
                Piece::Variable(kind) => text.push_str(kind.placeholder()),
            }
        }
        text
    }
}

impl VariableKind {
    /// How a template shows it.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Number => "<number>",
            Self::Ip => "<ip>",
            Self::Timestamp => "<timestamp>",
            Self::Path => "<path>",
            Self::Uri => "<uri>",
            Self::Uuid => "<uuid>",
            Self::Hex => "<hex>",
            Self::Email => "<email>",
            Self::Text => "<*>",
        }
    }

    /// The kind of a place where both stand.
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Text }
    }
}
