//! The messages of profile C that A does not have in this form: the flat log with its columns.

use crate::decoder::message::{Value, ValueC};
use crate::decoder::reader::{Field, Message, unzigzag};
use crate::decoder::{Limit, RAW_BYTES, Reason};

/// `Log`. In the four ids that follow the timestamp 0 means "the same as before".
#[derive(Debug, Default)]
pub(super) struct Log<'a> {
    pub(super) timestamp: i64,
    pub(super) status: u64,
    pub(super) service: u64,
    pub(super) tags: u64,
    pub(super) schema: u64,
    pub(super) pattern: u64,
    pub(super) values: Vec<Value<'a>>,
    /// The text, unless it is empty.
    pub(super) raw: &'a str,
    pub(super) columns: Columns<'a>,
    pub(super) uuid: Option<&'a str>,
    pub(super) exact: Option<&'a [u8]>,
}

/// The members of a JSON log by their kind, each kind in the order of the schema.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    pub(super) ints: Vec<i64>,
    pub(super) floats: Vec<f64>,
    pub(super) entries: Vec<u64>,
    pub(super) raws: Vec<&'a [u8]>,
    pub(super) texts: Vec<&'a str>,
    /// One bit each, the lowest bit of the first byte first.
    pub(super) bools: &'a [u8],
}

impl<'a> Message<'a> for Log<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, max: usize) -> Result<(), Reason> {
        match number {
            1 => self.timestamp = field.zigzag()?,
            2 => self.status = field.varint()?,
            3 => self.service = field.varint()?,
            4 => self.tags = field.varint()?,
            5 => self.pattern = field.varint()?,
            6 => {
                let mut value = ValueC::default();
                value.merge(field.bytes()?, max)?;
                push(&mut self.values, value.0, max)?;
            }
            7 => self.raw = field.text()?,
            8 => self.schema = field.varint()?,
            100 => self.uuid = Some(field.text()?),
            RAW_BYTES => self.exact = Some(field.bytes()?),
            _ => self.columns.field(number, field, max)?,
        }
        Ok(())
    }
}

impl<'a> Message<'a> for Columns<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, max: usize) -> Result<(), Reason> {
        match number {
            9 => field.repeated(&mut self.ints, max, unzigzag)?,
            10 => field.doubles(&mut self.floats, max)?,
            11 => field.repeated(&mut self.entries, max, |id| id)?,
            12 => push(&mut self.raws, field.bytes()?, max)?,
            13 => push(&mut self.texts, field.text()?, max)?,
            14 => self.bools = field.bytes()?,
            _ => {}
        }
        Ok(())
    }
}

/// `DeltaEncodingSync`.
#[derive(Debug, Default)]
pub(super) struct Sync {
    pub(super) timestamp: u64,
    pub(super) pattern: u64,
    pub(super) tags: u64,
    pub(super) status: u64,
    pub(super) service: u64,
    pub(super) schema: u64,
}

impl<'a> Message<'a> for Sync {
    fn field(&mut self, number: u32, field: Field<'a>, _max: usize) -> Result<(), Reason> {
        match number {
            1 => self.timestamp = field.varint()?,
            2 => self.pattern = field.varint()?,
            3 => self.tags = field.varint()?,
            4 => self.status = field.varint()?,
            5 => self.service = field.varint()?,
            6 => self.schema = field.varint()?,
            _ => {}
        }
        Ok(())
    }
}

fn push<T>(list: &mut Vec<T>, value: T, max: usize) -> Result<(), Reason> {
    Limit::Values.check(list.len() + 1, max)?;
    list.push(value);
    Ok(())
}
