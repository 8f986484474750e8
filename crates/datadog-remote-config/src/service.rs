//! Asks the backend in its time, keeps what is believed, and answers through its [`RemoteConfigHandle`].
//!
//! One task owns the state; whoever asks reads what it last showed.
//! A failure of any kind leaves everything as it was.

mod handle;
mod loudness;
mod org;
mod refresh;
mod shared;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::Telemetry;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

pub use handle::{Encoding, RemoteConfigHandle, RequestError};
pub use shared::{Clock, ServiceSnapshot};

use crate::backend::{KeySource, SharedTransport, Transport, sanitize_api_key};
use crate::core::{Core, Identity};
use crate::registry::Registry;
use crate::roots::TrustRoots;
use crate::schedule::{Schedule, Window};
use crate::store::{Kept, Store, StoreIdentity, StoreMode};
use crate::tuf::hex;
use crate::verify::Context;
use crate::{Error, Trusted};
use loudness::Loudness;
use org::OrgStatus;
use shared::Shared;

/// Commands that wait; more wait in front of the queue.
const COMMANDS: usize = 64;
/// Two questions in one second would be the same to the backend, whose versions are seconds.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

/// What a service is told.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The backend, as the store and `/status` name it.
    pub url: String,
    /// The first roots.
    pub roots: TrustRoots,
    /// Who this agent says it is.
    pub identity: Identity,
    /// The organisation of the older key, to which every file must belong.
    pub org_id: Option<i64>,
    /// Where what is believed is kept.
    pub store: StoreMode,
    /// A fixed pause between questions; `None` for 60 seconds that the backend may change.
    pub refresh_interval: Option<Duration>,
    /// The most that is waited besides after failures; two minutes by default.
    pub max_backoff: Duration,
    /// How often it is asked whether remote configuration is on; a minute by default.
    pub org_status_interval: Duration,
    /// How long a client counts after it asked; 30 seconds by default.
    pub client_ttl: Duration,
    /// New clients for which the backend is asked at once, in each interval; 5 by default.
    pub bypass_limit: u32,
}

impl ServiceConfig {
    /// In memory, with the usual times.
    #[must_use]
    pub fn new(url: String, roots: TrustRoots, identity: Identity) -> Self {
        Self {
            url,
            roots,
            identity,
            org_id: None,
            store: StoreMode::Ephemeral,
            refresh_interval: None,
            max_backoff: Duration::from_secs(120),
            org_status_interval: Duration::from_secs(60),
            client_ttl: Duration::from_secs(30),
            bypass_limit: 5,
        }
    }
}

/// What a service is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Bypass(oneshot::Sender<Bypass>),
    Reset(oneshot::Sender<()>),
}

/// What became of a question out of turn.
#[derive(Debug)]
pub(crate) enum Bypass {
    Used,
    Limited,
}

/// The service; does nothing until it is [run](Self::run).
pub struct RemoteConfigService {
    config: ServiceConfig,
    core: Core,
    store: Store,
    /// Whether the store holds what is believed.
    is_kept: bool,
    agent_uuid: String,
    shared: Arc<Shared>,
    transport: SharedTransport,
    key: Arc<dyn KeySource>,
    /// The key that was used last.
    last_key: Option<String>,
    commands: mpsc::Receiver<Command>,
    schedule: Schedule,
    window: Window,
    loudness: Loudness,
    /// Until when the next question has to wait.
    not_before: Instant,
}

