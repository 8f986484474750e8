//! What the service and its doors share: what is believed, who asked, and how it fares.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_wire::remote_config::Client;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Trusted;
use crate::consumer::Subscriptions;
use crate::registry::Registry;

/// The time of day, since 1970; an argument, so that tests have their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// A clock of one's own.
    pub fn new(read: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The clock of the machine.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self::new(|| {
            #[allow(
                clippy::disallowed_methods,
                reason = "the one place where this crate meets a clock"
            )]
            let now = SystemTime::now();
            now.duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
        })
    }

    pub(crate) fn seconds(&self) -> i64 {
        i64::try_from((self.0)().as_secs()).unwrap_or(i64::MAX)
    }

    pub(crate) fn milliseconds(&self) -> u64 {
        u64::try_from((self.0)().as_millis()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What is believed now.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) trusted: Arc<Trusted>,
    /// Whether the backend said so in this process, rather than a store.
    pub(crate) is_fresh: bool,
}

/// How the service fares, for `/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceSnapshot {
    /// The backend.
    pub url: String,
    /// Where the first roots come from.
    pub roots: &'static str,
    /// `file`, or `memory` with a reason if a file was wished for.
    pub store: String,
    /// Whether the backend has answered in this process.
    pub is_fresh: bool,
    /// Whether the organisation has remote configuration on; `None` while not known.
    pub org_enabled: Option<bool>,
    /// Whether the key has the scope for it; `None` while not known.
    pub api_key_scoped: Option<bool>,
    /// What failed last; `None` once something succeeded.
    pub last_error: Option<String>,
    /// When the backend was last understood, in seconds since 1970.
    pub last_success: Option<i64>,
    /// Seconds between two questions to the backend.
    pub interval_s: u64,
    /// The version of the root of the config repository.
    pub config_root_version: u64,
    /// The version of its snapshot.
    pub config_snapshot_version: u64,
    /// The version of the director's root.
    pub director_root_version: u64,
    /// The version of the director's targets.
    pub director_targets_version: u64,
    /// When the director's timestamp expires, in seconds since 1970.
    pub timestamp_expires: Option<i64>,
    /// Clients that asked lately.
    pub clients: usize,
    /// Files that are believed, with the versions of their configurations.
    pub files: Vec<(String, u64)>,
}

/// Files that `/status` shows by name.
const SHOWN_FILES: usize = 100;

pub(crate) struct Shared {
    pub(crate) view: watch::Sender<View>,
    pub(crate) registry: Mutex<Registry>,
    pub(crate) subscriptions: Subscriptions,
    facts: Mutex<ServiceSnapshot>,
    pub(crate) clock: Clock,
    pub(crate) telemetry: Telemetry,
    pub(crate) begun: Instant,
    /// Whether the service is to end.
    pub(crate) stop: watch::Sender<bool>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        trusted: Arc<Trusted>,
        registry: Registry,
        facts: ServiceSnapshot,
        clock: Clock,
        telemetry: Telemetry,
    ) -> Self {
        let view = View {
            trusted,
            is_fresh: false,
        };
        Self {
            view: watch::Sender::new(view),
            registry: Mutex::new(registry),
            subscriptions: Subscriptions::default(),
            facts: Mutex::new(facts),
            clock,
            telemetry,
            begun: Instant::now(),
            stop: watch::Sender::new(false),
        }
    }

    pub(crate) fn with_registry<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        act(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn with_facts<T>(&self, act: impl FnOnce(&mut ServiceSnapshot) -> T) -> T {
        act(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The clients that the backend is told about: those that asked lately, and those in this process.
    pub(crate) fn active_clients(&self) -> Vec<Client> {
        let mut clients = self.with_registry(|registry| registry.active(Instant::now()));
        clients.extend(self.subscriptions.messages(self.clock.milliseconds()));
        let gauge = self.telemetry.series(Metric::RemoteConfigClients, &[]);
        gauge.set(clients.len() as u64);
        clients
    }

    /// Shows everybody what is believed from now on.
    pub(crate) fn publish(&self, trusted: Arc<Trusted>, is_fresh: bool) {
        let gauge = |metric, value| self.telemetry.series(metric, &[]).set(value);
        let versions = trusted.versions();
        gauge(
            Metric::RemoteConfigDirectorVersion,
            versions.director_targets,
        );
        gauge(
            Metric::RemoteConfigSnapshotVersion,
            versions.config_snapshot,
        );
        gauge(Metric::RemoteConfigFiles, trusted.files().count() as u64);
        let expires = trusted.director_timestamp_expires().unwrap_or_default();
        let expires = u64::try_from(expires).unwrap_or_default();
        gauge(Metric::RemoteConfigTimestampExpires, expires);
        self.subscriptions.publish(&trusted, self.clock.seconds());
        self.view.send_replace(View { trusted, is_fresh });
    }

    pub(crate) fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Whether the organisation and the key may use remote configuration, as far as the backend has said.
    pub(crate) fn is_allowed(&self) -> bool {
        let may = |said: Option<bool>| said != Some(false);
        self.with_facts(|facts| may(facts.org_enabled) && may(facts.api_key_scoped))
    }

    pub(crate) fn snapshot(&self) -> ServiceSnapshot {
        let mut snapshot = self.with_facts(|facts| facts.clone());
        let View { trusted, is_fresh } = self.view();
        let versions = trusted.versions();
        snapshot.is_fresh = is_fresh;
        snapshot.config_root_version = versions.config_root;
        snapshot.config_snapshot_version = versions.config_snapshot;
        snapshot.director_root_version = versions.director_root;
        snapshot.director_targets_version = versions.director_targets;
        snapshot.timestamp_expires = trusted.director_timestamp_expires();
        snapshot.clients = self.with_registry(|registry| registry.len());
        let files = trusted.files().take(SHOWN_FILES);
        snapshot.files = files
            .map(|file| (file.path.to_string(), file.target.version))
            .collect();
        snapshot
    }
}
