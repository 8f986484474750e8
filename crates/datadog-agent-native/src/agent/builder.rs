//! What an embedder decides about an agent besides its configuration: whose runtime and client it uses, what it may take
//! from the process, who is told what happens.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::{AgentCoordinator, AgentError};
use crate::appsec;
use crate::config::Config;
use crate::event_bus::Event;
use crate::http::Client;
use crate::logger::LevelControl;
use crate::remote_config::StoreMode;

/// Somebody who is told what happens.
pub(super) type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// What an embedder decides about an agent, with defaults that take nothing from the process.
#[must_use = "nothing is made before `build`"]
#[derive(Debug)]
pub struct Builder {
    config: Config,
    pub(crate) options: Options,
}

/// What was decided.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(super) runtime: Option<Handle>,
    pub(super) http_client: Option<Client>,
    pub(super) signal_handlers: bool,
    pub(super) logger: bool,
    pub(super) listener: Option<Listener>,
    pub(super) span_tags: Vec<(String, String)>,
    pub(super) level: Option<LevelControl>,
    pub(super) remote_config_store: Option<StoreMode>,
    pub(crate) appsec: appsec::Given,
}

impl Builder {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            options: Options::default(),
        }
    }

    /// Runs the agent on this runtime, whoever calls it; by default on that of the caller of `start`, which must be one
    /// of tokio then. The runtime needs its clock and its sockets.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.options.runtime = Some(runtime);
        self
    }

    /// Sends with this client, which belongs to the same runtime; by default with one of the agent's own, made at each
    /// start from the configuration: proxies, certificates, protocol.
    pub fn http_client(mut self, client: Client) -> Self {
        self.options.http_client = Some(client);
        self
    }

    /// Whether SIGINT and SIGTERM ask a running agent to stop even while nobody is in `wait_for_shutdown`; default
    /// `false`. Handlers of the host are called as well, and a second signal does what it did before.
    pub fn install_signal_handlers(mut self, install: bool) -> Self {
        self.options.signal_handlers = install;
        self
    }

    /// Whether a start makes this process log to standard error, as the configuration says; default `false`. A logger
    /// that is there already stays.
    pub fn install_logger(mut self, install: bool) -> Self {
        self.options.logger = install;
        self
    }

    /// Calls this for each notice of a running agent, on one of its tasks: it should return soon. Notices that come
    /// faster than it returns are dropped and counted.
    pub fn on_event(mut self, listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        self.options.listener = Some(Arc::new(listener));
        self
    }

    /// Adds these tags to every span that has none of the same name; `_dd.origin` is that of whole traces.
    pub fn span_tags(mut self, tags: impl IntoIterator<Item = (String, String)>) -> Self {
        self.options.span_tags.extend(tags);
        self
    }

    /// Keeps verified remote configuration there, whatever the configuration says of a directory; by default where that
    /// says.
    pub fn remote_config_store(mut self, store: StoreMode) -> Self {
        self.options.remote_config_store = Some(store);
        self
    }

    /// Checks the configuration. Binds nothing, spawns nothing, needs no runtime.
    ///
    /// # Errors
    /// [`AgentError::ConfigError`] with every reason for which the agent must not start.
    pub fn build(self) -> Result<AgentCoordinator, AgentError> {
        AgentCoordinator::with(self.config, self.options)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("runtime", &self.runtime.is_some())
            .field("http_client", &self.http_client.is_some())
            .field("signal_handlers", &self.signal_handlers)
            .field("logger", &self.logger)
            .field("listener", &self.listener.is_some())
            .field("span_tags", &self.span_tags)
            .field("level", &self.level.is_some())
            .field("remote_config_store", &self.remote_config_store)
            .field("appsec", &self.appsec)
            .finish()
    }
}
