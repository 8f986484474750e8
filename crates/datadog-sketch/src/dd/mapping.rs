//! How values become indexes of bins in a DDSketch, for each kind that clients send.
//!
//! The index of a value is the floor of its logarithm in the base `gamma`, plus an offset. Interpolated mappings
//! replace the logarithm between powers of two by a polynomial, which is why their bins are not all equally wide.

use super::message::{Interpolation, MappingMessage};

/// The largest power of e that is used; its bins stay finite.
const MAX_POWER: f64 = 709.436_139_303_1;
/// The coefficients of the cubic interpolation: of the third, second and first power.
const CUBIC: [f64; 3] = [6.0 / 35.0, -3.0 / 5.0, 10.0 / 7.0];

/// A mapping, checked, with what its formulas need beside its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mapping {
    gamma: f64,
    offset: f64,
    interpolation: Interpolation,
    /// Indexes to one unit of the logarithm.
    multiplier: f64,
    /// By how much a value differs from the middle of its bin at most.
    accuracy: f64,
    /// Values at or below this are counted as zero.
    min: f64,
    /// Values above this have no index.
    max: f64,
}

impl Mapping {
    /// The mapping of the agent: exact logarithms, a relative accuracy of 0.01, no offset.
    pub(crate) const AGENT: Self = Self {
        gamma: 1.01 / 0.99,
        offset: 0.0,
        interpolation: Interpolation::None,
        multiplier: 49.998_333_288_886_556,
        accuracy: 0.01,
        min: 2.270_024_845_547_750_7e-308,
        max: 1.258_575_253_612_468_3e308,
    };

    /// The mapping of a message; `None` if it has no meaning: a gamma of 1 or less, or no value with an index.
    pub(crate) fn of(message: &MappingMessage) -> Option<Self> {
        let MappingMessage {
            gamma,
            index_offset: offset,
            interpolation,
        } = *message;
        let correction = match interpolation {
            Interpolation::None => 1.0,
            Interpolation::Linear => std::f64::consts::LOG2_E,
            Interpolation::Quadratic => 0.75 * std::f64::consts::LOG2_E,
            Interpolation::Cubic => 0.7 * std::f64::consts::LOG2_E,
            Interpolation::Unknown(_) => return None,
        };
        let base: f64 = match interpolation {
            Interpolation::None => std::f64::consts::E,
            _ => 2.0,
        };
        let multiplier = base.ln() / gamma.ln();
        let accuracy = 1.0 - 2.0 / (1.0 + (correction * gamma.ln()).exp());
        let edge =
            |index: i32, margin: f64| base.powf((f64::from(index) - offset) / multiplier + margin);
        let smallest = f64::MIN_POSITIVE * (1.0 + accuracy) / (1.0 - accuracy);
        let mapping = Self {
            gamma,
            offset,
            interpolation,
            multiplier,
            accuracy,
            min: edge(i32::MIN, 1.0).max(smallest),
            max: edge(i32::MAX, -1.0).min(MAX_POWER.exp() / (1.0 + accuracy)),
        };
        let valid = gamma > 1.0 && gamma.is_finite() && offset.is_finite();
        (valid && mapping.min < mapping.max).then_some(mapping)
    }

    pub(crate) const fn message(&self) -> MappingMessage {
        MappingMessage {
            gamma: self.gamma,
            index_offset: self.offset,
            interpolation: self.interpolation,
        }
    }

    /// Values at or below this count as zero.
    pub(crate) const fn min(&self) -> f64 {
        self.min
    }

    /// The largest value that has an index.
    pub(crate) const fn max(&self) -> f64 {
        self.max
    }

    /// By how much a value differs from the middle of its bin at most, where 1 is all of it.
    #[cfg(test)]
    pub(crate) const fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// Whether the same index means the same values in both, up to rounding.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.interpolation == other.interpolation
            && close(self.multiplier, other.multiplier)
            && close(self.offset, other.offset)
    }

    /// The index of the bin of a positive value within the bounds.
    #[inline]
    pub(crate) fn index_of(&self, value: f64) -> i32 {
        let exact = self.log(value) * self.multiplier + self.offset;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "indexes of values within the bounds fit; others become the outermost"
        )]
        let truncated = exact as i32;
        if exact < f64::from(truncated) {
            truncated.saturating_sub(1)
        } else {
            truncated
        }
    }

    /// The smallest value of the bin of an index: 0 or infinity where that is beyond the doubles.
    pub(crate) fn lower_bound(&self, index: f64) -> f64 {
        let power = (index - self.offset) / self.multiplier;
        match self.interpolation {
            Interpolation::None => power.exp(),
            interpolation => {
                let whole = power.floor();
                significand(interpolation, power - whole) * whole.exp2()
            }
        }
    }

    /// The value that stands for a bin, from which no value of it differs by more than the relative accuracy.
    pub(crate) fn value_of(&self, index: i32) -> f64 {
        self.lower_bound(index.into()) * (1.0 + self.accuracy)
    }

    /// The logarithm, in the base of e or, interpolated, in the base of 2.
    #[inline]
    fn log(&self, value: f64) -> f64 {
        if self.interpolation == Interpolation::None {
            return value.ln();
        }
        let (exponent, rest) = parts(value);
        exponent
            + match self.interpolation {
                Interpolation::Quadratic => (4.0 - rest) * rest / 3.0,
                Interpolation::Cubic => {
                    let [third, second, first] = CUBIC;
                    ((third * rest + second) * rest + first) * rest
                }
                _ => rest,
            }
    }
}

