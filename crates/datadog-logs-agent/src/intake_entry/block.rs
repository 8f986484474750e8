//! Blocks of serialised entries: one buffer and the extents in it, whether sliced from a request or written anew.

use bytes::Bytes;

/// What an entry costs besides its JSON, in the memory budget.
const ENTRY_COST: usize = 64;

/// Serialised entries in one buffer: no allocation per entry.
#[derive(Debug, Clone, Default)]
pub struct EntryBlock {
    bytes: Bytes,
    /// Start and end of each entry in `bytes`, in order and without overlap.
    spans: Vec<(u32, u32)>,
}

impl EntryBlock {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The bytes that this block takes from the memory budget: 64 an entry besides its JSON.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.json_bytes() + ENTRY_COST * self.len()
    }

    /// Bytes of JSON of all entries together.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        self.spans
            .iter()
            .map(|(start, end)| (end - start) as usize)
            .sum()
    }

    /// The entries, each one JSON object.
    pub fn iter(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.spans
            .iter()
            .map(|&(start, end)| self.bytes.slice(start as usize..end as usize))
    }

    /// Lengths of the entries from number `first` on.
    pub(crate) fn lengths(&self, first: usize) -> impl Iterator<Item = usize> + '_ {
        self.spans
            .iter()
            .skip(first)
            .map(|(start, end)| (end - start) as usize)
    }

    /// Appends `count` entries from number `first` on, with commas between them.
    ///
    /// Neighbours that already stand beside one another with only a comma between are copied in one piece, which is
    /// how compact arrays arrive and how [`BlockBuilder`] writes.
    pub(crate) fn copy_joined(&self, first: usize, count: usize, out: &mut Vec<u8>) {
        let mut entries = self.spans.iter().skip(first).take(count);
        let Some(&(mut start, mut end)) = entries.next() else {
            return;
        };
        for &(next_start, next_end) in entries {
            let adjacent =
                next_start == end + 1 && self.bytes.get(end as usize).is_some_and(|&b| b == b',');
            if !adjacent {
                out.extend_from_slice(&self.bytes[start as usize..end as usize]);
                out.push(b',');
                start = next_start;
            }
            end = next_end;
        }
        out.extend_from_slice(&self.bytes[start as usize..end as usize]);
    }
}

/// The block would be larger than 4 GiB; the entry was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockFull;

/// Fills a block: with slices of its source for as long as possible, with copies from the first entry on that has
/// to be written.
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    source: Bytes,
    spans: Vec<(u32, u32)>,
    arena: Option<Vec<u8>>,
}

impl BlockBuilder {
    /// A builder that may slice `source`.
    pub(crate) fn slicing(source: Bytes) -> Self {
        Self {
            source,
            spans: Vec::new(),
            arena: None,
        }
    }

    /// A builder that writes every entry.
    pub(crate) fn writing() -> Self {
        Self {
            source: Bytes::new(),
            spans: Vec::new(),
            arena: Some(Vec::new()),
        }
    }

    /// Adds the entry that stands in `text` from `start` to `end`; a slicing builder takes `text` for its source.
    pub(crate) fn keep(&mut self, text: &str, start: usize, end: usize) -> Result<(), BlockFull> {
        if self.arena.is_some() {
            return self.write(|out| out.extend_from_slice(&text.as_bytes()[start..end]));
        }
        self.spans.push(span(start, end)?);
        Ok(())
    }

    /// Adds the entry that `entry` appends to the buffer it is given.
    pub(crate) fn write(&mut self, entry: impl FnOnce(&mut Vec<u8>)) -> Result<(), BlockFull> {
        let arena = match &mut self.arena {
            Some(arena) => arena,
            None => self.arena.insert(take_over(&self.source, &mut self.spans)),
        };
        let before = arena.len();
        if !self.spans.is_empty() {
            arena.push(b',');
        }
        let start = arena.len();
        entry(arena);
        match span(start, arena.len()) {
            Ok(span) => self.spans.push(span),
            Err(full) => {
                arena.truncate(before);
                return Err(full);
            }
        }
        Ok(())
    }

