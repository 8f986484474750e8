//! How much of a request the firewall looks at: nesting, members of a container, bytes of a text, values in all.
//!
//! The library has no limits of its own; whatever is handed to it went through a [`Shaper`].
//! What was cut is remembered with its original size, and told on the span.

use crate::value::Value;

/// Where the value of an address stands, within the map of all.
pub(crate) const ADDRESS_DEPTH: usize = 2;

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Containers within one another, the map of all addresses included, so that a body has one less. Default 20.
    pub depth: usize,
    /// Members of one container. Default 256.
    pub container: usize,
    /// Bytes of a text or a key. Default 4096.
    pub text: usize,
    /// Values of a request without its body, of a body, or of a response, containers included. Default 65,536.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 20,
            container: 256,
            text: 4096,
            values: 65_536,
        }
    }
}

/// The largest original sizes of what was cut; 0 where nothing was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Truncated {
    /// Bytes of the longest text that was cut.
    pub text: usize,
    /// Members of the largest container that was cut.
    pub container: usize,
    /// Nesting of the deepest value that was cut.
    pub depth: usize,
}

impl Truncated {
    /// Whether anything was cut.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Takes the larger of each size.
    pub(crate) fn merge(&mut self, other: Self) {
        self.text = self.text.max(other.text);
        self.container = self.container.max(other.container);
        self.depth = self.depth.max(other.depth);
    }
}

/// Makes values within limits, and remembers what it cut.
#[derive(Debug)]
pub(crate) struct Shaper<'l> {
    limits: &'l Limits,
    truncated: Truncated,
    values: usize,
}

