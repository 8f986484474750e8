//! What is known of each pattern beside its template: lines, bytes, an example, and how many values its variables had.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::engine::{Engine, Part, Pattern, Reader, Wire, ends_of_tokens};
use super::legs::Sent;
use super::lines::Entry;
use super::split::split;

/// Values that are told apart, for each variable.
pub(super) const MOST_VALUES: usize = 10_000;
/// Bytes that are kept of an example.
const EXAMPLE_BYTES: usize = 1_024;

/// In which order patterns are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Order {
    /// The pattern of most lines first.
    #[default]
    Lines,
    /// The pattern that saves most bytes first.
    Saved,
}

/// A pattern, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its template; empty when its lines were too few or too odd to make one.
    pub(super) parts: Vec<Part>,
    /// What its lines were.
    pub(super) facts: Facts,
    /// For each variable of the template, in its order, how many values it had.
    pub(super) values: Vec<Values>,
}

/// What the lines of a pattern were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// How many.
    pub(super) lines: u64,
    /// Their bytes, without their ends.
    pub(super) raw_bytes: u64,
    /// The bytes of their logs in the stateful stream before compression, without definitions.
    pub(super) stream_bytes: u64,
    /// The first of them, or its beginning.
    pub(super) example: Vec<u8>,
}

impl Facts {
    /// Bytes that the stream does without.
    pub(super) fn saved(&self) -> i64 {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        signed(self.raw_bytes) - signed(self.stream_bytes)
    }
}

/// How many different values a variable had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    hashes: HashSet<u64>,
    beyond: bool,
}

impl Values {
    fn add(&mut self, value: &[u8]) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let hash = hasher.finish();
        if self.hashes.len() < MOST_VALUES {
            self.hashes.insert(hash);
        } else if !self.beyond {
            self.beyond = !self.hashes.contains(&hash);
        }
    }

    /// How many, at most [`MOST_VALUES`].
    pub(super) fn count(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there were more.
    pub(super) fn is_beyond(&self) -> bool {
        self.beyond
    }
}

/// How much is remembered of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// What there is a figure for.
    Figures,
    /// The cluster of each line, too.
    Clusters,
    /// That, and the batches as they were sent, to count the values of variables.
    Batches,
}

/// What is gathered while a file is read.
#[derive(Debug)]
pub(super) struct Findings {
    wire: Wire,
    memory: Memory,
    facts: HashMap<u64, Facts>,
    /// The cluster of each entry, and whether the entry begins a line.
    clusters: Vec<(u64, bool)>,
    batches: Vec<Kept>,
}

/// A batch as it was sent.
#[derive(Debug)]
struct Kept {
    batch_id: u32,
    compressed: Vec<u8>,
    sequence_bytes: usize,
}

