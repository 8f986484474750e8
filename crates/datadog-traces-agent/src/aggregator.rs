//! Collects encoded payloads of tracers into requests that the intake takes.
//!
//! Knows nothing of time: the service decides when a request is due. The limit is one of encoded bytes; what is larger
//! alone makes a request of its own.

pub mod service;

use std::collections::BTreeSet;

use datadog_forwarder::Reservation;
use datadog_wire::traces::{MAX_BODY_BYTES, MAX_PAYLOAD_BYTES};

use crate::encode::AgentPayload;

/// Languages that are remembered at most; clients name them, and could name any.
const MAX_LANGUAGES: usize = 32;
/// Bytes of the name of one.
const MAX_LANGUAGE_BYTES: usize = 32;

/// The message of one tracer, as it stands in a request.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) chunks: u64,
    pub(crate) spans: u64,
    /// The language of the tracer; may be empty.
    pub(crate) language: String,
    /// The bytes that it takes of the memory of all.
    pub(crate) reservation: Reservation,
}

/// A request that is complete.
#[derive(Debug)]
pub(crate) struct Batch {
    messages: Vec<Vec<u8>>,
    pub(crate) spans: u64,
    pub(crate) reservation: Option<Reservation>,
}

/// Messages that wait for company.
#[derive(Debug, Default)]
pub struct Aggregator {
    /// Bytes of a request beside its messages.
    head_bytes: usize,
    messages: Vec<Vec<u8>>,
    bytes: usize,
    spans: u64,
    reservation: Option<Reservation>,
    languages: BTreeSet<String>,
}

/// It is larger than any request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge {
    pub(crate) spans: u64,
}

impl Aggregator {
    /// For requests of so many bytes beside their messages.
    pub(crate) fn new(head_bytes: usize) -> Self {
        Self {
            head_bytes,
            ..Self::default()
        }
    }

    /// Adds a message; returns the request that had no room for it, if any.
    pub(crate) fn push(&mut self, encoded: Encoded) -> Result<Option<Batch>, TooLarge> {
        let len = AgentPayload::tracer_len(encoded.bytes.len());
        if self.head_bytes + len > MAX_BODY_BYTES {
            let spans = encoded.spans;
            return Err(TooLarge { spans });
        }
        let full = match self.head_bytes + self.bytes + len > MAX_PAYLOAD_BYTES {
            true => self.take(),
            false => None,
        };
        if self.languages.len() < MAX_LANGUAGES && is_language(&encoded.language) {
            self.languages.insert(encoded.language);
        }
        self.bytes += len;
        self.spans += encoded.spans;
        self.messages.push(encoded.bytes);
        match &mut self.reservation {
            Some(reservation) => reservation.absorb(encoded.reservation),
            None => self.reservation = Some(encoded.reservation),
        }
        Ok(full)
    }

    /// Takes whatever is held, leaving nothing.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        if self.messages.is_empty() {
            return None;
        }
        self.bytes = 0;
        Some(Batch {
            messages: std::mem::take(&mut self.messages),
            spans: std::mem::take(&mut self.spans),
            reservation: self.reservation.take(),
        })
    }

    /// The languages of all tracers since the start.
    pub(crate) const fn languages(&self) -> &BTreeSet<String> {
        &self.languages
    }

    /// Bytes that are held.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Batch {
    /// The body of the request.
    pub(crate) fn encode(&self, agent: &AgentPayload<'_>) -> Vec<u8> {
        agent.encode(self.messages.iter().map(Vec::as_slice))
    }
}

/// Whether a tracer's language can be named to the intake, in a header that all tracers share.
fn is_language(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+#-_./".contains(&byte);
    (1..=MAX_LANGUAGE_BYTES).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use datadog_forwarder::Budget;

    use super::*;

    fn push(
        aggregator: &mut Aggregator,
        bytes: usize,
        language: &str,
    ) -> Result<Option<Batch>, TooLarge> {
        aggregator.push(Encoded {
            bytes: vec![0; bytes],
            chunks: 1,
            spans: 1,
            language: language.to_owned(),
            reservation: Budget::new(usize::MAX).try_reserve(bytes).unwrap(),
        })
    }

    #[test]
    fn a_request_is_full_before_it_is_too_large() {
        let mut aggregator = Aggregator::default();
        assert!(push(&mut aggregator, 2_000_000, "go").unwrap().is_none());
        assert!(push(&mut aggregator, 1_100_000, "go").unwrap().is_none());
        let full = push(&mut aggregator, 200_000, "python").unwrap().unwrap();
        assert_eq!((full.messages.len(), full.spans), (2, 2));
        assert_eq!(aggregator.take().unwrap().spans, 1);
        assert!(aggregator.take().is_none());
        let languages: Vec<_> = aggregator.languages().iter().collect();
        assert_eq!(languages, ["go", "python"]);
    }

    #[test]
    fn what_surrounds_the_messages_counts() {
        let mut aggregator = Aggregator::new(1_000);
        push(&mut aggregator, 1_600_000, "").unwrap();
        assert!(push(&mut aggregator, 1_598_980, "").unwrap().is_none());
        assert!(push(&mut aggregator, 1_600_000, "").unwrap().is_some());
        assert!(push(&mut aggregator, 1_599_000, "").unwrap().is_some());
    }

    #[test]
    fn languages_that_no_header_should_carry_are_not_told() {
        let mut aggregator = Aggregator::default();
        let long = "x".repeat(MAX_LANGUAGE_BYTES + 1);
        for language in ["go|php", "ruby\n", "ру", long.as_str(), "", "c++"] {
            push(&mut aggregator, 1, language).unwrap();
        }
        for number in 0..2 * MAX_LANGUAGES {
            push(&mut aggregator, 1, &format!("l{number}")).unwrap();
        }
        assert!(aggregator.languages().contains("c++"));
        assert_eq!(aggregator.languages().len(), MAX_LANGUAGES);
    }

    #[test]
    fn what_is_large_alone_travels_alone_and_what_is_too_large_not_at_all() {
        let mut aggregator = Aggregator::default();
        assert!(push(&mut aggregator, 4_000_000, "").unwrap().is_none());
        let large = push(&mut aggregator, 10, "").unwrap().unwrap();
        assert_eq!(large.messages.len(), 1);
        assert_eq!(
            push(&mut aggregator, MAX_BODY_BYTES, "").unwrap_err(),
            TooLarge { spans: 1 }
        );
        assert_eq!(aggregator.take().unwrap().messages.len(), 1);
    }
}
