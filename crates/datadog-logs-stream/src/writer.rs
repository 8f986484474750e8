//! From operations to the data of a message: the protobuf of a profile, compressed.
//!
//! Pure, and the same bytes for the same operations; the id of the batch is not in it, so that what is sent again on
//! another stream need not be written again.

use bytes::Bytes;
use datadog_logs_patterns::operation::Operations;
use datadog_logs_patterns::wire::{self, FieldOrder, Profile};
use datadog_wire::stateful;
use flate2::Compression as GzipLevel;
use flate2::write::GzEncoder;

/// How the data of every batch is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Identity,
    /// One gzip member a batch, at this level.
    Gzip(u32),
    /// One zstd frame a batch, at this level.
    Zstd(i32),
}

impl Compression {
    /// What the metadata of the stream says of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => stateful::ENCODING_IDENTITY,
            Self::Gzip(_) => stateful::ENCODING_GZIP,
            Self::Zstd(_) => stateful::ENCODING_ZSTD,
        }
    }
}

/// Writes batches; keeps the memory that it needs.
pub struct Writer {
    profile: Profile,
    exact_bytes_extension: bool,
    compression: Compression,
    zstd: Option<zstd::bulk::Compressor<'static>>,
    plain: Vec<u8>,
}

impl Writer {
    /// A writer of that profile.
    pub fn new(profile: Profile, compression: Compression, exact_bytes_extension: bool) -> Self {
        Self {
            profile,
            exact_bytes_extension,
            compression,
            zstd: None,
            plain: Vec::new(),
        }
    }

    /// The profile in which it writes.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Writes another profile from now on.
    pub fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
    }

    /// The data of a batch.
    ///
    /// # Errors
    /// When the compressor fails, which is when there is no memory for it.
    pub fn write(&mut self, operations: &Operations) -> std::io::Result<Bytes> {
        self.plain.clear();
        let options = wire::Options {
            exact_bytes_extension: self.exact_bytes_extension,
            order: FieldOrder::LengthsFirst,
        };
        wire::write(operations, self.profile, options, &mut self.plain);
        match self.compression {
            Compression::Identity => Ok(Bytes::copy_from_slice(&self.plain)),
            Compression::Gzip(level) => {
                let mut encoder = GzEncoder::new(Vec::new(), GzipLevel::new(level));
                std::io::Write::write_all(&mut encoder, &self.plain)?;
                encoder.finish().map(Bytes::from)
            }
            Compression::Zstd(level) => {
                let compressor = match &mut self.zstd {
                    Some(compressor) => compressor,
                    none => none.insert(zstd::bulk::Compressor::new(level)?),
                };
                compressor.compress(&self.plain).map(Bytes::from)
            }
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("profile", &self.profile)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use datadog_logs_patterns::decoder::{ContentEncoding, Decoder, Limits};
    use datadog_logs_patterns::encoder::{Encoder, Input, Options};

    use super::*;

    #[test]
    fn each_compression_is_read_by_the_decoder_under_its_name() {
        for compression in [
            Compression::Identity,
            Compression::Gzip(6),
            Compression::Zstd(3),
        ] {
            let mut encoder = Encoder::new(Options::default(), 1);
            let input = Input {
                body: b"hello",
                timestamp_ms: 1,
                status: Some("info"),
                service: None,
                tags: "a:b",
                uuid: None,
            };
            encoder.push(&input, 0).unwrap();
            let mut writer = Writer::new(Profile::A, compression, true);
            let data = writer.write(&encoder.seal()).unwrap();
            let encoding = ContentEncoding::from_name(compression.name()).unwrap();
            let mut decoder = Decoder::new(Profile::A, Limits::default()).with_encoding(encoding);
            assert_eq!(decoder.decode(1, &data).unwrap()[0].body, b"hello");
        }
    }
}
