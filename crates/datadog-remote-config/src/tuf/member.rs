//! Reads the members of a document, and says which one is wrong.
//!
//! A member that is `null` counts as absent.

use std::collections::BTreeMap;

use crate::Error;
use crate::cjson::Json;
use crate::tuf::Document;

/// Bytes of a name in an error; longer ones are not worth showing.
const MAX_SHOWN: usize = 256;

/// A value, and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Member<'v, 'p> {
    document: &'p Document,
    parent: Option<&'p Self>,
    name: &'p str,
    value: &'v Json,
}

impl<'v, 'p> Member<'v, 'p> {
    /// The value of a whole document, or a part of it that is called `name`.
    pub(crate) fn top(document: &'p Document, name: &'p str, value: &'v Json) -> Self {
        Member {
            document,
            parent: None,
            name,
            value,
        }
    }

    /// The document it stands in.
    pub(crate) fn document(&self) -> &'p Document {
        self.document
    }

    /// The value itself.
    pub(crate) fn value(&self) -> &'v Json {
        self.value
    }

    /// An error here.
    pub(crate) fn wrong(&self, problem: impl Into<String>) -> Error {
        malformed(self.document, self.path(), problem)
    }

    fn path(&self) -> String {
        let name = match self.name.len() {
            0..=MAX_SHOWN => self.name,
            _ => "(a long name)",
        };
        match self.parent {
            Some(parent) => format!("{}.{name}", parent.path()),
            None => name.to_owned(),
        }
    }

    fn members(&self) -> Result<&'v BTreeMap<String, Json>, Error> {
        match self.value {
            Json::Object(members) => Ok(members),
            _ => Err(self.wrong("not an object")),
        }
    }

    /// A member, if it is there and not `null`.
    pub(crate) fn optional<'c>(&'c self, name: &'c str) -> Result<Option<Member<'v, 'c>>, Error> {
        let value = self.members()?.get(name);
        Ok(value
            .filter(|value| **value != Json::Null)
            .map(|value| Member {
                document: self.document,
                parent: Some(self),
                name,
                value,
            }))
    }

    /// A member that must be there.
    pub(crate) fn required<'c>(&'c self, name: &'c str) -> Result<Member<'v, 'c>, Error> {
        let missing = || malformed(self.document, format!("{}.{name}", self.path()), "missing");
        self.optional(name)?.ok_or_else(missing)
    }

    /// All members with their names, at most so many.
    pub(crate) fn entries<'c>(
        &'c self,
        max: usize,
    ) -> Result<impl Iterator<Item = (&'v str, Member<'v, 'c>)>, Error>
    where
        'v: 'c,
    {
        let members = self.members()?;
        if members.len() > max {
            return Err(self.wrong(format!("{} members, more than {max}", members.len())));
        }
        Ok(members.iter().map(move |(name, value)| {
            let member = Member {
                document: self.document,
                parent: Some(self),
                name,
                value,
            };
            (name.as_str(), member)
        }))
    }

    /// All elements of a list, at most so many; they are named as one.
    pub(crate) fn elements<'c>(
        &'c self,
        max: usize,
    ) -> Result<impl Iterator<Item = Member<'v, 'c>>, Error> {
        let Json::Array(values) = self.value else {
            return Err(self.wrong("not a list"));
        };
        if values.len() > max {
            return Err(self.wrong(format!("{} elements, more than {max}", values.len())));
        }
        Ok(values.iter().map(move |value| Member {
            document: self.document,
            parent: Some(self),
            name: "[]",
            value,
        }))
    }

    /// A text of at most so many bytes.
    pub(crate) fn text(&self, max: usize) -> Result<&'v str, Error> {
        match self.value {
            Json::Text(text) if text.len() <= max => Ok(text),
            Json::Text(text) => Err(self.wrong(format!("{} bytes, more than {max}", text.len()))),
            _ => Err(self.wrong("not a text")),
        }
    }

    /// A whole number from zero up.
    pub(crate) fn unsigned(&self) -> Result<u64, Error> {
        match self.value {
            Json::Unsigned(number) => Ok(*number),
            _ => Err(self.wrong("not a whole number from zero up")),
        }
    }

    /// A version: a whole number from one up.
    pub(crate) fn version(&self) -> Result<u64, Error> {
        match self.unsigned()? {
            0 => Err(self.wrong("not at least 1")),
            version => Ok(version),
        }
    }

    /// A switch.
    pub(crate) fn boolean(&self) -> Result<bool, Error> {
        match self.value {
            Json::Bool(value) => Ok(*value),
            _ => Err(self.wrong("not true or false")),
        }
    }
}

/// An error at a place in a document.
pub(crate) fn malformed(
    document: &Document,
    field: impl Into<String>,
    problem: impl Into<String>,
) -> Error {
    Error::Malformed {
        document: document.clone(),
        field: field.into(),
        problem: problem.into(),
    }
}
