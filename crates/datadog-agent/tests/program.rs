//! The program as a user runs it: verbs, addresses, exit codes, and what an intake gets from it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "program/dev.rs"]
mod dev;
#[path = "program/patterns.rs"]
mod patterns;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use datadog_dev_intake::Intake;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PROGRAM: &str = env!("CARGO_BIN_EXE_datadog-agent-native");
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A command with an environment of its own, so that the tester's variables change nothing.
fn program(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env_clear()
        // Nothing here may leave the machine.
        .env("DD_REMOTE_CONFIGURATION_ENABLED", "false")
        .envs(environment.iter().copied());
    command
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A program that runs until it is told to stop; killed when a test fails.
struct Running {
    child: Child,
    addresses: Value,
}

impl Running {
    async fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            line
        });
        let line = line.await.unwrap();
        let addresses =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("announced {line:?}"));
        Self { child, addresses }
    }

    fn url(&self, name: &str) -> &str {
        self.addresses[name].as_str().unwrap()
    }

    fn terminate(&self) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &id]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end.
    async fn ended(mut self) -> ExitStatus {
        let mut child = std::mem::replace(&mut self.child, Command::new("true").spawn().unwrap());
        tokio::task::spawn_blocking(move || child.wait().unwrap())
            .await
            .unwrap()
    }

    /// SIGTERM; returns the exit code.
    async fn stop(self) -> Option<i32> {
        self.terminate();
        self.ended().await.code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Posts a body and returns the whole answer.
async fn post(url: &str, path: &str, body: &str) -> String {
    exchange(url, "POST", path, body).await
}

/// Sends a request and returns the whole answer.
async fn exchange(url: &str, method: &str, path: &str, body: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Lines with what makes trouble: quotes, control characters, blanks at the ends, nothing, and more than one batch.
fn sample_lines() -> Vec<String> {
    let odd = [
        "",
        "  kept  ",
        "\t\"quoted\" \\ and \u{1}\u{7f}",
        "größer 🎉",
        "{\"json\":true}",
    ];
    odd.iter()
        .map(|&line| line.to_owned())
        .chain((0..2_500).map(|n| format!("line {n} of many")))
        .collect()
}

fn write_sample(folder: &Path) -> (String, Vec<String>) {
    let path = folder.join("sample.log");
    let lines = sample_lines();
    let mut file = std::fs::File::create(&path).unwrap();
    for (number, line) in lines.iter().enumerate() {
        let end = if number % 3 == 0 { "\r\n" } else { "\n" };
        write!(file, "{line}{end}").unwrap();
    }
    (path.to_str().unwrap().to_owned(), lines)
}

/// Runs the verb `logs` on the sample against `intake`; returns the report, the exit code and the sample.
async fn send_sample(intake: &Intake) -> (Value, Option<i32>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (path, lines) = write_sample(folder.path());
    let url = intake.url();
    let environment = [
        ("DD_API_KEY", KEY),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", url.as_str()),
        ("DD_HTTP_TIMEOUT", "1"),
        ("DD_LOG_LEVEL", "off"),
    ];
    let output = output(program(&["logs", &path, "--format", "json"], &environment)).await;
    let report =
        serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    (report, output.status.code(), lines)
}

async fn sample_arrives_through(intake: &Intake) {
    let (report, code, lines) = send_sample(intake).await;
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["delivered"], lines.len(), "{report}");
    assert_eq!(report["dropped"], serde_json::json!({}));
    let arrived = intake.messages();
    assert_eq!(arrived.len(), lines.len());
    assert!(
        arrived.iter().eq(&lines),
        "the messages differ from the lines"
    );
}

#[tokio::test]
async fn lines_of_a_file_arrive_in_order_and_byte_for_byte() {
    sample_arrives_through(&Intake::start().await).await;
}

#[tokio::test]
async fn lines_survive_an_intake_that_is_overloaded() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").times(2).reply(429).retry_after(1);
    sample_arrives_through(&intake).await;
}

#[tokio::test]
async fn lines_survive_an_intake_that_fails() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").times(4).reply(500);
    sample_arrives_through(&intake).await;
}

#[tokio::test]
async fn lines_survive_an_intake_that_closes_the_connection_or_hangs() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").times(1).close();
    intake.on("/api/v2/logs").times(1).hang();
    sample_arrives_through(&intake).await;
}

#[tokio::test]
async fn batches_that_are_too_large_are_halved_and_keep_their_order() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").min_items(300).reply(413);
    sample_arrives_through(&intake).await;
}

