//! Which container a message comes from, by the process at the other end of a Unix socket.
//!
//! An answer is kept for two seconds, since processes come and go; a process that is gone, or lives where its number
//! is not ours, has none and is counted. Never stops a message.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datadog_agent_runtime::proc::container::{self, Process};
use datadog_agent_runtime::telemetry::{Metric, Series, Telemetry};
use rustix::net::RecvAncillaryBuffer;
use tokio::time::Instant;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(2);
/// Answers that are kept at most.
const MAX_KEPT: usize = 1_000;

type Answer = (Option<Arc<str>>, Instant);

/// Finds out containers; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Senders {
    known: Arc<Mutex<HashMap<u32, Answer>>>,
    errors: Series,
}

impl Senders {
    pub(super) fn new(telemetry: &Telemetry) -> Self {
        Self {
            known: Arc::default(),
            errors: telemetry.series(Metric::MetricsOriginErrors, &[]),
        }
    }

    /// The container of whoever sent a datagram, if the socket was asked to say so.
    #[cfg(target_os = "linux")]
    pub(super) fn of(&self, ancillary: &mut RecvAncillaryBuffer<'_>) -> Option<Arc<str>> {
        ancillary.drain().find_map(|message| match message {
            rustix::net::RecvAncillaryMessage::ScmCredentials(sender) => {
                let pid = sender.pid.as_raw_nonzero().get();
                self.container(u32::try_from(pid).unwrap_or(0))
            }
            _ => None,
        })
    }

    /// No other system tells.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of(&self, _ancillary: &mut RecvAncillaryBuffer<'_>) -> Option<Arc<str>> {
        None
    }

    /// The container of a process.
    pub(super) fn container(&self, pid: u32) -> Option<Arc<str>> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((container, until)) = known.get(&pid)
            && *until > now
        {
            return container.clone();
        }
        if known.len() >= MAX_KEPT {
            known.clear();
        }
        let container = match container::id(Path::new("/"), Process::Id(pid)) {
            Ok(id) => id.map(Arc::from),
            Err(_) => {
                self.errors.add(1);
                None
            }
        };
        known.insert(pid, (container.clone(), now + KEPT));
        container
    }
}
