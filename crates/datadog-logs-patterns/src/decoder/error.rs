//! What can be wrong with a batch, and how a server says so.

use crate::decoder::Limit;

/// Why a batch was refused. The stream that it came from ends with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message around a batch cannot be read.
    #[error("the envelope of a batch cannot be read: {reason}")]
    Envelope {
        /// What is wrong with it.
        reason: Reason,
    },
    /// The batch as a whole is wrong.
    #[error("batch {batch_id}: {reason}")]
    Batch {
        /// The batch.
        batch_id: u32,
        /// What is wrong with it.
        reason: Reason,
    },
    /// One datum of the batch is wrong.
    #[error("batch {batch_id}, datum {datum}: {reason}")]
    Datum {
        /// The batch.
        batch_id: u32,
        /// How many datums of the batch stand before it.
        datum: usize,
        /// What is wrong with it.
        reason: Reason,
    },
    /// An earlier batch failed, and what was known of the stream with it.
    #[error("batch {batch_id}: the stream ended with batch {failed}")]
    Ended {
        /// The batch that was refused now.
        batch_id: u32,
        /// The batch that failed.
        failed: u32,
        /// How that one failed.
        code: Code,
    },
}

/// The status with which a server ends the stream, by its name in gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The data is malformed.
    InvalidArgument,
    /// The data refers to what was never defined, or no longer is.
    FailedPrecondition,
    /// The data is larger than this side agreed to hold.
    ResourceExhausted,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The first batch is 0 or 1; each later one has the number after the one before.
    #[error("out of sequence, expected {expected}")]
    Sequence {
        /// The number that was due; 1 where 0 would have done as well.
        expected: u64,
    },
    /// The compressed data is cut short.
    #[error("the compressed data is cut short")]
    Truncated,
    /// There is more after the end of the compressed data.
    #[error("{bytes} bytes follow the compressed data")]
    Trailing {
        /// How much more.
        bytes: usize,
    },
    /// The data is not compressed in the way that the stream said, or is damaged, or asks for a window of zstd
    /// beyond 8 MiB.
    #[error("the data is not what its content encoding says")]
    Corrupt,
    /// The bytes are no protobuf message.
    #[error("malformed protobuf: {0}")]
    Malformed(&'static str),
    /// A datum of a kind that this decoder does not know; it could have changed the state.
    #[error("datum of unknown kind {number}")]
    UnknownDatum {
        /// Its number as a field.
        number: u32,
    },
    /// A datum that says nothing.
    #[error("datum without content")]
    EmptyDatum,
    /// A definition of an id that means something else.
    #[error("{what} {id} cannot be defined")]
    ReservedId {
        /// What was to be defined.
        what: &'static str,
        /// Its id.
        id: u64,
    },
    /// A pattern says to have more or fewer parameters than it has positions.
    #[error("{stated} parameters for {positions} positions")]
    ParamCount {
        /// The parameters.
        stated: u32,
        /// The positions.
        positions: usize,
    },
    /// A position past the end of its template.
    #[error("position {position} in a template of {length} code points")]
    Position {
        /// The position.
        position: u32,
        /// The length of the template.
        length: usize,
    },
    /// A log of a pattern that is not defined; 0 stands for the last one where there is none.
    #[error("unknown pattern {id}")]
    UnknownPattern {
        /// The pattern.
        id: u64,
    },
    /// A reference to an entry of the dictionary that is not defined.
    #[error("unknown dictionary entry {id}")]
    UnknownText {
        /// The entry.
        id: u64,
    },
    /// A log of a JSON schema that is not defined.
    #[error("unknown schema {id}")]
    UnknownSchema {
        /// The schema.
        id: u64,
    },
    /// A log with more or fewer values than its pattern has positions.
    #[error("{values} values for {positions} positions")]
    ValueCount {
        /// The values.
        values: usize,
        /// The positions.
        positions: usize,
    },
    /// A value that says nothing, where nothing is not a value.
    #[error("value without content")]
    MissingValue,
    /// A log that has neither a text nor a pattern.
    #[error("log without content")]
    MissingContent,
    /// The members of a JSON log do not make an object.
    #[error("JSON log: {0}")]
    Json(&'static str),
    /// More than the decoder was told to accept.
    #[error("more than {max} {limit}")]
    Limit {
        /// Of what.
        limit: Limit,
        /// How much of it is accepted.
        max: usize,
    },
}

impl Error {
    /// The status with which the stream ends.
    pub fn code(&self) -> Code {
        match self {
            Self::Envelope { reason } | Self::Batch { reason, .. } | Self::Datum { reason, .. } => {
                reason.code()
            }
            Self::Ended { code, .. } => *code,
        }
    }

    /// What is wrong; `None` where it is only that an earlier batch failed.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Envelope { reason } | Self::Batch { reason, .. } | Self::Datum { reason, .. } => {
                Some(reason)
            }
            Self::Ended { .. } => None,
        }
    }
}

impl Reason {
    /// The status with which a stream ends for this reason.
    pub fn code(&self) -> Code {
        match self {
            Self::Limit { .. } => Code::ResourceExhausted,
            Self::UnknownPattern { .. } | Self::UnknownText { .. } | Self::UnknownSchema { .. } => {
                Code::FailedPrecondition
            }
            _ => Code::InvalidArgument,
        }
    }
}
