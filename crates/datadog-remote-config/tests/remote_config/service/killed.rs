//! A process that is killed while it writes: what it had said to be kept is there, whole.
//!
//! The test starts itself again as the process that writes; a file in its directory tells it to.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use datadog_remote_config::backend::ApiError;
use serde_json::json;

use super::{Agent, persistent, response};
use crate::signer::{Backend, TOP_FILE, target};

const WANTED: &str = "write-until-killed";
const PROGRESS: &str = "progress";
/// Bytes of the file in each version, so that a transaction has many pages.
const FILE_BYTES: usize = 100_000;

/// The content of a version, which is its number again and again.
fn content(version: u64) -> Bytes {
    let number = format!("{version:08} ");
    number.repeat(FILE_BYTES / number.len()).into()
}

fn publish(backend: &mut Backend, version: u64) {
    let content = content(version);
    backend.config.files[TOP_FILE] = target(&content);
    backend.director.files[TOP_FILE] = target(&content);
    backend.director.files[TOP_FILE]["custom"] = json!({"v": version});
    backend.files.insert(TOP_FILE.to_owned(), content);
    for repo in [&mut backend.config, &mut backend.director] {
        repo.timestamp_version = version;
        repo.snapshot_version = version;
        repo.targets_version = version;
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "is started by the tests that kill it"]
async fn write_until_killed() {
    if !Path::new(WANTED).exists() {
        return;
    }
    let mut backend = Backend::new();
    let config = persistent(&backend, Path::new("."));
    let first = Agent::start(config, Err(ApiError::Unavailable(503))).await;
    assert_eq!(first.snapshot().store, "file");
    let begun = first.snapshot().director_targets_version;
    let mut subscriber = first.subscribe(&["ASM_FEATURES"]);
    if begun > 0 {
        // What was kept is news to who has just come.
        subscriber.changed().await.unwrap();
    }
    for version in begun + 1..begun + 100_000 {
        publish(&mut backend, version);
        first.fake.answer_with(Ok(response(&backend)));
        subscriber.changed().await.unwrap();
        fs::write("progress.new", version.to_string()).unwrap();
        fs::rename("progress.new", PROGRESS).unwrap();
    }
}

/// Kills the writer so often, at moments that chance chooses, and looks each time at what it left.
async fn kill(rounds: usize) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join(WANTED), "").unwrap();
    let backend = Backend::new();
    let progress = || -> u64 {
        let text = fs::read_to_string(path.join(PROGRESS)).unwrap_or_default();
        text.parse().unwrap_or(0)
    };
    let mut begun_with = 0;
    for round in 0..rounds {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "service::killed::write_until_killed",
            ])
            .current_dir(path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // It has to have written something since the last time.
        while progress() == begun_with {
            assert_eq!(
                writer.try_wait().unwrap(),
                None,
                "the writer ended by itself"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(fastrand::u64(..60_000)));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let said = progress();
        let agent = Agent::start(persistent(&backend, path), Err(ApiError::Unavailable(503))).await;
        let snapshot = agent.snapshot();
        assert_eq!(snapshot.store, "file", "round {round}");
        let kept = snapshot.director_targets_version;
        assert!(
            kept >= said,
            "round {round}: {kept} is kept, {said} was said to be"
        );
        let files = agent.subscribe(&["ASM_FEATURES"]).current();
        assert_eq!(files[0].version, kept);
        assert_eq!(files[0].raw, content(kept), "round {round}");
        agent.stop().await;
        begun_with = said;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_survives_a_kill_at_any_moment() {
    kill(30).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes; run it after a change of the store"]
async fn what_was_kept_survives_a_thousand_kills() {
    kill(1_000).await;
}
