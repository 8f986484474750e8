//! The firewall, put together from the configuration; its types are re-exported here.
//!
//! It looks at the entry spans of services whose tracer did not look itself, before their values are hidden, and blocks
//! nothing: the requests are over. A program with an agent inside may ask it for verdicts on its own requests too.
//! Whatever is wrong with its library or rules is shown in `/status` and logged once; the agent starts all the same.

mod door;
mod inspect;
mod remote;
mod settings;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_traces_agent::inspect::Inspector;
use serde_json::{Value, json};
use tracing::{error, info};

pub use datadog_appsec::config::{ApiSecurity, Blocking, Config as AppSecConfig};
pub use datadog_appsec::rules::Source;
pub use datadog_appsec::{
    AppSec, Counts, Error, HttpRequest, HttpResponse, HttpTransaction, NewSpan, Outcome, Processor,
    SpanTags, Transaction, WafEngine, WafVerdict,
};

pub use self::settings::read as settings;
use crate::agent::{Board, Builder, Face, Shared, State};
use crate::config::Config;
use crate::remote_config::RemoteConfigHandle;

/// Its name in `/status`.
const NAME: &str = "appsec";

impl Builder {
    /// Looks at traces with this firewall instead of one that is loaded at each start, unless the configuration turns
    /// AppSec off. For programs that ask it for verdicts on their own requests and obey them:
    /// [`settings`] is what the configuration says of one.
    pub fn appsec(mut self, appsec: AppSec) -> Self {
        self.options.appsec.firewall = Some(appsec);
        self
    }

    /// Says that this program asks the agent's firewall for verdicts and obeys them, which remote configuration is told
    /// of. A firewall of [`appsec`](Self::appsec) says that itself.
    pub fn appsec_blocking(mut self) -> Self {
        self.options.appsec.blocking = Blocking::Obeyed;
        self
    }
}

/// What the embedder says of the firewall: its own, and whether it obeys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    firewall: Option<AppSec>,
    blocking: Blocking,
}

/// A firewall that is on, or that may be turned on; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    firewall: Arc<Firewall>,
    board: Board,
}

/// The firewall of one run of an agent.
struct Firewall {
    config: AppSecConfig,
    /// What the user said; nobody else is asked then.
    user: Option<bool>,
    telemetry: Telemetry,
    stand: RwLock<Stand>,
}

/// How the firewall stands.
enum Stand {
    /// Nobody turned it on.
    Off,
    On(Live),
    /// It was turned on and cannot run.
    Failed(String),
}

/// A firewall that looks at requests; a clone is the same.
#[derive(Clone)]
struct Live {
    appsec: AppSec,
    /// Requests that the program asks about itself, until their spans come.
    processor: Arc<Processor>,
    /// What of its counts stands in the telemetry already.
    told: Arc<Mutex<Counts>>,
}

impl fmt::Debug for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Firewall").finish_non_exhaustive()
    }
}

/// Loads the firewall if it is on, and says in `/status` how it stands. Nothing, if it is off and cannot be turned on:
/// only remote configuration can, unless the user decided.
pub(crate) async fn open(
    config: &Config,
    shared: &Shared,
    given: &Given,
    has_remote: bool,
) -> Option<Opened> {
    let user = match (config.appsec_enabled, &given.firewall) {
        (None, Some(_)) => Some(true),
        (user, _) => user,
    };
    if user == Some(false) || (user.is_none() && !has_remote) {
        return None;
    }
    settings::warn_of_what_does_nothing(config);
    let firewall = Firewall {
        config: AppSecConfig {
            blocking: given.blocking,
            ..settings(config)
        },
        user,
        telemetry: shared.board.telemetry(),
        stand: RwLock::new(Stand::Off),
    };
    let opened = Opened {
        firewall: Arc::new(firewall),
        board: shared.board.clone(),
    };
    let shown = Arc::clone(&opened.firewall);
    let face = Face {
        paths: &[],
        limits: json!({}),
        report: Arc::new(move || shown.report()),
    };
    shared.board.add(NAME, face);
    match (user, &given.firewall) {
        (Some(true), Some(appsec)) => opened.turn(Stand::On(Live::new(appsec.clone()))),
        // It is in `/status` and in the log.
        (Some(true), None) => drop(opened.load().await),
        _ => opened.turn(Stand::Off),
    }
    Some(opened)
}

impl Opened {
    /// Who looks at traces.
    pub(crate) fn inspector(&self) -> Arc<dyn Inspector> {
        Arc::clone(&self.firewall) as Arc<dyn Inspector>
    }

    /// The firewall that is on.
    pub(crate) fn running(&self) -> Option<AppSec> {
        self.firewall.live().map(|live| live.appsec)
    }

    /// Where requests meet their spans, of the firewall that is on.
    pub(crate) fn processor(&self) -> Option<Arc<Processor>> {
        self.firewall.live().map(|live| live.processor)
    }

