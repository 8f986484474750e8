//! Which entries of a batch go which way: to the pipeline of their source, over HTTP, or nowhere.

use std::ops::Range;

use datadog_forwarder::Reservation;

use super::entry::{Reader, ServiceTag};
use crate::aggregator::Batch;
use crate::processor::scan::Scanner;

/// What decides the ways.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    /// How many pipelines there are.
    pub(super) pipelines: usize,
    /// Bytes of a body beyond which its entry goes over HTTP. `None`: none does.
    pub(super) http_above_bytes: Option<usize>,
    /// Whether entries with an empty message are sent.
    pub(super) send_empty: bool,
}

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

/// Entries behind one another that go the same way.
#[derive(Debug)]
struct Stretch {
    /// A pipeline, or the number of pipelines for HTTP.
    way: usize,
    /// Where they stand in the batch, with the commas between them.
    range: Range<usize>,
    entries: u32,
}

/// Divides a batch among the pipelines. All entries of one source get into the same.
pub(super) fn route(batch: Batch, mut reservation: Option<Reservation>, ways: Ways) -> Routed {
    let pipelines = ways.pipelines;
    let is_simple = pipelines == 1 && ways.send_empty && ways.http_above_bytes.is_none();
    let text = std::str::from_utf8(&batch.body).ok().filter(|_| !is_simple);
    // What is not an array of objects, which no batch is, stays together.
    let Some((stretches, empty)) = text.and_then(|text| stretches(text, ways)) else {
        return whole(batch, reservation, 0, pipelines);
    };
    // Most batches come from one source: nothing of them is copied.
    if let [only] = &*stretches
        && empty == 0
    {
        return whole(batch, reservation, only.way, pipelines);
    }
    let mut routed = Routed {
        empty,
        ..Routed::default()
    };
    for way in 0..=pipelines {
        let Some(batch) = gather(&batch.body, stretches.iter().filter(|it| it.way == way)) else {
            continue;
        };
        let reservation = (reservation.as_mut()).map(|whole| whole.split_off(batch.body.len()));
        routed.add(way, batch, reservation, pipelines);
    }
    routed
}

/// Which entries go which way, and how many go nowhere.
fn stretches(text: &str, ways: Ways) -> Option<(Vec<Stretch>, u64)> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut empty = 0;
    // What is read for the route has no tags.
    let mut reader = Reader::new(text, ServiceTag::No);
    let mut scanner = Scanner::new(text);
    let mut separator = b'[';
    while scanner.accept(separator) {
        separator = b',';
        let start = scanner.position();
        let source = reader.source(&mut scanner)?;
        if source.body_bytes == 0 && !ways.send_empty {
            empty += 1;
            continue;
        }
        let is_large = (ways.http_above_bytes).is_some_and(|most| source.body_bytes > most);
        let way = match is_large {
            true => ways.pipelines,
            false => usize::try_from(source.hash % ways.pipelines as u64).unwrap_or_default(),
        };
        let range = start..scanner.position();
        match stretches.last_mut() {
            // One byte between them: the comma.
            Some(last) if last.way == way && last.range.end + 1 == start => {
                last.range.end = range.end;
                last.entries += 1;
            }
            _ => stretches.push(Stretch {
                way,
                range,
                entries: 1,
            }),
        }
    }
    Some((stretches, empty))
}

/// An array of the entries of these stretches, unless there are none.
fn gather<'a>(body: &[u8], stretches: impl Iterator<Item = &'a Stretch> + Clone) -> Option<Batch> {
    let bytes: usize = stretches.clone().map(|it| it.range.len() + 1).sum();
    let mut json = Vec::with_capacity(bytes + 1);
    let mut entries = 0;
    for stretch in stretches {
        json.push(if entries == 0 { b'[' } else { b',' });
        json.extend_from_slice(body.get(stretch.range.clone()).unwrap_or_default());
        entries += stretch.entries;
    }
    json.push(b']');
    (entries > 0).then(|| Batch {
        body: json.into(),
        entries,
    })
}

