//! A DDSketch as the protobuf message that tracers and the agent exchange, in both directions.
//!
//! A message says what was on the wire, sense or not; whether it is a sketch is decided when one takes it in.
//! Reading is bounded by the length of the input and by a number of bins.

use crate::protobuf::{self, Malformed, Reader, Value, bytes_field_len, double_field_len};

/// Longer messages are refused: the largest that agents and tracers send have about 40 KB.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;
/// Stores with more bins are refused; the sketches of agents and tracers have 2048 or 4096.
pub const MAX_STORE_BINS: usize = 16 * 1024;

/// A DDSketch as it is on the wire.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// How values became indexes; without it the indexes mean nothing.
    pub mapping: Option<MappingMessage>,
    /// The bins of the values above 0.
    pub positive: StoreMessage,
    /// The bins of the values below 0, by their size.
    pub negative: StoreMessage,
    /// How many values are 0 or too near to it.
    pub zero_count: f64,
}

/// The parameters of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MappingMessage {
    /// The ratio of a bin to the next, above 1; exactly so only without interpolation.
    pub gamma: f64,
    /// The index of the value 1, which may be a fraction.
    pub index_offset: f64,
    /// What stands for the logarithm between powers of two.
    pub interpolation: Interpolation,
}

/// What stands for the logarithm between powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// The logarithm itself.
    #[default]
    None,
    /// A straight line.
    Linear,
    /// A parabola.
    Quadratic,
    /// A cubic polynomial.
    Cubic,
    /// A number that has no meaning yet: above 3, or negative and then as the wire has it.
    Unknown(u64),
}

/// Bins, in either way or in both: what an index has in both adds up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoreMessage {
    /// Index and count of single bins, ascending by index, each once.
    pub sparse: Vec<(i32, f64)>,
    /// The counts of bins in a row.
    pub contiguous: Vec<f64>,
    /// The index of the first bin of the row.
    pub contiguous_offset: i32,
}

/// Why a message could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is longer than [`MAX_MESSAGE_BYTES`].
    #[error("the sketch has {0} bytes, more than are read")]
    TooLong(usize),
    /// A store has more bins than [`MAX_STORE_BINS`].
    #[error("a store of the sketch has too many bins")]
    TooManyBins,
    /// An index does not fit in 32 bits.
    #[error("an index of the sketch is out of range")]
    Index,
    /// It is no such message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is no protobuf, not of this schema, or too large.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(DecodeError::TooLong(bytes.len()));
        }
        let mut message = Self::default();
        let mut reader = Reader(bytes);
        while let Some((field, value)) = reader.field()? {
            match field {
                1 => message
                    .mapping
                    .get_or_insert_default()
                    .read(value.bytes(field)?)?,
                2 => message.positive.read(value.bytes(field)?)?,
                3 => message.negative.read(value.bytes(field)?)?,
                4 => message.zero_count = value.double(field)?,
                _ => {}
            }
        }
        message.positive.settle();
        message.negative.settle();
        Ok(message)
    }

    /// The bytes that [`Message::encode`] appends.
    pub fn encoded_len(&self) -> usize {
        let mapping = self.mapping.as_ref();
        mapping.map_or(0, |mapping| bytes_field_len(mapping.len()))
            + [&self.positive, &self.negative]
                .map(StoreMessage::field_len)
                .iter()
                .sum::<usize>()
            + double_field_len(self.zero_count)
    }

    /// Appends the message; a store without bins is left out.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.reserve(self.encoded_len());
        if let Some(mapping) = &self.mapping {
            protobuf::head(out, 1, mapping.len());
            protobuf::double_field(out, 1, mapping.gamma);
            protobuf::double_field(out, 2, mapping.index_offset);
            protobuf::varint_field(out, 3, mapping.interpolation.number());
        }
        for (field, store) in [(2, &self.positive), (3, &self.negative)] {
            if store.len() > 0 {
                protobuf::head(out, field, store.len());
                store.write(out);
            }
        }
        protobuf::double_field(out, 4, self.zero_count);
    }
}

