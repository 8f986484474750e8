//! Files: what the director says against the config repository, delegations, and their bytes.

use bytes::Bytes;
use serde_json::json;

use crate::signer::{Backend, Delegate, LATE, ROLE_FILE, TOP_FILE, keys, target};
use crate::{NOW, apply, begin, contents, refuse, try_update};

#[test]
fn a_changed_file_comes_with_new_bytes_and_the_others_stay() {
    let mut backend = Backend::new();
    let trusted = apply(&begin(&backend), &backend.update());
    backend.change_top_file(b"{}");
    let mut update = backend.update();
    update.files.retain(|(path, _)| path == TOP_FILE);
    let after = apply(&trusted, &update);
    assert_eq!(contents(&after)[0].1, "{\"rate\":1}");
    assert_eq!(contents(&after)[1].1, "{}");
    assert_eq!(contents(&trusted)[1].1, "{\"enabled\":true}");

    update.files.clear();
    let missing = format!("file {TOP_FILE}: missing");
    refuse(&trusted, &update, &missing);
}

#[test]
fn a_file_that_the_director_no_longer_names_is_forgotten() {
    let mut backend = Backend::new();
    let trusted = apply(&begin(&backend), &backend.update());
    backend.director.files = json!({TOP_FILE: backend.director.files[TOP_FILE]});
    backend.director.publish();
    let after = apply(&trusted, &backend.update());
    assert_eq!(contents(&after).len(), 1);
    assert_eq!(after.to_update().files.len(), 1);
}

#[test]
fn files_that_nobody_named_are_ignored() {
    let backend = Backend::new();
    let mut update = backend.update();
    update.files.push(("no path".to_owned(), "x".into()));
    update
        .files
        .push(("datadog/2/ASM/a/b".to_owned(), "x".into()));
    let trusted = apply(&begin(&backend), &update);
    assert_eq!(trusted.to_update().files.len(), 2);
}

#[test]
fn bytes_must_be_the_ones_that_were_named() {
    let mut backend = Backend::new();
    let trusted = begin(&backend);
    let mut check = |content: &'static [u8], message: &str| {
        let path = TOP_FILE.to_owned();
        backend.files.insert(path, Bytes::from_static(content));
        let message = format!("file {TOP_FILE}: {message}");
        refuse(&trusted, &backend.update(), &message);
    };
    check(b"{\"enabled\":trux}", "sha256 differs");
    check(b"{\"enabled\":true} ", "17 bytes instead of 16");
    check(b"{\"enabled\":true", "15 bytes instead of 16");
    check(b"", "0 bytes instead of 16");
}

#[test]
fn both_repositories_must_say_the_same_of_a_file() {
    let trusted = begin(&Backend::new());
    let check = |change: fn(&mut serde_json::Value), message: &str| {
        let mut backend = Backend::new();
        change(&mut backend.director.files[TOP_FILE]);
        refuse(&trusted, &backend.update(), message);
    };
    check(
        |file| file["length"] = json!(17),
        "director targets: datadog/2/ASM_FEATURES/asm-on/config: the length differs from the config repository",
    );
    let hashes = "director targets: datadog/2/ASM_FEATURES/asm-on/config: the set of hashes differs from the config repository";
    check(|file| file["hashes"]["sha256"] = json!("00"), hashes);
    check(|file| file["hashes"]["md5"] = json!("00"), hashes);
    check(
        |file| drop(file["hashes"].as_object_mut().unwrap().remove("sha512")),
        hashes,
    );
    check(
        |file| file["length"] = json!(0),
        "director targets: signed.targets.datadog/2/ASM_FEATURES/asm-on/config: an empty file",
    );
}

#[test]
fn all_files_together_have_a_limit() {
    let trusted = begin(&Backend::new());
    let check = |length: u64, message: &str| {
        let mut backend = Backend::new();
        backend.config.files[TOP_FILE]["length"] = json!(length);
        backend.director.files[TOP_FILE]["length"] = json!(length);
        refuse(&trusted, &backend.update(), message);
    };
    // The other file has ten bytes.
    let most = (256 << 20) - 10;
    check(
        most,
        &format!("file {TOP_FILE}: 16 bytes instead of {most}"),
    );
    let too_much = "director targets: signed.targets: files of more than 268435456 bytes together";
    check(most + 1, too_much);
    check(u64::MAX, too_much);
}

#[test]
fn a_role_is_listed_once() {
    let mut backend = Backend::new();
    backend.config.delegates.push(second(vec![], b"other"));
    backend.config.delegates[1].name = "apm";
    refuse(
        &begin(&backend),
        &backend.update(),
        "config targets: signed.delegations.roles.[].name: a role is there twice",
    );
}

