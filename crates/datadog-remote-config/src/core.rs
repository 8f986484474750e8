//! What the agent tells the backend, and what it makes of the answer.
//!
//! Holds what is believed and what the backend must hear of it; verification itself is `verify`.
//! Knows no clock and sends nothing: the time and what was sent are arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use datadog_wire::remote_config::{Client, LatestConfigsRequest, LatestConfigsResponse, TopMeta};

use crate::backend::ApiError;
use crate::path::logical;
use crate::verify::{Context, Metadata, Verified};
use crate::{Error, Trusted, Update};

/// Organisations that are kept; each root of the config repository has one.
const MAX_ORGS: usize = 64;
/// Bytes of the name of an organisation.
const MAX_ORG_UUID: usize = 256;
/// Products that are asked for; their names come from clients.
const MAX_PRODUCTS: usize = 1_024;

/// Who this agent says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name of the host.
    pub hostname: String,
    /// The version that the backend sees; it does not answer agents that are too old.
    pub agent_version: String,
    /// The environment of traces.
    pub trace_agent_env: String,
    /// Tags of the host, `key:value`.
    pub tags: Vec<String>,
}

/// What is believed, and what the backend must hear of it.
#[derive(Debug)]
pub(crate) struct Core {
    identity: Identity,
    agent_uuid: String,
    org_id: Option<i64>,
    pub(crate) trusted: Arc<Trusted>,
    pub(crate) org_uuids: BTreeMap<u64, String>,
    /// Products that a successful request has named.
    products: BTreeSet<String>,
    /// Whether nothing has succeeded yet in this process.
    pub(crate) is_first: bool,
    error: Option<String>,
}

/// Why a refresh failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The backend did not answer, or not as it should.
    #[error("api: {0}")]
    Api(#[from] ApiError),
    /// What it sent is not believed.
    #[error("tuf: {0}")]
    Tuf(#[from] Error),
    /// The key of another organisation.
    #[error("tuf: the API key is of organisation {received}, and what is believed of {stored}")]
    OtherOrg {
        /// The organisation that is believed.
        stored: String,
        /// The one that the key is of.
        received: String,
    },
    /// The state could not be worked on.
    #[error("tuf: {0}")]
    Internal(String),
}

impl RefreshError {
    /// `api` or `tuf`, as the counter says it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Api(_) => "api",
            Self::Tuf(_) | Self::OtherOrg { .. } | Self::Internal(_) => "tuf",
        }
    }
}

impl Core {
    pub(crate) fn new(
        identity: Identity,
        agent_uuid: String,
        org_id: Option<i64>,
        trusted: Trusted,
        org_uuids: BTreeMap<u64, String>,
    ) -> Self {
        Self {
            identity,
            agent_uuid,
            org_id,
            trusted: Arc::new(trusted),
            org_uuids,
            products: BTreeSet::new(),
            is_first: true,
            error: None,
        }
    }

    /// Forgets everything but who it is.
    pub(crate) fn reset(&mut self, trusted: Trusted) {
        self.trusted = Arc::new(trusted);
        self.org_uuids.clear();
        self.products.clear();
        self.is_first = true;
    }

    /// What to ask, on behalf of these clients.
    pub(crate) fn request(&self, clients: Vec<Client>) -> LatestConfigsRequest {
        let versions = match self.is_first {
            // All of it, whatever a store has kept.
            true => crate::verify::Versions::default(),
            false => self.trusted.versions(),
        };
        let wanted = clients.iter().flat_map(|client| &client.products);
        let new: BTreeSet<_> = wanted.filter(|it| !self.products.contains(*it)).collect();
        let room = MAX_PRODUCTS.saturating_sub(self.products.len());
        LatestConfigsRequest {
            hostname: self.identity.hostname.clone(),
            agent_version: self.identity.agent_version.clone(),
            current_config_snapshot_version: versions.config_snapshot,
            current_config_root_version: versions.config_root,
            current_director_root_version: versions.director_root,
            products: self.products.iter().cloned().collect(),
            new_products: new.into_iter().take(room).cloned().collect(),
            active_clients: clients,
            backend_client_state: self.trusted.backend_state().to_vec(),
            has_error: self.error.is_some(),
            error: self.error.clone().unwrap_or_default(),
            trace_agent_env: self.identity.trace_agent_env.clone(),
            org_uuid: self.org_uuid().unwrap_or_default().to_owned(),
            tags: self.identity.tags.clone(),
            agent_uuid: self.agent_uuid.clone(),
        }
    }

