//! One request from its first byte to its response: what is known of it, evaluated as it becomes known.
//!
//! Evaluations of one request share one budget of time. Once a request was answered here, nothing of it is evaluated
//! any more but its schema.

mod bodies;
mod facts;
mod given;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

pub(crate) use self::facts::Facts;
use self::given::Given;
pub use self::given::{AddressError, BodyOf, MAX_GIVEN_BYTES};
use crate::address::{self, Addresses};
use crate::appsec::Shared;
use crate::client_ip;
use crate::config::{Blocking, UseOfTraces};
use crate::engine::{Action, Evaluation, WafContext, WafError};
use crate::http::{HttpRequest, HttpResponse};
use crate::limits::{Shaper, Truncated};
use crate::rules::Rules;
use crate::schema::{Endpoint, endpoint};
use crate::tags::{self, EntrySpan, Kept, SpanTags};
use crate::value::Value;
use crate::verdict::WafVerdict;

/// One request.
#[derive(Debug)]
pub struct Transaction {
    shared: Arc<Shared>,
    rules: Arc<Rules>,
    context: Option<Box<dyn WafContext>>,
    /// Time that is left for evaluations.
    left: Duration,
    blocking: Blocking,
    findings: Findings,
    facts: Facts,
    /// What was given by name.
    given: Given,
}

/// What came of the evaluations.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) events: Vec<Json>,
    pub(crate) attributes: Vec<(String, Json)>,
    pub(crate) keep: bool,
    /// Time that the engine took.
    pub(crate) duration: Duration,
    /// The same with what it took to make the values.
    pub(crate) duration_ext: Duration,
    pub(crate) timeouts: u32,
    pub(crate) error: Option<WafError>,
    pub(crate) truncated: Truncated,
    /// The status that the request was answered with here.
    pub(crate) blocked: Option<u16>,
}

/// What an evaluation within a request comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rasp {
    /// Whether to go on.
    pub verdict: WafVerdict,
    /// Ids under which the events expect stacks of calls.
    pub stack_ids: Vec<String>,
}

impl Transaction {
    pub(crate) fn new(shared: Arc<Shared>, blocking: Blocking) -> Self {
        let rules = shared.rules();
        let context = rules.instance.context();
        let mut findings = Findings::default();
        shared.counters.requests.add_one();
        if let Err(error) = &context {
            shared.counters.errors.add_one();
            findings.error = Some(*error);
        }
        Self {
            left: shared.config.waf_timeout,
            context: context.ok(),
            rules,
            blocking,
            findings,
            facts: Facts::default(),
            given: Given::default(),
            shared,
        }
    }

    /// Evaluates a request, with its body if it is there.
    pub fn request(&mut self, request: &HttpRequest) -> WafVerdict {
        let started = Instant::now();
        let only = self.shared.config.client_ip_header.as_deref();
        let peer = request.client_ip.as_deref().and_then(client_ip::parse);
        let client = client_ip::of(&request.headers, peer, only);
        self.facts.set_request(request, peer, client);
        let client = client
            .filter(|_| self.rules.knows(address::CLIENT_IP))
            .map(|client| (address::CLIENT_IP, Value::text(client.to_string())));
        let mut addresses = Addresses::new();
        if let Some(client) = client {
            addresses.push(client);
            if self.blocking == Blocking::Obeyed {
                // Most requests that are blocked are so by their address: the rest need not be looked at.
                let verdict = self.evaluate(std::mem::take(&mut addresses), started);
                if verdict != WafVerdict::Allow {
                    return verdict;
                }
            }
        }
        let started = self.resume(started);
        let rules = Arc::clone(&self.rules);
        let limits = self.shared.config.limits;
        let mut shaper = Shaper::new(&limits);
        addresses.extend(address::request(
            request,
            |name| rules.knows(name),
            &mut shaper,
        ));
        self.truncated(shaper.truncated());
        if let Some(body) = &request.body {
            addresses.extend(self.body(body, &request.headers));
        }
        self.evaluate(addresses, started)
    }