/// The exponent of a normal number, and by how much its significand is above 1.
fn parts(value: f64) -> (f64, f64) {
    let bits = value.to_bits();
    let exponent = i16::try_from(bits >> 52 & 0x7ff).unwrap_or(0) - 1023;
    let significand = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1.0_f64.to_bits());
    (exponent.into(), significand - 1.0)
}

/// The number from 1 to 2 whose interpolated logarithm this is, from 0 to 1.
fn significand(interpolation: Interpolation, log: f64) -> f64 {
    match interpolation {
        Interpolation::Quadratic => 3.0 - (4.0 - 3.0 * log).sqrt(),
        Interpolation::Cubic => {
            // The formula of Cardano.
            let [a, b, c] = CUBIC;
            let d0 = b * b - 3.0 * a * c;
            let d1 = 2.0 * b * b * b - 9.0 * a * b * c - 27.0 * a * a * log;
            let p = ((d1 - (d1 * d1 - 4.0 * d0 * d0 * d0).sqrt()) / 2.0).cbrt();
            1.0 - (b + p + d0 / p) / (3.0 * a)
        }
        _ => 1.0 + log,
    }
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-12 * left.abs().max(right.abs()).max(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Interpolation; 4] = [
        Interpolation::None,
        Interpolation::Linear,
        Interpolation::Quadratic,
        Interpolation::Cubic,
    ];

    fn mapping(gamma: f64, index_offset: f64, interpolation: Interpolation) -> Option<Mapping> {
        Mapping::of(&MappingMessage {
            gamma,
            index_offset,
            interpolation,
        })
    }

    #[test]
    fn indexes_are_those_of_the_agent() {
        for (value, index) in [
            (1.0, 0),
            (1000.0, 345),
            (187_940.0, 607),
            (1e6, 690),
            (0.99, -1),
        ] {
            assert_eq!(Mapping::AGENT.index_of(value), index, "{value}");
        }
    }

    #[test]
    fn the_mapping_of_the_agent_is_that_of_its_message() {
        let computed = Mapping::of(&Mapping::AGENT.message()).unwrap();
        let near = |left: f64, right: f64| (left / right - 1.0).abs() < 1e-12;
        assert!(computed.is_same(&Mapping::AGENT), "{computed:?}");
        assert!(near(computed.accuracy, Mapping::AGENT.accuracy));
        assert!(near(computed.min, Mapping::AGENT.min), "{computed:?}");
        assert!(near(computed.max, Mapping::AGENT.max), "{computed:?}");
        assert_eq!(Mapping::AGENT.gamma.to_bits(), 0x3ff0_52bf_5a81_4afd);
    }

    #[test]
    fn one_has_the_index_of_the_offset() {
        for interpolation in ALL {
            let mapping = mapping(1.015625, 1338.5, interpolation).unwrap();
            assert_eq!(mapping.index_of(1.0), 1338, "{interpolation:?}");
        }
    }

    #[test]
    fn mappings_without_meaning_are_refused() {
        for gamma in [
            1.0,
            0.5,
            0.0,
            -2.0,
            f64::NAN,
            f64::INFINITY,
            1.0_f64.next_up(),
        ] {
            for interpolation in ALL {
                assert_eq!(mapping(gamma, 0.0, interpolation), None, "{gamma}");
            }
        }
        for offset in [f64::NAN, f64::INFINITY, f64::MIN, 1e300] {
            assert_eq!(mapping(1.01, offset, Interpolation::None), None, "{offset}");
        }
        assert_eq!(mapping(1.01, 0.0, Interpolation::Unknown(4)), None);
    }

    #[test]
    fn mappings_differ_by_each_of_their_parameters() {
        let other = mapping(1.02, 0.0, Interpolation::None).unwrap();
        for (gamma, offset, interpolation, same) in [
            (1.02, 0.0, Interpolation::None, true),
            (1.02 + 1e-15, 1e-13, Interpolation::None, true),
            (1.021, 0.0, Interpolation::None, false),
            (1.02, 0.5, Interpolation::None, false),
            (1.02, 0.0, Interpolation::Cubic, false),
        ] {
            let mapping = mapping(gamma, offset, interpolation).unwrap();
            assert_eq!(mapping.is_same(&other), same, "{mapping:?}");
        }
    }

    proptest! {
        #[test]
        fn a_value_is_in_its_bin_and_near_the_middle_of_it(
            power in -300.0..300.0,
            gamma in 1.001..1.5,
            offset in -2000.0..2000.0,
            which in 0usize..4,
        ) {
            let value = 10f64.powf(power);
            let mapping = mapping(gamma, offset, ALL[which]).unwrap();
            let index = mapping.index_of(value);
            let lower = mapping.lower_bound(index.into());
            let upper = mapping.lower_bound(f64::from(index) + 1.0);
            let tolerance = value * 1e-10;
            prop_assert!(lower <= value + tolerance && value <= upper + tolerance);
            prop_assert!(upper / lower <= (1.0 + mapping.accuracy) / (1.0 - mapping.accuracy) + 1e-9);
            let middle = mapping.value_of(index);
            prop_assert!((middle - value).abs() <= mapping.accuracy * value * (1.0 + 1e-7) + tolerance);
        }
    }
}
