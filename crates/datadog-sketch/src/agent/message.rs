//! One bucket of a metric sketch as the message `Dogsketch` of the sketches intake, in both directions.
//!
//! The messages around it, with names and tags, belong to whoever sends them.
//! Reading is bounded by the length of the input and by the bins that a sketch may have.

use super::{BIN_LIMIT, Bin, BinWidth, Sketch, Summary, bins::Bins};
use crate::protobuf::{self, Malformed, Reader, Value};

/// Longer messages are refused: more than any sketch takes whose bins are within their bounds.
pub const MAX_MESSAGE_BYTES: usize = 128 * 1024;

const TS: u8 = 1;
const CNT: u8 = 2;
const MIN: u8 = 3;
const MAX: u8 = 4;
const AVG: u8 = 5;
const SUM: u8 = 6;
const K: u8 = 7;
const N: u8 = 8;

/// A sketch and the second in which its bucket starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Dogsketch {
    /// Seconds since 1970.
    pub timestamp: i64,
    /// What was sent.
    pub sketch: Sketch,
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is longer than [`MAX_MESSAGE_BYTES`].
    #[error("the sketch has {0} bytes, more than are read")]
    TooLong(usize),
    /// It is no such message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A key or a count is outside of its range.
    #[error("a bin of the sketch has a key or a count out of range")]
    Bin,
    /// The columns have different lengths.
    #[error("the sketch has {keys} keys but {counts} counts")]
    Columns {
        /// Length of the column `k`.
        keys: usize,
        /// Length of the column `n`.
        counts: usize,
    },
    /// The keys do not ascend.
    #[error("the keys of the sketch do not ascend")]
    Order,
    /// There are more bins than a sketch has.
    #[error("the sketch has too many bins")]
    TooManyBins,
    /// The count is not what the bins add up to, or more than a sketch holds.
    #[error("the sketch has a count of {count}, but {in_bins} in its bins")]
    Count {
        /// The field `cnt`.
        count: u64,
        /// The sum of the column `n`.
        in_bins: u64,
    },
    /// An extreme, the sum or the average is infinite or no number.
    #[error("a statistic of the sketch is not finite")]
    NotFinite,
}

impl Sketch {
    /// The bytes that [`Sketch::write_dogsketch`] appends.
    pub fn dogsketch_len(&self, timestamp: i64) -> usize {
        let summary = self.summary();
        let doubles = [summary.min, summary.max, summary.avg, summary.sum];
        let columns = if self.bins().is_empty() {
            0
        } else {
            protobuf::bytes_field_len(self.keys_len())
                + protobuf::bytes_field_len(self.counts_len())
        };
        protobuf::varint_field_len(timestamp.cast_unsigned())
            + protobuf::varint_field_len(summary.count)
            + doubles
                .map(protobuf::double_field_len)
                .iter()
                .sum::<usize>()
            + columns
    }

    /// Appends the sketch as the content of a message `Dogsketch`; the timestamp is in seconds since 1970.
    pub fn write_dogsketch(&self, timestamp: i64, out: &mut Vec<u8>) {
        let summary = self.summary();
        out.reserve(self.dogsketch_len(timestamp));
        protobuf::varint_field(out, TS, timestamp.cast_unsigned());
        protobuf::varint_field(out, CNT, summary.count);
        protobuf::double_field(out, MIN, summary.min);
        protobuf::double_field(out, MAX, summary.max);
        protobuf::double_field(out, AVG, summary.avg);
        protobuf::double_field(out, SUM, summary.sum);
        if !self.bins().is_empty() {
            protobuf::head(out, K, self.keys_len());
            for key in self.keys() {
                protobuf::varint(out, protobuf::zigzag(key).into());
            }
            protobuf::head(out, N, self.counts_len());
            for count in self.counts() {
                protobuf::varint(out, count.into());
            }
        }
    }

    fn keys_len(&self) -> usize {
        self.keys()
            .map(|key| protobuf::varint_len(protobuf::zigzag(key).into()))
            .sum()
    }

    fn counts_len(&self) -> usize {
        self.counts()
            .map(|count| protobuf::varint_len(count.into()))
            .sum()
    }
}

