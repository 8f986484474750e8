//! What can be wrong with metrics, events and service checks, in words that are few enough to be counted.

use std::fmt;

use datadog_wire::metrics::{MAX_SERIES_POINTS, MAX_TAGS};

use super::item::{MAX_HOST_BYTES, MAX_NAME_CHARS, MAX_TAG_CHARS};

/// One kind of problem of this signal. Its words are the key under which the summary counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dislike {
    /// More points than the intake takes in one request.
    TooManyPoints,
    /// A `Content-Type` that is neither protobuf nor JSON.
    UnknownMedia,
    /// A `Content-Type` that is not protobuf.
    NotProtobuf,
    NoName,
    LongName,
    OddName,
    /// The type of a series is none of the three.
    UnknownType,
    NoPoints,
    NotFinite,
    NoTimestamp,
    TooOld,
    Ahead,
    NoInterval,
    NegativeInterval,
    HostNotFirst,
    LongHost,
    TooManyTags,
    EmptyTag,
    LongTag,
    TagTwice,
    /// A distribution without a sketch.
    NoSketch,
    /// A sketch which holds what none could.
    BadSketch,
    /// A sketch of no values.
    EmptySketch,
    /// Two bins of a key, of which neither is full.
    KeyTwice,
    ExtremesCrossed,
    /// A source that is the key of two lists of events.
    SourceTwice,
    /// An event that names another source than the one it stands under.
    OtherSource,
    UnknownAlertType,
    UnknownPriority,
    UnknownStatus,
    /// A timestamp that is no whole number.
    BadTimestamp,
    TagsNotStrings,
    /// A key that must be a string and is none.
    NotAString(&'static str),
}

impl fmt::Display for Dislike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyPoints => return write!(f, "more than {MAX_SERIES_POINTS} points"),
            Self::UnknownMedia => {
                "Content-Type is neither application/x-protobuf nor application/json"
            }
            Self::NotProtobuf => "Content-Type is not application/x-protobuf",
            Self::NoName => "no name",
            Self::LongName => return write!(f, "name over {MAX_NAME_CHARS} characters"),
            Self::OddName => "name has characters that the intake replaces",
            Self::UnknownType => "type is none of count, rate and gauge",
            Self::NoPoints => "no points",
            Self::NotFinite => "a value is not finite",
            Self::NoTimestamp => "no timestamp",
            Self::TooOld => "over 1 hour old",
            Self::Ahead => "over 10 minutes ahead",
            Self::NoInterval => "rate without an interval",
            Self::NegativeInterval => "negative interval",
            Self::HostNotFirst => "the first resource is not the host",
            Self::LongHost => return write!(f, "host over {MAX_HOST_BYTES} bytes"),
            Self::TooManyTags => return write!(f, "more than {MAX_TAGS} tags"),
            Self::EmptyTag => "empty tag",
            Self::LongTag => return write!(f, "tag over {MAX_TAG_CHARS} characters"),
            Self::TagTwice => "a tag twice",
            Self::NoSketch => "no sketch of any time",
            Self::BadSketch => "no valid sketch",
            Self::EmptySketch => "sketch of no values",
            Self::KeyTwice => "a key twice though neither bin is full",
            Self::ExtremesCrossed => "minimum above the maximum",
            Self::SourceTwice => "a source twice",
            Self::OtherSource => "source_type_name is not the source that it stands under",
            Self::UnknownAlertType => "unknown alert_type",
            Self::UnknownPriority => "priority is neither normal nor low",
            Self::UnknownStatus => "status is none of 0 to 3",
            Self::BadTimestamp => "timestamp is not a whole number of seconds",
            Self::TagsNotStrings => "tags is not an array of strings",
            Self::NotAString(key) => return write!(f, "{key} is not a string"),
        })
    }
}