impl<'l> Shaper<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            truncated: Truncated::default(),
            values: 0,
        }
    }

    pub(crate) fn truncated(&self) -> Truncated {
        self.truncated
    }

    /// Values that were made so far.
    pub(crate) fn values(&self) -> usize {
        self.values
    }

    /// Takes back what was counted since, because it is made again.
    pub(crate) fn forget_values_since(&mut self, values: usize) {
        self.values = values;
    }

    /// A text within its limit, cut between two characters.
    pub(crate) fn cut(&mut self, text: &[u8]) -> Vec<u8> {
        let Some(kept) = text
            .get(..self.limits.text)
            .filter(|kept| kept.len() < text.len())
        else {
            return text.to_vec();
        };
        self.truncated.text = self.truncated.text.max(text.len());
        let continues = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        let mut end = kept.len();
        // At most three bytes belong to a character that began before; more of them are no character.
        while end > 0 && continues(end) && kept.len() - end < 3 {
            end -= 1;
        }
        if continues(end) {
            end = kept.len();
        }
        kept.get(..end).unwrap_or(kept).to_vec()
    }

    /// A text as a value.
    pub(crate) fn text(&mut self, text: &[u8]) -> Value {
        Value::Text(self.cut(text))
    }

    /// Whether a container at `depth` may stand, the map of all addresses being at 1.
    pub(crate) fn admits_depth(&self, depth: usize) -> bool {
        depth <= self.limits.depth
    }

    /// Remembers that something nested this deep was left out.
    pub(crate) fn too_deep(&mut self, depth: usize) {
        self.truncated.depth = self.truncated.depth.max(depth);
    }

    /// Whether a container that has `held` members may have one more; if so, it counts as a value.
    pub(crate) fn admits_member(&mut self, held: usize) -> bool {
        let admitted = held < self.limits.container && self.values < self.limits.values;
        self.values += usize::from(admitted);
        admitted
    }

    /// Remembers the size of a container that lost members.
    pub(crate) fn too_wide(&mut self, members: usize) {
        self.truncated.container = self.truncated.container.max(members);
    }

    /// Applies the limits to the value of an address that was made without them.
    pub(crate) fn shape(&mut self, value: Value) -> Value {
        self.shape_at(value, ADDRESS_DEPTH)
    }

    fn shape_at(&mut self, value: Value, depth: usize) -> Value {
        match value {
            Value::Text(text) if text.len() > self.limits.text => self.text(&text),
            Value::Array(_) | Value::Map(_) if !self.admits_depth(depth) => {
                self.too_deep(depth);
                Value::Invalid
            }
            Value::Array(items) => {
                let members = items.len();
                let mut kept = Vec::with_capacity(members.min(self.limits.container));
                for item in items {
                    if !self.admits_member(kept.len()) {
                        self.too_wide(members);
                        break;
                    }
                    kept.push(self.shape_at(item, depth + 1));
                }
                Value::Array(kept)
            }
            Value::Map(pairs) => {
                let members = pairs.len();
                let mut kept = Vec::with_capacity(members.min(self.limits.container));
                for (key, item) in pairs {
                    if !self.admits_member(kept.len()) {
                        self.too_wide(members);
                        break;
                    }
                    kept.push((self.cut(&key), self.shape_at(item, depth + 1)));
                }
                Value::Map(kept)
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nested(depth: usize) -> Value {
        (1..depth).fold(Value::Array(Vec::new()), |inner, _| {
            Value::Array(vec![inner])
        })
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let limits = Limits {
            text: 4,
            ..Limits::default()
        };
        let mut shaper = Shaper::new(&limits);
        assert_eq!(shaper.cut(b"abcd"), b"abcd");
        assert!(!shaper.truncated().any());
        assert_eq!(shaper.cut(b"abcde"), b"abcd");
        assert_eq!(shaper.cut("abcä".as_bytes()), b"abc");
        assert_eq!(shaper.cut("a😀b".as_bytes()), b"a");
        assert_eq!(shaper.cut(&[0x80; 9]), [0x80; 4], "no character at all");
        assert_eq!(shaper.truncated().text, 9);
    }

    #[test]
    fn nineteen_containers_stand_and_the_twentieth_does_not() {
        let limits = Limits::default();
        let mut shaper = Shaper::new(&limits);
        assert_eq!(shaper.shape(nested(19)), nested(19));
        assert!(!shaper.truncated().any());
        assert_eq!(shaper.shape(nested(20)).depth(), 19);
        assert_eq!(shaper.truncated().depth, 21);
    }

    #[test]
    fn a_container_keeps_256_members_and_its_size_is_remembered() {
        let limits = Limits::default();
        let mut shaper = Shaper::new(&limits);
        let of = |members| Value::Array(vec![Value::Null; members]);
        assert_eq!(shaper.shape(of(256)), of(256));
        assert!(!shaper.truncated().any());
        assert_eq!(shaper.shape(of(70_000)), of(256));
        assert_eq!(shaper.truncated().container, 70_000);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Signed),
            prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Text),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            let key = prop::collection::vec(any::<u8>(), 0..12);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                prop::collection::vec((key, inner), 0..8).prop_map(Value::Map),
            ]
        })
    }

    fn keeps(value: &Value, limits: &Limits) -> bool {
        match value {
            Value::Text(text) => text.len() <= limits.text,
            Value::Array(items) => {
                items.len() <= limits.container && items.iter().all(|item| keeps(item, limits))
            }
            Value::Map(pairs) => {
                pairs.len() <= limits.container
                    && pairs
                        .iter()
                        .all(|(key, item)| key.len() <= limits.text && keeps(item, limits))
            }
            _ => true,
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_within_the_limits(value in values()) {
            let limits = Limits { depth: 3, container: 4, text: 6, values: 20 };
            let mut shaper = Shaper::new(&limits);
            let shaped = shaper.shape(value.clone());
            prop_assert!(keeps(&shaped, &limits));
            prop_assert!(shaped.depth() < 3);
            prop_assert!(shaped.count() <= 21);
            prop_assert_eq!(shaper.truncated().any(), shaped != value);
            let mut again = Shaper::new(&limits);
            prop_assert_eq!(again.shape(shaped.clone()), shaped);
        }
    }
}
