//! Closed buckets become payloads, silent counters zeros, and silent contexts nothing.

use std::collections::VecDeque;

use datadog_wire::metrics::MetricType;

use super::histogram::Histogram;
use super::value::{Bucket, Held, Value};
use super::{Aggregator, Config, CounterEncoding, Tally, value};
use crate::context::{Class, Context, Identity};
use crate::payload::Finished;
use crate::series::{Point, Series, SeriesWriter};
use crate::sketches::SketchWriter;

/// Which buckets a flush takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those whose time is over.
    Closed,
    /// Those still open too: at the end, and where a machine sleeps between invocations.
    Everything,
}

/// Where a flush writes.
struct Out<'a> {
    config: &'a Config,
    series: SeriesWriter,
    sketches: SketchWriter,
    done: Vec<Finished>,
    tally: &'a mut Tally,
    points: Vec<Point>,
}

impl Aggregator {
    /// Takes the buckets, and everything that waited for no bucket; forgets contexts that have been silent for too long.
    pub fn flush(&mut self, now: i64, which: Which) -> Vec<Finished> {
        let cutoff = now - now.rem_euclid(self.config.bucket_s);
        let zeros = self.zeros(cutoff, which);
        let mut out = Out {
            config: &self.config,
            series: SeriesWriter::of(
                self.config.series_form,
                self.config.series_limits,
                self.config.encoding,
            ),
            sketches: SketchWriter::of(
                self.config.sketches_form,
                self.config.other_limits,
                self.config.encoding,
            ),
            done: Vec::new(),
            tally: &mut self.tally,
            points: Vec::new(),
        };
        let (pools, value_bytes) = (&mut self.pools, &mut self.value_bytes);
        let mut taken = Vec::new();
        self.contexts.retain(|context, held| {
            take(held, cutoff, self.config.bucket_s, which, &mut taken);
            out.context(context, held, &mut taken, &zeros);
            for bucket in taken.drain(..) {
                let bytes = value::BUCKET_BYTES + bucket.value.bytes();
                *value_bytes = value_bytes.saturating_sub(bytes);
                pools.put(bucket.value);
            }
            !held.buckets.is_empty() || lives(context.class, held, &self.config, now, cutoff)
        });
        if now >= self.aged_at.saturating_add(self.config.context_expiry_s) {
            self.contexts.age();
            self.aged_at = now;
        }
        out.series.finish(&mut out.done);
        out.sketches.finish(&mut out.done);
        out.tally.lost += out.series.take_lost() + out.sketches.take_lost();
        let mut done = out.done;
        self.take_passed(&mut done);
        self.messages
            .flush(&self.config, &mut self.tally, &mut done);
        done
    }

    /// Takes the samples that are passed on as they are.
    pub fn take_passed(&mut self, done: &mut Vec<Finished>) {
        self.passed.finish(&mut self.passed_done);
        self.tally.lost += self.passed.take_lost();
        if self.config.sends.series {
            done.append(&mut self.passed_done);
        } else {
            self.passed_done.clear();
        }
    }

    /// The starts of the buckets for which silent counters are 0, ascending: those that anything has a value for, and
    /// if nothing has since the last flush, the one before the present.
    fn zeros(&mut self, cutoff: i64, which: Which) -> VecDeque<i64> {
        let size = self.config.bucket_s;
        let is_taken = |start: i64| which == Which::Everything || start + size <= cutoff;
        let mut zeros: VecDeque<i64> = VecDeque::new();
        self.starts.retain(|&start| {
            if is_taken(start) {
                zeros.push_back(start);
            }
            !is_taken(start)
        });
        let last = self.last_cutoff.replace(cutoff);
        if zeros.is_empty() && last.is_some_and(|last| last + size <= cutoff) {
            zeros.push_back(cutoff - size);
        }
        match self.config.counters {
            CounterEncoding::Rate => zeros,
            CounterEncoding::Count => VecDeque::new(),
        }
    }
}

/// Moves the buckets that a flush takes, in their order.
fn take(held: &mut Held, cutoff: i64, size: i64, which: Which, taken: &mut Vec<Bucket>) {
    let mut place = 0;
    while let Some(bucket) = held.buckets.get(place) {
        if which == Which::Everything || bucket.start + size <= cutoff {
            taken.push(held.buckets.remove(place));
        } else {
            place += 1;
        }
    }
    taken.sort_by_key(|bucket| bucket.start);
}

/// Whether a context without values is remembered.
fn lives(class: Class, held: &Held, config: &Config, now: i64, cutoff: i64) -> bool {
    match (class, config.counters) {
        (Class::Counter, CounterEncoding::Rate) => {
            held.last_seen.saturating_add(config.counter_expiry_s) > cutoff
        }
        _ => held.last_seen >= now.saturating_sub(config.context_expiry_s),
    }
}