    /// Does what remote configuration says, until it ends. Nothing, where it has nothing to say: the firewall should be
    /// on and cannot.
    pub(crate) fn follow(
        &self,
        handle: RemoteConfigHandle,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let is_lost = self.firewall.user.is_some() && self.firewall.live().is_none();
        let follow = remote::follow(self.clone(), handle);
        (!is_lost).then(|| Box::pin(follow) as Pin<Box<_>>)
    }

    /// Loads library and rules, on a thread that may block.
    async fn load(&self) -> Result<(), String> {
        let config = self.firewall.config.clone();
        let loaded = tokio::task::spawn_blocking(move || AppSec::load(config)).await;
        let problem = match loaded {
            Ok(Ok(appsec)) => {
                let rules = appsec.rules();
                let rules = &rules.diagnostics().version;
                info!(library = appsec.version(), rules, "AppSec looks at traces");
                self.turn(Stand::On(Live::new(appsec)));
                return Ok(());
            }
            Ok(Err(problem)) => problem.to_string(),
            Err(problem) => problem.to_string(),
        };
        error!(problem, "AppSec cannot run");
        self.turn(Stand::Failed(problem.clone()));
        Err(problem)
    }

    fn turn(&self, stand: Stand) {
        let state = match &stand {
            Stand::Off => State::Stopped,
            Stand::On(_) => State::Running,
            Stand::Failed(_) => State::Failed,
        };
        let held = self.firewall.stand.write();
        *held.unwrap_or_else(PoisonError::into_inner) = stand;
        self.board.set_component(NAME, state);
    }
}

impl Firewall {
    fn live(&self) -> Option<Live> {
        match &*self.stand.read().unwrap_or_else(PoisonError::into_inner) {
            Stand::On(live) => Some(live.clone()),
            Stand::Off | Stand::Failed(_) => None,
        }
    }

    fn report(&self) -> Value {
        match &*self.stand.read().unwrap_or_else(PoisonError::into_inner) {
            Stand::Off => json!({ "state": "off" }),
            Stand::Failed(problem) => json!({ "state": "failed", "last_error": problem }),
            Stand::On(live) => live.report(),
        }
    }
}

impl Live {
    fn new(appsec: AppSec) -> Self {
        Self {
            // What was counted before is of another run.
            told: Arc::new(Mutex::new(appsec.counts())),
            processor: Arc::new(Processor::new(appsec.clone())),
            appsec,
        }
    }

    fn report(&self) -> Value {
        let rules = self.appsec.rules();
        let (rules, counts) = (rules.diagnostics(), self.appsec.counts());
        json!({
            "state": "running",
            "library": self.appsec.version(),
            "rules": {
                "version": rules.version,
                "loaded": rules.loaded,
                "failed": rules.failed,
                "source": match self.appsec.source() {
                    Source::User => "user",
                    Source::Recommended => "recommended",
                },
            },
            "waiting": self.processor.waiting(),
            "evicted": counts.evicted,
            "unanswered": counts.unanswered,
            "unmatched": counts.unmatched,
            "requests": counts.requests,
            "attacks": counts.attacks,
            "blocked": counts.blocked,
            "block_ignored": counts.block_ignored,
            "skipped": counts.inspections_skipped,
            "timeouts": counts.timeouts,
            "errors": counts.errors,
            "keep_limited": counts.keep_limited,
            "schemas": counts.schemas,
        })
    }

    /// Adds to the telemetry what was counted since the last time.
    fn tell(&self, telemetry: &Telemetry) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.appsec.counts();
        let busy: &[(&str, &str)] = &[("reason", "busy")];
        for (metric, labels, now, told) in [
            (Metric::AppsecRequests, &[][..], now.requests, told.requests),
            (Metric::AppsecAttacks, &[], now.attacks, told.attacks),
            (Metric::AppsecBlocked, &[], now.blocked, told.blocked),
            (
                Metric::AppsecSkipped,
                busy,
                now.inspections_skipped,
                told.inspections_skipped,
            ),
            (Metric::AppsecEvicted, &[], now.evicted, told.evicted),
            (
                Metric::AppsecUnanswered,
                &[],
                now.unanswered,
                told.unanswered,
            ),
            (Metric::AppsecUnmatched, &[], now.unmatched, told.unmatched),
            (Metric::AppsecTimeouts, &[], now.timeouts, told.timeouts),
            (Metric::AppsecErrors, &[], now.errors, told.errors),
            (
                Metric::AppsecKeepLimited,
                &[],
                now.keep_limited,
                told.keep_limited,
            ),
            (
                Metric::AppsecEventsDropped,
                &[],
                now.events_dropped,
                told.events_dropped,
            ),
        ] {
            if now > told {
                telemetry.add(metric, labels, now - told);
            }
        }
        *told = now;
    }
}
