//! A sample of each structure that was seen, for those who look at patterns; off unless asked for.

use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;

use hashbrown::HashMap;

use crate::cluster::Pattern;

/// Bytes of the longest word that tells structures apart.
const WORD_BYTES: usize = 40;

/// One structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureSample {
    /// Its id, as in an assignment.
    pub id: u64,
    /// Logs that have it.
    pub count: u64,
    /// The text of the last of them that changed what is known.
    pub sample: Box<[u8]>,
    /// The parts of the sample that are known to vary.
    pub variable: Vec<Range<u32>>,
}

/// The place of a structure that is not kept.
const NONE: u32 = u32::MAX;
/// About what the place of a sample by its id takes.
const PLACE_BYTES: usize = 2 * size_of::<((u64, u64), u32)>();

#[derive(Debug)]
pub(super) struct Structures {
    all: Vec<StructureSample>,
    /// The place of each structure by its id; ids are given one after the other.
    places: Vec<u32>,
    /// The place of each structure that differs from another by words which the wire takes for values.
    variants: HashMap<(u64, u64), u32, foldhash::fast::FixedState>,
    bytes: usize,
    limit: usize,
}

/// The first id of structures that differ by such words only.
const FIRST_VARIANT: u64 = 1 << 32;

impl Structures {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            all: Vec::new(),
            places: Vec::new(),
            variants: HashMap::default(),
            bytes: 0,
            limit,
        }
    }

    pub(super) fn all(&self) -> &[StructureSample] {
        &self.all
    }

    /// Whether structures are looked at closely at all.
    pub(super) fn is_wanted(&self) -> bool {
        self.limit > 0
    }

    /// Counts a line of a structure whose words among the values have a hash of their own; returns the finer structure.
    pub(super) fn note_variant(
        &mut self,
        id: u64,
        words: u64,
        text: &[u8],
        variable: impl FnOnce() -> Vec<Range<u32>>,
    ) -> u64 {
        if let Some(place) = self.variants.get(&(id, words)) {
            self.all[*place as usize].count += 1;
            return FIRST_VARIANT + u64::from(*place);
        }
        let place = u32::try_from(self.all.len()).unwrap_or(NONE);
        let variant = FIRST_VARIANT + u64::from(place);
        match self.add(variant, text, variable()) {
            Some(place) => {
                self.variants.insert((id, words), place);
                variant
            }
            None => id,
        }
    }

    /// Counts a line of a structure; keeps it when it is the first, or the first since its pattern has changed.
    pub(super) fn note(
        &mut self,
        id: u64,
        text: &[u8],
        variable: impl FnOnce() -> Vec<Range<u32>>,
    ) {
        if self.limit == 0 {
            return;
        }
        let Ok(index) = usize::try_from(id) else {
            return;
        };
        if let Some(known) = self
            .places
            .get(index)
            .and_then(|place| self.all.get_mut(*place as usize))
        {
            known.count += 1;
            return;
        }
        let Some(place) = self.add(id, text, variable()) else {
            return;
        };
        if self.places.len() <= index {
            self.places.resize(index + 1, NONE);
        }
        self.places[index] = place;
    }

    /// Keeps a sample; returns its place if there is room.
    fn add(&mut self, id: u64, text: &[u8], variable: Vec<Range<u32>>) -> Option<u32> {
        let bytes = size_of::<StructureSample>()
            + PLACE_BYTES
            + text.len()
            + variable.capacity() * size_of::<Range<u32>>();
        if self.bytes + bytes > self.limit {
            return None;
        }
        let place = u32::try_from(self.all.len()).ok()?;
        self.bytes += bytes;
        self.all.push(StructureSample {
            id,
            count: 1,
            sample: text.into(),
            variable,
        });
        Some(place)
    }
}

/// The structure of a line for people: words that the wire takes for values tell structures apart.
pub(super) fn finer_structure(
    structures: &mut Structures,
    text: &[u8],
    pattern: &Pattern,
    values: &[Range<u32>],
) -> u64 {
    match words(text, pattern, values) {
        None => {
            structures.note(pattern.structure, text, || values.to_vec());
            pattern.structure
        }
        Some(words) => structures.note_variant(pattern.structure, words, text, || {
            varying(text, pattern, values)
        }),
    }
}

/// A hash of the words among the values, if words may be among them.
pub(super) fn words(text: &[u8], pattern: &Pattern, values: &[Range<u32>]) -> Option<u64> {
    let slots = || values.iter().zip(&pattern.slots);
    if !slots().any(|(_, slot)| slot.word) {
        return None;
    }
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for (range, slot) in slots() {
        let words = pieces(text, range).filter(|piece| slot.word && is_word(&text[piece.clone()]));
        words.for_each(|word| hasher.write(&text[word]));
        hasher.write_u8(0);
    }
    Some(hasher.finish())
}

/// The values without the words that tell structures apart.
pub(super) fn varying(text: &[u8], pattern: &Pattern, values: &[Range<u32>]) -> Vec<Range<u32>> {
    let varies = values.iter().zip(&pattern.slots).flat_map(|(range, slot)| {
        let pieces = pieces(text, range);
        pieces.filter(|piece| !slot.word || !is_word(&text[piece.clone()]))
    });
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    varies
        .map(|piece| place(piece.start)..place(piece.end))
        .collect()
}

/// The parts of a value between spaces.
fn pieces<'a>(text: &'a [u8], value: &Range<u32>) -> impl Iterator<Item = Range<usize>> + 'a {
    let range = value.start as usize..value.end as usize;
    let mut start = range.start;
    text[range].split(|byte| *byte == b' ').map(move |piece| {
        let place = start..start + piece.len();
        start = place.end + 1;
        place
    })
}

fn is_word(text: &[u8]) -> bool {
    text.len() <= WORD_BYTES && !text.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stay_within_their_limit() {
        let mut structures = Structures::new(1_000);
        structures.note(1, &[b'a'; 2_000], Vec::new);
        assert!(structures.all().is_empty(), "too large for any room");
        for id in 0..100 {
            structures.note(id, b"a line of text", || vec![0..1, 2..6]);
            structures.note(id, b"another", Vec::new);
        }
        let samples = structures.all();
        let bytes = samples.len() * (size_of::<StructureSample>() + 14 + 16);
        assert!((500..1_000).contains(&bytes), "{bytes}");
        assert!(samples.iter().all(|sample| sample.count == 2));
    }
}
