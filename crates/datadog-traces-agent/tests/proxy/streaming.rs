//! A single intake: bodies pass while they come, and its answers come back.

use std::sync::Arc;
use std::time::Duration;

use datadog_forwarder::ApiKey;
use datadog_traces_agent::config::EvpTarget;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::agent::{Agent, Changing};
use crate::client;
use crate::intake::{Intake, Reply};

const PROFILE: &str = "/profiling/v1/input";
const EVP: &str = "/evp_proxy/v2/api/v2/x";
const SUBDOMAIN: &str = "x-datadog-evp-subdomain: api";

#[tokio::test]
async fn a_large_upload_passes_without_being_held() {
    let intake = Intake::start().await;
    let gate = Arc::new(Semaphore::new(0));
    intake.reply([Reply::Gate(Arc::clone(&gate))]);
    let agent = Agent::start(&intake, |_| {}).await;
    let body: Vec<u8> = (0..20_000_000_u32).map(|it| it.to_le_bytes()[1]).collect();
    let sent = body.clone();
    let addr = agent.addr;
    let client = tokio::spawn(async move { client::send(addr, "POST", PROFILE, &[], &sent).await });
    intake.wait_for_heads(1).await;
    assert_eq!(agent.counts().held_bytes(), 0);
    assert!(!client.is_finished());
    gate.add_permits(1);
    let answer = client.await.unwrap();
    assert_eq!(answer.status, 200);
    let requests = intake.requests();
    assert_eq!(requests[0].header("content-length"), Some("20000000"));
    assert!(requests[0].body == body);
    assert_eq!(agent.counts().held_bytes(), 0);
    assert_eq!(agent.counts().answered("profiling", "202"), 1);
    assert_eq!(agent.counts().dropped("profiling", "").1, 0);
}

#[tokio::test]
async fn a_body_in_chunks_arrives_in_chunks() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |_| {}).await;
    let chunked = ["transfer-encoding: chunked"];
    let mut sending = client::begin(agent.addr, "POST", PROFILE, &chunked).await;
    sending.chunks(&[b"one", b"two"]).await;
    // On its way before its end is known.
    intake.wait_for_heads(1).await;
    sending.chunks(&[b"three", b""]).await;
    assert_eq!(sending.answer().await.status, 200);
    let request = &intake.requests()[0];
    assert_eq!(request.body, b"onetwothree");
    assert_eq!(request.header("transfer-encoding"), Some("chunked"));
    assert_eq!(request.header("content-length"), None);
}

#[tokio::test]
async fn what_the_intake_answers_comes_back_without_what_means_its_connection() {
    let intake = Intake::start().await;
    let head =
        "connection: x-hop\r\nx-hop: 1\r\nkeep-alive: 5\r\nx-end: 2\r\ncontent-type: text/x\r\n";
    intake.reply([Reply::Whole(418, head, b"short and stout".to_vec())]);
    let agent = Agent::start(&intake, |_| {}).await;
    let answer = agent.post(EVP, &[SUBDOMAIN], b"body").await;
    assert_eq!((answer.status, answer.text()), (418, "short and stout"));
    let header = |name: &str| answer.headers.get(name).map(String::as_str);
    assert_eq!(header("x-end"), Some("2"));
    assert_eq!(header("content-type"), Some("text/x"));
    assert_eq!(header("content-length"), Some("15"));
    assert_eq!((header("x-hop"), header("keep-alive")), (None, None));
    assert_eq!(agent.counts().answered("evp", "418"), 1);
    assert_eq!(agent.counts().held_bytes(), 0);
}

#[tokio::test]
async fn a_request_without_a_body_passes() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |_| {}).await;
    let path = format!("{EVP}?a=1");
    let answer = client::send(agent.addr, "GET", &path, &[SUBDOMAIN], b"").await;
    assert_eq!(answer.status, 202);
    let request = &intake.requests()[0];
    assert_eq!(request.line, "GET /api/v2/x?a=1");
    assert_eq!(request.header("content-length"), None);
}

#[tokio::test]
async fn a_length_above_the_limit_is_refused_before_anything_is_sent() {
    let intake = Intake::start().await;
    let site = intake.url();
    let agent = Agent::start(&intake, |config| {
        config.proxies.evp = Some(EvpTarget {
            site,
            max_bytes: 10,
        });
    })
    .await;
    assert_eq!(
        agent.post(EVP, &[SUBDOMAIN], b"0123456789").await.status,
        202
    );
    let answer = agent.post(EVP, &[SUBDOMAIN], b"0123456789a").await;
    assert_eq!((answer.status, answer.text()), (413, "payload-too-large"));
    assert_eq!(intake.heads(), 1);
    assert_eq!(agent.counts().dropped("evp", "too_large"), (1, 1));
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_cut_off() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |config| config.proxies.profiling_bytes = 10).await;
    let chunked = ["transfer-encoding: chunked"];
    let mut sending = client::begin(agent.addr, "POST", PROFILE, &chunked).await;
    sending.chunks(&[b"0123456789"]).await;
    intake.wait_for_heads(1).await;
    sending.chunks(&[b"a"]).await;
    assert_eq!(sending.answer().await.status, 413);
    assert_eq!(intake.requests().len(), 0, "no part of it counts as all");
    assert_eq!(agent.counts().dropped("profiling", "too_large"), (1, 1));
}