impl MappingMessage {
    fn len(&self) -> usize {
        double_field_len(self.gamma)
            + double_field_len(self.index_offset)
            + protobuf::varint_field_len(self.interpolation.number())
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader(bytes);
        while let Some((field, value)) = reader.field()? {
            match field {
                1 => self.gamma = value.double(field)?,
                2 => self.index_offset = value.double(field)?,
                3 => self.interpolation = Interpolation::of(value.varint(field)?),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Interpolation {
    const fn of(number: u64) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Linear,
            2 => Self::Quadratic,
            3 => Self::Cubic,
            number => Self::Unknown(number),
        }
    }

    const fn number(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Linear => 1,
            Self::Quadratic => 2,
            Self::Cubic => 3,
            Self::Unknown(number) => number,
        }
    }
}

impl StoreMessage {
    /// Index and count of each bin, those in a row first.
    pub fn bins(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        let row = (i64::from(self.contiguous_offset)..).zip(self.contiguous.iter().copied());
        let single = self.sparse.iter();
        row.chain(single.map(|&(index, count)| (index.into(), count)))
    }

    fn field_len(&self) -> usize {
        match self.len() {
            0 => 0,
            len => bytes_field_len(len),
        }
    }

    fn len(&self) -> usize {
        let sparse: usize = self
            .sparse
            .iter()
            .map(|&(index, _)| bytes_field_len(entry_len(index)))
            .sum();
        let row = match self.contiguous.len() {
            0 => 0,
            bins => bytes_field_len(bins * size_of::<f64>()),
        };
        sparse + row + protobuf::varint_field_len(protobuf::zigzag(self.contiguous_offset).into())
    }

    fn write(&self, out: &mut Vec<u8>) {
        for &(index, count) in &self.sparse {
            protobuf::head(out, 1, entry_len(index));
            // Both fields of an entry are always there.
            out.push(1 << 3);
            protobuf::varint(out, protobuf::zigzag(index).into());
            out.push(2 << 3 | 1);
            out.extend_from_slice(&count.to_le_bytes());
        }
        if !self.contiguous.is_empty() {
            protobuf::head(out, 2, self.contiguous.len() * size_of::<f64>());
            for count in &self.contiguous {
                out.extend_from_slice(&count.to_le_bytes());
            }
        }
        protobuf::varint_field(out, 3, protobuf::zigzag(self.contiguous_offset).into());
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader(bytes);
        while let Some((field, value)) = reader.field()? {
            match (field, value) {
                (1, value) => {
                    let entry = entry(value.bytes(field)?)?;
                    self.make_sure_of_room()?;
                    self.sparse.push(entry);
                }
                (2, Value::Fixed64(bits)) => {
                    self.make_sure_of_room()?;
                    self.contiguous.push(f64::from_bits(bits));
                }
                (2, value) => {
                    let mut packed = Reader(value.bytes(field)?);
                    while let Some(count) = packed.packed_double()? {
                        self.make_sure_of_room()?;
                        self.contiguous.push(count);
                    }
                }
                (3, value) => self.contiguous_offset = index(value.varint(field)?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn make_sure_of_room(&self) -> Result<(), DecodeError> {
        if self.sparse.len() + self.contiguous.len() < MAX_STORE_BINS {
            Ok(())
        } else {
            Err(DecodeError::TooManyBins)
        }
    }

    /// Sorts the entries of the map and keeps the last of each index, as protobuf wants it.
    fn settle(&mut self) {
        self.sparse.sort_by_key(|&(index, _)| index);
        self.sparse.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                *kept = *later;
            }
            same
        });
    }
}

/// The bytes of an entry of the map of bins.
fn entry_len(index: i32) -> usize {
    1 + protobuf::varint_len(protobuf::zigzag(index).into()) + 1 + size_of::<f64>()
}

fn entry(bytes: &[u8]) -> Result<(i32, f64), DecodeError> {
    let mut entry = (0, 0.0);
    let mut reader = Reader(bytes);
    while let Some((field, value)) = reader.field()? {
        match field {
            1 => entry.0 = index(value.varint(field)?)?,
            2 => entry.1 = value.double(field)?,
            _ => {}
        }
    }
    Ok(entry)
}

fn index(value: u64) -> Result<i32, DecodeError> {
    protobuf::unzigzag(value).ok_or(DecodeError::Index)
}

#[cfg(test)]
mod tests;