impl Dogsketch {
    /// Reads the content of a message `Dogsketch`; its bins may be of either width.
    ///
    /// # Errors
    /// When it is none, or holds what no sketch could.
    pub fn decode(message: &[u8]) -> Result<Self, Error> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(Error::TooLong(message.len()));
        }
        let mut timestamp = 0;
        let mut summary = Summary::EMPTY;
        let (mut keys, mut counts) = (Vec::new(), Vec::new());
        let mut reader = Reader(message);
        while let Some((field, value)) = reader.field()? {
            match u8::try_from(field).unwrap_or(0) {
                TS => timestamp = value.varint(field)?.cast_signed(),
                CNT => summary.count = value.varint(field)?,
                MIN => summary.min = value.double(field)?,
                MAX => summary.max = value.double(field)?,
                AVG => summary.avg = value.double(field)?,
                SUM => summary.sum = value.double(field)?,
                K => column(field, value, &mut keys, |value| {
                    protobuf::unzigzag(value).and_then(|key| i16::try_from(key).ok())
                })?,
                N => column(field, value, &mut counts, |value| {
                    u32::try_from(value).ok().filter(|&count| count > 0)
                })?,
                _ => {}
            }
        }
        let bins = bins(&keys, &counts, summary.count)?;
        let doubles = [summary.min, summary.max, summary.avg, summary.sum];
        if !doubles.iter().all(|double| double.is_finite()) {
            return Err(Error::NotFinite);
        }
        let sketch = Sketch { bins, summary };
        Ok(Self { timestamp, sketch })
    }
}

/// Appends the numbers of a field that is packed, or one number of a field that is not.
fn column<T>(
    field: u32,
    value: Value<'_>,
    column: &mut Vec<T>,
    convert: impl Fn(u64) -> Option<T>,
) -> Result<(), Error> {
    let mut push = |value| {
        if column.len() == 2 * BIN_LIMIT {
            return Err(Error::TooManyBins);
        }
        column.push(convert(value).ok_or(Error::Bin)?);
        Ok(())
    };
    if let Value::Varint(value) = value {
        return push(value);
    }
    let mut packed = Reader(value.bytes(field)?);
    while let Some(value) = packed.packed_varint()? {
        push(value)?;
    }
    Ok(())
}

