//! The pattern engine as this verb uses it: nothing else here names its types.

use std::cell::OnceCell;
use std::collections::HashMap;

use clap::ValueEnum;
use datadog_logs_patterns::decoder::{self, Decoder};
use datadog_logs_patterns::encoder::{Encoder, Input, JsonMode, Options};
use datadog_logs_patterns::tokenizer::{self, Tokenizer};
use datadog_logs_patterns::view::{self, Piece, VariableKind};
use datadog_logs_patterns::wire::Profile;

use super::legs::{HOSTNAME, SERVICE, SOURCE, STATUS, TAGS};
use super::lines::Entry;

/// The seed of the engine's hashes; fixed, so that every run gives the same bytes.
const SEED: u64 = 0x5EED;
/// Bytes of samples that are kept of the structures of a file.
const SAMPLE_BYTES: usize = 64 << 20;

/// A dialect of the stateful stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Wire {
    /// The one that is deployed.
    #[default]
    A,
    /// Its successor: the service is a field of its own.
    C,
}

impl Wire {
    fn profile(self) -> Profile {
        match self {
            Self::A => Profile::A,
            Self::C => Profile::C,
        }
    }

    /// The tags of a log as one text, with what has no field of its own.
    fn tags(self) -> String {
        let service = match self {
            Self::A => format!(",service:{SERVICE}"),
            Self::C => String::new(),
        };
        let tags = TAGS.join(",");
        format!("{tags},hostname:{HOSTNAME}{service},ddsource:{SOURCE}")
    }

    fn service(self) -> Option<&'static str> {
        (self == Self::C).then_some(SERVICE)
    }
}

/// What becomes of lines that are JSON objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Json {
    /// They are text like any other.
    #[default]
    Text,
    /// The message is text, and the other members are columns, where a line is written so that it comes back.
    Columns,
    /// They travel as they are.
    Raw,
}

impl Json {
    fn mode(self) -> JsonMode {
        match self {
            Self::Text => JsonMode::Text,
            Self::Columns => JsonMode::Columns,
            Self::Raw => JsonMode::Raw,
        }
    }
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text that every line of the pattern has.
    Literal(Vec<u8>),
    /// A place for a value of this type.
    Variable(&'static str),
}

/// A pattern as it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Its id.
    pub(super) id: u64,
    /// Its template.
    pub(super) parts: Vec<Part>,
}

/// An encoder that is fed with entries that have everything but their text and time in common.
#[derive(Debug)]
pub(super) struct Engine {
    encoder: Encoder,
    tags: String,
    service: Option<&'static str>,
    /// What people see, found when it is first asked for: after the last log.
    view: OnceCell<View>,
}

/// Structures put together into the patterns that people see.
#[derive(Debug)]
struct View {
    patterns: Vec<Pattern>,
    /// The pattern of each structure.
    ids: HashMap<u64, u64>,
}

impl View {
    fn new(encoder: &Encoder) -> Self {
        let samples = encoder.structures();
        let structures: Vec<_> = samples
            .iter()
            .map(|sample| view::Structure {
                id: sample.id,
                count: sample.count,
                sample: &sample.sample,
                variable: &sample.variable,
            })
            .collect();
        let mut found = Self {
            patterns: Vec::new(),
            ids: HashMap::new(),
        };
        for (id, pattern) in (1..).zip(view::patterns(&structures)) {
            let covered = pattern.structures.iter().map(|place| structures[*place].id);
            found.ids.extend(covered.map(|structure| (structure, id)));
            let parts = pattern.template.into_iter().map(part).collect();
            found.patterns.push(Pattern { id, parts });
        }
        found
    }
}

fn part(piece: Piece) -> Part {
    match piece {
        Piece::Literal(text) => Part::Literal(text),
        Piece::Variable(kind) => Part::Variable(kind_name(kind)),
    }
}

