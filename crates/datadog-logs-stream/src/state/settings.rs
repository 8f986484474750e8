//! How a machine behaves: its times, bounds and choices, with the defaults of an agent and of a serverless function.

use std::time::Duration;

use datadog_logs_patterns::snapshot::SnapshotMode;
use datadog_logs_patterns::wire::Profile;
use datadog_wire::stateful::LAST_BATCH_ID;

use crate::backoff;

/// Times, bounds and choices of one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The profile of the wire. Default: A.
    pub wire: Wire,
    /// How much of the state a new stream is told. Default: all of it up to 256 KiB.
    pub snapshot: SnapshotMode,
    /// Batches that may wait for an acknowledgement. Default: 50.
    pub max_inflight_payloads: usize,
    /// Memory that they may take, beyond which no further one is taken. Default: 32 MiB.
    pub max_inflight_bytes: usize,
    /// Bytes of the data of one batch; a larger one is divided. Default: 3.5 MiB, as many servers refuse 4 MiB.
    pub max_message_bytes: usize,
    /// Age at which a stream is replaced. Default: 15 minutes.
    pub lifetime: Duration,
    /// Part of the lifetime by which it is shortened at random. Default: 0.1.
    pub lifetime_jitter: f64,
    /// How long an old stream is waited for when it is replaced. Default: 5 s.
    pub drain_timeout: Duration,
    /// How long a stream may take to be opened. Default: 10 s.
    pub connect_timeout: Duration,
    /// How long a batch may take to be written. Default: 10 s.
    pub send_timeout: Duration,
    /// How long batches may go without any acknowledgement. Default: 30 s.
    pub ack_timeout: Duration,
    /// What to do when the intake does not take the stream. Default: HTTP.
    pub fallback: Fallback,
    /// How long until the stream is tried again then, shortened at random by a tenth. Default: an hour.
    pub fallback_recheck: Duration,
    /// Refusals of the key in a row until logs go over HTTP. Default: 5.
    pub auth_fallback_after: u32,
    /// Which acknowledgements are good. Default: strict.
    pub ack_status: AckStatus,
    /// Pauses between attempts.
    pub backoff: backoff::Settings,
    /// The last id of a stream; the next batch needs another one.
    pub last_batch_id: u32,
}

/// Which profile is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// The published one.
    #[default]
    A,
    /// The newest one.
    C,
    /// A, and C where the intake does not know the method of A.
    Auto,
}

/// What to do when the intake does not take the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// Logs go over HTTP, and the stream is tried again later.
    #[default]
    Http,
    /// Logs wait, and the stream is tried again after the longest pause.
    None,
}

/// Which acknowledgements are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AckStatus {
    /// Those with the status OK.
    #[default]
    Strict,
    /// Those without a status too.
    Lenient,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wire: Wire::A,
            snapshot: SnapshotMode::Auto,
            max_inflight_payloads: 50,
            max_inflight_bytes: 32 << 20,
            max_message_bytes: 7 << 19,
            lifetime: Duration::from_secs(900),
            lifetime_jitter: 0.1,
            drain_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(30),
            fallback: Fallback::Http,
            fallback_recheck: Duration::from_secs(3_600),
            auth_fallback_after: 5,
            ack_status: AckStatus::Strict,
            backoff: backoff::Settings::default(),
            last_batch_id: LAST_BATCH_ID,
        }
    }
}

impl Settings {
    /// Those of a serverless function: less in flight, streams of five minutes, and only what is needed told again.
    pub fn serverless() -> Self {
        Self {
            snapshot: SnapshotMode::Lazy,
            max_inflight_payloads: 8,
            max_inflight_bytes: 4 << 20,
            lifetime: Duration::from_secs(300),
            ..Self::default()
        }
    }
}

impl Wire {
    /// The profile that is tried first.
    pub fn first_profile(self) -> Profile {
        match self {
            Self::A | Self::Auto => Profile::A,
            Self::C => Profile::C,
        }
    }
}

impl AckStatus {
    pub(super) fn accepts(self, status: i32) -> bool {
        status == 1 || (status == 0 && self == Self::Lenient)
    }
}
