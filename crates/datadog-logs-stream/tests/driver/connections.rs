//! Servers that are no intake, and connections that nobody may leave behind.

use std::time::Duration;

use datadog_dev_intake::{Intake, Snapshot};
use datadog_logs_stream::state::Rotation;
use datadog_logs_stream::{Compression, Failure};
use tokio::io::AsyncWriteExt;

use crate::rig::{METHOD_A, Setup, numbered};
use crate::server::{Conduct, GOOD, Server, swallow};

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn a_server_that_speaks_only_http_1_makes_logs_go_over_http() {
    let server = Server::start(|mut stream| async move {
        let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        swallow(stream).await;
    })
    .await;
    let mut rig = Setup::to_url(server.url()).start();
    rig.send(["one"]).await;
    rig.expect_http(["one"]).await;
    assert_eq!(rig.failures(Failure::NotHttp2), 1);
    server.until_open(0).await;
}

#[tokio::test]
async fn a_server_that_closes_every_connection_is_tried_again() {
    let server = Server::start(|stream| async move { drop(stream) }).await;
    let rig = Setup::to_url(server.url()).start();
    rig.send(["one"]).await;
    rig.until(|report| report.stats.failures.get(&Failure::Transport) > Some(&3))
        .await;
    server.until_open(0).await;
}

#[tokio::test]
async fn logs_wait_while_nobody_listens_and_arrive_when_somebody_does() {
    let intake = Intake::start().await;
    intake.kill().await;
    let mut rig = Setup::to(&intake).start();
    rig.send(["one"]).await;
    rig.until(|report| report.stats.failures.get(&Failure::CreationFailed) > Some(&5))
        .await;
    assert_eq!(rig.fates(), []);
    intake.revive().await.unwrap();
    rig.expect_delivered(["one"]).await;
    assert_eq!(intake.messages(), ["one"]);
    assert_eq!(rig.handle.report().view.unwrap().failures, 0);
}

#[tokio::test]
async fn a_server_that_says_nothing_costs_one_connection_at_a_time() {
    let server = Server::start(swallow).await;
    let setup = Setup::to_url(server.url()).with(|settings| {
        settings.ack_timeout = SHORT;
        settings.send_timeout = SHORT;
    });
    let rig = setup.start();
    // More than the window that a server has before it says otherwise.
    let large: String = (0..200_000).map(|_| fastrand::alphanumeric()).collect();
    rig.send([large]).await;
    rig.until(|report| report.stats.failures.values().sum::<u64>() >= 6)
        .await;
    assert!(server.open() <= 2, "{} connections are open", server.open());
    rig.task.abort();
    server.until_open(0).await;
}

#[tokio::test]
async fn a_server_that_answers_with_its_first_acknowledgement_is_not_waited_for() {
    let server = Server::grpc(Conduct {
        is_late: true,
        ..GOOD
    })
    .await;
    let mut rig = Setup::to_url(server.url()).start();
    rig.deliver(["one"]).await;
    rig.deliver(["two"]).await;
    assert_eq!(rig.stop().await, []);
    server.until_open(0).await;
}

#[tokio::test]
async fn a_server_that_hangs_after_its_head_with_a_full_window_leaves_no_connection_behind() {
    let server = Server::grpc(Conduct {
        acknowledges: false,
        window_bytes: 1_000,
        ..GOOD
    })
    .await;
    let mut setup = Setup::to_url(server.url()).with(|settings| settings.send_timeout = SHORT);
    setup.compression = Compression::Identity;
    setup.shutdown_timeout = SHORT;
    let rig = setup.start();
    rig.send(["x".repeat(1 << 20)]).await;
    rig.until(|report| report.stats.failures.get(&Failure::SendTimeout) >= Some(&3))
        .await;
    assert!(server.open() <= 2, "{} connections are open", server.open());
    rig.stop().await;
    server.until_open(0).await;
}

#[tokio::test]
async fn a_server_that_never_ends_its_side_is_given_a_second_and_then_left() {
    let server = Server::grpc(Conduct {
        ends: false,
        ..GOOD
    })
    .await;
    let mut rig = Setup::to_url(server.url()).start();
    rig.deliver(["one"]).await;
    assert_eq!(rig.stop().await, []);
    server.until_open(0).await;
}

#[tokio::test]
async fn streams_that_come_and_go_share_one_connection() {
    let intake = Intake::start().await;
    let server = Server::before(intake.addr()).await;
    let setup =
        Setup::to_url(server.url()).with(|settings| settings.lifetime = Duration::from_millis(10));
    let mut rig = setup.start();
    let mut given = 0;
    while rig.handle.report().stats.opened < 6 {
        rig.send(numbered(given, 5)).await;
        rig.fate().await;
        given += 5;
    }
    let seen = |seen: &Snapshot| seen.requests(METHOD_A) >= 6;
    intake.expect(seen, "six streams").await;
    assert_eq!(server.accepted(), 1);
    rig.stop().await;
    server.until_open(0).await;
}

#[tokio::test]
async fn a_service_that_is_cut_leaves_no_connection_behind() {
    let intake = Intake::start().await;
    let server = Server::before(intake.addr()).await;
    let mut rig = Setup::to_url(server.url()).start();
    rig.deliver(["one"]).await;
    server.until_open(1).await;
    rig.task.abort();
    server.until_open(0).await;
}

#[tokio::test]
async fn a_service_that_is_cut_while_a_stream_is_being_closed_leaves_no_connection_behind() {
    let server = Server::grpc(Conduct {
        ends: false,
        ..GOOD
    })
    .await;
    let mut rig = Setup::to_url(server.url()).start();
    rig.deliver(["one"]).await;
    rig.set_key("another-key-9999");
    rig.send(["two"]).await;
    rig.until(|report| report.stats.rotations.contains_key(&Rotation::KeyChanged))
        .await;
    rig.task.abort();
    server.until_open(0).await;
}
