//! How a call of gRPC ends: a number, its name, and words in a header.

use std::fmt;

use datadog_logs_patterns::decoder::Code;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// The header of the number.
const STATUS_HEADER: HeaderName = HeaderName::from_static("grpc-status");
/// The header of the words.
const MESSAGE_HEADER: HeaderName = HeaderName::from_static("grpc-message");
/// What is escaped in the words, beside everything that is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// The statuses of gRPC, each with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum GrpcStatus {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

impl GrpcStatus {
    /// Every status, in the order of the numbers.
    const ALL: [(Self, &'static str); 17] = [
        (Self::Ok, "OK"),
        (Self::Cancelled, "CANCELLED"),
        (Self::Unknown, "UNKNOWN"),
        (Self::InvalidArgument, "INVALID_ARGUMENT"),
        (Self::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (Self::NotFound, "NOT_FOUND"),
        (Self::AlreadyExists, "ALREADY_EXISTS"),
        (Self::PermissionDenied, "PERMISSION_DENIED"),
        (Self::ResourceExhausted, "RESOURCE_EXHAUSTED"),
        (Self::FailedPrecondition, "FAILED_PRECONDITION"),
        (Self::Aborted, "ABORTED"),
        (Self::OutOfRange, "OUT_OF_RANGE"),
        (Self::Unimplemented, "UNIMPLEMENTED"),
        (Self::Internal, "INTERNAL"),
        (Self::Unavailable, "UNAVAILABLE"),
        (Self::DataLoss, "DATA_LOSS"),
        (Self::Unauthenticated, "UNAUTHENTICATED"),
    ];

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The name as the standard writes it, `RESOURCE_EXHAUSTED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(status, _)| *status == self);
        known.map_or("", |(_, name)| name)
    }

    /// The status with that number; `None` above 16.
    #[must_use]
    pub fn from_code(code: u64) -> Option<Self> {
        let known = Self::ALL.get(usize::try_from(code).ok()?);
        known.map(|(status, _)| *status)
    }

    /// The status with that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name));
        known.map(|(status, _)| *status)
    }

    /// Writes the status and its words where a call ends.
    pub(crate) fn write(self, message: &str, headers: &mut HeaderMap) {
        headers.insert(STATUS_HEADER, HeaderValue::from(u16::from(self.code())));
        let words = utf8_percent_encode(message, ESCAPED).to_string();
        if let Some(words) = HeaderValue::from_str(&words)
            .ok()
            .filter(|words| !words.is_empty())
        {
            headers.insert(MESSAGE_HEADER, words);
        }
    }
}

impl From<Code> for GrpcStatus {
    fn from(code: Code) -> Self {
        match code {
            Code::InvalidArgument => Self::InvalidArgument,
            Code::FailedPrecondition => Self::FailedPrecondition,
            Code::ResourceExhausted => Self::ResourceExhausted,
        }
    }
}

impl fmt::Display for GrpcStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for GrpcStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// From a number or a name.
impl<'de> Deserialize<'de> for GrpcStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrName;

        impl Visitor<'_> for NumberOrName {
            type Value = GrpcStatus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status of gRPC, 0 to 16 or its name")
            }

            fn visit_u64<E: de::Error>(self, code: u64) -> Result<GrpcStatus, E> {
                GrpcStatus::from_code(code)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(code), &self))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<GrpcStatus, E> {
                GrpcStatus::from_name(name)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))
            }
        }

        deserializer.deserialize_any(NumberOrName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_number_and_its_name() {
        for code in 0..17 {
            let status = GrpcStatus::from_code(code).unwrap();
            assert_eq!(u64::from(status.code()), code);
            assert_eq!(GrpcStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(GrpcStatus::from_code(17), None);
        assert_eq!(
            GrpcStatus::from_name("data_loss"),
            Some(GrpcStatus::DataLoss)
        );
        assert_eq!(GrpcStatus::from_name("DATALOSS"), None);
    }

    #[test]
    fn words_are_escaped_for_their_header() {
        let mut headers = HeaderMap::new();
        GrpcStatus::Unavailable.write("100 % é\n", &mut headers);
        assert_eq!(headers["grpc-status"], "14");
        assert_eq!(headers["grpc-message"], "100 %25 %C3%A9%0A");
        let mut headers = HeaderMap::new();
        GrpcStatus::Ok.write("", &mut headers);
        assert!(!headers.contains_key("grpc-message"));
    }
}
