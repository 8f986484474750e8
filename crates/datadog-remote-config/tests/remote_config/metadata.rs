//! Timestamps, snapshots and targets: versions, expiry, signatures, deltas and limits.

use datadog_remote_config::Update;
use serde_json::json;

use crate::signer::{Backend, ROLE_FILE, Repo, TOP_FILE, keys};
use crate::{NOW, apply, begin, contents, refuse, try_update};

const PAST: &str = "2026-01-01T00:00:00Z";

#[test]
fn a_first_update_is_believed_whole() {
    let backend = Backend::new();
    let trusted = apply(&begin(&backend), &backend.update());
    let expected = [
        (ROLE_FILE, "{\"rate\":1}"),
        (TOP_FILE, "{\"enabled\":true}"),
    ];
    assert_eq!(
        contents(&trusted),
        expected.map(|(path, text)| (path.to_owned(), text.to_owned()))
    );
    let versions = trusted.versions();
    assert_eq!((versions.config_root, versions.config_snapshot), (1, 1));
    assert_eq!((versions.director_root, versions.director_targets), (1, 1));
    assert_eq!(
        trusted.director_targets(),
        Some(&backend.director.targets())
    );
    assert_eq!(trusted.director_timestamp_expires(), Some(4_070_908_800));
}

#[test]
fn before_the_first_update_there_is_nothing() {
    let trusted = begin(&Backend::new());
    assert_eq!(trusted.versions().config_snapshot, 0);
    assert_eq!(trusted.versions().director_targets, 0);
    assert_eq!(trusted.director_targets(), None);
    assert_eq!(trusted.director_timestamp_expires(), None);
    assert_eq!(trusted.backend_state(), b"");
    assert_eq!(contents(&trusted), []);
    refuse(&trusted, &Update::default(), "config timestamp: missing");
}

#[test]
fn what_did_not_change_may_be_left_out() {
    let mut backend = Backend::new();
    let trusted = apply(&begin(&backend), &backend.update());
    backend.config.timestamp_version = 2;
    backend.director.publish();
    backend.director.custom = json!({"opaque_backend_state": "AAE="});
    let mut update = backend.update();
    (update.config.snapshot, update.config.targets) = (None, None);
    update.delegations.clear();
    update.files.clear();
    let after = apply(&trusted, &update);
    assert_eq!(contents(&after), contents(&trusted));
    assert_eq!(after.versions().director_targets, 2);
    assert_eq!(after.backend_state(), [0, 1]);
    assert_eq!(apply(&after, &Update::default()), after);
}

#[test]
fn what_is_kept_leads_to_the_same_state_from_the_same_roots() {
    let mut backend = Backend::new();
    let first = begin(&backend);
    backend.config.root_version = 2;
    let mut update = backend.update();
    update.config.roots = vec![backend.config.root()];
    let trusted = apply(&first, &update);
    let kept = trusted.to_update();
    assert_eq!(kept, update);
    assert_eq!(apply(&first, &kept), trusted);
}

/// Applies each change to a new backend after a first update, in the one repository and in the other.
#[track_caller]
fn refuse_after(change: fn(&mut Repo), message: &str) {
    for config in [true, false] {
        let mut backend = Backend::new();
        for repo in [&mut backend.config, &mut backend.director] {
            repo.publish();
        }
        let trusted = apply(&begin(&backend), &backend.update());
        let (name, repo) = if config {
            ("config", &mut backend.config)
        } else {
            ("director", &mut backend.director)
        };
        change(repo);
        refuse(&trusted, &backend.update(), &format!("{name} {message}"));
    }
}

#[test]
fn older_documents_are_rollbacks() {
    refuse_after(
        |repo| repo.timestamp_version = 1,
        "timestamp: rollback of the timestamp from version 2 to 1",
    );
    refuse_after(
        |repo| {
            repo.timestamp_version = 3;
            repo.snapshot_version = 1;
        },
        "timestamp: rollback of the snapshot from version 2 to 1",
    );
    refuse_after(
        |repo| {
            repo.publish();
            repo.targets_version = 1;
        },
        "snapshot: rollback of targets.json from version 2 to 1",
    );
}

#[test]
fn a_role_that_the_snapshot_forgets_or_ages_is_a_rollback() {
    let mut backend = Backend::new();
    backend.config.delegates[0].version = 5;
    let trusted = apply(&begin(&backend), &backend.update());
    backend.config.publish();
    backend.config.delegates[0].version = 4;
    refuse(
        &trusted,
        &backend.update(),
        "config snapshot: rollback of apm.json from version 5 to 4",
    );
    backend.config.delegates.clear();
    refuse(
        &trusted,
        &backend.update(),
        "config snapshot: rollback of apm.json from version 5 to 0",
    );
}

#[test]
fn the_same_version_says_the_same() {
    refuse_after(
        |repo| repo.timestamp_expires = "2098-01-01T00:00:00Z",
        "timestamp: version 2 says something else than before",
    );
}

#[test]
fn every_document_expires() {
    refuse_after(
        |repo| {
            repo.timestamp_version += 1;
            repo.timestamp_expires = PAST;
        },
        "timestamp: expired at 1767225600, it is 1767225600 (seconds since 1970)",
    );
    refuse_after(
        |repo| {
            repo.publish();
            repo.snapshot_expires = PAST;
        },
        "snapshot: expired at 1767225600, it is 1767225600 (seconds since 1970)",
    );
    refuse_after(
        |repo| {
            repo.publish();
            repo.targets_expires = PAST;
        },
        "targets: expired at 1767225600, it is 1767225600 (seconds since 1970)",
    );
}

