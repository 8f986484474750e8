//! Which bin a value of a metric belongs to, and the value that a bin stands for.
//!
//! Key 0 holds what is nearer to zero than 1e-9, keys from 1 up hold powers of 1.015625, their negatives the
//! negative values, and the two outermost keys what is too large for a power of its own.
//! The figures are those of Datadog's agent: sketches with any other mapping mean something else to the intake.

/// The ratio between a bin and the next: twice a relative error of 1/128, and 1.
pub(crate) const GAMMA: f64 = 1.015625;
/// The natural logarithm of [`GAMMA`].
const GAMMA_LN: f64 = 0.015_504_186_535_965_254;
/// The key of the value 1, such that the smallest value that has a bin of its own gets key 1.
const BIAS: i16 = 1338;
/// `GAMMA` to the power of `1 - BIAS`: what is smaller counts as zero.
const SMALLEST: f64 = 9.941_854_089_121_45e-10;
/// The key of what is larger than every bin; its negative, of what is smaller.
const INFINITE: i16 = i16::MAX;
/// More than any power that has a key, and small enough to be rounded.
const MAX_POWER: f64 = 40_000.0;
/// Added to a number and taken away again, this rounds it to the nearest integer, ties to even.
///
/// In between, the integer stands in the lower half of the bits. It replaces a call into the library of C on
/// processors whose rounding instruction may not be assumed.
const ROUNDS: f64 = 6_755_399_441_055_744.0;

/// The key of the bin of a value; `i16::MAX` for an infinite one and for what is no number.
pub fn key_of(value: f64) -> i16 {
    let size = value.abs();
    if size < SMALLEST {
        return 0;
    }
    let power = rounded((size.ln() / GAMMA_LN).min(MAX_POWER));
    // Below 1 by the last bit of a logarithm at most.
    let key = power.saturating_add(BIAS.into()).clamp(1, INFINITE.into());
    let key = i16::try_from(key).unwrap_or(INFINITE);
    if value < 0.0 { -key } else { key }
}

/// The value that a bin stands for: the middle of what it holds, on a logarithmic scale.
///
/// The key of it is the key again. The outermost keys stand for the infinities.
pub fn value_of(key: i16) -> f64 {
    let size = match key.unsigned_abs() {
        0 => 0.0,
        size if size >= INFINITE.unsigned_abs() => f64::INFINITY,
        size => GAMMA.powf(f64::from(size) - f64::from(BIAS)),
    };
    if key < 0 { -size } else { size }
}

/// The nearest integer of a number well inside of the range of `i32`.
#[inline]
fn rounded(number: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the integer is the lower half of the bits"
    )]
    let low = (number + ROUNDS).to_bits() as u32;
    low.cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_those_of_the_agent() {
        for (value, key) in [
            (0.0, 0),
            (-0.0, 0),
            (1e-10, 0),
            (1e-9, 1),
            (0.001, 892),
            (0.1, 1189),
            (0.25, 1249),
            (0.5, 1293),
            (1.0, 1338),
            (1.015625, 1339),
            (2.0, 1383),
            (3.0, 1409),
            (4.0, 1427),
            (5.0, 1442),
            (10.0, 1487),
            (12.5, 1501),
            (42.0, 1579),
            (100.0, 1635),
            (255.0, 1695),
            (1000.0, 1784),
            (1024.0, 1785),
            (65535.0, 2053),
            (1e6, 2229),
            (1e9, 2675),
            (1e12, 3120),
            (1e100, 16189),
            (1e200, 31041),
            (1.7e308, 32767),
            (f64::INFINITY, 32767),
            (-1.0, -1338),
            (-100.0, -1635),
            (-1.7e308, -32767),
            (f64::NEG_INFINITY, -32767),
        ] {
            assert_eq!(key_of(value), key, "{value}");
        }
    }

    #[test]
    fn values_are_those_of_the_agent() {
        for (key, value) in [
            (1338, 1.0),
            (1339, 1.015625),
            (1383, 2.009103080990281),
            (1635, 99.95733062532699),
            (1, 9.94185408912145e-10),
            (0, 0.0),
            (-1339, -1.015625),
            (32767, f64::INFINITY),
            (-32767, f64::NEG_INFINITY),
            (i16::MIN, f64::NEG_INFINITY),
        ] {
            assert_eq!(value_of(key), value, "{key}");
        }
    }

    #[test]
    fn the_smallest_value_with_a_bin_is_the_one_of_key_1() {
        assert_eq!(SMALLEST, value_of(1));
        assert_eq!(key_of(SMALLEST), 1);
        assert_eq!(key_of(SMALLEST.next_down()), 0);
        assert_eq!(GAMMA_LN, (GAMMA - 1.0).ln_1p());
    }

    #[test]
    fn the_key_of_the_value_of_a_key_is_the_key() {
        for key in -32766..=32766 {
            assert_eq!(key_of(value_of(key)), key);
        }
    }

    #[test]
    fn keys_grow_with_values_at_the_edges_of_all_bins() {
        for key in 1..32766 {
            let edge = value_of(key) * GAMMA.sqrt();
            for value in [edge.next_down(), edge, edge.next_up()] {
                assert!((key..=key + 1).contains(&key_of(value)), "{value}");
            }
        }
    }

    proptest! {
        #[test]
        fn numbers_are_rounded_as_the_standard_library_does(number in -2e4..5e4, halves in -40_000i32..80_000) {
            for number in [number, f64::from(halves) / 2.0] {
                prop_assert_eq!(f64::from(rounded(number)), number.round_ties_even());
            }
        }
    }
}
