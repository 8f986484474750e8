//! Tokens: the pieces of a log line, each with a kind, that together cover it exactly.

use std::fmt;
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
#[derive(Clone)]
pub struct Tokens {
    /// Longer than there are tokens, so that a token is added without a look at the capacity.
    kinds: Vec<Kind>,
    flags: Vec<Flags>,
    starts: Vec<u32>,
    len: usize,
    signature: u64,
}

impl Default for Tokens {
    /// The tokens of nothing.
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            flags: Vec::new(),
            starts: vec![0],
            len: 0,
            signature: 0,
        }
    }
}

impl PartialEq for Tokens {
    fn eq(&self, other: &Self) -> bool {
        let parts = |tokens: &Self| (tokens.signature, tokens.len);
        parts(self) == parts(other)
            && self.kinds() == other.kinds()
            && self.starts() == other.starts()
            && self.flags[..self.len] == other.flags[..other.len]
    }
}

impl Eq for Tokens {}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = (0..self.len).map(|index| (self.kind(index), self.range(index)));
        formatter.debug_list().entries(tokens).finish()
    }
}

impl Tokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What a token is.
    ///
    /// # Panics
    /// If there is no such token, as do [`Self::flags`] and [`Self::range`].
    pub fn kind(&self, index: usize) -> Kind {
        self.kinds()[index]
    }

    /// What else is known of a token.
    pub fn flags(&self, index: usize) -> Flags {
        self.flags[..self.len][index]
    }

    /// The bytes of the line that a token is.
    pub fn range(&self, index: usize) -> Range<usize> {
        let starts = self.starts();
        starts[index] as usize..starts[index + 1] as usize
    }

    /// What each token is.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds[..self.len]
    }

    /// Where each token starts, and last where the line ends: one more than there are tokens.
    pub fn starts(&self) -> &[u32] {
        &self.starts[..=self.len]
    }

    /// The hash of the structure: all kinds, and the bytes of the tokens that no wildcard ever stands for,
    /// which are [`Kind::Special`], [`Kind::Space`] and [`Kind::Structure`].
    ///
    /// 0 if no line was tokenized, or the last was too large.
    pub fn signature(&self) -> u64 {
        self.signature
    }

    /// Forgets the tokens.
    pub(crate) fn clear(&mut self) {
        (self.len, self.signature) = (0, 0);
    }

    /// The places of so many tokens.
    pub(crate) fn begin(&mut self, room: usize) -> Room<'_> {
        if self.kinds.len() < room {
            self.kinds.resize(room, Kind::Space);
            self.flags.resize(room, Flags::NONE);
            self.starts.resize(room + 1, 0);
        }
        Room {
            kinds: &mut self.kinds[..room],
            flags: &mut self.flags[..room],
            ends: &mut self.starts[1..=room],
        }
    }

    /// Says how many tokens were written to the places, and their signature.
    pub(crate) fn seal(&mut self, len: usize, signature: u64) {
        (self.len, self.signature) = (len, signature);
    }
}

/// The places of tokens, as many of each part.
#[derive(Default)]
pub(crate) struct Room<'a> {
    pub(crate) kinds: &'a mut [Kind],
    pub(crate) flags: &'a mut [Flags],
    pub(crate) ends: &'a mut [u32],
}
