//! Samples become series and sketches, by context and by bucket of time.
//!
//! Knows no clock: the time is an argument, in seconds since 1970. Everything is bounded: contexts in number, values in
//! bytes; what does not fit is refused with a reason and counted in the [`Tally`]. A sample of a known context costs a
//! look-up and an addition, and allocates nothing unless its own values have to be kept.

mod flush;
mod histogram;
mod messages;
pub mod service;
mod together;
mod value;

use datadog_forwarder::Encoding;
use datadog_sketch::agent::Weight;
use datadog_wire::metrics::{MAX_AGE_S, MAX_AHEAD_S, MetricType};

pub use self::flush::Which;
pub use self::histogram::Aggregate;
use self::messages::Messages;
pub use self::together::Incoming;
pub(crate) use self::together::TOGETHER;
use self::value::{Held, Pools};
use crate::context::{Class, ContextId, Contexts, Fingerprint, Found, Message};
use crate::parse::{Metric, Origin, Sample};
use crate::payload::{Finished, Limits};
use crate::rules::{self, MapperError, Rules, Scratch, Verdict};
pub use crate::series::Form;
use crate::series::{Point, Series, SeriesWriter, Source};

/// How samples are aggregated.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is done to names and tags.
    pub rules: rules::Config,
    /// Seconds of a bucket, at least 1. Default: 10.
    pub bucket_s: i64,
    /// How a counter is sent. Default: as a rate.
    pub counters: CounterEncoding,
    /// Seconds for which a silent counter goes on as 0, where counters are rates. Default: 300.
    pub counter_expiry_s: i64,
    /// Seconds for which any other silent context is remembered. Default: 20.
    pub context_expiry_s: i64,
    /// Contexts at most. Default: 10,240.
    pub max_contexts: usize,
    /// Bytes of sets, histograms, sketches, events and service checks at most. Default: 64 MiB.
    pub max_value_bytes: usize,
    /// Whether samples with a timestamp are passed on as they are. Default: yes.
    pub pass_timestamped: bool,
    /// What is sent of a histogram. Default: maximum, median, average and count.
    pub aggregates: Vec<Aggregate>,
    /// Percentiles that are sent of a histogram, 1 to 100. Default: 95.
    pub percentiles: Vec<u8>,
    /// Whether histograms are sent as distributions too, under names with this in front. Default: no.
    pub copy_to_distribution: Option<String>,
    /// How bodies are compressed. Default: zstd at level 3.
    pub encoding: Encoding,
    /// The form in which series travel. Default: messages.
    pub series_form: Form,
    /// The form in which sketches travel. Default: messages.
    pub sketches_form: Form,
    /// What a request with series may have.
    pub series_limits: Limits,
    /// What any other request may have.
    pub other_limits: Limits,
    /// What is sent at all. Default: everything.
    pub sends: Sends,
}

/// How a counter is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterEncoding {
    /// As a rate, and as 0 for a while after it fell silent: on a host, where a bucket is sent once.
    Rate,
    /// As a count: where parts of a bucket are sent when somebody asks, which the backend adds up.
    Count,
}

/// What is sent at all; what is not is aggregated and then forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// Series.
    pub series: bool,
    /// Sketches.
    pub sketches: bool,
    /// Events.
    pub events: bool,
    /// Service checks.
    pub service_checks: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: rules::Config::default(),
            bucket_s: 10,
            counters: CounterEncoding::Rate,
            counter_expiry_s: 300,
            context_expiry_s: 20,
            max_contexts: 10_240,
            max_value_bytes: 64 * 1_024 * 1_024,
            pass_timestamped: true,
            aggregates: vec![
                Aggregate::Max,
                Aggregate::Median,
                Aggregate::Avg,
                Aggregate::Count,
            ],
            percentiles: vec![95],
            copy_to_distribution: None,
            encoding: Encoding::Zstd(3),
            series_form: Form::Messages,
            sketches_form: Form::Messages,
            series_limits: Limits::SERIES,
            other_limits: Limits::OTHERS,
            sends: Sends {
                series: true,
                sketches: true,
                events: true,
                service_checks: true,
            },
        }
    }
}

/// Why the values of a message were not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The filter drops the name.
    #[error("the name is blocked")]
    Filtered,
    /// It is a new context, and there are as many as there may be.
    #[error("there are too many contexts")]
    ContextLimit,
    /// Its values would take more memory than there is for them.
    #[error("there is no memory for the value")]
    Memory,
    /// It has a timestamp, and a type for which none is allowed.
    #[error("this type of metric has no timestamp")]
    UnsupportedType,
    /// It fits in no request, even alone.
    #[error("it is larger than a request may be")]
    TooLarge,
}

