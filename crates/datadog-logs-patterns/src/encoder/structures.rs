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

/// About what the place of a sample by its id takes.
const PLACE_BYTES: usize = 2 * size_of::<(u64, u32)>();

#[derive(Debug)]
pub(super) struct Structures {
    all: Vec<StructureSample>,
    places: HashMap<u64, u32, foldhash::fast::FixedState>,
    bytes: usize,
    limit: usize,
}

impl Structures {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            all: Vec::new(),
            places: HashMap::default(),
            bytes: 0,
            limit,
        }
    }

    pub(super) fn all(&self) -> &[StructureSample] {
        &self.all
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
        if let Some(place) = self.places.get(&id) {
            self.all[*place as usize].count += 1;
            return;
        }
        let variable = variable();
        let bytes = size_of::<StructureSample>()
            + PLACE_BYTES
            + text.len()
            + variable.capacity() * size_of::<Range<u32>>();
        if self.bytes + bytes > self.limit {
            return;
        }
        let place = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.places.insert(id, place);
        self.bytes += bytes;
        self.all.push(StructureSample {
            id,
            count: 1,
            sample: text.into(),
            variable,
        });
    }
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
