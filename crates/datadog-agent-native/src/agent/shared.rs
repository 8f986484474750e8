//! What every pipeline of one agent is given.

use std::sync::Arc;

use datadog_agent_runtime::bind::http::Pages;
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::{self, Drain, DrainSignal};
use datadog_agent_runtime::event_bus;

use super::health::Board;
use super::{AgentError, identity};
use crate::config::Config;
use crate::http;

/// What every pipeline of one agent is given.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) board: Board,
    pub(crate) pages: Pages,
    pub(crate) drain: Drain,
    pub(crate) hostname: String,
    pub(crate) events: event_bus::Sender,
    /// Tags for every span, besides those of the configuration.
    pub(crate) span_tags: Arc<[(String, String)]>,
}

impl Shared {
    /// For one run of an agent; the signal ends it. Sends with `client`, or with one that the configuration describes;
    /// tells nobody what happens, unless `events` is set afterwards.
    ///
    /// # Errors
    /// A proxy or certificate file that cannot be used.
    pub(crate) fn new(
        config: &Config,
        board: Board,
        client: Option<Client>,
    ) -> Result<(Self, DrainSignal), AgentError> {
        let client = match client {
            Some(client) => client,
            None => http::client(config)?,
        };
        let hostname = identity::hostname(config);
        board.set_hostname(&hostname);
        let (signal, drain) = drain::channel();
        let (info, status) = (board.clone(), board.clone());
        let pages = Pages {
            info: Arc::new(move || info.info()),
            status: Arc::new(move || status.status()),
        };
        Ok((
            Self {
                client,
                board,
                pages,
                drain,
                hostname,
                events: event_bus::Sender::default(),
                span_tags: Arc::default(),
            },
            signal,
        ))
    }
}
