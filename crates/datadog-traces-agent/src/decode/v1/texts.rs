//! The texts of a body so far: each stands once, and has a number from then on.

use std::borrow::Cow;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::decode::msgpack::Reader;
use crate::decode::{Error, Reason};
use crate::span::Text;

/// Bytes that a text takes here beside its own: its place in the list, and that in the table, both with room to grow.
const BYTES_PER_TEXT: usize = 2 * size_of::<Text<'_>>() + 4 * size_of::<u32>();

/// All texts in the order of their first use, of which the first is the empty one.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    all: Vec<Text<'a>>,
    /// Where each of them is in `all`.
    places: HashTable<u32>,
    hasher: RandomState,
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Self {
            all: vec![Cow::Borrowed("")],
            places: HashTable::new(),
            hasher: RandomState::default(),
        }
    }
}

impl<'a> Texts<'a> {
    /// The list with which a payload may begin. Empty texts in it have no number.
    pub(super) fn read_all(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        if self.all.len() > 1 {
            return Err(reader.error(Reason::LateTexts));
        }
        for _ in 0..reader.array_len()? {
            let text = reader.text()?;
            if !text.is_empty() {
                self.append(reader, &text)?;
            }
        }
        Ok(())
    }

    /// A text, or the number of one.
    pub(super) fn read(&mut self, reader: &mut Reader<'a>) -> Result<Text<'a>, Error> {
        if reader.at_text() {
            let text = reader.text()?;
            self.add(reader, &text)?;
            return Ok(text);
        }
        let number = reader.unsigned()?;
        let found = usize::try_from(number)
            .ok()
            .and_then(|index| self.all.get(index));
        match found {
            Some(Cow::Borrowed(text)) => {
                reader.refer(text)?;
                Ok(Cow::Borrowed(text))
            }
            Some(Cow::Owned(text)) => {
                reader.refer(text)?;
                reader.charge(text.len())?;
                Ok(Cow::Owned(text.clone()))
            }
            None => Err(reader.error(Reason::UnknownText(number))),
        }
    }

    /// Gives a text a number, unless it has one.
    fn add(&mut self, reader: &mut Reader<'a>, text: &Text<'a>) -> Result<(), Error> {
        let hash = self.hasher.hash_one(text.as_ref());
        let known = |&place: &u32| self.all.get(place as usize) == Some(text);
        if text.is_empty() || self.places.find(hash, known).is_some() {
            return Ok(());
        }
        self.append(reader, text)
    }

    fn append(&mut self, reader: &mut Reader<'a>, text: &Text<'a>) -> Result<(), Error> {
        let copied = match text {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => text.len(),
        };
        reader.charge_for_good(BYTES_PER_TEXT + copied)?;
        let Ok(place) = u32::try_from(self.all.len()) else {
            return Err(reader.error(Reason::OutOfRange));
        };
        self.all.push(text.clone());
        let (all, hasher) = (&self.all, &self.hasher);
        let hash_of = |&place: &u32| {
            let text = all.get(place as usize).map(AsRef::as_ref);
            hasher.hash_one(text.unwrap_or_default())
        };
        let hash = hasher.hash_one(text.as_ref());
        self.places.insert_unique(hash, place, hash_of);
        Ok(())
    }
}
