//! How the agent fares: its state, its pipelines, and the documents of `/info` and `/status`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use datadog_agent_runtime::proc::{Clocks, Usage};
use datadog_agent_runtime::telemetry::Telemetry;

use super::AgentError;
use crate::config::{Config, ConfigError};
use crate::{VERSION, fips};

/// Where the agent stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Configured, nothing bound.
    Created,
    /// Binding and starting.
    Starting,
    /// Every enabled listener accepts.
    Running,
    /// Draining and flushing.
    Stopping,
    /// Nothing runs; can be started again.
    Stopped,
    /// A start or a part of the agent failed.
    Failed,
}

impl State {
    /// The word that `status` shows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// State of the agent and of each pipeline, as shown by `status`.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Where the agent stands.
    pub state: State,
    /// Where each of its parts stands that runs or was meant to, by its name.
    pub components: BTreeMap<&'static str, State>,
    /// What each pipeline says of itself, by its name.
    pub pipelines: BTreeMap<&'static str, Value>,
}

type Report = Arc<dyn Fn() -> Value + Send + Sync>;

/// What a pipeline shows of itself.
pub(crate) struct Face {
    /// The paths that its listeners answer.
    pub(crate) paths: &'static [&'static str],
    /// The limits that its clients should know.
    pub(crate) limits: Value,
    /// How it fares, asked for each `/status`.
    pub(crate) report: Report,
}

/// Collects what the parts say of themselves; shared by every listener that answers `/status`.
#[derive(Clone)]
pub(crate) struct Board {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    state: State,
    since: Clocks,
    telemetry: Telemetry,
    hostname: String,
    warnings: Vec<String>,
    listeners: Value,
    endpoints: Vec<&'static str>,
    limits: Value,
    components: BTreeMap<&'static str, State>,
    pipelines: BTreeMap<&'static str, Report>,
}

impl Board {
    /// A board for an agent with this configuration, whose warnings it shows.
    ///
    /// # Errors
    /// [`AgentError::ConfigError`] with every reason for which the agent must not start.
    pub(crate) fn checked(config: &Config) -> Result<Self, AgentError> {
        config
            .validate()
            .map_err(|issues| AgentError::ConfigError(ConfigError { issues }.to_string()))?;
        Ok(Self::new(
            config.issues().iter().map(ToString::to_string).collect(),
        ))
    }

    fn new(warnings: Vec<String>) -> Self {
        let inner = Inner {
            state: State::Created,
            since: Clocks::now(),
            telemetry: Telemetry::default(),
            hostname: String::new(),
            warnings,
            listeners: json!({}),
            endpoints: Vec::new(),
            limits: json!({}),
            components: BTreeMap::new(),
            pipelines: BTreeMap::new(),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a run: counts from nothing, so that a run does not answer for the losses of the one before.
    pub(crate) fn begin(&self) {
        self.with(|inner| {
            inner.state = State::Starting;
            inner.since = Clocks::now();
            inner.telemetry = Telemetry::default();
            inner.components.clear();
        });
    }

    /// Where this run counts.
    pub(crate) fn telemetry(&self) -> Telemetry {
        self.with(|inner| inner.telemetry.clone())
    }

    pub(crate) fn set_state(&self, state: State) {
        self.with(|inner| {
            inner.state = state;
            if state == State::Stopping {
                for component in inner.components.values_mut() {
                    if *component == State::Running {
                        *component = state;
                    }
                }
            }
        });
    }

    /// All runs, unless something failed meanwhile.
    pub(crate) fn set_running(&self) {
        self.with(|inner| {
            if inner.state == State::Starting {
                inner.state = State::Running;
            }
        });
    }

    /// Says where a part stands; one that was added runs.
    pub(crate) fn set_component(&self, name: &'static str, state: State) {
        self.with(|inner| inner.components.insert(name, state));
    }

    pub(crate) fn state(&self) -> State {
        self.with(|inner| inner.state)
    }

    pub(crate) fn set_hostname(&self, hostname: &str) {
        self.with(|inner| hostname.clone_into(&mut inner.hostname));
    }

    pub(crate) fn set_listeners(&self, listeners: Value) {
        self.with(|inner| inner.listeners = listeners);
    }

    /// Adds a pipeline: what it answers, what it refuses, and how it says how it fares.
    pub(crate) fn add(&self, name: &'static str, face: Face) {
        self.with(|inner| {
            inner.endpoints.extend_from_slice(face.paths);
            inner.limits[name] = face.limits;
            inner.components.insert(name, State::Running);
            inner.pipelines.insert(name, face.report);
        });
    }

    /// Forgets the pipelines, so that nothing of a stopped agent is kept alive.
    pub(crate) fn clear(&self) {
        self.with(|inner| {
            inner.endpoints.clear();
            inner.limits = json!({});
            inner.components.clear();
            inner.pipelines.clear();
            inner.listeners = json!({});
        });
    }

    pub(crate) fn health(&self) -> Health {
        let (state, components, reports) = self.with(|inner| {
            let components = inner.components.clone();
            (inner.state, components, inner.pipelines.clone())
        });
        Health {
            state,
            components,
            pipelines: reports
                .into_iter()
                .map(|(name, report)| (name, report()))
                .collect(),
        }
    }

    /// The document of `GET /info`.
    pub(crate) fn info(&self) -> Value {
        self.with(|inner| {
            json!({
                "version": VERSION,
                "fips": fips::is_fips(),
                "endpoints": inner.endpoints,
                "listeners": inner.listeners,
                "limits": inner.limits,
            })
        })
    }

    /// The document of `GET /status`.
    pub(crate) fn status(&self) -> Value {
        let health = self.health();
        let usage = Usage::read(Path::new("/")).ok();
        let mut status = self.with(|inner| {
            json!({
                "version": VERSION,
                "state": health.state.name(),
                "uptime_s": inner.since.elapsed().as_secs(),
                "pid": std::process::id(),
                "hostname": inner.hostname,
                "listeners": inner.listeners,
                "warnings": inner.warnings,
            })
        });
        status["process"] = json!({
            "rss_bytes": usage.map(|usage| usage.rss_bytes),
            "threads": usage.map(|usage| usage.threads),
        });
        status["components"] = (health.components)
            .into_iter()
            .map(|(name, state)| (name.to_owned(), state.name().into()))
            .collect::<Map<_, _>>()
            .into();
        status["pipelines"] = health
            .pipelines
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        status["counters"] = self.telemetry().to_json();
        status
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
