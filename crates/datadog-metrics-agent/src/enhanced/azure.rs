//! What is said of an instance of Azure Functions: that it is there, and the processor time that it takes.

use std::path::PathBuf;

use tokio::time::Instant;

use super::cgroup;
use super::{Kind, Lines};

const PREFIX: &str = "azure.functions.enhanced.";
/// The instance is counted once in so many ticks.
const INSTANCE_TICKS: u64 = 3;

/// Collects on Azure Functions.
#[derive(Debug)]
pub(super) struct Azure {
    root: PathBuf,
    /// The tag of the instance.
    instance: Option<String>,
    cpu: Option<Rate>,
    ticks: u64,
}

/// A counter of nanoseconds, as nanoseconds in a second.
#[derive(Debug, Default)]
pub(super) struct Rate(Option<(Instant, u64)>);

impl Rate {
    /// The rate since the last reading; `None` for the first, and after the counter went back.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nanoseconds between two readings"
    )]
    pub(super) fn read(&mut self, now: Instant, counted: Option<u64>) -> Option<f64> {
        let (at, before) = std::mem::replace(&mut self.0, counted.map(|it| (now, it)))?;
        let passed = (now - at).as_secs_f64();
        let more = counted?.checked_sub(before)?;
        (passed > 0.0).then_some(more as f64 / passed)
    }
}

impl Azure {
    pub(super) fn new(root: PathBuf, instance: Option<String>, cpu: bool) -> Self {
        Self {
            root,
            instance: instance.map(|name| format!("instance:{}", name.to_lowercase())),
            cpu: cpu.then(Rate::default),
            ticks: 0,
        }
    }

    pub(super) fn tick(&mut self, now: Instant, lines: &mut Lines) {
        if let Some(instance) = &self.instance
            && self.ticks.is_multiple_of(INSTANCE_TICKS)
        {
            lines.put_tagged(PREFIX, "instance", 1.0, Kind::Gauge, instance);
        }
        self.ticks += 1;
        if let Some(rate) = &mut self.cpu
            && let Some(nanocores) = rate.read(now, cgroup::cpu_ns(&self.root))
        {
            lines.put(PREFIX, "cpu.usage", nanocores, Kind::Distribution);
        }
    }
}
