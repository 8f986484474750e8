//! Bodies of requests, written as they are compressed and closed before they break a limit of the intake.
//!
//! What is held is what will be sent: the bytes before compression are counted, never kept. How large a compressed
//! body is shows only when the compressor is flushed; between flushes the worst that the pending bytes can become
//! counts, so that no body is ever too large.
//! Knows no product: what opens, joins and closes the items of a body is told by whoever writes them.

mod halve;

use std::io::{self, Write};

use bytes::Bytes;
use datadog_forwarder::Encoding;
use datadog_wire::metrics;

pub use self::halve::halve;

/// What a request may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes before compression.
    pub raw_bytes: usize,
    /// Bytes as they are sent.
    pub bytes: usize,
    /// Points, for series.
    pub points: usize,
}

impl Limits {
    /// Those of the intake of series.
    pub const SERIES: Self = Self {
        raw_bytes: metrics::MAX_SERIES_RAW_BYTES,
        bytes: metrics::MAX_SERIES_BYTES,
        points: metrics::MAX_SERIES_POINTS,
    };
    /// Those of the intakes of sketches, events and service checks.
    pub const OTHERS: Self = Self {
        raw_bytes: metrics::MAX_PAYLOAD_RAW_BYTES,
        bytes: metrics::MAX_PAYLOAD_BYTES,
        points: usize::MAX,
    };
}

/// What a payload holds, which decides where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Protobuf, `MetricPayload`.
    Series,
    /// Protobuf, `SketchPayload`.
    Sketches,
    /// Series in columns.
    SeriesColumns,
    /// Sketches in columns.
    SketchColumns,
    /// JSON.
    Events,
    /// JSON.
    ServiceChecks,
}

/// A body that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// What it holds.
    pub kind: Kind,
    /// The body as it is sent.
    pub body: Bytes,
    /// What it is encoded in.
    pub encoding: Encoding,
    /// Bytes before compression.
    pub raw_len: usize,
    /// Series, sketches, events or service checks in it.
    pub items: u64,
}

/// An item that no request could carry, even alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the item is larger than a request may be")]
pub struct TooLarge;

/// One item of a body, and what stands in front of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    /// In front of it if it is the first of its body.
    pub(crate) open: &'a [u8],
    /// In front of it else.
    pub(crate) join: &'a [u8],
    /// The item.
    pub(crate) body: &'a [u8],
    /// Points in it.
    pub(crate) points: usize,
}

/// Writes bodies of one kind.
#[derive(Debug)]
pub(crate) struct Writer {
    kind: Kind,
    limits: Limits,
    encoding: Encoding,
    /// What ends a body.
    close: Vec<u8>,
    open: Option<Open>,
    lost: u64,
}

/// A body that has at least one item.
#[derive(Debug)]
struct Open {
    stream: Stream,
    raw_len: usize,
    /// Bytes before compression when the compressor was flushed, and after.
    flushed: (usize, usize),
    items: u64,
    points: usize,
    /// Whether the compressor failed.
    broken: bool,
}

/// A compressor, which writes to memory.
enum Stream {
    Identity(Vec<u8>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Deflate(flate2::write::ZlibEncoder<Vec<u8>>),
}

/// A whole body at once, and what it came to be encoded in.
///
/// # Errors
/// When the compressor fails.
pub(crate) fn compress(encoding: Encoding, raw: &[u8]) -> io::Result<(Vec<u8>, Encoding)> {
    let mut stream = Stream::new(encoding);
    let came = stream.encoding(encoding);
    stream.write(raw)?;
    let mut body = stream.finish()?;
    // It may wait for hours.
    body.shrink_to_fit();
    Ok((body, came))
}

impl Writer {
    pub(crate) fn new(kind: Kind, limits: Limits, encoding: Encoding, close: &[u8]) -> Self {
        Self {
            kind,
            limits,
            encoding,
            close: close.to_vec(),
            open: None,
            lost: 0,
        }
    }

    /// Items in the body that is open.
    pub(crate) fn items(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.items)
    }

