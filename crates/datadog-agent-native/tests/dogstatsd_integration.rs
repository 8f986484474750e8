//! Metrics, events and service checks from a socket to the intake, through a whole agent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

use datadog_dev_intake::Intake;
use support::{ask, assert_ok, config, request, start};

#[tokio::test]
async fn every_kind_of_message_arrives_by_a_stop() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[("DD_TAGS", "team:a")])).await;
    let address = agent.listeners().dogstatsd_udp.unwrap();
    assert!(address.ip().is_loopback());
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    for message in [
        "orders:2|c|#kind:new\norders:3|c|#kind:new",
        "load:0.5|g",
        "latency:3|d",
        "_e{5,4}:title|text",
        "_sc|database|0",
    ] {
        client.send_to(message.as_bytes(), address).unwrap();
    }
    agent.shutdown().await.unwrap();
    let mut series: Vec<String> = intake.series().iter().map(|it| it.metric.clone()).collect();
    series.sort();
    assert_eq!(series, ["load", "orders"]);
    let orders = intake.series().into_iter().find(|it| it.metric == "orders");
    let tags = orders.unwrap().tags;
    assert!(tags.contains(&"kind:new".to_owned()) && tags.contains(&"team:a".to_owned()));
    assert_eq!(intake.sketches().len(), 1);
    assert_eq!(intake.events().len(), 1);
    assert_eq!(intake.checks().len(), 1);
    assert!(
        intake
            .raw_requests()
            .iter()
            .all(|it| it.problems.is_empty())
    );
}

#[tokio::test]
async fn a_unix_socket_and_the_trace_port_lead_to_the_same_place() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dsd.sock");
    let agent = start(config(
        &intake,
        &[("DD_DOGSTATSD_SOCKET", path.to_str().unwrap())],
    ))
    .await;
    assert_eq!(agent.listeners().dogstatsd_uds.as_deref(), Some(&*path));
    let client = UnixDatagram::unbound().unwrap();
    client.send_to(b"by_socket:1|c", &path).unwrap();
    let proxied = request(
        "POST",
        "/dogstatsd/v2/proxy",
        "text/plain",
        b"by_trace_port:1|c",
    );
    assert_ok(&ask(agent.listeners().trace_tcp.unwrap(), &proxied).await);
    agent.shutdown().await.unwrap();
    let mut series: Vec<String> = intake.series().iter().map(|it| it.metric.clone()).collect();
    series.sort();
    assert_eq!(series, ["by_socket", "by_trace_port"]);
    assert!(!path.exists());
}
