//! Tests of the DDSketch: known bytes, conversion, and what holds of all values.

use proptest::prelude::*;

use super::*;

fn of(values: &[f64]) -> Sketch {
    let mut sketch = Sketch::default();
    for &value in values {
        sketch.insert(value).unwrap();
    }
    sketch
}

fn mapping(gamma: f64, index_offset: f64, interpolation: Interpolation) -> MappingMessage {
    MappingMessage {
        gamma,
        index_offset,
        interpolation,
    }
}

/// What a tracer sends: its own mapping, bins as a map.
fn of_tracer(mapping: MappingMessage, values: &[f64]) -> Message {
    let indexes = Mapping::of(&mapping).unwrap();
    let mut message = Message {
        mapping: Some(mapping),
        ..Message::default()
    };
    for &value in values {
        let store = if value > 0.0 {
            &mut message.positive
        } else {
            &mut message.negative
        };
        let index = indexes.index_of(value.abs());
        match store.sparse.iter_mut().find(|bin| bin.0 == index) {
            Some(bin) => bin.1 += 1.0,
            None => store.sparse.push((index, 1.0)),
        }
    }
    message
}

/// The single value 1000, as the agent sends it.
const THOUSAND: &[u8] =
    b"\x0a\x09\x09\xfd\x4a\x81\x5a\xbf\x52\xf0\x3f\x12\x0d\x12\x08\0\0\0\0\0\0\xf0\x3f\x18\xb2\x05";

#[test]
fn a_single_value_is_the_bytes_of_the_agent() {
    let mut out = Vec::new();
    of(&[1000.0]).to_message().encode(&mut out);
    assert_eq!(out, THOUSAND);
}

#[test]
fn the_bytes_of_the_agent_are_a_single_value() {
    for bytes in [THOUSAND.to_vec(), [THOUSAND, b"\x1a\x00"].concat()] {
        let message = Message::decode(&bytes).unwrap();
        let sketch = Sketch::from_message(&message).unwrap();
        assert_eq!(sketch, of(&[1000.0]));
        let bins: Vec<(i32, f64)> = sketch.positive.bins().collect();
        assert_eq!(bins, [(345, 1.0)]);
    }
}

#[test]
fn values_go_to_their_side_of_zero() {
    let sketch = of(&[2.0, -3.0, 0.0, -0.0, 1e-320, -1e-320]);
    assert_eq!(sketch.count(), 6.0);
    assert_eq!(sketch.zero_count(), 4.0);
    assert_eq!(sketch.positive.count(), 1.0);
    assert_eq!(sketch.negative.count(), 1.0);
}

#[test]
fn what_is_no_value_or_no_count_is_refused() {
    let mut sketch = of(&[1.0]);
    for value in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        -1.27e308,
    ] {
        assert_eq!(sketch.insert(value), Err(Refused::Value), "{value}");
    }
    for count in [-1.0, f64::NAN, f64::INFINITY, MAX_COUNT.next_up()] {
        assert_eq!(sketch.insert_weighted(1.0, count), Err(Refused::Count));
        let mut message = of(&[1.0, -2.0]).to_message();
        message.zero_count = count;
        assert_eq!(sketch.merge_message(&message), Err(Refused::Count));
        message.zero_count = 0.0;
        message.negative.sparse.push((9, count));
        assert_eq!(sketch.merge_message(&message), Err(Refused::Count));
    }
    assert_eq!(sketch, of(&[1.0]));
}

#[test]
fn a_message_without_a_mapping_is_refused() {
    let mut message = of(&[1.0]).to_message();
    message.mapping = None;
    assert_eq!(Sketch::from_message(&message), Err(Refused::Mapping));
    message.mapping = Some(MappingMessage::default());
    assert_eq!(Sketch::from_message(&message), Err(Refused::Mapping));
}