/// What people call values of this kind.
fn kind_name(kind: VariableKind) -> &'static str {
    match kind {
        VariableKind::Number => "number",
        VariableKind::Ip => "ip",
        VariableKind::Timestamp => "time",
        VariableKind::Path => "path",
        VariableKind::Uri => "url",
        VariableKind::Uuid => "uuid",
        VariableKind::Hex => "hex",
        VariableKind::Email => "email",
        _ => "*",
    }
}

impl Engine {
    /// One with empty state.
    pub(super) fn new(wire: Wire, json: Json) -> Self {
        let options = Options {
            profile: wire.profile(),
            json: json.mode(),
            sample_bytes: SAMPLE_BYTES,
            max_log_bytes: super::legs::REQUEST_BYTES,
            ..Options::default()
        };
        Self {
            encoder: Encoder::new(options, SEED),
            tags: wire.tags(),
            service: wire.service(),
            view: OnceCell::new(),
        }
    }

    fn view(&self) -> &View {
        self.view.get_or_init(|| View::new(&self.encoder))
    }

    /// Adds an entry to the open batch and returns the id of the structure that it belongs to.
    #[inline]
    pub(super) fn push(&mut self, entry: &Entry<'_>) -> u64 {
        let input = Input {
            body: entry.body,
            timestamp_ms: entry.timestamp_ms,
            status: Some(STATUS),
            service: self.service,
            tags: &self.tags,
            uuid: None,
        };
        self.encoder
            .push(&input, entry.timestamp_ms)
            .map_or(0, |assignment| assignment.structure)
    }

    /// Ends the open batch and appends it.
    pub(super) fn seal(&mut self, _now_ms: i64, out: &mut Vec<u8>) {
        let operations = self.encoder.seal();
        self.encoder.write(&operations, out);
        self.encoder.recycle(operations);
    }

    /// The id of the pattern as which a structure ended.
    pub(super) fn resolve(&self, cluster: u64) -> u64 {
        self.view().ids.get(&cluster).copied().unwrap_or_default()
    }

    /// The patterns as they ended.
    pub(super) fn patterns(&self) -> Vec<Pattern> {
        self.view().patterns.clone()
    }
}

/// A log as the other end sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Its text.
    pub(super) body: Vec<u8>,
    /// When it arrived, in Unix milliseconds.
    pub(super) timestamp_ms: i64,
}

/// The other end: it sees nothing but the batches.
#[derive(Debug)]
pub(super) struct Reader {
    decoder: Decoder,
}

impl Reader {
    /// One with empty state.
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            decoder: Decoder::new(wire.profile(), decoder::Limits::default()),
        }
    }

    /// The logs of a batch.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&mut self, batch_id: u32, data: &[u8]) -> anyhow::Result<Vec<Record>> {
        let record = |record: decoder::Record| Record {
            body: record.body,
            timestamp_ms: record.timestamp_ms,
        };
        let records = self.decoder.decode(batch_id, data)?;
        Ok(records.into_iter().map(record).collect())
    }
}

/// Where the tokens of a line end, in their order; nothing when it has none.
pub(super) fn ends_of_tokens(line: &[u8]) -> Vec<usize> {
    let mut tokenizer = Tokenizer::new(SEED, tokenizer::Limits::default());
    if tokenizer.tokenize(line).is_err() {
        return Vec::new();
    }
    let starts = tokenizer.tokens().starts();
    starts.iter().skip(1).map(|start| *start as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_a_tag_or_a_field_but_never_both() {
        let tags = "env:prod,version:1.4.2,team:shop,region:eu-west-1,cluster:main";
        assert_eq!(
            Wire::A.tags(),
            format!("{tags},hostname:i-0a1b2c3d4e5f60718,service:checkout,ddsource:app")
        );
        assert_eq!(Wire::A.service(), None);
        assert_eq!(
            Wire::C.tags(),
            format!("{tags},hostname:i-0a1b2c3d4e5f60718,ddsource:app")
        );
        assert_eq!(Wire::C.service(), Some("checkout"));
    }
}
