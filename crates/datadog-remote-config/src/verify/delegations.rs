//! Targets of delegated roles of the config repository.
//!
//! One that is not believed is an error only for the files that need it.
//! Delegations of delegated roles are not followed: the backend makes none.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Error;
use crate::tuf::envelope::Envelope;
use crate::tuf::snapshot::Snapshot;
use crate::tuf::targets::{DelegatedRole, Targets};
use crate::tuf::{Document, Repository as Which, Role};
use crate::verify::repository::{Repository, read_targets};

/// A delegated role, and its document or what is wrong with it.
pub(super) struct Delegation<'a> {
    pub(super) role: &'a DelegatedRole,
    pub(super) document: Result<DelegatedTargets, Error>,
}

/// Believed targets of a delegated role.
pub(super) struct DelegatedTargets {
    pub(super) raw: Bytes,
    pub(super) targets: Targets,
}

/// Verifies the delegated roles in the order in which the top targets list them.
pub(super) fn verify<'a>(
    config: &'a Repository,
    kept: &BTreeMap<String, Bytes>,
    sent: &[(String, Bytes)],
    now: i64,
) -> Vec<Delegation<'a>> {
    let (Some(top), Some(snapshot)) = (config.targets(), config.snapshot()) else {
        return Vec::new();
    };
    let sent: BTreeMap<_, _> = sent.iter().map(|(name, raw)| (name, raw)).collect();
    let verify = |role: &'a DelegatedRole| {
        let raw = sent.get(&role.name).copied();
        let raw = raw.or_else(|| kept.get(&role.name));
        Delegation {
            role,
            document: verify_one(top, role, snapshot, raw, now),
        }
    };
    top.roles.iter().map(verify).collect()
}

/// That the version is not lower than before follows from the snapshot's.
fn verify_one(
    top: &Targets,
    role: &DelegatedRole,
    snapshot: &Snapshot,
    raw: Option<&Bytes>,
    now: i64,
) -> Result<DelegatedTargets, Error> {
    let document = Document::new(Which::Config, Role::Delegated(role.name.clone()));
    let missing = || Error::Missing {
        document: document.clone(),
    };
    let raw = raw.ok_or_else(missing)?;
    let envelope = Envelope::open(&document, raw)?;
    envelope.signed_by(&role.signers, &top.keys)?;
    let listed = snapshot.documents.get(&format!("{}.json", role.name));
    Ok(DelegatedTargets {
        raw: raw.clone(),
        targets: read_targets(&envelope, listed, raw, now)?,
    })
}
