//! What must hold of any lines: run by a fuzz target on bytes it makes up, and by a test on the stored ones.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use super::{Encoder, Input, JsonMode, Options};
use crate::decoder::{self, Decoder, Record};
use crate::eviction::Limits;
use crate::wire::Profile;

/// Ends a batch when it is the last byte of a line.
const CUT: u8 = 1;
/// Stands for a line feed inside of a line.
const LINE_FEED: u8 = 2;
/// Entries of a small dictionary: enough for the keys of a small object, twice.
const SMALL_TEXTS: usize = 12;
/// Milliseconds from one line to the next.
const STEP_MS: i64 = 250;

/// Encodes lines and decodes what comes of them, batch by batch.
///
/// The first byte chooses: bit 0 the profile, bits 1 and 5 what becomes of JSON (as text, raw or as columns),
/// bits 2 and 3 the limits, bit 4 whether lines carry status, service and tags. Lines end with a line feed;
/// byte 1 at the end of a line ends the batch, byte 2 is a line feed inside of a line.
pub fn round_trip(input: &[u8]) {
    let Some((&choice, text)) = input.split_first() else {
        return;
    };
    let mut stream = Stream::new(options(choice), choice & 16 != 0);
    for line in text.split(|byte| *byte == b'\n') {
        let (line, cut) = match line {
            [line @ .., CUT] => (line, true),
            line => (line, false),
        };
        stream.push(line);
        if cut {
            stream.seal();
        }
    }
    stream.seal();
}

fn options(choice: u8) -> Options {
    let json = match (choice & 32 != 0, choice & 2 != 0) {
        (true, _) => JsonMode::Columns,
        (false, true) => JsonMode::Raw,
        (false, false) => JsonMode::Text,
    };
    let profile = [Profile::A, Profile::C][usize::from(choice & 1)];
    let mut options = Options {
        profile,
        json,
        ..Options::default()
    };
    if choice & 4 != 0 {
        options.pattern_limits = small(4, options.pattern_limits);
        options.text_limits = small(SMALL_TEXTS, options.text_limits);
    }
    if choice & 8 != 0 {
        options.learning.first_word_max_cardinality = 2;
        options.learning.max_patterns_per_cluster = 2;
        options.learning.pattern_scan_budget = 1;
        options.learning.max_template_bytes = 64;
        options.pattern_limits.grace_ms = 1_000;
    }
    options
}

/// The same with so few items that some have to leave all the time.
fn small(max_items: usize, limits: Limits) -> Limits {
    Limits {
        max_items,
        max_bytes: max_items << 10,
        high_watermark: 1.0,
        low_watermark: 0.5,
        grace_ms: 0,
        ..limits
    }
}

struct Stream {
    encoder: Encoder,
    decoder: Decoder,
    with_fields: bool,
    sent: Vec<Sent>,
    logs: u32,
    batches: u32,
    buffer: Vec<u8>,
}

struct Sent {
    number: u32,
    body: Vec<u8>,
}

impl Stream {
    fn new(options: Options, with_fields: bool) -> Self {
        Self {
            decoder: Decoder::new(options.profile, decoder::Limits::default()),
            encoder: Encoder::new(options, 7),
            with_fields,
            sent: Vec::new(),
            logs: 0,
            batches: 0,
            buffer: Vec::new(),
        }
    }

    fn push(&mut self, line: &[u8]) {
        let body: Vec<u8> = line
            .iter()
            .map(|byte| match *byte {
                LINE_FEED => b'\n',
                byte => byte,
            })
            .collect();
        if body.len() > self.encoder.options().max_log_bytes {
            return;
        }
        self.logs += 1;
        let sent = Sent {
            number: self.logs,
            body,
        };
        let (status, service, tags) = fields(self.with_fields, sent.number);
        let now_ms = i64::from(self.logs) * STEP_MS;
        let input = Input {
            body: &sent.body,
            timestamp_ms: timestamp_ms(sent.number),
            status,
            service,
            tags,
            uuid: None,
        };
        let pushed = self.encoder.push(&input, now_ms);
        assert!(pushed.is_ok(), "{pushed:?}");
        self.sent.push(sent);
        self.within_limits();
    }

    /// What a log uses stays until it is out, so the counts may be over by what one log brings.
    fn within_limits(&self) {
        let (stats, options) = (self.encoder.stats(), self.encoder.options());
        assert!(stats.patterns <= options.pattern_limits.max_items + 1);
        assert!(stats.schemas <= (options.text_limits.max_items / 8).max(1));
        assert!(stats.schema_bytes <= options.text_limits.max_bytes / 4);
        assert_eq!(stats.guard_hits(), 0);
    }

    fn seal(&mut self) {
        let operations = self.encoder.seal();
        self.buffer.clear();
        self.encoder.write(&operations, &mut self.buffer);
        self.encoder.recycle(operations);
        self.batches += 1;
        let records = match self.decoder.decode(self.batches, &self.buffer) {
            Ok(records) => records,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(records.len(), self.sent.len());
        for (record, sent) in records.iter().zip(&self.sent) {
            self.same(record, sent);
        }
        self.sent.clear();
        assert_eq!(
            sorted(self.encoder.pattern_ids()),
            sorted(self.decoder.pattern_ids())
        );
        assert_eq!(
            sorted(self.encoder.text_ids()),
            sorted(self.decoder.text_ids())
        );
        assert_eq!(
            sorted(self.encoder.schema_ids()),
            sorted(self.decoder.schema_ids())
        );
    }

    fn same(&self, record: &Record, sent: &Sent) {
        assert_eq!(record.body, sent.body, "log {}", sent.number);
        assert_eq!(record.timestamp_ms, timestamp_ms(sent.number));
        let (status, service, tags) = fields(self.with_fields, sent.number);
        let service = service.filter(|_| self.encoder.options().profile == Profile::C);
        assert_eq!(record.status.as_deref(), status);
        assert_eq!(record.service.as_deref(), service);
        assert_eq!(record.tags.as_deref().unwrap_or_default(), tags);
    }
}

/// Mostly in order.
fn timestamp_ms(number: u32) -> i64 {
    i64::from(number) * STEP_MS - i64::from(number % 7 == 3) * 1_000
}

/// Status, service and tags of a log, each missing now and then.
fn fields(wanted: bool, number: u32) -> (Option<&'static str>, Option<&'static str>, &'static str) {
    let pick = |every: u32| wanted && !number.is_multiple_of(every);
    (
        pick(3).then_some(["info", "error"][number as usize % 2]),
        pick(4).then_some("shop"),
        if pick(5) { "env:prod,team:a" } else { "" },
    )
}

fn sorted(ids: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::round_trip;

    #[test]
    fn the_stored_inputs_of_the_fuzz_target_come_back() {
        let corpus =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/encoder_round_trip");
        let mut inputs = 0;
        for file in std::fs::read_dir(corpus).unwrap() {
            round_trip(&std::fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 14, "the corpus is where it should be");
    }
}
