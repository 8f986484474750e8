//! Parts of this process that take configuration: what is for them, in a channel, and a way to say what became of it.
//!
//! To the backend each is a client like a tracer. What one does not take in time is replaced by what came after.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datadog_wire::remote_config::{Client, ClientAgent, ClientState, ConfigState};
use tokio::sync::watch;

use crate::{Trusted, answer, capabilities};

/// What AppSec takes.
pub const APPSEC_PRODUCTS: [&str; 4] = ["ASM_FEATURES", "ASM_DD", "ASM", "ASM_DATA"];
/// Bytes of an error that is told to the backend.
const MAX_ERROR: usize = 1_024;

/// Not taken up yet.
const UNACKNOWLEDGED: u64 = 1;
/// In effect.
const ACKNOWLEDGED: u64 = 2;
/// Could not be put into effect.
const FAILED: u64 = 3;

/// What somebody wants to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Who it is, as the backend shows it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The products whose files it takes.
    pub products: Vec<String>,
    /// The bits of what it can do with them, see [`capabilities`].
    pub capabilities: Vec<u8>,
}

/// A file of configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its whole name.
    pub path: String,
    /// What it configures.
    pub product: String,
    /// Which of the product's configurations it is.
    pub config_id: String,
    /// The last segment of its name.
    pub name: String,
    /// The version of the configuration in it.
    pub version: u64,
    /// Its bytes, which are verified and not read.
    pub raw: Bytes,
}

/// All files that are for somebody, sorted by their names.
pub type Files = Arc<Vec<ConfigFile>>;

/// The side that is told. When it is gone, the backend hears of it no more.
#[derive(Debug)]
pub struct Subscriber {
    id: String,
    files: watch::Receiver<Files>,
    all: Subscriptions,
}

impl Subscriber {
    /// Waits for files that were not seen yet; `None` when there will be none any more.
    pub async fn changed(&mut self) -> Option<Files> {
        self.files.changed().await.ok()?;
        Some(self.files.borrow_and_update().clone())
    }

    /// The files as they are now.
    #[must_use]
    pub fn current(&self) -> Files {
        self.files.borrow().clone()
    }

    /// Tells the backend, with the next question, what became of a file.
    pub fn report(&self, file: &ConfigFile, outcome: Result<(), &str>) {
        let (apply_state, text) = match outcome {
            Ok(()) => (ACKNOWLEDGED, ""),
            Err(problem) => (FAILED, problem),
        };
        let error: String = text.chars().take(MAX_ERROR).collect();
        self.all.with(|all| {
            let Some(subscription) = all.get_mut(&self.id) else {
                return;
            };
            let states = subscription.states();
            let of = |state: &&mut ConfigState| {
                state.id == file.config_id
                    && state.product == file.product
                    && state.version == file.version
            };
            if let Some(state) = states.iter_mut().find(of) {
                state.apply_state = apply_state;
                state.apply_error = error;
            }
        });
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.all.with(|all| drop(all.remove(&self.id)));
    }
}

#[derive(Debug)]
struct Subscription {
    message: Client,
    files: watch::Sender<Files>,
}

impl Subscription {
    fn states(&mut self) -> &mut Vec<ConfigState> {
        &mut self.message.state.get_or_insert_default().config_states
    }

    /// Hands over what is for it, if that is not what it has.
    fn publish(&mut self, trusted: &Trusted, now: i64) {
        let matching = answer::matching(trusted, &self.message, now);
        let files: Vec<_> = matching
            .map(|file| ConfigFile {
                path: file.path.to_string(),
                product: file.path.product().to_owned(),
                config_id: file.path.config_id().to_owned(),
                name: file.path.name().to_owned(),
                version: file.target.version,
                raw: file.raw.clone(),
            })
            .collect();
        let states: Vec<_> = files.iter().map(|file| self.state_of(file)).collect();
        let versions = trusted.versions();
        self.message.state = Some(ClientState {
            root_version: versions.director_root,
            targets_version: versions.director_targets,
            has_error: states.iter().any(|state| state.apply_state == FAILED),
            config_states: states,
            backend_client_state: trusted.backend_state().to_vec(),
            ..ClientState::default()
        });
        self.files.send_if_modified(|held| {
            let is_other = **held != files;
            if is_other {
                *held = Arc::new(files);
            }
            is_other
        });
    }

    /// What was reported of a file, as long as it is the same.
    fn state_of(&self, file: &ConfigFile) -> ConfigState {
        let states = self.message.state.iter();
        let mut known = states.flat_map(|state| &state.config_states);
        let had = self.files.borrow().iter().any(|held| held == file);
        let same = known.find(|state| {
            had && state.id == file.config_id
                && state.product == file.product
                && state.version == file.version
        });
        same.cloned().unwrap_or_else(|| ConfigState {
            id: file.config_id.clone(),
            version: file.version,
            product: file.product.clone(),
            apply_state: UNACKNOWLEDGED,
            apply_error: String::new(),
        })
    }
}

/// All subscriptions of one service; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscriptions(Arc<Mutex<BTreeMap<String, Subscription>>>);

impl Subscriptions {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Subscription>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds one under this identifier, and hands it what is for it already.
    pub(crate) fn add(
        &self,
        id: String,
        interest: Interest,
        trusted: &Trusted,
        now: i64,
    ) -> Subscriber {
        let message = Client {
            id: id.clone(),
            products: interest.products,
            is_agent: true,
            client_agent: Some(ClientAgent {
                name: interest.name,
                version: interest.version,
                ..ClientAgent::default()
            }),
            capabilities: capabilities::encode(&interest.capabilities),
            ..Client::default()
        };
        let (files, receiver) = watch::channel(Files::default());
        let mut subscription = Subscription { message, files };
        subscription.publish(trusted, now);
        self.with(|all| drop(all.insert(id.clone(), subscription)));
        Subscriber {
            id,
            files: receiver,
            all: self.clone(),
        }
    }

    /// Hands each what is for it.
    pub(crate) fn publish(&self, trusted: &Trusted, now: i64) {
        self.with(|all| {
            for subscription in all.values_mut() {
                subscription.publish(trusted, now);
            }
        });
    }

    /// What the backend is told of them.
    pub(crate) fn messages(&self, now_ms: u64) -> Vec<Client> {
        self.with(|all| {
            let messages = all.values().map(|subscription| Client {
                last_seen: now_ms,
                ..subscription.message.clone()
            });
            messages.collect()
        })
    }
}
