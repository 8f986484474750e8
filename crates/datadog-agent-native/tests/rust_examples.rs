//! The examples as programs of their own: they start, take a trace, and deliver it when they are told to stop.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use datadog_dev_intake::Intake;
use signal_hook::consts::SIGTERM;
use support::{ask_socket, assert_ok, post, to_intake, trace};
use tokio::net::UnixStream;

/// The program of an example, next to that of this test; built now where only tests were.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples").join(name);
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--locked",
            "--quiet",
            "--package",
            env!("CARGO_PKG_NAME"),
        ]);
        build.args(["--example", name]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success());
    }
    program
}

/// Killed when a test fails.
struct Running(Child);

impl Running {
    /// Tells it to stop, once it waits for that: an agent takes signals from its host only then.
    async fn terminated(mut self) -> ExitStatus {
        let id = self.0.id().to_string();
        while !catches_sigterm(&id) {
            tokio::task::yield_now().await;
        }
        let kill = Command::new("kill").args(["-TERM", &id]).status();
        assert!(kill.unwrap().success());
        tokio::task::spawn_blocking(move || self.0.wait().unwrap())
            .await
            .unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
    }
}

async fn runs(name: &str) -> Intake {
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("apm.sock");
    let mut command = Command::new(example(name));
    command.env_clear().envs(to_intake(&intake));
    command.env("DD_TRACE_AGENT_UDS_PATH", &socket);
    let mut running = Running(command.spawn().unwrap());
    accepts(&mut running.0, &socket).await;
    assert_ok(&ask_socket(&socket, &post("/v0.4/traces", &trace(7, "shop"))).await);
    assert_eq!(running.terminated().await.code(), Some(0));
    assert_eq!(intake.traces().len(), 1);
    intake
}

fn catches_sigterm(id: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let mask = status.lines().find_map(|it| it.strip_prefix("SigCgt:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask >> (SIGTERM - 1) & 1 == 1
}

/// Waits until somebody listens.
async fn accepts(child: &mut Child, socket: &Path) {
    while UnixStream::connect(socket).await.is_err() {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("it ended before it listened: {status}");
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn basic_delivers_what_it_took_when_it_is_told_to_stop() {
    let intake = runs("basic").await;
    let requests = intake.raw_requests();
    assert!(
        requests
            .iter()
            .any(|it| it.header("dd-api-key") == Some(support::KEY))
    );
}

#[tokio::test]
async fn environment_uses_what_it_sets_itself() {
    let intake = runs("environment").await;
    let requests = intake.raw_requests();
    assert!(
        requests
            .iter()
            .any(|it| it.header("dd-api-key") == Some("your-api-key"))
    );
    let env = intake.traces()[0].agent.env.clone();
    assert_eq!(env, "production");
}
