//! What is pushed and what agents say of it, as it is shown and as tests read it.

use datadog_wire::remote_config::{Client, ConfigState, LatestConfigsRequest};
use serde::Serialize;

use super::pushed::Pushed;
use super::{Backend, Predicate, RemoteConfigSettings};

/// Clients of an agent that are kept, and configurations of a client.
const MAX_CLIENTS: usize = 500;
const MAX_CONFIGS: usize = 200;
/// Characters of a text that are kept.
const MAX_CHARS: usize = 300;
/// Texts of a list that are kept.
const MAX_TEXTS: usize = 200;
/// Bytes of the longest file that is shown.
const MAX_SHOWN_BYTES: usize = 64 << 10;
/// Bytes of capabilities that are read.
const MAX_CAPABILITIES: usize = 64;

/// The backend of remote configuration at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteConfigSnapshot {
    /// The version of the config repository's snapshot.
    pub config_snapshot_version: u64,
    /// The version of its root.
    pub config_root_version: u64,
    /// The version of the director's root.
    pub director_root_version: u64,
    /// The organisation that keys belong to.
    pub org_uuid: &'static str,
    /// What is set beside what is pushed.
    pub settings: RemoteConfigSettings,
    /// The files that are pushed, sorted by name.
    pub pushed: Vec<PushedSnapshot>,
    /// The agents that polled last, the latest at the end.
    pub agents: Vec<AgentSnapshot>,
}

/// A file that is pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PushedSnapshot {
    /// Its name.
    pub path: String,
    /// What it configures.
    pub product: String,
    /// The identifier by which clients report it.
    pub id: String,
    /// The version by which clients report it: the number of the push.
    pub version: u64,
    /// Unix milliseconds.
    pub pushed_at: u64,
    /// Its length.
    pub bytes: usize,
    /// Its hash, in hexadecimal.
    pub sha256: String,
    /// The second since 1970 after which no client is given it.
    pub expires: Option<u64>,
    /// Whom it is for; everyone if there is none.
    pub predicates: Vec<Predicate>,
    /// Its text, where it is UTF-8 and not over 64 KiB.
    pub text: Option<String>,
    /// The clients that said of this version how they took it.
    pub clients: Vec<AcknowledgedBy>,
}

/// A client that has a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcknowledgedBy {
    /// The id of the client.
    pub client: String,
    /// `tracer`, `agent` or `updater`.
    pub kind: &'static str,
    /// Of a tracer its service, of an agent its name.
    pub name: String,
    /// Of a tracer.
    pub language: String,
    /// Of a tracer.
    pub runtime_id: String,
    /// How it took the file.
    pub apply_state: ApplyState,
    /// What went wrong, in the client's words.
    pub apply_error: String,
}

/// How a client took a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyState {
    /// It did not say, or a number that means nothing.
    Unknown,
    /// It has it, and has not tried yet.
    Unacknowledged,
    /// It goes by it.
    Acknowledged,
    /// It could not.
    Error,
}

impl ApplyState {
    pub(super) fn of(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Unknown),
            1 => Some(Self::Unacknowledged),
            2 => Some(Self::Acknowledged),
            3 => Some(Self::Error),
            _ => None,
        }
    }
}

/// What an agent said with its last poll, without what is beyond the first few hundred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AgentSnapshot {
    /// Polls since it was first seen.
    pub polls: u64,
    /// Unix milliseconds.
    pub polled_at: i64,
    /// Its host.
    pub hostname: String,
    /// Its version.
    pub agent_version: String,
    /// What tells it from others.
    pub agent_uuid: String,
    /// The organisation that it knows.
    pub org_uuid: String,
    /// Its own environment.
    pub trace_agent_env: String,
    /// Tags of its host.
    pub tags: Vec<String>,
    /// Products that it had before.
    pub products: Vec<String>,
    /// Products that it asked for anew.
    pub new_products: Vec<String>,
    /// The snapshot of the config repository that it has.
    pub config_snapshot_version: u64,
    /// The root of the config repository that it has.
    pub config_root_version: u64,
    /// The root of the director that it has.
    pub director_root_version: u64,
    /// The targets of the director that it was answered with; 0 if it was answered with a fault.
    pub director_targets_version: u64,
    /// Whether its last update failed.
    pub has_error: bool,
    /// Why.
    pub error: String,
    /// Its clients.
    pub clients: Vec<ClientSnapshot>,
    /// Clients that are left out here.
    pub clients_cut: usize,
}

