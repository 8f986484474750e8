//! Events and service checks: enriched when they come, sent with the next flush, as JSON.
//!
//! Bounded by the bytes that they take in memory, which they share with values.

use datadog_forwarder::Encoding;
use datadog_wire::metrics::{check, event};
use serde_json::{Map, Value, json};

use super::{Aggregator, Config, Refused, Tally};
use crate::context::Tags;
use crate::parse::{Event, ServiceCheck};
use crate::payload::{Finished, Item, Kind, Limits, Writer};

/// What an event or a check costs besides its JSON.
const OVERHEAD: usize = 64;

/// What waits for the next flush.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The source, and the event as JSON.
    events: Vec<(String, Vec<u8>)>,
    checks: Vec<Vec<u8>>,
    bytes: usize,
}

impl Aggregator {
    /// Adds an event. `sender` is the container that the socket knows of, `now` in seconds since 1970.
    ///
    /// # Errors
    /// When there is no memory for it; that is in the [`Tally`] already.
    pub fn event(
        &mut self,
        event: &Event<'_>,
        sender: Option<&str>,
        now: i64,
    ) -> Result<(), Refused> {
        self.tally.bad_fields += event.bad_fields as u64;
        self.make_sure_of_memory()?;
        let dropped = self.rules.message(
            event.hostname,
            event.tags,
            event.origin,
            sender,
            &mut self.scratch,
        );
        self.tally.tags_dropped += dropped as u64;
        let identity = self.scratch.identity();
        let mut fields = Map::new();
        let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        put(event::TITLE, event.title.to_str().into());
        put(event::TEXT, event.text.to_str().into());
        put(event::TIMESTAMP, event.timestamp.unwrap_or(now).into());
        put(event::PRIORITY, event.priority.as_str().into());
        put(event::HOST, identity.host.into());
        if !identity.tags.0.is_empty() {
            put(event::TAGS, tags(identity.tags));
        }
        put(event::ALERT_TYPE, event.alert_type.as_str().into());
        if let Some(key) = event
            .aggregation_key
            .filter(|key| !key.as_bytes().is_empty())
        {
            put(event::AGGREGATION_KEY, key.to_str().into());
        }
        let source = event.source_type_name.map(|source| source.to_str());
        let source = source.filter(|source| !source.is_empty());
        if let Some(source) = &source {
            put(event::SOURCE_TYPE_NAME, source.as_ref().into());
        }
        let source = source.map_or_else(|| event::DEFAULT_SOURCE.to_owned(), Into::into);
        self.tally.events += 1;
        self.messages
            .event(source, Value::Object(fields).to_string().into());
        Ok(())
    }

    /// Adds a service check, as [`Aggregator::event`] does an event.
    ///
    /// # Errors
    /// When there is no memory for it; that is in the [`Tally`] already.
    pub fn service_check(
        &mut self,
        service_check: &ServiceCheck<'_>,
        sender: Option<&str>,
        now: i64,
    ) -> Result<(), Refused> {
        self.tally.bad_fields += service_check.bad_fields as u64;
        self.make_sure_of_memory()?;
        let dropped = self.rules.message(
            service_check.hostname,
            service_check.tags,
            service_check.origin,
            sender,
            &mut self.scratch,
        );
        self.tally.tags_dropped += dropped as u64;
        let identity = self.scratch.identity();
        let message = service_check.message.map(|message| message.to_str());
        let body = json!({
            check::CHECK: service_check.name.to_str(),
            check::HOST_NAME: identity.host,
            check::MESSAGE: message.unwrap_or_default(),
            check::TAGS: tags(identity.tags),
            check::TIMESTAMP: service_check.timestamp.unwrap_or(now),
            check::STATUS: service_check.status.number(),
        });
        self.tally.service_checks += 1;
        self.messages.check(body.to_string().into());
        Ok(())
    }

    fn make_sure_of_memory(&mut self) -> Result<(), Refused> {
        if self.value_bytes + self.messages.bytes < self.config.max_value_bytes {
            return Ok(());
        }
        self.tally.memory += 1;
        Err(Refused::Memory)
    }
}

fn tags(tags: Tags<'_>) -> Value {
    tags.iter().map(Value::from).collect()
}

impl Messages {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn event(&mut self, source: String, body: Vec<u8>) {
        self.bytes += source.len() + body.len() + OVERHEAD;
        self.events.push((source, body));
    }

    fn check(&mut self, body: Vec<u8>) {
        self.bytes += body.len() + OVERHEAD;
        self.checks.push(body);
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self, config: &Config, tally: &mut Tally, done: &mut Vec<Finished>) {
        self.bytes = 0;
        let mut events = std::mem::take(&mut self.events);
        if config.sends.events && !events.is_empty() {
            // Each source stands once in a body; among those of one source the order stays.
            events.sort_by(|a, b| a.0.cmp(&b.0));
            write_events(&events, config, tally, done);
        }
        let checks = std::mem::take(&mut self.checks);
        if config.sends.service_checks {
            write_checks(&checks, config.other_limits, config.encoding, tally, done);
        }
    }
}

/// `{"apiKey":"","events":{SOURCE:[EVENT…]…},"internalHostname":HOST}`, as many as it takes.
fn write_events(
    events: &[(String, Vec<u8>)],
    config: &Config,
    tally: &mut Tally,
    done: &mut Vec<Finished>,
) {
    let host = Value::from(config.rules.hostname.as_str());
    let close = format!("]}},\"{}\":{host}}}", event::INTERNAL_HOSTNAME);
    let mut writer = Writer::new(
        Kind::Events,
        config.other_limits,
        config.encoding,
        close.as_bytes(),
    );
    let mut last = None;
    for (source, body) in events {
        let head = format!("{}:[", Value::from(source.as_str()));
        let open = format!(
            "{{\"{}\":\"\",\"{}\":{{{head}",
            event::API_KEY,
            event::EVENTS
        );
        let other = format!("],{head}");
        let join = match last == Some(source) {
            true => ",",
            false => other.as_str(),
        };
        let item = Item {
            open: open.as_bytes(),
            join: join.as_bytes(),
            body,
            points: 0,
        };
        match writer.push(item, done) {
            Ok(()) => last = Some(source),
            Err(_) => tally.too_large += 1,
        }
    }
    writer.finish(done);
    tally.lost += writer.take_lost();
}

/// `[CHECK…]`, as many as it takes.
fn write_checks(
    checks: &[Vec<u8>],
    limits: Limits,
    encoding: Encoding,
    tally: &mut Tally,
    done: &mut Vec<Finished>,
) {
    let mut writer = Writer::new(Kind::ServiceChecks, limits, encoding, b"]");
    for body in checks {
        let item = Item {
            open: b"[",
            join: b",",
            body,
            points: 0,
        };
        if writer.push(item, done).is_err() {
            tally.too_large += 1;
        }
    }
    writer.finish(done);
    tally.lost += writer.take_lost();
}
