//! Reads a request's body and decompresses it, both under a cap.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};

use crate::fault::Rule;
use crate::problem::What;

/// Most bytes received in one request.
pub(crate) const MAX_WIRE_BYTES: usize = 64 << 20;
/// Most bytes that a body may grow to.
pub(crate) const MAX_RAW_BYTES: usize = 256 << 20;
/// What is set aside for a body before its bytes have come.
const FIRST_CAPACITY: usize = 1 << 20;
/// Log2 of the most memory a zstd frame may ask for as its window: 128 MiB, what the format's tools accept.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// What came of reading a body.
pub(crate) struct Reading {
    /// The bytes; those before the failure, unless there were too many.
    pub(crate) bytes: Bytes,
    /// How many bytes were read.
    pub(crate) length: usize,
    /// Why it stopped before the end.
    pub(crate) failure: Option<Failure>,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Past what was to be read at most.
    TooLong,
    /// The client left.
    CutShort,
    /// A rule asked to stop here.
    Ordered,
}

/// Reads `body`, at most so many bytes, as slowly or as far as `rule` says.
pub(crate) async fn read(mut body: Incoming, rule: Option<&Rule>, most: usize) -> Reading {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > most {
        return stopped(Vec::new(), 0, Some(Failure::TooLong));
    }
    let stop_after = rule.and_then(|rule| rule.close_after_read_bytes);
    let rate = rule.and_then(|rule| rule.slow_read_bytes_per_s);
    // Bytes are copied out of the connection's buffer, which a short body kept by reference would hold whole.
    let mut bytes = Vec::with_capacity(expected.min(FIRST_CAPACITY));
    loop {
        if stop_after.is_some_and(|stop| crate::store::as_u64(bytes.len()) >= stop) {
            let length = bytes.len();
            return stopped(bytes, length, Some(Failure::Ordered));
        }
        let data = match body.frame().await {
            None => break,
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(_)) => {
                let length = bytes.len();
                return stopped(bytes, length, Some(Failure::CutShort));
            }
        };
        if bytes.len() + data.len() > most {
            return stopped(Vec::new(), bytes.len() + data.len(), Some(Failure::TooLong));
        }
        bytes.extend_from_slice(&data);
        if let Some(rate) = rate {
            tokio::time::sleep(time_for(data.len(), rate)).await;
        }
    }
    let length = bytes.len();
    stopped(bytes, length, None)
}

fn stopped(mut bytes: Vec<u8>, length: usize, failure: Option<Failure>) -> Reading {
    bytes.shrink_to_fit();
    Reading {
        bytes: bytes.into(),
        length,
        failure,
    }
}

/// How long `bytes` take at `rate` bytes a second.
pub(super) fn time_for(bytes: usize, rate: u64) -> Duration {
    let micros = crate::store::as_u64(bytes).saturating_mul(1_000_000) / rate.max(1);
    Duration::from_micros(micros)
}

/// Undoes `encoding`, within `cap` bytes.
///
/// # Errors
/// What to note about a body that cannot be decompressed.
pub(crate) fn decompress(wire: &Bytes, encoding: &str, cap: usize) -> Result<Bytes, What> {
    match encoding.to_ascii_lowercase().as_str() {
        "identity" => Ok(wire.clone()),
        "gzip" | "x-gzip" => {
            let decoder = flate2::bufread::MultiGzDecoder::new(&wire[..]);
            collect(decoder, wire.len(), cap)
        }
        "deflate" => {
            let mut decoder = flate2::bufread::ZlibDecoder::new(&wire[..]);
            let raw = collect(&mut decoder, wire.len(), cap)?;
            if decoder.into_inner().is_empty() {
                Ok(raw)
            } else {
                Err(What::WrongEncoding)
            }
        }
        // The second spelling is that of Datadog's API clients.
        "zstd" | "zstd1" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(&wire[..])
                .map_err(|_| What::WrongEncoding)?;
            decoder
                .window_log_max(ZSTD_WINDOW_LOG_MAX)
                .map_err(|_| What::WrongEncoding)?;
            if wire.is_empty() {
                return Err(What::WrongEncoding);
            }
            collect(decoder, wire.len(), cap)
        }
        _ => Err(What::UnknownEncoding),
    }
}

/// Whether `bytes` open like a gzip or zstd body.
pub(crate) fn looks_compressed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

fn collect(decoder: impl Read, wire_bytes: usize, cap: usize) -> Result<Bytes, What> {
    let mut raw = Vec::with_capacity(wire_bytes.saturating_mul(4).min(FIRST_CAPACITY));
    let limit = crate::store::as_u64(cap).saturating_add(1);
    let read: io::Result<usize> = decoder.take(limit).read_to_end(&mut raw);
    if read.is_err() {
        return Err(What::WrongEncoding);
    }
    if raw.len() > cap {
        return Err(What::Bomb);
    }
    raw.shrink_to_fit();
    Ok(raw.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"[{\"message\":\"hello\"}]";

    fn gzip(raw: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(raw).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(raw: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(raw).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(raw: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(raw, 1).unwrap()
    }

    #[track_caller]
    fn check(wire: impl Into<Bytes>, encoding: &str, cap: usize, expected: Result<&[u8], What>) {
        let raw = decompress(&wire.into(), encoding, cap);
        assert_eq!(raw.as_deref().map_err(|what| *what), expected, "{encoding}");
    }

    #[test]
    fn every_encoding_is_undone() {
        check(TEXT, "identity", 1_000, Ok(TEXT));
        check(gzip(TEXT), "gzip", 1_000, Ok(TEXT));
        check(gzip(TEXT), "GZip", 1_000, Ok(TEXT));
        check(deflate(TEXT), "deflate", 1_000, Ok(TEXT));
        check(zstd(TEXT), "zstd", 1_000, Ok(TEXT));
    }

    #[test]
    fn frames_and_members_follow_one_another() {
        let twice = [TEXT, TEXT].concat();
        check([gzip(TEXT), gzip(TEXT)].concat(), "gzip", 1_000, Ok(&twice));
        check([zstd(TEXT), zstd(TEXT)].concat(), "zstd", 1_000, Ok(&twice));
    }

    #[test]
    fn the_cap_holds_to_the_byte() {
        for (encoding, wire) in [
            ("gzip", gzip(TEXT)),
            ("deflate", deflate(TEXT)),
            ("zstd", zstd(TEXT)),
        ] {
            check(wire.clone(), encoding, TEXT.len(), Ok(TEXT));
            check(wire, encoding, TEXT.len() - 1, Err(What::Bomb));
        }
    }

    #[test]
    fn bytes_that_are_something_else_are_refused() {
        for encoding in ["gzip", "deflate", "zstd"] {
            check(TEXT, encoding, 1_000, Err(What::WrongEncoding));
            check("", encoding, 1_000, Err(What::WrongEncoding));
        }
        for (encoding, wire) in [
            ("gzip", gzip(TEXT)),
            ("deflate", deflate(TEXT)),
            ("zstd", zstd(TEXT)),
        ] {
            let short = wire[..wire.len() - 1].to_vec();
            check(short, encoding, 1_000, Err(What::WrongEncoding));
            let long = [wire, b"trailing".to_vec()].concat();
            check(long, encoding, 1_000, Err(What::WrongEncoding));
        }
        check(TEXT, "br", 1_000, Err(What::UnknownEncoding));
        check(gzip(TEXT), "gzip, zstd", 1_000, Err(What::UnknownEncoding));
    }
}
