//! The door to the firewall, in builds that have one.

use super::AgentCoordinator;
use crate::appsec::{AppSec, Opened};

impl AgentCoordinator {
    /// The firewall that looks at traces, to ask it for verdicts on requests of this program; `None` while it is off,
    /// cannot run, or nothing runs. Verdicts block only if it was loaded so, see
    /// [`Builder::appsec`](crate::agent::Builder::appsec).
    #[must_use]
    pub fn appsec(&self) -> Option<AppSec> {
        let running = self.running.as_ref()?;
        running.appsec.as_ref().and_then(Opened::running)
    }
}
