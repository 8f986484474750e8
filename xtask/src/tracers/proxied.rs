//! What an agent only passes on: telemetry of the tracer itself, and a large profile, byte for byte.

use anyhow::ensure;
use serde_json::{Value, json};

use super::arrived::{list, records, word};
use super::compare::Findings;
use crate::http::{request, request_with};

/// Bytes of the profile.
const PROFILE: usize = 20 * 1_024 * 1_024;
/// Between the parts of the form.
const BOUNDARY: &str = "profile-of-a-shop";

/// Sends a profile as profilers do: a form of its description and its bytes.
pub(crate) fn upload(agent: &str) -> anyhow::Result<()> {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let url = format!("{agent}/profiling/v1/input");
    let headers = [("Content-Type", kind.as_str())];
    let (status, answer) = request_with("POST", &url, &headers, form().as_bytes())?;
    ensure!(
        (200..300).contains(&status),
        "a profile was answered {status} {answer:?}"
    );
    Ok(())
}

/// The same form each time; its bytes are letters, so that it can be compared as a text.
fn form() -> String {
    let event = r#"{"attachments":["main.pprof"],"tags_profiler":"service:shop","family":"go","version":"4"}"#;
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789".iter().cycle();
    let profile: String = letters.take(PROFILE).copied().map(char::from).collect();
    let part = |name: &str, file: &str, kind: &str, body: &str| {
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {kind}\r\n\r\n{body}\r\n"
        )
    };
    let event = part("event", "event.json", "application/json", event);
    let kind = "application/octet-stream";
    let profile = part("main.pprof", "main.pprof", kind, &profile);
    format!("{event}{profile}--{BOUNDARY}--\r\n")
}

/// The profile has arrived as it was sent.
pub(crate) fn check_upload(intake: &str, out: &mut Findings) -> anyhow::Result<()> {
    let requests = records(intake, "requests")?;
    let profiles = requests.iter().filter(|one| one["product"] == "profiling");
    let profiles: Vec<&Value> = profiles.collect();
    let [profile] = profiles.as_slice() else {
        out.add(format!("{} profiles arrived, not 1", profiles.len()));
        return Ok(());
    };
    let parts = list(&profile["parts"]).iter();
    let parts: Value = parts
        .map(|part| json!([part["name"], part["filename"]]))
        .collect();
    let expected = json!([["event", "event.json"], ["main.pprof", "main.pprof"]]);
    out.equal("parts of the profile", &expected, &parts);
    let url = format!(
        "{intake}/inspect/requests/{}/body?wire=1",
        word(&profile["seq"])
    );
    let (_, body) = request("GET", &url, b"")?;
    if body != form() {
        let bytes = body.len();
        out.add(format!("the profile arrived as {bytes} other bytes"));
    }
    Ok(())
}

/// The tracer's telemetry has arrived, from its start on.
pub(crate) fn telemetry(intake: &str, out: &mut Findings) -> anyhow::Result<usize> {
    let requests = records(intake, "requests")?;
    let telemetry = requests.iter().filter(|one| one["product"] == "telemetry");
    let telemetry: Vec<&Value> = telemetry.collect();
    let kinds = telemetry.iter().flat_map(|one| {
        let batch = list(&one["messages"]).iter();
        batch.chain([&one["request_type"]]).map(word)
    });
    let kinds: Vec<String> = kinds.collect();
    if !kinds.iter().any(|kind| kind == "app-started") {
        out.add(format!("no telemetry of the start arrived, only {kinds:?}"));
    }
    Ok(telemetry.len())
}
