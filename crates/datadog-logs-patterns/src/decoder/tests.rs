//! Whole batches: those of known bytes, those with a mistake, and those that would grow.

mod limits;
mod mistakes;
mod properties;
mod vectors;

use super::*;

/// A datum, or any message, made of fields.
fn message(fields: &[Vec<u8>]) -> Vec<u8> {
    fields.concat()
}

/// A field that holds a number.
fn int(number: u32, value: u64) -> Vec<u8> {
    [varint(u64::from(number) << 3), varint(value)].concat()
}

/// A field that holds a text or a message.
fn bytes(number: u32, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let tag = varint(u64::from(number) << 3 | 2);
    let length = varint(value.len().try_into().unwrap());
    [&tag, &length, value].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
    out
}

/// A sequence of datums.
fn sequence(datums: &[Vec<u8>]) -> Vec<u8> {
    datums.iter().flat_map(|datum| bytes(1, datum)).collect()
}

/// The definition of a pattern whose positions are each less than 128.
fn pattern_a(id: u64, template: &str, positions: &[u8]) -> Vec<u8> {
    let count = positions.len().try_into().unwrap();
    bytes(
        1,
        message(&[
            int(1, id),
            bytes(2, template),
            int(3, count),
            bytes(4, positions),
        ]),
    )
}

fn pattern_c(id: u64, template: &str, positions: &[u8]) -> Vec<u8> {
    bytes(
        2,
        message(&[int(1, id), bytes(2, template), bytes(4, positions)]),
    )
}

fn text_a(id: u64, text: &str) -> Vec<u8> {
    bytes(3, message(&[int(1, id), bytes(2, text)]))
}

fn text_c(id: u64, text: &str) -> Vec<u8> {
    bytes(1, message(&[int(1, id), bytes(2, text)]))
}

/// A log of profile A with a pattern.
fn structured(fields: &[Vec<u8>]) -> Vec<u8> {
    bytes(6, bytes(2, message(fields)))
}

/// A value of a pattern in profile A.
fn text_value(text: &str) -> Vec<u8> {
    bytes(2, bytes(3, text))
}

fn raw_a(text: &str) -> Vec<u8> {
    bytes(6, bytes(3, text))
}

/// A log of profile C.
fn log_c(fields: &[Vec<u8>]) -> Vec<u8> {
    bytes(4, message(fields))
}

fn decode(profile: Profile, datums: &[Vec<u8>]) -> Result<Vec<Record>, Error> {
    Decoder::new(profile, Limits::default()).decode(1, &sequence(datums))
}

/// The texts of the logs of one batch, or the mistake in it.
fn bodies(profile: Profile, datums: &[Vec<u8>]) -> String {
    render(decode(profile, datums), |record| {
        String::from_utf8_lossy(&record.body).into_owned()
    })
}

/// All of the logs of one batch, or the mistake in it.
fn records(profile: Profile, datums: &[Vec<u8>]) -> String {
    render(decode(profile, datums), show)
}

fn render(decoded: Result<Vec<Record>, Error>, show: impl Fn(&Record) -> String) -> String {
    match decoded {
        Ok(records) => records.iter().map(show).collect::<Vec<_>>().join("\n"),
        Err(error) => format!("{:?}: {error}", error.code()),
    }
}

fn show(record: &Record) -> String {
    format!(
        "{} {:?} status={:?} service={:?} tags={:?} uuid={:?} pattern={:?}",
        record.timestamp_ms,
        String::from_utf8_lossy(&record.body),
        record.status.as_deref(),
        record.service.as_deref(),
        record.tags.as_deref(),
        record.uuid.as_deref(),
        record.pattern,
    )
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}
