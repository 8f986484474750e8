//! What a metric sketch knows beside its bins, kept up one value at a time.
//!
//! Adds in the order and with the roundings of Datadog's agent, so that the same values give the same bits.
//! Departs from it only where that would become infinite: sums stay at the largest double.

/// Count, extremes, sum and average of the values of a sketch; all 0 of an empty one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many values.
    pub count: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The sum, at most the largest double.
    pub sum: f64,
    /// The average, which is not the sum divided by the count where weights are not whole numbers.
    pub avg: f64,
}

/// How many values one stands for: the reverse of a sample rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weight {
    exact: f64,
    copies: u64,
}

/// The smallest sample rate; a smaller one counts as this, so that one value stands for at most 260 million.
const SMALLEST_RATE: f64 = 0.000_000_003_845;

impl Weight {
    /// A value stands for itself.
    pub const ONE: Self = Self {
        exact: 1.0,
        copies: 1,
    };

    /// The weight of values of which a client sends this share.
    ///
    /// `None` unless the rate is above 0 and at most 1. The agent takes any other one for 1; so should the caller,
    /// who also counts it.
    pub fn from_rate(rate: f64) -> Option<Self> {
        if !(rate > 0.0 && rate <= 1.0) {
            return None;
        }
        let exact = 1.0 / rate.max(SMALLEST_RATE);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the whole part is what is wanted, of a number from 1 to 260 million"
        )]
        let copies = exact as u64;
        Some(Self { exact, copies })
    }

    /// How many values are counted: the whole part.
    pub const fn copies(self) -> u64 {
        self.copies
    }

    /// What a value is multiplied by for the sum.
    pub const fn exact(self) -> f64 {
        self.exact
    }
}

impl Summary {
    /// Of no value.
    pub(crate) const EMPTY: Self = Self {
        count: 0,
        min: 0.0,
        max: 0.0,
        sum: 0.0,
        avg: 0.0,
    };

    /// Adds a finite value.
    #[inline]
    pub(crate) fn insert(&mut self, value: f64, weight: Weight) {
        self.merge(&Self {
            count: weight.copies(),
            min: value,
            max: value,
            sum: finite(value * weight.exact()),
            avg: value,
        });
    }

    /// Adds a finite value that stands for itself: the same as with that weight, in less time.
    #[inline]
    pub(crate) fn insert_one(&mut self, value: f64) {
        if self.count == 0 {
            return self.insert(value, Weight::ONE);
        }
        if value > self.max {
            self.max = value;
        }
        if value < self.min {
            self.min = value;
        }
        self.count += 1;
        self.sum = finite(self.sum + value);
        let avg = self.avg + (value - self.avg) / self.count as f64;
        self.avg = if avg.is_finite() {
            avg
        } else {
            mean(self.avg, value, 1.0 / self.count as f64)
        };
    }

    /// Adds all values of another one.
    #[inline]
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        if other.count == 0 {
            return;
        }
        if other.max > self.max {
            self.max = other.max;
        }
        if other.min < self.min {
            self.min = other.min;
        }
        self.count += other.count;
        self.sum = finite(self.sum + other.sum);
        let (more, all) = (other.count as f64, self.count as f64);
        let avg = self.avg + (other.avg - self.avg) * more / all;
        self.avg = if avg.is_finite() {
            avg
        } else {
            mean(self.avg, other.avg, more / all)
        };
    }
}

/// The average of two numbers of which the second has this share, where their difference may be infinite.
#[cold]
fn mean(first: f64, second: f64, share: f64) -> f64 {
    first * (1.0 - share) + second * share
}

/// The nearest finite number, of one that is no NaN.
#[inline]
fn finite(number: f64) -> f64 {
    number.clamp(f64::MIN, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(f64, f64)]) -> Summary {
        let mut summary = Summary::EMPTY;
        for &(value, rate) in values {
            summary.insert(value, Weight::from_rate(rate).unwrap());
        }
        summary
    }

    #[test]
    fn a_sampled_value_counts_in_whole_numbers_and_sums_in_fractions() {
        let summary = of(&[(8.0, 0.3)]);
        assert_eq!(
            summary,
            Summary {
                count: 3,
                min: 8.0,
                max: 8.0,
                sum: 8.0 * (1.0 / 0.3),
                avg: 8.0
            }
        );
    }

    #[test]
    fn the_average_is_weighted_by_whole_counts() {
        assert_eq!(of(&[(10.0, 0.5), (40.0, 1.0)]).avg, 20.0);
        assert_eq!(of(&[(10.0, 1.0), (40.0, 0.5)]).avg, 30.0);
    }

    #[test]
    fn one_value_is_as_a_value_of_weight_one() {
        let values = [3.5, -1e300, f64::MAX, 0.1, f64::MIN, f64::MIN, 7.0];
        let mut summary = Summary::EMPTY;
        for value in values {
            summary.insert_one(value);
        }
        assert_eq!(summary, of(&values.map(|value| (value, 1.0))));
    }

    #[test]
    fn rates_that_are_no_share_have_no_weight() {
        for rate in [0.0, -0.5, 1.000_000_1, f64::NAN, f64::INFINITY] {
            assert_eq!(Weight::from_rate(rate), None, "{rate}");
        }
        assert_eq!(Weight::from_rate(1.0), Some(Weight::ONE));
    }

    #[test]
    fn the_smallest_rate_bounds_the_weight() {
        for rate in [f64::MIN_POSITIVE, 1e-12, 0.000_000_003_845] {
            let weight = Weight::from_rate(rate).unwrap();
            assert_eq!(weight.copies(), 260_078_023, "{rate}");
        }
    }

    #[test]
    fn sums_and_averages_stay_finite() {
        let summary = of(&[(f64::MAX, 1e-6), (f64::MAX, 1.0), (f64::MIN, 1.0)]);
        assert_eq!((summary.min, summary.max), (f64::MIN, f64::MAX));
        assert_eq!(summary.count, 1_000_002);
        assert!(summary.sum.is_finite(), "{}", summary.sum);
        assert!(summary.avg.is_finite(), "{}", summary.avg);
    }
}
