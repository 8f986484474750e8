//! Tests of whole datagrams: what clients send, what they should not, and what holds of all bytes.

use std::path::Path;

use proptest::prelude::*;

use super::*;

/// With what clients say about where they run.
const ALL: Options = Options {
    timestamps: true,
    client_origin: true,
};

#[track_caller]
fn one<'a>(line: &'a [u8], options: &Options) -> Result<Message<'a>, Error> {
    let mut messages = messages(line, options);
    let message = messages.next().unwrap();
    assert_eq!(messages.next(), None);
    message
}

#[track_caller]
fn metric(line: &str) -> Metric<'_> {
    match one(line.as_bytes(), &ALL) {
        Ok(Message::Metric(metric)) => metric,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn event(line: &str) -> Event<'_> {
    match one(line.as_bytes(), &ALL) {
        Ok(Message::Event(event)) => event,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(line: &str) -> ServiceCheck<'_> {
    match one(line.as_bytes(), &ALL) {
        Ok(Message::ServiceCheck(check)) => check,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(line: &str) -> (Kind, Reason, usize) {
    let error = one(line.as_bytes(), &ALL).unwrap_err();
    (error.kind, error.reason, error.position)
}

fn tags(tags: Tags<'_>) -> Vec<String> {
    tags.iter().map(|tag| tag.to_str().into_owned()).collect()
}

fn values(metric: &Metric<'_>) -> Vec<f64> {
    metric.sample.numbers().unwrap().iter().collect()
}

#[test]
fn a_count() {
    let metric = metric("a:1|c");
    assert_eq!(metric.name, "a");
    assert!(matches!(metric.sample, Sample::Count(_)));
    assert_eq!(values(&metric), [1.0]);
    assert_eq!((metric.rate, metric.timestamp), (1.0, None));
    assert_eq!(metric.tags, Tags::default());
    assert_eq!(metric.origin, Origin::default());
}

#[test]
fn packed_values_with_a_rate_and_tags() {
    let metric = metric("a:1:2:3.5|d|@0.5|#x:y,z");
    assert!(matches!(metric.sample, Sample::Distribution(_)));
    assert_eq!(values(&metric), [1.0, 2.0, 3.5]);
    assert_eq!(metric.rate, 0.5);
    assert_eq!(tags(metric.tags), ["x:y", "z"]);
}

#[test]
fn every_type_is_known() {
    assert!(matches!(metric("a:1|g").sample, Sample::Gauge(_)));
    assert!(matches!(metric("a:1|ms").sample, Sample::Timer(_)));
    assert!(matches!(metric("a:1|ms|#b").sample, Sample::Timer(_)));
    let histogram = metric("a:21::22:|h");
    assert!(matches!(histogram.sample, Sample::Histogram(_)));
    assert_eq!(values(&histogram), [21.0, 22.0]);
    assert_eq!(values(&metric("a:-3|g")), [-3.0]);
    assert_eq!(values(&metric("a:+3|g")), [3.0]);
}

#[test]
fn the_value_of_a_set_is_text_with_its_colons() {
    assert_eq!(metric("u:foo:bar|s").sample, Sample::Set(Text(b"foo:bar")));
    assert_eq!(metric("u:1|s|").sample.numbers(), None);
}

#[test]
fn a_timestamp_is_a_positive_number_of_seconds() {
    assert_eq!(metric("a:1|g|T1700000003").timestamp, Some(1_700_000_003));
    assert_eq!(metric("a:1|c|T1.5|#t").timestamp, Some(2));
    for line in ["a:1|g|T0", "a:1|g|Tx", "a:1|g|T-5", "a:1|g|T"] {
        assert_eq!(refused(line), (Kind::Metric, Reason::Timestamp, 6));
    }
}

#[test]
fn unknown_and_empty_fields_are_skipped() {
    let metric = metric("a:1|c|foo||#t|");
    assert_eq!(tags(metric.tags), ["t"]);
}

#[test]
fn of_fields_that_come_twice_the_last_one_counts() {
    let metric = metric("a:1|c|#a|@0.1|T1|card:low|c:x|#b|c:y|card:high|T2|@0.2");
    assert_eq!(tags(metric.tags), ["b"]);
    assert_eq!((metric.rate, metric.timestamp), (0.2, Some(2)));
    assert_eq!(metric.origin.cardinality, Some(Cardinality::High));
    assert_eq!(metric.origin.local.unwrap().container_id(), Some("y"));
}

#[test]
fn what_is_no_metric_is_refused_where_it_is_wrong() {
    for (line, reason, position) in [
        ("a|c", Reason::NoValue, 0),
        (":1|c", Reason::EmptyName, 0),
        ("a:|c", Reason::NoValue, 2),
        ("a:|s", Reason::NoValue, 2),
        ("a:1", Reason::NoFields, 0),
        ("a", Reason::NoFields, 0),
        ("a:1|x", Reason::Type, 4),
        ("a:1|", Reason::Type, 4),
        ("a:1|C", Reason::Type, 4),
        ("a:1|m", Reason::Type, 4),
        ("a:1|cc|#t", Reason::Type, 4),
        ("a::|c", Reason::Value, 2),
        ("abc:1:x|c", Reason::Value, 4),
        ("abc:1 |c", Reason::Value, 4),
        ("a:1|c|@x", Reason::Rate, 6),
        ("a:1|ms|#t|@", Reason::Rate, 10),
        ("|c", Reason::NoValue, 0),
        ("_e:1", Reason::NoFields, 0),
    ] {
        assert_eq!(refused(line), (Kind::Metric, reason, position), "{line}");
    }
}

#[test]
fn a_value_that_is_not_finite_is_left_out_and_counted() {
    let metric = metric("a:nan|g");
    assert_eq!(values(&metric), [0.0; 0]);
    assert_eq!(metric.sample.numbers().unwrap().not_finite(), 1);
}

#[test]
fn rates_are_read_and_not_judged() {
    for (line, rate) in [
        ("a:1|c|@0", 0.0),
        ("a:1|c|@-1", -1.0),
        ("a:1|c|@1e400", f64::INFINITY),
    ] {
        assert_eq!(metric(line).rate, rate);
    }
    assert!(metric("a:1|c|@nan").rate.is_nan());
}

#[test]
fn clients_say_where_they_run() {
    let line = "a:1|c|c:ci-abc,in-42|e:it-false,cn-web,pu-1|card:low";
    let origin = metric(line).origin;
    let local = origin.local.unwrap();
    assert_eq!(
        (local.container_id(), local.inode()),
        (Some("abc"), Some(42))
    );
    let external = origin.external.unwrap();
    assert_eq!(external.init_container(), Some(false));
    assert_eq!(external.container_name(), Some("web"));
    assert_eq!(external.pod_uid(), Some("1"));
    assert_eq!(origin.cardinality, Some(Cardinality::Low));
}

#[test]
fn what_is_not_looked_at_spoils_nothing() {
    let options = Options {
        timestamps: false,
        client_origin: false,
    };
    let line = b"a:1|c|Tx|c:ci-abc|e:cn-web|card:low|#t";
    let Ok(Message::Metric(metric)) = one(line, &options) else {
        panic!("a metric");
    };
    assert_eq!(metric.timestamp, None);
    assert_eq!(metric.origin, Origin::default());
    assert_eq!(tags(metric.tags), ["t"]);
    assert_eq!(
        Options::default(),
        Options {
            timestamps: true,
            client_origin: false
        }
    );
}

#[test]
fn a_bad_message_spoils_no_other() {
    let read: Vec<_> = messages(b"\xff:1|c\nb:2|c\n\n\r\nc:x|c\r\nd:3|c\r\n", &ALL).collect();
    assert_eq!(
        read[0],
        Err(Error {
            kind: Kind::Metric,
            reason: Reason::NameNotUtf8,
            position: 0
        })
    );
    assert!(matches!(read[1], Ok(Message::Metric(metric)) if metric.name == "b"));
    assert_eq!(
        read[2],
        Err(Error {
            kind: Kind::Metric,
            reason: Reason::Value,
            position: 17
        })
    );
    assert!(matches!(read[3], Ok(Message::Metric(metric)) if metric.name == "d"));
    assert_eq!(read.len(), 4);
}

#[test]
fn text_that_is_not_utf8_spoils_no_message() {
    let line = b"a:\xff\xfe|s|#t:\xff,u";
    let Ok(Message::Metric(metric)) = one(line, &ALL) else {
        panic!("a metric");
    };
    assert_eq!(metric.sample, Sample::Set(Text(b"\xff\xfe")));
    assert_eq!(tags(metric.tags), ["t:\u{fffd}", "u"]);
    assert_eq!(one("é:1|c".as_bytes(), &ALL).map(|_| ()), Ok(()));
}

#[test]
fn an_event_with_its_fields() {
    let event = event("_e{5,4}:title|text|t:error|p:low|#a");
    assert_eq!(
        (event.title, event.text),
        (Escaped(b"title"), Escaped(b"text"))
    );
    assert_eq!(event.alert_type, AlertType::Error);
    assert_eq!(event.priority, Priority::Low);
    assert_eq!(tags(event.tags), ["a"]);
    assert_eq!((event.timestamp, event.bad_fields), (None, 0));
}

#[test]
fn lengths_of_an_event_decide_over_bars_and_escapes() {
    let event = event("_e{6,12}:ti|tle|line1\\nline2|d:1700000000");
    assert_eq!(event.title.to_str(), "ti|tle");
    assert_eq!(event.text.to_str(), "line1\nline2");
    assert_eq!(event.timestamp, Some(1_700_000_000));
}

#[test]
fn an_event_has_defaults_and_its_text_may_be_empty() {
    let event = event("_e{1,0}:t|");
    assert_eq!((event.title, event.text), (Escaped(b"t"), Escaped(b"")));
    assert_eq!(event.priority, Priority::Normal);
    assert_eq!(event.alert_type, AlertType::Info);
    assert_eq!(event.hostname, None);
    assert_eq!(event.aggregation_key, None);
    assert_eq!(event.source_type_name, None);
}

#[test]
fn fields_of_an_event_without_meaning_are_skipped_and_counted() {
    let event = event("_e{1,1}:t|x|d:then|p:high|t:fatal|h:host|k:key|s:src|zz|d:0|c:ci-a");
    assert_eq!(event.bad_fields, 3);
    assert_eq!(event.timestamp, None);
    assert_eq!(event.hostname, Some(Text(b"host")));
    assert_eq!(event.aggregation_key, Some(Text(b"key")));
    assert_eq!(event.source_type_name, Some(Text(b"src")));
    assert_eq!(event.origin.local.unwrap().container_id(), Some("a"));
}

#[test]
fn what_is_no_event_is_refused() {
    for (line, reason, position) in [
        ("_e{0,4}:|text", Reason::EmptyTitle, 0),
        ("_e{5,40}:title|text", Reason::Truncated, 9),
        ("_e{5,4}:title|tex", Reason::Truncated, 8),
        ("_e{5,0}:title", Reason::Truncated, 8),
        ("_e{5,4}:titl", Reason::Truncated, 8),
        (
            "_e{18446744073709551615,18446744073709551615}:t|x",
            Reason::Truncated,
            46,
        ),
        ("_e{99999999999999999999,1}:t|x", Reason::Truncated, 27),
        ("_e{a,1}:x|y", Reason::Header, 0),
        ("_e{1,-1}:x|y", Reason::Header, 0),
        ("_e{1}:x|y", Reason::Header, 0),
        ("_e{1,}:x|y", Reason::Header, 0),
        ("_e{1,1:x|y", Reason::Header, 0),
        ("_e{1,1}", Reason::Header, 0),
        ("_e{", Reason::Header, 0),
    ] {
        assert_eq!(refused(line), (Kind::Event, reason, position), "{line}");
    }
}

#[test]
fn a_service_check_with_its_fields() {
    let check = check("_sc|chk|2|d:1700000000|h:h|#t:1|m:boom");
    assert_eq!(check.name, Text(b"chk"));
    assert_eq!(check.status, Status::Critical);
    assert_eq!(check.timestamp, Some(1_700_000_000));
    assert_eq!(check.hostname, Some(Text(b"h")));
    assert_eq!(tags(check.tags), ["t:1"]);
    assert_eq!(check.message, Some(Text(b"boom")));
    assert_eq!(check.bad_fields, 0);
}

#[test]
fn every_status_is_known() {
    for (line, status) in [
        ("_sc|a|0", Status::Ok),
        ("_sc|a|1", Status::Warning),
        ("_sc|a|2", Status::Critical),
        ("_sc|a|3", Status::Unknown),
    ] {
        assert_eq!(check(line).status, status);
        assert_eq!(line.as_bytes()[6] - b'0', status.number());
    }
}

#[test]
fn the_message_of_a_check_keeps_its_escapes_and_ends_at_a_bar() {
    let check = check("_sc|a|0|m:one\\ntwo m\\: three|four|d:x");
    assert_eq!(check.message, Some(Text(b"one\\ntwo m\\: three")));
    assert_eq!((check.timestamp, check.bad_fields), (None, 1));
}

#[test]
fn what_is_no_service_check_is_refused() {
    for (line, reason, position) in [
        ("_sc|chk|4", Reason::Status, 8),
        ("_sc|chk|00", Reason::Status, 8),
        ("_sc|chk|", Reason::Status, 8),
        ("_sc||0", Reason::EmptyName, 4),
        ("_sc|chk", Reason::NoFields, 0),
        ("_sc", Reason::Header, 0),
        ("_scx:1|c", Reason::Header, 0),
    ] {
        assert_eq!(
            refused(line),
            (Kind::ServiceCheck, reason, position),
            "{line}"
        );
    }
}

#[test]
fn what_the_python_client_sends() {
    let datagram = b"my.c:1|c|#a:b,dd.internal.entity_id:pod-uid,env:prod,service:svc,version:1.2\
        |e:it-false,cn-web,pu-1234|card:low\nmy.g:1.5|g|#env:prod|e:it-false,cn-web,pu-1234|card:low|T1700000000\n";
    let read: Vec<_> = messages(datagram, &ALL).map(Result::unwrap).collect();
    let [Message::Metric(count), Message::Metric(gauge)] = read[..] else {
        panic!("{read:?}");
    };
    assert_eq!((count.name, values(&count)), ("my.c", vec![1.0]));
    assert_eq!(
        tags(count.tags),
        [
            "a:b",
            "dd.internal.entity_id:pod-uid",
            "env:prod",
            "service:svc",
            "version:1.2"
        ]
    );
    assert_eq!(count.origin.external.unwrap().pod_uid(), Some("1234"));
    assert_eq!((gauge.name, values(&gauge)), ("my.g", vec![1.5]));
    assert_eq!(gauge.timestamp, Some(1_700_000_000));
    assert_eq!(gauge.origin.cardinality, Some(Cardinality::Low));
}

#[test]
fn what_the_node_client_sends() {
    let timer = metric("hs.t:5|ms|@0.5|#env:x");
    assert_eq!((timer.rate, values(&timer)), (0.5, vec![5.0]));
    let event = event("_e{1,4}:t|x\\ny|t:warning|#env:x");
    assert_eq!(event.text.to_str(), "x\ny");
    assert_eq!(event.alert_type, AlertType::Warning);
    let check = check("_sc|chk|1|#env:x|m:m");
    assert_eq!(
        (check.status, check.message),
        (Status::Warning, Some(Text(b"m")))
    );
    let names: Vec<_> = messages(b"b1:1|c\nb2:1|c", &ALL)
        .map(|message| match message {
            Ok(Message::Metric(metric)) => metric.name,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["b1", "b2"]);
}

#[test]
fn an_error_says_where_and_why() {
    let error = messages(b"a:1|c\nb:x|c", &ALL).nth(1).unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "a value is no number, at byte 8 of the datagram"
    );
}

#[test]
fn the_stored_inputs_of_the_fuzz_target_pass_its_check() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/dogstatsd");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::datagram(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 8, "the corpus is where it should be");
}

/// Pieces of messages, from which more of them come together than from bytes at random.
const PIECES: [&str; 40] = [
    "a",
    "metric.name",
    ":",
    "1",
    "-2.5",
    "1e3",
    "nan",
    "|",
    "|c",
    "|g",
    "|ms",
    "|h",
    "|s",
    "|d",
    "|@",
    "0.5",
    "|#",
    "env:x",
    ",",
    "|T",
    "1700000000",
    "|c:",
    "ci-abc",
    "in-42",
    "|e:",
    "it-true",
    "|card:",
    "low",
    "_e{",
    "1,1}",
    "_sc|",
    "0",
    "|m:",
    "|d:",
    "\\n",
    "\n",
    "\r",
    "é",
    " ",
    "_",
];

proptest! {
    #[test]
    fn all_bytes_are_read_or_refused(bytes: Vec<u8>) {
        checks::datagram(&bytes);
    }

    #[test]
    fn all_pieces_of_messages_are_read_or_refused(
        pieces in proptest::collection::vec(
            prop_oneof![
                20 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
                1 => any::<[u8; 2]>().prop_map(|bytes| bytes.to_vec()),
            ],
            0..40,
        ),
    ) {
        checks::datagram(&pieces.concat());
    }

    #[test]
    fn the_order_of_fields_does_not_matter(
        fields in Just(["@0.5", "#a:b,c", "T1700000000", "c:ci-x", "e:cn-y", "card:high", "zz"]).prop_shuffle(),
    ) {
        let line = format!("a:1:2|c|{}", fields.join("|"));
        let metric = metric(&line);
        prop_assert_eq!(values(&metric), [1.0, 2.0]);
        prop_assert_eq!((metric.rate, metric.timestamp), (0.5, Some(1_700_000_000)));
        prop_assert_eq!(tags(metric.tags), ["a:b", "c"]);
        prop_assert_eq!(metric.origin.local.unwrap().container_id(), Some("x"));
        prop_assert_eq!(metric.origin.external.unwrap().container_name(), Some("y"));
        prop_assert_eq!(metric.origin.cardinality, Some(Cardinality::High));
    }
}
