//! The bins of a metric sketch: ascending by key, none empty, at most so many that memory stays bounded.
//!
//! A count that does not fit in one bin takes several of the same key, of which all but the first are full.
//! What is to be added must fit: whoever calls looks at the total first.

use super::{BIN_LIMIT, Bin, BinWidth};

/// Keys that are sorted and merged at once; they live on the stack.
pub(crate) const BATCH: usize = 512;
/// Bins for which there is room beyond the limit, before the lowest are merged.
const SPARE: usize = BATCH;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bins {
    list: Vec<Bin>,
    width: BinWidth,
}

impl Bins {
    pub(crate) const fn new(width: BinWidth) -> Self {
        Self {
            list: Vec::new(),
            width,
        }
    }

    pub(crate) fn as_slice(&self) -> &[Bin] {
        &self.list
    }

    pub(crate) const fn width(&self) -> BinWidth {
        self.width
    }

    /// The bytes that are allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<Bin>()
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// Adds to the bin of a key, and merges the lowest bins if they have become too many.
    #[inline]
    pub(crate) fn add(&mut self, key: i16, count: u64) {
        if !self.add_in_place(key, count) {
            self.add_bins(key, count);
            self.trim(BIN_LIMIT);
        }
    }

    /// Adds one to the bin of each key, and merges the lowest bins if they have become too many.
    ///
    /// At most [`BATCH`] keys, which are sorted here.
    pub(crate) fn add_all(&mut self, keys: &mut [i16]) {
        // Most keys have a bin already: only the others are worth sorting.
        let mut misses = 0;
        for index in 0..keys.len() {
            if !self.add_in_place(keys[index], 1) {
                keys.swap(index, misses);
                misses += 1;
            }
        }
        if misses > 0 {
            self.add_missing(&mut keys[..misses]);
            self.trim(BIN_LIMIT);
        }
    }

    /// Adds one to the bin of each key, most of which have none yet.
    fn add_missing(&mut self, keys: &mut [i16]) {
        keys.sort_unstable();
        let mut new = [Bin { key: 0, count: 0 }; BATCH];
        let mut new_len = 0;
        for run in keys.chunk_by(|left, right| left == right) {
            let (Some(&key), Ok(count)) = (run.first(), u32::try_from(run.len())) else {
                continue;
            };
            let index = self.list.partition_point(|bin| bin.key < key);
            if self.list.get(index).is_some_and(|bin| bin.key == key) {
                // Its bin is full.
                self.add_bins(key, count.into());
            } else if let Some(slot) = new.get_mut(new_len) {
                *slot = Bin { key, count };
                new_len += 1;
            }
        }
        self.add_new(&new[..new_len]);
    }

