//! The door to the firewall, in builds that have one.

use std::sync::Arc;

use super::AgentCoordinator;
use crate::appsec::{AppSec, Opened, Processor};

impl AgentCoordinator {
    /// The firewall that looks at traces, to ask it for verdicts on requests of this program; `None` while it is off,
    /// cannot run, or nothing runs. Verdicts block only if this program said that it obeys them, see
    /// [`Builder::appsec_blocking`](crate::agent::Builder::appsec_blocking).
    #[must_use]
    pub fn appsec(&self) -> Option<AppSec> {
        let running = self.running.as_ref()?;
        running.appsec.as_ref().and_then(Opened::running)
    }

    /// Where requests of this program wait for their spans: what is evaluated there is put on the span that says the
    /// same id (`request_id` or `http.request_id`), or whose trace has it, in decimal or hexadecimal. A trace that comes
    /// before the response is held for it, for ten seconds after the request at most, or until a flush.
    ///
    /// `None` as of [`appsec`](Self::appsec). Ask for it with every request: remote configuration may turn the firewall
    /// off and on again, which makes another one.
    #[must_use]
    pub fn appsec_processor(&self) -> Option<Arc<Processor>> {
        let running = self.running.as_ref()?;
        running.appsec.as_ref().and_then(Opened::processor)
    }
}