#[test]
fn quantiles_go_through_negative_values_zeros_and_positive_values() {
    let sketch = of(&[-100.0, -1.0, 0.0, 1.0, 100.0]);
    let near = |share: f64, value: f64| {
        let quantile = sketch.quantile(share).unwrap();
        assert!(
            (quantile - value).abs() <= 0.010_001 * value.abs(),
            "{quantile}"
        );
    };
    near(0.0, -100.0);
    near(0.25, -1.0);
    near(0.5, 0.0);
    near(0.75, 1.0);
    near(1.0, 100.0);
    near(-7.0, -100.0);
    near(7.0, 100.0);
    assert_eq!(Sketch::default().quantile(0.5), None);
    assert_eq!(of(&[0.0]).quantile(1.0), Some(0.0));
}

#[test]
fn a_bin_is_divided_in_proportion() {
    // From 1 to 1.0202 squared: the first two bins of the agent, of which the second is wider by gamma.
    let gamma = Mapping::AGENT.message().gamma;
    let message = Message {
        mapping: Some(mapping(gamma * gamma, 0.0, Interpolation::None)),
        positive: StoreMessage {
            sparse: vec![(0, 10.0)],
            ..StoreMessage::default()
        },
        ..Message::default()
    };
    let sketch = Sketch::from_message(&message).unwrap();
    let (first, counts) = sketch.positive.contiguous();
    assert_eq!(first, 0);
    let lower = 10.0 / (1.0 + gamma);
    for (count, expected) in counts.iter().zip([lower, 10.0 - lower]) {
        assert!((count - expected).abs() < 1e-9, "{counts:?}");
    }
    assert_eq!(sketch.count(), 10.0);
}

#[test]
fn the_sketch_of_a_client_of_another_mapping_keeps_its_values() {
    let values: Vec<f64> = (1..=1000).map(|value| f64::from(value) * 1e6).collect();
    let message = of_tracer(mapping(1.015625, 1338.5, Interpolation::None), &values);
    let sketch = Sketch::from_message(&message).unwrap();
    assert!((sketch.count() - 1000.0).abs() < 1e-9);
    for (share, value) in [(0.5, 500e6), (0.95, 950e6), (0.99, 990e6)] {
        let quantile = sketch.quantile(share).unwrap();
        assert!((quantile / value - 1.0).abs() < 0.03, "{share}: {quantile}");
    }
}

#[test]
fn bins_beyond_the_range_of_values_lose_no_count() {
    let message = Message {
        mapping: Some(mapping(1.5, 0.0, Interpolation::None)),
        positive: StoreMessage {
            sparse: vec![
                (i32::MIN, 1.0),
                (-1_800, 2.0),
                (1_800, 4.0),
                (i32::MAX, 8.0),
            ],
            ..StoreMessage::default()
        },
        negative: StoreMessage {
            contiguous: vec![16.0, 32.0],
            contiguous_offset: i32::MAX,
            ..StoreMessage::default()
        },
        zero_count: 64.0,
    };
    let sketch = Sketch::from_message(&message).unwrap();
    assert_eq!(sketch.zero_count(), 64.0 + 3.0);
    assert_eq!(sketch.positive.count(), 12.0);
    assert_eq!(sketch.negative.count(), 48.0);
    assert_eq!(sketch.count(), 127.0);
    // The widest bins there are take no longer.
    let wide = Message {
        mapping: Some(mapping(1e9, 0.0, Interpolation::Cubic)),
        ..message
    };
    let sketch = Sketch::from_message(&wide).unwrap();
    assert!((sketch.count() - 127.0).abs() < 1e-9);
}

#[test]
fn memory_is_bounded_and_kept_when_cleared() {
    let mut sketch = Sketch::default();
    for power in -300..300 {
        sketch.insert(10f64.powi(power)).unwrap();
        sketch.insert(-10f64.powi(power)).unwrap();
        assert!(sketch.bytes() <= 33 * 1024);
    }
    assert_eq!(sketch.count(), 1200.0);
    let bytes = sketch.bytes();
    sketch.clear();
    assert!(sketch.is_empty());
    assert_eq!(sketch, Sketch::default());
    assert_eq!(sketch.bytes(), bytes);
}

