//! What outlives a process, and what does not.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use datadog_remote_config::backend::ApiError;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde_json::json;
use tokio::time::Instant;

use super::{Agent, persistent, response};
use crate::signer::Backend;

const TABLES: [&str; 7] = [
    "meta",
    "config_meta",
    "director_meta",
    "config_roots",
    "director_roots",
    "targets",
    "org",
];

fn backend() -> Backend {
    let mut backend = Backend::new();
    backend.config.org_uuid = Some("u-1");
    backend
}

/// Runs until the backend was asked once, and leaves its store behind.
async fn run_once(backend: &Backend, directory: &Path) {
    let agent = Agent::start(persistent(backend, directory), Ok(response(backend))).await;
    agent.asked(1).await;
    assert_eq!(agent.snapshot().last_error, None);
    assert_eq!(agent.snapshot().store, "file");
    agent.stop().await;
}

/// Starts where the backend does not answer.
async fn start_alone(backend: &Backend, directory: &Path) -> Agent {
    let config = persistent(backend, directory);
    Agent::start(config, Err(ApiError::Unavailable(503))).await
}

#[tokio::test(start_paused = true)]
async fn what_was_believed_is_believed_after_a_restart_without_a_backend() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("a/b");
    let mut backend = backend();
    backend.director.custom = json!({"opaque_backend_state": "eyJhIjoxfQ=="});
    let first = persistent(&backend, &directory);
    // The chain of roots is kept too.
    backend.director.root_version = 2;
    let agent = Agent::start(first.clone(), Ok(response(&backend))).await;
    agent.asked(1).await;
    let uuid = agent.fake.requests()[0].agent_uuid.clone();
    agent.stop().await;
    let agent = Agent::start(first, Err(ApiError::Unavailable(503))).await;
    let subscriber = agent.subscribe(&["ASM_FEATURES"]);
    assert_eq!(subscriber.current().len(), 1);
    let snapshot = agent.snapshot();
    assert_eq!(
        (snapshot.director_root_version, snapshot.files.len()),
        (2, 2)
    );
    assert!(!snapshot.is_fresh);
    agent.asked(2).await;
    let requests = agent.fake.requests();
    // The first question of a process asks for everything, and so does the next until one was answered.
    assert_eq!(requests[1].current_director_root_version, 0);
    assert_eq!(requests[0].backend_client_state, br#"{"a":1}"#);
    assert_eq!(requests[0].org_uuid, "u-1");
    assert_eq!(requests[0].agent_uuid, uuid);
    agent.stop().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join("remote-config.db")), 0o600);
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_meanwhile_is_served_for_a_minute_and_still_forbids_what_is_older() {
    let directory = tempfile::tempdir().unwrap();
    let mut backend = backend();
    let old = response(&backend);
    backend.config.publish();
    backend.director.publish();
    backend.director.timestamp_expires = "2026-01-01T00:00:01Z";
    run_once(&backend, directory.path()).await;
    let config = persistent(&backend, directory.path());
    let agent = Agent::start(config, Ok(old)).await;
    agent.asked(1).await;
    assert_eq!(
        agent.snapshot().last_error.as_deref(),
        Some("tuf: config timestamp: rollback of the timestamp from version 2 to 1")
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    let request = || datadog_wire::remote_config::ClientGetConfigsRequest {
        client: Some(datadog_wire::remote_config::Client {
            id: "a".to_owned(),
            products: vec!["ASM_FEATURES".to_owned()],
            is_agent: true,
            client_agent: Some(datadog_wire::remote_config::ClientAgent::default()),
            state: Some(datadog_wire::remote_config::ClientState {
                root_version: 1,
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = agent.handle.handle_client_request(request()).await.unwrap();
    assert_eq!((answer.client_configs.len(), answer.config_status), (1, 0));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let answer = agent.handle.handle_client_request(request()).await.unwrap();
    assert_eq!((answer.client_configs.len(), answer.config_status), (0, 1));
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_store_of_another_key_backend_version_or_root_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let backend = backend();
    let usual = persistent(&backend, directory.path());
    let mut url = usual.clone();
    url.url = "http://other".to_owned();
    let mut version = usual.clone();
    version.identity.agent_version = "7.71.0".to_owned();
    let mut root = usual.clone();
    let mut rotated = Backend::new();
    rotated.director.root_version = 2;
    root.roots.director = rotated.director.root();
    for other in [url, version, root] {
        run_once(&backend, directory.path()).await;
        let agent = start_alone(&backend, directory.path()).await;
        assert_eq!(agent.snapshot().files.len(), 2);
        agent.stop().await;
        let agent = Agent::start(other, Err(ApiError::Unavailable(503))).await;
        assert_eq!(agent.snapshot().files, []);
        assert_eq!(agent.snapshot().store, "file");
        agent.stop().await;
    }
    let key = std::sync::Arc::new(datadog_remote_config::backend::FixedKey("other".to_owned()));
    run_once(&backend, directory.path()).await;
    let fake = super::Fake::new(Err(ApiError::Unavailable(503)));
    let agent = Agent::with(usual, key, fake).await;
    assert_eq!(agent.snapshot().files, []);
    agent.stop().await;
}

/// Changes one byte in the first row of a table, as somebody would who may write the file.
fn edit(directory: &Path, name: &str) {
    let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(name);
    let database = Database::open(directory.join("remote-config.db")).unwrap();
    let (key, mut value) = {
        let read = database.begin_read().unwrap();
        let table = read.open_table(table).unwrap();
        let (key, value) = table.last().unwrap().expect(name);
        (key.value().to_vec(), value.value().to_vec())
    };
    *value.last_mut().unwrap() ^= 1;
    let write = database.begin_write().unwrap();
    write
        .open_table(table)
        .unwrap()
        .insert(&key[..], &value[..])
        .unwrap();
    write.commit().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_edited_row_of_any_table_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let mut backend = backend();
    let config = persistent(&backend, directory.path());
    backend.config.root_version = 2;
    backend.director.root_version = 2;
    for name in TABLES {
        let agent = Agent::start(config.clone(), Ok(response(&backend))).await;
        agent.asked(1).await;
        assert_eq!(agent.snapshot().last_error, None, "{name}");
        agent.stop().await;
        edit(directory.path(), name);
        let agent = Agent::start(config.clone(), Err(ApiError::Unavailable(503))).await;
        assert_eq!(agent.snapshot().files, [], "{name}");
        assert_eq!(agent.snapshot().store, "file", "{name}");
        agent.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("remote-config.db");
    let backend = backend();
    run_once(&backend, directory.path()).await;
    let whole = fs::read(&path).unwrap();
    let half = whole[..whole.len() / 2].to_vec();
    let mut holes = whole.clone();
    for page in holes.chunks_mut(4_096).skip(1) {
        page[17] ^= 0x55;
    }
    for damaged in [half, holes, b"no database at all".to_vec()] {
        fs::write(&path, damaged).unwrap();
        let agent = start_alone(&backend, directory.path()).await;
        assert_eq!(agent.snapshot().files, []);
        assert_eq!(agent.snapshot().store, "file");
        agent.stop().await;
        run_once(&backend, directory.path()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_agent_in_the_same_directory_goes_on_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let backend = backend();
    run_once(&backend, directory.path()).await;
    let first = start_alone(&backend, directory.path()).await;
    let second = start_alone(&backend, directory.path()).await;
    assert_eq!(first.snapshot().files.len(), 2);
    assert_eq!(
        second.snapshot().store,
        "memory: the store is locked: another instance of the agent uses the same directory"
    );
    second.fake.answer_with(Ok(response(&backend)));
    second.asked(2).await;
    assert_eq!(second.snapshot().files.len(), 2);
    second.stop().await;
    first.stop().await;
}

#[tokio::test(start_paused = true)]
async fn where_no_file_can_be_made_it_is_memory() {
    let directory = tempfile::tempdir().unwrap();
    let blocked = directory.path().join("file");
    fs::write(&blocked, "not a directory").unwrap();
    let backend = backend();
    let config = persistent(&backend, &blocked);
    let agent = Agent::start(config, Ok(response(&backend))).await;
    agent.asked(1).await;
    let snapshot = agent.snapshot();
    assert!(snapshot.store.starts_with("memory: "), "{}", snapshot.store);
    assert_eq!(snapshot.files.len(), 2);
    agent.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_everybody_may_write_to_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let open = directory.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let agent = start_alone(&backend(), &open).await;
    assert!(agent.snapshot().store.starts_with("memory: "));
    agent.stop().await;
    assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_link_in_place_of_the_file_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = directory.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    let store = directory.path().join("store");
    fs::create_dir(&store).unwrap();
    std::os::unix::fs::symlink(&elsewhere, store.join("remote-config.db")).unwrap();
    let agent = start_alone(&backend(), &store).await;
    assert!(agent.snapshot().store.starts_with("memory: "));
    agent.stop().await;
    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    assert_eq!(fs::metadata(&elsewhere).unwrap().size(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_reset_empties_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let backend = backend();
    run_once(&backend, directory.path()).await;
    let agent = start_alone(&backend, directory.path()).await;
    agent.asked(1).await;
    let begin = Instant::now();
    agent.handle.reset().await;
    assert!(begin.elapsed() <= Duration::from_secs(1));
    agent.stop().await;
    let agent = start_alone(&backend, directory.path()).await;
    assert_eq!(agent.snapshot().files, []);
    agent.stop().await;
}
