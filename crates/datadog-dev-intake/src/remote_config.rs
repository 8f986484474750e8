//! The backend of remote configuration: what was pushed, in two signed repositories, and the answers to agents.
//!
//! Signs with code of its own and shares nothing with the agent's verifier but the schema, so that both cannot be wrong
//! together.
//! Pure: the time is an argument.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use datadog_wire::remote_config::{
    CONFIGURATIONS_PATH, ORG_PATH, OrgDataResponse, OrgStatusResponse, STATUS_PATH,
};
use hyper::Method;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use agents::Agents;
pub(crate) use dislike::Dislike;
pub(crate) use push::parse;
pub use push::{Predicate, PushError, RemoteConfig};
use pushed::Pushed;
pub use shown::{
    AcknowledgedBy, AgentSnapshot, ApplyState, ClientConfig, ClientSnapshot, PushedSnapshot,
    RemoteConfigSnapshot,
};
pub(crate) use tamper::DocumentName;
pub use tamper::Tamper;
pub use trust::{Repository, config_root, director_root};

mod agents;
mod answer;
mod canonical;
pub(crate) mod check;
mod dislike;
mod documents;
mod key;
mod push;
mod pushed;
mod shown;
mod tamper;
mod time;
mod trust;

#[cfg(test)]
mod tests;

/// The products that have a role of their own in the config repository; the files of all others stand in its top
/// targets. The list is fixed because a role that a snapshot has named may never leave it.
pub(crate) const DELEGATED: [&str; 10] = [
    "AGENT_CONFIG",
    "AGENT_TASK",
    "APM_SAMPLING",
    "APM_TRACING",
    "ASM",
    "ASM_DATA",
    "ASM_DD",
    "ASM_FEATURES",
    "FFE_FLAGS",
    "LIVE_DEBUGGING",
];
/// The organisation that every key belongs to.
pub(crate) const ORG_UUID: &str = "00000000-0000-4000-8000-000000000002";
/// Files pushed at once.
const MAX_PUSHED: usize = 1_000;
/// Bytes of all of them, names and predicates included.
const MAX_PUSHED_BYTES: usize = 64 << 20;
/// Roots of a repository; an agent takes no more at once.
const MAX_ROOTS: u64 = 1_000;
/// How long a timestamp is valid unless told otherwise, in seconds.
const TIMESTAMP_LIFETIME_S: u64 = 3_600;

/// What an agent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// What changed.
    Configurations,
    /// Which organisation its key is of.
    Org,
    /// Whether its key may use remote configuration.
    Status,
}

impl Call {
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::POST, CONFIGURATIONS_PATH) => Some(Self::Configurations),
            (&Method::GET, ORG_PATH) => Some(Self::Org),
            (&Method::GET, STATUS_PATH) => Some(Self::Status),
            _ => None,
        }
    }
}

/// What can be set of the backend beside what is pushed. A field that is left out stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteConfigSettings {
    /// Seconds that agents are asked to leave between two polls, whether they take such a number or not; at first they
    /// are asked for nothing.
    pub refresh_interval_s: Option<u64>,
    /// Seconds that a timestamp is valid; 3600 at first.
    pub timestamp_lifetime_s: Option<u64>,
    /// Whether the organisation uses remote configuration; true at first.
    pub enabled: Option<bool>,
    /// Whether its key may; true at first.
    pub authorized: Option<bool>,
}

/// A timestamp of one of the repositories.
#[derive(Debug, Clone, Copy, Default)]
struct Stamp {
    version: u64,
    made_at_s: u64,
    expires_s: u64,
}

/// Everything that was pushed, and how far it and the agents are.
#[derive(Debug)]
pub(crate) struct Backend {
    /// Tells this life of the intake from others.
    life: u64,
    /// The number given to a document last; each further one gets a higher one, and no lower than the time.
    version: u64,
    /// The first number of this life: what an agent names below it is of an earlier one.
    born: u64,
    config_root: u64,
    director_root: u64,
    /// Versions of the documents of the config repository.
    snapshot: u64,
    top_targets: u64,
    delegated: BTreeMap<&'static str, u64>,
    stamp: Stamp,
    pushed: BTreeMap<String, Pushed>,
    pushes: u64,
    agents: Agents,
    refresh_interval_s: Option<u64>,
    timestamp_lifetime_s: u64,
    enabled: bool,
    authorized: bool,
}

