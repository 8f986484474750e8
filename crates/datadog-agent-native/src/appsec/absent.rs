//! In place of the firewall where it is not built in: none is ever opened. The configuration warns of its keys.

use std::future::Ready;
use std::sync::Arc;

use datadog_traces_agent::inspect::Inspector;

use crate::agent::Shared;
use crate::config::Config;
use crate::remote_config::RemoteConfigHandle;

/// No firewall of the embedder's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given;

/// There is none.
#[derive(Clone, Debug)]
pub(crate) enum Opened {}

pub(crate) async fn open(
    _config: &Config,
    _shared: &Shared,
    _given: &Given,
    _has_remote: bool,
) -> Option<Opened> {
    None
}

impl Opened {
    pub(crate) fn inspector(&self) -> Arc<dyn Inspector> {
        match *self {}
    }

    pub(crate) fn follow(&self, _handle: RemoteConfigHandle) -> Option<Ready<()>> {
        match *self {}
    }
}
