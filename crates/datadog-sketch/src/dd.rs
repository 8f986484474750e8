//! The DDSketch of trace stats: latencies within 1 %, in the form that tracers and the stats intake exchange.
//!
//! Every sketch here has the mapping of the agent. What tracers send in another one is converted when it is taken
//! in: a bin is spread over the bins that it covers, in proportion, and its count stays what it was.
//! A sketch has at most 2048 bins for each sign; beyond that the bins nearest to zero are merged.

mod mapping;
mod message;
mod store;

use mapping::Mapping;
pub use message::{
    DecodeError, Interpolation, MAX_MESSAGE_BYTES, MAX_STORE_BINS, MappingMessage, Message,
    StoreMessage,
};
use store::Store;

/// The largest count of a bin that is taken in: above it doubles no longer count by one.
const MAX_COUNT: f64 = 9_007_199_254_740_992.0;

/// Why something was not added. The sketch is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The value is no number, infinite, or larger than a sketch can hold.
    #[error("the value is out of range")]
    Value,
    /// A count is no number, below 0, or larger than doubles can count.
    #[error("a count is out of range")]
    Count,
    /// A message says nothing of its mapping, or something without meaning.
    #[error("the mapping of the sketch is missing or has no meaning")]
    Mapping,
}

/// Quantiles of values within 1 %.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sketch {
    positive: Store,
    negative: Store,
    zero_count: f64,
}

impl Sketch {
    /// Adds one value.
    ///
    /// # Errors
    /// When the value is not finite, or above 1.26e308 in size.
    #[inline]
    pub fn insert(&mut self, value: f64) -> Result<(), Refused> {
        self.insert_weighted(value, 1.0)
    }

    /// Adds a value that counts for so many, which may be a fraction; 0 adds nothing.
    ///
    /// # Errors
    /// When the value is not finite or above 1.26e308 in size, or the count is not one.
    #[inline]
    pub fn insert_weighted(&mut self, value: f64, count: f64) -> Result<(), Refused> {
        let mapping = &Mapping::AGENT;
        let size = value.abs();
        if size.is_nan() || size > mapping.max() {
            return Err(Refused::Value);
        }
        check(count)?;
        if size <= mapping.min() {
            self.zero_count += count;
        } else if value > 0.0 {
            self.positive.add(mapping.index_of(size), count);
        } else {
            self.negative.add(mapping.index_of(size), count);
        }
        Ok(())
    }

    /// Adds all values of another sketch.
    pub fn merge(&mut self, other: &Self) {
        self.positive.merge(&other.positive);
        self.negative.merge(&other.negative);
        self.zero_count += other.zero_count;
    }

    /// Adds all values of a message, converted if its mapping is another one.
    ///
    /// # Errors
    /// When its mapping is missing or has no meaning, or one of its counts is none.
    pub fn merge_message(&mut self, message: &Message) -> Result<(), Refused> {
        let mapping = message.mapping.as_ref().and_then(Mapping::of);
        let mapping = mapping.ok_or(Refused::Mapping)?;
        let stores = [&message.positive, &message.negative];
        check(message.zero_count)?;
        for (_, count) in stores.iter().flat_map(|store| store.bins()) {
            check(count)?;
        }
        self.zero_count += message.zero_count;
        for (from, to) in stores.iter().zip([&mut self.positive, &mut self.negative]) {
            for (index, count) in from.bins() {
                if mapping.is_same(&Mapping::AGENT) {
                    to.add(i32::try_from(index).unwrap_or(i32::MAX), count);
                } else if spread(&mapping, index, count, to) == Spread::Zero {
                    self.zero_count += count;
                }
            }
        }
        Ok(())
    }

    /// The sketch of a message, converted if its mapping is another one.
    ///
    /// # Errors
    /// When its mapping is missing or has no meaning, or one of its counts is none.
    pub fn from_message(message: &Message) -> Result<Self, Refused> {
        let mut sketch = Self::default();
        sketch.merge_message(message)?;
        Ok(sketch)
    }

    /// The sketch as a message, its bins in a row.
    pub fn to_message(&self) -> Message {
        let store = |store: &Store| {
            let (contiguous_offset, counts) = store.contiguous();
            StoreMessage {
                sparse: Vec::new(),
                contiguous: counts.to_vec(),
                contiguous_offset,
            }
        };
        Message {
            mapping: Some(Mapping::AGENT.message()),
            positive: store(&self.positive),
            negative: store(&self.negative),
            zero_count: self.zero_count,
        }
    }

    /// How many values there are.
    pub const fn count(&self) -> f64 {
        self.zero_count + self.positive.count() + self.negative.count()
    }

    /// How many values are 0 or too near to it.
    pub const fn zero_count(&self) -> f64 {
        self.zero_count
    }

    /// Whether there is no value.
    pub const fn is_empty(&self) -> bool {
        self.count() == 0.0
    }

    /// Forgets all values, and keeps what is allocated.
    pub fn clear(&mut self) {
        self.positive.clear();
        self.negative.clear();
        self.zero_count = 0.0;
    }

    /// The bytes of memory that the sketch takes, itself included: at most about 32 KiB.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.positive.bytes() + self.negative.bytes()
    }

    /// An estimate of the value below which a share of all values lies: 0.5 is the median.
    ///
    /// `None` of an empty sketch; a share outside of 0 to 1 is that end.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        if self.is_empty() {
            return None;
        }
        let mapping = &Mapping::AGENT;
        let rank = share.clamp(0.0, 1.0) * (self.count() - 1.0).max(0.0);
        let negative = self.negative.count();
        if rank < negative {
            let from_zero = negative - 1.0 - rank;
            return Some(-mapping.value_of(self.negative.index_at(from_zero)));
        }
        let rank = rank - negative;
        if rank < self.zero_count || self.positive.count() == 0.0 {
            return Some(0.0);
        }
        let index = self.positive.index_at(rank - self.zero_count);
        Some(mapping.value_of(index))
    }
}

/// Where the count of a bin went.
#[derive(PartialEq, Eq)]
enum Spread {
    Bins,
    /// Nowhere: its values are too near to zero.
    Zero,
}

/// Adds a bin of another mapping to the bins of the agent's that it covers, as if its values were evenly spread.
fn spread(from: &Mapping, index: i64, count: f64, store: &mut Store) -> Spread {
    let to = &Mapping::AGENT;
    let lower = from.lower_bound(index as f64);
    let upper = from.lower_bound(index as f64 + 1.0);
    if upper <= to.min() {
        return Spread::Zero;
    }
    let lower = lower.clamp(to.min(), to.max());
    let upper = upper.clamp(to.min(), to.max());
    let mut left = count;
    let mut index = to.index_of(lower);
    let mut start = lower;
    loop {
        let end = to.lower_bound(f64::from(index) + 1.0);
        if end >= upper {
            // The rest, so that no rounding changes the count.
            store.add(index, left);
            return Spread::Bins;
        }
        let part = (count * ((end - start).max(0.0) / (upper - lower))).min(left);
        store.add(index, part);
        left -= part;
        start = end;
        index += 1;
    }
}

fn check(count: f64) -> Result<(), Refused> {
    if (0.0..=MAX_COUNT).contains(&count) {
        Ok(())
    } else {
        Err(Refused::Count)
    }
}

#[cfg(test)]
mod tests;
