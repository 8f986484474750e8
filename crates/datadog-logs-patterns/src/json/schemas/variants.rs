//! Which strings of a schema are entries of the dictionary: to the other end each choice is a schema of its own.
//!
//! Whether a string has an entry depends on its value, so the choices of one shape could be many.
//! Few of them are kept; a log takes the closest one that it can, and sends a string as text that could be an entry.

use crate::operation::SchemaId;

use super::Schema;

/// Logs of a schema in which a variant was not used, before another may take its place.
const IDLE: u64 = 256;

/// A schema as the other end knows it.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) id: SchemaId,
    /// The strings that are entries, as bits.
    entries: u64,
    /// The number of the log of this schema that used it last.
    used: u64,
}

impl Variant {
    /// Variants of one schema.
    pub(super) const MAX: usize = 8;
}

/// The schema for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// There is none, which cannot be for a schema that was found.
    None,
    /// One that the other end knows.
    Known {
        /// The schema.
        id: SchemaId,
        /// The strings that are entries in it; no others than asked for.
        entries: u64,
    },
    /// One that has to be defined, for exactly the strings that were asked for, or for none.
    New {
        /// The schema.
        id: SchemaId,
        /// The strings that are entries in it.
        entries: u64,
        /// The one that left for it.
        left: Option<SchemaId>,
    },
}

impl Schema {
    pub(super) fn choose(&mut self, entries: u64, next_id: &mut SchemaId) -> Choice {
        let now = self.usage.count;
        if let Some(known) = self.variants.iter_mut().find(|one| one.entries == entries) {
            known.used = now;
            let id = known.id;
            return Choice::Known { id, entries };
        }
        let oldest = || (0..).zip(&self.variants).min_by_key(|(_, one)| one.used);
        let place = match oldest() {
            _ if self.variants.len() < Variant::MAX => None,
            Some((place, one)) if now.saturating_sub(one.used) > IDLE => Some(place),
            Some((place, _)) => match self.closest(entries) {
                Some(close) => {
                    let close = &mut self.variants[close];
                    close.used = now;
                    let (id, entries) = (close.id, close.entries);
                    return Choice::Known { id, entries };
                }
                // Without entries it can serve every log that comes.
                None => return self.put(Some(place), 0, next_id),
            },
            None => None,
        };
        self.put(place, entries, next_id)
    }

    /// The variant with most entries of which none is too much.
    fn closest(&self, entries: u64) -> Option<usize> {
        let fitting = (0..)
            .zip(&self.variants)
            .filter(|(_, one)| one.entries & !entries == 0);
        let best = fitting.max_by_key(|(_, one)| one.entries.count_ones());
        best.map(|(place, _)| place)
    }

    fn put(&mut self, place: Option<usize>, entries: u64, next_id: &mut SchemaId) -> Choice {
        let id = *next_id;
        *next_id += 1;
        let variant = Variant {
            id,
            entries,
            used: self.usage.count,
        };
        let left = match place {
            Some(place) => Some(std::mem::replace(&mut self.variants[place], variant).id),
            None => {
                self.variants.push(variant);
                None
            }
        };
        Choice::New { id, entries, left }
    }
}
