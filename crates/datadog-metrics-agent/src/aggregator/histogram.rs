//! What is computed of a histogram: aggregates and percentiles, as the core agent computes them.
//!
//! A value stands for several where its client sends only some. The agent counts whole ones and sums up exact ones,
//! so that an average of values with rates such as 0.3 is a little off; so is ours.

use datadog_sketch::agent::Weight;

/// What is sent of a histogram, beside percentiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The value in the middle.
    Median,
    /// The average.
    Avg,
    /// The sum.
    Sum,
    /// How many values.
    Count,
}

impl Aggregate {
    /// The aggregate of a word of the configuration.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "max" => Self::Max,
            "min" => Self::Min,
            "median" => Self::Median,
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "count" => Self::Count,
            _ => return None,
        })
    }

    /// What follows the name of the metric.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Max => ".max",
            Self::Min => ".min",
            Self::Median => ".median",
            Self::Avg => ".avg",
            Self::Sum => ".sum",
            Self::Count => ".count",
        }
    }
}

/// The values of one bucket.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Values, and how many each stands for; sorted by value when asked.
    values: Vec<(f64, u32)>,
    sum: f64,
    count: u64,
}

impl Histogram {
    pub(super) fn insert(&mut self, value: f64, weight: Weight) {
        // At most 260 million, by the smallest rate.
        let copies = u32::try_from(weight.copies()).unwrap_or(u32::MAX);
        self.values.push((value, copies));
        self.sum += value * weight.exact();
        self.count += u64::from(copies);
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        (self.sum, self.count) = (0.0, 0);
    }

    /// The bytes that the values take.
    pub(super) fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<(f64, u32)>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Makes ready for questions.
    pub(super) fn sort(&mut self) {
        self.values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    }

    /// An aggregate of sorted values, of which there is at least one.
    pub(super) fn aggregate(&self, aggregate: Aggregate) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count, for people")]
        let count = self.count as f64;
        let value = |pair: Option<&(f64, u32)>| pair.map_or(0.0, |pair| pair.0);
        match aggregate {
            Aggregate::Max => value(self.values.last()),
            Aggregate::Min => value(self.values.first()),
            Aggregate::Median => self.above(self.count.saturating_sub(1) / 2),
            Aggregate::Avg => self.sum / count,
            Aggregate::Sum => self.sum,
            Aggregate::Count => count,
        }
    }

    /// A percentile of sorted values, from 1 to 100.
    pub(super) fn percentile(&self, percentile: u8) -> f64 {
        let target = u128::from(percentile) * u128::from(self.count);
        let target = target.saturating_sub(1) / 100;
        self.above(u64::try_from(target).unwrap_or(u64::MAX))
    }

    /// The first value up to which there are more than so many.
    fn above(&self, target: u64) -> f64 {
        let mut below = 0;
        for &(value, copies) in &self.values {
            below += u64::from(copies);
            if below > target {
                return value;
            }
        }
        self.values.last().map_or(0.0, |pair| pair.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Aggregate; 6] = [
        Aggregate::Max,
        Aggregate::Min,
        Aggregate::Median,
        Aggregate::Avg,
        Aggregate::Sum,
        Aggregate::Count,
    ];

    fn of(values: &[(f64, f64)]) -> Histogram {
        let mut histogram = Histogram::default();
        for &(value, rate) in values {
            histogram.insert(value, Weight::from_rate(rate).unwrap());
        }
        histogram.sort();
        histogram
    }

    #[test]
    fn aggregates_of_whole_values() {
        let histogram = of(&[(3.0, 1.0), (1.0, 1.0), (4.0, 1.0), (2.0, 1.0)]);
        assert_eq!(
            ALL.map(|it| histogram.aggregate(it)),
            [4.0, 1.0, 2.0, 2.5, 10.0, 4.0]
        );
        assert_eq!(histogram.percentile(95), 4.0);
        assert_eq!(histogram.percentile(25), 1.0);
        assert_eq!(histogram.percentile(26), 2.0);
        assert_eq!(histogram.percentile(100), 4.0);
        assert_eq!(histogram.percentile(1), 1.0);
    }

    #[test]
    fn a_value_stands_for_those_that_were_not_sent() {
        let histogram = of(&[(10.0, 0.5), (20.0, 1.0)]);
        assert_eq!(
            ALL.map(|it| histogram.aggregate(it)),
            [20.0, 10.0, 10.0, 40.0 / 3.0, 40.0, 3.0]
        );
        // Three values count, but 3.3 of them are in the sum.
        let uneven = of(&[(3.0, 0.3)]);
        assert_eq!(uneven.aggregate(Aggregate::Count), 3.0);
        assert_eq!(uneven.aggregate(Aggregate::Sum), 3.0 * (1.0 / 0.3));
    }

    #[test]
    fn every_word_of_the_configuration_is_an_aggregate() {
        for aggregate in ALL {
            let word = aggregate.suffix().trim_start_matches('.');
            assert_eq!(Aggregate::of(word), Some(aggregate));
        }
        assert_eq!(Aggregate::of("mean"), None);
    }
}
