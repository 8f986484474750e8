//! Names and values of queries, forms and cookies, as lists by name.
//!
//! Decodes percent-encoding once; what is no encoding stays as it is. Sends on bytes as they are, UTF-8 or not.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::limits::Shaper;
use crate::value::Value;

/// Names that are looked through one after the other: as many as most requests have, for which that is quicker than a
/// table would be.
const FEW: usize = 16;

/// Texts by name, in the order in which names came first.
#[derive(Debug)]
pub(crate) struct Lists {
    pairs: Vec<List>,
    /// Where the list of a name is, in `pairs`, once there are more than a few.
    places: HashMap<Vec<u8>, usize, RandomState>,
    /// Names and values beyond their limits.
    lost_names: usize,
}

/// The values of a name.
#[derive(Debug)]
struct List {
    name: Vec<u8>,
    values: Vec<Value>,
    /// How many there were, those beyond the limit included.
    members: usize,
}

impl Lists {
    pub(crate) fn new() -> Self {
        Self {
            pairs: Vec::new(),
            places: HashMap::default(),
            lost_names: 0,
        }
    }

    /// Adds a value under a name, as far as the limits allow.
    pub(crate) fn push(&mut self, name: &[u8], value: Value, shaper: &mut Shaper<'_>) {
        let name = shaper.cut(name);
        if let Some(place) = self.place(&name) {
            if let Some(list) = self.pairs.get_mut(place) {
                list.members += 1;
                if shaper.admits_member(list.values.len()) {
                    list.values.push(value);
                } else {
                    shaper.too_wide(list.members);
                }
            }
            return;
        }
        if shaper.admits_member(self.pairs.len()) && shaper.admits_member(0) {
            self.remember(&name);
            self.pairs.push(List {
                name,
                values: vec![value],
                members: 1,
            });
        } else {
            self.lost_names += 1;
            shaper.too_wide(self.pairs.len() + self.lost_names);
        }
    }

    fn place(&self, name: &[u8]) -> Option<usize> {
        if self.pairs.len() <= FEW {
            return self.pairs.iter().position(|list| list.name == name);
        }
        self.places.get(name).copied()
    }

    /// Before a name is added: from then on the table knows it, if there is one.
    fn remember(&mut self, name: &[u8]) {
        if self.pairs.len() == FEW {
            let names = self.pairs.iter().map(|list| list.name.clone());
            self.places.extend(names.zip(0..));
        }
        if self.pairs.len() >= FEW {
            self.places.insert(name.to_vec(), self.pairs.len());
        }
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// A map of lists.
    pub(crate) fn into_value(self) -> Value {
        let pairs = self.pairs.into_iter();
        Value::Map(
            pairs
                .map(|list| (list.name, Value::Array(list.values)))
                .collect(),
        )
    }
}

/// Reads `a=1&b=2`, the form of queries and of forms.
pub(crate) fn parse(text: &[u8], shaper: &mut Shaper<'_>) -> Lists {
    let mut lists = Lists::new();
    for pair in text
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = split(pair, b'=');
        let value = shaper.text(&decode(value));
        lists.push(&decode(name), value, shaper);
    }
    lists
}

/// Reads the values of `cookie` headers.
pub(crate) fn cookies<'a>(
    headers: impl Iterator<Item = &'a str>,
    shaper: &mut Shaper<'_>,
) -> Lists {
    let mut lists = Lists::new();
    for pair in headers.flat_map(|header| header.split(';')) {
        let pair = pair.trim();
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = shaper.text(value.trim().as_bytes());
        lists.push(name.trim().as_bytes(), value, shaper);
    }
    lists
}

/// In two at the first `at`; the second half is empty without one.
fn split(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    let position = memchr::memchr(at, text).unwrap_or(text.len());
    let (first, rest) = text.split_at_checked(position).unwrap_or((text, &[]));
    (first, rest.get(1..).unwrap_or_default())
}

/// Takes percent-encoding away, and `+` for a space.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let encoded = after
            .split_first_chunk::<2>()
            .filter(|_| byte == b'%')
            .and_then(|([high, low], after)| Some((digit(*high)? << 4 | digit(*low)?, after)));
        match encoded {
            Some((decoded, after)) => {
                out.push(decoded);
                rest = after;
            }
            None if byte == b'+' => out.push(b' '),
            None => out.push(byte),
        }
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::limits::Limits;

    #[track_caller]
    fn check(text: &str, wanted: serde_json::Value) {
        let limits = Limits::default();
        let mut shaper = Shaper::new(&limits);
        let value = parse(text.as_bytes(), &mut shaper).into_value();
        assert_eq!(value.to_json(), wanted);
    }

    #[test]
    fn names_are_gathered_wherever_they_stand() {
        check(
            "key=value&space=%20",
            json!({"key":["value"],"space":[" "]}),
        );
        check(
            "a=1&b=x+y&a=2&c&=z&&a=%C3%A4",
            json!({"a":["1","2","ä"],"b":["x y"],"c":[""],"":["z"]}),
        );
        // A comma is a part of its value, not the end of it.
        check("a=1,2&b=%2C", json!({"a":["1,2"],"b":[","]}));
    }

    #[test]
    fn what_is_no_encoding_stays() {
        check(
            "a=100%&b=%zz&c=%4",
            json!({"a":["100%"],"b":["%zz"],"c":["%4"]}),
        );
        assert_eq!(decode(b"%00%ff%41"), [0, 255, b'A']);
    }

    #[test]
    fn cookies_are_pairs_between_semicolons() {
        let limits = Limits::default();
        let mut shaper = Shaper::new(&limits);
        let headers = ["a=1; b=x=y;a = 2;;flag", "c=\"q\""];
        let value = cookies(headers.into_iter(), &mut shaper).into_value();
        let wanted = json!({"a":["1","2"],"b":["x=y"],"flag":[""],"c":["\"q\""]});
        assert_eq!(value.to_json(), wanted);
    }

    #[test]
    fn names_and_values_are_bounded_apart() {
        let limits = Limits::default();
        let mut shaper = Shaper::new(&limits);
        let text: Vec<_> = (0..300).map(|n| format!("k{n}=v")).collect();
        let value = parse(text.join("&").as_bytes(), &mut shaper).into_value();
        assert_eq!(value.count(), 1 + 2 * 256);
        assert_eq!(shaper.truncated().container, 300);
        // However many names there are, a name is found again.
        for names in [1, 15, 16, 17, 18, 40] {
            let once: Vec<_> = (0..names).map(|n| format!("k{n}=v")).collect();
            let twice = format!("{0}&{0}", once.join("&"));
            let mut shaper = Shaper::new(&limits);
            let value = parse(twice.as_bytes(), &mut shaper).into_value();
            assert_eq!(value.count(), 1 + names * 3, "{names} names");
        }
        let mut shaper = Shaper::new(&limits);
        let value = parse("a=1&".repeat(400).as_bytes(), &mut shaper).into_value();
        assert_eq!(value.count(), 2 + 256);
        assert_eq!(shaper.truncated().container, 400);
    }
}