impl Backend {
    /// A backend where nothing was pushed, at that second since 1970. No two may have the same `life`.
    pub(crate) fn new(life: u64, now_s: u64) -> Self {
        let mut backend = Self {
            life,
            version: now_s.max(1),
            born: 0,
            config_root: 1,
            director_root: 1,
            snapshot: 0,
            top_targets: 0,
            delegated: BTreeMap::new(),
            stamp: Stamp::default(),
            pushed: BTreeMap::new(),
            pushes: 0,
            agents: Agents::default(),
            refresh_interval_s: None,
            timestamp_lifetime_s: TIMESTAMP_LIFETIME_S,
            enabled: true,
            authorized: true,
        };
        backend.begin(now_s);
        backend
    }

    /// Pushes files, all of them or none, in one new version of the config repository.
    ///
    /// # Errors
    /// In words, when there are too many, or one of them has no name or bytes.
    pub(crate) fn push(&mut self, files: Vec<RemoteConfig>, now_s: u64) -> Result<(), PushError> {
        for file in &files {
            file.check()?;
        }
        let paths: BTreeSet<String> = files.iter().map(RemoteConfig::path).collect();
        let kept = self.pushed.iter();
        let kept = kept.filter(|(path, _)| !paths.contains(*path));
        let (kept, kept_bytes) = kept.fold((0, 0), |(count, bytes), (_, pushed)| {
            (count + 1, bytes + pushed.file.cost())
        });
        let bytes = files.iter().map(RemoteConfig::cost).sum::<usize>();
        if kept + paths.len() > MAX_PUSHED {
            return Err(PushError(format!("more than {MAX_PUSHED} files")));
        }
        if kept_bytes + bytes > MAX_PUSHED_BYTES {
            return Err(PushError(format!(
                "files of more than {MAX_PUSHED_BYTES} bytes together"
            )));
        }
        let snapshot = self.next(now_s);
        for file in files {
            self.pushes += 1;
            self.touch(&file.product, snapshot);
            let pushed = Pushed::new(file, self.pushes, snapshot, now_s);
            self.pushed.insert(pushed.file.path(), pushed);
        }
        self.publish(snapshot, now_s);
        Ok(())
    }

    /// Withdraws a file; whether it was there.
    pub(crate) fn withdraw(&mut self, path: &str, now_s: u64) -> bool {
        let Some(pushed) = self.pushed.remove(path) else {
            return false;
        };
        let snapshot = self.next(now_s);
        self.touch(&pushed.file.product, snapshot);
        self.publish(snapshot, now_s);
        true
    }

    /// Withdraws every file.
    pub(crate) fn withdraw_all(&mut self, now_s: u64) {
        let pushed = std::mem::take(&mut self.pushed);
        if pushed.is_empty() {
            return;
        }
        let snapshot = self.next(now_s);
        for pushed in pushed.values() {
            self.touch(&pushed.file.product, snapshot);
        }
        self.publish(snapshot, now_s);
    }

    /// Makes a new root of a repository, and signs with its keys from now on; false when there are too many already.
    pub(crate) fn rotate(&mut self, repository: Repository, now_s: u64) -> bool {
        let root = match repository {
            Repository::Config => &mut self.config_root,
            Repository::Director => &mut self.director_root,
        };
        if *root >= MAX_ROOTS {
            return false;
        }
        *root += 1;
        let version = self.next(now_s);
        match repository {
            Repository::Config => self.publish(version, now_s),
            // Its documents are signed with each answer; only timestamps need another version.
            Repository::Director => self.agents.forget_stamps(),
        }
        true
    }

