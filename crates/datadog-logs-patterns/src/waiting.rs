//! Lines whose structure was seen once, kept in bounded memory until a second one comes.
//!
//! The oldest leave first. Lines of one signature are linked from the youngest to the oldest,
//! so that however many there are, to add one and to let one go takes the same time.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::template::{Known, Line};

/// Bytes of memory that the lines may take.
const MAX_BYTES: usize = 1 << 20;
/// Lines for which room is made at once.
const GROWTH: usize = 256;
/// Lines of one signature that are looked through for a partner.
const SCAN: usize = 8;

/// A line whose structure was seen once.
#[derive(Debug)]
pub(crate) struct Pending {
    signature: u64,
    structure: u64,
    /// The next older line of the signature; it may have left.
    older: Option<u64>,
    /// Lines of the signature that had waited in vain when this one came.
    before: u32,
    text: Box<[u8]>,
    lens: Box<[u16]>,
}

/// The lines, by the number of their arrival.
#[derive(Debug)]
pub(crate) struct Waiting {
    lines: VecDeque<Pending>,
    /// How many lines have left at the front.
    departed: u64,
    youngest: HashMap<u64, u64, foldhash::fast::FixedState>,
    text_bytes: usize,
}

impl Waiting {
    pub(crate) fn new(hasher: foldhash::fast::FixedState) -> Self {
        Self {
            lines: VecDeque::new(),
            departed: 0,
            youngest: HashMap::with_hasher(hasher),
            text_bytes: 0,
        }
    }

    /// The memory that is allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.text_bytes
            + self.lines.capacity() * size_of::<Pending>()
            + self.youngest.allocation_size()
    }

    /// The lines of a signature, the youngest few, youngest first, with their numbers.
    pub(crate) fn of(&self, signature: u64) -> impl Iterator<Item = (u64, &Pending)> {
        let line = |sequence: u64| Some((sequence, self.lines.get(self.place(sequence)?)?));
        let youngest = self.youngest.get(&signature).copied();
        std::iter::successors(youngest.and_then(line), move |(_, pending)| {
            line(pending.older?)
        })
        .take(SCAN)
    }

    /// About how many lines of a signature came without a partner among those before them.
    pub(crate) fn without_partner(&self, signature: u64) -> usize {
        let youngest = self.of(signature).next();
        youngest.map_or(0, |(_, pending)| pending.before as usize + 1)
    }

    /// Adds a line; the oldest leave when there is no room.
    pub(crate) fn add(&mut self, signature: u64, structure: u64, line: Line<'_>) {
        let lens = (0..line.tokens.len())
            .map(|index| u16::try_from(line.tokens.range(index).len()).unwrap_or(u16::MAX))
            .collect();
        let sequence = self.departed + self.lines.len() as u64;
        let before = u32::try_from(self.without_partner(signature)).unwrap_or(u32::MAX);
        let pending = Pending {
            signature,
            structure,
            before,
            older: self.youngest.insert(signature, sequence),
            text: line.text.into(),
            lens,
        };
        self.text_bytes += pending.heap_bytes();
        if self.lines.len() == self.lines.capacity() {
            self.lines.reserve_exact(GROWTH);
        }
        self.lines.push_back(pending);
        while self.bytes() > MAX_BYTES && !self.lines.is_empty() {
            self.drop_oldest();
        }
    }

    /// Takes a line that [`Waiting::of`] has shown, and returns its structure. Its place stays until it is the oldest.
    pub(crate) fn take(&mut self, sequence: u64) -> u64 {
        let Some(place) = self.place(sequence) else {
            return 0;
        };
        let Some(taken) = self.lines.get_mut(place) else {
            return 0;
        };
        let (signature, older, structure) = (taken.signature, taken.older, taken.structure);
        self.text_bytes -= taken.heap_bytes();
        (taken.text, taken.lens) = (Box::default(), Box::default());
        let younger = self
            .of(signature)
            .find(|(_, pending)| pending.older == Some(sequence))
            .and_then(|(younger, _)| self.place(younger));
        match (younger, older) {
            (Some(younger), _) => self.lines[younger].older = older,
            (None, Some(older)) if older >= self.departed => {
                self.youngest.insert(signature, older);
            }
            (None, _) => drop(self.youngest.remove(&signature)),
        }
        structure
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.lines.pop_front() else {
            return;
        };
        self.text_bytes -= oldest.heap_bytes();
        if self.youngest.get(&oldest.signature) == Some(&self.departed) {
            self.youngest.remove(&oldest.signature);
        }
        self.departed += 1;
        // Many short lines leave a table behind that few long ones do not need.
        if self.lines.len() * 4 < self.lines.capacity() {
            self.lines.shrink_to(self.lines.len() * 2);
            self.youngest.shrink_to(self.youngest.len() * 2);
        }
    }

    fn place(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.departed)?).ok()
    }
}

