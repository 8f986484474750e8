//! The metrics agent between real sockets: DogStatsD on one side, a local intake on the other.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::net::UdpSocket;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datadog_agent_runtime::connect::{Client, ConnectConfig};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_agent_runtime::event_bus;
use datadog_agent_runtime::telemetry::{Metric, Telemetry};
use datadog_dev_intake::Intake;
use datadog_forwarder::{ApiKey, Encoding};
use datadog_metrics_agent::Transport;
use datadog_metrics_agent::aggregator::{CounterEncoding, Form};
use datadog_metrics_agent::enhanced::invocations::{
    Architecture, Billing, Event, Invocations, Start,
};
use datadog_metrics_agent::{
    Config, FlushStrategy, Listen, Running, Shared, Which, enhanced, start,
};
use datadog_wire::metrics::{MetricPayload, SketchPayload};
use prost::Message as _;
use tokio::time::Instant;

#[path = "integration_test/faults.rs"]
mod faults;

/// Longer than anything that is supposed to happen takes.
const LONG: Duration = Duration::from_secs(60);

struct Agent {
    running: Running,
    stop: DrainSignal,
    telemetry: Telemetry,
}

/// Flushed only when asked, all buckets: what was sent arrives whatever the clock says.
fn config(intake: &Intake, listen: Vec<Listen>) -> Config {
    let mut config = Config::from_intake(&intake.url(), Some(ApiKey::fixed("0123456789abcdef")));
    config.listen = listen;
    config.flush = FlushStrategy::OnDemand;
    config.flush_on_request = Which::Everything;
    config.flush_at_the_end = Which::Everything;
    config.aggregation.counters = CounterEncoding::Count;
    config.aggregation.rules.hostname = "box".to_owned();
    config.validate_every = Duration::ZERO;
    config
}

fn udp() -> Listen {
    Listen::Udp {
        host: "127.0.0.1".to_owned(),
        port: 0,
    }
}

impl Agent {
    async fn start(config: Config) -> Self {
        let telemetry = Telemetry::default();
        let shared = Shared {
            events: event_bus::Sender::default(),
            client: Client::new(ConnectConfig::default()).unwrap(),
            telemetry: telemetry.clone(),
        };
        let (stop, drain) = drain::channel();
        let running = start(config, shared, drain).await.unwrap();
        Self {
            running,
            stop,
            telemetry,
        }
    }

