//! Tokens: the pieces of a log line, each with a kind, that together cover it exactly.

use std::ops::Range;

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A run of space, tab, line feed, vertical tab, form feed and carriage return.
    Space,
    /// One byte of punctuation, or a control character.
    Special,
    /// Letters, digits, `_` and bytes beyond ASCII.
    Word,
    /// A number, with sign, fraction, exponent and unit if it has them.
    Number,
    /// A severity as a whole word, in any case.
    Severity,
    /// A method of HTTP as a whole word in upper case.
    HttpMethod,
    /// A number from 100 to 599 that follows a request.
    HttpStatus,
    /// A point in time, or a part of one, in one of the usual notations.
    Timestamp,
    /// 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    Uuid,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An address of electronic mail.
    Email,
    /// A URI with its scheme.
    Uri,
    /// A hexadecimal number: `0x…`, an even number of digits of both sorts, 8 at least, or 6 to 32 pairs with colons.
    Hex,
    /// A path that begins with `/`.
    Path,
    /// Text between double quotes, without them.
    Quoted,
    /// In a JSON line: what stands between two values, keys with their quotes, braces and separators included.
    Structure,
}

/// What else is known of a token, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The word holds a digit; no other kind has this flag.
    pub const HAS_DIGIT: Self = Self(1);
    /// The token holds a byte that is not printable ASCII or tab, so it cannot stand in a template.
    pub const NOT_PLAIN: Self = Self(2);

    /// Whether all flags of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags of both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The tokens of one line: they cover it exactly, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    kinds: Vec<Kind>,
    flags: Vec<Flags>,
    starts: Vec<u32>,
    signature: u64,
}

impl Default for Tokens {
    /// The tokens of nothing.
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            flags: Vec::new(),
            starts: vec![0],
            signature: 0,
        }
    }
}

impl Tokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// What a token is.
    ///
    /// # Panics
    /// If there is no such token, as do [`Self::flags`] and [`Self::range`].
    pub fn kind(&self, index: usize) -> Kind {
        self.kinds[index]
    }

    /// What else is known of a token.
    pub fn flags(&self, index: usize) -> Flags {
        self.flags[index]
    }

    /// The bytes of the line that a token is.
    pub fn range(&self, index: usize) -> Range<usize> {
        self.starts[index] as usize..self.starts[index + 1] as usize
    }

    /// What each token is.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Where each token starts, and last where the line ends: one more than there are tokens.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The hash of the structure: all kinds, and the bytes of the tokens that no wildcard ever stands for,
    /// which are [`Kind::Special`], [`Kind::Space`] and [`Kind::Structure`].
    ///
    /// 0 if no line was tokenized, or the last was too large.
    pub fn signature(&self) -> u64 {
        self.signature
    }

    pub(crate) fn clear(&mut self) {
        self.kinds.clear();
        self.flags.clear();
        self.starts.truncate(1);
        self.signature = 0;
    }

    /// Adds a token that ends before `end`, which is below 4 GiB.
    pub(crate) fn push(&mut self, kind: Kind, flags: Flags, end: u32) {
        self.kinds.push(kind);
        self.flags.push(flags);
        self.starts.push(end);
    }

    pub(crate) fn seal(&mut self, signature: u64) {
        self.signature = signature;
    }
}
