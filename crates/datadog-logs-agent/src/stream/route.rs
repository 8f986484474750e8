//! Which entries of a batch go which way: to the pipeline of their source, over HTTP, or nowhere.

use datadog_forwarder::Reservation;

use super::Config;
use super::entry::Reader;
use crate::aggregator::Batch;
use crate::processor::scan::Scanner;

/// A batch, divided.
#[derive(Debug, Default)]
pub(super) struct Routed {
    pub(super) pipelines: Vec<Part>,
    /// Entries that are too large for the stream.
    pub(super) http: Option<Part>,
    /// Entries that were left out, for they have no message.
    pub(super) empty: u64,
}

/// Entries that go the same way.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) pipeline: usize,
    pub(super) batch: Batch,
    pub(super) reservation: Option<Reservation>,
}

/// An array that is being written.
#[derive(Debug, Clone, Default)]
struct Array {
    json: Vec<u8>,
    entries: u32,
}

/// Divides a batch among so many pipelines. All entries of one source get into the same.
pub(super) fn route(
    batch: Batch,
    mut reservation: Option<Reservation>,
    pipelines: usize,
    config: &Config,
) -> Routed {
    let is_simple = pipelines == 1 && config.send_empty && config.http_above_bytes.is_none();
    let Some(text) = std::str::from_utf8(&batch.body).ok().filter(|_| !is_simple) else {
        return whole(batch, reservation);
    };
    // The last array is for HTTP.
    let mut arrays = vec![Array::default(); pipelines + 1];
    let mut empty = 0;
    let mut reader = Reader::default();
    let mut scanner = Scanner::new(text);
    let mut separator = b'[';
    while scanner.accept(separator) {
        separator = b',';
        let start = scanner.position();
        let Some(source) = reader.source(text, &mut scanner) else {
            // Not an array of objects, which no batch is.
            return whole(batch, reservation);
        };
        if source.body_bytes == 0 && !config.send_empty {
            empty += 1;
            continue;
        }
        let is_large = (config.http_above_bytes).is_some_and(|most| source.body_bytes > most);
        let way = match is_large {
            true => pipelines,
            false => usize::try_from(source.hash % pipelines as u64).unwrap_or_default(),
        };
        arrays[way].push(text.get(start..scanner.position()).unwrap_or_default());
    }
    if arrays[0].entries == batch.entries {
        return whole(batch, reservation);
    }
    let mut routed = Routed {
        empty,
        ..Routed::default()
    };
    for (way, array) in arrays.into_iter().enumerate() {
        let Some(batch) = array.finish() else {
            continue;
        };
        let part = Part {
            pipeline: way,
            reservation: (reservation.as_mut()).map(|whole| whole.split_off(batch.body.len())),
            batch,
        };
        match way == pipelines {
            true => routed.http = Some(part),
            false => routed.pipelines.push(part),
        }
    }
    routed
}

fn whole(batch: Batch, reservation: Option<Reservation>) -> Routed {
    Routed {
        pipelines: vec![Part {
            pipeline: 0,
            batch,
            reservation,
        }],
        ..Routed::default()
    }
}

impl Array {
    fn push(&mut self, entry: &str) {
        self.json.push(if self.entries == 0 { b'[' } else { b',' });
        self.json.extend_from_slice(entry.as_bytes());
        self.entries += 1;
    }

    fn finish(mut self) -> Option<Batch> {
        if self.entries == 0 {
            return None;
        }
        self.json.push(b']');
        Some(Batch {
            body: self.json.into(),
            entries: self.entries,
        })
    }
}