    fn udp(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.running.local_addrs()[0]).unwrap();
        socket
    }

    async fn flush(&self) -> datadog_metrics_agent::FlushReport {
        self.running.flush(Instant::now() + LONG).await.unwrap()
    }

    fn count(&self, metric: Metric, labels: &[(&'static str, &str)]) -> u64 {
        self.telemetry.sum(metric, labels)
    }
}

/// Name, tags and values of all series that arrived, in alphabetical order.
fn series(intake: &Intake) -> Vec<String> {
    let requests = intake.raw_requests();
    let requests = requests.iter().filter(|it| it.path == "/api/v2/series");
    let mut found: Vec<_> = requests
        .flat_map(|request| MetricPayload::decode(request.body.clone()).unwrap().series)
        .map(|series| {
            let values: Vec<_> = series
                .points
                .iter()
                .map(|it| it.value.to_string())
                .collect();
            format!(
                "{} {} {}",
                series.metric,
                series.tags.join(","),
                values.join(" ")
            )
        })
        .collect();
    found.sort();
    found
}

fn frame(stream: &mut UnixStream, body: &str) {
    let len = u32::try_from(body.len()).unwrap();
    stream.write_all(&len.to_le_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
}

fn datagram(path: &Path, body: &str) {
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(body.as_bytes(), path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_message_arrives_at_its_own_intake() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake, vec![udp()])).await;
    let lines = "c:1|c|#a:b\ng:2|g\nd:1:2|d\nbroken\n_e{1,1}:t|x\n_sc|chk|1|m:m";
    agent.udp().send(lines.as_bytes()).unwrap();
    let report = agent.flush().await;
    assert_eq!((report.payloads_sent, report.items_sent), (4, 5));
    assert_eq!(series(&intake), ["c a:b 1", "g  2"]);
    let requests = intake.raw_requests();
    let of = |path: &str| requests.iter().find(|it| it.path == path).unwrap();
    let sketches = SketchPayload::decode(of("/api/beta/sketches").body.clone()).unwrap();
    assert_eq!(sketches.sketches[0].metric, "d");
    assert_eq!(sketches.sketches[0].host, "box");
    assert_eq!(sketches.sketches[0].dogsketches[0].k, [1338, 1383]);
    let events: serde_json::Value = serde_json::from_slice(&of("/intake/").body).unwrap();
    assert_eq!(events["events"]["api"][0]["msg_title"], "t");
    let checks: serde_json::Value = serde_json::from_slice(&of("/api/v1/check_run").body).unwrap();
    assert_eq!(checks[0]["check"], "chk");
    for (path, kind) in [
        ("/api/v2/series", "application/x-protobuf"),
        ("/intake/", "application/json"),
    ] {
        let request = of(path);
        assert_eq!(request.header("content-type"), Some(kind));
        assert_eq!(request.header("content-encoding"), Some("zstd"));
        assert_eq!(request.header("dd-api-key"), Some("0123456789abcdef"));
        assert!(request.header("dd-agent-version").is_some());
    }
    assert_eq!(
        agent.count(Metric::MetricsMalformed, &[("kind", "metric")]),
        1
    );
    assert_eq!(agent.count(Metric::MetricsMessages, &[]), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_has_all_that_was_in_the_sockets() {
    let intake = Intake::start().await;
    let directory = tempfile::tempdir().unwrap();
    let (dgram, stream) = (directory.path().join("d"), directory.path().join("s"));
    let listen = vec![
        udp(),
        Listen::UnixDatagram(dgram.clone()),
        Listen::UnixStream(stream.clone()),
    ];
    let agent = Agent::start(config(&intake, listen)).await;
    let path = |transport| agent.running.path(transport);
    assert_eq!(path(Transport::UnixDatagram), Some(dgram.clone()));
    assert_eq!(path(Transport::UnixStream), Some(stream.clone()));
    assert_eq!(path(Transport::Udp), None);
    let mut connection = UnixStream::connect(&stream).unwrap();
    // Once accepted, a connection is read before a flush.
    frame(&mut connection, "first:1|c");
    while agent.count(Metric::MetricsPackets, &[("transport", "uds_stream")]) == 0 {
        tokio::task::yield_now().await;
    }
    let client = agent.udp();
    for _ in 0..20 {
        for _ in 0..5 {
            client.send(b"udp:1|c\nudp:1|c").unwrap();
            datagram(&dgram, "dgram:1|c");
            frame(&mut connection, "stream:1|c\nstream:1|c\n");
        }
        agent.flush().await;
    }
    let sum = |name: &str| -> f64 {
        let all = series(&intake);
        let own = all.iter().filter(|line| line.starts_with(name));
        own.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum()
    };
    assert_eq!(
        (sum("udp"), sum("dgram"), sum("stream")),
        (200.0, 100.0, 200.0)
    );
    assert_eq!(agent.count(Metric::MetricsPacketsDropped, &[]), 0);
}

/// Sends a frame over a connection of its own, which is over before anybody has looked at it.
fn quick_connection(path: &Path, body: &str) {
    let mut connection = UnixStream::connect(path).unwrap();
    frame(&mut connection, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_has_what_came_over_connections_that_were_not_yet_accepted() {
    let intake = Intake::start().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let agent = Agent::start(config(&intake, vec![Listen::UnixStream(path.clone())])).await;
    for flushes in 1..=50 {
        for _ in 0..5 {
            quick_connection(&path, "a:1|c");
        }
        agent.flush().await;
        assert_eq!(series(&intake), vec!["a  5"; flushes]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sends_what_came_over_connections_that_were_not_yet_accepted() {
    for _ in 0..50 {
        let intake = Intake::start().await;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let agent = Agent::start(config(&intake, vec![Listen::UnixStream(path.clone())])).await;
        for _ in 0..5 {
            quick_connection(&path, "a:1|c");
        }
        agent.stop.signal(Instant::now() + LONG);
        agent.running.join().await;
        assert_eq!(series(&intake), ["a  5"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_that_is_too_long_loses_its_last_line_only() {
    let intake = Intake::start().await;
    let mut config = config(&intake, vec![udp()]);
    config.server.buffer_bytes = 16;
    let agent = Agent::start(config).await;
    agent.udp().send(b"a:1|c\nbb:1|c\nccc:1|c").unwrap();
    agent.udp().send(b"exactly_16:111|c").unwrap();
    agent.flush().await;
    assert_eq!(series(&intake), ["a  1", "bb  1", "exactly_16  111"]);
    assert_eq!(agent.count(Metric::MetricsPacketsTruncated, &[]), 1);
    assert_eq!(agent.count(Metric::MetricsMalformed, &[]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_long_ends_its_connection_and_no_other() {
    let intake = Intake::start().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let agent = Agent::start(config(&intake, vec![Listen::UnixStream(path.clone())])).await;
    let mut bad = UnixStream::connect(&path).unwrap();
    frame(&mut bad, "a:1|c");
    bad.write_all(&9_000_u32.to_le_bytes()).unwrap();
    let lost = [("reason", "too_large")];
    while agent.count(Metric::MetricsPacketsDropped, &lost) == 0 {
        tokio::task::yield_now().await;
    }
    let mut good = UnixStream::connect(&path).unwrap();
    frame(&mut good, "");
    frame(&mut good, "b:1|c");
    while agent.count(Metric::MetricsPackets, &[]) < 2 {
        tokio::task::yield_now().await;
    }
    agent.flush().await;
    assert_eq!(series(&intake), ["a  1", "b  1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sends_what_was_held() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake, vec![udp()])).await;
    agent.udp().send(b"a:1|c").unwrap();
    agent.running.handle().send(b"b:1|c").unwrap();
    agent.stop.signal(Instant::now() + LONG);
    let report = agent.running.join().await;
    assert_eq!((report.sent, report.pending), (2, 0));
    assert_eq!(series(&intake), ["a  1", "b  1"]);
}

/// The agent's thread is this one, so that nothing is read while this test does not wait.
#[tokio::test]
async fn datagrams_that_the_system_drops_are_shown_and_none_is_missing() {
    let intake = Intake::start().await;
    let mut config = config(&intake, vec![udp()]);
    config.server.receive_buffer_bytes = 1;
    let agent = Agent::start(config).await;
    let client = agent.udp();
    for _ in 0..300 {
        client.send(b"flood:1|c").unwrap();
    }
    let status = agent.running.status().to_json();
    let dropped = status["packets_dropped"]["udp_overflow"].as_u64().unwrap();
    assert!(dropped > 0);
    agent.flush().await;
    let read = agent.count(Metric::MetricsPackets, &[("transport", "udp")]);
    assert_eq!(read + dropped, 300);
    let lost = [("reason", "udp_overflow"), ("transport", "udp")];
    assert_eq!(agent.count(Metric::MetricsPacketsDropped, &lost), dropped);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pipeline_counts_about_itself_is_sent_if_it_is_asked_for() {
    let intake = Intake::start().await;
    let mut config = config(&intake, vec![udp()]);
    config.own_metrics = true;
    let agent = Agent::start(config).await;
    agent.udp().send(b"a:1|c\nbroken\na:nan|g").unwrap();
    agent.flush().await;
    // What the first flush led to is told with the second.
    agent.flush().await;
    let found = series(&intake);
    for line in [
        "a  1",
        "datadog.agent.dsd.messages type:metric 2",
        "datadog.agent.dsd.nonfinite  1",
        "datadog.agent.dsd.packets transport:udp 1",
        "datadog.agent.dsd.parse_errors type:metric 1",
        "datadog.agent.ser.payloads type:series 1",
    ] {
        assert!(
            found.iter().any(|it| it == line),
            "{line} is not in {found:#?}"
        );
    }
    let success = "datadog.agent.fwd.success endpoint:";
    assert!(found.iter().any(|it| it.starts_with(success)), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_function_is_in_the_flush_that_ends_its_window() {
    let intake = Intake::start().await;
    let root = tempfile::tempdir().unwrap();
    let dev = root.path().join("proc/net/dev");
    std::fs::create_dir_all(dev.parent().unwrap()).unwrap();
    let row = |received| format!("Ceth1: {received} 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n");
    std::fs::write(&dev, row(100)).unwrap();
    let mut config = config(&intake, Vec::new());
    let platform = enhanced::Platform::Lambda { window: None };
    config.enhanced = Some(enhanced::Config {
        root: root.path().to_owned(),
        ..enhanced::Config::from_platform(platform)
    });
    let agent = Agent::start(config).await;
    agent.flush().await;
    std::fs::write(&dev, row(142)).unwrap();
    agent.flush().await;
    let requests = intake.raw_requests();
    let last = requests.iter().rfind(|it| it.path == "/api/beta/sketches");
    let sketches = SketchPayload::decode(last.unwrap().body.clone()).unwrap();
    let found = sketches
        .sketches
        .iter()
        .find(|it| it.metric == "aws.lambda.enhanced.rx_bytes");
    let sketch = &found.unwrap().dogsketches[0];
    assert_eq!((sketch.cnt, sketch.sum), (1, 42.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_extension_tells_of_an_invocation_is_in_the_next_flush_at_its_time() {
    let intake = Intake::start().await;
    let agent = Agent::start(config(&intake, Vec::new())).await;
    let handle = agent.running.handle();
    let mut invocations = Invocations::new(handle, Architecture::X86_64, Billing::OnDemand);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at_s = i64::try_from(now.as_secs()).unwrap() - 100;
    let start = Start::Cold;
    invocations.tell(&Event::Invoked { start }, at_s).unwrap();
    agent.flush().await;
    let requests = intake.raw_requests();
    let last = requests.iter().rfind(|it| it.path == "/api/beta/sketches");
    let sketches = SketchPayload::decode(last.unwrap().body.clone()).unwrap();
    let [sketch] = &sketches.sketches[..] else {
        panic!("{sketches:?}");
    };
    assert_eq!(sketch.metric, "aws.lambda.enhanced.invocations");
    assert!(sketch.tags.contains(&"cold_start:true".to_owned()));
    let found = &sketch.dogsketches[0];
    assert_eq!((found.ts, found.cnt, found.sum), (at_s - at_s % 10, 1, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_packet_is_forwarded_as_it_came() {
    let intake = Intake::start().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d");
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.set_read_timeout(Some(LONG)).unwrap();
    let mut config = config(&intake, vec![udp(), Listen::UnixDatagram(path.clone())]);
    config.forward_to = Some(("127.0.0.1".to_owned(), other.local_addr().unwrap().port()));
    let agent = Agent::start(config).await;
    agent.udp().send(b"a:1|c\nbroken\n").unwrap();
    datagram(&path, "b:1|c");
    agent.flush().await;
    assert_eq!(series(&intake), ["a  1", "b  1"]);
    let mut found: Vec<_> = (0..2)
        .map(|_| {
            let mut buffer = [0; 64];
            let len = other.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..len].to_vec()).unwrap()
        })
        .collect();
    found.sort();
    assert_eq!(found, ["a:1|c\nbroken\n", "b:1|c"]);
    assert_eq!(agent.count(Metric::MetricsForwardErrors, &[]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_and_zlib_arrive_like_messages_and_zstd() {
    let intake = Intake::start().await;
    let mut config = config(&intake, vec![udp()]);
    config.aggregation.series_form = Form::Columns;
    config.aggregation.sketches_form = Form::Columns;
    config.aggregation.encoding = Encoding::Deflate(6);
    let agent = Agent::start(config).await;
    agent.udp().send(b"c:3|c|#a:b\nd:1:2:6|d").unwrap();
    let report = agent.flush().await;
    assert_eq!(report.items_sent, 2);
    let found = &intake.series()[0];
    assert_eq!(found.endpoint, "/api/intake/metrics/v3/series");
    assert_eq!((found.metric.as_str(), found.points[0].value), ("c", 3.0));
    assert_eq!(found.host.as_deref(), Some("box"));
    let found = &intake.sketches()[0];
    assert_eq!(found.endpoint, "/api/intake/metrics/v3/sketches");
    assert_eq!((found.metric.as_str(), found.host.as_str()), ("d", "box"));
    let sketch = &found.buckets[0].message;
    assert_eq!((sketch.cnt, sketch.sum, sketch.avg), (3, 9.0, 3.0));
    for request in intake.raw_requests() {
        assert_eq!(request.header("content-encoding"), Some("deflate"));
        assert_eq!(request.problems, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_the_intake_finds_too_large_is_halved() {
    let intake = Intake::start().await;
    intake.on("/api/v2/series").reply_once(413);
    let agent = Agent::start(config(&intake, vec![udp()])).await;
    agent.udp().send(b"a:1|g\nb:2|g\nc:3|g").unwrap();
    let report = agent.flush().await;
    assert_eq!((report.items_sent, report.dropped.len()), (3, 0));
    assert_eq!(intake.requests("/api/v2/series"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_not_supported_here_and_says_so() {
    let intake = Intake::start().await;
    let shared = Shared {
        events: event_bus::Sender::default(),
        client: Client::new(ConnectConfig::default()).unwrap(),
        telemetry: Telemetry::default(),
    };
    let (_stop, drain) = drain::channel();
    let listen = vec![Listen::Pipe("datadog".to_owned())];
    let error = start(config(&intake, listen), shared, drain)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        r"\\.\pipe\datadog: named pipes are not supported on this platform"
    );
}
