//! Both ends of a stream: what is pushed must come out of two decoders, byte for byte.

use datadog_logs_patterns::decoder::{self, Decoder};
use datadog_logs_patterns::encoder::{Assignment, Encoder, Input, Options};
use datadog_logs_patterns::operation::Operations;
use datadog_logs_patterns::wire::Profile;

use crate::minimal_decoder::{Log, MinimalDecoder};

/// A log without fields, to begin with.
pub(crate) const PLAIN: Input<'static> = Input {
    body: b"",
    timestamp_ms: 0,
    status: None,
    service: None,
    tags: "",
    uuid: None,
};

pub(crate) struct Stream {
    pub(crate) encoder: Encoder,
    pub(crate) decoder: Decoder,
    minimal: MinimalDecoder,
    sent: Vec<Log>,
    batches: u32,
    now_ms: i64,
    /// Milliseconds from one log to the next.
    pub(crate) step_ms: i64,
}

impl Stream {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            encoder: Encoder::new(options, 42),
            decoder: Decoder::new(options.profile, decoder::Limits::default()),
            minimal: MinimalDecoder::new(options.profile == Profile::C),
            sent: Vec::new(),
            batches: 0,
            now_ms: 1_700_000_000_000,
            step_ms: 10,
        }
    }

    pub(crate) fn push(&mut self, body: impl AsRef<[u8]>) -> Assignment {
        self.push_log(&Input {
            body: body.as_ref(),
            timestamp_ms: self.now_ms,
            ..PLAIN
        })
    }

    pub(crate) fn push_log(&mut self, input: &Input<'_>) -> Assignment {
        self.now_ms += self.step_ms;
        let assignment = self.encoder.push(input, self.now_ms).unwrap();
        let is_c = self.encoder.options().profile == Profile::C;
        let text = |text: Option<&str>| {
            let text = text.filter(|text| !text.is_empty());
            text.map(ToOwned::to_owned)
        };
        self.sent.push(Log {
            body: input.body.to_vec(),
            timestamp_ms: input.timestamp_ms,
            status: text(input.status),
            service: text(input.service).filter(|_| is_c),
            tags: text(Some(input.tags)),
            uuid: text(input.uuid),
        });
        assignment
    }

    /// Ends the batch, and checks all that the two decoders make of it.
    #[track_caller]
    pub(crate) fn seal(&mut self) -> Operations {
        let operations = self.encoder.seal();
        self.decode(&operations);
        self.same_state();
        operations
    }

    #[track_caller]
    fn decode(&mut self, operations: &Operations) {
        let mut batch = Vec::new();
        self.encoder.write(operations, &mut batch);
        self.batches += 1;
        let records = self.decoder.decode(self.batches, &batch).unwrap();
        let text = |text: Option<std::sync::Arc<str>>| text.map(|text| text.to_string());
        let records: Vec<Log> = records
            .into_iter()
            .map(|record| Log {
                body: record.body,
                timestamp_ms: record.timestamp_ms,
                status: text(record.status),
                service: text(record.service),
                tags: text(record.tags),
                uuid: record.uuid,
            })
            .collect();
        assert_eq!(records, self.sent, "batch {}", self.batches);
        let minimal = self.minimal.decode(&batch).unwrap();
        assert_eq!(minimal, self.sent, "batch {}", self.batches);
        self.sent.clear();
    }

    /// Both ends know the same patterns, texts and schemas, none of them without need.
    #[track_caller]
    fn same_state(&self) {
        let sorted = |ids: Vec<u64>| {
            let mut ids = ids;
            ids.sort_unstable();
            ids
        };
        let (encoder, decoder) = (&self.encoder, &self.decoder);
        assert_eq!(
            sorted(encoder.pattern_ids().collect()),
            decoder.pattern_ids().collect::<Vec<_>>()
        );
        assert_eq!(
            sorted(encoder.text_ids().collect()),
            decoder.text_ids().collect::<Vec<_>>()
        );
        assert_eq!(
            sorted(encoder.schema_ids().collect()),
            decoder.schema_ids().collect::<Vec<_>>()
        );
        assert_eq!(encoder.stats().guard_hits(), 0);
    }
}