/// A client of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientSnapshot {
    /// Its identifier.
    pub id: String,
    /// `tracer`, `agent` or `updater`; empty if it did not say, or said several.
    pub kind: &'static str,
    /// Of a tracer its service, of an agent its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Of a tracer.
    pub language: String,
    /// Of a tracer.
    pub env: String,
    /// Of a tracer, the version of its service.
    pub app_version: String,
    /// Of a tracer.
    pub runtime_id: String,
    /// Unix milliseconds.
    pub last_seen: u64,
    /// What it asks for.
    pub products: Vec<String>,
    /// What it is able to do, as numbers of bits.
    pub capabilities: Vec<usize>,
    /// The root that it has.
    pub root_version: u64,
    /// The targets that it has.
    pub targets_version: u64,
    /// What went wrong in the client; empty if nothing did.
    pub error: String,
    /// What it has.
    pub configs: Vec<ClientConfig>,
}

/// A configuration as a client reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientConfig {
    /// The identifier of the file.
    pub id: String,
    /// Its product.
    pub product: String,
    /// Its version.
    pub version: u64,
    /// How the client took it.
    pub apply_state: ApplyState,
    /// What went wrong, in the client's words.
    pub apply_error: String,
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

fn cut_all(texts: &[String]) -> Vec<String> {
    texts.iter().take(MAX_TEXTS).map(|text| cut(text)).collect()
}

impl AgentSnapshot {
    pub(crate) fn of(request: &LatestConfigsRequest, polled_at: i64) -> Self {
        let clients = request.active_clients.iter();
        Self {
            polls: 0,
            polled_at,
            hostname: cut(&request.hostname),
            agent_version: cut(&request.agent_version),
            agent_uuid: cut(&request.agent_uuid),
            org_uuid: cut(&request.org_uuid),
            trace_agent_env: cut(&request.trace_agent_env),
            tags: cut_all(&request.tags),
            products: cut_all(&request.products),
            new_products: cut_all(&request.new_products),
            config_snapshot_version: request.current_config_snapshot_version,
            config_root_version: request.current_config_root_version,
            director_root_version: request.current_director_root_version,
            director_targets_version: 0,
            has_error: request.has_error,
            error: cut(&request.error),
            clients: clients.take(MAX_CLIENTS).map(ClientSnapshot::of).collect(),
            clients_cut: request.active_clients.len().saturating_sub(MAX_CLIENTS),
        }
    }
}

impl ClientSnapshot {
    fn of(client: &Client) -> Self {
        let tracer = client.client_tracer.clone().unwrap_or_default();
        let agent = client.client_agent.clone().unwrap_or_default();
        let state = client.state.clone().unwrap_or_default();
        let (kind, name, version) = match (client.is_tracer, client.is_agent, client.is_updater) {
            (true, false, false) => ("tracer", &tracer.service, &tracer.tracer_version),
            (false, true, false) => ("agent", &agent.name, &agent.version),
            (false, false, true) => ("updater", &agent.name, &agent.version),
            _ => ("", &tracer.service, &tracer.tracer_version),
        };
        let configs = state.config_states.iter();
        Self {
            id: cut(&client.id),
            kind,
            name: cut(name),
            version: cut(version),
            language: cut(&tracer.language),
            env: cut(&tracer.env),
            app_version: cut(&tracer.app_version),
            runtime_id: cut(&tracer.runtime_id),
            last_seen: client.last_seen,
            products: cut_all(&client.products),
            capabilities: capabilities(&client.capabilities),
            root_version: state.root_version,
            targets_version: state.targets_version,
            error: cut(&state.error),
            configs: configs.take(MAX_CONFIGS).map(ClientConfig::of).collect(),
        }
    }

