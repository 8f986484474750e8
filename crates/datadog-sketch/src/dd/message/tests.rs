//! Tests of the message: known bytes, limits, and what holds of all messages and of all bytes.

use proptest::prelude::*;

use super::*;

fn encode(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    assert_eq!(out.len(), message.encoded_len());
    out
}

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    protobuf::head(&mut out, number, content.len());
    out.extend_from_slice(content);
    out
}

fn bins(positive: &[u8]) -> Result<Vec<(i64, f64)>, DecodeError> {
    let message = Message::decode(&field(2, positive))?;
    Ok(message.positive.bins().collect())
}

const ONE: &[u8] = b"\0\0\0\0\0\0\xf0\x3f";
const TWO: &[u8] = b"\0\0\0\0\0\0\0\x40";

#[test]
fn bins_are_read_from_rows_and_from_entries() {
    let row = [field(2, &[ONE, TWO].concat()), b"\x18\x05".to_vec()].concat();
    assert_eq!(bins(&row), Ok(vec![(-3, 1.0), (-2, 2.0)]));
    let unpacked = [b"\x11", ONE, b"\x11", TWO].concat();
    assert_eq!(bins(&unpacked), Ok(vec![(0, 1.0), (1, 2.0)]));
    let entries = [
        field(1, &[b"\x08\x08\x11", ONE].concat()),
        field(1, &[b"\x11", TWO, b"\x08\x03"].concat()),
    ]
    .concat();
    assert_eq!(bins(&entries), Ok(vec![(-2, 2.0), (4, 1.0)]));
    assert_eq!(bins(&field(1, b"")), Ok(vec![(0, 0.0)]));
}

#[test]
fn the_last_entry_of_an_index_counts() {
    let entry = |count: &[u8]| field(1, &[b"\x08\x08\x11", count].concat());
    let entries = [entry(ONE), entry(TWO), entry(ONE), entry(TWO)].concat();
    assert_eq!(bins(&entries), Ok(vec![(4, 2.0)]));
}

#[test]
fn parts_of_a_message_that_come_twice_are_merged() {
    let store = field(2, ONE);
    let bytes = [
        field(2, &store),
        field(2, &store),
        field(1, &[b"\x09", TWO].concat()),
        field(1, b"\x18\x07"),
        b"\x7a\x01x".to_vec(),
    ]
    .concat();
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.positive.contiguous, [1.0, 1.0]);
    let mapping = MappingMessage {
        gamma: 2.0,
        index_offset: 0.0,
        interpolation: Interpolation::Unknown(7),
    };
    assert_eq!(message.mapping, Some(mapping));
}

#[test]
fn what_is_no_message_is_refused() {
    for (bytes, error) in [
        (&b"\x08\x01"[..], Malformed::WireType { field: 1 }.into()),
        (b"\x21\0", Malformed::Truncated.into()),
        (b"\x12\x04\x12\x02\0\0", Malformed::Truncated.into()),
        (b"\x12\x03\x10\x01", Malformed::Truncated.into()),
        (b"\x12\x02\x10\x01", Malformed::WireType { field: 2 }.into()),
        (b"\x12\x06\x18\x80\x80\x80\x80\x10", DecodeError::Index),
    ] {
        assert_eq!(Message::decode(bytes), Err(error), "{bytes:x?}");
    }
}

#[test]
fn bins_and_bytes_are_limited() {
    let row = |len: usize| bins(&field(2, &ONE.repeat(len))).map(|bins| bins.len());
    assert_eq!(row(MAX_STORE_BINS), Ok(MAX_STORE_BINS));
    assert_eq!(row(MAX_STORE_BINS + 1), Err(DecodeError::TooManyBins));
    let entries = |len: usize| {
        let store = [field(2, &ONE.repeat(10)), field(1, b"").repeat(len - 10)].concat();
        bins(&store).map(|bins| bins.len())
    };
    // All of the same index, of which one is left.
    assert_eq!(entries(MAX_STORE_BINS), Ok(11));
    assert_eq!(entries(MAX_STORE_BINS + 1), Err(DecodeError::TooManyBins));
    let long = |len: usize| Message::decode(&field(15, &vec![0; len - 4])).map(|_| ());
    assert_eq!(long(MAX_MESSAGE_BYTES), Ok(()));
    let too_long = DecodeError::TooLong(MAX_MESSAGE_BYTES + 1);
    assert_eq!(long(MAX_MESSAGE_BYTES + 1), Err(too_long));
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(1.0),
        any::<f64>().prop_filter("a number", |n| !n.is_nan())
    ]
}

fn store() -> impl Strategy<Value = StoreMessage> {
    let sparse = proptest::collection::btree_map(any::<i32>(), number(), 0..9);
    let contiguous = proptest::collection::vec(number(), 0..9);
    (sparse, contiguous, prop_oneof![Just(0), any::<i32>()]).prop_map(
        |(sparse, contiguous, contiguous_offset)| StoreMessage {
            sparse: sparse.into_iter().collect(),
            contiguous,
            contiguous_offset,
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    let interpolation = prop_oneof![0u64..6, any::<u64>()].prop_map(Interpolation::of);
    let mapping =
        (number(), number(), interpolation).prop_map(|(gamma, index_offset, interpolation)| {
            MappingMessage {
                gamma,
                index_offset,
                interpolation,
            }
        });
    (proptest::option::of(mapping), store(), store(), number()).prop_map(
        |(mapping, positive, negative, zero_count)| Message {
            mapping,
            positive,
            negative,
            zero_count,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in message()) {
        prop_assert_eq!(Message::decode(&encode(&message)), Ok(message));
    }

    #[test]
    fn any_bytes_are_read_within_the_limits_or_refused(
        message in message(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end: prop::sample::Index,
        bytes: Vec<u8>,
    ) {
        let mut changed = encode(&message);
        for (at, byte) in changes {
            if !changed.is_empty() {
                let at = at.index(changed.len());
                changed[at] = byte;
            }
        }
        changed.truncate(end.index(changed.len() + 1));
        for bytes in [bytes, changed] {
            if let Ok(message) = Message::decode(&bytes) {
                let bins = message.positive.bins().count() + message.negative.bins().count();
                prop_assert!(bins <= bytes.len() / 2);
                if crate::dd::Sketch::from_message(&message).is_ok() {
                    prop_assert!(message.mapping.is_some());
                }
            }
        }
    }
}