/// What was taken and what was not, since the start; the service counts the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Values that were added.
    pub samples: u64,
    /// Values of filtered names.
    pub filtered: u64,
    /// Values of new contexts beyond the limit.
    pub context_limit: u64,
    /// Values, events and service checks for which there was no memory.
    pub memory: u64,
    /// Values with a timestamp of types that have none.
    pub unsupported_type: u64,
    /// Values, series, events and service checks that fit in no request.
    pub too_large: u64,
    /// Series, events and service checks that were lost in compression.
    pub lost: u64,
    /// Values that are infinite or no numbers.
    pub not_finite: u64,
    /// Messages with a sample rate outside of 0 to 1, which counted as 1.
    pub bad_rate: u64,
    /// Values with a timestamp that the intake may not take; sent all the same.
    pub late_points: u64,
    /// Tags that were too many, once for each context.
    pub tags_dropped: u64,
    /// Events that were taken.
    pub events: u64,
    /// Service checks that were taken.
    pub service_checks: u64,
    /// Fields of events and service checks without meaning.
    pub bad_fields: u64,
}

/// Holds the values of all contexts.
#[derive(Debug)]
pub struct Aggregator {
    config: Config,
    rules: Rules,
    contexts: Contexts<Held>,
    messages: Messages,
    passed: SeriesWriter,
    passed_done: Vec<Finished>,
    pools: Pools,
    /// Bytes that the values of contexts take besides their contexts.
    value_bytes: usize,
    /// Starts of the buckets since the last flush that have any value, ascending.
    starts: Vec<i64>,
    last_cutoff: Option<i64>,
    /// When messages that no longer come were forgotten last.
    aged_at: i64,
    tally: Tally,
    scratch: Scratch,
    origin: Vec<u8>,
}

impl Aggregator {
    /// Without any context.
    ///
    /// # Errors
    /// A pattern of the mapper that cannot be used.
    pub fn new(config: Config) -> Result<Self, MapperError> {
        // A client with several orders of the same tags has several messages for a context.
        let aliases = config.max_contexts.saturating_mul(2).max(1_024);
        Ok(Self {
            rules: Rules::compile(&config.rules)?,
            contexts: Contexts::new(config.max_contexts, aliases),
            messages: Messages::default(),
            passed: SeriesWriter::of(config.series_form, config.series_limits, config.encoding),
            passed_done: Vec::new(),
            pools: Pools::default(),
            value_bytes: 0,
            starts: Vec::new(),
            last_cutoff: None,
            aged_at: i64::MIN,
            tally: Tally::default(),
            scratch: Scratch::default(),
            origin: Vec::new(),
            config,
        })
    }

    /// Adds the values of a metric. `sender` is the container that the socket knows of, `now` in seconds since 1970.
    ///
    /// # Errors
    /// Why they were not added; that is in the [`Tally`] already.
    pub fn metric(
        &mut self,
        metric: &Metric<'_>,
        sender: Option<&str>,
        now: i64,
    ) -> Result<(), Refused> {
        let message = self.fingerprint(metric, sender);
        let found = self.contexts.known(message);
        self.look_up_and_add(metric, sender, (message, found), now)
    }

    #[inline]
    fn look_up_and_add(
        &mut self,
        metric: &Metric<'_>,
        sender: Option<&str>,
        looked_up: (Fingerprint, Option<Found>),
        now: i64,
    ) -> Result<(), Refused> {
        let added = self.try_metric(metric, sender, looked_up, now);
        let values = match metric.sample.numbers() {
            Some(numbers) => {
                self.tally.not_finite += u64::from(numbers.not_finite());
                numbers.count() as u64
            }
            None => 1,
        };
        match added {
            Ok(()) => self.tally.samples += values,
            Err(refused) => self.refuse(refused, values),
        }
        added
    }

    /// What was taken and what was not.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Contexts that are remembered.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Bytes of memory that contexts and values take, roughly.
    pub fn bytes(&self) -> usize {
        self.contexts.bytes() + self.value_bytes + self.messages.bytes()
    }

    /// Samples with a timestamp that wait to be sent.
    pub fn passed(&self) -> u64 {
        self.passed.items() + self.passed_done.iter().map(|it| it.items).sum::<u64>()
    }