#[tokio::test]
async fn lines_that_are_refused_are_counted_with_their_reason() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").reply(403);
    let (report, code, lines) = send_sample(&intake).await;
    assert_eq!(code, Some(1));
    assert_eq!(report["delivered"], 0);
    assert_eq!(
        report["dropped"],
        serde_json::json!({ "client_4xx": lines.len() })
    );
    assert!(intake.messages().is_empty());
}

#[tokio::test]
async fn standard_input_is_sent_and_a_missing_file_is_reported() {
    let intake = Intake::start().await;
    let url = intake.url();
    let environment = [
        ("DD_API_KEY", KEY),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", url.as_str()),
    ];
    let mut command = program(
        &["logs", "-", "/nowhere/at-all.log", "--format", "json"],
        &environment,
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo").unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(intake.messages(), ["one", "two"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        report["files"][1]["error"]
            .as_str()
            .unwrap()
            .contains("/nowhere/at-all.log"),
        "{report}"
    );
}

#[tokio::test]
async fn a_signal_ends_a_read_that_waits_and_sends_what_was_begun() {
    let intake = Intake::start().await;
    let url = intake.url();
    let environment = [
        ("DD_API_KEY", KEY),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", url.as_str()),
        ("DD_LOGS_CONFIG_BATCH_WAIT", "1"),
    ];
    let mut command = program(&["logs", "-", "--format", "json"], &environment);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\nbegun").unwrap();
    intake.expect_logs(&["one"]).await;
    let id = child.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &id]).status();
    assert!(kill.unwrap().success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = output.await.unwrap();
    drop(stdin);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["files"][0]["error"], "interrupted");
    assert_eq!(report["delivered"], 2);
    assert_eq!(intake.messages(), ["one", "begun"]);
}

#[tokio::test]
async fn the_agent_delivers_what_was_accepted_before_it_stops() {
    let intake = Intake::start().await;
    let url = intake.url();
    let environment = [
        ("DD_API_KEY", KEY),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_AGENT_PORT", "0"),
        ("DD_APM_ENABLED", "false"),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", url.as_str()),
        ("DD_HOSTNAME", "web-1"),
        ("DD_TAGS", "team:a"),
    ];
    let agent = Running::start(program(&["run", "--format", "json"], &environment)).await;
    let answer = post(
        agent.url("logs"),
        "/v1/input",
        r#"[{"message":"at the end"}]"#,
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"),
        "{answer}"
    );
    assert_eq!(agent.stop().await, Some(0));
    assert_eq!(intake.messages(), ["at the end"]);
    let request = intake.raw_requests().remove(0);
    assert_eq!(request.problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_signal_ends_a_program_that_cannot_deliver() {
    let intake = Intake::start().await;
    intake.on("/api/v2/logs").hang();
    let url = intake.url();
    let environment = [
        ("DD_API_KEY", KEY),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_AGENT_PORT", "0"),
        ("DD_APM_ENABLED", "false"),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", url.as_str()),
    ];
    let agent = Running::start(program(&["run", "--format", "json"], &environment)).await;
    post(agent.url("logs"), "/v1/input", r#"[{"message":"stuck"}]"#).await;
    let address = agent.url("logs").trim_start_matches("http://").to_owned();
    agent.terminate();
    // The log server is closed first of all.
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    agent.terminate();
    assert_eq!(agent.ended().await.signal(), Some(15));
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let environment = [
        ("DD_API_KEY", KEY),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_AGENT_PORT", port.as_str()),
        ("DD_APM_ENABLED", "false"),
    ];
    let output = output(program(&["run"], &environment)).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    let text = stderr(&output);
    assert!(
        text.contains(&format!("Address already in use (port {port})")),
        "{text}"
    );
}

#[tokio::test]
async fn config_shows_sources_masks_secrets_and_fails_on_what_is_fatal() {
    let good = [("DD_API_KEY", KEY), ("DD_SITE", "us5")];
    let shown = output(program(&["config", "--set"], &good)).await;
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    let text = stdout(&shown);
    assert!(
        text.contains("us5.datadoghq.com") && text.contains("DD_SITE"),
        "{text}"
    );
    assert!(text.contains("cdef") && !text.contains(KEY), "{text}");

    let bad = [("DD_API_KEY", KEY), ("DD_LOGS_AGENT_PORT", "70000")];
    let refused = output(program(&["config"], &bad)).await;
    assert_eq!(refused.status.code(), Some(1));
    let text = stdout(&refused);
    assert!(text.contains("DD_LOGS_AGENT_PORT"), "{text}");
}

#[tokio::test]
async fn a_mistake_is_one_clear_line() {
    let output = output(program(&["run"], &[("DD_LOGS_ENABLED", "true")])).await;
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("API key not configured"), "{text}");
}
