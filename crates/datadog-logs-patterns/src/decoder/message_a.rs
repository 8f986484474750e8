//! The messages of profile A that C does not have in this form: the log and its parts.

use crate::decoder::message::{Value, ValueA};
use crate::decoder::reader::{Field, Message};
use crate::decoder::{Limit, RAW_BYTES, Reason};

/// `Log`.
#[derive(Debug, Default)]
pub(super) struct Log<'a> {
    pub(super) timestamp: i64,
    pub(super) content: Content<'a>,
    pub(super) tags: Option<Value<'a>>,
    pub(super) status: Option<Value<'a>>,
    pub(super) uuid: Option<&'a str>,
    pub(super) exact: Option<&'a [u8]>,
}

/// The text of a log.
#[derive(Debug, Default)]
pub(super) enum Content<'a> {
    #[default]
    Missing,
    Structured(Structured<'a>),
    Raw(&'a str),
}

impl<'a> Message<'a> for Log<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, max: usize) -> Result<(), Reason> {
        match number {
            1 => self.timestamp = field.zigzag()?,
            2 => {
                let mut structured = match std::mem::take(&mut self.content) {
                    Content::Structured(structured) => structured,
                    Content::Missing | Content::Raw(_) => Structured::default(),
                };
                structured.merge(field.bytes()?, max)?;
                self.content = Content::Structured(structured);
            }
            3 => self.content = Content::Raw(field.text()?),
            4 => self.tags = Some(tag_set(self.tags, field)?),
            5 => self.uuid = Some(field.text()?),
            6 => self.status = Some(value(self.status, field)?),
            RAW_BYTES => self.exact = Some(field.bytes()?),
            _ => {}
        }
        Ok(())
    }
}

/// `StructuredLog`.
#[derive(Debug, Default)]
pub(super) struct Structured<'a> {
    pub(super) pattern: u64,
    pub(super) values: Vec<Value<'a>>,
    /// The deprecated form of the members, which is not understood.
    pub(super) context: &'a [u8],
    pub(super) message_key: Option<Value<'a>>,
    pub(super) schema: u64,
    pub(super) members: Vec<Value<'a>>,
}

impl<'a> Message<'a> for Structured<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, max: usize) -> Result<(), Reason> {
        match number {
            1 => self.pattern = field.varint()?,
            2 => push_value(&mut self.values, field, max)?,
            3 => self.context = field.bytes()?,
            4 => self.message_key = Some(value(self.message_key, field)?),
            5 => self.schema = field.varint()?,
            6 => push_value(&mut self.members, field, max)?,
            _ => {}
        }
        Ok(())
    }
}

/// `DeltaEncodingSync`.
#[derive(Debug, Default)]
pub(super) struct Sync<'a> {
    pub(super) timestamp: u64,
    pub(super) pattern: u64,
    pub(super) tags: Option<Value<'a>>,
}

impl<'a> Message<'a> for Sync<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, _max: usize) -> Result<(), Reason> {
        match number {
            1 => self.timestamp = field.varint()?,
            2 => self.pattern = field.varint()?,
            3 => self.tags = Some(tag_set(self.tags, field)?),
            _ => {}
        }
        Ok(())
    }
}

/// `TagSet`, which holds nothing but a value.
#[derive(Debug, Default)]
struct TagSet<'a>(Value<'a>);

impl<'a> Message<'a> for TagSet<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, _max: usize) -> Result<(), Reason> {
        if number == 1 {
            self.0 = value(Some(self.0), field)?;
        }
        Ok(())
    }
}

fn tag_set<'a>(before: Option<Value<'a>>, field: Field<'a>) -> Result<Value<'a>, Reason> {
    let mut tag_set = TagSet(before.unwrap_or_default());
    tag_set.merge(field.bytes()?, 0)?;
    Ok(tag_set.0)
}

/// A value, merged with what an earlier field of the same number said.
fn value<'a>(before: Option<Value<'a>>, field: Field<'a>) -> Result<Value<'a>, Reason> {
    let mut value = ValueA(before.unwrap_or_default());
    value.merge(field.bytes()?, 0)?;
    Ok(value.0)
}

fn push_value<'a>(list: &mut Vec<Value<'a>>, field: Field<'a>, max: usize) -> Result<(), Reason> {
    Limit::Values.check(list.len() + 1, max)?;
    list.push(value(None, field)?);
    Ok(())
}
