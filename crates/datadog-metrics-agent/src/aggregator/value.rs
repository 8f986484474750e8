//! What a context holds: for each bucket of time in which it was sampled, a value of its class.
//!
//! Nearly always there is one bucket, which is why one is held in place. Sketches and histograms are used again from
//! one bucket to the next, so that a context that goes on as before allocates nothing.

use datadog_sketch::agent::{Sketch, Weight};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::histogram::Histogram;
use crate::context::{Class, ContextId};
use crate::parse::{Metric, Numbers, Sample};

/// What a bucket costs besides what its value allocates.
pub(super) const BUCKET_BYTES: usize = size_of::<Bucket>();
/// What an element of a set costs besides its text.
const ELEMENT_BYTES: usize = 40;
/// Sketches and histograms that are kept for use again, of each.
const POOL: usize = 1_024;
/// The largest one that is kept, in bytes.
const POOLED_BYTES: usize = 4_096;

/// What is held for a context; its class is that of the context.
#[derive(Debug)]
pub(super) struct Held {
    /// When the last sample came, in seconds since 1970.
    pub(super) last_seen: i64,
    /// Start of the first bucket; later than any before there is one.
    pub(super) since: i64,
    /// The context of the copy as a distribution.
    pub(super) copy: Option<ContextId>,
    pub(super) buckets: SmallVec<[Bucket; 1]>,
}

/// A value, and when its bucket starts.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) start: i64,
    pub(super) value: Value,
}

/// The values of one bucket, in two words: most are numbers.
#[derive(Debug)]
pub(super) enum Value {
    Count(f64),
    Gauge(f64),
    Set(Box<HashSet<Box<[u8]>, RandomState>>),
    Histogram(Box<Histogram>),
    Distribution(Box<Sketch>),
}

/// Sketches and histograms that are empty and have memory.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "the boxes are what is used again")]
pub(super) struct Pools {
    sketches: Vec<Box<Sketch>>,
    histograms: Vec<Box<Histogram>>,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            last_seen: i64::MIN,
            since: i64::MAX,
            copy: None,
            buckets: SmallVec::new(),
        }
    }
}

impl Held {
    /// Whether a value of the bucket that starts then takes no more memory.
    pub(super) fn has_room(&self, class: Class, start: i64) -> bool {
        let is_number = matches!(class, Class::Counter | Class::Gauge);
        is_number && self.buckets.iter().any(|bucket| bucket.start == start)
    }

    /// The value of the bucket that starts then, and whether it is new.
    #[inline]
    pub(super) fn bucket(
        &mut self,
        class: Class,
        start: i64,
        pools: &mut Pools,
    ) -> (&mut Value, bool) {
        // The last one is nearly always the one.
        let place = self
            .buckets
            .iter()
            .rposition(|bucket| bucket.start == start);
        let is_new = place.is_none();
        let place = place.unwrap_or_else(|| {
            if self.since == i64::MAX {
                self.since = start;
            }
            self.buckets.push(Bucket {
                start,
                value: pools.new_value(class),
            });
            self.buckets.len() - 1
        });
        // The place is that of a bucket.
        let bucket = &mut self.buckets[place];
        (&mut bucket.value, is_new)
    }
}

impl Value {
    /// Reads what a sample is going to change, so that it is near when it does; says something of it.
    #[inline]
    pub(super) fn look(&self) -> usize {
        match self {
            Self::Count(_) | Self::Gauge(_) => 0,
            Self::Set(set) => set.len(),
            Self::Histogram(histogram) => histogram.bytes(),
            Self::Distribution(sketch) => sketch.bins().first().map_or(0, |bin| bin.count as usize),
        }
    }

    /// Adds the values of a metric of its class; returns by how many bytes it grew.
    #[inline]
    pub(super) fn add(&mut self, metric: &Metric<'_>, weight: Weight) -> usize {
        match (self, metric.sample) {
            (Self::Count(sum), Sample::Count(numbers)) => {
                numbers.for_each(|value| *sum += value * weight.exact());
                0
            }
            (Self::Gauge(last), Sample::Gauge(numbers)) => {
                numbers.for_each(|value| *last = value);
                0
            }
            (Self::Histogram(histogram), Sample::Histogram(numbers) | Sample::Timer(numbers)) => {
                let before = histogram.bytes();
                numbers.for_each(|value| histogram.insert(value, weight));
                histogram.bytes() - before
            }
            (
                Self::Distribution(sketch),
                Sample::Distribution(numbers) | Sample::Histogram(numbers) | Sample::Timer(numbers),
            ) => sketched(sketch, numbers, weight),
            (Self::Set(set), Sample::Set(text)) => {
                if set.contains(text.as_bytes()) {
                    return 0;
                }
                set.insert(text.as_bytes().into());
                text.as_bytes().len() + ELEMENT_BYTES
            }
            // The class of a context is that of its samples.
            _ => 0,
        }
    }

    /// The bytes that it takes besides its bucket.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Count(_) | Self::Gauge(_) => 0,
            Self::Set(set) => set.iter().map(|it| it.len() + ELEMENT_BYTES).sum(),
            Self::Histogram(histogram) => histogram.bytes(),
            Self::Distribution(sketch) => sketch.bytes() - size_of::<Sketch>(),
        }
    }
}

/// Adds numbers to a sketch, which refuses only what would be more than it can count; returns by how much it grew.
fn sketched(sketch: &mut Sketch, numbers: Numbers<'_>, weight: Weight) -> usize {
    let before = sketch.bytes();
    numbers.for_each(|value| {
        // With seventeen billion values in one bucket, the statistics no longer change.
        let _full = match weight {
            Weight::ONE => sketch.insert(value),
            weight => sketch.insert_weighted(value, weight),
        }
        .is_err();
    });
    sketch.bytes().saturating_sub(before)
}

impl Pools {
    fn new_value(&mut self, class: Class) -> Value {
        match class {
            Class::Counter => Value::Count(0.0),
            Class::Gauge => Value::Gauge(0.0),
            Class::Set => Value::Set(Box::default()),
            Class::Histogram => Value::Histogram(self.histograms.pop().unwrap_or_default()),
            Class::Distribution => Value::Distribution(self.sketches.pop().unwrap_or_default()),
        }
    }

    /// Takes back a value that is no longer needed.
    pub(super) fn put(&mut self, value: Value) {
        match value {
            Value::Histogram(mut histogram) if histogram.bytes() <= POOLED_BYTES => {
                histogram.clear();
                if self.histograms.len() < POOL {
                    self.histograms.push(histogram);
                }
            }
            Value::Distribution(mut sketch) if sketch.bytes() <= POOLED_BYTES => {
                sketch.clear();
                if self.sketches.len() < POOL {
                    self.sketches.push(sketch);
                }
            }
            _ => {}
        }
    }
}