    /// Adds all bins of another sketch, then merges the lowest bins if they have become too many.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut merged = Self::new(self.width);
        merged
            .list
            .reserve_exact(self.list.len() + other.list.len());
        let mut own = self.list.iter().copied().peekable();
        for bin in &other.list {
            while let Some(lower) = own.next_if(|lower| lower.key < bin.key) {
                merged.list.push(lower);
            }
            let same = own.next_if(|same| same.key == bin.key);
            let count = u64::from(bin.count) + same.map_or(0, |same| same.count.into());
            merged.push(bin.key, count);
        }
        merged.list.extend(own);
        merged.trim(BIN_LIMIT);
        merged.list.shrink_to(merged.list.len().next_power_of_two());
        *self = merged;
    }

    /// Appends a bin whose key is not below the last.
    pub(crate) fn push_bin(&mut self, bin: Bin) {
        self.list.push(bin);
    }

    /// Appends as many bins as a count needs; the key is not below the last.
    fn push(&mut self, key: i16, count: u64) {
        self.list.extend(split(key, count, self.width));
    }

    /// Adds to a bin if there is one and the count fits in it.
    #[inline]
    fn add_in_place(&mut self, key: i16, count: u64) -> bool {
        let index = self.list.partition_point(|bin| bin.key < key);
        if let Some(bin) = self.list.get_mut(index).filter(|bin| bin.key == key) {
            return bin.add(count, self.width);
        }
        if self.list.len() == BIN_LIMIT && index == 0 {
            // It would become the lowest bin, and be merged with the second at once.
            return self
                .list
                .first_mut()
                .is_some_and(|lowest| lowest.add(count, self.width));
        }
        false
    }

    /// Replaces the first bin of a key, or inserts one, by as many as the count needs.
    #[cold]
    fn add_bins(&mut self, key: i16, count: u64) {
        let index = self.list.partition_point(|bin| bin.key < key);
        let old = self.list.get(index).filter(|bin| bin.key == key);
        let replaced = usize::from(old.is_some());
        let total = count + old.map_or(0, |old| old.count.into());
        let new = split(key, total, self.width);
        self.reserve(new.size_hint().0);
        self.list.splice(index..index + replaced, new);
    }

    /// Inserts bins of keys that are not there yet; they are ascending.
    fn add_new(&mut self, new: &[Bin]) {
        let mut old_len = self.list.len();
        self.reserve(new.len());
        self.list.extend_from_slice(new);
        // From the end: each step moves what is above the new bin to where it belongs, and so makes room for it.
        for (before, bin) in new.iter().enumerate().rev() {
            let index = self.list[..old_len].partition_point(|old| old.key < bin.key);
            self.list.copy_within(index..old_len, index + before + 1);
            self.list[index + before] = *bin;
            old_len = index;
        }
    }

    /// Makes room without doubling what is already as large as it may stay.
    fn reserve(&mut self, more: usize) {
        let len = self.list.len() + more;
        if len > self.list.capacity() {
            let doubled = (self.list.capacity() * 2).clamp(4, BIN_LIMIT + SPARE);
            self.list.reserve_exact(len.max(doubled) - self.list.len());
        }
    }

    /// Merges the lowest bins with the lowest one that stays, as the agent does it.
    ///
    /// What does not fit in that one becomes full bins below it, so that there may be more bins than the limit:
    /// as many more as there are full ones.
    fn trim(&mut self, limit: usize) {
        let remove = self.list.len().saturating_sub(limit);
        if remove == 0 {
            return;
        }
        let width = self.width;
        let mut missing = 0;
        let mut overflow = Vec::new();
        for bin in &self.list[..remove] {
            missing += u64::from(bin.count);
            if missing > width.max() {
                overflow.extend(split(bin.key, width.max(), width));
                missing -= width.max();
            }
        }
        let lowest = &mut self.list[remove];
        let total = missing + u64::from(lowest.count);
        let kept = Bin::of(lowest.key, total.min(width.max()));
        *lowest = kept;
        if total > width.max() {
            overflow.extend(split(kept.key, total - width.max(), width));
        }
        self.list.splice(..remove, overflow);
    }
}

impl Bin {
    /// A bin of a count that fits.
    fn of(key: i16, count: u64) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Self { key, count }
    }

    /// Adds to the bin unless it would become too full.
    #[inline]
    fn add(&mut self, count: u64, width: BinWidth) -> bool {
        let total = u64::from(self.count) + count;
        let fits = total <= width.max();
        if fits {
            *self = Self::of(self.key, total);
        }
        fits
    }
}

/// As many bins as a count needs: what is left over first, then full ones.
fn split(key: i16, count: u64, width: BinWidth) -> impl ExactSizeIterator<Item = Bin> {
    let max = width.max();
    let rest = count % max;
    let first = if rest == 0 { max } else { rest };
    let bins = usize::try_from(count.div_ceil(max)).unwrap_or(usize::MAX);
    (0..bins).map(move |index| Bin::of(key, if index == 0 { first } else { max }))
}

#[cfg(test)]
mod tests;
