//! Compresses bodies, and takes its own work apart again when an intake asks for another form of it.
//!
//! Reads only frames that it wrote: the size before compression is known, and is the most that comes out.

use std::fmt;
use std::io::{self, Read, Write as _};

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};

use crate::Encoding;

/// The window of gzip, in bits: the largest.
const GZIP_WINDOW_BITS: u8 = 15;

/// A body as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// The bytes to send.
    pub(crate) body: Bytes,
    /// What they are encoded in, which is not what was asked for when compression failed.
    pub(crate) encoding: Encoding,
}

/// Compression contexts that are used again from one body to the next.
#[derive(Default)]
pub(crate) struct Encoder {
    zstd: Option<zstd::bulk::Compressor<'static>>,
    gzip: Option<(u32, Compress)>,
}

impl Encoder {
    /// Encodes a body; one that cannot be compressed travels as it is.
    pub(crate) fn encode(&mut self, raw: &Bytes, encoding: Encoding) -> Encoded {
        let compressed = match encoding {
            Encoding::Identity => return as_is(raw),
            Encoding::Zstd(level) => self.zstd(raw, level),
            Encoding::Gzip(level) => self.gzip(raw, level),
            Encoding::Deflate(level) => deflate(raw, level),
        };
        or_as_is(compressed, raw, encoding)
    }

    /// One frame with the content size in its header and without a checksum, as the library writes by default.
    fn zstd(&mut self, raw: &[u8], level: i32) -> io::Result<Vec<u8>> {
        let context = match &mut self.zstd {
            Some(context) => context,
            none => none.insert(zstd::bulk::Compressor::new(level)?),
        };
        context.set_compression_level(level)?;
        context.compress(raw)
    }

