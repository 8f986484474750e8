//! The bins of a DDSketch: contiguous, at most 2048, the lowest merged when there would be more.
//!
//! Grows with the range of indexes in use and is never larger than 16 KiB. Counts are doubles: a conversion from
//! another mapping divides them.

/// Bins of a store; indexes further below the largest are merged into the lowest of them.
const MAX_BINS: usize = 2048;
/// Bins that are allocated beyond those in use, so that not every new index moves all of them.
const SLACK: usize = 32;

#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    /// Counts from the index `first` on.
    bins: Vec<f64>,
    first: i32,
    /// The indexes of the lowest and of the highest bin with a count; of no meaning in an empty store.
    min: i32,
    max: i32,
    count: f64,
}

impl Store {
    /// The sum of all counts.
    pub(crate) const fn count(&self) -> f64 {
        self.count
    }

    /// The bytes that are allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.bins.capacity() * size_of::<f64>()
    }

    pub(crate) fn clear(&mut self) {
        self.bins.fill(0.0);
        self.count = 0.0;
    }

    /// Adds to the bin of an index; what is not above 0 adds nothing.
    #[inline]
    pub(crate) fn add(&mut self, index: i32, count: f64) {
        if count > 0.0 {
            if let Some(bin) = self.bin(index) {
                *bin += count;
            }
            self.count += count;
        }
    }

    /// Adds all bins of another store.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (index, count) in other.bins() {
            self.add(index, count);
        }
    }

    /// The bins with a count, ascending by index.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (i32, f64)> + '_ {
        let (first, counts) = self.contiguous();
        (first..=i32::MAX)
            .zip(counts)
            .filter(|(_, count)| **count > 0.0)
            .map(|(index, count)| (index, *count))
    }

    /// The counts from the lowest bin that has one to the highest, and the index of the lowest.
    pub(crate) fn contiguous(&self) -> (i32, &[f64]) {
        if self.count == 0.0 {
            return (0, &[]);
        }
        let range = self.position(self.min)..=self.position(self.max);
        (self.min, self.bins.get(range).unwrap_or_default())
    }

    /// The index of the bin in which the value of this rank is, counted from 0 and from the lowest.
    pub(crate) fn index_at(&self, rank: f64) -> i32 {
        let mut below = 0.0;
        self.bins()
            .find(|(_, count)| {
                below += count;
                below > rank
            })
            .map_or(self.max, |(index, _)| index)
    }

    /// The bin of an index, made if there is none.
    #[inline]
    fn bin(&mut self, index: i32) -> Option<&mut f64> {
        let known = self.count > 0.0 && (self.min..=self.max).contains(&index);
        let index = if known { index } else { self.widen(index) };
        let position = self.position(index);
        self.bins.get_mut(position)
    }

    /// Extends the range in use by an index, and returns the index that is used instead, which is higher if that
    /// one is too low.
    #[cold]
    fn widen(&mut self, index: i32) -> i32 {
        let (min, max) = if self.count > 0.0 {
            (self.min.min(index), self.max.max(index))
        } else {
            (index, index)
        };
        let floor = max.saturating_sub_unsigned(as_u32(MAX_BINS - 1));
        let min = min.max(floor);
        let end = i64::from(self.first) + self.bins.len() as i64;
        if min < self.first || i64::from(max) >= end {
            self.move_to(min, max);
        }
        (self.min, self.max) = (min, max);
        index.max(floor)
    }

    /// Makes the bins cover a range, merging what is below it into its lowest bin.
    fn move_to(&mut self, min: i32, max: i32) {
        let used = usize::try_from(max.abs_diff(min)).map_or(MAX_BINS, |span| span + 1);
        let slack = (MAX_BINS.saturating_sub(used) / 2).min(SLACK);
        let mut moved = Self {
            bins: vec![0.0; (used + 2 * slack).min(MAX_BINS)],
            first: min.saturating_sub_unsigned(as_u32(slack)),
            ..Self::default()
        };
        for (index, count) in self.bins() {
            let position = moved.position(index.max(min));
            if let Some(bin) = moved.bins.get_mut(position) {
                *bin += count;
            }
        }
        self.bins = moved.bins;
        self.first = moved.first;
    }

    fn position(&self, index: i32) -> usize {
        usize::try_from(i64::from(index) - i64::from(self.first)).unwrap_or(usize::MAX)
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        self.contiguous() == other.contiguous()
    }
}

