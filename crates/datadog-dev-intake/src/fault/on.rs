//! Rules written in code, for tests: `intake.on(path).reply_once(429)`.

use std::time::Duration;

use super::{Ack, Rule};
use crate::grpc::GrpcStatus;
use crate::remote_config::Tamper;
use crate::server::Shared;

/// A rule being written. It is in force once this is dropped, at the end of the statement.
///
/// # Panics
/// Dropping a rule that does nothing or contradicts itself fails the test that wrote it.
#[derive(Debug)]
pub struct On<'a> {
    shared: &'a Shared,
    rule: Rule,
}

impl<'a> On<'a> {
    pub(crate) fn new(shared: &'a Shared, path: String) -> Self {
        let rule = Rule {
            path,
            ..Rule::default()
        };
        Self { shared, rule }
    }

    /// Answers `status`; with a 2xx, the entries count as accepted.
    pub fn reply(mut self, status: u16) -> Self {
        self.rule.status = Some(status);
        self
    }

    /// Answers `status` to the first such request.
    pub fn reply_once(self, status: u16) -> Self {
        self.reply(status).times(1)
    }

    /// Adds `Retry-After` to the answer.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.rule.retry_after = Some(seconds);
        self
    }

    /// Applies to the first `times` such requests; without it, to all.
    pub fn times(mut self, times: u64) -> Self {
        self.rule.times = Some(times);
        self
    }

    /// Reads the request and never answers it.
    pub fn hang(mut self) -> Self {
        self.rule.hang = true;
        self
    }

    /// Waits before the answer; the request itself counts as usual.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.rule.delay_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Closes the connection instead of answering.
    pub fn close(self) -> Self {
        self.close_after(0)
    }

    /// Closes the connection after that many bytes of the answer.
    pub fn close_after(mut self, bytes: u64) -> Self {
        self.rule.close_after_bytes = Some(bytes);
        self
    }

    /// Closes the connection after that many bytes of the request's body.
    pub fn close_after_reading(mut self, bytes: u64) -> Self {
        self.rule.close_after_read_bytes = Some(bytes);
        self
    }

    /// Reads bodies no faster than this.
    pub fn slow_read(mut self, bytes_per_s: u64) -> Self {
        self.rule.slow_read_bytes_per_s = Some(bytes_per_s);
        self
    }

    /// Ends a stream with that status: at once, or after [`Self::end_after_batches`].
    pub fn grpc_status(mut self, status: GrpcStatus) -> Self {
        self.rule.grpc_status = Some(status);
        self
    }

    /// Puts words beside [`Self::grpc_status`].
    pub fn grpc_message(mut self, message: impl Into<String>) -> Self {
        self.rule.grpc_message = Some(message.into());
        self
    }

    /// Ends a stream after that many batches, the snapshot included; with `OK` unless told otherwise.
    pub fn end_after_batches(mut self, batches: u64) -> Self {
        self.rule.end_after_batches = Some(batches);
        self
    }

    /// Acknowledges the batches of a stream in that wrong way; their logs are taken.
    pub fn ack(mut self, ack: Ack) -> Self {
        self.rule.ack = Some(ack);
        self
    }

    /// Drops what a stream has defined once it has taken that many batches.
    pub fn forget_state_after(mut self, batches: u64) -> Self {
        self.rule.forget_state = true;
        self.rule.after_batches = Some(batches);
        self
    }

    /// Tells the connection to go away once one of its streams has taken that many batches; 0 as it opens.
    pub fn goaway_after(mut self, batches: u64) -> Self {
        self.rule.goaway = true;
        self.rule.after_batches = Some(batches);
        self
    }

    /// Answers a poll of remote configuration with that mistake.
    pub fn tamper(mut self, tamper: Tamper) -> Self {
        self.rule.tamper = Some(tamper);
        self
    }

    /// Tampers with that document, `config/ROLE` or `director/ROLE`.
    pub fn document(mut self, document: impl Into<String>) -> Self {
        self.rule.document = Some(document.into());
        self
    }

    /// Only for bodies with at least that many entries.
    pub fn min_items(mut self, items: usize) -> Self {
        self.rule.min_items = Some(items);
        self
    }

    /// Only for bodies of at least that many bytes once decompressed.
    pub fn min_raw_bytes(mut self, bytes: u64) -> Self {
        self.rule.min_raw_bytes = Some(bytes);
        self
    }

    /// Only for keys that end so.
    pub fn api_key_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.rule.api_key_suffix = Some(suffix.into());
        self
    }
}

impl Drop for On<'_> {
    fn drop(&mut self) {
        let rule = std::mem::take(&mut self.rule);
        match rule.check() {
            Ok(()) => self.shared.script().add(rule),
            // A second panic would abort the test run and hide the first.
            Err(_) if std::thread::panicking() => {}
            Err(why) => panic!("the rule for {} {why}", rule.path),
        }
    }
}
