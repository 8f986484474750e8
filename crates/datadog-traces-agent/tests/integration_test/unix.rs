//! Tracers on a Unix socket.

use std::os::unix::fs::PermissionsExt as _;

use datadog_agent_runtime::bind::Target;
use datadog_dev_intake::Intake;

use crate::agent::*;
use crate::client::Connection;

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_has_its_mode_is_served_beside_tcp_and_goes_with_the_agent() {
    for mode in [0o600, 0o722] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("apm.socket");
        let intake = Intake::start().await;
        let mut config = config(&intake);
        config.listen.push(Target::Unix {
            path: path.clone(),
            mode,
        });
        let agent = Agent::start(config).await;
        let found = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
        assert_eq!(agent.running.paths(), std::slice::from_ref(&path));
        let mut connection = Connection::open_unix(&path).await;
        let answer = connection
            .post("/v0.4/traces", MSGPACK, body(vec![chunk(1, "unix", 1.0)]))
            .await;
        answer.expect(200, ALL);
        agent.trace(vec![chunk(2, "tcp", 1.0)]).await;
        agent.stop_within(LONG).await;
        assert_eq!(arrived(&intake), ["tcp", "unix"]);
        assert!(!path.exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracer_on_the_socket_is_known_by_its_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apm.socket");
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.listen = vec![Target::Unix {
        path: path.clone(),
        mode: 0o600,
    }];
    let agent = Agent::start(config).await;
    // The tracer is this process, whose container, if any, is that of its control groups.
    let root = std::path::Path::new("/");
    let own = datadog_agent_runtime::proc::container::Process::Own;
    let own = datadog_agent_runtime::proc::container::id(root, own);
    let own = own.ok().flatten().unwrap_or_default();
    let mut connection = Connection::open_unix(&path).await;
    for headers in ["", "Datadog-Entity-ID: ci-given\r\n"] {
        let headers = format!("{MSGPACK}{headers}");
        let body = body(vec![chunk(1, "a", 1.0)]);
        connection.post("/v0.4/traces", &headers, body).await;
    }
    agent.flush().await;
    let ids: Vec<_> = intake
        .traces()
        .into_iter()
        .map(|it| it.tracer.container_id)
        .collect();
    assert_eq!(ids, [own, "given".to_owned()]);
}
