//! Tests of bodies: their framing, and that no limit is ever broken.

use std::io::Read as _;

use proptest::prelude::*;

use super::*;

const SMALL: Limits = Limits {
    raw_bytes: 20,
    bytes: usize::MAX,
    points: 3,
};

fn writer(limits: Limits, encoding: Encoding) -> Writer {
    Writer::new(Kind::Events, limits, encoding, b"]")
}

fn item(body: &[u8], points: usize) -> Item<'_> {
    Item {
        open: b"[",
        join: b",",
        body,
        points,
    }
}

fn plain(finished: &Finished) -> Vec<u8> {
    let mut raw = Vec::new();
    match finished.encoding {
        Encoding::Identity => raw.extend_from_slice(&finished.body),
        Encoding::Zstd(_) => {
            raw = zstd::bulk::decompress(&finished.body, finished.raw_len).unwrap();
        }
        Encoding::Gzip(_) => {
            let mut reader = flate2::read::GzDecoder::new(&finished.body[..]);
            reader.read_to_end(&mut raw).unwrap();
        }
        Encoding::Deflate(_) => {
            let mut reader = flate2::read::ZlibDecoder::new(&finished.body[..]);
            reader.read_to_end(&mut raw).unwrap();
        }
    }
    raw
}

#[track_caller]
fn check(limits: Limits, items: &[(&str, usize)], bodies: &[&str]) {
    let mut writer = writer(limits, Encoding::Identity);
    let mut done = Vec::new();
    for (body, points) in items {
        writer
            .push(item(body.as_bytes(), *points), &mut done)
            .unwrap();
    }
    writer.finish(&mut done);
    let found: Vec<_> = done
        .iter()
        .map(|it| String::from_utf8(plain(it)).unwrap())
        .collect();
    assert_eq!(found, bodies);
}

#[test]
fn items_are_joined_until_the_limit_with_the_end_counted() {
    // "[" + 8 + "," + 9 + "]" is exactly 20.
    check(
        SMALL,
        &[("aaaaaaaa", 0), ("bbbbbbbbb", 0)],
        &["[aaaaaaaa,bbbbbbbbb]"],
    );
    check(
        SMALL,
        &[("aaaaaaaa", 0), ("bbbbbbbbbb", 0)],
        &["[aaaaaaaa]", "[bbbbbbbbbb]"],
    );
}

#[test]
fn points_are_limited_as_well() {
    check(SMALL, &[("a", 2), ("b", 1), ("c", 1)], &["[a,b]", "[c]"]);
}

#[test]
fn a_body_without_items_is_none() {
    check(SMALL, &[], &[]);
}

#[test]
fn what_fits_no_body_is_refused_and_spoils_nothing() {
    let mut writer = writer(SMALL, Encoding::Identity);
    let mut done = Vec::new();
    writer.push(item(b"a", 1), &mut done).unwrap();
    assert_eq!(writer.push(item(&[b'x'; 19], 1), &mut done), Err(TooLarge));
    assert_eq!(writer.push(item(b"b", 4), &mut done), Err(TooLarge));
    assert_eq!(writer.push(item(&[b'x'; 18], 1), &mut done), Ok(()));
    writer.finish(&mut done);
    let sizes: Vec<_> = done.iter().map(|it| (it.raw_len, it.items)).collect();
    assert_eq!(sizes, [(3, 1), (20, 1)]);
}

#[test]
fn what_compresses_well_fills_a_body_far_beyond_its_size_on_the_wire() {
    let limits = Limits {
        raw_bytes: usize::MAX,
        bytes: 4_096,
        points: usize::MAX,
    };
    for encoding in [Encoding::Zstd(3), Encoding::Gzip(6), Encoding::Deflate(6)] {
        let mut writer = writer(limits, encoding);
        let mut done = Vec::new();
        for _ in 0..1_000 {
            writer.push(item(&[b'x'; 100], 1), &mut done).unwrap();
        }
        writer.finish(&mut done);
        assert_eq!(done.len(), 1, "{encoding:?}");
        assert_eq!(done[0].raw_len, 1_000 * 101 + 1);
        assert_eq!(plain(&done[0]).len(), done[0].raw_len);
    }
}

proptest! {
    #[test]
    fn no_body_breaks_a_limit_and_none_loses_an_item(
        sizes in prop::collection::vec((0_usize..2_000, any::<u8>()), 1..200),
        raw_bytes in 3_000_usize..20_000,
        bytes in 3_000_usize..20_000,
        kind in 0..3,
    ) {
        let encoding = [Encoding::Identity, Encoding::Zstd(3), Encoding::Gzip(6)][kind as usize];
        let limits = Limits { raw_bytes, bytes, points: 50 };
        let mut writer = writer(limits, encoding);
        let mut done = Vec::new();
        let mut random = 1_u64;
        let mut expect = Vec::new();
        for (size, seed) in &sizes {
            random ^= u64::from(*seed);
            let body: Vec<u8> = (0..*size).map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Neither a comma nor a bracket.
                b'a' + u8::try_from(random >> 33 & 0xf).unwrap()
            }).collect();
            writer.push(item(&body, 1), &mut done).unwrap();
            expect.push(body);
        }
        writer.finish(&mut done);
        let mut found = Vec::new();
        for body in &done {
            let raw = plain(body);
            prop_assert!(raw.len() <= raw_bytes && body.body.len() <= bytes);
            prop_assert_eq!(raw.len(), body.raw_len);
            let items: Vec<_> = raw[1..raw.len() - 1].split(|&byte| byte == b',').collect();
            prop_assert_eq!(items.len() as u64, body.items);
            prop_assert!(items.len() <= 50);
            found.extend(items.into_iter().map(<[u8]>::to_vec));
        }
        prop_assert_eq!(found, expect);
        prop_assert_eq!(writer.take_lost(), 0);
    }
}
