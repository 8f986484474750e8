//! The script of faults: which requests are answered wrongly, late or not at all.
//!
//! Pure: it chooses a rule and counts it. Carrying the rule out is the server's work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::grpc::GrpcStatus;
use crate::remote_config::Tamper;
pub use on::On;
pub use stream::Ack;

mod on;
mod remote_config;
mod stream;

/// Rules in one script; a longer one is refused.
const MAX_RULES: usize = 1_000;
/// The longest pause a rule may ask for, and how long a hung request is held.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(600);

/// One rule of the script: whom it concerns, what it does, and how often.
///
/// Unset matchers match everything. At least one effect must be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A path, a prefix that ends in `*`, or `*` for every path; default `*`.
    #[serde(default = "every_path")]
    pub path: String,
    /// Matches keys that end so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_suffix: Option<String>,
    /// Matches bodies with at least that many entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<usize>,
    /// Matches bodies of at least that many bytes once decompressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_raw_bytes: Option<u64>,
    /// How many requests it applies to, a stream being one; none means until reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Answers with this status, 200 to 599; a stream as something in front of the intake would, without any of gRPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds in the `Retry-After` header of that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Milliseconds between having the request and answering it, at most ten minutes; of a stream, each batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Reads the request and never answers it; of a stream, not even its batches are read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hang: bool,
    /// Closes the connection after that many bytes of the answer, head included; 0 for no answer at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_after_bytes: Option<u64>,
    /// Closes the connection after that many bytes of the request's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_after_read_bytes: Option<u64>,
    /// Reads the request's body no faster than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_read_bytes_per_s: Option<u64>,
    /// Ends a stream with this status, a number or its name: at once, or after [`Self::end_after_batches`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<GrpcStatus>,
    /// The words beside that status, at most 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_message: Option<String>,
    /// Ends a stream after that many batches, the snapshot included; `OK` unless [`Self::grpc_status`] says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_after_batches: Option<u64>,
    /// Which batches of a stream are acknowledged, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<Ack>,
    /// Drops what a stream has defined, once, after [`Self::after_batches`]: what refers to it is then unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forget_state: bool,
    /// Tells a stream's connection to go away, after [`Self::after_batches`]; the stream itself goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub goaway: bool,
    /// The batches after which [`Self::forget_state`] and [`Self::goaway`] act; default 1, and 0 for as it opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_batches: Option<u64>,
    /// What is wrong with the answer of remote configuration; passes over every other request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tamper: Option<Tamper>,
    /// The document that is tampered with, `config/ROLE` or `director/ROLE`, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

fn every_path() -> String {
    "*".to_owned()
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            path: every_path(),
            api_key_suffix: None,
            min_items: None,
            min_raw_bytes: None,
            times: None,
            status: None,
            retry_after: None,
            delay_ms: None,
            hang: false,
            close_after_bytes: None,
            close_after_read_bytes: None,
            slow_read_bytes_per_s: None,
            grpc_status: None,
            grpc_message: None,
            end_after_batches: None,
            ack: None,
            forget_state: false,
            goaway: false,
            after_batches: None,
            tamper: None,
            document: None,
        }
    }
}

/// Why a script was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

impl Rule {
    /// Whether it does anything to a request.
    #[must_use]
    pub fn has_effect(&self) -> bool {
        self.status.is_some()
            || self.delay_ms.is_some()
            || self.closes_or_hangs()
            || self.acts_on_reading()
            || self.acts_on_streams()
            || self.tamper.is_some()
    }

    /// What the rule does, as the inspection API names it: `status 429`, `delay+hang` and so on.
    #[must_use]
    pub fn name(&self) -> String {
        let mut words = Vec::new();
        if self.slow_read_bytes_per_s.is_some() {
            words.push("slow_read".to_owned());
        }
        if self.close_after_read_bytes.is_some() {
            words.push("close_read".to_owned());
        }
        if self.delay_ms.is_some() {
            words.push("delay".to_owned());
        }
        if self.hang {
            words.push("hang".to_owned());
        }
        if let Some(status) = self.status {
            words.push(format!("status {status}"));
        }
        if self.close_after_bytes.is_some() {
            words.push("close".to_owned());
        }
        self.tamper_words(&mut words);
        self.stream_words(&mut words);
        words.join("+")
    }

    /// Whether the request counts as accepted although the rule applied: it was only late, or answered with a 2xx.
    pub(crate) fn accepts(&self) -> bool {
        !self.closes_or_hangs()
            && self
                .status
                .is_none_or(|status| (200..300).contains(&status))
    }

    /// Whether there is no answer at all, not even its first byte.
    pub(crate) fn is_silent(&self) -> bool {
        self.hang || self.close_after_bytes == Some(0) || self.close_after_read_bytes.is_some()
    }

