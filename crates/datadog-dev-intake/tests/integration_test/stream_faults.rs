//! Faults of stateful streams: each kind does to a client what it says.

use std::time::Duration;

use datadog_dev_intake::{Ack, GrpcStatus, Intake};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::{get, post_logs};
use crate::grpc::{
    Connection, KEY, METHOD_A, METHOD_C, Status, a, batch, datums_a, ended, framed, hex, open,
    pattern_a, raw_a, stream, structured_a, three_logs_a,
};

fn one(text: &str) -> Vec<u8> {
    datums_a(vec![raw_a(text)])
}

fn status(status: GrpcStatus, message: &str) -> Status {
    (Some(status.code().into()), message.to_owned())
}

#[tokio::test]
async fn a_status_ends_as_many_streams_as_it_was_told_to() {
    let intake = Intake::start().await;
    intake
        .on(METHOD_A)
        .grpc_status(GrpcStatus::Unavailable)
        .grpc_message("come back later")
        .times(1);
    let mut connection = Connection::to(&intake).await;

    let mut refused = connection.open(METHOD_A, &[KEY]).await;
    let mut taken = connection.open(METHOD_A, &[KEY]).await;

    assert_eq!(
        refused.end().await,
        status(GrpcStatus::Unavailable, "come back later")
    );
    taken.deliver(1, one("x")).await;
    let first = stream(&intake, 1);
    assert_eq!(first.fault.as_deref(), Some("grpc UNAVAILABLE"));
    assert_eq!(
        first.ended.unwrap().grpc_status,
        Some(GrpcStatus::Unavailable)
    );
}

#[tokio::test]
async fn a_rule_for_streams_passes_over_other_requests() {
    let intake = Intake::start().await;
    intake.on("*").grpc_status(GrpcStatus::Internal).times(1);
    intake.on("*").min_items(1).reply(429);

    assert_eq!(post_logs(&intake, r#"[{"message":"x"}]"#).await.status, 429);
    assert_eq!(open(&intake, METHOD_C).await.end().await.0, Some(13));
    // A rule that looks at a body passes over streams.
    open(&intake, METHOD_A).await.deliver(1, one("x")).await;
}

#[tokio::test]
async fn a_status_of_http_is_answered_as_by_something_in_front() {
    let intake = Intake::start().await;
    intake.on("*").reply(503).retry_after(7);

    let mut call = open(&intake, METHOD_A).await;

    assert_eq!(call.status, 503);
    assert_eq!(call.headers["retry-after"], "7");
    assert!(!call.headers.contains_key("grpc-status"));
    call.answer().await;
    let end = stream(&intake, 1).ended.unwrap();
    assert_eq!((end.http_status, end.grpc_status), (Some(503), None));
    assert_eq!(intake.raw_requests()[0].status, Some(503));
}

#[tokio::test]
async fn a_stream_ends_after_some_batches_with_ok_or_another_status() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).end_after_batches(2).times(1);
    intake
        .on(METHOD_A)
        .end_after_batches(1)
        .grpc_status(GrpcStatus::Aborted);

    let mut first = open(&intake, METHOD_A).await;
    first.deliver(0, three_logs_a()).await;
    first.deliver(1, one("x")).await;
    assert_eq!(first.end().await, status(GrpcStatus::Ok, ""));
    let mut second = open(&intake, METHOD_A).await;
    second.deliver(1, one("y")).await;
    assert_eq!(second.end().await, status(GrpcStatus::Aborted, ""));
    assert_eq!(intake.logs().len(), 5);
}

#[tokio::test]
async fn the_last_batch_is_stored_and_not_acknowledged() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).end_after_batches(2).ack(Ack::NotLast);

    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, one("x")).await;
    call.send(2, one("y")).await;

    assert_eq!(call.end().await, status(GrpcStatus::Ok, ""));
    assert_eq!(intake.messages(), ["x", "y"]);
    let now = ended(&intake, 1).await;
    assert_eq!((now.last_batch, now.last_acked), (Some(2), Some(1)));
}

