//! The words of profile C for objects: schemas, and a column for each kind of values.

use crate::cluster::Slot;
use crate::dictionary::Moment;
use crate::encoder::values::Shortest;
use crate::json::object::Leaf;
use crate::json::scan::Scanner;
use crate::json::schemas::Choice;
use crate::operation::{Column, ColumnKind, DictId, Json, Member, Operation, SchemaId, Value};

use super::{Columns, Encoder};

/// Strings of an object that may be entries of the dictionary; those behind them are text.
const ENTRIES: usize = 64;

impl Encoder {
    /// The entries for the path of each member.
    pub(super) fn keys_of_profile_c(&mut self, scanner: &Scanner, now: Moment) -> Vec<DictId> {
        let members = scanner.members().iter();
        members
            .map(|member| self.entry_of(scanner.path(member), now))
            .collect()
    }

    /// The members beside the message, with the definition of their schema where it is new.
    pub(super) fn columns(
        &mut self,
        columns: &mut Columns,
        index: u32,
        line: &[u8],
        now: Moment,
    ) -> Option<Json> {
        let wanted = self.find_members(columns, index, line, now)?;
        let (schema, entries) = match columns.schemas.choose(index, wanted) {
            Choice::None => return None,
            Choice::Known { id, entries } => (id, entries),
            Choice::New { id, entries, left } => {
                if let Some(id) = left {
                    self.stats.schemas_evicted += 1;
                    self.open.push(Operation::DeleteSchema { id });
                }
                self.define_schema(columns, index, line, id, entries)?;
                (id, entries)
            }
        };
        if entries != wanted {
            self.spell_out(columns, line, wanted & !entries);
        }
        let members = self.open.keep_members(columns.members.drain(..));
        Some(Json::Columns { schema, members })
    }

    /// Finds the members that need a value; returns which strings are entries of the dictionary, as bits.
    fn find_members(
        &mut self,
        columns: &mut Columns,
        index: u32,
        line: &[u8],
        now: Moment,
    ) -> Option<u64> {
        let Columns {
            scanner,
            schemas,
            members,
        } = columns;
        members.clear();
        let schema = schemas.get_mut(index)?;
        let (mut entries, mut strings) = (0, 0);
        for ((index, member), slot) in (0..).zip(scanner.members()).zip(&mut schema.slots) {
            if Some(index) == scanner.message_index() {
                continue;
            }
            members.push(match scanner.value(line, member) {
                Leaf::Null => continue,
                Leaf::Bool(value) => Member::Bool(value),
                Leaf::Int(number) => Member::Int(number),
                Leaf::Raw(text) => Member::Raw(self.open.keep_text(text)),
                Leaf::Text(text) => {
                    strings += 1;
                    match self.string(text, slot, strings <= ENTRIES, now) {
                        Value::Dict(id) => {
                            entries |= 1 << (strings - 1);
                            Member::Dict(id)
                        }
                        Value::Text(span) => Member::Text(span),
                        Value::Int(_) => return None,
                    }
                }
            });
        }
        Some(entries)
    }

    fn string(&mut self, text: &[u8], slot: &mut Slot, may_be_entry: bool, now: Moment) -> Value {
        match may_be_entry {
            true => self
                .values()
                .encode_text(text, slot, Shortest::OF_OBJECT, now),
            false => Value::Text(self.open.keep_text(text)),
        }
    }

    fn define_schema(
        &mut self,
        columns: &Columns,
        index: u32,
        line: &[u8],
        id: SchemaId,
        entries: u64,
    ) -> Option<()> {
        let scanner = &columns.scanner;
        let schema = columns.schemas.get(index)?;
        let message = scanner.message_index()?;
        let mut strings = 0;
        let mut list = Vec::with_capacity(schema.keys.len());
        for ((index, member), key) in (0..).zip(scanner.members()).zip(&schema.keys) {
            if index == message {
                continue;
            }
            let kind = match scanner.value(line, member) {
                Leaf::Null => ColumnKind::Null,
                Leaf::Bool(_) => ColumnKind::Bool,
                Leaf::Int(_) => ColumnKind::Int,
                Leaf::Raw(_) => ColumnKind::Raw,
                Leaf::Text(_) => {
                    strings += 1;
                    match strings <= ENTRIES && entries >> (strings - 1) & 1 == 1 {
                        true => ColumnKind::Dict,
                        false => ColumnKind::Text,
                    }
                }
            };
            list.push(Column { key: *key, kind });
        }
        let message_key = *schema.keys.get(message)?;
        let columns = self.open.keep_columns(list);
        self.open.push(Operation::DefineSchema {
            id,
            columns,
            message_key,
        });
        self.stats.schemas_defined += 1;
        Some(())
    }

    /// Makes texts of strings that are entries, but not in the schema of the log.
    fn spell_out(&mut self, columns: &mut Columns, line: &[u8], entries: u64) {
        let Columns {
            scanner, members, ..
        } = columns;
        let message = scanner.message_index();
        let beside = (0..).zip(scanner.members());
        let beside = beside.filter(|(index, _)| Some(*index) != message);
        let values = beside.map(|(_, member)| scanner.value(line, member));
        let with_value = values.filter(|value| *value != Leaf::Null);
        let mut strings = 0;
        for (value, member) in with_value.zip(members) {
            let Leaf::Text(text) = value else {
                continue;
            };
            strings += 1;
            if strings <= ENTRIES && entries >> (strings - 1) & 1 == 1 {
                *member = Member::Text(self.open.keep_text(text));
            }
        }
    }
}
