//! Applies the datums of one batch, one by one, and collects the records.
//!
//! What a log leaves out is the same as in the log before it, and that memory is as long as the batch.

mod log_a;
mod log_c;

use std::sync::Arc;

use crate::decoder::body::Body;
use crate::decoder::message::{Datum, DefinePattern, DefineSchema, DefineText, Delete, Kind};
use crate::decoder::reader::Reader;
use crate::decoder::state::{self, Schema, State};
use crate::decoder::template::Template;
use crate::decoder::{Limit, Limits, Reason, Record, message_a, message_c};
use crate::wire::Profile;

/// One batch while it is read.
#[derive(Debug)]
pub(super) struct Batch<'d> {
    profile: Profile,
    limits: &'d Limits,
    state: &'d mut State,
    running: Running,
    records: Vec<Record>,
    /// What the records take, and what it took to rebuild them.
    output_bytes: usize,
    datums: usize,
}

/// What the next log may leave out.
#[derive(Debug, Default)]
struct Running {
    timestamp_ms: i64,
    /// 0 for none.
    pattern: u64,
    status: Last,
    service: Last,
    tags: Last,
    /// 0 or 1 for none; only profile C.
    schema: u64,
}

/// The last value of a field. An entry of the dictionary means what it says when it is used.
#[derive(Debug, Clone, Default)]
enum Last {
    #[default]
    None,
    Entry(u64),
    Text(Arc<str>),
}

/// The parts of a log that both profiles have.
struct Rest<'a> {
    uuid: Option<&'a str>,
    exact: Option<&'a [u8]>,
    pattern: Option<u64>,
}

impl<'d> Batch<'d> {
    pub(super) fn new(profile: Profile, limits: &'d Limits, state: &'d mut State) -> Self {
        Self {
            profile,
            limits,
            state,
            running: Running::default(),
            records: Vec::new(),
            output_bytes: 0,
            datums: 0,
        }
    }

    /// How many datums were applied.
    pub(super) fn datums(&self) -> usize {
        self.datums
    }

    /// The records, in the order of their logs.
    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// Applies a whole sequence of datums; after an error the state is of no use.
    pub(super) fn apply(&mut self, sequence: &[u8]) -> Result<(), Reason> {
        let mut reader = Reader::new(sequence);
        while let Some((number, field)) = reader.next()? {
            if number == 1 {
                let datum = Datum::read(self.profile, field.bytes()?)?;
                self.datum(datum)?;
                self.datums += 1;
            }
        }
        Ok(())
    }

    fn datum(&mut self, datum: Datum<'_>) -> Result<(), Reason> {
        let max = self.limits.values;
        match (datum.kind, self.profile) {
            (Kind::DefinePattern, _) => self.define_pattern(datum.message(max)?),
            (Kind::DefineText, _) => self.define_text(&datum.message(max)?),
            (Kind::DefineSchema, _) => self.define_schema(datum.message(max)?),
            (Kind::DeletePattern, _) => {
                self.state.delete_pattern(datum.message::<Delete>(max)?.id);
                Ok(())
            }
            (Kind::DeleteText, _) => {
                self.state.delete_text(datum.message::<Delete>(max)?.id);
                Ok(())
            }
            (Kind::DeleteSchema, _) => {
                self.state.delete_schema(datum.message::<Delete>(max)?.id);
                Ok(())
            }
            (Kind::Sync, Profile::A) => self.sync_a(&datum.message(max)?),
            (Kind::Sync, Profile::C) => {
                self.sync_c(&datum.message(max)?);
                Ok(())
            }
            (Kind::Log, Profile::A) => self.log_a(&datum.message::<message_a::Log<'_>>(max)?),
            (Kind::Log, Profile::C) => self.log_c(&datum.message::<message_c::Log<'_>>(max)?),
        }
    }

    fn define_pattern(&mut self, pattern: DefinePattern<'_>) -> Result<(), Reason> {
        let DefinePattern {
            id, param_count, ..
        } = pattern;
        if id == 0 {
            let what = "pattern";
            return Err(Reason::ReservedId { what, id });
        }
        let positions = pattern.positions.len();
        if self.profile == Profile::A && usize::try_from(param_count) != Ok(positions) {
            let stated = param_count;
            return Err(Reason::ParamCount { stated, positions });
        }
        let template = Template::new(pattern.template, pattern.positions)?;
        self.state.define_pattern(id, template, self.limits)?;
        self.running.pattern = id;
        Ok(())
    }

    fn define_text(&mut self, entry: &DefineText<'_>) -> Result<(), Reason> {
        let id = entry.id;
        if id == 0 || (id == 1 && self.profile == Profile::C) {
            let what = "dictionary entry";
            return Err(Reason::ReservedId { what, id });
        }
        self.state.define_text(id, entry.text, self.limits)
    }

    fn define_schema(&mut self, schema: DefineSchema<'_>) -> Result<(), Reason> {
        let id = schema.id;
        if id <= 1 {
            let what = "schema";
            return Err(Reason::ReservedId { what, id });
        }
        if schema.keys.len() != schema.kinds.len() {
            return Err(Reason::Json("a schema with more or fewer kinds than keys"));
        }
        let kinds = schema.kinds.iter().copied().map(state::Kind::from_byte);
        let schema = Schema {
            keys: schema.keys.into(),
            kinds: kinds.collect::<Result<_, _>>()?,
            message_key: schema.message_key,
        };
        self.state.define_schema(id, schema, self.limits)
    }

    /// Adds the difference to the time of the last log. Past the ends of time it wraps, as in other decoders.
    fn advance(&mut self, delta: i64) {
        self.running.timestamp_ms = self.running.timestamp_ms.wrapping_add(delta);
    }

    /// The pattern of a log: its own, or the last one.
    fn pattern(&mut self, id: u64) -> u64 {
        if id != 0 {
            self.running.pattern = id;
        }
        self.running.pattern
    }

    /// An empty text that has the room which the limits leave.
    fn body(&self, spent: usize) -> Body {
        let max = self.limits.output_bytes;
        let room = max.saturating_sub(self.output_bytes + spent);
        if room < self.limits.log_bytes {
            Body::new(room, Limit::OutputBytes, max)
        } else {
            Body::new(
                self.limits.log_bytes,
                Limit::LogBytes,
                self.limits.log_bytes,
            )
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Reason> {
        self.output_bytes += bytes;
        Limit::OutputBytes.check(self.output_bytes, self.limits.output_bytes)
    }

    /// Adds the record of a log whose text was rebuilt.
    fn push(&mut self, mut body: Vec<u8>, rest: &Rest<'_>) -> Result<(), Reason> {
        self.spend(body.len() + size_of::<Record>() + rest.uuid.map_or(0, str::len))?;
        if let Some(exact) = rest.exact {
            let mut copy = self.body(0);
            copy.push(exact)?;
            self.spend(exact.len())?;
            body = copy.into_bytes();
        }
        self.records.push(Record {
            body,
            timestamp_ms: self.running.timestamp_ms,
            status: self.running.status.text(self.state)?,
            service: self.running.service.text(self.state)?,
            tags: self.running.tags.text(self.state)?,
            uuid: rest.uuid.map(str::to_owned),
            pattern: rest.pattern,
        });
        Ok(())
    }
}

impl Last {
    /// The text; an empty one is how profile A says "none".
    fn text(&self, state: &State) -> Result<Option<Arc<str>>, Reason> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Entry(id) => Arc::clone(state.text(*id)?),
            Self::Text(text) => Arc::clone(text),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}