#[test]
fn a_hash_that_can_be_checked_is_needed() {
    let trusted = begin(&Backend::new());
    for hashes in [json!({}), json!({"md5": "00"})] {
        let mut backend = Backend::new();
        backend.config.files[TOP_FILE]["hashes"] = hashes.clone();
        backend.director.files[TOP_FILE]["hashes"] = hashes;
        let message = format!("file {TOP_FILE}: no hash of a known algorithm");
        refuse(&trusted, &backend.update(), &message);
    }
}

#[test]
fn a_name_of_the_director_must_be_one_and_in_the_config_repository() {
    let trusted = begin(&Backend::new());
    let mut backend = Backend::new();
    backend.director.files["other/2/ASM/c/n"] = target(b"x");
    refuse(
        &trusted,
        &backend.update(),
        "director targets: config path 'other/2/ASM/c/n' has unknown source",
    );
    let mut backend = Backend::new();
    backend.director.files["datadog/2/ASM/c/n"] = target(b"x");
    refuse(
        &trusted,
        &backend.update(),
        "director targets: datadog/2/ASM/c/n: not in the config repository",
    );
}

/// A second role that names the same file in other words.
fn second(paths: Vec<&'static str>, content: &[u8]) -> Delegate {
    Delegate {
        name: "second",
        keys: keys(&[31]),
        paths,
        terminating: false,
        version: 1,
        expires: LATE,
        targets: json!({ROLE_FILE: target(content)}),
    }
}

const EVERY: &str = "datadog/*/*/*/*";

#[test]
fn roles_are_asked_in_their_order_and_only_for_their_own_files() {
    let trusted = begin(&Backend::new());
    let mut backend = Backend::new();
    backend.config.delegates.push(second(vec![EVERY], b"other"));
    assert_eq!(contents(&apply(&trusted, &backend.update())).len(), 2);

    backend.config.delegates.reverse();
    let differs =
        format!("director targets: {ROLE_FILE}: the length differs from the config repository");
    refuse(&trusted, &backend.update(), &differs);

    backend.config.delegates[0].paths = vec!["datadog/*/ASM/*/*"];
    assert_eq!(contents(&apply(&trusted, &backend.update())).len(), 2);
}

#[test]
fn a_terminating_role_is_the_last_one_that_is_asked() {
    let trusted = begin(&Backend::new());
    let mut backend = Backend::new();
    backend
        .config
        .delegates
        .push(second(vec![EVERY], b"{\"rate\":1}"));
    backend.config.delegates[0].targets = json!({});
    let nowhere = format!("director targets: {ROLE_FILE}: not in the config repository");
    refuse(&trusted, &backend.update(), &nowhere);
    backend.config.delegates[0].terminating = false;
    assert_eq!(contents(&apply(&trusted, &backend.update())).len(), 2);
}

#[test]
fn a_bad_role_is_an_error_only_for_the_files_that_need_it() {
    let mut backend = Backend::new();
    let trusted = begin(&backend);
    backend.config.delegates[0].expires = "2026-01-01T00:00:00Z";
    let expired =
        "config delegation apm: expired at 1767225600, it is 1767225600 (seconds since 1970)";
    refuse(&trusted, &backend.update(), expired);

    backend.director.files = json!({TOP_FILE: backend.director.files[TOP_FILE]});
    let verified = try_update(&trusted, &backend.update(), NOW).unwrap();
    assert_eq!(contents(&verified.trusted).len(), 1);
    let [(name, error)] = &verified.dropped[..] else {
        panic!("{:?}", verified.dropped);
    };
    assert_eq!(
        (name.as_str(), error.to_string().as_str()),
        ("apm", expired)
    );
}

#[test]
fn a_role_must_be_signed_be_in_the_snapshot_and_be_of_its_version() {
    let backend = Backend::new();
    let trusted = apply(&begin(&backend), &backend.update());

    let mut update = backend.update();
    let mut other = Backend::new();
    other.config.delegates[0].keys = keys(&[99]);
    update.delegations = other.config.delegations();
    refuse(
        &trusted,
        &update,
        "config delegation apm: 0 valid signatures of 1",
    );

    other.config.delegates[0].keys = keys(&[30]);
    other.config.delegates[0].version = 2;
    update.delegations = other.config.delegations();
    refuse(
        &trusted,
        &update,
        "config delegation apm: version 2 instead of 1",
    );

    // The kept one is not the one that the snapshot names now.
    other.config.publish();
    let mut update = other.update();
    update.delegations.clear();
    refuse(
        &trusted,
        &update,
        "config delegation apm: version 1 instead of 2",
    );
    refuse(&begin(&backend), &update, "config delegation apm: missing");
}
