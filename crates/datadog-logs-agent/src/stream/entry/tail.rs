//! How the entries of one text end: most of them alike, so that the end is read once.
//!
//! Compares bytes and moves what was found in them; reads nothing itself.

use std::ops::Range;

use crate::processor::outline::{MESSAGE, RESERVED, TIMESTAMP};
use crate::processor::scan::Found;

/// What follows message and time of an entry up to its end, with nothing in it but other reserved keys.
///
/// Whoever wrote one entry wrote the next one alike: where the same bytes follow again, the same is found in them.
#[derive(Debug)]
pub(super) struct Tail {
    range: Range<usize>,
    slots: [Option<Found>; RESERVED],
}

impl Tail {
    pub(super) fn new(range: Range<usize>, slots: &[Option<Found>; RESERVED]) -> Self {
        let is_behind = |found: &Found| found.start >= range.start;
        Self {
            slots: slots.map(|slot| slot.filter(is_behind)),
            range,
        }
    }

    /// Whether the same bytes stand at a place where a value has just ended; answers where they end.
    pub(super) fn follows(&self, text: &str, at: usize) -> Option<usize> {
        let end = at + self.range.len();
        let (bytes, tail) = (text.as_bytes(), self.range.clone());
        (bytes.get(at..end)? == bytes.get(tail)?).then_some(end)
    }

    /// Puts what is found in these bytes where it stands now.
    pub(super) fn put(&self, at: usize, slots: &mut [Option<Found>; RESERVED]) {
        for (slot, found) in slots.iter_mut().zip(self.slots) {
            if let Some(found) = found {
                *slot = Some(Found {
                    start: found.start - self.range.start + at,
                    end: found.end - self.range.start + at,
                    ..found
                });
            }
        }
    }
}

/// What was seen of an entry so far, beside its values: all but its last part must be read anew.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Where the last member ends that is a message or a time.
    pub(super) end: Option<usize>,
    /// Whether it has reserved keys other than these two, up to there.
    pub(super) has_others: bool,
    /// Whether it has such keys, or attributes, behind that.
    has_others_behind: bool,
    pub(super) has_attributes_behind: bool,
    /// Whether the tail of an entry before follows.
    pub(super) is_followed: bool,
}

impl Head {
    pub(super) fn note(&mut self, index: Option<usize>, end: usize) {
        match index {
            Some(MESSAGE | TIMESTAMP) => {
                self.end = Some(end);
                self.has_others |= self.has_others_behind;
                self.has_others_behind = false;
                self.has_attributes_behind = false;
            }
            Some(_) => self.has_others_behind = true,
            None => self.has_attributes_behind = true,
        }
    }
}