    fn refuse(&mut self, refused: Refused, values: u64) {
        let count = match refused {
            Refused::Filtered => &mut self.tally.filtered,
            Refused::ContextLimit => &mut self.tally.context_limit,
            Refused::Memory => &mut self.tally.memory,
            Refused::UnsupportedType => &mut self.tally.unsupported_type,
            Refused::TooLarge => &mut self.tally.too_large,
        };
        *count += values;
    }

    #[inline]
    fn try_metric(
        &mut self,
        metric: &Metric<'_>,
        sender: Option<&str>,
        (message, found): (Fingerprint, Option<Found>),
        now: i64,
    ) -> Result<(), Refused> {
        let class = class_of(&metric.sample);
        let mut at = now;
        if let Some(timestamp) = metric.timestamp.filter(|_| self.config.pass_timestamped) {
            match self.route(class) {
                Route::Pass => return self.pass(metric, class, sender, timestamp, now),
                Route::Bucket => {
                    self.look_at_age(timestamp, now, 1);
                    at = timestamp.min(now);
                }
                Route::Refuse => return Err(Refused::UnsupportedType),
            }
        }
        let id = match found.map_or_else(|| self.unknown(metric, class, sender, message), Ok)? {
            Found::Context(id) => id,
            Found::Filtered => return Err(Refused::Filtered),
        };
        let start = at - at.rem_euclid(self.config.bucket_s);
        let values = Values {
            metric,
            weight: self.weight(metric.rate),
            start,
        };
        if let Some(copy) = self.add(id, class, &values, now)? {
            self.add(copy, Class::Distribution, &values, now)?;
        }
        Ok(())
    }

    /// Adds values to those of a context; returns the context of the copy, if it has one.
    #[inline]
    fn add(
        &mut self,
        id: ContextId,
        class: Class,
        values: &Values<'_>,
        now: i64,
    ) -> Result<Option<ContextId>, Refused> {
        let start = values.start;
        let Some(held) = self.contexts.get_mut(id) else {
            // It was found a moment ago.
            return Ok(None);
        };
        held.last_seen = held.last_seen.max(now);
        let copy = held.copy;
        if self.value_bytes > self.config.max_value_bytes && !held.has_room(class, start) {
            // The copy lives as long as what it is one of.
            if let Some(copy) = copy.and_then(|copy| self.contexts.get_mut(copy)) {
                copy.last_seen = copy.last_seen.max(now);
            }
            return Err(Refused::Memory);
        }
        let (value, is_new) = held.bucket(class, start, &mut self.pools);
        self.value_bytes += value.add(values.metric, values.weight);
        if is_new {
            self.value_bytes += value::BUCKET_BYTES;
            if self.starts.last() != Some(&start) {
                note_start(&mut self.starts, start);
            }
        }
        Ok(copy)
    }

    /// Where samples of this class go that have a timestamp.
    fn route(&self, class: Class) -> Route {
        match (class, self.config.counters) {
            (Class::Gauge, _) | (Class::Counter, CounterEncoding::Rate) => Route::Pass,
            (Class::Counter | Class::Distribution, CounterEncoding::Count) => Route::Bucket,
            _ => Route::Refuse,
        }
    }

    #[inline]
    fn weight(&mut self, rate: f64) -> Weight {
        if rate == 1.0 {
            return Weight::ONE;
        }
        Weight::from_rate(rate).unwrap_or_else(|| {
            self.tally.bad_rate += 1;
            Weight::ONE
        })
    }

    fn look_at_age(&mut self, timestamp: i64, now: i64, values: u64) {
        if timestamp < now - MAX_AGE_S || timestamp > now + MAX_AHEAD_S {
            self.tally.late_points += values;
        }
    }

    /// What a message is known by.
    #[inline]
    fn fingerprint(&mut self, metric: &Metric<'_>, sender: Option<&str>) -> Fingerprint {
        write_origin(metric.origin, sender, &mut self.origin);
        self.contexts.fingerprint(&Message {
            class: class_of(&metric.sample),
            name: metric.name.as_bytes(),
            tags: metric.tags.as_bytes(),
            origin: &self.origin,
        })
    }

    /// Where a message leads that did not come before; its context is made if that is new.
    #[cold]
    fn unknown(
        &mut self,
        metric: &Metric<'_>,
        class: Class,
        sender: Option<&str>,
        message: Fingerprint,
    ) -> Result<Found, Refused> {
        let found = self.resolve(metric, class, sender)?;
        self.contexts.remember(message, found);
        Ok(found)
    }

