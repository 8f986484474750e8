//! Who signs what: the keys of each role of both repositories, and their chains of roots.
//!
//! All of it follows from fixed seeds and the version of a root alone, so that the first roots are constants that an
//! agent can be told, and every life of this intake makes the same chain.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use super::key::{Key, envelope};

/// The end of whatever never expires in a test.
pub(super) const LATE: &str = "2099-01-01T00:00:00Z";
/// Keys of each role, all of which must sign.
const KEYS: usize = 2;

/// Which of the two repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repository {
    /// Says which files there are.
    Config,
    /// Says which files are for one agent.
    Director,
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Director => "director",
        })
    }
}

/// The roles that a root names keys for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Root,
    Timestamp,
    Snapshot,
    Targets,
}

impl Role {
    const ALL: [Self; 4] = [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        }
    }
}

/// The keys of a role under the root of that version.
///
/// A new root brings new keys for every role but the targets, whose documents outlive it, as they do where targets
/// are signed by hand and the others by a server.
pub(super) fn keys(repository: Repository, role: Role, root_version: u64) -> Vec<Key> {
    let generation = match role {
        Role::Targets => 1,
        Role::Root | Role::Timestamp | Role::Snapshot => root_version,
    };
    let name = |index| {
        let role = role.name();
        format!("development intake, {repository} {role} {generation}, key {index}")
    };
    (1..=KEYS).map(|index| Key::named(&name(index))).collect()
}

/// The key of a delegated role of the config repository.
pub(super) fn delegated_key(role: &str) -> Key {
    Key::named(&format!("development intake, config delegation {role}"))
}

/// Keys as a document names them.
pub(super) fn objects<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Value {
    keys.into_iter()
        .map(|key| (key.id.clone(), key.object.clone()))
        .collect()
}

/// What the root of that version says.
pub(super) fn root(repository: Repository, version: u64) -> Value {
    let of_roles = Role::ALL.map(|role| (role, keys(repository, role, version)));
    let roles: serde_json::Map<String, Value> = of_roles
        .iter()
        .map(|(role, keys)| {
            let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
            (
                role.name().to_owned(),
                json!({"keyids": ids, "threshold": KEYS}),
            )
        })
        .collect();
    json!({
        "_type": "root",
        "spec_version": "1.0",
        "version": version,
        "expires": LATE,
        "consistent_snapshot": true,
        "keys": objects(of_roles.iter().flat_map(|(_, keys)| keys)),
        "roles": roles,
    })
}

/// The keys that sign the root of that version: its own, and those of the one before.
pub(super) fn root_signers(repository: Repository, version: u64) -> Vec<Key> {
    let mut signers = keys(repository, Role::Root, version);
    if version > 1 {
        signers.extend(keys(repository, Role::Root, version - 1));
    }
    signers
}

fn first_root(repository: Repository) -> String {
    let signers = root_signers(repository, 1);
    let raw = envelope(&root(repository, 1), &signers, false);
    String::from_utf8_lossy(&raw).into_owned()
}

/// The first root of the config repository, as JSON: what an agent must be told to trust so that it believes this
/// intake. Always the same text.
#[must_use]
pub fn config_root() -> String {
    first_root(Repository::Config)
}

/// The first root of the director, as JSON; see [`config_root`].
#[must_use]
pub fn director_root() -> String {
    first_root(Repository::Director)
}

#[cfg(test)]
mod tests {
    use super::super::key::sha256;
    use super::*;

    /// Agents are configured with these texts, and keep what they believed: another text would lock them out.
    #[test]
    fn the_first_roots_never_change() {
        assert_eq!(
            sha256(config_root().as_bytes()),
            "e62801171222dd9fed931635c5f87a5f75a7ac9d961c1614a4df66d84daaa4d1"
        );
        assert_eq!(
            sha256(director_root().as_bytes()),
            "dd61119a94134984bf5b526b1a1bc3e7132673acf50fc7881c93bdebf9ca2a59"
        );
    }

    #[test]
    fn a_new_root_has_new_keys_for_all_but_the_targets() {
        let ids = |role, version| -> Vec<String> {
            let keys = keys(Repository::Config, role, version);
            keys.into_iter().map(|key| key.id).collect()
        };
        for role in [Role::Root, Role::Timestamp, Role::Snapshot] {
            assert_ne!(ids(role, 1), ids(role, 2));
        }
        assert_eq!(ids(Role::Targets, 1), ids(Role::Targets, 2));
    }

    #[test]
    fn a_later_root_is_signed_by_the_one_before_it_too() {
        let ids = |keys: Vec<Key>| -> Vec<String> { keys.into_iter().map(|key| key.id).collect() };
        let own = |version| ids(keys(Repository::Director, Role::Root, version));
        assert_eq!(ids(root_signers(Repository::Director, 1)), own(1));
        assert_eq!(
            ids(root_signers(Repository::Director, 3)),
            [own(3), own(2)].concat()
        );
    }
}