impl fmt::Debug for RemoteConfigService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteConfigService")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl RemoteConfigService {
    /// Opens the store and believes again what it holds, if it can be verified. Asks the backend nothing yet.
    ///
    /// # Errors
    /// When the first roots are none.
    pub async fn open(
        config: ServiceConfig,
        transport: Arc<dyn Transport>,
        key: Arc<dyn KeySource>,
        clock: Clock,
        telemetry: Telemetry,
    ) -> Result<(Self, RemoteConfigHandle), Error> {
        let first = config.roots.begin()?;
        let api_key = sanitize_api_key(&key.current()).unwrap_or_default();
        let identity = StoreIdentity::new(
            &config.identity.agent_version,
            hex::encode(digest(&SHA256, api_key.as_bytes()).as_ref()),
            &config.url,
            config.roots.hashes(),
        );
        let (store, kept) = Store::open(config.store.clone(), identity).await;
        let agent_uuid = match kept.agent_uuid.as_str() {
            "" => random_uuid(),
            uuid => uuid.to_owned(),
        };
        let restored = restore(first, kept, config.org_id).await;
        let is_kept = restored.is_kept;
        let core = Core::new(
            config.identity.clone(),
            agent_uuid.clone(),
            config.org_id,
            restored.trusted,
            restored.org_uuids,
        );
        let schedule = Schedule::new(config.refresh_interval, config.max_backoff);
        let facts = ServiceSnapshot {
            url: config.url.clone(),
            roots: config.roots.origin,
            store: describe(&store),
            interval_s: schedule.interval().as_secs(),
            ..ServiceSnapshot::default()
        };
        let registry = Registry::new(config.client_ttl);
        let trusted = Arc::clone(&core.trusted);
        let shared = Arc::new(Shared::new(trusted, registry, facts, clock, telemetry));
        let (sender, commands) = mpsc::channel(COMMANDS);
        let handle = RemoteConfigHandle {
            shared: Arc::clone(&shared),
            commands: sender,
        };
        let service = Self {
            window: Window::new(config.bypass_limit),
            config,
            core,
            store,
            is_kept,
            agent_uuid,
            shared,
            transport,
            key,
            last_key: None,
            commands,
            schedule,
            loudness: Loudness::default(),
            not_before: Instant::now(),
        };
        Ok((service, handle))
    }

    /// Asks the backend, at once and then in its time, until it is told to stop. A question that is under way then is
    /// given up.
    pub async fn run(mut self, drain: Drain) {
        let org = OrgStatus {
            transport: Arc::clone(&self.transport),
            key: Arc::clone(&self.key),
            shared: Arc::clone(&self.shared),
            every: self.config.org_status_interval,
        };
        let mut stop = self.shared.stop.subscribe();
        let stopped = async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending().await
            }
        };
        tokio::select! {
            _ = drain.signalled() => {}
            () = stopped => {}
            () = org.run() => {}
            () = self.ask_for_ever() => {}
        }
    }

    async fn ask_for_ever(&mut self) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                // A machine that was frozen finds the time over, once.
                () = sleep_until(next) => self.turn().await,
                command = self.commands.recv() => match command {
                    Some(Command::Bypass(done)) => {
                        if !self.bypass(done).await {
                            continue;
                        }
                    }
                    Some(Command::Reset(done)) => {
                        self.reset().await;
                        self.turn().await;
                        // Whoever asked may have gone.
                        let _answered = done.send(()).is_ok();
                    }
                    None => return,
                },
            }
            next = Instant::now() + self.schedule.delay(fastrand::f64());
        }
    }

    /// Asks once, not in the second of the last time.
    async fn turn(&mut self) {
        sleep_until(self.not_before).await;
        self.refresh().await;
        self.not_before = Instant::now() + BETWEEN_QUESTIONS;
    }

    /// Asks out of turn, if there is a turn left; all who wait for one share it. Says whether it asked.
    async fn bypass(&mut self, done: oneshot::Sender<Bypass>) -> bool {
        let mut waiting = vec![done];
        let is_admitted = (self.window).admit(Instant::now(), self.schedule.interval());
        if is_admitted {
            sleep_until(self.not_before).await;
            // Those who came meanwhile are in the question too.
            let mut rest = Vec::new();
            while let Ok(command) = self.commands.try_recv() {
                match command {
                    Command::Bypass(done) => waiting.push(done),
                    other => rest.push(other),
                }
            }
            self.turn().await;
            for command in rest {
                self.late(command).await;
            }
        }
        for done in waiting {
            // Whoever asked may have gone.
            drop(done.send(match is_admitted {
                true => Bypass::Used,
                false => Bypass::Limited,
            }));
        }
        is_admitted
    }

    /// A command that came while others shared a turn.
    async fn late(&mut self, command: Command) {
        match command {
            Command::Reset(done) => {
                self.reset().await;
                self.turn().await;
                let _answered = done.send(()).is_ok();
            }
            Command::Bypass(_) => {}
        }
    }

    async fn reset(&mut self) {
        // Checked when the service was opened.
        let Ok(first) = self.config.roots.begin() else {
            return;
        };
        info!("what remote configuration had sent is forgotten");
        self.core.reset(first);
        self.keep().await;
        self.is_kept = false;
        self.shared.publish(Arc::clone(&self.core.trusted), false);
    }
}

/// What a store led to.
struct Restored {
    trusted: Trusted,
    org_uuids: std::collections::BTreeMap<u64, String>,
    is_kept: bool,
}

/// Verifies what a store holds as if it came from outside. That it has expired is no reason to forget it: without it,
/// what is older still could be believed; whether it is served is decided when somebody asks.
async fn restore(first: Trusted, kept: Kept, org_id: Option<i64>) -> Restored {
    let empty = |trusted| Restored {
        trusted,
        org_uuids: std::collections::BTreeMap::new(),
        is_kept: false,
    };
    if kept.update == crate::Update::default() {
        return empty(first);
    }
    let begin = first.clone();
    let work = move || {
        let context = Context {
            now: i64::MIN,
            org_uuids: &kept.org_uuids,
            org_id,
        };
        let verified = begin.update(&kept.update, &context);
        verified.map(|verified| (verified.trusted, kept.org_uuids))
    };
    match spawn_blocking(work).await {
        Ok(Ok((trusted, org_uuids))) => Restored {
            trusted,
            org_uuids,
            is_kept: true,
        },
        Ok(Err(error)) => {
            warn!(%error, "what the store holds is not believed, and is begun anew");
            empty(first)
        }
        Err(error) => {
            warn!(%error, "what the store holds cannot be verified, and is begun anew");
            empty(first)
        }
    }
}

fn describe(store: &Store) -> String {
    match (store.is_persistent(), store.problem()) {
        (true, _) => "file".to_owned(),
        (false, None) => "memory".to_owned(),
        (false, Some(problem)) => format!("memory: {problem}"),
    }
}

/// A name that no other has; not a secret.
fn random_uuid() -> String {
    let bytes = fastrand::u128(..) & !(0xF000 << 64 | 0xC000 << 48) | 0x4000 << 64 | 0x8000 << 48;
    let hex = format!("{bytes:032x}");
    let mut uuid = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(digit);
    }
    uuid
}
