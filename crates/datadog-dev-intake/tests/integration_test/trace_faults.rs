//! Faults of the intakes of traces and trace stats: each kind does to a client what it says.

use std::time::Duration;

use datadog_dev_intake::Intake;
use prost::Message;
use tokio::time::timeout;

use crate::client::try_send;
use crate::traces::{
    MSGPACK, PROTOBUF, STATS, TRACES, chunk, group, gzip, one, payload, post_stats, post_traces,
    span, start, stats,
};

fn fault_of_last(intake: &Intake) -> (Option<String>, Option<u16>) {
    let last = intake.raw_requests().pop().unwrap();
    (last.fault, last.status)
}

#[tokio::test]
async fn a_status_is_answered_once_and_nothing_is_taken() {
    let intake = Intake::start().await;
    intake.on(TRACES).reply_once(503).retry_after(2);
    intake.on(STATS).reply_once(429).retry_after(1);

    let refused = post_traces(&intake, one("first")).await;
    assert_eq!(
        (refused.status, &refused.headers["retry-after"]),
        (503, &"2".parse().unwrap())
    );
    assert_eq!(
        fault_of_last(&intake),
        (Some("status 503".to_owned()), Some(503))
    );
    assert_eq!(intake.raw_requests()[0].items, Some(1));
    assert_eq!(post_traces(&intake, one("second")).await.status, 202);
    let raw = stats(start(), vec![group("web", "r", 1)]);
    let refused = post_stats(&intake, &raw).await;
    assert_eq!(
        (refused.status, &refused.headers["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    assert_eq!(post_stats(&intake, &raw).await.status, 202);

    let resources: Vec<_> = intake
        .traces()
        .into_iter()
        .map(|trace| trace.resource)
        .collect();
    assert_eq!(resources, ["second"]);
    assert_eq!(intake.stats().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_late_and_still_accepts() {
    let intake = Intake::start().await;
    intake.on(TRACES).delay(Duration::from_millis(500));
    intake.on(STATS).delay(Duration::from_millis(500));

    assert_eq!(post_traces(&intake, one("r")).await.status, 202);
    assert_eq!(fault_of_last(&intake).0.as_deref(), Some("delay"));
    assert_eq!(
        post_stats(&intake, &stats(start(), vec![group("web", "r", 1)]))
            .await
            .status,
        202
    );
    assert_eq!(fault_of_last(&intake).0.as_deref(), Some("delay"));
    assert_eq!((intake.traces().len(), intake.stats().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hang_never_answers() {
    let intake = Intake::start().await;
    intake.on("/api/v0.2/*").hang();
    let raw = gzip(&stats(start(), vec![group("web", "r", 1)]));
    let traces = try_send(&intake, "POST", TRACES, &PROTOBUF, one("r"));
    timeout(Duration::from_secs(60), traces).await.unwrap_err();
    let stats = try_send(&intake, "POST", STATS, &MSGPACK, raw);
    timeout(Duration::from_secs(60), stats).await.unwrap_err();
    assert_eq!(fault_of_last(&intake), (Some("hang".to_owned()), None));
    assert_eq!((intake.traces().len(), intake.stats().len()), (0, 0));
    assert_eq!(intake.requests(TRACES) + intake.requests(STATS), 2);
}

#[tokio::test]
async fn a_connection_is_closed_instead_of_the_answer_or_within_it() {
    let intake = Intake::start().await;
    let raw = gzip(&stats(start(), vec![group("web", "r", 1)]));
    for bytes in [0, 20] {
        intake.set_faults(Vec::new());
        intake.on("/api/v0.2/*").close_after(bytes);
        try_send(&intake, "POST", TRACES, &PROTOBUF, one("r"))
            .await
            .unwrap_err();
        try_send(&intake, "POST", STATS, &MSGPACK, raw.clone())
            .await
            .unwrap_err();
        assert_eq!(fault_of_last(&intake).0.as_deref(), Some("close"));
    }
    assert_eq!((intake.traces().len(), intake.stats().len()), (0, 0));
}

#[tokio::test]
async fn a_connection_is_closed_while_the_body_is_read() {
    let intake = Intake::start().await;
    intake.on("/api/v0.2/*").close_after_reading(1);
    let raw = gzip(&stats(start(), vec![group("web", "r", 1)]));
    try_send(&intake, "POST", TRACES, &PROTOBUF, one("r"))
        .await
        .unwrap_err();
    try_send(&intake, "POST", STATS, &MSGPACK, raw)
        .await
        .unwrap_err();
    assert_eq!(
        fault_of_last(&intake),
        (Some("close_read".to_owned()), None)
    );
    assert_eq!((intake.traces().len(), intake.stats().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn slow_reading_is_late_and_still_accepts() {
    let intake = Intake::start().await;
    intake.on("/api/v0.2/*").slow_read(1);
    assert_eq!(post_traces(&intake, one("r")).await.status, 202);
    assert_eq!(
        post_stats(&intake, &stats(start(), vec![group("web", "r", 1)]))
            .await
            .status,
        202
    );
    assert_eq!(fault_of_last(&intake).0.as_deref(), Some("slow_read"));
    assert_eq!((intake.traces().len(), intake.stats().len()), (1, 1));
}

#[tokio::test]
async fn faults_may_look_at_chunks_groups_and_keys() {
    let intake = Intake::start().await;
    intake.on("/api/v0.2/*").min_items(2).reply(413);
    intake.on(TRACES).api_key_suffix("cdef").reply(403);

    let two = payload(vec![
        chunk(vec![span(1, 2, "a")]),
        chunk(vec![span(2, 2, "b")]),
    ]);
    assert_eq!(post_traces(&intake, two.encode_to_vec()).await.status, 413);
    assert_eq!(post_traces(&intake, one("r")).await.status, 403);
    let groups = vec![group("web", "a", 1), group("web", "b", 1)];
    assert_eq!(
        post_stats(&intake, &stats(start(), groups)).await.status,
        413
    );
    assert_eq!(
        post_stats(&intake, &stats(start(), vec![group("web", "a", 1)]))
            .await
            .status,
        202
    );
}