/// All of a batch, one way.
fn whole(batch: Batch, reservation: Option<Reservation>, way: usize, pipelines: usize) -> Routed {
    let mut routed = Routed::default();
    routed.add(way, batch, reservation, pipelines);
    routed
}

impl Routed {
    fn add(
        &mut self,
        way: usize,
        batch: Batch,
        reservation: Option<Reservation>,
        pipelines: usize,
    ) {
        let part = Part {
            pipeline: way,
            batch,
            reservation,
        };
        match way == pipelines {
            true => self.http = Some(part),
            false => self.pipelines.push(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAYS: Ways = Ways {
        pipelines: 2,
        http_above_bytes: Some(8),
        send_empty: false,
    };

    /// What each way gets, and how many go nowhere.
    fn routed(body: &str, entries: u32, ways: Ways) -> (Vec<(usize, u32, String)>, u64) {
        let batch = Batch {
            body: body.to_owned().into(),
            entries,
        };
        let Routed {
            pipelines,
            http,
            empty,
        } = route(batch, None, ways);
        let parts = pipelines.into_iter().chain(http).map(|part| {
            let json = String::from_utf8(part.batch.body.to_vec()).unwrap();
            (part.pipeline, part.batch.entries, json)
        });
        (parts.collect(), empty)
    }

    /// An entry of a source that goes to this pipeline of two.
    fn entry(pipeline: u64, message: &str) -> String {
        let entry = |service: u32| format!(r#"{{"message":"{message}","service":"{service}"}}"#);
        let goes_there = |entry: &String| {
            let source = Reader::new(entry, ServiceTag::No).source(&mut Scanner::new(entry));
            source.unwrap().hash % 2 == pipeline
        };
        (0..).map(entry).find(goes_there).unwrap()
    }

    #[test]
    fn entries_of_a_source_keep_their_order_on_one_way() {
        let [a, b] = [entry(0, "a"), entry(1, "b")];
        let large = entry(0, "more than 8");
        let body = format!("[{a},{a},{b},{large},{a},{b},{b}]");
        let expected = vec![
            (0, 3, format!("[{a},{a},{a}]")),
            (1, 3, format!("[{b},{b},{b}]")),
            (2, 1, format!("[{large}]")),
        ];
        assert_eq!(routed(&body, 7, WAYS), (expected, 0));
    }

    #[test]
    fn a_batch_of_one_way_stays_as_it_is() {
        for (way, entry) in [
            (0, entry(0, "a")),
            (1, entry(1, "a")),
            (2, entry(0, "123456789")),
        ] {
            let body = format!("[{entry},{entry}]");
            let batch = Batch {
                body: body.into(),
                entries: 2,
            };
            let routed = route(batch.clone(), None, WAYS);
            let parts: Vec<_> = routed.pipelines.into_iter().chain(routed.http).collect();
            assert_eq!((parts.len(), parts[0].pipeline), (1, way));
            assert_eq!(parts[0].batch.body.as_ptr(), batch.body.as_ptr());
        }
    }

    #[test]
    fn entries_without_a_message_go_nowhere_unless_they_are_wanted() {
        let [a, empty] = [entry(0, "a"), entry(0, "")];
        let body = format!("[{a},{empty},{a}]");
        let rest = vec![(0, 2, format!("[{a},{a}]"))];
        assert_eq!(routed(&body, 3, WAYS), (rest, 1));
        assert_eq!(routed(&format!("[{empty}]"), 1, WAYS), (vec![], 1));
        let ways = Ways {
            send_empty: true,
            ..WAYS
        };
        assert_eq!(routed(&body, 3, ways), (vec![(0, 3, body.clone())], 0));
    }

    #[test]
    fn what_is_no_array_of_objects_stays_together() {
        assert_eq!(
            routed("[1,2]", 2, WAYS),
            (vec![(0, 2, "[1,2]".to_owned())], 0)
        );
    }
}
