//! What headers are: names in any case, and values.
//!
//! Collections of pairs of texts are headers; others need a few lines.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

/// Headers that can be read.
pub trait Headers {
    /// All headers; names may be in any case.
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)>;

    /// The value of the first header of a name, in any case.
    fn get(&self, name: &str) -> Option<&str> {
        self.pairs()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Headers that can be written.
pub trait HeadersMut {
    /// Sets a header, whose name is in lower case; what was there under that name in any case goes.
    fn set(&mut self, name: &str, value: &str);
}

impl<K: AsRef<str>, V: AsRef<str>> Headers for [(K, V)] {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> Headers for [(K, V); N] {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.as_slice().pairs()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Headers for Vec<(K, V)> {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.as_slice().pairs()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> Headers for BTreeMap<K, V> {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

impl<K: AsRef<str>, V: AsRef<str>, S: BuildHasher> Headers for HashMap<K, V, S> {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

impl HeadersMut for Vec<(String, String)> {
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self.push((name.to_owned(), value.to_owned()));
    }
}

impl HeadersMut for BTreeMap<String, String> {
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|found, _| !found.eq_ignore_ascii_case(name));
        self.insert(name.to_owned(), value.to_owned());
    }
}

impl<S: BuildHasher> HeadersMut for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: &str) {
        self.retain(|found, _| !found.eq_ignore_ascii_case(name));
        self.insert(name.to_owned(), value.to_owned());
    }
}
