//! The messages inside of a datum, borrowed from the batch; what the profiles share.

use crate::decoder::Reason;
use crate::decoder::reader::{Field, Message, Reader};
use crate::wire::Profile;

/// What a datum does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    DefinePattern,
    DeletePattern,
    DefineText,
    DeleteText,
    DefineSchema,
    DeleteSchema,
    Sync,
    Log,
}

/// The datum's member that counts: the last one, in as many pieces as it has.
#[derive(Debug)]
pub(super) struct Datum<'a> {
    pub(super) kind: Kind,
    /// The fields of the datum from where the member begins; they are all of that member.
    pieces: Reader<'a>,
}

impl Kind {
    /// All fields of a datum are members of one `oneof`, so that an unknown field is an unknown kind.
    fn from_number(profile: Profile, number: u32) -> Result<Self, Reason> {
        Ok(match (profile, number) {
            (Profile::A, 1) | (Profile::C, 2) => Self::DefinePattern,
            (Profile::A, 2) | (Profile::C, 7) => Self::DeletePattern,
            (Profile::A, 3) | (Profile::C, 1) => Self::DefineText,
            (Profile::A, 4) | (Profile::C, 6) => Self::DeleteText,
            (Profile::A | Profile::C, 5) => Self::Sync,
            (Profile::A, 6) | (Profile::C, 4) => Self::Log,
            (Profile::C, 3) => Self::DefineSchema,
            (Profile::C, 8) => Self::DeleteSchema,
            _ => return Err(Reason::UnknownDatum { number }),
        })
    }
}

impl<'a> Datum<'a> {
    pub(super) fn read(profile: Profile, datum: &'a [u8]) -> Result<Self, Reason> {
        let mut reader = Reader::new(datum);
        let mut last: Option<Self> = None;
        let mut pieces = reader.clone();
        while let Some((number, field)) = reader.next()? {
            let kind = Kind::from_number(profile, number)?;
            field.bytes()?;
            if last.as_ref().is_none_or(|last| last.kind != kind) {
                last = Some(Self { kind, pieces });
            }
            pieces = reader.clone();
        }
        last.ok_or(Reason::EmptyDatum)
    }

    /// The member as the message that it is.
    pub(super) fn message<M: Message<'a>>(mut self, max_values: usize) -> Result<M, Reason> {
        let mut message = M::default();
        while let Some((_, field)) = self.pieces.next()? {
            message.merge(field.bytes()?, max_values)?;
        }
        Ok(message)
    }
}

/// `DictEntryDefine`.
#[derive(Debug, Default)]
pub(super) struct DefineText<'a> {
    pub(super) id: u64,
    pub(super) text: &'a str,
}

impl<'a> Message<'a> for DefineText<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, _max: usize) -> Result<(), Reason> {
        match number {
            1 => self.id = field.varint()?,
            2 => self.text = field.text()?,
            _ => {}
        }
        Ok(())
    }
}

/// `PatternDefine`; only profile A has the number of parameters.
#[derive(Debug, Default)]
pub(super) struct DefinePattern<'a> {
    pub(super) id: u64,
    pub(super) template: &'a str,
    pub(super) param_count: u32,
    pub(super) positions: Vec<u32>,
}

impl<'a> Message<'a> for DefinePattern<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, max: usize) -> Result<(), Reason> {
        match number {
            1 => self.id = field.varint()?,
            2 => self.template = field.text()?,
            // Profile C does not have it, and does not look at it.
            3 => self.param_count = field.u32()?,
            4 => field.repeated(&mut self.positions, max, super::reader::lower_half)?,
            _ => {}
        }
        Ok(())
    }
}

/// `JsonSchemaDefine`.
#[derive(Debug, Default)]
pub(super) struct DefineSchema<'a> {
    pub(super) id: u64,
    pub(super) keys: Vec<u64>,
    pub(super) message_key: u64,
    pub(super) kinds: &'a [u8],
}

impl<'a> Message<'a> for DefineSchema<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, max: usize) -> Result<(), Reason> {
        match number {
            1 => self.id = field.varint()?,
            2 => field.repeated(&mut self.keys, max, |key| key)?,
            3 => self.message_key = field.varint()?,
            4 => self.kinds = field.bytes()?,
            _ => {}
        }
        Ok(())
    }
}

/// Any of the three deletions.
#[derive(Debug, Default)]
pub(super) struct Delete {
    pub(super) id: u64,
}

impl<'a> Message<'a> for Delete {
    fn field(&mut self, number: u32, field: Field<'a>, _max: usize) -> Result<(), Reason> {
        if number == 1 {
            self.id = field.varint()?;
        }
        Ok(())
    }
}

/// A value of a pattern, and what profile A says other things with.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Value<'a> {
    /// No member is set.
    #[default]
    Missing,
    Int(i64),
    Float(f64),
    Text(&'a str),
    Entry(u64),
    Bool(bool),
    Raw(&'a [u8]),
}

/// `DynamicValue` of profile A.
#[derive(Debug, Default)]
pub(super) struct ValueA<'a>(pub(super) Value<'a>);

impl<'a> Message<'a> for ValueA<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, _max: usize) -> Result<(), Reason> {
        match number {
            1 => self.0 = Value::Int(field.varint()?.cast_signed()),
            2 => self.0 = Value::Float(field.double()?),
            3 => self.0 = Value::Text(field.text()?),
            4 => self.0 = Value::Entry(field.varint()?),
            _ => {}
        }
        Ok(())
    }
}

/// `DynamicValue` of profile C, which can say more.
///
/// That a number stands for a string of JSON makes no difference to the text of a log.
#[derive(Debug, Default)]
pub(super) struct ValueC<'a>(pub(super) Value<'a>);

impl<'a> Message<'a> for ValueC<'a> {
    fn field(&mut self, number: u32, field: Field<'a>, max: usize) -> Result<(), Reason> {
        match number {
            6 => self.0 = Value::Bool(field.varint()? != 0),
            7 => self.0 = Value::Raw(field.bytes()?),
            _ => {
                let mut value = ValueA(self.0);
                value.field(number, field, max)?;
                self.0 = value.0;
            }
        }
        Ok(())
    }
}
