//! What there is to know of an entry before deciding whether it must be touched: its extent, and its reserved keys.

use datadog_wire::logs;

use super::scan::{Fault, Found, Kind, Member, Scanner, decode};
use crate::intake_entry::whole_milliseconds;

/// Number of `message` among the reserved keys.
pub(crate) const MESSAGE: usize = 0;
/// Number of `timestamp` among the reserved keys.
pub(crate) const TIMESTAMP: usize = 1;
/// Number of `ddtags` among the reserved keys.
pub(crate) const DDTAGS: usize = 5;
/// How many keys are reserved.
pub(crate) const RESERVED: usize = logs::RESERVED_KEYS.len();

/// One entry object in the text of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outline {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The values of the reserved keys, where they are set. Of equal keys the last counts.
    slots: [Option<Found>; RESERVED],
    /// One bit for each slot that is set.
    pub(super) set: u8,
    /// Whether it cannot go out as it came, whatever is added: a reserved key twice, null, empty, or of a value that
    /// is to be rewritten.
    pub(super) is_odd: bool,
}

impl Outline {
    /// Reads the object that is next, as an element of the batch's array.
    pub(super) fn read(text: &str, scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        let mut outline = Self {
            start: scanner.position(),
            end: 0,
            slots: [None; RESERVED],
            set: 0,
            is_odd: false,
        };
        let mut keys_seen = 0u8;
        scanner.members(1, |member| {
            if let Some(index) = reserved(text, &member) {
                let bit = 1 << index;
                outline.is_odd |= keys_seen & bit != 0;
                keys_seen |= bit;
                outline.note(text, index, member.value);
            }
        })?;
        outline.end = scanner.position();
        Ok(outline)
    }

    fn note(&mut self, text: &str, index: usize, value: Found) {
        let is_unset = match value.kind {
            // A null message is an error that wants to be told from a missing one.
            Kind::Null => index != MESSAGE,
            Kind::String { .. } => index != MESSAGE && value.inner().is_empty(),
            _ => false,
        };
        self.is_odd |= is_unset
            || match (index, value.kind) {
                (MESSAGE, Kind::Number | Kind::Bool) => true,
                (TIMESTAMP, Kind::Number) => !is_integer(text, value),
                _ => false,
            };
        if is_unset {
            self.slots[index] = None;
            self.set &= !(1 << index);
        } else {
            self.slots[index] = Some(value);
            self.set |= 1 << index;
        }
    }

    /// The value of a reserved key.
    pub(super) fn slot(&self, index: usize) -> Option<Found> {
        self.slots[index]
    }

    /// The timestamp where it is a number.
    pub(super) fn timestamp_ms(&self, text: &str) -> Option<i64> {
        let value = self.slots[TIMESTAMP].filter(|value| value.kind == Kind::Number)?;
        let number = text.get(value.range())?;
        let fraction = || number.parse().ok().and_then(whole_milliseconds);
        number.parse().ok().or_else(fraction)
    }
}

/// The number of the reserved key, if the member's key is one.
pub(crate) fn reserved(text: &str, member: &Member) -> Option<usize> {
    if member.key.kind == (Kind::String { escaped: false }) {
        let key = &text.as_bytes()[member.key.inner()];
        return number_of(key);
    }
    number_of(decode(text, member.key).as_bytes())
}

#[inline]
fn number_of(key: &[u8]) -> Option<usize> {
    // In the order of `RESERVED_KEYS`; a test holds the two together.
    match key {
        b"message" => Some(MESSAGE),
        b"timestamp" => Some(TIMESTAMP),
        b"hostname" => Some(2),
        b"service" => Some(3),
        b"ddsource" => Some(4),
        b"ddtags" => Some(DDTAGS),
        b"status" => Some(6),
        _ => None,
    }
}

/// Whether the number has neither fraction nor exponent.
fn is_integer(text: &str, number: Found) -> bool {
    let digits = &text.as_bytes()[number.range()];
    !digits.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(json: &str) -> Outline {
        Outline::read(json, &mut Scanner::new(json)).unwrap()
    }

    #[test]
    fn every_reserved_key_is_known_by_its_number() {
        for (index, key) in logs::RESERVED_KEYS.iter().enumerate() {
            assert_eq!(number_of(key.as_bytes()), Some(index));
        }
        assert_eq!(number_of(b"messagE"), None);
    }

    #[test]
    fn an_ordinary_entry_is_not_odd() {
        let json = r#"{"message":"","timestamp":1,"hostname":"h","service":"s","ddsource":"d","ddtags":"t","status":"i","x":null,"y":""}"#;
        let outline = outline(json);
        assert!(!outline.is_odd);
        assert_eq!(outline.set, 0b111_1111);
        assert_eq!((outline.start, outline.end), (0, json.len()));
        assert_eq!(outline.timestamp_ms(json), Some(1));
    }

    #[test]
    fn what_must_be_rewritten_is_odd() {
        for json in [
            r#"{"message":1}"#,
            r#"{"message":true}"#,
            r#"{"message":"a","message":"b"}"#,
            r#"{"message":"a","mess\u0061ge":"b"}"#,
            r#"{"message":"a","service":null}"#,
            r#"{"message":"a","ddtags":""}"#,
            r#"{"message":"a","timestamp":""}"#,
            r#"{"message":"a","timestamp":1.5}"#,
            r#"{"message":"a","timestamp":1e3}"#,
        ] {
            assert!(outline(json).is_odd, "{json}");
        }
    }

    #[test]
    fn of_equal_keys_the_last_counts() {
        let json = r#"{"message":"a","service":"x","message":"b","service":null}"#;
        let outline = outline(json);
        assert_eq!(json.get(outline.slot(MESSAGE).unwrap().inner()), Some("b"));
        assert_eq!(outline.slot(3), None);
        assert_eq!(outline.set, 1);
    }
}
