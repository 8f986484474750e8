//! Logs of profile C.

use super::{Batch, Last, Rest};
use crate::decoder::Reason;
use crate::decoder::json::{Json, Members, Path};
use crate::decoder::message_c::{Columns, Log, Sync};
use crate::decoder::state::{Kind, State};

/// The id that says "none", where 0 says "the same as before".
const NONE: u64 = 1;

impl Batch<'_> {
    pub(super) fn sync_c(&mut self, sync: &Sync) {
        if sync.timestamp != 0 {
            self.running.timestamp_ms = sync.timestamp.cast_signed();
        }
        self.pattern(sync.pattern);
        self.fields(sync.status, sync.service, sync.tags, sync.schema);
    }

    pub(super) fn log_c(&mut self, log: &Log<'_>) -> Result<(), Reason> {
        self.advance(log.timestamp);
        self.fields(log.status, log.service, log.tags, log.schema);
        let mut message = self.body(0);
        let pattern = if log.raw.is_empty() {
            let pattern = self.pattern(log.pattern);
            message.push_pattern(self.state, pattern, &log.values)?;
            Some(pattern)
        } else {
            message.push(log.raw.as_bytes())?;
            None
        };
        let message = message.into_bytes();
        let body = match self.running.schema {
            0 | NONE if log.columns.is_empty() => message,
            0 | NONE => return Err(Reason::Json("values without a schema")),
            schema => self.object_c(schema, &message, &log.columns)?,
        };
        let (uuid, exact) = (log.uuid, log.exact);
        self.push(
            body,
            &Rest {
                uuid,
                exact,
                pattern,
            },
        )
    }

    /// Takes over what is not left out.
    fn fields(&mut self, status: u64, service: u64, tags: u64, schema: u64) {
        self.running.status.update(status);
        self.running.service.update(service);
        self.running.tags.update(tags);
        if schema != 0 {
            self.running.schema = schema;
        }
    }

    /// The object around a message.
    fn object_c(
        &mut self,
        schema: u64,
        message: &[u8],
        columns: &Columns<'_>,
    ) -> Result<Vec<u8>, Reason> {
        let schema = self.state.schema(schema)?;
        let mut members = Members::new(self.limits.log_bytes);
        let mut cursor = Cursor::new(columns);
        for (key, kind) in schema.keys.iter().zip(&schema.kinds) {
            let key = self.state.text(*key)?;
            let value = cursor.next(*kind, self.state)?;
            members.push(key, Path::Escaped, value)?;
        }
        cursor.finish()?;
        let key = self.state.text(schema.message_key)?;
        members.push(key, Path::Escaped, Json::Text(message))?;
        let mut body = self.body(message.len());
        members.write(&mut body)?;
        self.spend(message.len())?;
        Ok(body.into_bytes())
    }
}

impl Last {
    fn update(&mut self, id: u64) {
        match id {
            0 => {}
            NONE => *self = Self::None,
            id => *self = Self::Entry(id),
        }
    }
}

impl Columns<'_> {
    fn is_empty(&self) -> bool {
        self.ints.is_empty()
            && self.floats.is_empty()
            && self.entries.is_empty()
            && self.raws.is_empty()
            && self.texts.is_empty()
            && self.bools.is_empty()
    }
}

/// How far each column was read.
struct Cursor<'c, 'a> {
    ints: std::slice::Iter<'c, i64>,
    floats: std::slice::Iter<'c, f64>,
    entries: std::slice::Iter<'c, u64>,
    raws: std::slice::Iter<'c, &'a [u8]>,
    texts: std::slice::Iter<'c, &'a str>,
    bools: &'a [u8],
    bools_read: usize,
}

impl<'c, 'a> Cursor<'c, 'a> {
    fn new(columns: &'c Columns<'a>) -> Self {
        Self {
            ints: columns.ints.iter(),
            floats: columns.floats.iter(),
            entries: columns.entries.iter(),
            raws: columns.raws.iter(),
            texts: columns.texts.iter(),
            bools: columns.bools,
            bools_read: 0,
        }
    }

    fn next<'s>(&mut self, kind: Kind, state: &'s State) -> Result<Json<'s>, Reason>
    where
        'a: 's,
    {
        let value = match kind {
            Kind::Null => Some(Json::Null),
            Kind::Bool => self.next_bool().map(Json::Bool),
            Kind::Int => self.ints.next().map(|&value| Json::Int(value)),
            Kind::Float => self.floats.next().map(|&value| Json::Float(value)),
            Kind::Text => self.texts.next().map(|text| Json::Text(text.as_bytes())),
            Kind::Raw => self.raws.next().map(|&raw| Json::Raw(raw)),
            Kind::Entry => match self.entries.next() {
                Some(&id) => Some(Json::Text(state.text(id)?.as_bytes())),
                None => None,
            },
        };
        value.ok_or(Reason::Json("fewer values than keys of their kind"))
    }

    fn next_bool(&mut self) -> Option<bool> {
        let byte = self.bools.get(self.bools_read / 8)?;
        let bit = byte >> (self.bools_read % 8) & 1;
        self.bools_read += 1;
        Some(bit == 1)
    }

    /// An error unless every value was read; the last byte of bits may be longer than needed.
    fn finish(self) -> Result<(), Reason> {
        let left = self.ints.len()
            + self.floats.len()
            + self.entries.len()
            + self.raws.len()
            + self.texts.len()
            + (self.bools.len() - self.bools_read.div_ceil(8));
        if left > 0 {
            return Err(Reason::Json("more values than keys of their kind"));
        }
        Ok(())
    }
}
