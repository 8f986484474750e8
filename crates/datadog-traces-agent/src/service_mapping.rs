//! Renames services on the word of the operator.
//!
//! A name is mapped once: what it becomes is not looked up again.

use std::collections::HashMap;
use std::fmt;

use crate::rule::cut;
use crate::span::Text;

/// Which services get which names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceMapping {
    names: HashMap<String, String>,
}

/// An item of a mapping that is left out: it is not `old:new`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadItem {
    /// The item, cut if it is long.
    pub item: String,
}

impl fmt::Display for BadItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "left out: `{}` is not `old:new`", self.item)
    }
}

impl ServiceMapping {
    /// Reads `old:new` items with commas between them; of several for one name the last counts.
    ///
    /// Items with no or several colons, or with an empty name, are left out and told.
    pub fn parse(text: &str) -> (Self, Vec<BadItem>) {
        let mut names = HashMap::new();
        let mut bad = Vec::new();
        for item in text.split(',').map(str::trim) {
            if item.is_empty() {
                continue;
            }
            let pair = item
                .split_once(':')
                .map(|(old, new)| (old.trim(), new.trim()));
            match pair {
                Some((old, new)) if !old.is_empty() && !new.is_empty() && !new.contains(':') => {
                    names.insert(old.to_owned(), new.to_owned());
                }
                _ => bad.push(BadItem { item: cut(item) }),
            }
        }
        (Self { names }, bad)
    }

    /// Renames a service, if it is to be.
    pub fn apply(&self, service: &mut Text<'_>) {
        if self.names.is_empty() {
            return;
        }
        if let Some(new) = self.names.get(service.as_ref()) {
            *service = Text::Owned(new.clone());
        }
    }
}

impl<Old: Into<String>, New: Into<String>> FromIterator<(Old, New)> for ServiceMapping {
    fn from_iter<I: IntoIterator<Item = (Old, New)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self {
            names: pairs.map(|(old, new)| (old.into(), new.into())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(mapping: &ServiceMapping, service: &str) -> String {
        let mut service = Text::Borrowed(service);
        mapping.apply(&mut service);
        service.into_owned()
    }

    #[test]
    fn services_are_renamed_once() {
        let (mapping, bad) = ServiceMapping::parse(" a:b , b : c,, a-b:d");
        assert_eq!(bad, []);
        assert_eq!(renamed(&mapping, "a"), "b");
        assert_eq!(renamed(&mapping, "b"), "c");
        assert_eq!(renamed(&mapping, "a-b"), "d");
        assert_eq!(renamed(&mapping, "e"), "e");
        assert_eq!(
            mapping,
            [("a", "b"), ("b", "c"), ("a-b", "d")].into_iter().collect()
        );
    }

    #[test]
    fn items_that_are_no_pairs_are_told() {
        let (mapping, bad) = ServiceMapping::parse("old:new, x:y:z,a:,:b,c");
        assert_eq!(renamed(&mapping, "old"), "new");
        assert_eq!(renamed(&mapping, "x"), "x");
        let told: Vec<_> = bad.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "left out: `x:y:z` is not `old:new`",
                "left out: `a:` is not `old:new`",
                "left out: `:b` is not `old:new`",
                "left out: `c` is not `old:new`",
            ]
        );
    }
}
