//! Whole frames, frames that are none, and frames that would grow.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::ContentEncoding::{Gzip, Identity, Zstd};
use super::*;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(data, 3).unwrap()
}

/// A frame that does not say how much it holds.
fn zstd_unsized(data: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Three pieces and a bit, not all the same.
fn text() -> Vec<u8> {
    (0..50_000_u32)
        .map(|n| ((n * n) >> 9).to_le_bytes()[0])
        .collect()
}

fn too_large(max: usize) -> Result<Cow<'static, [u8]>, Reason> {
    let limit = Limit::BatchBytes;
    Err(Reason::Limit { limit, max })
}

#[test]
fn what_was_compressed_comes_out_again() {
    for text in [Vec::new(), b"a".to_vec(), text()] {
        for (encoding, data) in [
            (Identity, text.clone()),
            (Gzip, gzip(&text)),
            (Zstd, zstd(&text)),
            (Zstd, zstd_unsized(&text)),
        ] {
            assert_eq!(encoding.decompress(&data, text.len()).unwrap(), text);
        }
    }
}

#[test]
fn the_cap_is_exact() {
    let text = text();
    let cap = text.len() - 1;
    for (encoding, data) in [
        (Identity, text.clone()),
        (Gzip, gzip(&text)),
        (Zstd, zstd(&text)),
        (Zstd, zstd_unsized(&text)),
    ] {
        assert_eq!(encoding.decompress(&data, cap), too_large(cap));
    }
}

#[test]
fn a_frame_cut_short_anywhere_is_an_error() {
    let text = &text()[..300];
    let (gzip, zstd) = (gzip(text), zstd(text));
    for cut in 0..gzip.len() {
        assert_eq!(Gzip.decompress(&gzip[..cut], 1_000), Err(Reason::Truncated));
    }
    for cut in 0..zstd.len() {
        assert_eq!(Zstd.decompress(&zstd[..cut], 1_000), Err(Reason::Truncated));
    }
}

#[test]
fn nothing_may_follow_the_frame() {
    for (encoding, frame) in [(Gzip, gzip(b"abc")), (Zstd, zstd(b"abc"))] {
        let trailing = |bytes| Err(Reason::Trailing { bytes });
        let with_zero = [&frame[..], b"\0"].concat();
        assert_eq!(encoding.decompress(&with_zero, 1_000), trailing(1));
        let twice = frame.repeat(2);
        assert_eq!(encoding.decompress(&twice, 1_000), trailing(frame.len()));
    }
}

#[test]
fn what_is_not_a_frame_is_an_error() {
    for encoding in [Gzip, Zstd] {
        assert_eq!(
            encoding.decompress(b"just text, as it is", 1_000),
            Err(Reason::Corrupt)
        );
    }
    // A frame of zstd that says of itself to be skipped.
    let skippable = b"\x50\x2a\x4d\x18\x01\0\0\0x";
    assert_eq!(Zstd.decompress(skippable, 1_000), Err(Reason::Corrupt));
}

#[test]
fn a_bomb_stops_at_the_cap() {
    let zeros = vec![0; 200 << 20];
    for bomb in [zstd(&zeros), zstd_unsized(&zeros)] {
        assert!(bomb.len() < 100_000);
        assert_eq!(Zstd.decompress(&bomb, 1 << 20), too_large(1 << 20));
    }
}

#[test]
fn a_size_that_is_only_stated_takes_no_memory() {
    // One segment of 2^40 bytes, stated in eight bytes; then one block of three.
    let header = b"\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\x01\0\0\x19\0\0abc";
    assert_eq!(Zstd.decompress(header, 64 << 20), too_large(64 << 20));
    // 32 MiB are stated and within the cap, but the window is larger than allowed.
    let header = b"\x28\xb5\x2f\xfd\xa0\0\0\0\x02\x19\0\0abc";
    assert_eq!(Zstd.decompress(header, 64 << 20), Err(Reason::Corrupt));
    // 1 MiB: three bytes are not what was stated.
    let header = b"\x28\xb5\x2f\xfd\xa0\0\0\x10\0\x19\0\0abc";
    assert_eq!(Zstd.decompress(header, 64 << 20), Err(Reason::Corrupt));
}

#[test]
fn memory_grows_with_what_comes_out() {
    let bytes = Vec::new();
    let cap = 100_000;
    let mut output = Output { bytes, cap };
    output.push(&[0; 20]).unwrap();
    assert_eq!(output.bytes.capacity(), 40);
    output.push(&[0; 60_000]).unwrap();
    assert_eq!(output.bytes.capacity(), 100_000);
    output.push(&[0; 39_980]).unwrap();
    assert!(output.push(&[0]).is_err());
}

#[test]
fn names_are_those_of_the_header() {
    for encoding in [Identity, Gzip, Zstd] {
        assert_eq!(ContentEncoding::from_name(encoding.name()), Some(encoding));
    }
    assert_eq!(ContentEncoding::from_name("deflate"), None);
    assert_eq!(ContentEncoding::default(), Identity);
}
