//! The agent as a program, on whichever network.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::network::Network;
use crate::sender::request;

const PROGRAM: &str = env!("CARGO_BIN_EXE_datadog-agent-native");

/// A running agent; killed when the test fails.
pub(crate) struct Agent {
    child: Child,
    /// Holds its socket.
    folder: TempDir,
}

impl Agent {
    pub(crate) async fn start(
        network: &Network,
        intake: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("logs.sock");
        let mut command = network.command(PROGRAM);
        command
            .args(["run", "--format", "json"])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DD_API_KEY", "0123456789abcdef0123456789abcdef")
            .env("DD_REMOTE_CONFIGURATION_ENABLED", "false")
            .env("DD_LOGS_ENABLED", "true")
            .env("DD_LOGS_AGENT_PORT", "0")
            .env("DD_APM_ENABLED", "false")
            .env("DD_LOGS_SOCKET", &socket)
            .env("DD_LOGS_CONFIG_LOGS_DD_URL", intake)
            .env("DD_LOGS_CONFIG_BATCH_WAIT", "1")
            .env("DD_LOGS_CONFIG_SENDER_BACKOFF_MAX", "2")
            .env("DD_STATEFUL_ENABLED", "true")
            .env("DD_STATEFUL_DD_URL", intake)
            .env("DD_LOG_LEVEL", "error")
            .envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let announced = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            line
        });
        let announced = announced.await.unwrap();
        assert!(announced.contains("logs_socket"), "announced {announced:?}");
        Self { child, folder }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("logs.sock")
    }

    pub(crate) async fn status(&self) -> Value {
        let socket = self.socket();
        let asked = tokio::task::spawn_blocking(move || {
            let mut connection = std::os::unix::net::UnixStream::connect(socket).unwrap();
            request(&mut connection, "GET", "/status", b"").unwrap()
        });
        let (status, body) = asked.await.unwrap();
        assert_eq!(status, 200);
        serde_json::from_slice(&body).unwrap()
    }

    /// The most memory that it had at a time.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.unwrap().split_whitespace().next().unwrap();
        kib.parse::<u64>().unwrap() / 1_024
    }

    /// Files and sockets that it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }

    fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.child.id().to_string())
            .join(name)
    }

    /// SIGTERM; returns the exit code.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &id]).status();
        assert!(kill.unwrap().success());
        tokio::task::spawn_blocking(move || self.child.wait().unwrap().code())
            .await
            .unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
