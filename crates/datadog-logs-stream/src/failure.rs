//! Why a stream ended or could not be opened, and what follows from it.

/// A status of gRPC, by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// 0: the stream ended as it should.
    Ok,
    /// 1.
    Cancelled,
    /// 2, and every number that is none of these.
    Unknown,
    /// 3.
    InvalidArgument,
    /// 4.
    DeadlineExceeded,
    /// 5.
    NotFound,
    /// 6.
    AlreadyExists,
    /// 7.
    PermissionDenied,
    /// 8.
    ResourceExhausted,
    /// 9.
    FailedPrecondition,
    /// 10.
    Aborted,
    /// 11.
    OutOfRange,
    /// 12.
    Unimplemented,
    /// 13.
    Internal,
    /// 14.
    Unavailable,
    /// 15.
    DataLoss,
    /// 16.
    Unauthenticated,
}

impl Code {
    /// Every status, by its number.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The status with that number; [`Code::Unknown`] for a number that has none.
    pub fn from_number(number: i32) -> Self {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
            .unwrap_or(Self::Unknown)
    }
}

/// Why a stream ended or could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// No connection, or none in time.
    CreationFailed,
    /// What answered speaks no HTTP/2.
    NotHttp2,
    /// The server ended the stream with a status other than OK.
    Status(Code),
    /// The server ended the stream with OK.
    ServerEof,
    /// The connection broke without a status.
    Transport,
    /// An acknowledgement of another batch than the oldest.
    AckMismatch,
    /// An acknowledgement although nothing waited for one.
    AckWithoutSent,
    /// An acknowledgement that says no.
    Rejected,
    /// A batch could not be written for too long.
    SendTimeout,
    /// Batches waited too long for an acknowledgement.
    AckTimeout,
    /// A batch could not be compressed.
    Compression,
    /// The machine slept, and the connection with it.
    Frozen,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Another stream after a pause.
    Retry,
    /// Another stream at once; nobody did wrong.
    Planned,
    /// The key is not taken: the longest pause, then a fresh key.
    Auth,
    /// The batch itself may be what the server dislikes.
    Poison,
    /// The server has this encoding switched off, or has lost what it was told.
    Precondition,
    /// The server does not know the method.
    Unimplemented,
    /// The batch or the state is too large for the server.
    Exhausted,
}

impl Failure {
    /// The name in telemetry, as the `reason` of a stream error.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreationFailed => "stream_creation_failed",
            Self::NotHttp2 => "not_http2",
            Self::Status(code) => status_name(code),
            Self::ServerEof => "server_eof",
            Self::Transport => "transport_error",
            Self::AckMismatch => "batch_id_mismatch",
            Self::AckWithoutSent => "received_ack_but_no_sent_payloads",
            Self::Rejected => "batch_rejected",
            Self::SendTimeout => "send_timeout",
            Self::AckTimeout => "ack_timeout",
            Self::Compression => "compression",
            Self::Frozen => "frozen",
        }
    }

    /// What follows. `has_acked` tells whether the stream had a batch with logs acknowledged: a server that closes
    /// such a stream does so by plan, and one that refuses a precondition on it has lost its state.
    pub(crate) fn verdict(self, has_acked: bool) -> Verdict {
        match self {
            Self::CreationFailed
            | Self::Transport
            | Self::AckMismatch
            | Self::AckWithoutSent
            | Self::SendTimeout
            | Self::AckTimeout
            | Self::Compression => Verdict::Retry,
            Self::NotHttp2 => Verdict::Unimplemented,
            Self::Rejected => Verdict::Poison,
            Self::Frozen => Verdict::Planned,
            Self::ServerEof if has_acked => Verdict::Planned,
            Self::ServerEof => Verdict::Retry,
            Self::Status(code) => status_verdict(code, has_acked),
        }
    }
}

fn status_verdict(code: Code, has_acked: bool) -> Verdict {
    match code {
        Code::Unauthenticated | Code::PermissionDenied => Verdict::Auth,
        Code::InvalidArgument | Code::OutOfRange => Verdict::Poison,
        Code::FailedPrecondition if has_acked => Verdict::Retry,
        Code::FailedPrecondition => Verdict::Precondition,
        Code::Unimplemented => Verdict::Unimplemented,
        Code::ResourceExhausted => Verdict::Exhausted,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Verdict::Retry,
    }
}

fn status_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "recv_error_ok",
        Code::Cancelled => "recv_error_cancelled",
        Code::Unknown => "recv_error_unknown",
        Code::InvalidArgument => "recv_error_invalid_argument",
        Code::DeadlineExceeded => "recv_error_deadline_exceeded",
        Code::NotFound => "recv_error_not_found",
        Code::AlreadyExists => "recv_error_already_exists",
        Code::PermissionDenied => "recv_error_permission_denied",
        Code::ResourceExhausted => "recv_error_resource_exhausted",
        Code::FailedPrecondition => "recv_error_failed_precondition",
        Code::Aborted => "recv_error_aborted",
        Code::OutOfRange => "recv_error_out_of_range",
        Code::Unimplemented => "recv_error_unimplemented",
        Code::Internal => "recv_error_internal",
        Code::Unavailable => "recv_error_unavailable",
        Code::DataLoss => "recv_error_data_loss",
        Code::Unauthenticated => "recv_error_unauthenticated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_leads_to_what_its_row_says() {
        let verdicts = |has_acked| {
            let verdict = |code: &Code| Failure::Status(*code).verdict(has_acked);
            Code::ALL.iter().map(verdict).collect::<Vec<_>>()
        };
        use Verdict::{Auth, Exhausted, Poison, Precondition, Retry, Unimplemented};
        let before = vec![
            Retry,
            Retry,
            Retry,
            Poison,
            Retry,
            Retry,
            Retry,
            Auth,
            Exhausted,
            Precondition,
            Retry,
            Poison,
            Unimplemented,
            Retry,
            Retry,
            Retry,
            Auth,
        ];
        assert_eq!(verdicts(false), before);
        let mut after = before;
        after[9] = Retry;
        assert_eq!(verdicts(true), after);
    }

    #[test]
    fn a_server_that_closes_a_stream_which_worked_does_so_by_plan() {
        assert_eq!(Failure::ServerEof.verdict(true), Verdict::Planned);
        assert_eq!(Failure::ServerEof.verdict(false), Verdict::Retry);
    }

    #[test]
    fn a_number_without_a_status_is_unknown() {
        assert_eq!(Code::from_number(16), Code::Unauthenticated);
        assert_eq!(Code::from_number(17), Code::Unknown);
        assert_eq!(Code::from_number(-1), Code::Unknown);
    }
}
