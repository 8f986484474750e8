//! The door to the firewall, in builds that have one.

use super::AgentCoordinator;
use crate::appsec::{AppSec, Opened};

impl AgentCoordinator {
    /// The firewall that looks at traces, to ask it for verdicts on requests of this program; `None` while it is off,
    /// cannot run, or nothing runs. Verdicts block only if this program said that it obeys them, see
    /// [`Builder::appsec_blocking`](crate::agent::Builder::appsec_blocking).
    #[must_use]
    pub fn appsec(&self) -> Option<AppSec> {
        let running = self.running.as_ref()?;
        running.appsec.as_ref().and_then(Opened::running)
    }
}
