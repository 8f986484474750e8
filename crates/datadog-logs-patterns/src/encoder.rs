//! Lines into batches of datums, every line raw: what stands here until the engine learns patterns.

use crate::token::Kind;

/// A dialect of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The one that is deployed widely.
    #[default]
    A,
    /// Its successor.
    C,
}

/// How to encode.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The dialect.
    pub profile: Profile,
}

/// One log.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its text.
    pub body: &'a [u8],
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Its status.
    pub status: Option<&'a str>,
    /// Its service.
    pub service: Option<&'a str>,
    /// Its tag set, joined by commas.
    pub tags: &'a str,
    /// Its id.
    pub uuid: Option<&'a str>,
}

/// Where a log belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// The id of its structure.
    pub cluster: u64,
}

/// What a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Logs.
    pub logs: usize,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that every line of the pattern has.
    Literal(Vec<u8>),
    /// A place for a value.
    Variable(Kind),
}

/// A pattern as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its id.
    pub id: u64,
    /// Logs that belong to it.
    pub count: u64,
    /// Its template.
    pub pieces: Vec<Piece>,
}

/// Turns logs into batches.
#[derive(Debug, Default)]
pub struct Encoder {
    open: Vec<u8>,
    logs: usize,
    count: u64,
    last_ms: i64,
    profile: Profile,
}

impl Encoder {
    /// One with empty state.
    pub fn new(options: Options, _seed: u64) -> Self {
        Self {
            profile: options.profile,
            ..Self::default()
        }
    }

    /// Adds a log to the open batch.
    pub fn push(&mut self, input: &Input<'_>, _now_ms: i64) -> Assignment {
        let (datum, raw) = match self.profile {
            Profile::A => (6, 3),
            Profile::C => (4, 7),
        };
        let mut log = vec![0x08];
        write_varint(zigzag(input.timestamp_ms - self.last_ms), &mut log);
        write_bytes(raw, input.body, &mut log);
        let mut wrapped = Vec::new();
        write_bytes(datum, &log, &mut wrapped);
        write_bytes(1, &wrapped, &mut self.open);
        self.last_ms = input.timestamp_ms;
        self.logs += 1;
        self.count += 1;
        Assignment { cluster: 1 }
    }

    /// Writes the open batch.
    pub fn seal(&mut self, _now_ms: i64, out: &mut Vec<u8>) -> Sealed {
        out.append(&mut self.open);
        self.last_ms = 0;
        let logs = std::mem::take(&mut self.logs);
        Sealed { logs }
    }

    /// The patterns.
    pub fn clusters(&self) -> impl Iterator<Item = Cluster> {
        let pieces = vec![Piece::Variable(Kind::Word)];
        let cluster = Cluster {
            id: 1,
            count: self.count,
            pieces,
        };
        std::iter::once(cluster)
    }

    /// The id that the pattern ended with.
    pub fn resolve(&self, cluster: u64) -> u64 {
        cluster
    }
}

fn write_bytes(field: u64, bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(field << 3 | 2, out);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// A log as it was decoded.
#[derive(Debug)]
pub struct Record {
    /// Its text.
    pub body: Vec<u8>,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
}

/// Turns batches into logs.
#[derive(Debug)]
pub struct Decoder;

impl Decoder {
    /// The logs of a batch; stops at what it cannot read.
    pub fn decode(&mut self, mut data: &[u8]) -> Vec<Record> {
        let mut records = Vec::new();
        let mut now_ms = 0;
        while let Some(mut record) = record(&mut data) {
            now_ms += record.timestamp_ms;
            record.timestamp_ms = now_ms;
            records.push(record);
        }
        records
    }
}

/// Where the tokens of a line end.
pub fn token_ends(line: &[u8]) -> Vec<usize> {
    let is_end = |&at: &usize| {
        let last = line
            .get(at.saturating_sub(1))
            .map(u8::is_ascii_alphanumeric);
        last != Some(true) || line.get(at).map(u8::is_ascii_alphanumeric) != last
    };
    (1..=line.len()).filter(is_end).collect()
}

fn record(data: &mut &[u8]) -> Option<Record> {
    let mut datum = bytes(data)?;
    let mut log = bytes(&mut datum)?;
    let _key = varint(&mut log)?;
    let zigzag = varint(&mut log)?.cast_signed();
    Some(Record {
        timestamp_ms: zigzag >> 1 ^ -(zigzag & 1),
        body: bytes(&mut log)?.to_vec(),
    })
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn bytes<'a>(data: &mut &'a [u8]) -> Option<&'a [u8]> {
    let _key = varint(data)?;
    let len = usize::try_from(varint(data)?).ok()?;
    let (bytes, rest) = data.split_at_checked(len)?;
    *data = rest;
    Some(bytes)
}

fn varint(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = data.split_first()?;
        *data = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
