//! What each answer of an intake does to a payload.

use std::collections::BTreeMap;
use std::sync::Mutex;

use datadog_forwarder::endpoint::KeySource;

use crate::intake::{Received, Reply};
use crate::*;

/// Lets an intake that answers `replies` and then 202 have one payload; returns its requests and what was reported.
async fn delivered(replies: impl IntoIterator<Item = Reply>) -> (Vec<Received>, FlushReport) {
    let intake = Intake::start().await;
    intake.reply(replies);
    let running = Running::start(config([endpoint(&intake)]));
    let report = running.deliver("a,b,c,d").await;
    (intake.requests(), report)
}

fn dropped(reason: &'static str, items: u64) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([(reason, items)])
}

#[tokio::test]
async fn an_accepted_payload_is_sent_once_and_counted() {
    let intake = Intake::start().await;
    let running = Running::start(config([endpoint(&intake)]));
    let report = running.deliver("a,b,c,d").await;

    let [request] = intake.requests().try_into().unwrap();
    assert_eq!(request.head, "POST /api/v2/logs HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("content-encoding"), Some("zstd"));
    assert_eq!(request.header("user-agent"), Some("tests/1"));
    assert_eq!(request.header("dd-api-key"), Some("key"));
    assert_eq!(request.decoded(), b"a,b,c,d");

    let wire = u64::try_from(request.body.len()).unwrap();
    let books = FlushReport {
        payloads_sent: 1,
        items_sent: 4,
        bytes_raw: 7,
        bytes_wire: wire,
        ..FlushReport::default()
    };
    let name = endpoint(&intake).name;
    let expected = FlushReport {
        per_endpoint: BTreeMap::from([(name.clone(), books.clone())]),
        ..books
    };
    assert_eq!(report, expected);
    assert_eq!(running.handle.totals(), expected);

    let endpoint = [("endpoint", name.as_str())];
    assert_eq!(running.count(Metric::LogsSent, &endpoint), 4);
    assert_eq!(running.count(Metric::LogsBytesSentRaw, &endpoint), 7);
    assert_eq!(running.count(Metric::LogsBytesSentWire, &endpoint), wire);
    let accepted = [("endpoint", name.as_str()), ("status", "202")];
    assert_eq!(running.count(Metric::LogsHttpResponses, &accepted), 1);
}

#[tokio::test]
async fn a_server_error_is_tried_three_times() {
    let (requests, report) = delivered([Reply::Status(500), Reply::Status(500)]).await;
    assert_eq!(requests.len(), 3);
    assert_eq!((report.items_sent, report.retried), (4, 2));
    assert_eq!(requests[0].body, requests[2].body);
}

#[tokio::test]
async fn an_intake_that_stays_down_gets_three_attempts_a_flush_and_the_same_bytes_again() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Status(500));
    let running = Running::start(config([endpoint(&intake)]));
    let report = running.deliver("a,b,c,d").await;
    assert_eq!(intake.requests().len(), 3);
    assert_eq!((report.pending_payloads, report.pending_items), (1, 4));
    assert_eq!(
        report.pending_bytes,
        u64::try_from(intake.requests()[0].body.len()).unwrap()
    );
    assert_eq!(
        running.count(Metric::LogsRedriveBytes, &[]),
        report.pending_bytes
    );

    let report = running.flush().await;
    assert_eq!(intake.requests().len(), 6);
    assert_eq!((report.items_sent, report.pending_items), (0, 4));

    intake.reply_always(Reply::Status(202));
    let report = running.flush().await;
    let requests = intake.requests();
    assert_eq!(requests.len(), 7);
    assert_eq!(requests[6].body, requests[0].body);
    assert_eq!((report.items_sent, report.pending_payloads), (4, 0));
    assert_eq!(running.count(Metric::LogsRetries, &[]), 6);
    assert_eq!(running.count(Metric::LogsRedriveBytes, &[]), 0);
}

#[tokio::test]
async fn timeouts_and_rate_limits_are_tried_again() {
    for status in [408, 425, 429] {
        let (requests, report) = delivered([Reply::Status(status)]).await;
        assert_eq!(requests.len(), 2, "{status}");
        assert_eq!(report.items_sent, 4, "{status}");
    }
}

