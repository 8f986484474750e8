//! Where an agent listens in each mode, and what it does when it cannot.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use datadog_agent_native::agent::{AgentCoordinator, AgentError, Listeners};
use datadog_agent_native::config::{Config, OperationalMode, Severity};
use datadog_dev_intake::Intake;
use support::{KEY, ask, ask_socket, assert_ok, get, post, start, to_intake, trace};
use tokio::net::TcpListener;

fn config(intake: &Intake, extra: &[(&str, &str)]) -> Config {
    let extra = extra
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Config::from_env_iter(to_intake(intake).into_iter().chain(extra))
}

/// A port that was free a moment ago.
async fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port().to_string()
}

async fn refused(config: Config) -> String {
    let mut agent = AgentCoordinator::new(config).unwrap();
    let error = agent.start().await.unwrap_err();
    assert!(matches!(error, AgentError::StartupError(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_fixed_port_is_the_one_that_was_asked_for() {
    let intake = Intake::start().await;
    let port = free_port().await;
    let agent = start(config(&intake, &[("DD_TRACE_AGENT_PORT", &port)])).await;
    assert_eq!(agent.get_bound_port().unwrap().to_string(), port);
    let address = agent.listeners().trace_tcp.unwrap();
    assert!(address.ip().is_loopback());
    assert_ok(&ask(address, &get("/info")).await);
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn ephemeral_ports_are_free_ones_whatever_was_configured_and_accept_at_once() {
    let intake = Intake::start().await;
    let extra = [
        ("DD_AGENT_MODE", "dynamic"),
        ("DD_TRACE_AGENT_PORT", "18126"),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_DOGSTATSD_ENABLED", "true"),
        ("DD_DOGSTATSD_PORT", "18125"),
    ];
    let config = config(&intake, &extra);
    let ignored = config
        .issues()
        .into_iter()
        .filter(|it| it.severity == Severity::Warning);
    let ignored: Vec<_> = ignored.map(|it| it.key).collect();
    assert_eq!(ignored, ["trace_agent_port", "dogstatsd_port"]);
    let agent = start(config).await;
    let Listeners {
        trace_tcp,
        logs_tcp,
        dogstatsd_udp,
        trace_uds: None,
        ..
    } = agent.listeners().clone()
    else {
        panic!("{:?}", agent.listeners());
    };
    assert!(agent.get_bound_port().unwrap() >= 1_024 && agent.get_bound_port() != Some(18_126));
    let statsd = agent.get_dogstatsd_port().unwrap();
    assert!(statsd >= 1_024 && statsd == dogstatsd_udp.unwrap().port() && statsd != 18_125);
    for address in [trace_tcp.unwrap(), logs_tcp.unwrap()] {
        assert_ok(&ask(address, &get("/info")).await);
    }
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn port_0_is_ephemeral_in_the_mode_of_fixed_ports_too() {
    let intake = Intake::start().await;
    let agent = start(config(&intake, &[("DD_TRACE_AGENT_PORT", "0")])).await;
    assert_eq!(
        agent.config().operational_mode,
        OperationalMode::HttpFixedPort
    );
    assert_ne!(agent.get_bound_port(), Some(0));
    agent.shutdown().await.unwrap();
}

#[tokio::test]
async fn without_a_path_the_socket_has_one_of_its_own_that_only_its_user_can_connect_to() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let in_folder = ("TMPDIR", folder.path().to_str().unwrap());
    for (extra, parent) in [(&[][..], Path::new("/tmp")), (&[in_folder], folder.path())] {
        let mode = ("DD_OPERATIONAL_MODE", "http_uds");
        let agent = start(config(&intake, &[&[mode], extra].concat())).await;
        assert_eq!(agent.get_bound_port(), None);
        let path = agent.listeners().trace_uds.clone().unwrap();
        assert_eq!(path.parent().unwrap(), parent);
        let name = path.file_name().unwrap().to_str().unwrap();
        let digits = name.strip_prefix(&format!("dd-trace-{}-", std::process::id()));
        let digits = digits.and_then(|rest| rest.strip_suffix(".sock")).unwrap();
        assert!(digits.len() == 6 && digits.bytes().all(|it| it.is_ascii_hexdigit()));
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_ok(&ask_socket(&path, &get("/info")).await);
        assert_ok(&ask_socket(&path, &post("/v0.4/traces", &trace(7, "shop"))).await);
        agent.shutdown().await.unwrap();
        assert!(!path.exists());
    }
    assert_eq!(intake.traces().len(), 2);
}

#[tokio::test]
async fn a_path_alone_selects_the_mode_of_sockets_and_a_mode_of_ports_beside_it_is_refused() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("apm.sock");
    let uds = ("DD_TRACE_AGENT_UDS_PATH", path.to_str().unwrap());
    let agent = start(config(&intake, &[uds])).await;
    assert_eq!(agent.listeners().trace_uds.as_deref(), Some(&*path));
    agent.shutdown().await.unwrap();
    let both = config(&intake, &[uds, ("DD_AGENT_MODE", "fixed")]);
    let error = AgentCoordinator::new(both).unwrap_err();
    assert!(matches!(error, AgentError::ConfigError(_)), "{error:?}");
}

#[test]
fn an_unknown_mode_is_refused_by_its_name() {
    let variables = [("DD_API_KEY", KEY), ("DD_AGENT_MODE", "ffi_only")];
    let error = AgentCoordinator::new(Config::from_env_iter(variables)).unwrap_err();
    assert!(error.to_string().contains("http_uds"), "{error}");
}

#[tokio::test]
async fn a_second_agent_on_the_same_port_fails_and_the_first_goes_on() {
    let intake = Intake::start().await;
    let port = free_port().await;
    let extra = [("DD_TRACE_AGENT_PORT", port.as_str())];
    let first = start(config(&intake, &extra)).await;
    let error = refused(config(&intake, &extra)).await;
    assert!(
        error.contains(&format!("Address already in use (port {port})")),
        "{error}"
    );
    let address = first.listeners().trace_tcp.unwrap();
    assert_ok(&ask(address, &post("/v0.4/traces", &trace(7, "shop"))).await);
    first.shutdown().await.unwrap();
    assert_eq!(intake.traces().len(), 1);
}

fn on_socket(intake: &Intake, path: &Path) -> Config {
    config(
        intake,
        &[("DD_TRACE_AGENT_UDS_PATH", path.to_str().unwrap())],
    )
}

#[tokio::test]
async fn the_socket_of_a_dead_agent_gives_way_and_nothing_else_does() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };

    let dead = path("dead");
    drop(UnixListener::bind(&dead).unwrap());
    start(on_socket(&intake, &dead))
        .await
        .shutdown()
        .await
        .unwrap();
    assert!(!dead.exists());

    let live = path("live");
    let first = start(on_socket(&intake, &live)).await;
    let error = refused(on_socket(&intake, &live)).await;
    assert!(error.contains("Address already in use"), "{error}");
    assert_ok(&ask_socket(&live, &get("/info")).await);
    first.shutdown().await.unwrap();

    let link = path("link");
    std::os::unix::fs::symlink(path("elsewhere"), &link).unwrap();
    let error = refused(on_socket(&intake, &link)).await;
    assert!(error.contains("symlink"), "{error}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

    let file = path("file");
    fs::write(&file, "precious").unwrap();
    let error = refused(on_socket(&intake, &file)).await;
    assert!(error.contains("not a socket"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn a_path_of_100_bytes_is_bound_and_one_of_101_is_refused_with_its_length() {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().as_os_str().len() + 1;
    let longest = folder.path().join("s".repeat(100 - base));
    assert_eq!(longest.as_os_str().len(), 100);
    let agent = start(on_socket(&intake, &longest)).await;
    assert!(
        fs::symlink_metadata(&longest)
            .unwrap()
            .file_type()
            .is_socket()
    );
    agent.shutdown().await.unwrap();
    let longer = folder.path().join("s".repeat(101 - base));
    let error = AgentCoordinator::new(on_socket(&intake, &longer)).unwrap_err();
    assert!(matches!(error, AgentError::ConfigError(_)), "{error:?}");
    assert!(error.to_string().contains("too long: 101 bytes"), "{error}");
}
