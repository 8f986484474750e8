//! The chain of roots, from the ones that are vouched for to the newest.

use datadog_remote_config::Trusted;
use serde_json::json;

use crate::signer::{Backend, Key, Keys, canonical, keys, sha256, sign};
use crate::{NOW, apply, begin, contents, refuse, try_update};

/// The next root of the config repository, signed by the old keys and the new ones.
fn rotate(backend: &mut Backend, new: Keys) -> bytes::Bytes {
    let old = std::mem::replace(&mut backend.config.root, new);
    backend.config.root_version += 1;
    let mut both = old;
    both.extend(backend.config.root.iter().cloned());
    sign(&backend.config.root_signed(), &both)
}

#[test]
fn three_roots_come_in_one_update_each_with_other_keys() {
    let mut backend = Backend::new();
    let first = begin(&backend);
    let roots = vec![
        backend.config.root(),
        rotate(&mut backend, keys(&[40, 41])),
        rotate(&mut backend, keys(&[42, 43])),
    ];
    let mut update = backend.update();
    update.config.roots = roots;
    let trusted = apply(&first, &update);
    assert_eq!(trusted.versions().config_root, 3);
    assert_eq!(trusted.versions().director_root, 1);
    assert_eq!(contents(&trusted).len(), 2);
}

#[test]
fn roots_that_are_behind_are_skipped_and_served_on() {
    let mut backend = Backend::new();
    let first = begin(&backend);
    let old = backend.director.root();
    backend.director.root_version = 2;
    let new = backend.director.root();
    let mut update = backend.update();
    update.director.roots = vec![old.clone(), new.clone()];
    let trusted = apply(&first, &update);
    let trusted = apply(&trusted, &update);
    assert_eq!(trusted.versions().director_root, 2);
    let after = |version| trusted.director_roots_after(version).collect::<Vec<_>>();
    assert_eq!(after(0), [&old, &new]);
    assert_eq!(after(1), [&new]);
    assert!(after(2).is_empty());
}

#[test]
fn a_chain_may_begin_at_a_later_version_than_the_client_asks_for() {
    let mut backend = Backend::new();
    backend.director.root_version = 15;
    let trusted = begin(&backend);
    let roots: Vec<_> = trusted.director_roots_after(1).collect();
    assert_eq!(roots, [&backend.director.root()]);
}

#[test]
fn a_root_with_a_gap_before_it_is_refused() {
    let mut backend = Backend::new();
    let trusted = begin(&backend);
    backend.config.root_version = 3;
    let mut update = backend.update();
    update.config.roots = vec![backend.config.root()];
    refuse(
        &trusted,
        &update,
        "config root: version 3 does not follow 1",
    );
}

#[test]
fn so_many_roots_and_no_more_may_come_at_once() {
    let backend = Backend::new();
    let trusted = begin(&backend);
    let mut update = backend.update();
    update.config.roots = vec![backend.config.root(); 1024];
    assert_eq!(apply(&trusted, &update).versions().config_root, 1);
    update.config.roots.push(backend.config.root());
    refuse(
        &trusted,
        &update,
        "config root: roots: 1025 of them, more than 1024",
    );
}

#[test]
fn a_root_needs_the_old_keys_and_the_new_ones() {
    let mut backend = Backend::new();
    let trusted = begin(&backend);
    let old = std::mem::replace(&mut backend.config.root, keys(&[40, 41]));
    backend.config.root_version = 2;
    let root = backend.config.root_signed();
    let mut update = backend.update();
    for signers in [&old, &backend.config.root] {
        update.config.roots = vec![sign(&root, signers)];
        refuse(&trusted, &update, "config root: 0 valid signatures of 2");
    }
    let one_of_each = vec![old[0].clone(), backend.config.root[0].clone()];
    update.config.roots = vec![sign(&root, &one_of_each)];
    refuse(&trusted, &update, "config root: 1 valid signatures of 2");
    let twice_the_same: Keys = [&old[0], &old[0]].into_iter().cloned().collect();
    update.config.roots = vec![sign(&root, &twice_the_same)];
    refuse(&trusted, &update, "config root: 1 valid signatures of 2");
}

#[test]
fn only_the_last_root_must_not_have_expired() {
    let mut backend = Backend::new();
    backend.config.root_expires = "2025-01-01T00:00:00Z";
    let expired = begin(&backend);
    refuse(
        &expired,
        &backend.update(),
        "config root: expired at 1735689600, it is 1767225600 (seconds since 1970)",
    );

    backend.config.root_version = 2;
    let still_expired = backend.config.root();
    backend.config.root_version = 3;
    backend.config.root_expires = "2026-01-01T00:00:01Z";
    let valid = backend.config.root();
    let mut update = backend.update();
    update.config.roots = vec![still_expired, valid];
    assert_eq!(apply(&expired, &update).versions().config_root, 3);

    let later = try_update(&expired, &update, NOW + 1).unwrap_err();
    assert_eq!(
        later.to_string(),
        "config root: expired at 1767225601, it is 1767225601 (seconds since 1970)"
    );
}