fn as_u32(bins: usize) -> u32 {
    u32::try_from(bins).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn of(bins: &[(i32, f64)]) -> Store {
        let mut store = Store::default();
        for &(index, count) in bins {
            store.add(index, count);
        }
        store
    }

    #[test]
    fn bins_are_contiguous_between_the_outermost() {
        let store = of(&[(5, 1.0), (3, 2.0), (5, 0.5), (4, 0.0), (9, 0.0)]);
        assert_eq!(store.contiguous(), (3, &[2.0, 0.0, 1.5][..]));
        assert_eq!(store.count(), 3.5);
        assert_eq!(Store::default().contiguous(), (0, &[][..]));
    }

    #[test]
    fn the_lowest_bins_are_merged_when_there_are_too_many() {
        let low = of(&[(0, 1.0), (2047, 1.0), (2048, 1.0), (2049, 1.0)]);
        let bins: Vec<(i32, f64)> = low.bins().collect();
        assert_eq!(bins, [(2, 1.0), (2047, 1.0), (2048, 1.0), (2049, 1.0)]);
        let late = of(&[(2047, 1.0), (0, 1.0), (-1, 2.0), (1, 4.0)]);
        let bins: Vec<(i32, f64)> = late.bins().collect();
        assert_eq!(bins, [(0, 3.0), (1, 4.0), (2047, 1.0)]);
        let far = of(&[(7, 1.0), (i32::MAX, 1.0), (i32::MIN, 1.0)]);
        let bins: Vec<(i32, f64)> = far.bins().collect();
        assert_eq!(bins, [(i32::MAX - 2047, 2.0), (i32::MAX, 1.0)]);
    }

    #[test]
    fn the_lowest_and_the_highest_index_have_bins() {
        let lowest = of(&[(i32::MIN, 1.0), (i32::MIN + 1, 2.0)]);
        assert_eq!(lowest.contiguous(), (i32::MIN, &[1.0, 2.0][..]));
        let highest = of(&[(i32::MAX, 1.0), (i32::MAX - 1, 2.0)]);
        assert_eq!(highest.contiguous(), (i32::MAX - 1, &[2.0, 1.0][..]));
    }

    #[test]
    fn a_cleared_store_is_as_a_new_one() {
        let mut store = of(&[(5, 1.0), (50, 2.0)]);
        store.clear();
        assert_eq!(store, Store::default());
        store.add(-3, 1.0);
        assert_eq!(store.contiguous(), (-3, &[1.0][..]));
    }

    proptest! {
        #[test]
        fn a_store_is_a_map_of_which_the_lowest_indexes_are_merged(
            bins in proptest::collection::vec(
                (prop_oneof![-3000i32..3000, -100i32..100, any::<i32>()], 1u8..9),
                1..200,
            ),
            split in 0usize..200,
        ) {
            let bins: Vec<(i32, f64)> =
                bins.into_iter().map(|(index, count)| (index, count.into())).collect();
            let max = bins.iter().map(|(index, _)| *index).max().unwrap();
            let mut expected = BTreeMap::new();
            for &(index, count) in &bins {
                *expected.entry(index.max(max.saturating_sub(2047))).or_insert(0.0) += count;
            }
            let store = of(&bins);
            prop_assert_eq!(store.bins().collect::<BTreeMap<_, _>>(), expected);
            prop_assert!(store.bytes() <= MAX_BINS * size_of::<f64>());
            let (left, right) = bins.split_at(split.min(bins.len()));
            let mut merged = of(left);
            merged.merge(&of(right));
            prop_assert_eq!(merged.count(), store.count());
            prop_assert_eq!(merged, store);
        }
    }
}