/// Values within a range that a sketch holds without merging bins.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = (-8.0..8.0, any::<bool>()).prop_map(|(power, negative)| {
        let size = 10f64.powf(power);
        if negative { -size } else { size }
    });
    proptest::collection::vec(prop_oneof![9 => value, 1 => Just(0.0)], 1..300)
}

/// The value of a rank, of which the whole part counts.
fn exact(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = share * (values.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let rank = rank as usize;
    values[rank]
}

proptest! {
    #[test]
    fn quantiles_are_within_one_percent(mut values in values(), share in 0.0..1.0) {
        // Ranks of negative values are counted from zero, where another whole part is taken.
        let quantile = of(&values).quantile(share).unwrap();
        let exact = if exact(&mut values, share) < 0.0 {
            let rank = share * (values.len() - 1) as f64;
            let negative = values.iter().filter(|value| **value < 0.0).count();
            let from_zero = (negative - 1) as f64 - rank;
            values[negative - 1 - (0..negative).find(|&n| (n + 1) as f64 > from_zero).unwrap()]
        } else {
            exact(&mut values, share)
        };
        prop_assert!(
            (quantile - exact).abs() <= 0.01 * exact.abs() * (1.0 + 1e-9),
            "{} for {}", quantile, exact
        );
    }

    #[test]
    fn a_merge_holds_what_both_hold(left in values(), right in values()) {
        let both = of(&[left.clone(), right.clone()].concat());
        let mut merged = of(&left);
        merged.merge(&of(&right));
        prop_assert_eq!(&merged, &both);
        let mut taken_in = of(&left);
        taken_in.merge_message(&of(&right).to_message()).unwrap();
        prop_assert_eq!(&taken_in, &both);
    }

    #[test]
    fn a_sketch_is_what_its_bytes_are_read_as(values in values()) {
        let sketch = of(&values);
        let mut bytes = Vec::new();
        sketch.to_message().encode(&mut bytes);
        let read = Message::decode(&bytes).unwrap();
        prop_assert_eq!(Sketch::from_message(&read).unwrap(), sketch);
    }

    #[test]
    fn a_conversion_keeps_counts_and_moves_values_by_a_bin_at_most(
        values in values(),
        gamma in 1.002..1.1,
        offset in -2000.0..2000.0,
        which in 0usize..4,
    ) {
        let interpolation = [
            Interpolation::None,
            Interpolation::Linear,
            Interpolation::Quadratic,
            Interpolation::Cubic,
        ][which];
        let values: Vec<f64> = values.into_iter().filter(|value| *value != 0.0).collect();
        let mapping = mapping(gamma, offset, interpolation);
        let message = of_tracer(mapping, &values);
        let sketch = Sketch::from_message(&message).unwrap();
        prop_assert!((sketch.count() - values.len() as f64).abs() < 1e-6);
        // The outermost bins: within a bin there, and one here.
        let edges = Mapping::of(&mapping).unwrap();
        let widest = (1.0 + edges.accuracy()) / (1.0 - edges.accuracy());
        for (store, sign) in [(&sketch.positive, 1.0), (&sketch.negative, -1.0)] {
            let sizes = values.iter().map(|value| value * sign).filter(|size| *size > 0.0);
            let (count, largest) = (sizes.clone().count(), sizes.reduce(f64::max));
            prop_assert!((store.count() - count as f64).abs() < 1e-6);
            if let Some(largest) = largest {
                let ratio = Mapping::AGENT.value_of(store.index_at(f64::MAX)) / largest;
                prop_assert!(0.99 < ratio && ratio < 1.021 * widest, "{}", ratio);
            }
        }
    }
}