#[test]
fn targets_that_a_rotation_leaves_out_are_verified_again_from_what_was_kept() {
    let mut backend = Backend::new();
    let trusted = apply(&begin(&backend), &backend.update());
    let root = rotate(&mut backend, keys(&[40, 41]));
    backend.config.timestamp = keys(&[50]);
    let root_with_other_timestamp = rotate(&mut backend, keys(&[40, 41]));
    let mut update = backend.update();
    update.config.roots = vec![root, root_with_other_timestamp];
    update.config.targets = None;
    update.delegations.clear();
    update.files.clear();
    let after = apply(&trusted, &update);
    assert_eq!(after.versions().config_root, 3);
    assert_eq!(contents(&after), contents(&trusted));

    // The kept targets are of a key that the new root does not name any more.
    backend.config.targets = keys(&[51]);
    let root = rotate(&mut backend, keys(&[40, 41]));
    let mut update = backend.update();
    update.config.roots = vec![root];
    update.config.targets = None;
    refuse(&after, &update, "config targets: 0 valid signatures of 1");
}

#[test]
fn a_stolen_timestamp_key_is_recovered_from_by_a_rotation() {
    let mut backend = Backend::new();
    backend.config.timestamp_version = u64::MAX;
    backend.config.snapshot_version = u64::MAX;
    let trusted = apply(&begin(&backend), &backend.update());
    backend.config.timestamp_version = 2;
    backend.config.snapshot_version = 2;
    refuse(
        &trusted,
        &backend.update(),
        "config timestamp: rollback of the timestamp from version 18446744073709551615 to 2",
    );
    backend.config.timestamp = vec![Key::p256()];
    let root = rotate(&mut backend, keys(&[40, 41]));
    let mut update = backend.update();
    update.config.roots = vec![root.clone()];
    let after = apply(&trusted, &update);
    assert_eq!(after.versions().config_snapshot, 2);

    // What was signed by the lost key is not used again.
    update.config.timestamp = None;
    refuse(&trusted, &update, "config timestamp: missing");
}

#[test]
fn the_first_roots_must_be_roots_that_sign_themselves() {
    let backend = Backend::new();
    let good = backend.director.root();
    let begin = |root: bytes::Bytes| {
        let error = Trusted::from_roots(root, good.clone()).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        begin(backend.config.targets()),
        "config root: signed._type: not root"
    );
    assert_eq!(
        begin(sign(&backend.config.root_signed(), &keys(&[10]))),
        "config root: 1 valid signatures of 2"
    );
    let changed = |change: fn(&mut serde_json::Value)| {
        let mut signed = backend.config.root_signed();
        change(&mut signed);
        begin(sign(&signed, &backend.config.root))
    };
    assert_eq!(
        changed(|root| root["version"] = json!(0)),
        "config root: signed.version: not at least 1"
    );
    assert_eq!(
        changed(|root| root["keys"] = json!({})),
        "config root: signed.keys: empty"
    );
    assert_eq!(
        changed(|root| root["roles"]["root"]["threshold"] = json!(0)),
        "config root: signed.roles.root.threshold: not at least 1"
    );
    assert_eq!(
        changed(|root| root["spec_version"] = json!("2.0")),
        "config root: signed.spec_version: not a version 1 of TUF"
    );
    assert_eq!(
        changed(|root| drop(root["roles"].as_object_mut().unwrap().remove("snapshot"))),
        "config root: signed.roles.snapshot: missing"
    );
    assert_eq!(
        changed(|root| root["expires"] = json!("tomorrow")),
        "config root: signed.expires: not a time in UTC"
    );
    let wrong_id = changed(|root| {
        let keys = root["keys"].as_object_mut().unwrap();
        let (_, key) = keys.remove_entry(&Key::ed25519(12).id).unwrap();
        keys.insert("ab".to_owned(), key);
    });
    let expected = format!(
        "config root: signed.keys.ab: the identifier of this key is {}",
        Key::ed25519(12).id
    );
    assert_eq!(wrong_id, expected);
}

#[test]
fn keys_of_unknown_kinds_are_no_error_and_verify_nothing() {
    let mut backend = Backend::new();
    let mut object = Key::ed25519(10).object.clone();
    object["keytype"] = json!("rsa");
    let id = sha256(&canonical(&object));
    let mut signed = backend.config.root_signed();
    signed["keys"][&id] = object;
    let ids = signed["roles"]["root"]["keyids"].as_array_mut().unwrap();
    ids.push(json!(id));
    let root = sign(&signed, &backend.config.root);
    let trusted = Trusted::from_roots(root, backend.director.root()).unwrap();
    assert_eq!(contents(&apply(&trusted, &backend.update())).len(), 2);
    backend.config.root.pop();
    let root = sign(&signed, &backend.config.root);
    let error = Trusted::from_roots(root, backend.director.root()).unwrap_err();
    assert_eq!(error.to_string(), "config root: 1 valid signatures of 2");
}
