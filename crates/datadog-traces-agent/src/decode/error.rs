//! Why a body could not be decoded.

/// Why a body could not be decoded. All of it is lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}, in `{}`, at byte {} of the body", .0.reason, .0.field, .0.position)]
pub struct Error(Box<Details>);

/// Boxed, so that results stay small where everything is well.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Details {
    reason: Reason,
    field: &'static str,
    position: usize,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It ends before what it announced.
    #[error("unexpected end")]
    UnexpectedEnd,
    /// An array or map announces more entries than any payload may have.
    #[error("too long payload: {0} entries")]
    TooLong(u32),
    /// A value is of another type than it must be.
    #[error("expected {expected}, found the marker 0x{found:02x}")]
    Unexpected {
        /// What should be there.
        expected: &'static str,
        /// The first byte of what is there.
        found: u8,
    },
    /// A number does not fit into its field.
    #[error("number out of range")]
    OutOfRange,
    /// A reference points outside of the texts.
    #[error("unknown text {0}")]
    UnknownText(u64),
    /// An array has a length that its content does not allow.
    #[error("expected {expected} elements, found {found}")]
    WrongLength {
        /// The length that it should have.
        expected: &'static str,
        /// The length that it has.
        found: usize,
    },
    /// Arrays stand in arrays in arrays, too deep.
    #[error("nested too deep")]
    TooDeep,
    /// The type of an attribute is none of those known.
    #[error("unknown type of value {0}")]
    UnknownType(u64),
    /// The list of texts does not come first.
    #[error("texts after their first use")]
    LateTexts,
    /// It is small, but would become large in memory.
    #[error("too many entries for its size: they would take more than {0} bytes of memory")]
    TooMuchMemory(usize),
    /// A part of it that must be held at once is larger than any may be.
    #[error("a chunk would take more than {0} bytes of memory")]
    TooLarge(usize),
    /// There is no memory for it now.
    #[error("no memory for it now")]
    NoRoom,
    /// It is small, but its references stand for too much text.
    #[error("too many references for its size: they stand for more than {0} bytes of text")]
    TooMuchText(usize),
    /// It is no JSON, or not of the shape of spans.
    #[error("{0}")]
    Json(String),
}

impl Error {
    /// An error at so many bytes from the start of the body.
    #[cold]
    pub(super) fn new(reason: Reason, position: usize) -> Self {
        Self(Box::new(Details {
            reason,
            field: "body",
            position,
        }))
    }

    /// Names the field that was being read, unless a field within it is named already.
    #[cold]
    pub(super) fn within(mut self, field: &'static str) -> Self {
        if self.0.field == "body" {
            self.0.field = field;
        }
        self
    }

    /// What is wrong.
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// The innermost field that has a name of its own, or `body`.
    pub fn field(&self) -> &'static str {
        self.0.field
    }

    /// How far the body was read when that was found: at the start of a value of the wrong type, and after the head or
    /// the whole of one that is wrong otherwise. In bytes from the start of the body.
    pub fn position(&self) -> usize {
        self.0.position
    }

    /// Whether it is no fault of the body, but there is no memory for it.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        self.0.reason == Reason::NoRoom
    }

    /// Whether a chunk is larger than any may be.
    pub fn is_too_large(&self) -> bool {
        matches!(self.0.reason, Reason::TooLarge(_))
    }

    /// Whether the body was cut short, which tracers are told apart from other errors.
    pub fn is_truncated(&self) -> bool {
        self.0.reason == Reason::UnexpectedEnd
    }
}
