//! What became of every request: answered, refused or lost, by product.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datadog_agent_runtime::telemetry::{Metric, Reason, Telemetry};
use hyper::StatusCode;

use super::refusal::Refusal;
use crate::server::route::Product;

/// Counts requests; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    telemetry: Telemetry,
    is_stopping: Arc<AtomicBool>,
}

/// A request, or a copy of it for one intake, of which something must become; if it is dropped before, that is what.
#[derive(Debug)]
pub(super) struct Ticket {
    ledger: Ledger,
    product: Product,
    /// What it counts as when it is dropped; `None` once it is settled.
    otherwise: Option<Lost>,
}

/// Why a request was lost, when its client is not told or not there to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The client left before it was answered.
    ClientGone,
    /// Still unsent when the time to stop was over.
    Shutdown,
    /// The intake answered with this status, and will not be asked again.
    Status(StatusCode),
    /// It was not taken, or no answer came.
    Refused(Refusal),
    /// Tried as often as any request.
    Expired,
    /// It made room for newer ones.
    Evicted,
    /// Too many were in flight.
    QueueFull,
}

impl Lost {
    fn name(self) -> &'static str {
        match self {
            Self::ClientGone => "client_gone",
            Self::Shutdown => Reason::Shutdown.name(),
            Self::Status(status) if status.is_client_error() => Reason::Client4xx.name(),
            Self::Status(_) => "not_accepted",
            Self::Refused(refusal) => refusal.name(),
            Self::Expired => Reason::RedriveExpired.name(),
            Self::Evicted => Reason::Evicted.name(),
            Self::QueueFull => Reason::QueueFull.name(),
        }
    }
}

impl Ledger {
    pub(super) fn new(telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            is_stopping: Arc::default(),
        }
    }

    /// From now on it is this agent that leaves its clients.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Opens the account of a request.
    pub(super) fn open(&self, product: Product, otherwise: Lost) -> Ticket {
        Ticket {
            ledger: self.clone(),
            product,
            otherwise: Some(otherwise),
        }
    }

    /// Counts the answer of an intake.
    pub(super) fn answered(&self, product: Product, status: StatusCode) {
        let labels = [("product", product.name()), ("status", status.as_str())];
        self.telemetry.add(Metric::TracesProxied, &labels, 1);
    }

    fn lost(&self, product: Product, lost: Lost) {
        let labels = [("product", product.name()), ("reason", lost.name())];
        self.telemetry.add(Metric::TracesProxyDropped, &labels, 1);
    }
}

impl Ticket {
    /// It is where it should be, or its client knows that it is not.
    pub(super) fn done(mut self) {
        self.otherwise = None;
    }

    /// It is lost.
    pub(super) fn lost(mut self, lost: Lost) {
        self.otherwise = Some(lost);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let is_stopping = || self.ledger.is_stopping.load(Ordering::Relaxed);
        match self.otherwise {
            Some(Lost::ClientGone) if is_stopping() => {
                self.ledger.lost(self.product, Lost::Shutdown);
            }
            Some(lost) => self.ledger.lost(self.product, lost),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_once_whatever_becomes_of_it() {
        let telemetry = Telemetry::default();
        let ledger = Ledger::new(telemetry.clone());
        let open = || ledger.open(Product::Evp, Lost::Shutdown);
        open().done();
        drop(open());
        drop(ledger.open(Product::Evp, Lost::ClientGone));
        open().lost(Lost::Evicted);
        open().lost(Lost::Status(StatusCode::BAD_REQUEST));
        open().lost(Lost::Status(StatusCode::BAD_GATEWAY));
        let lost = telemetry.by(Metric::TracesProxyDropped, "reason", |_| true);
        let lost: Vec<_> = lost.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        assert_eq!(
            lost,
            [
                ("client_4xx", 1),
                ("client_gone", 1),
                ("evicted", 1),
                ("not_accepted", 1),
                ("shutdown", 1)
            ]
        );
    }
}
