//! The verb `dev`: an agent and an intake in one process, of which nothing leaves the machine.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{KEY, Running, exchange, output, post, program, stdout};

/// Longest time to wait for anything.
const LIMIT: Duration = Duration::from_secs(90);

/// What is answered as JSON.
async fn json_of(url: &str, path: &str) -> Value {
    let answer = exchange(url, "GET", path, "").await;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
    serde_json::from_str(body.unwrap()).unwrap_or_else(|_| panic!("{answer}"))
}

#[tokio::test]
async fn dev_shows_what_it_was_posted_and_answers_status() {
    let dev = Running::start(program(&["dev", "--ephemeral", "--format", "json"], &[])).await;
    let answer = post(
        dev.url("logs"),
        "/api/v2/logs",
        r#"{"message":"hello dev"}"#,
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let arrived = first_log(dev.url("intake")).await;
    assert_eq!(arrived["message"], "hello dev");

    let address = dev.url("logs").to_owned();
    let output = output(program(
        &["status", "--addr", &address, "--format", "json"],
        &[],
    ))
    .await;
    let status: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(status["state"], "running");
    assert_eq!(status["pipelines"]["logs"]["received"], 1);
    assert_eq!(dev.stop().await, Some(0));
}

/// Waits until the part of the status about remote configuration is as it should be.
async fn remote_config_when(logs: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let status = json_of(logs, "/status").await;
        let found = &status["pipelines"]["remote_config"];
        if is_so(found) {
            return found.clone();
        }
        assert!(begun.elapsed() < LIMIT, "{found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn dev_goes_by_what_is_pushed_to_its_own_intake_and_keeps_to_it_when_an_answer_is_forged() {
    // Nothing of this may be asked or kept.
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("kept");
    let environment = [
        ("DD_REMOTE_CONFIGURATION_ENABLED", "true"),
        ("DD_REMOTE_CONFIGURATION_RC_DD_URL", "https://rc.invalid"),
        ("DD_REMOTE_CONFIGURATION_API_KEY", KEY),
        ("DD_REMOTE_CONFIG_STORE_PATH", store.to_str().unwrap()),
        ("DD_SKIP_SSL_VALIDATION", "true"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ];
    let arguments = ["dev", "--ephemeral", "--format", "json"];
    let dev = Running::start(program(&arguments, &environment)).await;
    let (intake, logs) = (dev.url("intake"), dev.url("logs"));
    let pushed = r#"[{"product":"APM_SAMPLING","id":"all","config":{"all_envs":{"priority_sampler_target_tps":5}}},
        {"product":"AGENT_CONFIG","id":"layer","config":{"name":"layer","config":{"log_level":"off"}}},
        {"product":"AGENT_CONFIG","id":"configuration_order","config":{"order":["layer"],"internal_order":[]}}]"#;
    let answer = post(intake, "/inspect/remote_config", pushed).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let in_force = |status: &Value| {
        status["active"]["sampling"]["target_tps"] == 5.0 && status["active"]["log_level"] == "off"
    };
    let status = remote_config_when(logs, in_force).await;
    assert_eq!(status["url"], intake);
    assert_eq!(status["store"], "memory");
    assert_eq!(status["interval_s"], 5);
    assert!(!store.exists());

    let begun = Instant::now();
    loop {
        let shown = json_of(intake, "/inspect/remote_config").await;
        let files = shown["pushed"].as_array().unwrap();
        let took = |file: &Value| file["clients"][0]["apply_state"] == "acknowledged";
        if files.len() == 3 && files.iter().all(took) {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let forged = r#"{"rules":[{"path":"/api/v0.1/configurations","tamper":"bad_signature"}]}"#;
    post(intake, "/inspect/faults", forged).await;
    let status = remote_config_when(logs, |status| status["state"] == "failing").await;
    let reason = "tuf: director targets: 0 valid signatures of 2";
    assert_eq!(status["last_error"], reason);
    assert!(in_force(&status), "{status}");
    assert_eq!(dev.stop().await, Some(0));
}

/// The first log that the intake shows; its stream stays open until there is one.
async fn first_log(url: &str) -> Value {
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET /inspect/logs?follow=1 HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the stream ended: {text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let record = text
            .lines()
            .find(|line| line.starts_with('{') && line.ends_with('}'));
        if let Some(record) = record {
            return serde_json::from_str(record).unwrap();
        }
    }
}