/// What is answered to batches 0, 1 and 2 before the stream ends.
async fn answers(ack: Ack) -> (Intake, Vec<Vec<u8>>) {
    let intake = Intake::start().await;
    intake.on("*").ack(ack);
    let mut call = open(&intake, METHOD_A).await;
    for (id, text) in ["x", "y", "z"].into_iter().enumerate() {
        call.send(u32::try_from(id).unwrap(), one(text)).await;
    }
    call.close();
    let mut answers = Vec::new();
    while let Some(answer) = call.answer().await {
        answers.push(answer);
    }
    assert_eq!(intake.messages(), ["x", "y", "z"], "the logs are taken");
    (intake, answers)
}

#[tokio::test]
async fn acknowledgements_are_left_out_or_wrong() {
    let none: [Vec<u8>; 0] = [];
    let (intake, found) = answers(Ack::None).await;
    assert_eq!(found, none);
    assert_eq!(stream(&intake, 1).last_acked, None);
    assert_eq!(answers(Ack::OnlySnapshot).await.1, [hex("1001")]);
    let wrong = ["08011001", "08021001", "08031001"].map(hex);
    assert_eq!(answers(Ack::WrongId).await.1, wrong);
    let (intake, found) = answers(Ack::UnknownStatus).await;
    assert_eq!(found, [hex(""), hex("0801"), hex("0802")]);
    assert_eq!(stream(&intake, 1).last_acked, None);
    let unknown = a::BatchStatus::decode(&found[2][..]).unwrap();
    assert_eq!((unknown.batch_id, unknown.status), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn every_acknowledgement_is_late_and_none_waits_for_another() {
    let intake = Intake::start().await;
    intake.on("*").delay(Duration::from_secs(30));
    let mut call = open(&intake, METHOD_A).await;
    let started = Instant::now();

    let batches: Vec<_> = (1..=5).map(|id| framed(&batch(id, one("x")))).collect();
    call.send_bytes(batches.concat()).await;
    for id in 1..=5 {
        assert_eq!(call.answer().await, Some(vec![8, id, 16, 1]));
    }

    let took = started.elapsed();
    assert!((30..60).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hung_stream_is_not_answered_at_all() {
    let intake = Intake::start().await;
    intake.on("*").hang();
    let mut connection = Connection::to(&intake).await;
    let started = Instant::now();

    let opened = connection.try_open(METHOD_A, &[KEY]).await;

    assert!(opened.is_err());
    assert!(started.elapsed() >= Duration::from_secs(600));
    let end = ended(&intake, 1).await.ended.unwrap();
    assert_eq!((end.http_status, end.grpc_status), (None, None));
    assert_eq!(intake.raw_requests()[0].fault.as_deref(), Some("hang"));
}

#[tokio::test]
async fn state_is_forgotten_once_and_later_definitions_hold() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).forget_state_after(2).times(1);
    let define = || pattern_a(1, "a ", &[2]);
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, datums_a(vec![define()])).await;
    call.deliver(2, datums_a(vec![structured_a(1, &["b"])]))
        .await;
    assert_eq!(stream(&intake, 1).state.patterns, 0);

    call.deliver(3, datums_a(vec![define()])).await;
    call.deliver(4, datums_a(vec![structured_a(1, &["c"])]))
        .await;
    assert_eq!(intake.messages(), ["a b", "a c"]);
    call.close();
    call.end().await;

    intake.on(METHOD_A).forget_state_after(1);
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, datums_a(vec![define()])).await;
    call.send(2, datums_a(vec![structured_a(1, &["d"])])).await;
    assert_eq!(
        call.end().await,
        status(
            GrpcStatus::FailedPrecondition,
            "batch 2, datum 0: unknown pattern 1"
        )
    );
}

