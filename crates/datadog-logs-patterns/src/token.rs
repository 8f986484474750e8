//! Tokens: the pieces of a log line, each with a kind, that together cover it exactly.

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
    /// A hexadecimal number: `0x…`, or 8 and more digits of both sorts.
    Hex,
    /// A path that begins with `/`.
    Path,
    /// In a JSON line: what stands between two values, keys with their quotes, braces and separators included.
    Structure,
}

/// What else is known of a token, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The token holds a digit.
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
