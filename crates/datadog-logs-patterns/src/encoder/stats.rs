//! What an encoder has done and holds, for people and for telemetry.

/// Why a log travelled as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawReason {
    /// Its structure was seen for the first time.
    New,
    /// Almost all of it would be values, or its template too long.
    Unsuitable,
    /// It has too many bytes or tokens.
    TooLong,
    /// It is no valid UTF-8.
    Binary,
    /// It is empty.
    Empty,
    /// It is JSON, and that is to travel as it is.
    Json,
    /// It would not have come back byte for byte.
    Guard,
}

impl RawReason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Unsuitable,
        Self::TooLong,
        Self::Binary,
        Self::Empty,
        Self::Json,
        Self::Guard,
    ];

    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unsuitable => "unsuitable",
            Self::TooLong => "too_long",
            Self::Binary => "binary",
            Self::Empty => "empty",
            Self::Json => "json",
            Self::Guard => "lossless_guard",
        }
    }
}

/// Why a line that begins like a JSON object was text, although objects are to travel as columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextReason {
    /// It is no JSON object in its canonical form, or has an empty key.
    Form,
    /// It has no message.
    NoMessage,
    /// It has too many members, too long keys or too many levels.
    TooLarge,
    /// Profile A cannot tell one of its values from another, or has no word for one of its keys.
    Ambiguous,
    /// Its members were seen for the first time.
    New,
    /// There is no room for its schema.
    NoRoom,
    /// Its message cannot have a pattern, which in profile A it needs.
    Message,
    /// It would not have come back byte for byte.
    Guard,
}

impl TextReason {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::Form,
        Self::NoMessage,
        Self::TooLarge,
        Self::Ambiguous,
        Self::New,
        Self::NoRoom,
        Self::Message,
        Self::Guard,
    ];

    /// The name in telemetry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::NoMessage => "no_message",
            Self::TooLarge => "too_large",
            Self::Ambiguous => "ambiguous",
            Self::New => "new",
            Self::NoRoom => "no_room",
            Self::Message => "message",
            Self::Guard => "lossless_guard",
        }
    }
}

/// What an encoder has done and holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Logs encoded.
    pub logs: u64,
    /// Bytes of their texts.
    pub raw_bytes: u64,
    /// Logs that travelled as they are, by [`RawReason`] in the order of [`RawReason::ALL`].
    pub raw: [u64; RawReason::ALL.len()],
    /// Patterns that are kept.
    pub patterns: usize,
    /// Clusters that they belong to.
    pub clusters: usize,
    /// Patterns that many lines in a row have left unchanged.
    pub saturated_patterns: usize,
    /// Logs that fitted the pattern which their cluster had used last.
    pub hot_hits: u64,
    /// Definitions of patterns, new and widened.
    pub patterns_defined: u64,
    /// Patterns that had to leave.
    pub patterns_evicted: u64,
    /// Memory of the patterns, in bytes.
    pub pattern_bytes: usize,
    /// Memory of lines that wait for a second of their structure, in bytes.
    pub waiting_bytes: usize,
    /// Entries of the dictionary.
    pub texts: usize,
    /// Memory of the dictionary, in bytes.
    pub text_bytes: usize,
    /// Definitions of entries.
    pub texts_defined: u64,
    /// Entries that had to leave.
    pub texts_evicted: u64,
    /// Logs that travelled as columns.
    pub columns: u64,
    /// Lines like JSON objects that were text, by [`TextReason`] in the order of [`TextReason::ALL`];
    /// counted only where they are to travel as columns.
    pub json_text: [u64; TextReason::ALL.len()],
    /// Schemas of JSON objects.
    pub schemas: usize,
    /// Memory of the schemas, in bytes; that of their keys is in the dictionary.
    pub schema_bytes: usize,
    /// Definitions of schemas; profile A has none, as there they are texts.
    pub schemas_defined: u64,
    /// Schemas that had to leave.
    pub schemas_evicted: u64,
    /// Memory of what is known of values without an entry and of shapes without a schema, in bytes;
    /// always about the same.
    pub admission_bytes: usize,
    /// How often a pattern was compared with a log or weighed against others: the work of the search.
    pub patterns_compared: u64,
    /// Values that had an entry.
    pub dictionary_hits: u64,
    /// Values that might have had an entry and had none.
    pub dictionary_misses: u64,
}

impl Stats {
    pub(super) fn count_raw(&mut self, reason: RawReason) {
        self.raw[reason as usize] += 1;
    }

    pub(super) fn count_text(&mut self, reason: TextReason) {
        self.json_text[reason as usize] += 1;
    }

    /// Memory of everything that is kept between batches, in bytes.
    pub fn state_bytes(&self) -> usize {
        self.pattern_bytes
            + self.waiting_bytes
            + self.text_bytes
            + self.schema_bytes
            + self.admission_bytes
    }

    /// Logs that would not have come back byte for byte, and travelled in another way.
    pub fn guard_hits(&self) -> u64 {
        self.raw[RawReason::Guard as usize] + self.json_text[TextReason::Guard as usize]
    }
}
