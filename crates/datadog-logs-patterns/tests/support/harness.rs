//! An encoder with both decoders behind it: what goes in must come out of both, and all states must agree.

use std::collections::BTreeSet;

use datadog_logs_patterns::decoder::{Decoder, Limits};
use datadog_logs_patterns::encoder::{Encoder, Input, Options};
use datadog_logs_patterns::operation::{Operation, Operations};
use datadog_logs_patterns::wire::Profile;

use crate::minimal_decoder::MinimalDecoder;

/// A log as a test gives it.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) body: Vec<u8>,
    pub(crate) timestamp_ms: i64,
    pub(crate) status: Option<&'static str>,
    pub(crate) tags: &'static str,
}

impl Given {
    pub(crate) fn line(body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            timestamp_ms: 1_700_000_000_000,
            status: Some("info"),
            tags: "env:prod,service:shop",
        }
    }
}

pub(crate) struct Stream {
    pub(crate) encoder: Encoder,
    decoder: Decoder,
    minimal: MinimalDecoder,
    batch_id: u32,
    now_ms: i64,
}

impl Stream {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            decoder: Decoder::new(options.profile, Limits::default()),
            minimal: MinimalDecoder::new(options.profile == Profile::C),
            encoder: Encoder::new(options, 7),
            batch_id: 0,
            now_ms: 0,
        }
    }

    /// Sends a batch through and returns its operations, after both decoders have given back what went in.
    #[track_caller]
    pub(crate) fn send(&mut self, logs: &[Given]) -> Operations {
        let is_c = self.encoder.options().profile == Profile::C;
        for log in logs {
            self.now_ms += 10;
            let input = Input {
                body: &log.body,
                timestamp_ms: log.timestamp_ms,
                status: log.status,
                service: is_c.then_some("shop"),
                tags: log.tags,
                uuid: None,
            };
            self.encoder.push(&input, self.now_ms).unwrap();
        }
        let operations = self.encoder.seal();
        let mut written = Vec::new();
        self.encoder.write(&operations, &mut written);
        self.batch_id += 1;
        let records = self.decoder.decode(self.batch_id, &written).unwrap();
        let plain = self.minimal.decode(&written).unwrap();
        assert_eq!(records.len(), logs.len());
        assert_eq!(plain.len(), logs.len());
        for ((log, record), plain) in logs.iter().zip(&records).zip(&plain) {
            assert_eq!(record.body, log.body);
            assert_eq!(plain.body, log.body);
            assert_eq!(record.timestamp_ms, log.timestamp_ms);
            assert_eq!(record.status.as_deref(), log.status);
            let tags = Some(log.tags).filter(|tags| !tags.is_empty());
            assert_eq!(record.tags.as_deref(), tags);
            assert_eq!(record.service.as_deref(), is_c.then_some("shop"));
        }
        self.check_state();
        operations
    }

    /// What the encoder believes the other end to know is what it knows.
    #[track_caller]
    fn check_state(&self) {
        let ours: BTreeSet<u64> = self.encoder.pattern_ids().collect();
        let theirs: BTreeSet<u64> = self.decoder.pattern_ids().collect();
        assert_eq!(ours, theirs, "patterns");
        let ours: BTreeSet<u64> = self.encoder.text_ids().collect();
        let theirs: BTreeSet<u64> = self.decoder.text_ids().collect();
        assert_eq!(ours, theirs, "texts");
    }
}

/// The templates that a batch defines, with their positions.
pub(crate) fn templates(operations: &Operations) -> Vec<(String, Vec<u32>)> {
    let template = |operation: &Operation| match operation {
        Operation::DefinePattern {
            template,
            positions,
            ..
        } => Some((
            String::from_utf8(operations.text(template).to_vec()).unwrap(),
            operations.positions(positions).to_vec(),
        )),
        _ => None,
    };
    operations.iter().filter_map(template).collect()
}
