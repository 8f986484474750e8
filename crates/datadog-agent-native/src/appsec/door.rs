//! The door to the firewall of a running agent, for whoever gives it requests of this process.

use super::{AppSec, Live, Opened, Stand};
use crate::agent::AgentHandle;

/// Why there is none where nobody turned it on.
const OFF: &str = "AppSec is off: DD_APPSEC_ENABLED turns it on";

impl AgentHandle {
    /// The firewall that looks at traces, to ask it for verdicts on requests of this program; `None` while it is off,
    /// cannot run, or nothing runs.
    #[must_use]
    pub fn appsec(&self) -> Option<AppSec> {
        self.opened_appsec()?.running()
    }

    /// The same, with what is needed to count its requests, or why there is none.
    pub(crate) fn firewall(&self) -> Result<(Opened, AppSec), String> {
        let opened = self.opened_appsec().ok_or(OFF)?;
        let appsec = opened.firewall()?;
        Ok((opened, appsec))
    }
}

impl Opened {
    fn firewall(&self) -> Result<AppSec, String> {
        let stand = self.firewall.stand.read();
        match &*stand.unwrap_or_else(std::sync::PoisonError::into_inner) {
            Stand::On(Live { appsec, .. }) => Ok(appsec.clone()),
            Stand::Off => Err(OFF.to_owned()),
            Stand::Failed(problem) => Err(format!("AppSec cannot run: {problem}")),
        }
    }

    /// Adds to the telemetry what was counted since the last time.
    pub(crate) fn tell(&self) {
        if let Some(live) = self.firewall.live() {
            live.tell(&self.firewall.telemetry);
        }
    }
}
