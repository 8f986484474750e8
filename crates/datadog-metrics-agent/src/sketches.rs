//! Sketches of distributions as protobuf, written as [`series`](crate::series) are.

use datadog_forwarder::Encoding;
use datadog_sketch::agent::Sketch;

use crate::columns::ColumnWriter;
use crate::context::Identity;
use crate::payload::{Finished, Item, Kind, Limits, TooLarge, Writer};
use crate::protobuf as field;
use crate::series::Form;

/// What ends a body: an empty field 2, which the intake expects of an agent.
const CLOSE: &[u8] = &[2 << 3 | 2, 0];

/// Writes the bodies of requests with sketches.
#[derive(Debug)]
pub(crate) struct SketchWriter {
    writer: Writer,
    /// Takes the sketches instead, where they travel in columns.
    columns: Option<ColumnWriter>,
    message: Vec<u8>,
    framed: Vec<u8>,
}

impl SketchWriter {
    pub(crate) fn new(limits: Limits, encoding: Encoding) -> Self {
        Self {
            writer: Writer::new(Kind::Sketches, limits, encoding, CLOSE),
            columns: None,
            message: Vec::new(),
            framed: Vec::new(),
        }
    }

    /// The same, in the form of an intake.
    pub(crate) fn of(form: Form, limits: Limits, encoding: Encoding) -> Self {
        let columns = || ColumnWriter::new(Kind::SketchColumns, limits, encoding);
        Self {
            columns: (form == Form::Columns).then(columns),
            ..Self::new(limits, encoding)
        }
    }

    /// Adds a distribution: its sketches by the start of their buckets, in seconds since 1970.
    pub(crate) fn push<'a>(
        &mut self,
        identity: Identity<'_>,
        buckets: impl Iterator<Item = (i64, &'a Sketch)>,
        done: &mut Vec<Finished>,
    ) -> Result<(), TooLarge> {
        if let Some(columns) = &mut self.columns {
            return columns.sketches(identity, buckets, done);
        }
        let out = &mut self.message;
        out.clear();
        field::text(out, 1, identity.name);
        field::text(out, 2, identity.host);
        for tag in identity.tags.iter() {
            field::text(out, 4, tag);
        }
        let mut points = 0;
        for (start, sketch) in buckets {
            field::head(out, 7, sketch.dogsketch_len(start));
            sketch.write_dogsketch(start, out);
            points += 1;
        }
        identity.source.write(out, 8);
        self.framed.clear();
        field::bytes(&mut self.framed, 1, &self.message);
        let item = Item {
            open: b"",
            join: b"",
            body: &self.framed,
            points,
        };
        self.writer.push(item, done)
    }

    pub(crate) fn finish(&mut self, done: &mut Vec<Finished>) {
        self.writer.finish(done);
        if let Some(columns) = &mut self.columns {
            columns.finish(done);
        }
    }

    pub(crate) fn take_lost(&mut self) -> u64 {
        let columns = self.columns.as_mut().map_or(0, ColumnWriter::take_lost);
        self.writer.take_lost() + columns
    }
}

#[cfg(test)]
mod tests {
    use datadog_wire::metrics::{
        CommonMetadata, Dogsketch, Metadata, Origin, Sketch as Message, SketchPayload,
    };
    use prost::Message as _;

    use super::*;
    use crate::context::Tags;
    use crate::series::Source;

    #[test]
    fn a_payload_has_the_bytes_of_the_agent() {
        let mut writer = SketchWriter::new(Limits::OTHERS, Encoding::Identity);
        let mut sketch = Sketch::default();
        sketch.insert(1.0).unwrap();
        sketch.insert(2.0).unwrap();
        let identity = Identity {
            name: "m.d",
            host: "h",
            tags: Tags("a:b"),
            source: Source::DOGSTATSD,
        };
        let mut done = Vec::new();
        writer
            .push(
                identity,
                std::iter::once((1_700_000_000, &sketch)),
                &mut done,
            )
            .unwrap();
        writer.finish(&mut done);
        let hex: String = done[0]
            .body
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "0a4d0a036d2e641201682203613a623a360880e2cfaa06100219000000000000f03f21000000000000004029000000000000f83f3100000000000008403a04f414ce154202010142060a04200a280a1200"
        );
    }

    #[test]
    fn generated_types_read_what_is_written() {
        let mut writer = SketchWriter::new(Limits::OTHERS, Encoding::Identity);
        let mut sketches = [Sketch::default(), Sketch::default()];
        sketches[0].insert(-1.0).unwrap();
        sketches[1].insert_many(&[0.0, 10.0, 10.0]);
        let buckets = || [10, 20].into_iter().zip(&sketches);
        let identity = Identity {
            name: "d",
            host: "",
            tags: Tags("a\nb:c"),
            source: Source::default(),
        };
        let mut done = Vec::new();
        writer.push(identity, buckets(), &mut done).unwrap();
        let source = Source {
            product: 1,
            category: 38,
            service: 473,
        };
        let other = Identity {
            source,
            tags: Tags(""),
            ..identity
        };
        writer.push(other, buckets().take(1), &mut done).unwrap();
        writer.finish(&mut done);
        let dogsketch =
            |ts, cnt, (min, max, avg, sum): (f64, f64, f64, f64), k: &[i32], n: &[u32]| Dogsketch {
                ts,
                cnt,
                min,
                max,
                avg,
                sum,
                k: k.to_vec(),
                n: n.to_vec(),
            };
        let first = dogsketch(10, 1, (-1.0, -1.0, -1.0, -1.0), &[-1338], &[1]);
        let second = dogsketch(20, 3, (0.0, 10.0, 20.0 / 3.0, 20.0), &[0, 1487], &[1, 2]);
        let origin = Origin {
            origin_product: 1,
            origin_category: 38,
            origin_service: 473,
        };
        let expect = SketchPayload {
            sketches: vec![
                Message {
                    metric: "d".to_owned(),
                    tags: vec!["a".to_owned(), "b:c".to_owned()],
                    dogsketches: vec![first.clone(), second],
                    ..Message::default()
                },
                Message {
                    metric: "d".to_owned(),
                    dogsketches: vec![first],
                    metadata: Some(Metadata {
                        origin: Some(origin),
                    }),
                    ..Message::default()
                },
            ],
            metadata: Some(CommonMetadata::default()),
        };
        let mut found = SketchPayload::decode(done[0].body.clone()).unwrap();
        // The mean is summed up as values come.
        let avg = &mut found.sketches[0].dogsketches[1].avg;
        assert!((*avg - 20.0 / 3.0).abs() < 1e-12, "{avg}");
        *avg = 20.0 / 3.0;
        assert_eq!(found, expect);
    }
}
