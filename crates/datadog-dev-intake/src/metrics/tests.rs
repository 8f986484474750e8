//! Tests of what is taken, disliked and refused, on bodies made of the schema's own types.

use datadog_wire::metrics::{
    Dogsketch, Metadata, MetricPayload, MetricPoint, MetricSeries, MetricType, Origin,
    RESOURCE_HOST, Resource, Sketch, SketchPayload,
};
use prost::Message;

use super::*;

/// The time of the points.
const AT_S: i64 = 1_700_000_000;

fn problems_of(door: Door, media_type: &str, raw: &[u8]) -> (Decoded, Vec<String>) {
    let mut problems = Problems::default();
    let body = Body {
        raw,
        wire_bytes: crate::store::as_u64(raw.len()),
        media_type,
        now_ms: (AT_S + 10) * 1_000,
    };
    let decoded = decode(door, body, &mut problems);
    (decoded, problems.lines())
}

#[track_caller]
fn taken(door: Door, raw: &[u8], records: usize, problems: &[&str]) -> Metrics {
    let media_type = match door {
        Door::Sketches => "application/x-protobuf",
        Door::SeriesV2 if raw.first() != Some(&b'{') => "application/x-protobuf",
        _ => "application/json",
    };
    let (decoded, found) = problems_of(door, media_type, raw);
    assert_eq!(found, problems);
    assert_eq!((decoded.refusal, decoded.items), (None, Some(records)));
    match decoded.records {
        Some(Records::Metrics(metrics)) => metrics,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(door: Door, raw: &[u8], refusal: Refusal, problem: &str) {
    let media_type = match door {
        Door::Sketches | Door::SeriesV2 => "application/x-protobuf",
        _ => "application/json",
    };
    let (decoded, found) = problems_of(door, media_type, raw);
    assert_eq!(found.last().map(String::as_str), Some(problem));
    assert_eq!(decoded.refusal, Some(refusal));
    assert_eq!(decoded.records, None);
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A rate of 0.5 at [`AT_S`].
fn rate() -> MetricSeries {
    MetricSeries {
        resources: vec![Resource {
            r#type: RESOURCE_HOST.to_owned(),
            name: "h".to_owned(),
        }],
        metric: "m.c".to_owned(),
        tags: vec!["a:b".to_owned()],
        points: vec![MetricPoint {
            value: 0.5,
            timestamp: AT_S,
        }],
        r#type: MetricType::Rate.into(),
        interval: 10,
        metadata: Some(Metadata {
            origin: Some(Origin {
                origin_product: 10,
                origin_category: 10,
                origin_service: 0,
            }),
        }),
        ..MetricSeries::default()
    }
}

/// The values 1 and 2 at [`AT_S`].
fn one_and_two() -> Dogsketch {
    Dogsketch {
        ts: AT_S,
        cnt: 2,
        min: 1.0,
        max: 2.0,
        avg: 1.5,
        sum: 3.0,
        k: vec![1338, 1383],
        n: vec![1, 1],
    }
}

fn distribution(bucket: Dogsketch) -> Sketch {
    Sketch {
        metric: "m.d".to_owned(),
        host: "h".to_owned(),
        tags: vec!["a:b".to_owned()],
        dogsketches: vec![bucket],
        metadata: None,
    }
}

fn series_body(series: Vec<MetricSeries>) -> Vec<u8> {
    MetricPayload { series }.encode_to_vec()
}

fn sketch_body(sketches: Vec<Sketch>) -> Vec<u8> {
    SketchPayload {
        sketches,
        metadata: None,
    }
    .encode_to_vec()
}

#[track_caller]
fn series_dislikes(change: impl FnOnce(&mut MetricSeries), problems: &[&str]) {
    let mut series = rate();
    change(&mut series);
    taken(
        Door::SeriesV2,
        &series_body(vec![rate(), series]),
        2,
        problems,
    );
}

#[track_caller]
fn sketch_dislikes(change: impl FnOnce(&mut Dogsketch), problems: &[&str]) {
    let mut bucket = one_and_two();
    change(&mut bucket);
    let body = sketch_body(vec![distribution(bucket)]);
    taken(Door::Sketches, &body, 1, problems);
}

#[test]
fn the_known_bytes_of_series_are_read() {
    let body = bytes_of(
        "0a320a090a04686f737412016812036d2e631a03613a62220f09000000000000e03f1080e2cfaa062802400a4a060a04200a280a",
    );
    let metrics = taken(Door::SeriesV2, &body, 1, &[]);
    let Ok(Item::Series(series)) = Item::read(metrics.shape, within(&body, &metrics.places[0]))
    else {
        panic!("not a series");
    };
    assert_eq!(series.message, rate());
    assert_eq!(
        (series.host(), series.metric_type()),
        (Some("h"), Some(MetricType::Rate))
    );
}

#[test]
fn the_known_bytes_of_sketches_are_read() {
    let body = bytes_of(
        "0a4d0a036d2e641201682203613a623a360880e2cfaa06100219000000000000f03f21000000000000004029000000000000f83f3100000000000008403a04f414ce154202010142060a04200a280a1200",
    );
    let metrics = taken(Door::Sketches, &body, 1, &[]);
    let Ok(Item::Distribution(found)) =
        Item::read(metrics.shape, within(&body, &metrics.places[0]))
    else {
        panic!("not a distribution");
    };
    assert_eq!(found.message.dogsketches, [one_and_two()]);
    let sketch = found.sketches[0].as_ref().unwrap();
    assert_eq!(sketch.keys().collect::<Vec<_>>(), [1338, 1383]);
    assert_eq!(sketch.summary().count, 2);
}

#[test]
fn fields_may_come_in_any_order_and_payloads_may_follow_one_another() {
    let whole = rate().encode_to_vec();
    // The metadata, which is last, comes first.
    let (rest, metadata) = whole.split_at(whole.len() - 8);
    let turned = [&[0x0a, 50], metadata, rest].concat();
    let body = [turned, series_body(vec![rate()])].concat();
    let metrics = taken(Door::SeriesV2, &body, 2, &[]);
    for place in &metrics.places {
        let Ok(Item::Series(series)) = Item::read(metrics.shape, within(&body, place)) else {
            panic!("not a series");
        };
        assert_eq!(series.message, rate());
    }
}

#[test]
fn names_and_points_are_counted() {
    let mut other = rate();
    other.metric = "other".to_owned();
    other.points = vec![other.points[0]; 3];
    let body = series_body(vec![rate(), other, rate()]);
    let (decoded, _) = problems_of(Door::SeriesV2, "application/x-protobuf", &body);
    let mut named = decoded.facets.named.0;
    named.sort();
    assert_eq!(named, [("m.c".to_owned(), 2), ("other".to_owned(), 1)]);
    assert_eq!(decoded.facets.points, 5);
}

#[test]
fn what_the_intake_dislikes_of_a_series_is_said() {
    series_dislikes(|_| (), &[]);
    series_dislikes(|series| series.metric.clear(), &["series 1: no name"]);
    series_dislikes(|series| series.metric = "a".repeat(200), &[]);
    series_dislikes(
        |series| series.metric = "a".repeat(201),
        &["series 1: name over 200 characters"],
    );
    for odd in ["1a", "a b", "é", "a-b"] {
        series_dislikes(
            |series| series.metric = odd.to_owned(),
            &["series 1: name has characters that the intake replaces"],
        );
    }
    for number in [0, 4, -1] {
        series_dislikes(
            |series| series.r#type = number,
            &["series 1: type is none of count, rate and gauge"],
        );
    }
    series_dislikes(
        |series| series.interval = 0,
        &["series 1: rate without an interval"],
    );
    series_dislikes(
        |series| series.interval = -1,
        &["series 1: negative interval"],
    );
    series_dislikes(|series| series.points.clear(), &["series 1: no points"]);
    for value in [f64::NAN, f64::INFINITY] {
        series_dislikes(
            |series| series.points[0].value = value,
            &["series 1: a value is not finite"],
        );
    }
    series_dislikes(
        |series| series.resources.clear(),
        &["series 1: the first resource is not the host"],
    );
    series_dislikes(|series| series.resources[0].name.clear(), &[]);
    series_dislikes(|series| series.resources[0].name = "h".repeat(255), &[]);
    series_dislikes(
        |series| series.resources[0].name = "h".repeat(256),
        &["series 1: host over 255 bytes"],
    );
}

#[test]
fn points_may_be_an_hour_old_and_ten_minutes_ahead() {
    let at = |timestamp| move |series: &mut MetricSeries| series.points[0].timestamp = timestamp;
    let now = AT_S + 10;
    series_dislikes(at(now - 3_600), &[]);
    series_dislikes(at(now - 3_601), &["series 1: over 1 hour old"]);
    series_dislikes(at(now + 600), &[]);
    series_dislikes(at(now + 601), &["series 1: over 10 minutes ahead"]);
    series_dislikes(at(0), &["series 1: no timestamp"]);
    series_dislikes(at(i64::MIN), &["series 1: no timestamp"]);
    series_dislikes(at(i64::MAX), &["series 1: over 10 minutes ahead"]);
}

#[test]
fn what_the_intake_dislikes_of_tags_is_said() {
    let tags = |tags: Vec<String>| move |series: &mut MetricSeries| series.tags = tags;
    let many = |count: usize| (0..count).map(|tag| format!("t:{tag}")).collect();
    series_dislikes(tags(many(100)), &[]);
    series_dislikes(tags(many(101)), &["series 1: more than 100 tags"]);
    series_dislikes(tags(vec![String::new()]), &["series 1: empty tag"]);
    series_dislikes(tags(vec!["é".repeat(200)]), &[]);
    series_dislikes(
        tags(vec!["é".repeat(201)]),
        &["series 1: tag over 200 characters"],
    );
    series_dislikes(
        tags(vec!["a".to_owned(), "b".to_owned(), "a".to_owned()]),
        &["series 1: a tag twice"],
    );
}

#[test]
fn what_the_intake_dislikes_of_a_sketch_is_said() {
    sketch_dislikes(|_| (), &[]);
    sketch_dislikes(
        |bucket| bucket.k.reverse(),
        &["sketch 0: no valid sketch: bucket 0: the keys of the sketch do not ascend"],
    );
    sketch_dislikes(
        |bucket| bucket.n.truncate(1),
        &["sketch 0: no valid sketch: bucket 0: the sketch has 2 keys but 1 counts"],
    );
    sketch_dislikes(
        |bucket| bucket.cnt = 3,
        &["sketch 0: no valid sketch: bucket 0: the sketch has a count of 3, but 2 in its bins"],
    );
    sketch_dislikes(
        |bucket| bucket.max = f64::INFINITY,
        &["sketch 0: no valid sketch: bucket 0: a statistic of the sketch is not finite"],
    );
    sketch_dislikes(
        |bucket| bucket.min = 3.0,
        &["sketch 0: minimum above the maximum: bucket 0"],
    );
    sketch_dislikes(|bucket| bucket.ts = 0, &["sketch 0: no timestamp"]);
    sketch_dislikes(
        |bucket| {
            *bucket = Dogsketch {
                ts: AT_S,
                ..Dogsketch::default()
            }
        },
        &["sketch 0: sketch of no values: bucket 0"],
    );
    let mut empty = distribution(one_and_two());
    empty.dogsketches.clear();
    let body = sketch_body(vec![empty]);
    taken(
        Door::Sketches,
        &body,
        1,
        &["sketch 0: no sketch of any time"],
    );
}

#[test]
fn a_key_may_stand_twice_only_beside_a_full_bin() {
    let twice = |first: u32, second: u32| {
        move |bucket: &mut Dogsketch| {
            bucket.k = vec![1338, 1338];
            bucket.n = vec![first, second];
            bucket.cnt = i64::from(first) + i64::from(second);
        }
    };
    sketch_dislikes(twice(4_465, 65_535), &[]);
    sketch_dislikes(
        twice(1, 1),
        &["sketch 0: a key twice though neither bin is full: bucket 0: key 1338"],
    );
}

#[test]
fn ten_thousand_points_are_the_most() {
    let of = |points: usize| {
        let mut series = rate();
        series.points = vec![series.points[0]; points];
        series_body(vec![rate(), series])
    };
    taken(Door::SeriesV2, &of(9_999), 2, &[]);
    refused(
        Door::SeriesV2,
        &of(10_000),
        Refusal::TooLarge,
        "more than 10000 points",
    );
}

#[test]
fn bytes_as_sent_and_decompressed_are_limited() {
    let check = |door, wire_bytes, raw_len, problem: Option<&str>| {
        let mut problems = Problems::default();
        let body = Body {
            raw: &vec![b' '; raw_len],
            wire_bytes,
            media_type: "application/json",
            now_ms: 0,
        };
        let decoded = decode(door, body, &mut problems);
        let is_too_large = decoded.refusal == Some(Refusal::TooLarge);
        let found = is_too_large.then(|| problems.lines().join(", "));
        assert_eq!(found.as_deref(), problem);
    };
    check(Door::SeriesV2, 512_000, 5_242_880, None);
    check(
        Door::SeriesV2,
        512_001,
        0,
        Some("body over 512000 bytes as sent"),
    );
    check(
        Door::SeriesV2,
        0,
        5_242_881,
        Some("body over 5242880 bytes decompressed"),
    );
    check(
        Door::SeriesV1,
        3_200_001,
        0,
        Some("body over 3200000 bytes as sent"),
    );
    for door in [
        Door::Sketches,
        Door::AgentEvents,
        Door::Checks,
        Door::Columnar(Signal::Sketches),
    ] {
        check(door, 2_621_440, 4_194_304, None);
        check(door, 2_621_441, 0, Some("body over 2621440 bytes as sent"));
        check(
            door,
            0,
            4_194_305,
            Some("body over 4194304 bytes decompressed"),
        );
    }
}

#[test]
fn records_without_end_are_refused() {
    let of = |count| [0x0a, 0].repeat(count);
    let (decoded, _) = problems_of(Door::SeriesV2, "application/x-protobuf", &of(MAX_RECORDS));
    assert_eq!((decoded.refusal, decoded.items), (None, Some(MAX_RECORDS)));
    refused(
        Door::SeriesV2,
        &of(MAX_RECORDS + 1),
        Refusal::TooLarge,
        "more than 100000 records",
    );
    let checks = format!("[{}{{}}]", "{},".repeat(MAX_RECORDS));
    refused(
        Door::Checks,
        checks.as_bytes(),
        Refusal::TooLarge,
        "more than 100000 records",
    );
}

#[test]
fn a_broken_body_says_what_is_broken_and_where() {
    let malformed = |door, raw: &[u8], problem: &str| {
        refused(
            door,
            raw,
            Refusal::Malformed,
            &format!("body not decodable: {problem}"),
        );
    };
    let mut body = series_body(vec![rate(), rate()]);
    body.pop();
    malformed(
        Door::SeriesV2,
        &body,
        "byte 52: the message ends inside of a field",
    );
    // A tag, at byte 71 of the second series, that is no text.
    let mut body = series_body(vec![rate(), rate()]);
    let tag = body.iter().rposition(|byte| *byte == b'a').unwrap();
    body[tag] = 0xff;
    malformed(
        Door::SeriesV2,
        &body,
        "series 1 at byte 54: failed to decode Protobuf message: MetricSeries.tags: invalid string value: data is not UTF-8 encoded",
    );
    malformed(
        Door::Sketches,
        b"\x0a\x02\x38\x01",
        "sketch 0 at byte 2: failed to decode Protobuf message: Sketch.dogsketches: invalid wire type: Varint (expected LengthDelimited)",
    );
    malformed(
        Door::SeriesV1,
        br#"{"series":[{"metric":"a","points":[[1,2]]},{"metric":"b","points":[[1,"x"]]}]}"#,
        "series 1 at byte 43: invalid type: string \"x\", expected f64 at line 1 column 30",
    );
    malformed(
        Door::SeriesV1,
        br#"{"serie":[]}"#,
        "no \"series\" in the body",
    );
    malformed(
        Door::AgentEvents,
        br#"{"events":{"api":[1]}}"#,
        "event 0 at byte 18: invalid type: integer `1`, expected a map at line 1 column 1",
    );
    malformed(
        Door::AgentEvents,
        br#"{"events":{"api":{}}}"#,
        "invalid type: map, expected an array at line 1 column 19",
    );
    malformed(
        Door::Checks,
        br#"[{"check":"a"},]"#,
        "trailing comma at line 1 column 16",
    );
    malformed(Door::Event, b"[]", "not a JSON object");
}

#[test]
fn a_body_cut_anywhere_does_no_harm() {
    let bodies = [
        (Door::SeriesV2, series_body(vec![rate(), rate()])),
        (
            Door::Sketches,
            sketch_body(vec![distribution(one_and_two())]),
        ),
    ];
    for (door, body) in bodies {
        for end in 0..body.len() {
            let (decoded, _) = problems_of(door, "application/x-protobuf", &body[..end]);
            let is_at_a_seam = end == 0 || end == 52 && door == Door::SeriesV2;
            assert_eq!(decoded.refusal.is_none(), is_at_a_seam, "{door:?} {end}");
        }
    }
    let body = br#"{"apiKey":"","events":{"api":[{"msg_title":"t"}]},"internalHostname":"h"}"#;
    for end in 0..body.len() {
        let (decoded, _) = problems_of(Door::AgentEvents, "application/json", &body[..end]);
        assert_eq!(decoded.refusal, Some(Refusal::Malformed), "{end}");
    }
}

#[test]
fn nesting_without_end_does_no_harm() {
    let deep = "[".repeat(1_000_000);
    for door in [Door::SeriesV1, Door::AgentEvents, Door::Event, Door::Checks] {
        for body in [
            deep.clone(),
            format!(r#"{{"series":{deep}"#),
            format!(r#"{{"events":{deep}"#),
        ] {
            let (decoded, _) = problems_of(door, "application/json", body.as_bytes());
            assert_eq!(decoded.refusal, Some(Refusal::Malformed));
        }
    }
}

#[test]
fn both_forms_of_json_are_the_series_of_the_schema() {
    #[track_caller]
    fn check(door: Door, body: &str, expected: &MetricSeries) {
        let metrics = taken(door, body.as_bytes(), 1, &[]);
        let place = within(body.as_bytes(), &metrics.places[0]);
        let Ok(Item::Series(series)) = Item::read(metrics.shape, place) else {
            panic!("not a series");
        };
        assert_eq!(series.message, *expected);
    }
    check(
        Door::SeriesV2,
        r#"{"series":[{"metric":"m.c","points":[{"timestamp":1700000000,"value":0.5}],"resources":[{"name":"h","type":"host"}],"type":2,"interval":10,"tags":["a:b"],"metadata":{"origin":{"origin_product":10,"origin_sub_product":10,"origin_product_detail":0}}}]}"#,
        &rate(),
    );
    let without_origin = MetricSeries {
        metadata: None,
        ..rate()
    };
    check(
        Door::SeriesV1,
        r#"{"series":[{"metric":"m.c","points":[[1700000000.9,0.5]],"host":"h","device":"","type":"rate","interval":10,"tags":["a:b"]}]}"#,
        &without_origin,
    );
    check(
        Door::SeriesV1,
        r#"{"series":[{"metric":"m","points":[[1700000000,1]],"tags":null}]}"#,
        &MetricSeries {
            metric: "m".to_owned(),
            points: vec![MetricPoint {
                value: 1.0,
                timestamp: AT_S,
            }],
            r#type: MetricType::Gauge.into(),
            ..MetricSeries::default()
        },
    );
    taken(
        Door::SeriesV1,
        br#"{"series":[{"metric":"m","points":[[1700000000,1]],"type":"set"}]}"#,
        1,
        &["series 0: type is none of count, rate and gauge"],
    );
}

#[test]
fn a_content_type_that_says_nothing_is_noted_and_guessed() {
    let json = br#"{"series":[]}"#;
    let media = "Content-Type is neither application/x-protobuf nor application/json";
    let (decoded, problems) = problems_of(Door::SeriesV2, "", json);
    assert_eq!(
        (decoded.refusal, problems),
        (
            None,
            vec![media.to_owned(), "nothing in the body".to_owned()]
        )
    );
    let (decoded, problems) = problems_of(Door::SeriesV2, "text/plain", &series_body(vec![rate()]));
    assert_eq!((decoded.items, problems), (Some(1), vec![media.to_owned()]));
    let (_, problems) = problems_of(Door::SeriesV1, "text/json", json);
    assert_eq!(problems, ["nothing in the body"]);
    let (_, problems) = problems_of(Door::Checks, "text/plain", b"[]");
    assert_eq!(
        problems,
        [
            "Content-Type is not application/json",
            "nothing in the body"
        ]
    );
    // The first byte of this protobuf is a line end, the second a brace.
    let mut series = rate();
    series.source_type_name = "x".repeat(71);
    let body = series_body(vec![series]);
    assert_eq!(&body[..2], b"\n{");
    let (decoded, _) = problems_of(Door::SeriesV2, "", &body);
    assert_eq!((decoded.refusal, decoded.items), (None, Some(1)));
}

#[test]
fn events_keep_the_source_that_they_stand_under() {
    let body = br#"{"apiKey":"","events":{"api":[{"msg_title":"a","timestamp":1},{"msg_title":"b"}],"none":[],"nagios":[{"msg_title":"c","source_type_name":"nagios","alert_type":"error","priority":"low","tags":["x"]}]},"internalHostname":"h"}"#;
    let metrics = taken(Door::AgentEvents, body, 3, &[]);
    let sources: Vec<_> = (0..4).map(|index| metrics.source(index)).collect();
    assert_eq!(sources, [Some("api"), Some("api"), Some("nagios"), None]);
}

#[test]
fn what_the_intake_dislikes_of_an_event_is_said() {
    #[track_caller]
    fn check(event: &str, problems: &[&str]) {
        let body = format!(r#"{{"events":{{"api":[{event}]}}}}"#);
        taken(Door::AgentEvents, body.as_bytes(), 1, problems);
    }
    check(r#"{"msg_title":"t","tags":null,"host":""}"#, &[]);
    check(r#"{"msg_text":"x"}"#, &["event 0: no name"]);
    check(
        r#"{"msg_title":"t","alert_type":"fatal"}"#,
        &["event 0: unknown alert_type"],
    );
    check(
        r#"{"msg_title":"t","priority":1}"#,
        &["event 0: priority is neither normal nor low"],
    );
    check(
        r#"{"msg_title":"t","timestamp":1.5}"#,
        &["event 0: timestamp is not a whole number of seconds"],
    );
    check(
        r#"{"msg_title":"t","tags":"a,b"}"#,
        &["event 0: tags is not an array of strings"],
    );
    check(
        r#"{"msg_title":"t","tags":["a",1]}"#,
        &["event 0: tags is not an array of strings"],
    );
    check(
        r#"{"msg_title":"t","host":7}"#,
        &["event 0: host is not a string"],
    );
    check(
        r#"{"msg_title":"t","source_type_name":"x"}"#,
        &["event 0: source_type_name is not the source that it stands under"],
    );
    taken(
        Door::AgentEvents,
        br#"{"events":{"api":[{"msg_title":"t"}],"api":[]}}"#,
        1,
        &["a source twice"],
    );
    taken(Door::AgentEvents, b"{}", 0, &["nothing in the body"]);
    taken(
        Door::Event,
        br#"{"title":"t","text":"x","date_happened":1,"alert_type":"snapshot","source_type_name":"x"}"#,
        1,
        &[],
    );
}

#[test]
fn what_the_intake_dislikes_of_a_check_is_said() {
    #[track_caller]
    fn check(body: &str, problems: &[&str]) {
        taken(Door::Checks, body.as_bytes(), 1, problems);
    }
    check(
        r#"[{"check":"c","status":3,"host_name":"h","message":"","tags":null,"timestamp":1}]"#,
        &[],
    );
    check(r#" {"check":"c","status":0}"#, &[]);
    check(r#"[{"status":0}]"#, &["check 0: no name"]);
    for status in ["4", "-1", "\"0\"", "null", "0.5"] {
        let body = format!(r#"[{{"check":"c","status":{status}}}]"#);
        check(&body, &["check 0: status is none of 0 to 3"]);
    }
    check(r#"[{"check":"c"}]"#, &["check 0: status is none of 0 to 3"]);
    check(
        r#"[{"check":"c","status":0,"message":1}]"#,
        &["check 0: message is not a string"],
    );
}

#[test]
fn columns_are_looked_at_as_the_series_that_they_stand_for() {
    // A gauge without a point, host and name.
    let body = b"\x1a\x0b\x52\x01\x03\x5a\x01\x00\x72\x01\x00\x7a\x01\x00";
    let mut body = body.to_vec();
    body[1] = 12;
    let door = Door::Columnar(Signal::Series);
    let (decoded, problems) = problems_of(door, "application/x-protobuf", &body);
    assert_eq!((decoded.refusal, decoded.items), (None, Some(1)));
    let Some(Records::Metrics(metrics)) = decoded.records else {
        panic!("no metrics");
    };
    assert_eq!(metrics.shape, Shape::SeriesProtobuf);
    assert_eq!(
        problems,
        [
            "series 0: no name",
            "series 0: the first resource is not the host",
            "series 0: no points"
        ]
    );
    let (decoded, problems) = problems_of(door, "application/x-protobuf", b"\x1a\x03\x52\x01\x03");
    assert_eq!(decoded.refusal, Some(Refusal::Malformed));
    assert_eq!(
        problems,
        ["body not decodable: metric 0: column 14 ends early"]
    );
}

#[test]
fn every_path_has_its_door() {
    for (path, door) in [
        ("/api/v2/series", Some(Door::SeriesV2)),
        ("/api/v1/series", Some(Door::SeriesV1)),
        ("/api/beta/sketches", Some(Door::Sketches)),
        ("/intake/", Some(Door::AgentEvents)),
        ("/intake", None),
        ("/api/v1/events", Some(Door::Event)),
        ("/api/v1/check_run", Some(Door::Checks)),
        (
            "/api/intake/metrics/v3/series",
            Some(Door::Columnar(Signal::Series)),
        ),
        (
            "/api/intake/metrics/v3beta/sketches",
            Some(Door::Columnar(Signal::Sketches)),
        ),
        ("/api/intake/metrics/v31/sketches", None),
        ("/api/v2/series/", None),
    ] {
        assert_eq!(Door::of(path), door, "{path}");
    }
}
