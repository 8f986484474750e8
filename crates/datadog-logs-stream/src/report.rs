//! How a pipeline is doing, for `status` and telemetry.

use std::time::{Duration, Instant};

use datadog_logs_patterns::encoder;

use crate::coder::Logs;
use crate::pipeline::Pipeline;
use crate::state::{Stats, View};

/// One pipeline at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// What its machine is doing; `None` before it runs.
    pub view: Option<View>,
    /// What its machine has done.
    pub stats: Stats,
    /// What its encoder has done and holds, as of its last batch.
    pub encoder: encoder::Stats,
    /// Logs that were larger than the encoder takes.
    pub too_large: u64,
    /// When it was made.
    pub at: Option<Instant>,
}

impl Report {
    pub(crate) fn of<L: Logs>(pipeline: &Pipeline<L>, now: Duration) -> Self {
        Self {
            view: Some(pipeline.machine().view(now)),
            stats: pipeline.machine().stats().clone(),
            encoder: pipeline.encoder_stats().clone(),
            too_large: pipeline.too_large(),
            at: Some(Instant::now()),
        }
    }

    /// Age of the current stream now.
    pub fn stream_age(&self) -> Option<Duration> {
        let since = self.at.map_or(Duration::ZERO, |at| at.elapsed());
        Some(self.view?.stream_age? + since)
    }
}