#[test]
fn a_frozen_backend_is_refused_once_its_timestamp_is_over() {
    let mut backend = Backend::new();
    backend.director.timestamp_expires = "2026-01-01T00:01:00Z";
    let trusted = apply(&begin(&backend), &backend.update());
    assert_eq!(trusted.director_timestamp_expires(), Some(NOW + 60));
    assert!(try_update(&trusted, &backend.update(), NOW + 59).is_ok());
    let error = try_update(&trusted, &backend.update(), NOW + 60).unwrap_err();
    assert_eq!(
        error.to_string(),
        "director timestamp: expired at 1767225660, it is 1767225660 (seconds since 1970)"
    );
}

#[test]
fn documents_are_signed_by_the_keys_of_their_own_role() {
    let wrong = || keys(&[99]);
    let trusted = begin(&Backend::new());
    let check = |change: &dyn Fn(&mut Backend), message: &str| {
        let mut backend = Backend::new();
        change(&mut backend);
        refuse(&trusted, &backend.update(), message);
    };
    check(
        &|b| b.config.timestamp = wrong(),
        "config timestamp: 0 valid signatures of 1",
    );
    check(
        &|b| b.config.snapshot = b.config.targets.clone(),
        "config snapshot: 0 valid signatures of 1",
    );
    check(
        &|b| b.director.targets = b.config.targets.clone(),
        "director targets: 0 valid signatures of 1",
    );
}

#[test]
fn documents_are_the_ones_that_others_speak_of() {
    let mut backend = Backend::new();
    let trusted = begin(&backend);
    let mut update = backend.update();
    backend.config.snapshot_version = 2;
    update.config.snapshot = Some(backend.config.snapshot());
    refuse(&trusted, &update, "config snapshot: version 2 instead of 1");

    let mut update = Backend::new().update();
    backend.director.targets_version = 9;
    update.director.targets = Some(backend.director.targets());
    refuse(
        &trusted,
        &update,
        "director targets: version 9 instead of 1",
    );

    // With the right version, but other bytes than were listed.
    let mut backend = Backend::new();
    backend.director.pinned = true;
    let mut update = backend.update();
    let mut other = |expires| {
        backend.director.targets_expires = expires;
        let raw = backend.director.targets();
        update.director.targets = Some(raw.clone());
        let error = try_update(&trusted, &update, NOW).unwrap_err();
        (error.to_string(), raw.len())
    };
    let (error, bytes) = other("2098-01-01T00:00:00Z");
    assert_eq!(error, "director targets: sha256 differs");
    let (error, more) = other("2099-01-01T00:00:00.5Z");
    let message = format!("director targets: {more} bytes instead of {bytes}");
    assert_eq!(error, message);
    let mut backend = Backend::new();
    backend.config.pinned = true;
    let mut update = backend.update();
    backend.config.snapshot_expires = "2098-01-01T00:00:00Z";
    update.config.snapshot = Some(backend.config.snapshot());
    refuse(&trusted, &update, "config snapshot: sha256 differs");

    let mut pinned = Backend::new();
    (pinned.config.pinned, pinned.director.pinned) = (true, true);
    assert_eq!(contents(&apply(&trusted, &pinned.update())).len(), 2);
}

#[test]
fn a_document_that_is_too_large_is_not_read() {
    let backend = Backend::new();
    let mut update = backend.update();
    let raw = update.director.timestamp.unwrap();
    let padded = |bytes: usize| [&raw[..], &vec![b' '; bytes - raw.len()]].concat();
    update.director.timestamp = Some(padded(256 << 10).into());
    let trusted = begin(&backend);
    assert_eq!(contents(&apply(&trusted, &update)).len(), 2);
    update.director.timestamp = Some(padded((256 << 10) + 1).into());
    refuse(
        &trusted,
        &update,
        "director timestamp: 262145 bytes, more than 262144",
    );
}

#[test]
fn a_member_that_is_wrong_is_named() {
    let mut backend = Backend::new();
    let trusted = begin(&backend);
    backend.director.files[TOP_FILE]["custom"] = json!({"v": "one"});
    let message = format!(
        "director targets: signed.targets.{TOP_FILE}.custom.v: not a whole number from zero up"
    );
    refuse(&trusted, &backend.update(), &message);
    backend.director.files[TOP_FILE]["custom"] = json!({"v": null, "expires": -5, "tracer-predicates": {
        "tracer_predicates_v1": [{"clientID": "c", "service": null, "tracerVersion": ">1"}]}});
    let after = apply(&trusted, &backend.update());
    let file = after.files().nth(1).unwrap();
    assert_eq!((file.target.version, file.target.expires), (0, -5));
    assert!(file.target.is_expired(NOW));
    let predicate = &file.target.predicates[0];
    assert_eq!(
        (predicate.client_id.as_str(), predicate.service.as_str()),
        ("c", "")
    );
    assert_eq!(predicate.tracer_version, ">1");
    backend.director.custom = json!({"opaque_backend_state": "?"});
    refuse(
        &trusted,
        &backend.update(),
        "director targets: signed.custom.opaque_backend_state: not base64",
    );
}