impl Pending {
    fn heap_bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.lens)
    }

    /// Its tokens.
    pub(crate) fn known(&self) -> Vec<Known<'_>> {
        let mut rest = &*self.text;
        self.lens
            .iter()
            .map(|len| {
                let (token, left) = rest.split_at(usize::from(*len).min(rest.len()));
                rest = left;
                Known::Literal(token)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{Limits, Tokenizer};

    fn add(waiting: &mut Waiting, signature: u64, structure: u64, text: &str) {
        let mut tokenizer = Tokenizer::new(1, Limits::default());
        tokenizer.tokenize(text.as_bytes()).unwrap();
        let line = Line {
            text: text.as_bytes(),
            tokens: tokenizer.tokens(),
        };
        waiting.add(signature, structure, line);
    }

    fn structures(waiting: &Waiting, signature: u64) -> Vec<u64> {
        let lines = waiting.of(signature);
        lines.map(|(_, pending)| pending.structure).collect()
    }

    fn waiting() -> Waiting {
        Waiting::new(foldhash::fast::FixedState::with_seed(1))
    }

    #[test]
    fn a_taken_line_leaves_the_others_of_its_signature() {
        for taken in 1..=3 {
            let mut waiting = waiting();
            for structure in 1..=3 {
                add(&mut waiting, 7, structure, "a line");
                add(&mut waiting, 8, 10 + structure, "another");
            }
            let (sequence, _) = waiting.of(7).find(|(_, p)| p.structure == taken).unwrap();
            assert_eq!(waiting.take(sequence), taken);
            let left: Vec<u64> = (1..=3).rev().filter(|other| *other != taken).collect();
            assert_eq!(structures(&waiting, 7), left);
            assert_eq!(structures(&waiting, 8), [13, 12, 11]);
        }
    }

    #[test]
    fn the_youngest_few_are_shown() {
        let mut waiting = waiting();
        for structure in 1..=20 {
            add(&mut waiting, 7, structure, "a line");
        }
        assert_eq!(structures(&waiting, 7), [20, 19, 18, 17, 16, 15, 14, 13]);
    }

    #[test]
    fn the_oldest_leave_when_there_is_no_room() {
        let mut waiting = waiting();
        for structure in 1..=30_000 {
            add(
                &mut waiting,
                structure % 5_000,
                structure,
                "some words in a line",
            );
            assert!(waiting.bytes() <= MAX_BYTES);
        }
        assert!(waiting.lines.len() > 5_000, "{}", waiting.lines.len());
        assert_eq!(structures(&waiting, 30_000 % 5_000)[0], 30_000);
        let long = "word ".repeat(1_000);
        for structure in 1..=1_000 {
            add(&mut waiting, structure, structure, &long);
            assert!(waiting.bytes() <= MAX_BYTES);
        }
        assert!(waiting.lines.len() > 80, "{}", waiting.lines.len());
        assert!(waiting.youngest.len() <= waiting.lines.len());
    }
}