    fn acknowledges(&self, pushed: &Pushed) -> Option<AcknowledgedBy> {
        let found = self.configs.iter().find(|config| {
            config.id == pushed.file.id
                && config.product == pushed.file.product
                && config.version == pushed.version
        })?;
        Some(AcknowledgedBy {
            client: self.id.clone(),
            kind: self.kind,
            name: self.name.clone(),
            language: self.language.clone(),
            runtime_id: self.runtime_id.clone(),
            apply_state: found.apply_state,
            apply_error: found.apply_error.clone(),
        })
    }
}

impl ClientConfig {
    fn of(state: &ConfigState) -> Self {
        Self {
            id: cut(&state.id),
            product: cut(&state.product),
            version: state.version,
            apply_state: ApplyState::of(state.apply_state).unwrap_or(ApplyState::Unknown),
            apply_error: cut(&state.apply_error),
        }
    }
}

/// The bits of a number, the least first.
fn capabilities(bytes: &[u8]) -> Vec<usize> {
    let bytes = bytes.iter().rev().take(MAX_CAPABILITIES).enumerate();
    let bits = bytes.flat_map(|(at, byte)| {
        let is_set = move |bit: &usize| byte >> bit & 1 == 1;
        (0..8).filter(is_set).map(move |bit| at * 8 + bit)
    });
    bits.collect()
}

impl Backend {
    /// What is pushed, and what agents say.
    pub(crate) fn snapshot(&self) -> RemoteConfigSnapshot {
        let pushed = self.pushed.iter();
        RemoteConfigSnapshot {
            config_snapshot_version: self.snapshot,
            config_root_version: self.config_root,
            director_root_version: self.director_root,
            org_uuid: super::ORG_UUID,
            settings: self.settings(),
            pushed: pushed.map(|(path, one)| self.show(path, one)).collect(),
            agents: self.agents.said().cloned().collect(),
        }
    }

    /// Whether a client goes by the file of that name as it was pushed last.
    pub(crate) fn is_acknowledged(&self, path: &str) -> bool {
        self.pushed.get(path).is_some_and(|pushed| {
            let mut clients = self.agents.said().flat_map(|agent| &agent.clients);
            clients.any(|client| {
                let found = client.acknowledges(pushed);
                found.is_some_and(|by| by.apply_state == ApplyState::Acknowledged)
            })
        })
    }

    fn show(&self, path: &str, pushed: &Pushed) -> PushedSnapshot {
        let raw = &pushed.file.raw;
        let text = std::str::from_utf8(raw).ok();
        let clients = self.agents.said().flat_map(|agent| &agent.clients);
        PushedSnapshot {
            path: path.to_owned(),
            product: pushed.file.product.clone(),
            id: pushed.file.id.clone(),
            version: pushed.version,
            pushed_at: pushed.pushed_at_s.saturating_mul(1_000),
            bytes: raw.len(),
            sha256: pushed.sha256.clone(),
            expires: pushed.file.expires,
            predicates: pushed.file.predicates.clone(),
            text: text
                .filter(|text| text.len() <= MAX_SHOWN_BYTES)
                .map(str::to_owned),
            clients: clients
                .filter_map(|client| client.acknowledges(pushed))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_the_bits_of_a_number() {
        assert_eq!(capabilities(&[]), Vec::<usize>::new());
        assert_eq!(capabilities(&[0x06]), [1, 2]);
        assert_eq!(capabilities(&[0xf0, 0x00]), [12, 13, 14, 15]);
        assert_eq!(capabilities(&[0x10, 0, 0, 0, 0, 0x02]), [1, 44]);
    }
}