fn bins(keys: &[i16], counts: &[u32], count: u64) -> Result<Bins, Error> {
    if keys.len() != counts.len() {
        return Err(Error::Columns {
            keys: keys.len(),
            counts: counts.len(),
        });
    }
    if !keys.is_sorted() {
        return Err(Error::Order);
    }
    let in_bins = counts.iter().map(|&count| u64::from(count)).sum();
    if count != in_bins || count > BinWidth::U32.max_count() {
        return Err(Error::Count { count, in_bins });
    }
    let mut bins = Bins::new(BinWidth::U32);
    for (&key, &count) in keys.iter().zip(counts) {
        bins.push_bin(Bin { key, count });
    }
    Ok(bins)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::agent::Weight;

    fn encode(sketch: &Sketch, timestamp: i64) -> Vec<u8> {
        let mut out = Vec::new();
        sketch.write_dogsketch(timestamp, &mut out);
        assert_eq!(out.len(), sketch.dogsketch_len(timestamp));
        out
    }

    fn of(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        for &value in values {
            sketch.insert(value).unwrap();
        }
        sketch
    }

    /// Values 1 and 2 at 1700000000.
    const ONE_AND_TWO: &[u8] = b"\x08\x80\xe2\xcf\xaa\x06\x10\x02\
        \x19\0\0\0\0\0\0\xf0\x3f\x21\0\0\0\0\0\0\0\x40\x29\0\0\0\0\0\0\xf8\x3f\x31\0\0\0\0\0\0\x08\x40\
        \x3a\x04\xf4\x14\xce\x15\x42\x02\x01\x01";

    #[test]
    fn two_values_are_the_bytes_of_the_agent() {
        assert_eq!(encode(&of(&[1.0, 2.0]), 1_700_000_000), ONE_AND_TWO);
    }

    #[test]
    fn the_bytes_of_the_agent_are_two_values() {
        let read = Dogsketch::decode(ONE_AND_TWO).unwrap();
        assert_eq!(read.timestamp, 1_700_000_000);
        assert_eq!(read.sketch, of(&[1.0, 2.0]));
    }

    #[test]
    fn an_empty_sketch_is_an_empty_message() {
        assert_eq!(encode(&Sketch::default(), 0), b"");
        assert_eq!(Dogsketch::decode(b"").unwrap().sketch, Sketch::default());
    }

    #[test]
    fn columns_may_be_unpacked_and_unknown_fields_are_skipped() {
        let read = Dogsketch::decode(b"\x10\x03\x38\x02\x40\x01\x7a\x01x\x38\x04\x40\x02").unwrap();
        let bins = [Bin { key: 1, count: 1 }, Bin { key: 2, count: 2 }];
        assert_eq!(read.sketch.bins(), bins);
    }

    #[test]
    fn what_no_sketch_could_be_is_refused() {
        for (message, error) in [
            (
                &b"\x10\x01\x3a\x01\x02"[..],
                Error::Columns { keys: 1, counts: 0 },
            ),
            (b"\x10\x02\x3a\x02\x02\x01\x42\x02\x01\x01", Error::Order),
            (
                b"\x10\x02\x3a\x01\x02\x42\x01\x01",
                Error::Count {
                    count: 2,
                    in_bins: 1,
                },
            ),
            (b"\x3a\x01\x02\x42\x01\x00", Error::Bin),
            (b"\x3a\x03\x80\x80\x04\x42\x01\x01", Error::Bin),
            (b"\x42\x05\xff\xff\xff\xff\x1f", Error::Bin),
            (b"\x19\0\0\0\0\0\0\xf0\x7f", Error::NotFinite),
            (b"\x0a\x00", Malformed::WireType { field: 1 }.into()),
            (b"\x3a\x01\x80", Malformed::Truncated.into()),
        ] {
            assert_eq!(Dogsketch::decode(message), Err(error), "{message:x?}");
        }
    }

    #[test]
    fn bins_and_bytes_are_limited() {
        let bins = |len: usize| {
            let mut message = vec![0x10];
            protobuf::varint(&mut message, len as u64);
            for field in [K, N] {
                protobuf::head(&mut message, field, len);
                message.resize(message.len() + len, 1 + u8::from(field == K));
            }
            Dogsketch::decode(&message).map(|read| read.sketch.bins().len())
        };
        assert_eq!(bins(2 * BIN_LIMIT), Ok(2 * BIN_LIMIT));
        assert_eq!(bins(2 * BIN_LIMIT + 1), Err(Error::TooManyBins));
        // An unknown field of one byte more than is left.
        let long = |bytes: usize| {
            let mut message = Vec::new();
            protobuf::head(&mut message, 15, bytes - 4);
            message.resize(bytes, 0);
            Dogsketch::decode(&message).map(|read| read.sketch.is_empty())
        };
        assert_eq!(long(MAX_MESSAGE_BYTES), Ok(true));
        assert_eq!(
            long(MAX_MESSAGE_BYTES + 1),
            Err(Error::TooLong(MAX_MESSAGE_BYTES + 1))
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            values in proptest::collection::vec((-1e9..1e9, 1e-9..1.0), 0..300),
            timestamp: i64,
        ) {
            let mut sketch = Sketch::default();
            for (value, rate) in values {
                sketch.insert_weighted(value, Weight::from_rate(rate).unwrap()).unwrap();
            }
            let read = Dogsketch::decode(&encode(&sketch, timestamp)).unwrap();
            prop_assert_eq!(read, Dogsketch { timestamp, sketch });
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, k in "(\x3a[\\x01-\\x09].{0,9}){0,3}") {
            for bytes in [bytes.clone(), [k.as_bytes(), &bytes].concat()] {
                if let Ok(read) = Dogsketch::decode(&bytes) {
                    prop_assert!(read.sketch.bins().len() <= bytes.len());
                }
            }
        }
    }
}