impl Findings {
    pub(super) fn new(wire: Wire, memory: Memory) -> Self {
        Self {
            wire,
            memory,
            facts: HashMap::new(),
            clusters: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Takes in a batch; `sizes` are those of its logs.
    pub(super) fn add(&mut self, entries: &[Entry<'_>], sent: Sent<'_>, sizes: &[u64]) {
        for ((entry, &cluster), size) in entries.iter().zip(sent.clusters).zip(sizes) {
            let facts = self.facts.entry(cluster).or_default();
            if facts.lines == 0 {
                facts.example = entry.body[..entry.body.len().min(EXAMPLE_BYTES)].to_vec();
            }
            facts.lines += u64::from(entry.begins_line);
            facts.raw_bytes += entry.body.len() as u64;
            facts.stream_bytes += size;
        }
        if self.memory != Memory::Figures {
            let begins = entries.iter().map(|entry| entry.begins_line);
            self.clusters
                .extend(sent.clusters.iter().copied().zip(begins));
        }
        if self.memory == Memory::Batches {
            self.batches.push(Kept {
                batch_id: sent.batch_id,
                compressed: sent.compressed,
                sequence_bytes: sent.sequence.len(),
            });
        }
    }

    /// Puts together the clusters that ended as one pattern.
    pub(super) fn settle(&mut self, engine: &Engine) {
        let mut settled: HashMap<u64, Facts> = HashMap::new();
        let mut ids: Vec<_> = self.facts.keys().copied().collect();
        // The oldest id comes first, and gives the example.
        ids.sort_unstable();
        for id in ids {
            let Some(facts) = self.facts.remove(&id) else {
                continue;
            };
            let sum = settled.entry(engine.resolve(id)).or_default();
            if sum.lines == 0 {
                sum.example = facts.example;
            }
            sum.lines += facts.lines;
            sum.raw_bytes += facts.raw_bytes;
            sum.stream_bytes += facts.stream_bytes;
        }
        self.facts = settled;
        for (cluster, _) in &mut self.clusters {
            *cluster = engine.resolve(*cluster);
        }
    }

    /// How many patterns have a line.
    pub(super) fn patterns(&self) -> u64 {
        self.facts.values().filter(|facts| facts.lines > 0).count() as u64
    }

    /// The pattern of each line.
    pub(super) fn assignments(&self) -> impl Iterator<Item = u64> {
        let of_line = |&(cluster, begins_line): &(u64, bool)| begins_line.then_some(cluster);
        self.clusters.iter().filter_map(of_line)
    }

    /// The first `top` patterns, with their values counted.
    ///
    /// # Errors
    /// When a batch cannot be read.
    pub(super) fn top(
        &self,
        engine: &Engine,
        order: Order,
        top: usize,
    ) -> anyhow::Result<Vec<Found>> {
        let mut ids: Vec<_> = self
            .facts
            .iter()
            .filter(|(_, facts)| facts.lines > 0)
            .collect();
        ids.sort_unstable_by_key(|&(&id, facts)| {
            let saved = (order == Order::Saved).then(|| facts.saved());
            (std::cmp::Reverse((saved, facts.lines)), id)
        });
        ids.truncate(top);
        let mut templates: HashMap<u64, Pattern> = engine
            .patterns()
            .into_iter()
            .map(|pattern| (pattern.id, pattern))
            .collect();
        let mut found = Vec::new();
        let mut places = HashMap::new();
        for (&id, facts) in ids {
            places.insert(id, found.len());
            let parts = templates
                .remove(&id)
                .map(|pattern| pattern.parts)
                .unwrap_or_default();
            let variables = parts
                .iter()
                .filter(|part| matches!(part, Part::Variable(_)));
            let values = vec![Values::default(); variables.count()];
            let facts = facts.clone();
            found.push(Found {
                parts,
                facts,
                values,
            });
        }
        self.count_values(&places, &mut found)?;
        Ok(found)
    }

    /// Decodes everything once more, now that the templates are known.
    fn count_values(
        &self,
        places: &HashMap<u64, usize>,
        found: &mut [Found],
    ) -> anyhow::Result<()> {
        let mut reader = Reader::new(self.wire);
        let mut clusters = self.clusters.iter();
        for batch in &self.batches {
            let sequence = zstd::bulk::decompress(&batch.compressed, batch.sequence_bytes)?;
            for (record, (cluster, _)) in reader
                .read(batch.batch_id, &sequence)?
                .iter()
                .zip(&mut clusters)
            {
                let Some(found) = places.get(cluster).and_then(|&place| found.get_mut(place))
                else {
                    continue;
                };
                let line = &record.body;
                let ranges = split(line, &found.parts, &ends_of_tokens(line)).unwrap_or_default();
                for (values, range) in found.values.iter_mut().zip(ranges) {
                    values.add(&line[range]);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_exactly_up_to_a_bound() {
        let mut values = Values::default();
        for n in 0..MOST_VALUES {
            values.add(n.to_string().as_bytes());
            values.add(b"0");
        }
        assert_eq!((values.count(), values.is_beyond()), (MOST_VALUES, false));
        values.add(b"another");
        assert_eq!((values.count(), values.is_beyond()), (MOST_VALUES, true));
    }

    #[test]
    fn a_pattern_that_costs_more_than_its_text_saves_less_than_nothing() {
        let facts = Facts {
            raw_bytes: 10,
            stream_bytes: 14,
            ..Facts::default()
        };
        assert_eq!(facts.saved(), -4);
    }
}