    /// The block.
    pub(crate) fn finish(mut self) -> EntryBlock {
        let used: usize = self
            .spans
            .iter()
            .map(|(start, end)| (end - start) as usize)
            .sum();
        // A slice keeps the whole request in memory, which the budget does not see: white space is not worth it.
        if self.arena.is_none() && used < self.source.len() / 2 {
            self.arena = Some(take_over(&self.source, &mut self.spans));
        }
        let bytes = match self.arena {
            None => self.source,
            Some(mut arena) => {
                if arena.capacity() - arena.len() > arena.len() / 4 {
                    arena.shrink_to_fit();
                }
                arena.into()
            }
        };
        self.spans.shrink_to_fit();
        EntryBlock {
            bytes,
            spans: self.spans,
        }
    }
}

/// Copies what was sliced so far, joined by commas, and moves the extents there.
fn take_over(source: &Bytes, spans: &mut [(u32, u32)]) -> Vec<u8> {
    let mut arena = Vec::with_capacity(source.len() + source.len() / 4);
    let mut at = 0;
    for (start, end) in spans {
        if at > 0 {
            arena.push(b',');
            at += 1;
        }
        let length = *end - *start;
        arena.extend_from_slice(&source[*start as usize..*end as usize]);
        (*start, *end) = (at, at + length);
        at += length;
    }
    arena
}

fn span(start: usize, end: usize) -> Result<(u32, u32), BlockFull> {
    match (u32::try_from(start), u32::try_from(end)) {
        (Ok(start), Ok(end)) => Ok((start, end)),
        _ => Err(BlockFull),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(block: &EntryBlock) -> Vec<&str> {
        let text = |&(start, end): &(u32, u32)| &block.bytes[start as usize..end as usize];
        block
            .spans
            .iter()
            .map(text)
            .map(|b| std::str::from_utf8(b).unwrap())
            .collect()
    }

    #[test]
    fn a_block_of_slices_shares_the_memory_of_its_source() {
        let text = "[{\"a\":1}, {\"b\":2}]";
        let source = Bytes::from_static(text.as_bytes());
        let mut builder = BlockBuilder::slicing(source.clone());
        builder.keep(text, 1, 8).unwrap();
        builder.keep(text, 10, 17).unwrap();
        let block = builder.finish();
        assert_eq!(entries(&block), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(block.bytes.as_ptr(), source.as_ptr());
        assert_eq!((block.json_bytes(), block.cost()), (14, 14 + 128));
    }

    #[test]
    fn slices_are_copied_once_an_entry_is_written() {
        let text = "[{\"a\":1},{\"b\":2}]";
        let mut builder = BlockBuilder::slicing(Bytes::from_static(text.as_bytes()));
        builder.keep(text, 1, 8).unwrap();
        builder.write(|out| out.extend_from_slice(b"{}")).unwrap();
        builder.keep(text, 9, 16).unwrap();
        let block = builder.finish();
        assert_eq!(entries(&block), ["{\"a\":1}", "{}", "{\"b\":2}"]);
        assert_eq!(block.bytes.as_ref(), b"{\"a\":1},{},{\"b\":2}");
    }

    #[test]
    fn a_request_that_is_mostly_white_space_is_not_kept_in_memory() {
        let text = format!("{}{}", " ".repeat(100), "{\"a\":1}");
        let mut builder = BlockBuilder::slicing(text.clone().into());
        builder.keep(&text, 100, 107).unwrap();
        let block = builder.finish();
        assert_eq!(entries(&block), ["{\"a\":1}"]);
        assert_eq!(block.bytes.len(), 7);
    }

    #[test]
    fn joining_copies_neighbours_and_strangers_alike() {
        let text = "{1},{2} , {3},{4}";
        let mut builder = BlockBuilder::slicing(Bytes::from_static(text.as_bytes()));
        for start in [0, 4, 10, 14] {
            builder.keep(text, start, start + 3).unwrap();
        }
        let block = builder.finish();
        let joined = |first, count| {
            let mut out = Vec::new();
            block.copy_joined(first, count, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(joined(0, 4), "{1},{2},{3},{4}");
        assert_eq!(joined(1, 2), "{2},{3}");
        assert_eq!(joined(3, 9), "{4}");
        assert_eq!(joined(4, 1), "");
    }
}