    /// The pause before the answer.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.delay_ms.map(Duration::from_millis)
    }

    fn closes_or_hangs(&self) -> bool {
        self.hang || self.close_after_bytes.is_some() || self.close_after_read_bytes.is_some()
    }

    /// Whether it does something that only a stream can meet.
    fn acts_on_streams(&self) -> bool {
        self.grpc_status.is_some()
            || self.end_after_batches.is_some()
            || self.ack.is_some()
            || self.forget_state
            || self.goaway
    }

    /// Whether it must be chosen before the body is read.
    fn acts_on_reading(&self) -> bool {
        self.slow_read_bytes_per_s.is_some() || self.close_after_read_bytes.is_some()
    }

    fn looks_at_body(&self) -> bool {
        self.min_items.is_some() || self.min_raw_bytes.is_some()
    }

    fn matches_head(&self, head: &Head<'_>) -> bool {
        let path_matches = match self.path.strip_suffix('*') {
            Some(prefix) => head.path.starts_with(prefix),
            None => self.path == head.path,
        };
        let key_matches = match &self.api_key_suffix {
            Some(suffix) => head
                .api_key
                .is_some_and(|key| key.ends_with(suffix.as_str())),
            None => true,
        };
        path_matches && key_matches && self.concerns_answer(head.path)
    }

    fn matches_body(&self, body: Body) -> bool {
        let enough_items = self
            .min_items
            .is_none_or(|least| body.items.is_some_and(|items| items >= least));
        let enough_bytes = self
            .min_raw_bytes
            .is_none_or(|least| body.raw_bytes >= least);
        enough_items && enough_bytes
    }

    fn check(&self) -> Result<(), String> {
        if !self.has_effect() {
            return Err("does nothing: set status, delay_ms, hang, close_after_bytes, close_after_read_bytes, \
                 slow_read_bytes_per_s, for streams grpc_status, end_after_batches, ack, forget_state or goaway, or \
                 for remote configuration tamper"
                .to_owned());
        }
        if self.times == Some(0) {
            return Err("has times 0 and can never apply".to_owned());
        }
        if let Some(status) = self.status.filter(|status| !(200..600).contains(status)) {
            return Err(format!(
                "has status {status}, which is not between 200 and 599"
            ));
        }
        if self.status.is_some() && self.hang {
            return Err("has both a status and hang".to_owned());
        }
        if self.retry_after.is_some() && self.status.is_none() {
            return Err("has retry_after without a status".to_owned());
        }
        if self.delay().is_some_and(|delay| delay > MAX_PAUSE) {
            return Err(format!("has a delay_ms over {}", MAX_PAUSE.as_millis()));
        }
        if self.slow_read_bytes_per_s == Some(0) {
            return Err("has slow_read_bytes_per_s 0; use hang".to_owned());
        }
        if self.acts_on_reading() && self.looks_at_body() {
            return Err("acts while the body is read, and cannot look at it first".to_owned());
        }
        self.check_tamper()?;
        self.check_stream()
    }
}

/// What is known of a request before its body is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) path: &'a str,
    pub(crate) api_key: Option<&'a str>,
}

/// What is known of a body once it was decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// `None` when the body holds nothing that can be counted.
    pub(crate) items: Option<usize>,
    pub(crate) raw_bytes: u64,
}

/// The rules in force, with how often each was used.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: Vec<Scripted>,
}

/// A rule in force, as `GET /inspect/faults` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Scripted {
    /// The rule itself.
    #[serde(flatten)]
    pub rule: Rule,
    /// Requests that it was applied to.
    pub hits: u64,
}

impl Scripted {
    fn is_live(&self) -> bool {
        self.rule.times.is_none_or(|times| self.hits < times)
    }

    fn hit(&mut self) -> Rule {
        self.hits += 1;
        self.rule.clone()
    }
}

impl Script {
    /// Adds a rule behind the others.
    pub(crate) fn add(&mut self, rule: Rule) {
        self.rules.push(Scripted { rule, hits: 0 });
    }

    /// Replaces the whole script.
    pub(crate) fn replace(&mut self, rules: Vec<Rule>) {
        self.rules.clear();
        for rule in rules {
            self.add(rule);
        }
    }

    /// The rules with their hits.
    pub(crate) fn rules(&self) -> &[Scripted] {
        &self.rules
    }

    /// The rule that acts while the body is read, if it is this request's turn for one.
    ///
    /// Rules that look at the body are passed over, since nobody knows yet.
    pub(crate) fn choose_before_body(&mut self, head: &Head<'_>) -> Option<Rule> {
        let first = self.rules.iter_mut().find(|live| {
            live.is_live()
                && live.rule.stream_effect().is_none()
                && !live.rule.looks_at_body()
                && live.rule.matches_head(head)
        })?;
        first.rule.acts_on_reading().then(|| first.hit())
    }

    /// The first live rule that matches, for a stream that opens. Rules that look at a body are passed over.
    pub(crate) fn choose_for_stream(&mut self, head: &Head<'_>) -> Option<Rule> {
        self.rules
            .iter_mut()
            .find(|live| {
                live.is_live() && !live.rule.looks_at_body() && live.rule.matches_head(head)
            })
            .map(Scripted::hit)
    }

    /// The first live rule that matches, for a request that has been read.
    pub(crate) fn choose(&mut self, head: &Head<'_>, body: Body) -> Option<Rule> {
        self.rules
            .iter_mut()
            .find(|live| {
                live.is_live()
                    && live.rule.stream_effect().is_none()
                    && !live.rule.acts_on_reading()
                    && live.rule.matches_head(head)
                    && live.rule.matches_body(body)
            })
            .map(Scripted::hit)
    }
}

/// Reads a script, `{"rules":[…]}`.
///
/// # Errors
/// Names the first field that is unknown, or the first rule that contradicts itself.
pub fn parse_script(json: &[u8]) -> Result<Vec<Rule>, ScriptError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wire {
        rules: Vec<Rule>,
    }

    let script: Wire =
        serde_json::from_slice(json).map_err(|error| ScriptError(error.to_string()))?;
    if script.rules.len() > MAX_RULES {
        return Err(ScriptError(format!("more than {MAX_RULES} rules")));
    }
    for (index, rule) in script.rules.iter().enumerate() {
        rule.check()
            .map_err(|why| ScriptError(format!("rule {index} {why}")))?;
    }
    Ok(script.rules)
}

#[cfg(test)]
mod tests;
