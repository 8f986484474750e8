//! The example of a server with the firewall as a middleware, as a program of its own: what it does without the library,
//! and, where `DD_APPSEC_LIBDDWAF_PATH` names the library while this is compiled, what it blocks and what arrives.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use datadog_dev_intake::Intake;
use serde_json::{Value, json};
use support::{ask, assert_ok, to_intake};

/// The example, built as this test is.
fn example() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--locked", "--quiet", "--features", "appsec"]);
    build.args(["--package", env!("CARGO_PKG_NAME")]);
    build.args(["--example", "appsec_http_middleware"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success());
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    folder.join("examples/appsec_http_middleware")
}

/// The recommended rules with all that they find of attacks blocked, as a file.
fn blocking(library: &Path, folder: &Path) -> PathBuf {
    let rules = std::fs::read(library.with_file_name("rules.json")).unwrap();
    let mut rules: Value = serde_json::from_slice(&rules).unwrap();
    let attacks = json!({"tags": {"category": "attack_attempt"}});
    rules["rules_override"] = json!([{"rules_target": [attacks], "on_match": ["block"]}]);
    let file = folder.join("blocking.json");
    std::fs::write(&file, rules.to_string()).unwrap();
    file
}

/// The server, once it listens.
fn started(intake: &Intake, library: &Path, rules: &Path) -> (Child, SocketAddr) {
    let mut server = Command::new(example());
    server
        .arg("127.0.0.1:0")
        .env_clear()
        .envs(to_intake(intake));
    server.env("DD_APPSEC_LIBDDWAF_PATH", library);
    server.env("DD_APPSEC_RULES", rules);
    server.envs([
        ("DD_APPSEC_WAF_TIMEOUT", "1s"),
        ("DD_AGENT_MODE", "http_ephemeral_port"),
        ("DD_DOGSTATSD_ENABLED", "false"),
    ]);
    let mut running = server.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut output = BufReader::new(running.stdout.take().unwrap());
    output.read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("listening on ").unwrap();
    (running, address.parse().unwrap())
}

fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn the_middleware_blocks_attacks_and_lets_others_through() {
    let Some(library) = option_env!("DD_APPSEC_LIBDDWAF_PATH").filter(|path| !path.is_empty())
    else {
        // Not by a macro: what tests print that succeed is not shown.
        let line = b"skipped: DD_APPSEC_LIBDDWAF_PATH is not set, so the middleware is not tested (`cargo xtask waf`)\n";
        std::io::stderr().write_all(line).unwrap();
        return;
    };
    let intake = Intake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let rules = blocking(Path::new(library), folder.path());
    let (running, address) = started(&intake, Path::new(library), &rules);

    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let json = "Content-Type: application/json\r\n";
    for benign in [
        request("GET /products/7?color=red", "Accept: text/html\r\n", ""),
        request("POST /orders", json, r#"{"items":[{"id":7,"count":2}]}"#),
        request("POST /login", form, "user=bob&remember=1"),
    ] {
        let answer = ask(address, &benign).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
    assert_ok(&ask(address, &request("GET /", "", "")).await);

    let sql =
        "/search?q=1%27%20OR%20%271%27%3D%271%27%20UNION%20SELECT%20password%20FROM%20users--";
    let html = ask(
        address,
        &request(&format!("GET {sql}"), "Accept: text/html\r\n", ""),
    )
    .await;
    let script = r#"{"note":"<script>alert(document.cookie)</script>"}"#;
    let page = ask(address, &request("POST /orders", json, script)).await;
    let path = ask(
        address,
        &request("POST /login", form, "next=../../../../etc/passwd"),
    )
    .await;
    for (refused, content_type) in [
        (&html, "text/html"),
        (&page, "application/json"),
        (&path, "application/json"),
    ] {
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
        assert!(
            refused.contains(&format!("content-type: {content_type}\r\n")),
            "{refused}"
        );
    }
    let body: Value = serde_json::from_str(page.split_once("\r\n\r\n").unwrap().1).unwrap();
    let told = body["security_response_id"].as_str().unwrap();
    assert_eq!(told.len(), 36);

    let large = "x".repeat((1 << 20) + 1);
    let refused = ask(address, &request("POST /orders", json, &large)).await;
    assert!(refused.starts_with("HTTP/1.1 413"), "{refused}");

    stop(running).await;
    let traces = intake.traces();
    let spans: Vec<_> = traces.iter().flat_map(|trace| trace.spans()).collect();
    assert_eq!(spans.len(), 7, "all but the one that was too large");
    let blocked: Vec<_> = spans
        .iter()
        .filter(|span| span.meta.contains_key("appsec.blocked"))
        .collect();
    let resources: Vec<_> = blocked.iter().map(|span| &*span.resource).collect();
    assert_eq!(resources, ["GET /search", "POST /orders", "POST /login"]);
    let of_order = &blocked[1].meta;
    assert_eq!(of_order["appsec.blocked"], "true");
    assert_eq!(of_order["http.status_code"], "403");
    assert_eq!(of_order["http.route"], "/orders");
    let events: Value = serde_json::from_str(&of_order["_dd.appsec.json"]).unwrap();
    assert_eq!(events["triggers"][0]["rule"]["tags"]["type"], "xss");
    assert_eq!(events["triggers"][0]["security_response_id"], told);
    for span in spans
        .iter()
        .filter(|span| !span.meta.contains_key("appsec.blocked"))
    {
        assert!(
            !span.meta.contains_key("_dd.appsec.json"),
            "{}",
            span.resource
        );
        assert!(
            span.meta.contains_key("_dd.appsec.fp.http.endpoint"),
            "{}",
            span.resource
        );
    }
}

/// Asks the server to stop and waits for its end, while the intake takes what it still sends.
async fn stop(mut running: Child) {
    let id = running.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status();
    assert!(asked.unwrap().success());
    let ended = tokio::task::spawn_blocking(move || running.wait().unwrap()).await;
    assert_eq!(ended.unwrap().code(), Some(0));
}

#[test]
fn without_the_library_the_middleware_says_so_and_ends() {
    let mut server = Command::new(example());
    server.arg("127.0.0.1:0").env_clear();
    server.env("DD_APPSEC_LIBDDWAF_PATH", "/nowhere/libddwaf.so");
    let ended = server.output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8(ended.stderr).unwrap();
    let wanted = "the firewall cannot be loaded: ";
    assert!(
        said.starts_with(wanted) && said.contains("/nowhere/libddwaf.so"),
        "{said}"
    );
    assert_eq!(ended.stdout, b"");
}
