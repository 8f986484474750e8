//! Asks now and then whether the organisation and the key may use remote configuration, and says so when it changes.

use std::sync::Arc;
use std::time::Duration;

use datadog_wire::remote_config::OrgStatusResponse;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use super::shared::Shared;
use crate::backend::{ApiError, Call, KeySource, SharedTransport, decode, sanitize_api_key};

pub(super) struct OrgStatus {
    pub(super) transport: SharedTransport,
    pub(super) key: Arc<dyn KeySource>,
    pub(super) shared: Arc<Shared>,
    pub(super) every: Duration,
}

impl OrgStatus {
    /// Asks at once, and then for ever.
    pub(super) async fn run(self) {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match self.ask().await {
                Ok(status) => self.learn(status),
                // Whoever asks for configuration meets the same, and says so.
                Err(error) if error.is_ours() => debug!(%error, "organisation status is not known"),
                Err(error) => warn!(%error, "organisation status is not known"),
            }
        }
    }

    async fn ask(&self) -> Result<OrgStatusResponse, ApiError> {
        let key = sanitize_api_key(&self.key.current()).ok_or(ApiError::NoKey)?;
        decode(self.transport.call(Call::Status, &key).await?)
    }

    fn learn(&self, status: OrgStatusResponse) {
        let now = (Some(status.enabled), Some(status.authorized));
        let is_new = self.shared.with_facts(|facts| {
            let before = (facts.org_enabled, facts.api_key_scoped);
            (facts.org_enabled, facts.api_key_scoped) = now;
            before != now
        });
        if !is_new {
            return;
        }
        match (status.enabled, status.authorized) {
            (true, true) => {
                info!("remote configuration is enabled for this organisation and agent");
            }
            (true, false) => warn!(
                "remote configuration is enabled for this organisation, but the API key lacks the permission \
                 \"Remote Configuration Read\""
            ),
            (false, true) => info!("remote configuration is disabled for this organisation"),
            (false, false) => {
                info!("remote configuration is disabled for this organisation and agent");
            }
        }
    }
}