#[tokio::test]
async fn a_connection_that_goes_away_takes_no_further_stream_and_ends_the_open_one_well() {
    let intake = Intake::start().await;
    intake.on(METHOD_A).goaway_after(1).times(1);
    let mut connection = Connection::to(&intake).await;
    let mut call = connection.open(METHOD_A, &[KEY]).await;
    call.deliver(1, one("x")).await;

    // The client learns of it at some moment; until then it may still open streams.
    while connection.try_open(METHOD_A, &[KEY]).await.is_ok() {}

    call.deliver(2, one("y")).await;
    call.close();
    assert_eq!(call.end().await, status(GrpcStatus::Ok, ""));
    connection.closed().await;
    assert_eq!(stream(&intake, 1).fault.as_deref(), Some("goaway"));
}

#[tokio::test]
async fn a_connection_is_closed_within_a_batch() {
    let intake = Intake::start().await;
    let first = framed(&batch(1, one("whole")));
    let second = framed(&batch(2, one("cut")));
    let stop = first.len() + second.len() - 1;
    intake
        .on("*")
        .close_after_reading(u64::try_from(stop).unwrap())
        .times(1);

    let mut call = open(&intake, METHOD_A).await;
    call.send_bytes([first, second].concat()).await;
    while call.answer().await.is_some() {}

    assert_eq!(call.end().await.0, None);
    assert_eq!(intake.messages(), ["whole"]);
    let now = ended(&intake, 1).await;
    assert_eq!(now.ended.unwrap().message, "a fault closed the connection");
    open(&intake, METHOD_A).await.deliver(1, one("again")).await;
}

#[tokio::test]
async fn a_connection_is_closed_within_its_answers() {
    let intake = Intake::start().await;
    intake.on("*").close_after(1).times(1);
    let mut connection = Connection::to(&intake).await;

    let opened = connection.try_open(METHOD_A, &[KEY]).await;

    assert!(opened.is_err());
    ended(&intake, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_slowly() {
    let intake = Intake::start().await;
    intake.on("*").slow_read(1_000);
    let mut call = open(&intake, METHOD_A).await;
    let started = Instant::now();

    call.deliver(1, one(&"x".repeat(20_000))).await;
    call.deliver(2, one("y")).await;

    assert!(started.elapsed() >= Duration::from_secs(20));
}

/// The window that the intake announces for each stream of a connection.
async fn announced_window(intake: &Intake) -> Option<u32> {
    const SETTINGS: u8 = 4;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    let mut stream = TcpStream::connect(intake.addr()).await.unwrap();
    let no_settings = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &no_settings].concat();
    stream.write_all(&preface).await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], SETTINGS);
    let mut settings = vec![0; usize::from(head[2])];
    stream.read_exact(&mut settings).await.unwrap();
    let mut pairs = settings.chunks(6).map(|pair| {
        let name = u16::from_be_bytes([pair[0], pair[1]]);
        (name, u32::from_be_bytes(pair[2..].try_into().unwrap()))
    });
    let window = pairs.find(|(name, _)| *name == INITIAL_WINDOW_SIZE);
    window.map(|(_, bytes)| bytes)
}

#[tokio::test]
async fn a_small_window_is_announced_and_batches_pass_through_it() {
    let builder = Intake::builder().stream_window_bytes(10);
    let intake = builder.start().await.unwrap();

    assert_eq!(announced_window(&intake).await, Some(10));
    assert_eq!(
        announced_window(&Intake::start().await).await,
        Some(1 << 20)
    );

    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, one(&"x".repeat(1_000))).await;
    assert_eq!(intake.logs().len(), 1);
}

#[tokio::test]
async fn a_script_of_stream_faults_is_shown_as_it_was_written() {
    let intake = Intake::start().await;
    let script = r#"{"rules":[{"path":"*","grpc_status":14,"end_after_batches":3,"ack":false},{"forget_state":true}]}"#;

    let posted = crate::client::send(&intake, "POST", "/inspect/faults", &[], script).await;

    assert_eq!(
        posted.json()["rules"],
        serde_json::json!([
            {"path": "*", "grpc_status": "UNAVAILABLE", "end_after_batches": 3, "ack": "none", "hits": 0},
            {"path": "*", "forget_state": true, "hits": 0},
        ])
    );
    open(&intake, METHOD_A).await;
    assert_eq!(
        get(&intake, "/inspect/faults").await.json()["rules"][0]["hits"],
        1
    );
}
