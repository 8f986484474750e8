//! What a client is told: the files that are for it, and of these what it does not have yet.
//!
//! Decides from what is believed alone, at a time that is an argument.

use datadog_wire::remote_config::{
    Client, ClientGetConfigsResponse, ConfigStatus, File as WireFile, TargetFileMeta,
};

use crate::Trusted;
use crate::predicate::{self, Predicate};
use crate::tuf::{Hashes, hex};
use crate::verify::File;

/// The answer to a client that has these files.
pub(crate) fn answer(
    trusted: &Trusted,
    client: &Client,
    cached: &[TargetFileMeta],
    now: i64,
) -> ClientGetConfigsResponse {
    let Some(targets) = trusted.director_targets() else {
        return ClientGetConfigsResponse::default();
    };
    let state = client.state.clone().unwrap_or_default();
    if state.targets_version == trusted.versions().director_targets {
        return ClientGetConfigsResponse::default();
    }
    let matching: Vec<_> = matching(trusted, client, now).collect();
    let missing = matching.iter().filter(|file| !is_cached(file, cached));
    ClientGetConfigsResponse {
        roots: trusted
            .director_roots_after(state.root_version)
            .cloned()
            .collect(),
        targets: targets.clone(),
        target_files: missing
            .map(|file| WireFile {
                path: file.path.to_string(),
                raw: file.raw.clone(),
            })
            .collect(),
        client_configs: matching.iter().map(|file| file.path.to_string()).collect(),
        config_status: ConfigStatus::Ok.into(),
    }
}

/// The answer when the backend has said nothing new for longer than it may.
pub(crate) fn expired(trusted: &Trusted) -> ClientGetConfigsResponse {
    ClientGetConfigsResponse {
        targets: trusted.director_targets().cloned().unwrap_or_default(),
        config_status: ConfigStatus::Expired.into(),
        ..ClientGetConfigsResponse::default()
    }
}

/// The files that are for a client, sorted by their names.
pub(crate) fn matching<'a>(
    trusted: &'a Trusted,
    client: &Client,
    now: i64,
) -> impl Iterator<Item = File<'a>> {
    let tracer = client.client_tracer.as_ref().filter(|_| client.is_tracer);
    let who = predicate::Client {
        id: &client.id,
        tracer: tracer.map(|tracer| predicate::Tracer {
            runtime_id: &tracer.runtime_id,
            service: &tracer.service,
            env: &tracer.env,
            language: &tracer.language,
            app_version: &tracer.app_version,
            tracer_version: &tracer.tracer_version,
        }),
    };
    let files = trusted.files();
    let matching: Vec<_> = files
        .filter(|file| client.products.iter().any(|it| it == file.path.product()))
        .filter(|file| !file.target.is_expired(now))
        .filter(|file| Predicate::any_matches(&file.target.predicates, &who))
        .collect();
    matching.into_iter()
}

/// Whether the client has the file as it is: of the same length, and with the same hashes as far as both name them.
fn is_cached(file: &File<'_>, cached: &[TargetFileMeta]) -> bool {
    let held = cached.iter().find(|held| held.path == file.path.as_str());
    held.is_some_and(|held| {
        u64::try_from(held.length) == Ok(file.target.length)
            && same_hashes(&file.target.hashes, held)
    })
}

fn same_hashes(hashes: &Hashes, held: &TargetFileMeta) -> bool {
    let mut compared = false;
    for theirs in &held.hashes {
        let Some(ours) = hashes.get(&theirs.algorithm) else {
            continue;
        };
        if hex::decode(&theirs.hash).as_deref() != Some(ours) {
            return false;
        }
        compared = true;
    }
    compared
}
