//! The sketch of a distribution metric, exactly as Datadog's agent makes it and its intake expects it.
//!
//! A value costs a logarithm and a binary search; nothing is allocated unless its bin is new.
//! There are at most 4096 bins, and as many full ones beside them as a count needs that fits in no single bin;
//! counts are bounded so that these are at most 4096 as well. Beyond the limit the lowest bins are merged.
//!
//! Refuses what is not finite, and what would exceed the bound of counts. Knows nothing of names, tags or time.

mod bins;
mod key;
mod message;
mod summary;

use bins::{BATCH, Bins};
pub use key::{key_of, value_of};
pub use message::{Dogsketch, Error, MAX_MESSAGE_BYTES};
pub use summary::{Summary, Weight};

/// Bins that a sketch keeps, full ones of an overflowing count aside.
pub const BIN_LIMIT: usize = 4096;

/// Values with nearly the same logarithm, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// Which values; see [`value_of`].
    pub key: i16,
    /// How many, at least 1.
    pub count: u32,
}

/// How large the count of one bin may become before a second bin of the same key is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BinWidth {
    /// 65 535, as in all agents up to now: for comparisons byte by byte with their sketches.
    U16,
    /// 4 294 967 295, which the intake accepts as well.
    #[default]
    U32,
}

impl BinWidth {
    const fn max(self) -> u64 {
        match self {
            Self::U16 => 65_535,
            Self::U32 => 4_294_967_295,
        }
    }

    /// The most values that a sketch holds; with more, its bins would no longer be bounded.
    pub const fn max_count(self) -> u64 {
        self.max() * BIN_LIMIT as u64
    }
}

/// Why a value, or another sketch, was not added. The sketch is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The value is infinite or no number, which would spoil every statistic of the sketch.
    #[error("the value is not finite")]
    NotFinite,
    /// The sketch would hold more values than [`BinWidth::max_count`].
    #[error("the sketch holds as many values as it can")]
    Full,
}

/// How many values of a batch were not added, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refusals {
    /// Values that are infinite or no numbers.
    pub not_finite: usize,
    /// Values for which there was no room.
    pub full: usize,
}

/// Quantiles of values within 2.4 %, with count, extremes, sum and average beside them.
///
/// Two sketches are equal if they have the same bins of the same width and the same summary, bit for bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    bins: Bins,
    summary: Summary,
}

impl Default for Sketch {
    fn default() -> Self {
        Self::new(BinWidth::default())
    }
}

impl Sketch {
    /// An empty sketch, which has allocated nothing yet.
    pub const fn new(width: BinWidth) -> Self {
        Self {
            bins: Bins::new(width),
            summary: Summary::EMPTY,
        }
    }

    /// Adds one value.
    ///
    /// # Errors
    /// When the value is not finite, or the sketch is full.
    #[inline]
    pub fn insert(&mut self, value: f64) -> Result<(), Refused> {
        if !value.is_finite() {
            return Err(Refused::NotFinite);
        }
        self.make_sure_of_room(1)?;
        self.summary.insert_one(value);
        self.bins.add(key_of(value), 1);
        Ok(())
    }

    /// Adds a value that stands for several, because a client sent only some of them.
    ///
    /// Its bin and the count grow by the whole part of the weight, the sum by all of it, as in the agent.
    ///
    /// # Errors
    /// When the value is not finite, or there is no room for so many.
    #[inline]
    pub fn insert_weighted(&mut self, value: f64, weight: Weight) -> Result<(), Refused> {
        if !value.is_finite() {
            return Err(Refused::NotFinite);
        }
        self.make_sure_of_room(weight.copies())?;
        self.summary.insert(value, weight);
        self.bins.add(key_of(value), weight.copies());
        Ok(())
    }

    /// Adds many values, which is faster than one by one and gives the same sketch.
    ///
    /// Returns how many were not added.
    pub fn insert_many(&mut self, values: &[f64]) -> Refusals {
        let mut refusals = Refusals::default();
        let mut keys = [0; BATCH];
        for values in values.chunks(BATCH) {
            let mut len = 0;
            for &value in values {
                if !value.is_finite() {
                    refusals.not_finite += 1;
                } else if self.make_sure_of_room(1).is_err() {
                    refusals.full += 1;
                } else if let Some(slot) = keys.get_mut(len) {
                    self.summary.insert_one(value);
                    *slot = key_of(value);
                    len += 1;
                }
            }
            self.bins.add_all(&mut keys[..len]);
        }
        refusals
    }

    /// Adds all that another sketch holds. Its bins keep their accuracy; the width of this sketch decides.
    ///
    /// # Errors
    /// When there is no room for so many values.
    pub fn merge(&mut self, other: &Self) -> Result<(), Refused> {
        self.make_sure_of_room(other.summary.count)?;
        self.summary.merge(&other.summary);
        self.bins.merge(&other.bins);
        Ok(())
    }

    /// Forgets all values, and keeps what is allocated.
    pub fn clear(&mut self) {
        self.bins.clear();
        self.summary = Summary::EMPTY;
    }

    /// Whether there is no value.
    pub const fn is_empty(&self) -> bool {
        self.summary.count == 0
    }

    /// Count, extremes, sum and average.
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// The bins, ascending by key; the same key several times where a count does not fit in one bin.
    pub fn bins(&self) -> &[Bin] {
        self.bins.as_slice()
    }

    /// How large the count of a bin may become.
    pub const fn width(&self) -> BinWidth {
        self.bins.width()
    }

    /// The column `k` of the payload: the keys of the bins.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = i32> + '_ {
        self.bins().iter().map(|bin| bin.key.into())
    }

    /// The column `n` of the payload: the counts of the bins.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.bins().iter().map(|bin| bin.count)
    }

    /// The bytes of memory that the sketch takes, itself included: at most about 130 KiB.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.bins.bytes()
    }

    /// An estimate of the value below which a share of all values lies: 0.5 is the median.
    ///
    /// Interpolates within a bin as the agent does, and stays between the extremes. `None` of an empty sketch;
    /// a share outside of 0 to 1 is that end.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let Summary {
            count, min, max, ..
        } = self.summary;
        if count == 0 {
            return None;
        }
        if share <= 0.0 {
            return Some(min);
        }
        let rank = (share * (count - 1) as f64).round_ties_even();
        let mut below = 0.0;
        for (index, bin) in self.bins().iter().enumerate() {
            below += f64::from(bin.count);
            if share < 1.0 && below > rank {
                let weight = (below - rank) / f64::from(bin.count);
                let middle = value_of(bin.key);
                let low = if index == 0 { min } else { middle };
                let high = middle * key::GAMMA;
                // Between the extremes also where a bin has no finite value.
                return Some((low * weight + high * (1.0 - weight)).max(min).min(max));
            }
        }
        Some(max)
    }

    fn make_sure_of_room(&self, count: u64) -> Result<(), Refused> {
        let total = self.summary.count.checked_add(count);
        if total.is_some_and(|total| total <= self.width().max_count()) {
            Ok(())
        } else {
            Err(Refused::Full)
        }
    }
}

#[cfg(test)]
mod tests;
