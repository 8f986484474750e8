//! What any container uses, under names of our own: no product of Datadog has any for it.

use std::path::PathBuf;

use tokio::time::Instant;

use super::azure::Rate;
use super::proc::{self, Interfaces, Network};
use super::{Kind, Lines, cgroup};

const PREFIX: &str = "datadog.agent.container.";

/// Collects in a container.
#[derive(Debug)]
pub(super) struct Container {
    root: PathBuf,
    cpu: Rate,
    network: Option<Network>,
}

impl Container {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            cpu: Rate::default(),
            network: None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of bytes and things")]
    pub(super) fn tick(&mut self, now: Instant, lines: &mut Lines) {
        let root = &self.root;
        if let Some(nanocores) = self.cpu.read(now, cgroup::cpu_ns(root)) {
            lines.put(PREFIX, "cpu.usage", nanocores, Kind::Gauge);
        }
        for (name, value) in [
            ("memory.usage", cgroup::memory(root)),
            ("memory.limit", cgroup::memory_limit(root)),
            ("pids.usage", cgroup::pids(root)),
            ("pids.limit", cgroup::pids_limit(root)),
        ] {
            if let Some(value) = value {
                lines.put(PREFIX, name, value as f64, Kind::Gauge);
            }
        }
        let after = proc::network(root, Interfaces::Outside);
        if let (Some(before), Some(after)) = (self.network, after) {
            let received = after.received.saturating_sub(before.received);
            let sent = after.sent.saturating_sub(before.sent);
            lines.put(PREFIX, "net.rx_bytes", received as f64, Kind::Count);
            lines.put(PREFIX, "net.tx_bytes", sent as f64, Kind::Count);
        }
        self.network = after;
    }
}
