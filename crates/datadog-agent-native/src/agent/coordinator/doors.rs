//! What a coordinator tells and hands out: doors, addresses, health. Changes nothing.

use datadog_agent_runtime::event_bus;

use super::{AgentCoordinator, Listeners};
use crate::agent::{AgentHandle, Health, StopReport};
use crate::config::Config;
use crate::config::table::Pipeline;
use crate::remote_config::RemoteConfigHandle;
use crate::{logs, metrics};

impl AgentCoordinator {
    /// A door to this agent.
    #[must_use]
    pub fn handle(&self) -> &AgentHandle {
        &self.handle
    }

    /// The configuration that it runs with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where it listens.
    #[must_use]
    pub fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// How it fares.
    #[must_use]
    pub fn health(&self) -> Health {
        self.board.health()
    }

    /// The door for logs of this process; `None` while logs are off or nothing runs.
    #[must_use]
    pub fn logs(&self) -> Option<logs::AggregatorHandle> {
        self.handle.logs()
    }

    /// The door for metrics of this process; `None` while DogStatsD is off or nothing runs.
    #[must_use]
    pub fn metrics(&self) -> Option<metrics::AggregatorHandle> {
        self.handle.metrics()
    }

    /// Takes the events of Lambda from an extension that receives them, and says of them what Datadog's extension does;
    /// `None` elsewhere, while enhanced metrics are off, or while [`Self::metrics`] is. An extension asks for it once,
    /// since each has a memory of its own of what it was told.
    #[must_use]
    pub fn invocations(
        &self,
        billing: metrics::invocations::Billing,
    ) -> Option<metrics::invocations::Invocations> {
        metrics::invocations(&self.config, self.metrics()?, billing)
    }

    /// The TCP port of the trace listener; `None` while there is none.
    #[must_use]
    pub fn get_bound_port(&self) -> Option<u16> {
        self.listeners.trace_tcp.map(|address| address.port())
    }

    /// The UDP port of the DogStatsD listener; `None` while there is none.
    #[must_use]
    pub fn get_dogstatsd_port(&self) -> Option<u16> {
        self.listeners.dogstatsd_udp.map(|address| address.port())
    }

    /// Whether this build has remote configuration, and it is on.
    #[must_use]
    pub fn is_remote_config_enabled(&self) -> bool {
        Pipeline::RemoteConfiguration.available() && self.config.remote_configuration_enabled
    }

    /// The door of remote configuration, to subscribe to products and to see how it fares; `None` while it is off, cannot
    /// run, or nothing runs.
    #[must_use]
    pub fn remote_config(&self) -> Option<RemoteConfigHandle> {
        let running = self.running.as_ref()?.remote_config.as_ref()?;
        Some(running.handle())
    }

    /// Whether this build has AppSec, and it is on.
    #[must_use]
    pub fn is_appsec_enabled(&self) -> bool {
        Pipeline::AppSec.available() && self.config.appsec_enabled == Some(true)
    }

    /// Where notices are sent; [`Event::Tombstone`](event_bus::Event::Tombstone) asks the agent to stop. `None` while nothing runs.
    #[must_use]
    pub fn events(&self) -> Option<event_bus::Sender> {
        self.running.as_ref().map(|running| running.events.clone())
    }

    /// What became of everything in the run before; `None` until an agent that ran has stopped.
    #[must_use]
    pub fn last_stop(&self) -> Option<&StopReport> {
        self.last_stop.as_ref()
    }
}
