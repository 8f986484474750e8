//! Halves a batch that has become too large to be sent.

use hashbrown::HashSet;

use super::references::Reference;
use super::{DictId, Operation, Operations};

impl Operations {
    /// Two batches with half of the logs each, which together mean the same when they are sent one after the other.
    ///
    /// Operations keep their order, except that a text which the first half does not mention is defined in the second:
    /// sealing moves all texts to the front, and the first half would carry those of both.
    /// Of an odd number of logs the first half has one more. `None` when there are fewer than two logs:
    /// such a batch cannot be made smaller in this way.
    #[must_use]
    pub fn split(&self) -> Option<(Self, Self)> {
        if self.logs < 2 {
            return None;
        }
        let (early, late) = self.list.split_at(self.end_of_log(self.logs.div_ceil(2)));
        let mentioned = self.mentioned_texts(early);
        let (mut first, mut second) = (Self::default(), Self::default());
        for operation in early {
            let waits =
                matches!(operation, Operation::DefineText { id, .. } if !mentioned.contains(id));
            let half = if waits { &mut second } else { &mut first };
            half.copy(self, operation);
        }
        for operation in late {
            second.copy(self, operation);
        }
        Some((first, second))
    }

    /// The place behind the log of that number, counted from 1.
    fn end_of_log(&self, number: usize) -> usize {
        let is_log = |(_, operation): &(usize, &Operation)| matches!(operation, Operation::Log(_));
        let mut logs = self.list.iter().enumerate().filter(is_log);
        logs.nth(number - 1)
            .map_or(self.list.len(), |(index, _)| index + 1)
    }

    /// The texts that operations use or delete.
    fn mentioned_texts(
        &self,
        operations: &[Operation],
    ) -> HashSet<DictId, foldhash::fast::FixedState> {
        let mut mentioned = HashSet::default();
        for operation in operations {
            match operation {
                Operation::Log(log) => {
                    mentioned.extend(self.references(log).filter_map(
                        |reference| match reference {
                            Reference::Text(id) => Some(id),
                            Reference::Pattern(_) | Reference::Schema(_) => None,
                        },
                    ));
                }
                Operation::DeleteText { id } => {
                    mentioned.insert(*id);
                }
                Operation::DefineSchema {
                    columns,
                    message_key,
                    ..
                } => {
                    mentioned.insert(*message_key);
                    mentioned.extend(self.columns(columns).iter().map(|column| column.key));
                }
                Operation::DefinePattern { .. }
                | Operation::DeletePattern { .. }
                | Operation::DeleteSchema { .. }
                | Operation::DefineText { .. } => {}
            }
        }
        mentioned
    }
}

#[cfg(test)]
mod tests;