#[tokio::test]
async fn permanent_refusals_drop_the_payload_after_one_attempt() {
    for status in [400, 403, 404, 405, 422] {
        let (requests, report) = delivered([Reply::Status(status)]).await;
        assert_eq!(requests.len(), 1, "{status}");
        assert_eq!(report.dropped, dropped("client_4xx", 4), "{status}");
        assert_eq!(report.pending_items, 0, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_a_refusal_and_its_target_is_never_contacted() {
    let target = Intake::start().await;
    let (requests, report) = delivered([Reply::Header(302, "location", target.url())]).await;
    assert_eq!(requests.len(), 1);
    assert_eq!(report.dropped, dropped("client_4xx", 4));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn too_large_a_body_is_halved_until_it_passes_in_order() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Judge(|request| {
        if request.words().len() > 2 { 413 } else { 202 }
    }));
    for order in [Order::Kept, Order::Free] {
        let before = intake.requests().len();
        let running = Running::start(Config {
            order,
            concurrency: 1,
            ..config([endpoint(&intake)])
        });
        let report = running.deliver("a,b,c,d").await;
        assert_eq!(
            intake.words()[before..],
            [vec!["a", "b", "c", "d"], vec!["a", "b"], vec!["c", "d"]]
        );
        assert_eq!((report.payloads_sent, report.items_sent), (2, 4));
        assert_eq!(report.retried, 0);
    }
}

#[tokio::test]
async fn a_single_item_that_is_too_large_is_dropped() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Judge(|request| {
        if request.words().contains(&"big".to_owned()) {
            413
        } else {
            202
        }
    }));
    let running = Running::start(config([endpoint(&intake)]));
    let report = running.deliver("a,big,c,d").await;
    assert_eq!(report.items_sent, 3);
    assert_eq!(report.dropped, dropped("too_large", 1));
}

#[tokio::test]
async fn a_refused_encoding_is_left_out_at_once_and_from_then_on() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(415)]);
    let running = Running::start(config([endpoint(&intake)]));
    running.deliver("a,b,c,d").await;
    running.deliver("e").await;
    let requests = intake.requests();
    let encodings: Vec<_> = requests
        .iter()
        .map(|request| request.header("content-encoding"))
        .collect();
    assert_eq!(encodings, [Some("zstd"), None, None]);
    assert_eq!(requests[1].body, b"a,b,c,d");
    assert_eq!(running.handle.totals().items_sent, 5);
}

#[tokio::test]
async fn a_body_without_encoding_that_is_refused_as_such_is_dropped() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(415)]);
    let plain = Endpoint {
        encoding: Encoding::Identity,
        ..endpoint(&intake)
    };
    let report = Running::start(config([plain])).deliver("a,b").await;
    assert_eq!(intake.requests().len(), 1);
    assert_eq!(report.dropped, dropped("client_4xx", 2));
}

#[tokio::test]
async fn connections_that_break_before_the_end_of_an_answer_are_tried_again() {
    let (requests, report) = delivered([Reply::Close, Reply::BrokenOff]).await;
    assert_eq!(requests.len(), 3);
    assert_eq!(report.items_sent, 4);
}

#[tokio::test]
async fn an_attempt_without_answer_ends_after_the_request_timeout() {
    let intake = Intake::start().await;
    intake.reply([Reply::Hang]);
    let running = Running::start(Config {
        request_timeout: Duration::from_millis(50),
        ..config([endpoint(&intake)])
    });
    let report = running.deliver("a").await;
    intake.wait_for_hangups(1).await;
    assert_eq!((intake.requests().len(), report.items_sent), (2, 1));
}

#[tokio::test]
async fn answers_are_read_so_that_a_connection_serves_again_but_not_without_end() {
    let intake = Intake::start().await;
    intake.reply([Reply::Body(202, 64 << 10)]);
    let running = Running::start(config([endpoint(&intake)]));
    running.deliver("a").await;
    running.deliver("b").await;
    assert_eq!(intake.connections(), 1);

    intake.reply([Reply::Body(202, 64 << 20)]);
    let report = running.deliver("c").await;
    assert_eq!(report.items_sent, 1);
    running.deliver("d").await;
    assert_eq!(intake.connections(), 2);
}

/// A key that changes when it is refused, if there is another.
struct Rotating(Mutex<Vec<&'static str>>);

impl KeySource for Rotating {
    fn current(&self) -> String {
        let keys = self.0.lock().unwrap();
        keys.last().copied().unwrap_or_default().to_owned()
    }

    fn refresh(&self) -> bool {
        let mut keys = self.0.lock().unwrap();
        let changes = keys.len() > 1;
        if changes {
            keys.pop();
        }
        changes
    }
}

/// A key that another payload's refusal has had changed while the first request was under way.
struct Changed(Mutex<bool>);

impl KeySource for Changed {
    fn current(&self) -> String {
        let mut asked = self.0.lock().unwrap();
        let key = if *asked { "good" } else { "old" };
        *asked = true;
        key.to_owned()
    }

    fn refresh(&self) -> bool {
        false
    }
}

async fn keys_sent(keys: &[&'static str]) -> (Vec<Option<String>>, FlushReport) {
    keys_sent_by(Rotating(Mutex::new(keys.to_vec()))).await
}

async fn keys_sent_by(source: impl KeySource + 'static) -> (Vec<Option<String>>, FlushReport) {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Judge(|request| {
        if request.header("dd-api-key") == Some("good") {
            202
        } else {
            403
        }
    }));
    let running = Running::start(config([Endpoint {
        api_key: Some(ApiKey::from_source(Arc::new(source))),
        ..endpoint(&intake)
    }]));
    let report = running.deliver("a").await;
    let requests = intake.requests();
    let sent = requests
        .iter()
        .map(|it| it.header("dd-api-key").map(str::to_owned));
    (sent.collect(), report)
}

