//! A sample of each structure that was seen, for those who look at patterns; off unless asked for.

use std::ops::Range;

use hashbrown::HashMap;

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
        if self.bytes >= self.limit {
            self.note(id, text, variable);
            return id;
        }
        let place = u32::try_from(self.all.len()).unwrap_or(NONE);
        let variant = FIRST_VARIANT + u64::from(place);
        self.variants.insert((id, words), place);
        self.add(variant, text, variable());
        variant
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
        if self.bytes >= self.limit {
            return;
        }
        if self.places.len() <= index {
            self.places.resize(index + 1, NONE);
        }
        self.places[index] = u32::try_from(self.all.len()).unwrap_or(NONE);
        self.add(id, text, variable());
    }

    fn add(&mut self, id: u64, text: &[u8], variable: Vec<Range<u32>>) {
        self.bytes += text.len() + size_of::<StructureSample>();
        self.all.push(StructureSample {
            id,
            count: 1,
            sample: text.into(),
            variable,
        });
    }
}
