//! Where the memory of messages comes from, and what to do without.

use std::time::Duration;

use datadog_forwarder::{Budget, Reservation};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::MESSAGE_BYTES;

/// Memory for what is to be sent.
#[derive(Debug)]
pub(crate) struct Memory<'m> {
    pub(crate) of_all: &'m Budget,
    /// What the body takes, which is gone when all is written.
    pub(crate) of_body: Option<Reservation>,
    /// How long to wait for memory, for all messages of the body together. None but on a thread that may block.
    pub(crate) patience: Option<Duration>,
}

impl Memory<'_> {
    /// Memory for so many bytes, if there is that much, or will be soon.
    pub(super) fn take(&mut self, bytes: usize) -> Option<Reservation> {
        if let Some(taken) = self.of_all.try_reserve(bytes) {
            return Some(taken);
        }
        match self.patience {
            Some(patience) if bytes <= MESSAGE_BYTES => {
                let begin = Instant::now();
                let wait = timeout(patience, self.of_all.reserve(bytes));
                let taken = Handle::current().block_on(wait).ok().flatten();
                self.patience = Some(patience.saturating_sub(begin.elapsed()));
                taken
            }
            // A small body is gone soon, and a chunk so large could wait for itself.
            _ => {
                let body = self.of_body.as_mut().filter(|body| body.bytes() >= bytes)?;
                Some(body.split_off(bytes))
            }
        }
    }
}
