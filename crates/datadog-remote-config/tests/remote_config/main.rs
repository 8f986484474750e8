//! Whole repositories, made and signed here, against the verifier: what it believes, and every way in which it does
//! not; and against the service: when it asks, what it tells, keeps and answers.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::expect_used, reason = "tests")]

mod backend;
mod chain;
mod files;
mod metadata;
mod organisation;
mod service;
mod signer;
mod tamper;
mod vectors;

use std::collections::BTreeMap;

use datadog_remote_config::verify::{Context, Verified};
use datadog_remote_config::{Error, Trusted, Update};
use signer::Backend;

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

/// The first state for a backend.
fn begin(backend: &Backend) -> Trusted {
    Trusted::from_roots(backend.config.root(), backend.director.root()).unwrap()
}

/// Applies an update at a time, without organisations.
fn try_update(trusted: &Trusted, update: &Update, now: i64) -> Result<Verified, Error> {
    let context = Context {
        now,
        org_uuids: &BTreeMap::new(),
        org_id: None,
    };
    trusted.update(update, &context)
}

/// The state after an update in which nothing is wrong.
#[track_caller]
fn apply(trusted: &Trusted, update: &Update) -> Trusted {
    let verified = try_update(trusted, update, NOW).unwrap();
    assert_eq!(verified.dropped, []);
    verified.trusted
}

/// Fails unless the update is refused with this message, and says the same again: nothing stuck.
#[track_caller]
fn refuse(trusted: &Trusted, update: &Update, message: &str) {
    let before = trusted.to_update();
    for _ in 0..2 {
        let error = try_update(trusted, update, NOW).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(trusted.to_update(), before);
}

/// The names and bytes of the files that are believed.
fn contents(trusted: &Trusted) -> Vec<(String, String)> {
    let files = trusted.files();
    files
        .map(|file| {
            let text = String::from_utf8(file.raw.to_vec()).unwrap();
            (file.path.to_string(), text)
        })
        .collect()
}
