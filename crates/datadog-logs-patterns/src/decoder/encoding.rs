//! Undoes the compression of a batch, never past a cap.
//!
//! A few bytes can grow without bound and a header can lie about the size,
//! so memory is taken only for what has really come out.
//! The data is one frame and nothing else: what is cut short or followed by more is an error.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::raw::{self, DParameter, InBuffer, Operation, OutBuffer};

use crate::decoder::{Limit, Reason};

/// Bytes decompressed at a time.
const PIECE: usize = 16 * 1_024;
/// The largest window that a zstd frame may ask for, as a power of two: 8 MiB, which every level up to 19 stays below.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// How a frame of zstd begins that is not to be skipped.
const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// How the data of the batches of a stream is compressed, as its header `dd-content-encoding` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ContentEncoding {
    /// Not at all; also where the header is absent.
    #[default]
    Identity,
    /// One gzip member.
    Gzip,
    /// One zstd frame.
    Zstd,
}

impl ContentEncoding {
    /// The encoding of that name; `None` for one that is not understood.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "identity" => Some(Self::Identity),
            "gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The name, as in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Undoes the compression of `data`, at most `cap` bytes.
    ///
    /// # Errors
    ///
    /// [`Reason::Limit`] where more than `cap` bytes would come out, in place of the rest;
    /// [`Reason::Corrupt`], [`Reason::Truncated`] or [`Reason::Trailing`] where it is not one whole frame.
    pub fn decompress(self, data: &[u8], cap: usize) -> Result<Cow<'_, [u8]>, Reason> {
        match self {
            Self::Identity => {
                Limit::BatchBytes.check(data.len(), cap)?;
                Ok(Cow::Borrowed(data))
            }
            Self::Gzip => gunzip(data, cap).map(Cow::Owned),
            Self::Zstd => unzstd(data, cap).map(Cow::Owned),
        }
    }
}

/// What has come out so far.
struct Output {
    bytes: Vec<u8>,
    cap: usize,
}

impl Output {
    fn push(&mut self, piece: &[u8]) -> Result<(), Reason> {
        let length = self.bytes.len() + piece.len();
        Limit::BatchBytes.check(length, self.cap)?;
        if length > self.bytes.capacity() {
            // Doubles, but never reserves more than the cap.
            let capacity = (2 * length).min(self.cap);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

fn gunzip(data: &[u8], cap: usize) -> Result<Vec<u8>, Reason> {
    let bytes = Vec::new();
    let mut output = Output { bytes, cap };
    let mut decoder = GzDecoder::new(data);
    let mut piece = [0; PIECE];
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => output.push(piece.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Reason::Truncated);
            }
            Err(_) => return Err(Reason::Corrupt),
        }
    }
    match decoder.into_inner().len() {
        0 => Ok(output.bytes),
        bytes => Err(Reason::Trailing { bytes }),
    }
}

fn unzstd(data: &[u8], cap: usize) -> Result<Vec<u8>, Reason> {
    if !data.starts_with(&ZSTD_MAGIC) {
        let cut_short = ZSTD_MAGIC.starts_with(data);
        return Err(if cut_short {
            Reason::Truncated
        } else {
            Reason::Corrupt
        });
    }
    let stated = zstd::zstd_safe::get_frame_content_size(data).ok().flatten();
    // A size that is stated is believed only where it speaks against the frame.
    let stated = stated.map_or(0, |size| usize::try_from(size).unwrap_or(usize::MAX));
    Limit::BatchBytes.check(stated, cap)?;

    let bytes = Vec::new();
    let mut output = Output { bytes, cap };
    let mut decoder = raw::Decoder::new().map_err(corrupt)?;
    decoder
        .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
        .map_err(corrupt)?;
    let mut input = InBuffer::around(data);
    let mut piece = [0; PIECE];
    loop {
        let before = input.pos();
        let mut room = OutBuffer::around(&mut piece[..]);
        let missing = decoder.run(&mut input, &mut room).map_err(corrupt)?;
        output.push(room.as_slice())?;
        let stuck = room.as_slice().is_empty() && input.pos() == before;
        match data.len() - input.pos() {
            0 if missing == 0 => return Ok(output.bytes),
            bytes if missing == 0 => return Err(Reason::Trailing { bytes }),
            _ if stuck => return Err(Reason::Truncated),
            _ => {}
        }
    }
}

fn corrupt(_error: io::Error) -> Reason {
    Reason::Corrupt
}

#[cfg(test)]
mod tests;