    fn resolve(
        &mut self,
        metric: &Metric<'_>,
        class: Class,
        sender: Option<&str>,
    ) -> Result<Found, Refused> {
        let scratch = &mut self.scratch;
        let verdict = self
            .rules
            .metric(metric.name, metric.tags, metric.origin, sender, scratch);
        let Verdict::Kept { tags_dropped } = verdict else {
            return Ok(Found::Filtered);
        };
        let before = self.contexts.len();
        let full = |_| Refused::ContextLimit;
        let identity = scratch.identity();
        let id = self
            .contexts
            .get_or_insert(class, &identity, Held::default)
            .map_err(full)?;
        if self.contexts.len() > before {
            self.tally.tags_dropped += tags_dropped as u64;
        }
        if let (Class::Histogram, Some(prefix)) = (class, &self.config.copy_to_distribution) {
            scratch.rename(prefix);
            let class = Class::Distribution;
            let copy = self
                .contexts
                .get_or_insert(class, &scratch.identity(), Held::default)
                .map_err(full)?;
            if let Some(held) = self.contexts.get_mut(id) {
                held.copy = Some(copy);
            }
        }
        Ok(Found::Context(id))
    }

    /// Writes a sample at its own time, without aggregating it: each value is a series.
    fn pass(
        &mut self,
        metric: &Metric<'_>,
        class: Class,
        sender: Option<&str>,
        timestamp: i64,
        now: i64,
    ) -> Result<(), Refused> {
        let Some(numbers) = metric.sample.numbers() else {
            return Err(Refused::UnsupportedType);
        };
        let scratch = &mut self.scratch;
        let verdict = self
            .rules
            .metric(metric.name, metric.tags, metric.origin, sender, scratch);
        let Verdict::Kept { tags_dropped } = verdict else {
            return Err(Refused::Filtered);
        };
        let mut identity = scratch.identity();
        // The agent gives these no category.
        if identity.source == Source::DOGSTATSD {
            identity.source.category = 0;
        }
        let mut values = 0;
        for value in numbers.iter() {
            let (kind, value) = match (class, self.config.counters) {
                (Class::Counter, CounterEncoding::Rate) => {
                    #[expect(clippy::cast_precision_loss, reason = "seconds of a bucket")]
                    let seconds = self.config.bucket_s as f64;
                    (MetricType::Rate, value / seconds)
                }
                (Class::Counter, CounterEncoding::Count) => (MetricType::Count, value),
                _ => (MetricType::Gauge, value),
            };
            let series = Series {
                identity,
                suffix: "",
                kind,
                interval: self.config.bucket_s,
                points: &[Point { timestamp, value }],
            };
            self.passed
                .push(&series, &mut self.passed_done)
                .map_err(|_| Refused::TooLarge)?;
            values += 1;
        }
        self.tally.tags_dropped += tags_dropped as u64;
        self.look_at_age(timestamp, now, values);
        Ok(())
    }
}

/// What is to be added to a bucket.
struct Values<'a> {
    metric: &'a Metric<'a>,
    weight: Weight,
    start: i64,
}

/// Where a sample goes that has a timestamp.
enum Route {
    /// On, as it is.
    Pass,
    /// In the bucket of its time.
    Bucket,
    /// Nowhere.
    Refuse,
}

const fn class_of(sample: &Sample<'_>) -> Class {
    match sample {
        Sample::Count(_) => Class::Counter,
        Sample::Gauge(_) => Class::Gauge,
        Sample::Histogram(_) | Sample::Timer(_) => Class::Histogram,
        Sample::Distribution(_) => Class::Distribution,
        Sample::Set(_) => Class::Set,
    }
}

/// Where a message comes from, as bytes that differ when that does. Neither part can have a zero byte.
#[inline]
fn write_origin(origin: Origin<'_>, sender: Option<&str>, out: &mut Vec<u8>) {
    out.clear();
    if origin == Origin::default() && sender.is_none() {
        return;
    }
    let parts = [
        origin.local.map(|local| local.as_str()),
        origin.external.map(|external| external.as_str()),
        sender,
    ];
    for part in parts {
        out.extend_from_slice(part.unwrap_or_default().as_bytes());
        out.push(0);
    }
    if let Some(cardinality) = origin.cardinality {
        out.push(cardinality as u8);
    }
}

/// Adds the start of a bucket to those that have values.
#[cold]
fn note_start(starts: &mut Vec<i64>, start: i64) {
    if let Err(place) = starts.binary_search(&start) {
        starts.insert(place, start);
    }
}

#[cfg(test)]
mod tests;
