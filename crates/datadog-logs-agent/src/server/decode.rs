//! Undoes the content encoding of a request body, never past a cap.
//!
//! A small body can grow without bound, so that output is produced piece by piece and counted as it comes.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// Bytes decompressed at a time.
const PIECE: usize = 16 * 1_024;
/// The largest window that a zstd frame may ask for, as a power of two: 8 MiB, which every level up to 19 stays below.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
    /// zlib, as the name means in HTTP.
    Deflate,
}

/// Why a body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// More than the cap would come out.
    TooLarge,
    /// Not what its encoding says, or cut short.
    Corrupt,
}

impl Coding {
    /// The coding of a `Content-Encoding`; `None` for one that is not understood.
    pub(super) fn from_header(value: &[u8]) -> Option<Self> {
        let value = value.trim_ascii();
        [
            (&b""[..], Self::Identity),
            (b"identity", Self::Identity),
            (b"gzip", Self::Gzip),
            (b"x-gzip", Self::Gzip),
            (b"zstd", Self::Zstd),
            // As Datadog's API clients spell it.
            (b"zstd1", Self::Zstd),
            (b"deflate", Self::Deflate),
        ]
        .into_iter()
        .find(|(name, _)| value.eq_ignore_ascii_case(name))
        .map(|(_, coding)| coding)
    }
}

/// Decodes `body`, whose output is at most `cap` bytes.
pub(super) fn decode(body: Bytes, coding: Coding, cap: usize) -> Result<Bytes, DecodeError> {
    match coding {
        Coding::Identity if body.len() > cap => Err(DecodeError::TooLarge),
        Coding::Identity => Ok(body),
        Coding::Gzip => read_capped(MultiGzDecoder::new(&body[..]), cap),
        // Many frames say how much will come out; one that lies is caught below.
        Coding::Zstd if zstd_size(&body).is_some_and(|size| size > cap as u64) => {
            Err(DecodeError::TooLarge)
        }
        Coding::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(&body[..]).map_err(corrupt)?;
            decoder
                .window_log_max(ZSTD_WINDOW_LOG_MAX)
                .map_err(corrupt)?;
            read_capped(decoder, cap)
        }
        Coding::Deflate => inflate(&body, cap),
    }
}

fn zstd_size(body: &[u8]) -> Option<u64> {
    zstd::zstd_safe::get_frame_content_size(body).ok().flatten()
}

fn read_capped(mut decoder: impl Read, cap: usize) -> Result<Bytes, DecodeError> {
    let mut out = Vec::new();
    let mut piece = [0; PIECE];
    loop {
        let count = match decoder.read(&mut piece) {
            Ok(0) => return Ok(finish(out)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(corrupt(error)),
        };
        if out.len() + count > cap {
            return Err(DecodeError::TooLarge);
        }
        out.extend_from_slice(&piece[..count]);
    }
}

/// By hand, because the reader of this format takes a stream that was cut short for a whole one.
fn inflate(body: &[u8], cap: usize) -> Result<Bytes, DecodeError> {
    let mut inflater = Decompress::new(true);
    let mut out = Vec::new();
    let mut piece = [0; PIECE];
    let mut rest = body;
    loop {
        let (read, written) = (inflater.total_in(), inflater.total_out());
        let status = inflater
            .decompress(rest, &mut piece, FlushDecompress::None)
            .map_err(|_| DecodeError::Corrupt)?;
        // Both are bounded by the slices that were passed in.
        let read = usize::try_from(inflater.total_in() - read).unwrap_or(usize::MAX);
        let written = usize::try_from(inflater.total_out() - written).unwrap_or(usize::MAX);
        rest = rest.get(read..).ok_or(DecodeError::Corrupt)?;
        if out.len() + written > cap {
            return Err(DecodeError::TooLarge);
        }
        out.extend_from_slice(piece.get(..written).ok_or(DecodeError::Corrupt)?);
        match status {
            Status::StreamEnd if rest.is_empty() => return Ok(finish(out)),
            Status::StreamEnd => return Err(DecodeError::Corrupt),
            Status::Ok | Status::BufError if read == 0 && written == 0 => {
                return Err(DecodeError::Corrupt);
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

/// Entries are slices of the body, so that spare capacity would stay for as long as any of them.
fn finish(mut out: Vec<u8>) -> Bytes {
    out.shrink_to_fit();
    out.into()
}

fn corrupt(_error: io::Error) -> DecodeError {
    DecodeError::Corrupt
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn encode(body: &[u8], coding: Coding) -> Bytes {
        match coding {
            Coding::Identity => body.to_vec(),
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(body).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(body).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
                encoder.write_all(body).unwrap();
                encoder.finish().unwrap()
            }
        }
        .into()
    }

    const CODINGS: [Coding; 4] = [
        Coding::Identity,
        Coding::Gzip,
        Coding::Zstd,
        Coding::Deflate,
    ];

    proptest! {
        #[test]
        fn every_coding_gives_back_what_went_in(body in proptest::collection::vec(any::<u8>(), 0..5_000)) {
            for coding in CODINGS {
                prop_assert_eq!(decode(encode(&body, coding), coding, body.len()).unwrap(), body.clone());
            }
        }

        #[test]
        fn any_bytes_get_a_verdict(body in proptest::collection::vec(any::<u8>(), 0..500)) {
            for coding in CODINGS {
                let _verdict = decode(body.clone().into(), coding, 1_000).is_ok();
            }
        }
    }

    #[test]
    fn the_cap_is_inclusive() {
        let body = vec![b'a'; 100_000];
        for coding in CODINGS {
            let encoded = encode(&body, coding);
            assert_eq!(
                decode(encoded.clone(), coding, 99_999),
                Err(DecodeError::TooLarge),
                "{coding:?}"
            );
            assert_eq!(
                decode(encoded, coding, 100_000).map(|body| body.len()),
                Ok(100_000),
                "{coding:?}"
            );
        }
    }

    #[test]
    fn a_body_cut_short_is_corrupt() {
        let body: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        for coding in [Coding::Gzip, Coding::Zstd, Coding::Deflate] {
            let encoded = encode(&body, coding);
            for length in [encoded.len() / 2, encoded.len() - 1] {
                assert_eq!(
                    decode(encoded.slice(..length), coding, body.len()),
                    Err(DecodeError::Corrupt),
                    "{coding:?}"
                );
            }
        }
    }

    #[test]
    fn a_zstd_frame_cannot_ask_for_a_window_larger_than_any_level_needs() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"[]").unwrap();
        encoder.flush().unwrap();
        let encoded = encoder.finish().unwrap();
        assert_eq!(
            decode(encoded.into(), Coding::Zstd, 1_000),
            Err(DecodeError::Corrupt)
        );
    }

    #[test]
    fn codings_are_recognised_in_any_case_and_others_are_not() {
        assert_eq!(Coding::from_header(b" GZip "), Some(Coding::Gzip));
        assert_eq!(Coding::from_header(b""), Some(Coding::Identity));
        assert_eq!(Coding::from_header(b"br"), None);
        assert_eq!(Coding::from_header(b"gzip, zstd"), None);
    }
}