    /// Evaluates the body of the request that [`Transaction::request`] was called with, if it came later.
    pub fn request_body(&mut self, body: &[u8], headers: &[(String, String)]) -> WafVerdict {
        let started = Instant::now();
        if self.findings.blocked.is_some() {
            return WafVerdict::Allow;
        }
        let addresses = self.body(body, headers);
        self.evaluate(addresses, started)
    }

    /// Evaluates a response.
    pub fn response(&mut self, response: &HttpResponse) -> WafVerdict {
        let started = Instant::now();
        if self.findings.blocked.is_some() {
            return WafVerdict::Allow;
        }
        self.facts.set_response(response);
        let rules = Arc::clone(&self.rules);
        let limits = self.shared.config.limits;
        let mut shaper = Shaper::new(&limits);
        let mut addresses = address::response(response, |name| rules.knows(name), &mut shaper);
        if let Some(body) = &response.body {
            addresses.extend(self.response_body(body, &response.headers, &mut shaper));
        }
        self.truncated(shaper.truncated());
        self.evaluate(addresses, started)
    }

    /// Evaluates what the application is about to do for this request, such as opening a file; it is known only
    /// for this one evaluation.
    pub fn rasp(&mut self, addresses: Vec<(&'static str, Value)>) -> Rasp {
        let started = Instant::now();
        let mut shaper = Shaper::new(&self.shared.config.limits);
        let known = addresses
            .into_iter()
            .filter(|(name, _)| self.rules.knows(name));
        let addresses: Addresses = known
            .map(|(name, value)| (name, shaper.shape(value)))
            .collect();
        let truncated = shaper.truncated();
        self.truncated(truncated);
        let within = self.context.as_mut().map(|context| context.subcontext());
        let mut within = match within {
            Some(Ok(within)) => within,
            Some(Err(error)) => {
                self.failed(error);
                return Rasp::default();
            }
            None => return Rasp::default(),
        };
        let actions = self.run(&mut within, addresses, started);
        let stacks = actions
            .iter()
            .filter(|action| action.kind == "generate_stack");
        let ids = stacks.filter_map(|action| action.parameters.get("stack_id")?.as_str());
        Rasp {
            stack_ids: ids.map(str::to_owned).collect(),
            verdict: self.verdict(&actions),
        }
    }

    /// Tells no peer on the span: the tracer knew whether there is one.
    pub(crate) fn forget_peer(&mut self) {
        self.facts.peer = None;
    }

    /// Whether somebody was told not to let it go on.
    pub(crate) fn is_blocked(&self) -> bool {
        self.findings.blocked.is_some()
    }

    /// Whether its response was seen.
    pub(crate) fn is_answered(&self) -> bool {
        self.facts.status.is_some()
    }

    /// Makes the schema if it is time for one, and the tags of the service's entry span. `now` is for the limits of
    /// schemas and kept traces.
    pub fn finish(mut self, span: &dyn EntrySpan, now: Instant) -> SpanTags {
        let mut kept = match self.findings.keep && self.shared.may_keep(now) {
            true => Kept::Yes,
            false => Kept::No,
        };
        if self.may_have_schema(kept, span.priority()) && self.takes_schema(now) {
            let has_schema = self.schema();
            if has_schema && self.is_transport() {
                kept = Kept::Yes;
            }
        }
        let counters = &self.shared.counters;
        counters
            .attacks
            .add(u64::from(!self.findings.events.is_empty()));
        counters
            .truncated
            .add(u64::from(self.findings.truncated.any()));
        tags::of(
            &self.shared,
            &self.rules,
            &self.findings,
            &self.facts,
            kept,
            span,
        )
    }

    /// Where traces only carry what AppSec finds, a schema has its trace kept; elsewhere only those are made that
    /// travel anyway. A trace that the user rejected carries none.
    fn may_have_schema(&self, kept: Kept, priority: Option<i32>) -> bool {
        match priority {
            _ if kept == Kept::Yes => true,
            Some(priority) if priority < 0 => false,
            priority => self.is_transport() || priority.is_none_or(|priority| priority > 0),
        }
    }

    fn is_transport(&self) -> bool {
        self.shared.config.use_of_traces == UseOfTraces::Transport
    }

    /// Whether this request gets a schema.
    fn takes_schema(&self, now: Instant) -> bool {
        let status = self.findings.blocked.map(i64::from).or(self.facts.status);
        let Some(status) = status.filter(|_| {
            self.shared.config.api_security.enabled
                && self.context.is_some()
                && self.rules.knows(address::PROCESSOR)
                && !self.facts.method.is_empty()
        }) else {
            return false;
        };
        let route = match &self.facts.route {
            Some(route) => route.clone(),
            None if status == 404 => return false,
            None => endpoint::of(&self.facts.target),
        };
        let method = self.facts.method.clone();
        let endpoint = Endpoint {
            method,
            route,
            status,
        };
        self.shared.takes_schema(endpoint, now)
    }

    /// Makes the schema with a budget of its own; whether there is one.
    fn schema(&mut self) -> bool {
        let started = Instant::now();
        let before = self.findings.attributes.len();
        self.left = self.shared.config.waf_timeout;
        let extract = Value::map([("extract-schema", Value::Bool(true))]);
        self.evaluate(vec![(address::PROCESSOR, extract)], started);
        let added = self.findings.attributes.get(before..).unwrap_or_default();
        added.iter().any(|(name, _)| tags::is_schema(name))
    }

    fn evaluate<K: AsRef<[u8]>>(
        &mut self,
        addresses: Vec<(K, Value)>,
        started: Instant,
    ) -> WafVerdict {
        let Some(mut context) = self.context.take() else {
            return WafVerdict::Allow;
        };
        let actions = self.run(&mut context, addresses, started);
        self.context = Some(context);
        self.verdict(&actions)
    }

    /// Evaluates within the budget and gathers what came of it; gives what should be done.
    fn run<K: AsRef<[u8]>>(
        &mut self,
        context: &mut Box<dyn WafContext>,
        addresses: Vec<(K, Value)>,
        started: Instant,
    ) -> Vec<Action> {
        if addresses.is_empty() {
            return Vec::new();
        }
        if self.left.is_zero() {
            self.timed_out();
            return Vec::new();
        }
        self.shared.counters.evaluations.add_one();
        let outcome = context.evaluate(&Value::map(addresses), self.left);
        self.findings.duration_ext += started.elapsed();
        match outcome {
            Ok(evaluation) => self.gather(evaluation),
            Err(error) => {
                self.failed(error);
                Vec::new()
            }
        }
    }

    fn gather(&mut self, evaluation: Evaluation) -> Vec<Action> {
        self.left = self.left.saturating_sub(evaluation.duration);
        let findings = &mut self.findings;
        findings.duration += evaluation.duration;
        findings.events.extend(evaluation.events);
        findings.keep |= evaluation.keep;
        for (name, value) in evaluation.attributes {
            findings.attributes.retain(|(known, _)| *known != name);
            findings.attributes.push((name, value));
        }
        if evaluation.timed_out {
            self.timed_out();
        }
        evaluation.actions
    }

    fn verdict(&mut self, actions: &[Action]) -> WafVerdict {
        let verdict = self.shared.templates.verdict(actions, self.facts.accept());
        let Some(status) = verdict.status() else {
            return verdict;
        };
        if self.blocking == Blocking::Ignored {
            self.shared.ignored_block();
            return WafVerdict::Allow;
        }
        self.shared.counters.blocked.add_one();
        self.findings.blocked = Some(status);
        verdict
    }

    fn timed_out(&mut self) {
        self.findings.timeouts += 1;
        self.shared.timed_out();
    }

    /// Of several errors, spans tell the one with the highest code.
    fn failed(&mut self, error: WafError) {
        self.shared.counters.errors.add_one();
        self.findings.error = self.findings.error.max(Some(error));
    }

    fn truncated(&mut self, sizes: Truncated) {
        self.findings.truncated.merge(sizes);
    }

    /// Begins to measure again, if what was measured so far is counted already.
    fn resume(&self, started: Instant) -> Instant {
        if self.findings.duration_ext.is_zero() {
            return started;
        }
        Instant::now()
    }
}

#[cfg(test)]
mod tests;
