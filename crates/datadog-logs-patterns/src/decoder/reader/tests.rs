//! Fields in every form that the format allows, and in the forms that it does not.

use expect_test::{Expect, expect};

use super::*;

/// All fields of a message, or what is wrong with it.
#[track_caller]
fn check(message: &[u8], expected: Expect) {
    let mut reader = Reader::new(message);
    let mut seen = Vec::new();
    let end = loop {
        match reader.next() {
            Ok(Some((number, field))) => seen.push(format!("{number}={field:?}")),
            Ok(None) => break String::new(),
            Err(reason) => break format!("! {reason}"),
        }
    };
    seen.push(end);
    expected.assert_eq(seen.join(" ").trim_end());
}

#[test]
fn each_wire_type_is_read() {
    check(b"", expect![""]);
    check(b"\x08\xac\x02", expect!["1=Varint(300)"]);
    check(
        b"\x11\x01\0\0\0\0\0\0\x80",
        expect!["2=Fixed64(9223372036854775809)"],
    );
    check(b"\x1a\x02ab", expect!["3=Bytes([97, 98])"]);
    check(b"\x25\x01\0\0\0", expect!["4=Fixed32(1)"]);
    check(b"\xf8\xff\xff\xff\x0f\x00", expect!["536870911=Varint(0)"]);
}

#[test]
fn a_varint_has_ten_bytes_and_64_bits_at_most() {
    check(b"\x08\x80\x80\x00", expect!["1=Varint(0)"]);
    check(
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        expect!["1=Varint(18446744073709551615)"],
    );
    check(
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        expect!["! malformed protobuf: varint too large"],
    );
    check(
        b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        expect!["! malformed protobuf: varint too large"],
    );
    check(
        b"\x08\x80",
        expect!["! malformed protobuf: varint without end"],
    );
}

#[test]
fn a_group_is_skipped_with_all_that_is_in_it() {
    // Field 1 as a group of one field of each type, a group among them; then field 2.
    check(
        b"\x0b\x08\x01\x11\0\0\0\0\0\0\0\0\x1a\x01\x0c\x23\x24\x2d\0\0\0\0\x0c\x10\x07",
        expect!["1=Group 2=Varint(7)"],
    );
    check(
        b"\x0b\x14",
        expect!["! malformed protobuf: another group ends"],
    );
    check(
        b"\x0c",
        expect!["! malformed protobuf: a group ends that did not begin"],
    );
    check(
        b"\x0b\x08\x01",
        expect!["! malformed protobuf: varint without end"],
    );
}

#[test]
fn groups_are_skipped_to_a_depth() {
    let nested = |depth| [[0x0b].repeat(depth), [0x0c].repeat(depth)].concat();
    check(&nested(64), expect!["1=Group"]);
    check(&nested(65), expect!["! more than 64 levels"]);
    check(&[0x0b].repeat(1 << 20), expect!["! more than 64 levels"]);
}

#[test]
fn what_is_cut_short_or_makes_no_sense_is_an_error() {
    for cut_short in [&b"\x11\0\0\0"[..], b"\x25\0", b"\x1a\x02a"] {
        check(cut_short, expect!["! malformed protobuf: cut short"]);
    }
    check(
        b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        expect!["! malformed protobuf: cut short"],
    );
    check(b"\x00\x00", expect!["! malformed protobuf: field number 0"]);
    check(b"\x0e", expect!["! malformed protobuf: unknown wire type"]);
    check(
        b"\x80\x80\x80\x80\x10\x00",
        expect!["! malformed protobuf: tag too large"],
    );
}

#[test]
fn repeated_numbers_are_packed_or_not() {
    let mut list = vec![1];
    let packed = Field::Bytes(b"\x02\xac\x02");
    packed.repeated(&mut list, 4, |value| value).unwrap();
    Field::Varint(5)
        .repeated(&mut list, 4, |value| value)
        .unwrap();
    assert_eq!(list, [1, 2, 300, 5]);
    let (limit, max) = (Limit::Values, 4);
    assert_eq!(
        Field::Varint(6).repeated(&mut list, 4, |value| value),
        Err(Reason::Limit { limit, max })
    );

    let mut list = Vec::new();
    Field::Fixed64(1.5_f64.to_bits())
        .doubles(&mut list, 2)
        .unwrap();
    let bytes = (-2.0_f64).to_le_bytes();
    Field::Bytes(&bytes).doubles(&mut list, 2).unwrap();
    assert_eq!(list, [1.5, -2.0]);
    let (limit, max) = (Limit::Values, 2);
    let too_many = Err(Reason::Limit { limit, max });
    assert_eq!(Field::Bytes(&bytes).doubles(&mut list, 2), too_many);
    assert_eq!(Field::Fixed64(0).doubles(&mut list, 2), too_many);
    assert_eq!(
        Field::Bytes(&bytes[1..]).doubles(&mut list, 9),
        Err(Reason::Malformed("cut short"))
    );
}

#[test]
fn zigzag_alternates_the_sign() {
    assert_eq!([0, 1, 2, 5].map(unzigzag), [0, -1, 1, -3]);
    assert_eq!([u64::MAX - 1, u64::MAX].map(unzigzag), [i64::MAX, i64::MIN]);
}
