//! One question to the backend, and what becomes of its answer: all of it is believed, kept and shown, or none.

use std::sync::Arc;

use bytes::Bytes;
use datadog_agent_runtime::telemetry::Metric;
use datadog_wire::remote_config::{LatestConfigsResponse, OrgDataResponse};
use prost::Message as _;
use tokio::task::spawn_blocking;
use tracing::{Level, debug, error, info, warn};

use super::RemoteConfigService;
use crate::backend::{ApiError, Call, decode, sanitize_api_key};
use crate::core::{RefreshError, check_org_uuid, update_of};
use crate::predicate::Constraint;
use crate::store::Kept;
use crate::verify::Verified;
use crate::{Error, Trusted};

impl RemoteConfigService {
    /// Asks the backend, and takes in what it answers.
    pub(super) async fn refresh(&mut self) {
        let outcome = self.ask().await;
        let label = outcome.as_ref().err().map_or("ok", RefreshError::kind);
        let telemetry = &self.shared.telemetry;
        telemetry.add(Metric::RemoteConfigRefreshes, &[("outcome", label)], 1);
        match outcome {
            Ok(()) => {
                self.loudness.forget();
                let wanted = self.core.trusted.refresh_interval_s();
                self.schedule.succeeded(wanted);
                let now = self.shared.clock.seconds();
                self.shared.with_facts(|facts| {
                    facts.last_error = None;
                    facts.last_success = Some(now);
                    facts.interval_s = self.schedule.interval().as_secs();
                });
            }
            Err(failure) => {
                self.core.failed(&failure);
                self.schedule.failed();
                self.shared
                    .with_facts(|facts| facts.last_error = Some(failure.to_string()));
                match self.loudness.level(&failure, self.shared.is_allowed()) {
                    Level::ERROR => error!(%failure, "remote configuration was not refreshed"),
                    Level::WARN => warn!(%failure, "remote configuration was not refreshed"),
                    _ => debug!(%failure, "remote configuration was not refreshed"),
                }
            }
        }
    }

    async fn ask(&mut self) -> Result<(), RefreshError> {
        let key = sanitize_api_key(&self.key.current()).ok_or(ApiError::NoKey)?;
        self.check_new_key(&key).await?;
        let request = self.core.request(self.shared.active_clients());
        let call = Call::Configurations(Bytes::from(request.encode_to_vec()));
        let answered = self.transport.call(call, &key).await;
        if answered == Err(ApiError::Unauthorized) && self.key.refresh() {
            info!("the API key was refused, and there is another one");
        }
        let response: LatestConfigsResponse = decode(answered?)?;
        let (verified, org) = self.verify(response, &key).await?;
        for (role, problem) in &verified.dropped {
            warn!(role, %problem, "a role of the config repository is not believed; no file needs it");
        }
        if let Some((root_version, uuid)) = org {
            self.core.learn_org(root_version, uuid);
        }
        self.believe(verified.trusted, request.new_products).await;
        Ok(())
    }

    /// A key that was not used before must be of the organisation that is believed.
    async fn check_new_key(&mut self, key: &str) -> Result<(), RefreshError> {
        if self.last_key.as_deref() == Some(key) {
            return Ok(());
        }
        if let (Some(_), Some(stored)) = (&self.last_key, self.core.org_uuid()) {
            let stored = stored.to_owned();
            let received = self.ask_org(key).await?;
            if stored != received {
                return Err(RefreshError::OtherOrg { stored, received });
            }
        }
        self.last_key = Some(key.to_owned());
        Ok(())
    }

    async fn ask_org(&self, key: &str) -> Result<String, ApiError> {
        let answer: OrgDataResponse = decode(self.transport.call(Call::Org, key).await?)?;
        check_org_uuid(&answer.uuid)?;
        Ok(answer.uuid)
    }

    /// Verifies an answer where it delays nobody; asks for the organisation if that has to be known.
    async fn verify(
        &self,
        response: LatestConfigsResponse,
        key: &str,
    ) -> Result<(Verified, Option<(u64, String)>), RefreshError> {
        let mut judge = self.core.judge(self.shared.clock.seconds());
        let mut learnt = None;
        let mut update = Arc::new(update_of(response)?);
        loop {
            let work = move || {
                let outcome = judge.verify(&update);
                (judge, update, outcome)
            };
            let worked = spawn_blocking(work).await;
            let outcome;
            (judge, update, outcome) =
                worked.map_err(|error| RefreshError::Internal(error.to_string()))?;
            match outcome {
                Ok(verified) => return Ok((verified, learnt)),
                Err(Error::OrgUnknown { root_version }) if learnt.is_none() => {
                    let uuid = self.ask_org(key).await?;
                    judge.learn_org(root_version, uuid.clone());
                    learnt = Some((root_version, uuid));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// From now on this is what is believed: kept first, then shown.
    async fn believe(&mut self, trusted: Trusted, asked: Vec<String>) {
        let is_other = trusted != *self.core.trusted;
        self.core.succeeded(trusted, asked);
        if is_other {
            warn_of_unreadable_predicates(&self.core.trusted);
        }
        if is_other || !self.is_kept {
            self.is_kept = true;
            self.keep().await;
        }
        self.shared.publish(Arc::clone(&self.core.trusted), true);
    }

    /// Writes what is believed to the store.
    pub(super) async fn keep(&mut self) {
        let kept = Kept {
            update: self.core.trusted.to_update(),
            org_uuids: self.core.org_uuids.clone(),
            agent_uuid: self.agent_uuid.clone(),
        };
        self.store.keep(kept).await;
        let store = super::describe(&self.store);
        self.shared.with_facts(|facts| facts.store = store);
    }
}

/// A predicate that cannot be read matches nobody, which its author should learn.
fn warn_of_unreadable_predicates(trusted: &Trusted) {
    for file in trusted.files() {
        for predicate in &file.target.predicates {
            let constraint = &predicate.tracer_version;
            if !constraint.is_empty() && Constraint::parse(constraint).is_err() {
                warn!(path = %file.path, "a constraint on versions of tracers cannot be read and matches none");
            }
        }
    }
}