fn key(key: &str) -> Option<String> {
    Some(key.to_owned())
}

#[tokio::test]
async fn a_refused_key_that_has_changed_gets_one_more_try() {
    let (keys, report) = keys_sent(&["good", "old"]).await;
    assert_eq!(keys, [key("old"), key("good")]);
    assert_eq!(report.items_sent, 1);
}

#[tokio::test]
async fn a_key_that_changed_while_the_request_was_under_way_gets_one_more_try() {
    let (keys, report) = keys_sent_by(Changed(Mutex::new(false))).await;
    assert_eq!(keys, [key("old"), key("good")]);
    assert_eq!(report.items_sent, 1);
}

#[tokio::test]
async fn a_second_refusal_drops_the_payload_although_there_is_another_key() {
    let (keys, report) = keys_sent(&["good", "older", "oldest"]).await;
    assert_eq!(keys, [key("oldest"), key("older")]);
    assert_eq!(report.dropped, dropped("client_4xx", 1));
}

/// Lets an intake of traces, which refuses the key so often, have one payload; returns the keys that came.
async fn keys_of_traces(
    refusals: usize,
    keys: &[&'static str],
) -> (Vec<Option<String>>, FlushReport) {
    let intake = Intake::start().await;
    intake.reply(vec![Reply::Status(403); refusals]);
    let source = Rotating(Mutex::new(keys.to_vec()));
    let running = Running::start(Config {
        status: datadog_wire::status::TRACES,
        ..config([Endpoint {
            api_key: Some(ApiKey::from_source(Arc::new(source))),
            ..endpoint(&intake)
        }])
    });
    let report = running.deliver("a").await;
    let requests = intake.requests();
    let sent = requests
        .iter()
        .map(|it| it.header("dd-api-key").map(str::to_owned));
    (sent.collect(), report)
}

#[tokio::test]
async fn where_the_table_says_so_a_refused_key_is_tried_again_changed_or_not() {
    let (keys, report) = keys_of_traces(2, &["only"]).await;
    assert_eq!(keys, [key("only"), key("only"), key("only")]);
    assert_eq!((report.items_sent, report.retried), (1, 2));

    let (keys, report) = keys_of_traces(2, &["newer", "older"]).await;
    assert_eq!(keys, [key("older"), key("newer"), key("newer")]);
    assert_eq!(report.items_sent, 1);
}

#[tokio::test]
async fn a_key_that_stays_refused_waits_for_the_next_flush() {
    let (keys, report) = keys_of_traces(3, &["only"]).await;
    assert_eq!(keys.len(), 3);
    assert_eq!((report.pending_items, report.dropped.len()), (1, 0));
}

#[tokio::test]
async fn a_key_is_trimmed_of_blanks_and_control_characters() {
    let (keys, report) = keys_sent(&[" good\r\n\u{0}"]).await;
    assert_eq!(keys, [key("good")]);
    assert_eq!(report.items_sent, 1);
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_as_good_as_refused() {
    let (keys, report) = keys_sent(&["good", "ba\nd"]).await;
    assert_eq!(keys, [key("good")]);
    assert_eq!(report.items_sent, 1);

    let (keys, report) = keys_sent(&["ba\nd"]).await;
    assert_eq!(keys, []);
    assert_eq!(report.dropped, dropped("client_4xx", 1));
}

#[tokio::test]
async fn without_a_key_there_is_no_header_for_it() {
    for api_key in [None, Some(ApiKey::fixed(" "))] {
        let intake = Intake::start().await;
        let worker = Endpoint {
            api_key,
            encoding: Encoding::Identity,
            ..endpoint(&intake)
        };
        Running::start(config([worker])).deliver("a").await;
        let requests = intake.requests();
        assert_eq!(requests.len(), 1);
        for header in ["dd-api-key", "dd-protocol", "content-encoding"] {
            assert_eq!(requests[0].header(header), None, "{header}");
        }
    }
}

#[tokio::test]
async fn gzip_is_announced_and_can_be_read() {
    let intake = Intake::start().await;
    let gzip = Endpoint {
        encoding: Encoding::Gzip(6),
        ..endpoint(&intake)
    };
    Running::start(config([gzip])).deliver("a,b").await;
    let requests = intake.requests();
    assert_eq!(requests[0].header("content-encoding"), Some("gzip"));
    assert_eq!(requests[0].decoded(), b"a,b");
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let intake = Intake::start().await;
    let words: Vec<_> = (0..300_000).map(|word| word.to_string()).collect();
    let words = words.join(",");
    let running = Running::start(config([endpoint(&intake)]));
    let report = running.deliver(&words).await;
    assert_eq!(report.items_sent, 300_000);
    assert_eq!(intake.requests()[0].decoded(), words.as_bytes());
}