    /// Adds an item; a body that it would make too large is closed before, and appended to `done`.
    pub(crate) fn push(
        &mut self,
        item: Item<'_>,
        done: &mut Vec<Finished>,
    ) -> Result<(), TooLarge> {
        let alone = item.open.len() + item.body.len() + self.close.len();
        let too_large = alone > self.limits.raw_bytes
            || bound(self.encoding, alone) > self.limits.bytes
            || item.points > self.limits.points;
        if too_large {
            return Err(TooLarge);
        }
        if !self.fits(&item) {
            self.finish(done);
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::new(self.encoding)),
        };
        let front = match open.items {
            0 => item.open,
            _ => item.join,
        };
        open.write(front);
        open.write(item.body);
        open.items += 1;
        open.points += item.points;
        Ok(())
    }

    /// Closes the body that is open, if there is one.
    pub(crate) fn finish(&mut self, done: &mut Vec<Finished>) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        open.write(&self.close);
        let (raw_len, items) = (open.raw_len, open.items);
        let encoding = open.stream.encoding(self.encoding);
        match (open.broken, open.stream.finish()) {
            (false, Ok(mut body)) => {
                // It may wait for hours.
                body.shrink_to_fit();
                done.push(Finished {
                    kind: self.kind,
                    body: body.into(),
                    encoding,
                    raw_len,
                    items,
                });
            }
            _ => self.lost += items,
        }
    }

    /// Items that were lost since the last time because a compressor failed: the caller counts them.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn fits(&mut self, item: &Item<'_>) -> bool {
        let Some(open) = &mut self.open else {
            return true;
        };
        let more = item.join.len() + item.body.len() + self.close.len();
        let fits_raw = open.raw_len + more <= self.limits.raw_bytes;
        let fits_points = open.points + item.points <= self.limits.points;
        if !fits_raw || !fits_points {
            return false;
        }
        if open.at_most(self.encoding, more) <= self.limits.bytes {
            return true;
        }
        open.flush();
        // What is nearly full is left so: each flush costs, and gains less than the one before.
        let reserve = self.limits.bytes / 32;
        open.at_most(self.encoding, more) + reserve <= self.limits.bytes
    }
}

impl Open {
    fn new(encoding: Encoding) -> Self {
        Self {
            stream: Stream::new(encoding),
            raw_len: 0,
            flushed: (0, 0),
            items: 0,
            points: 0,
            broken: false,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.raw_len += bytes.len();
        self.broken |= self.stream.write(bytes).is_err();
    }

    /// The bytes that the body has at most when so many follow.
    fn at_most(&self, encoding: Encoding, more: usize) -> usize {
        let (raw, sent) = self.flushed;
        sent + bound(encoding, self.raw_len - raw + more)
    }

    fn flush(&mut self) {
        match self.stream.flush() {
            Ok(sent) => self.flushed = (self.raw_len, sent),
            Err(_) => self.broken = true,
        }
    }
}

/// The bytes that so many become at most.
pub(crate) const fn bound(encoding: Encoding, raw: usize) -> usize {
    match encoding {
        Encoding::Identity => raw,
        // Blocks that do not shrink are stored, with a head each; then head and end of the whole.
        Encoding::Zstd(_) | Encoding::Gzip(_) | Encoding::Deflate(_) => raw + raw / 128 + 128,
    }
}

impl Stream {
    /// A compressor that cannot even begin, for want of memory, gives way to none.
    fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Identity => Self::Identity(Vec::new()),
            Encoding::Zstd(level) => zstd::stream::write::Encoder::new(Vec::new(), level)
                .map_or_else(|_| Self::Identity(Vec::new()), Self::Zstd),
            Encoding::Gzip(level) => Self::Gzip(flate2::write::GzEncoder::new(
                Vec::new(),
                flate2::Compression::new(level.clamp(1, 9)),
            )),
            Encoding::Deflate(level) => Self::Deflate(flate2::write::ZlibEncoder::new(
                Vec::new(),
                flate2::Compression::new(level.clamp(1, 9)),
            )),
        }
    }

    /// What comes out is encoded in.
    const fn encoding(&self, asked: Encoding) -> Encoding {
        match self {
            Self::Identity(_) => Encoding::Identity,
            Self::Zstd(_) | Self::Gzip(_) | Self::Deflate(_) => asked,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Identity(out) => out.write_all(bytes),
            Self::Zstd(stream) => stream.write_all(bytes),
            Self::Gzip(stream) => stream.write_all(bytes),
            Self::Deflate(stream) => stream.write_all(bytes),
        }
    }

    /// Writes out all that was written; says how many bytes that are since the start.
    fn flush(&mut self) -> io::Result<usize> {
        match self {
            Self::Identity(out) => Ok(out.len()),
            Self::Zstd(stream) => stream.flush().map(|()| stream.get_ref().len()),
            Self::Gzip(stream) => stream.flush().map(|()| stream.get_ref().len()),
            Self::Deflate(stream) => stream.flush().map(|()| stream.get_ref().len()),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity(out) => Ok(out),
            Self::Zstd(stream) => stream.finish(),
            Self::Gzip(stream) => stream.finish(),
            Self::Deflate(stream) => stream.finish(),
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

#[cfg(test)]
mod tests;