    /// The organisation of the present root.
    pub(crate) fn org_uuid(&self) -> Option<&str> {
        let root = self.trusted.versions().config_root;
        self.org_uuids.get(&root).map(String::as_str)
    }

    /// What to verify an update with, away from this core.
    pub(crate) fn judge(&self, now: i64) -> Judge {
        Judge {
            trusted: Arc::clone(&self.trusted),
            org_uuids: self.org_uuids.clone(),
            org_id: self.org_id,
            now,
        }
    }

    /// The backend named the organisation of a root.
    pub(crate) fn learn_org(&mut self, root_version: u64, uuid: String) {
        self.org_uuids.insert(root_version, uuid);
        while self.org_uuids.len() > MAX_ORGS {
            self.org_uuids.pop_first();
        }
    }

    /// A refresh succeeded: believes it, and remembers what was asked for.
    pub(crate) fn succeeded(&mut self, trusted: Trusted, asked: Vec<String>) {
        self.trusted = Arc::new(trusted);
        self.products.extend(asked);
        self.is_first = false;
        self.error = None;
    }

    /// A refresh failed: the next request says so.
    pub(crate) fn failed(&mut self, error: &RefreshError) {
        self.error = Some(error.to_string());
    }
}

/// Verifies an update; holds all that it takes.
#[derive(Debug)]
pub(crate) struct Judge {
    trusted: Arc<Trusted>,
    org_uuids: BTreeMap<u64, String>,
    org_id: Option<i64>,
    now: i64,
}

impl Judge {
    pub(crate) fn verify(&self, update: &Update) -> Result<Verified, Error> {
        let context = Context {
            now: self.now,
            org_uuids: &self.org_uuids,
            org_id: self.org_id,
        };
        self.trusted.update(update, &context)
    }

    pub(crate) fn learn_org(&mut self, root_version: u64, uuid: String) {
        self.org_uuids.insert(root_version, uuid);
    }
}

/// Fails unless a text can be the name of an organisation.
pub(crate) fn check_org_uuid(uuid: &str) -> Result<(), ApiError> {
    if uuid.is_empty() || uuid.len() > MAX_ORG_UUID {
        let problem = "an organisation without a name".to_owned();
        return Err(ApiError::Malformed(problem));
    }
    Ok(())
}

/// What an answer of the backend says, file names without their hashes.
pub(crate) fn update_of(response: LatestConfigsResponse) -> Result<Update, Error> {
    let config = response.config_metas.unwrap_or_default();
    let director = response.director_metas.unwrap_or_default();
    let raw = |meta: Option<TopMeta>| {
        let raw = meta.map(|meta| meta.raw);
        raw.filter(|raw| !raw.is_empty())
    };
    let roots = |metas: Vec<TopMeta>| -> Vec<Bytes> {
        let present = metas.into_iter().map(|meta| meta.raw);
        present.filter(|raw| !raw.is_empty()).collect()
    };
    let mut files = Vec::with_capacity(response.target_files.len());
    for file in response.target_files {
        files.push((logical(&file.path)?, file.raw));
    }
    let delegated = config.delegated_targets.into_iter();
    Ok(Update {
        delegations: delegated.map(|meta| (meta.role, meta.raw)).collect(),
        config: Metadata {
            roots: roots(config.roots),
            timestamp: raw(config.timestamp),
            snapshot: raw(config.snapshot),
            targets: raw(config.top_targets),
        },
        director: Metadata {
            roots: roots(director.roots),
            timestamp: raw(director.timestamp),
            snapshot: raw(director.snapshot),
            targets: raw(director.targets),
        },
        files,
    })
}
