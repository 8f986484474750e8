//! Memory of requests and answers that are held: bounded, and shown in a gauge.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::Received;
use datadog_agent_runtime::budget::{Budget, Reservation};
use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};

/// Bytes of telemetry in flight: it is answered before it is sent, so tracers must be held back by this alone.
const TELEMETRY_BYTES: usize = 25_000_000;

/// Memory of requests and answers; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Memory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Of telemetry in flight.
    telemetry: Budget,
    /// Of all else.
    held: Budget,
    gauge: Series,
    /// Held while the gauge is set, so that the last to set it knows the last change.
    showing: Mutex<()>,
}

/// A part of the memory; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    reservation: Option<Reservation>,
    memory: Memory,
}

impl Memory {
    /// So many bytes, and besides them those for telemetry.
    pub(super) fn new(bytes: usize, telemetry: &Telemetry) -> Self {
        Self(Arc::new(Inner {
            telemetry: Budget::new(TELEMETRY_BYTES),
            held: Budget::new(bytes),
            gauge: telemetry.series(Metric::TracesProxyBytes, &[]),
            showing: Mutex::default(),
        }))
    }

    /// Where telemetry is received.
    pub(super) fn telemetry(&self) -> &Budget {
        &self.0.telemetry
    }

    /// Where all else is received.
    pub(super) fn held(&self) -> &Budget {
        &self.0.held
    }

    /// What was received, with its share of this memory.
    pub(super) fn share(&self, received: Received) -> (Bytes, Share) {
        let share = Share {
            reservation: received.share,
            memory: self.clone(),
        };
        self.show();
        (received.body, share)
    }

    fn show(&self) {
        let inner = &self.0;
        let _showing = inner.showing.lock().unwrap_or_else(PoisonError::into_inner);
        let used = inner.telemetry.used() + inner.held.used();
        inner.gauge.set(used as u64);
    }
}

impl Share {
    /// The bytes, which keep their share until the last of them is gone.
    pub(super) fn keep_with(self, bytes: Bytes) -> Bytes {
        struct Kept {
            bytes: Bytes,
            _share: Share,
        }
        impl AsRef<[u8]> for Kept {
            fn as_ref(&self) -> &[u8] {
                &self.bytes
            }
        }
        Bytes::from_owner(Kept {
            bytes,
            _share: self,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        drop(self.reservation.take());
        self.memory.show();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_shows_what_is_held_until_the_last_byte_is_gone() {
        let telemetry = Telemetry::default();
        let memory = Memory::new(100, &telemetry);
        let received = |bytes: &'static [u8], budget: &Budget| Received {
            body: Bytes::from_static(bytes),
            share: budget.try_reserve(bytes.len()),
        };
        let shown = || telemetry.sum(Metric::TracesProxyBytes, &[]);
        let (bytes, share) = memory.share(received(b"12345", memory.held()));
        let (_, of_telemetry) = memory.share(received(b"123", memory.telemetry()));
        assert_eq!(shown(), 8);
        let bytes = share.keep_with(bytes);
        let part = bytes.slice(1..2);
        drop(bytes);
        drop(of_telemetry);
        assert_eq!((shown(), &part[..]), (5, &b"2"[..]));
        drop(part);
        assert_eq!(shown(), 0);
    }
}