    /// Changes what is set.
    pub(crate) fn set(&mut self, settings: RemoteConfigSettings) {
        self.refresh_interval_s = settings.refresh_interval_s.or(self.refresh_interval_s);
        if let Some(lifetime_s) = settings.timestamp_lifetime_s {
            self.timestamp_lifetime_s = lifetime_s.max(1);
            // What was made for another time is made anew.
            self.stamp.expires_s = 0;
            self.agents.forget_stamps();
        }
        self.enabled = settings.enabled.unwrap_or(self.enabled);
        self.authorized = settings.authorized.unwrap_or(self.authorized);
    }

    /// What is set.
    pub(crate) fn settings(&self) -> RemoteConfigSettings {
        RemoteConfigSettings {
            refresh_interval_s: self.refresh_interval_s,
            timestamp_lifetime_s: Some(self.timestamp_lifetime_s),
            enabled: Some(self.enabled),
            authorized: Some(self.authorized),
        }
    }

    /// Forgets what was pushed and set, and every agent. Versions and roots go on, as agents remember them.
    pub(crate) fn reset(&mut self, now_s: u64) {
        self.withdraw_all(now_s);
        self.agents = Agents::default();
        self.refresh_interval_s = None;
        self.set(RemoteConfigSettings {
            refresh_interval_s: None,
            timestamp_lifetime_s: Some(TIMESTAMP_LIFETIME_S),
            enabled: Some(true),
            authorized: Some(true),
        });
    }

    /// Files pushed.
    pub(crate) fn count(&self) -> usize {
        self.pushed.len()
    }

    /// The body of the answer to a question about the organisation.
    pub(crate) fn org(&self, tamper: Option<Tamper>) -> Bytes {
        let uuid = match tamper {
            Some(Tamper::WrongOrg) => tamper::OTHER_ORG_UUID,
            _ => ORG_UUID,
        };
        let answer = OrgDataResponse {
            uuid: uuid.to_owned(),
        };
        answer.encode_to_vec().into()
    }

    /// The body of the answer to a question about the key.
    pub(crate) fn status(&self) -> Bytes {
        let answer = OrgStatusResponse {
            enabled: self.enabled,
            authorized: self.authorized,
        };
        answer.encode_to_vec().into()
    }

    /// The next number of a document.
    fn next(&mut self, now_s: u64) -> u64 {
        self.version = self.version.saturating_add(1).max(now_s);
        self.version
    }

    /// Gives the document that lists the files of a product a new version.
    fn touch(&mut self, product: &str, version: u64) {
        match role_of(product) {
            Some(role) => drop(self.delegated.insert(role, version)),
            None => self.top_targets = version,
        }
    }

    /// Makes a snapshot of what the documents are now.
    fn publish(&mut self, snapshot: u64, now_s: u64) {
        self.snapshot = snapshot;
        self.stamp = Stamp::new(snapshot, now_s, self.timestamp_lifetime_s);
    }

    /// Begins a life: every document is of its first version.
    fn begin(&mut self, now_s: u64) {
        let version = self.version;
        self.born = version;
        self.top_targets = version;
        self.delegated = DELEGATED.iter().map(|role| (*role, version)).collect();
        for pushed in self.pushed.values_mut() {
            pushed.since = version;
        }
        self.publish(version, now_s);
    }
}

impl Stamp {
    fn new(version: u64, now_s: u64, lifetime_s: u64) -> Self {
        Self {
            version,
            made_at_s: now_s,
            expires_s: now_s.saturating_add(lifetime_s),
        }
    }

    /// Whether more than half of its time is over.
    fn is_old(&self, now_s: u64) -> bool {
        let half = self.expires_s.saturating_sub(self.made_at_s) / 2;
        now_s >= self.made_at_s.saturating_add(half)
    }
}

/// The role of the config repository that lists the files of a product; `None` for the top targets.
fn role_of(product: &str) -> Option<&'static str> {
    DELEGATED.into_iter().find(|role| *role == product)
}
