//! The signature: a seeded hash of the structure of a line.
//!
//! Who does not know the seed cannot craft lines that collide.

use crate::token::Kind;

/// A hash that is fed with tokens, each by a code that says what follows it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signature {
    state: u64,
    multiplier: u64,
}

/// The code of a token whose length and bytes are fed after it.
const LONG: u64 = 0x80;

impl Signature {
    /// The hash of nothing.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: scramble(seed),
            multiplier: scramble(!seed) | 1,
        }
    }

    /// Feeds a token.
    #[inline]
    pub(super) fn add_code(&mut self, code: u16) {
        self.feed(u64::from(code));
    }

    /// With a token of several bytes that count.
    #[must_use]
    pub(super) fn with_bytes(mut self, kind: Kind, bytes: &[u8]) -> Self {
        self.feed((bytes.len() as u64) << 8 | LONG | kind as u64);
        let (pairs, rest) = bytes.as_chunks::<16>();
        for pair in pairs {
            self.feed_pair(pair);
        }
        if !rest.is_empty() {
            let mut pair = [0; 16];
            pair[..rest.len()].copy_from_slice(rest);
            self.feed_pair(&pair);
        }
        self
    }

    /// The hash of all that was fed.
    pub(super) fn finish(self) -> u64 {
        folded_multiply(self.state, self.multiplier.rotate_left(32))
    }

    fn feed_pair(&mut self, pair: &[u8; 16]) {
        let [low, high] =
            [0, 8].map(|at| u64::from_le_bytes(std::array::from_fn(|index| pair[at + index])));
        self.state = folded_multiply(self.state ^ low, self.multiplier ^ high);
    }

    fn feed(&mut self, word: u64) {
        self.state = folded_multiply(self.state ^ word, self.multiplier);
    }
}

/// Both halves of the product, mixed.
fn folded_multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
    // Both are below 2^64.
    u64::try_from(low ^ high).unwrap_or_default()
}

/// The last step of SplitMix64: spreads the bits of a seed.
fn scramble(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_each_length_differ_even_by_zeros() {
        let of = |bytes: &[u8]| {
            Signature::new(1)
                .with_bytes(Kind::Structure, bytes)
                .finish()
        };
        let zeros = [0; 40];
        for len in 0..zeros.len() {
            assert_ne!(of(&zeros[..len]), of(&zeros[..=len]), "{len}");
        }
    }

    #[test]
    fn each_byte_counts_wherever_it_stands() {
        let of = |bytes: &[u8]| {
            Signature::new(1)
                .with_bytes(Kind::Structure, bytes)
                .finish()
        };
        for index in 0..40 {
            let mut bytes = [b'x'; 40];
            bytes[index] = b'y';
            assert_ne!(of(&bytes), of(&[b'x'; 40]), "{index}");
        }
    }
}
