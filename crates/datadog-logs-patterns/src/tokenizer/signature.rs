//! The signature: a seeded hash of the structure of a line.
//!
//! Who does not know the seed cannot craft lines that collide.

/// A hash that is fed with words of 64 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    state: u64,
    multiplier: u64,
}

impl Signature {
    /// The hash of nothing.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: scramble(seed),
            multiplier: scramble(!seed) | 1,
        }
    }

    /// Feeds a word.
    pub(super) fn add(&mut self, word: u64) {
        self.state = folded_multiply(self.state ^ word, self.multiplier);
    }

    /// Feeds bytes; their number must have been fed before.
    pub(super) fn add_bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(word));
        }
    }

    /// The hash of all that was fed.
    pub(super) fn finish(self) -> u64 {
        folded_multiply(self.state, self.multiplier.rotate_left(32))
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
