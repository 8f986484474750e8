//! Which values are worth an entry of the dictionary: those that come back in a later batch.
//!
//! Inside a batch the compressor takes repetition away, so an entry pays only across batches.
//! What was seen is remembered in two sets of bits of a fixed size, never as text;
//! a chance hit in them costs a few bytes on the wire and nothing else.

/// Bits of each set.
const BITS: usize = 1 << 18;
/// Words of each set.
const WORDS: usize = BITS / 64;
/// Bits set in a generation at which it makes room for the next.
const FULL: usize = BITS / 4;

/// Values of one log that are told apart from returns.
const OF_LOG: usize = 16;

/// What values were seen, in this batch and before it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Values of the open batch.
    now: Box<[u64]>,
    /// Words of `now` that are not zero.
    touched: Vec<usize>,
    /// Values of earlier batches, of this generation and the one before.
    before: [Box<[u64]>; 2],
    /// Bits set in the younger generation.
    young: usize,
    /// Values of the log that is being encoded.
    of_log: Vec<u64>,
}

/// What is known of a value that has no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// It was not seen for long.
    First,
    /// It was seen in this batch.
    InBatch,
    /// It was seen in an earlier batch.
    Before,
}

impl Seen {
    /// Nothing is seen yet.
    pub(crate) fn new() -> Self {
        let set = || vec![0_u64; WORDS].into_boxed_slice();
        Self {
            now: set(),
            touched: Vec::new(),
            before: [set(), set()],
            young: 0,
            of_log: Vec::new(),
        }
    }

    /// Begins another log: a value that comes twice in one log is no return.
    pub(crate) fn begin_log(&mut self) {
        self.of_log.clear();
    }

    /// The memory that the sets take.
    pub(crate) fn bytes(&self) -> usize {
        3 * WORDS * size_of::<u64>() + self.touched.capacity() * size_of::<usize>()
    }

    /// Notes a value by its hash, and tells whether it was seen.
    pub(crate) fn note(&mut self, hash: u64) -> Sighting {
        let [first, second] = [place(hash), place(hash.rotate_left(32))];
        if self
            .before
            .iter()
            .any(|set| is_set(set, first) && is_set(set, second))
        {
            return Sighting::Before;
        }
        if is_set(&self.now, first) && is_set(&self.now, second) {
            return match self.of_log.contains(&hash) {
                true => Sighting::First,
                false => Sighting::InBatch,
            };
        }
        if self.of_log.len() < OF_LOG {
            self.of_log.push(hash);
        }
        for (word, bit) in [first, second] {
            if self.now[word] == 0 {
                self.touched.push(word);
            }
            self.now[word] |= bit;
        }
        Sighting::First
    }

    /// Ends the batch: what was seen in it counts as seen before from now on.
    pub(crate) fn end_batch(&mut self) {
        for word in self.touched.drain(..) {
            let bits = std::mem::take(&mut self.now[word]);
            let young = &mut self.before[0][word];
            self.young += (bits & !*young).count_ones() as usize;
            *young |= bits;
        }
        if self.young > FULL {
            self.before.swap(0, 1);
            self.before[0].fill(0);
            self.young = 0;
        }
    }
}

/// The word and the bit that stand for a hash.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the index is cut to the size of the set on purpose"
)]
fn place(hash: u64) -> (usize, u64) {
    ((hash >> 6) as usize % WORDS, 1 << (hash & 63))
}

fn is_set(set: &[u64], (word, bit): (usize, u64)) -> bool {
    set[word] & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_seen_before_only_once_its_batch_has_ended() {
        let mut seen = Seen::new();
        assert_eq!(seen.note(7), Sighting::First);
        assert_eq!(
            seen.note(7),
            Sighting::First,
            "twice in one log is no return"
        );
        seen.begin_log();
        assert_eq!(seen.note(7), Sighting::InBatch);
        seen.end_batch();
        assert_eq!(seen.note(7), Sighting::Before);
        assert_eq!(
            seen.note(8_u64.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            Sighting::First
        );
    }

    #[test]
    fn old_values_are_forgotten_and_the_memory_stays_the_same() {
        let mut seen = Seen::new();
        seen.note(7);
        seen.end_batch();
        for round in 0..200_u64 {
            for value in 0..1000_u64 {
                seen.note((round * 1000 + value).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            }
            seen.end_batch();
        }
        assert_eq!(seen.note(7), Sighting::First);
        assert!(seen.bytes() < 120 << 10, "{}", seen.bytes());
    }
}
