//! The log pipeline without a listener, for a program that has lines to send and wants to know what became of them.
//!
//! Its sources wait while it is full, so that nothing is dropped for lack of room, and its batches keep their order.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::drain::DrainSignal;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_forwarder::service::{Order, Overflow, Pauses};
use datadog_logs_agent::processor::{EmptyLines, Enrichment};
use datadog_logs_agent::{AggregatorHandle, InsertError, Running, Source};
use tokio::time::Instant;

use super::{logs_config, start_with};
use crate::agent::{AgentError, Board, Shared};
use crate::config::Config;

/// The longest pause between two attempts: somebody is waiting for the end.
const MAX_PAUSE_S: f64 = 5.0;

/// Pause between two looks at batches that wait for their next attempt.
const FLUSH_AGAIN: Duration = Duration::from_millis(100);

/// What the lines are said to come from, where it is not what the configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The service that wrote them.
    pub service: Option<String>,
    /// The technology that wrote them.
    pub source: Option<String>,
}

/// What became of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Entries that were made of the lines; a line that is longer than a message makes several.
    pub entries: u64,
    /// Entries that the primary intake accepted.
    pub sent: u64,
    /// Entries that a processing rule left out.
    pub excluded: u64,
    /// Entries lost, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Attempts after the first.
    pub retries: u64,
    /// Bytes accepted, before compression.
    pub bytes_raw: u64,
    /// Bytes accepted, as sent.
    pub bytes_wire: u64,
}

/// A log pipeline that is fed lines.
#[derive(Debug)]
pub struct Sender {
    running: Running,
    drain: DrainSignal,
    telemetry: Telemetry,
    enrichment: Enrichment,
    sources: Vec<AggregatorHandle>,
}

impl Sender {
    /// Starts it. Needs what the agent needs to send logs: a key, unless the destination takes logs without one.
    ///
    /// # Errors
    /// A configuration that cannot be used.
    pub async fn start(config: &Config, identity: Identity) -> Result<Self, AgentError> {
        let board = Board::checked(config)?;
        let (shared, drain) = Shared::new(config, board, None)?;
        let mut logs = logs_config(config, &shared.hostname)?;
        logs.listen.clear();
        logs.order = Order::Kept;
        logs.concurrency = 1;
        logs.overflow = Overflow::Wait;
        if let Pauses::ErrorCount { max_s, .. } = &mut logs.pauses {
            *max_s = max_s.min(MAX_PAUSE_S);
        }
        let mut enrichment = logs.file_enrichment.clone();
        enrichment.service = identity.service.or(enrichment.service);
        enrichment.ddsource = identity.source.or(enrichment.ddsource);
        let running = start_with(logs, &shared).await?;
        let telemetry = shared.board.telemetry();
        Ok(Self {
            running,
            drain,
            telemetry,
            enrichment,
            sources: Vec::new(),
        })
    }

    /// Queues the whole lines of a block, waiting while the pipeline is full. `source` numbers the file that they come
    /// from. Returns the number of lines; nothing is queued if the wait is dropped.
    ///
    /// # Errors
    /// When the pipeline has stopped.
    pub async fn lines(&mut self, source: usize, block: &Bytes) -> Result<u64, InsertError> {
        while self.sources.len() <= source {
            let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
            let handle = self.running.handle().for_source(Source::File(number));
            self.sources
                .push(handle.with_enrichment(self.enrichment.clone()));
        }
        let lines = lines(block);
        let count = lines.clone().count() as u64;
        match self.sources.get(source) {
            Some(handle) => handle
                .insert_lines(lines, EmptyLines::Keep)
                .await
                .map(|_| count),
            None => Err(InsertError::Stopped),
        }
    }

    /// Sends what was queued; returns when all of it is settled, or `deadline` is over.
    pub async fn flush(&self, deadline: Duration) {
        let deadline = Instant::now() + deadline;
        // A flush does not wait for batches whose pause is not over; a pipeline that has stopped says so in the
        // report of `stop`.
        while let Ok(report) = self.running.flush(deadline).await {
            if report.pending_entries == 0 || Instant::now() >= deadline {
                return;
            }
            tokio::time::sleep(FLUSH_AGAIN).await;
        }
    }

    /// Ends the pipeline, with `timeout` for what is still queued, and reports.
    pub async fn stop(self, timeout: Duration) -> Delivered {
        self.drain.signal(Instant::now() + timeout);
        drop(self.sources);
        let report = self.running.join().await;
        let sum = |metric| self.telemetry.sum(metric, &[]);
        Delivered {
            entries: sum(Metric::LogsEntriesReceived),
            sent: report.sent,
            excluded: sum(Metric::LogsExcluded),
            dropped: report.dropped,
            retries: sum(Metric::LogsRetries),
            bytes_raw: sum(Metric::LogsBytesSentRaw),
            bytes_wire: sum(Metric::LogsBytesSentWire),
        }
    }
}

/// Lines without their ends, `\n` or `\r\n`.
fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    block.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_a_line_feed_with_or_without_a_carriage_return() {
        let got: Vec<_> = lines(b"a\r\n\n b \nc\rd\nlast").collect();
        assert_eq!(got, [&b"a"[..], b"", b" b ", b"c\rd", b"last"]);
        assert_eq!(lines(b"").count(), 0);
    }

    #[tokio::test]
    async fn more_short_lines_than_the_memory_holds_are_all_sent() {
        let intake = datadog_dev_intake::Intake::start().await;
        let url = intake.url();
        let config = Config::from_env_iter([
            ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
            ("DD_LOGS_ENABLED", "true"),
            ("DD_LOGS_CONFIG_LOGS_DD_URL", url.as_str()),
            ("DD_LOGS_MEMORY_LIMIT", "4MiB"),
        ]);
        let mut sender = Sender::start(&config, Identity::default()).await.unwrap();
        let block = Bytes::from("\n".repeat(100_000));
        assert_eq!(sender.lines(0, &block).await.unwrap(), 100_000);
        sender.flush(Duration::from_secs(60)).await;
        let delivered = sender.stop(Duration::from_secs(5)).await;
        assert_eq!((delivered.sent, delivered.dropped.len()), (100_000, 0));
    }
}