impl Out<'_> {
    fn context(
        &mut self,
        context: &Context,
        held: &Held,
        taken: &mut [Bucket],
        zeros: &VecDeque<i64>,
    ) {
        let identity = context.identity();
        match context.class {
            Class::Counter => self.counter(identity, held, taken, zeros),
            Class::Gauge | Class::Set => {
                for bucket in &*taken {
                    self.point(bucket.start, simple(&bucket.value));
                }
                self.send(identity, "", MetricType::Gauge);
            }
            Class::Histogram => self.histogram(identity, taken),
            Class::Distribution => self.distribution(identity, taken),
        }
    }

    fn counter(
        &mut self,
        identity: Identity<'_>,
        held: &Held,
        taken: &[Bucket],
        zeros: &VecDeque<i64>,
    ) {
        let expires = held.last_seen.saturating_add(self.config.counter_expiry_s);
        let silent = |&start: &i64| {
            start >= held.since && start < expires && !taken.iter().any(|it| it.start == start)
        };
        let counted = taken
            .iter()
            .map(|bucket| (bucket.start, simple(&bucket.value)));
        let mut zeros = zeros.iter().copied().filter(silent).peekable();
        for (start, value) in counted {
            while let Some(zero) = zeros.next_if(|&zero| zero < start) {
                self.point(zero, 0.0);
            }
            let value = self.per_interval(value);
            self.point(start, value);
        }
        for start in zeros {
            self.point(start, 0.0);
        }
        self.send(identity, "", self.counter_type());
    }

    fn histogram(&mut self, identity: Identity<'_>, taken: &mut [Bucket]) {
        let mut histograms: Vec<(i64, &mut Histogram)> = taken
            .iter_mut()
            .filter_map(|bucket| match &mut bucket.value {
                Value::Histogram(histogram) if !histogram.is_empty() => {
                    Some((bucket.start, &mut **histogram))
                }
                _ => None,
            })
            .collect();
        for (_, histogram) in &mut histograms {
            histogram.sort();
        }
        let config = self.config;
        for &aggregate in &config.aggregates {
            let kind = match aggregate {
                super::Aggregate::Count => self.counter_type(),
                _ => MetricType::Gauge,
            };
            for (start, histogram) in &histograms {
                let value = histogram.aggregate(aggregate);
                let value = match kind {
                    MetricType::Rate => self.per_interval(value),
                    _ => value,
                };
                self.point(*start, value);
            }
            self.send(identity, aggregate.suffix(), kind);
        }
        for &percentile in &config.percentiles {
            for (start, histogram) in &histograms {
                self.point(*start, histogram.percentile(percentile));
            }
            let suffix = format!(".{percentile}percentile");
            self.send(identity, &suffix, MetricType::Gauge);
        }
    }

    fn distribution(&mut self, identity: Identity<'_>, taken: &[Bucket]) {
        let sketches = || {
            taken.iter().filter_map(|bucket| match &bucket.value {
                Value::Distribution(sketch) if !sketch.is_empty() => {
                    Some((bucket.start, &**sketch))
                }
                _ => None,
            })
        };
        if !self.config.sends.sketches || sketches().next().is_none() {
            return;
        }
        if self
            .sketches
            .push(identity, sketches(), &mut self.done)
            .is_err()
        {
            self.tally.too_large += 1;
        }
    }

    fn point(&mut self, timestamp: i64, value: f64) {
        // A sum of finite values need not be finite, and the intake takes no other.
        if value.is_finite() {
            self.points.push(Point { timestamp, value });
        } else {
            self.tally.not_finite += 1;
        }
    }

    /// Sends the points that were collected, and forgets them.
    fn send(&mut self, identity: Identity<'_>, suffix: &str, kind: MetricType) {
        if self.config.sends.series {
            let series = Series {
                identity,
                suffix,
                kind,
                interval: self.config.bucket_s,
                points: &self.points,
            };
            if self.series.push(&series, &mut self.done).is_err() {
                self.tally.too_large += 1;
            }
        }
        self.points.clear();
    }

    /// What was counted in a bucket, as it is sent.
    fn per_interval(&self, count: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a bucket")]
        let seconds = self.config.bucket_s as f64;
        match self.config.counters {
            CounterEncoding::Rate => count / seconds,
            CounterEncoding::Count => count,
        }
    }

    const fn counter_type(&self) -> MetricType {
        match self.config.counters {
            CounterEncoding::Rate => MetricType::Rate,
            CounterEncoding::Count => MetricType::Count,
        }
    }
}

/// The value of a counter, gauge or set.
fn simple(value: &Value) -> f64 {
    match value {
        Value::Count(value) | Value::Gauge(value) => *value,
        #[expect(clippy::cast_precision_loss, reason = "a count that memory bounds")]
        Value::Set(set) => set.len() as f64,
        Value::Histogram(_) | Value::Distribution(_) => 0.0,
    }
}
