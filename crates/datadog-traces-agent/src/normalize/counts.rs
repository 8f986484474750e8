//! What was wrong with spans, counted by reason.

/// Why a chunk is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// It has no spans.
    EmptyTrace,
    /// Its spans are not of one trace.
    ForeignSpan,
    /// The id of its trace is 0.
    TraceIdZero,
    /// The id of a span is 0.
    SpanIdZero,
}

impl Dropped {
    /// All reasons.
    pub const ALL: [Self; 4] = [
        Self::EmptyTrace,
        Self::ForeignSpan,
        Self::TraceIdZero,
        Self::SpanIdZero,
    ];

    /// The reason as counters call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyTrace => "empty_trace",
            Self::ForeignSpan => "foreign_span",
            Self::TraceIdZero => "trace_id_zero",
            Self::SpanIdZero => "span_id_zero",
        }
    }
}

/// What of a span was repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// The service was empty.
    ServiceEmpty,
    /// The service was too long.
    ServiceTruncate,
    /// Nothing of the service was allowed.
    ServiceInvalid,
    /// `peer.service` was too long.
    PeerServiceTruncate,
    /// Nothing of `peer.service` was allowed.
    PeerServiceInvalid,
    /// `_dd.base_service` was too long.
    BaseServiceTruncate,
    /// Nothing of `_dd.base_service` was allowed.
    BaseServiceInvalid,
    /// The name was empty.
    SpanNameEmpty,
    /// The name was too long.
    SpanNameTruncate,
    /// The name had no letter.
    SpanNameInvalid,
    /// The resource was empty.
    ResourceEmpty,
    /// Another span of the chunk had the id; nothing was done about it.
    DuplicateSpanId,
    /// The type was too long.
    TypeTruncate,
    /// The span began before the year 2000.
    InvalidStartDate,
    /// The duration was negative, or led beyond all times.
    InvalidDuration,
    /// `http.status_code` was none.
    InvalidHttpStatusCode,
}

impl Malformed {
    /// All reasons.
    pub const ALL: [Self; 16] = [
        Self::ServiceEmpty,
        Self::ServiceTruncate,
        Self::ServiceInvalid,
        Self::PeerServiceTruncate,
        Self::PeerServiceInvalid,
        Self::BaseServiceTruncate,
        Self::BaseServiceInvalid,
        Self::SpanNameEmpty,
        Self::SpanNameTruncate,
        Self::SpanNameInvalid,
        Self::ResourceEmpty,
        Self::DuplicateSpanId,
        Self::TypeTruncate,
        Self::InvalidStartDate,
        Self::InvalidDuration,
        Self::InvalidHttpStatusCode,
    ];

    /// The reason as counters call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceEmpty => "service_empty",
            Self::ServiceTruncate => "service_truncate",
            Self::ServiceInvalid => "service_invalid",
            Self::PeerServiceTruncate => "peer_service_truncate",
            Self::PeerServiceInvalid => "peer_service_invalid",
            Self::BaseServiceTruncate => "base_service_truncate",
            Self::BaseServiceInvalid => "base_service_invalid",
            Self::SpanNameEmpty => "span_name_empty",
            Self::SpanNameTruncate => "span_name_truncate",
            Self::SpanNameInvalid => "span_name_invalid",
            Self::ResourceEmpty => "resource_empty",
            Self::DuplicateSpanId => "duplicate_span_id",
            Self::TypeTruncate => "type_truncate",
            Self::InvalidStartDate => "invalid_start_date",
            Self::InvalidDuration => "invalid_duration",
            Self::InvalidHttpStatusCode => "invalid_http_status_code",
        }
    }
}

/// How often each thing was wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    chunks: [u64; Dropped::ALL.len()],
    spans: [u64; Dropped::ALL.len()],
    malformed: [u64; Malformed::ALL.len()],
}

impl Counts {
    /// Counts a chunk of so many spans as dropped.
    pub fn dropped(&mut self, reason: Dropped, spans: usize) {
        self.chunks[reason as usize] += 1;
        self.spans[reason as usize] += spans as u64;
    }

    /// Counts a repair.
    pub fn malformed(&mut self, reason: Malformed) {
        self.malformed_many(reason, 1);
    }

    pub(super) fn malformed_many(&mut self, reason: Malformed, count: usize) {
        self.malformed[reason as usize] += count as u64;
    }

    /// How many chunks were dropped for a reason.
    pub fn chunks_dropped(&self, reason: Dropped) -> u64 {
        self.chunks[reason as usize]
    }

    /// How many spans were in them.
    pub fn spans_dropped(&self, reason: Dropped) -> u64 {
        self.spans[reason as usize]
    }

    /// How often something was repaired.
    pub fn spans_malformed(&self, reason: Malformed) -> u64 {
        self.malformed[reason as usize]
    }

    /// Adds the counts of another payload.
    pub fn add(&mut self, other: &Self) {
        let add = |all: &mut [u64], others: &[u64]| {
            for (count, other) in all.iter_mut().zip(others) {
                *count += other;
            }
        };
        add(&mut self.chunks, &other.chunks);
        add(&mut self.spans, &other.spans);
        add(&mut self.malformed, &other.malformed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_and_a_name_of_its_own() {
        let mut counts = Counts::default();
        for (times, reason) in Malformed::ALL.into_iter().enumerate() {
            counts.malformed_many(reason, times);
        }
        for (times, reason) in Dropped::ALL.into_iter().enumerate() {
            counts.dropped(reason, times);
        }
        let other = counts.clone();
        counts.add(&other);
        for (times, reason) in (0..).zip(Malformed::ALL) {
            assert_eq!(counts.spans_malformed(reason), 2 * times);
        }
        for (times, reason) in (0..).zip(Dropped::ALL) {
            assert_eq!(counts.chunks_dropped(reason), 2);
            assert_eq!(counts.spans_dropped(reason), 2 * times);
        }
        let names = Malformed::ALL.map(Malformed::as_str).into_iter();
        let names: std::collections::HashSet<_> =
            names.chain(Dropped::ALL.map(Dropped::as_str)).collect();
        assert_eq!(names.len(), 20);
    }
}