#[tokio::test]
async fn a_client_that_stops_sending_is_told_so() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |config| {
        config.proxies.profiling_timeout = Duration::from_millis(50);
    })
    .await;
    let mut sending = client::begin(agent.addr, "POST", PROFILE, &["content-length: 10"]).await;
    sending.out.write_all(b"half").await.unwrap();
    let answer = sending.answer().await;
    assert_eq!((answer.status, answer.text()), (408, "timeout"));
    assert_eq!(intake.requests().len(), 0);
    assert_eq!(
        agent.counts().dropped("profiling", "client_timeout"),
        (1, 1)
    );
}

#[tokio::test]
async fn a_client_that_leaves_is_counted() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |_| {}).await;
    let mut sending = client::begin(agent.addr, "POST", PROFILE, &["content-length: 10"]).await;
    sending.out.write_all(b"half").await.unwrap();
    intake.wait_for_heads(1).await;
    drop(sending);
    while agent.counts().dropped("profiling", "").1 == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(agent.counts().dropped("profiling", "client_gone"), (1, 1));
    assert_eq!(intake.requests().len(), 0);
}

#[tokio::test]
async fn a_request_that_is_cut_at_the_end_is_counted_as_that() {
    let intake = Intake::start().await;
    intake.reply([Reply::Hang]);
    let agent = Agent::start(&intake, |_| {}).await;
    let mut sending = client::begin(agent.addr, "POST", PROFILE, &["content-length: 4"]).await;
    sending.out.write_all(b"body").await.unwrap();
    intake.wait_for(1).await;
    let counts = agent.stop(Duration::from_millis(100)).await;
    assert_eq!(counts.dropped("profiling", "shutdown"), (1, 1));
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let intake = Intake::start().await;
    let agent = Agent::start(&intake, |_| {}).await;
    let headers = ["expect: 100-continue", "content-length: 4"];
    let mut sending = client::begin(agent.addr, "POST", PROFILE, &headers).await;
    sending.wanted().await;
    sending.out.write_all(b"body").await.unwrap();
    assert_eq!(sending.answer().await.status, 200);
    let request = &intake.requests()[0];
    assert_eq!(
        (request.header("expect"), request.body.as_slice()),
        (None, &b"body"[..])
    );
}

#[tokio::test]
async fn an_intake_that_hangs_is_given_up() {
    let intake = Intake::start().await;
    intake.reply_always(Reply::Hang);
    let agent = Agent::start(&intake, |config| {
        config.proxies.timeout = Duration::from_millis(100);
    })
    .await;
    assert_eq!(agent.post(EVP, &[SUBDOMAIN], b"body").await.status, 408);
    assert_eq!(agent.counts().dropped("evp", "timeout"), (1, 1));
}

#[tokio::test]
async fn an_intake_that_is_not_there_is_a_bad_gateway() {
    let intake = Intake::start().await;
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let agent = Agent::start(&intake, |config| {
        config.proxies.profiling[0].url = nowhere;
    })
    .await;
    assert_eq!(agent.post(PROFILE, &[], b"body").await.status, 502);
    assert_eq!(agent.counts().dropped("profiling", "unreachable"), (1, 1));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_bad_gateway() {
    let intake = Intake::start().await;
    intake.reply([Reply::BrokenOff]);
    let agent = Agent::start(&intake, |_| {}).await;
    assert_eq!(agent.post(PROFILE, &[], b"body").await.status, 502);
    assert_eq!(agent.counts().answered("profiling", "202"), 1);
    assert_eq!(agent.counts().dropped("profiling", "unreachable"), (1, 1));
}

#[tokio::test]
async fn an_answer_may_be_large_and_not_without_bound() {
    const LIMIT: usize = 25 * 1_024 * 1_024;
    let intake = Intake::start().await;
    let answer = |bytes| Reply::Whole(200, "", vec![b'x'; bytes]);
    intake.reply([answer(LIMIT), answer(LIMIT + 1)]);
    let agent = Agent::start(&intake, |_| {}).await;
    let answer = agent.post(PROFILE, &[], b"body").await;
    assert_eq!((answer.status, answer.body.len()), (200, LIMIT));
    assert_eq!(agent.post(PROFILE, &[], b"body").await.status, 502);
    let counts = agent.stop(crate::agent::LONG).await;
    assert_eq!(counts.dropped("profiling", "answer_too_large"), (1, 1));
    assert_eq!(counts.held_bytes(), 0);
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_body_comes_back_at_once() {
    let intake = Intake::start().await;
    intake.reply([Reply::Early(403)]);
    let agent = Agent::start(&intake, |_| {}).await;
    let headers = ["connection: keep-alive", "content-length: 20000000"];
    let mut sending = client::begin(agent.addr, "POST", PROFILE, &headers).await;
    sending.out.write_all(b"half").await.unwrap();
    let answer = sending.answer().await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.headers["connection"], "close");
    assert_eq!(agent.counts().answered("profiling", "403"), 1);
}

#[tokio::test]
async fn a_key_that_was_refused_is_replaced_for_the_next_request() {
    let intake = Intake::start().await;
    intake.reply([Reply::Status(403)]);
    let key = ApiKey::from_source(Arc::new(Changing::default()));
    let watched = key.clone();
    let agent = Agent::start(&intake, |config| config.api_key = Some(key)).await;
    assert_eq!(agent.post(PROFILE, &[], b"1").await.status, 403);
    while watched.current() == "key0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(agent.post(PROFILE, &[], b"2").await.status, 200);
    let keys: Vec<_> = intake.requests().iter().map(key_of).collect();
    assert_eq!(keys, ["key0", "key1"]);
}

fn key_of(request: &crate::intake::Received) -> String {
    request.header("dd-api-key").unwrap().to_owned()
}