    fn gzip(&mut self, raw: &[u8], level: u32) -> io::Result<Vec<u8>> {
        let context = match &mut self.gzip {
            Some((same, context)) if *same == level => {
                context.reset();
                context
            }
            other => {
                let level_1_to_9 = Compression::new(level.clamp(1, 9));
                let context = Compress::new_gzip(level_1_to_9, GZIP_WINDOW_BITS);
                &mut other.insert((level, context)).1
            }
        };
        let mut out = Vec::with_capacity(raw.len() / 4 + 64);
        let mut rest = raw;
        loop {
            let before = context.total_in();
            let status = context.compress_vec(rest, &mut out, FlushCompress::Finish)?;
            if status == Status::StreamEnd {
                return Ok(out);
            }
            let read = usize::try_from(context.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(read..).unwrap_or_default();
            out.reserve(out.capacity().max(1024));
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encoder")
    }
}

/// The value of `Content-Encoding`, if there is one.
pub(crate) fn content_encoding(encoding: Encoding) -> Option<&'static str> {
    match encoding {
        Encoding::Identity => None,
        Encoding::Gzip(_) => Some("gzip"),
        // So the format of zlib is called in HTTP.
        Encoding::Deflate(_) => Some("deflate"),
        Encoding::Zstd(_) => Some("zstd"),
    }
}

/// Undoes [`Encoder::encode`]. `raw_len` is the size of the body that was encoded.
///
/// # Errors
/// When the body is not what `encode` made of `raw_len` bytes.
pub(crate) fn decode(body: &Bytes, encoding: Encoding, raw_len: usize) -> io::Result<Bytes> {
    let raw = match encoding {
        Encoding::Identity => return Ok(body.clone()),
        Encoding::Zstd(_) => zstd::bulk::decompress(body, raw_len)?,
        Encoding::Gzip(_) => read(flate2::bufread::GzDecoder::new(body.as_ref()), raw_len)?,
        Encoding::Deflate(_) => read(flate2::bufread::ZlibDecoder::new(body.as_ref()), raw_len)?,
    };
    if raw.len() == raw_len {
        Ok(raw.into())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Reads as many bytes as were promised, and one more if there is one, which shows that there are too many.
fn read(body: impl Read, raw_len: usize) -> io::Result<Vec<u8>> {
    let mut raw = Vec::with_capacity(raw_len);
    let most = u64::try_from(raw_len).unwrap_or(u64::MAX).saturating_add(1);
    body.take(most).read_to_end(&mut raw)?;
    Ok(raw)
}

/// In the format of zlib.
fn deflate(raw: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let level = Compression::new(level.clamp(1, 9));
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(raw)?;
    encoder.finish()
}

fn as_is(raw: &Bytes) -> Encoded {
    Encoded {
        body: raw.clone(),
        encoding: Encoding::Identity,
    }
}

fn or_as_is(compressed: io::Result<Vec<u8>>, raw: &Bytes, encoding: Encoding) -> Encoded {
    match compressed {
        Ok(mut body) => {
            // The compressor reserves for the worst case, and the body may wait for hours.
            body.shrink_to_fit();
            Encoded {
                body: body.into(),
                encoding,
            }
        }
        Err(error) => {
            tracing::warn!(%error, "compression failed, sending uncompressed");
            as_is(raw)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_zstd_frame_carries_its_content_size_and_no_checksum() {
        let raw = Bytes::from(vec![b'x'; 1000]);
        let encoded = Encoder::default().encode(&raw, Encoding::Zstd(3));
        assert_eq!(encoded.encoding, Encoding::Zstd(3));
        assert_eq!(encoded.body[..4], [0x28, 0xb5, 0x2f, 0xfd]);
        let descriptor = encoded.body[4];
        assert_eq!(descriptor & 0b0000_0100, 0, "checksum flag");
        assert_eq!(
            descriptor >> 6,
            1,
            "a content size of two bytes, less 256 as the format has it"
        );
        let content_size = u16::from_le_bytes([encoded.body[5], encoded.body[6]]);
        assert_eq!(content_size + 256, 1000);
    }

    #[test]
    fn a_body_that_cannot_be_compressed_travels_as_it_is_under_no_encoding() {
        let raw = Bytes::from_static(b"[{}]");
        let encoded = or_as_is(
            Err(io::ErrorKind::OutOfMemory.into()),
            &raw,
            Encoding::Zstd(3),
        );
        assert_eq!(encoded, as_is(&raw));
        assert_eq!(content_encoding(encoded.encoding), None);
    }

    #[test]
    fn a_compressed_body_keeps_no_more_memory_than_it_has_bytes() {
        let raw = Bytes::from(vec![b'x'; 1 << 20]);
        let encoded = Encoder::default().encode(&raw, Encoding::Zstd(1));
        let body = Vec::from(encoded.body);
        assert_eq!(body.capacity(), body.len());
    }

    #[test]
    fn a_frame_that_holds_another_number_of_bytes_than_was_promised_is_refused() {
        let raw = Bytes::from(vec![b'x'; 1000]);
        for encoding in [Encoding::Zstd(1), Encoding::Gzip(6), Encoding::Deflate(6)] {
            let encoded = Encoder::default().encode(&raw, encoding);
            for promised in [0, 999, 1001] {
                assert!(
                    decode(&encoded.body, encoding, promised).is_err(),
                    "{encoding:?} {promised}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded_with_one_context_for_many_bodies(
            bodies in prop::collection::vec(prop::collection::vec(0u8..4, 0..3000), 1..6),
            levels in prop::collection::vec(1u32..=9, 6),
        ) {
            let mut encoder = Encoder::default();
            for (body, level) in bodies.iter().zip(levels) {
                let raw = Bytes::from(body.clone());
                let zstd = Encoding::Zstd(level.cast_signed());
                for encoding in [Encoding::Identity, Encoding::Gzip(level), Encoding::Deflate(level), zstd] {
                    let encoded = encoder.encode(&raw, encoding);
                    prop_assert_eq!(encoded.encoding, encoding);
                    prop_assert_eq!(decode(&encoded.body, encoding, raw.len()).unwrap(), &raw);
                }
            }
        }
    }
}
