//! What is believed, and how an update becomes believed: whole or not at all.
//!
//! Roots of both repositories, then their timestamps, snapshots and targets, then the organisation, then each file of
//! the director against the config repository, then its bytes.
//! Nothing is believed for having been kept: what an update leaves out is verified again under the newest roots.

mod chain;
mod cross_check;
mod delegations;
mod repository;

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Error;
use crate::path::TargetPath;
use crate::tuf::{Repository as Which, Target};
use delegations::Delegation;
use repository::Repository;

/// What is believed at one moment. Cheap to clone but for its lists; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    config: Repository,
    director: Repository,
    delegations: BTreeMap<String, Bytes>,
    files: BTreeMap<String, Bytes>,
}

/// The documents of one repository as they came; what did not change may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Roots in ascending order of their versions.
    pub roots: Vec<Bytes>,
    /// The timestamp.
    pub timestamp: Option<Bytes>,
    /// The snapshot.
    pub snapshot: Option<Bytes>,
    /// The top targets.
    pub targets: Option<Bytes>,
}

/// What the backend sent, or a store kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Of the config repository.
    pub config: Metadata,
    /// Targets of delegated roles of the config repository, by their names.
    pub delegations: Vec<(String, Bytes)>,
    /// Of the director.
    pub director: Metadata,
    /// Files by their names without hashes, see [`logical`](crate::path::logical).
    pub files: Vec<(String, Bytes)>,
}

/// What an update is judged by, beside the state it is applied to.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time, in seconds since 1970.
    pub now: i64,
    /// The organisations that the backend named, by the version of the config root at that time.
    pub org_uuids: &'a BTreeMap<u64, String>,
    /// The organisation of the key of remote configuration, if there is such a key.
    pub org_id: Option<i64>,
}

/// A new state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What is believed from now on.
    pub trusted: Trusted,
    /// Delegated roles that are not believed, and why; no file of the director needed them.
    pub dropped: Vec<(String, Error)>,
}

/// Versions of what is believed; 0 of what is not there yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Of the root of the config repository.
    pub config_root: u64,
    /// Of its snapshot.
    pub config_snapshot: u64,
    /// Of the director's root.
    pub director_root: u64,
    /// Of the director's targets.
    pub director_targets: u64,
}

impl Trusted {
    /// Begins with the roots that somebody vouches for.
    /// They may have expired, because they only begin the chain.
    ///
    /// # Errors
    /// When one is not a root, or is not signed by enough of its own keys.
    pub fn from_roots(config: Bytes, director: Bytes) -> Result<Self, Error> {
        Ok(Self {
            config: Repository::from_root(Which::Config, config)?,
            director: Repository::from_root(Which::Director, director)?,
            delegations: BTreeMap::new(),
            files: BTreeMap::new(),
        })
    }

    /// The state after an update.
    ///
    /// # Errors
    /// Whatever is wrong first; [`Error::OrgUnknown`] asks for one more thing to judge by.
    pub fn update(&self, update: &Update, context: &Context<'_>) -> Result<Verified, Error> {
        let config = self.config.advance(&update.config, context.now)?;
        let director = self.director.advance(&update.director, context.now)?;
        check_organisation(&config, context)?;
        let delegations =
            delegations::verify(&config, &self.delegations, &update.delegations, context.now);
        let files = cross_check::files(
            &cross_check::Sources {
                config: &config,
                delegations: &delegations,
                offered: update
                    .files
                    .iter()
                    .map(|(path, raw)| (path.as_str(), raw))
                    .collect(),
                kept: &self.files,
            },
            &director,
            context.org_id,
        )?;
        let mut dropped = Vec::new();
        let mut kept = BTreeMap::new();
        for Delegation { role, document } in delegations {
            match document {
                Ok(document) => {
                    kept.insert(role.name.clone(), document.raw);
                }
                Err(error) => dropped.push((role.name.clone(), error)),
            }
        }
        let trusted = Self {
            config,
            director,
            delegations: kept,
            files,
        };
        Ok(Verified { trusted, dropped })
    }

    /// Everything that a store must keep: given to the state of the same first roots, it leads here again.
    #[must_use]
    pub fn to_update(&self) -> Update {
        let pairs = |map: &BTreeMap<String, Bytes>| {
            let owned = map.iter().map(|(name, raw)| (name.clone(), raw.clone()));
            owned.collect()
        };
        Update {
            config: self.config.to_metadata(),
            delegations: pairs(&self.delegations),
            director: self.director.to_metadata(),
            files: pairs(&self.files),
        }
    }

    /// The versions to tell the backend.
    #[must_use]
    pub fn versions(&self) -> Versions {
        let version = |header: Option<u64>| header.unwrap_or_default();
        let (config, director) = (&self.config, &self.director);
        Versions {
            config_root: config.root_version(),
            config_snapshot: version(config.snapshot_version()),
            director_root: director.root_version(),
            director_targets: version(director.targets_version()),
        }
    }

    /// The director's roots that follow a version, in ascending order, as they came.
    /// They begin later if the first root that was vouched for did.
    pub fn director_roots_after(&self, version: u64) -> impl Iterator<Item = &Bytes> {
        self.director.roots_after(version)
    }

    /// The director's targets, as they came; `None` before the first update.
    #[must_use]
    pub fn director_targets(&self) -> Option<&Bytes> {
        self.director.raw_targets()
    }

    /// The first second since 1970 at which the director's timestamp is not valid any more; `None` before the first
    /// update.
    #[must_use]
    pub fn director_timestamp_expires(&self) -> Option<i64> {
        self.director.timestamp_expires()
    }

    /// What the backend wants to hear again with the next request; empty before the first update.
    #[must_use]
    pub fn backend_state(&self) -> &[u8] {
        let targets = self.director.targets();
        targets.map_or(&[], |targets| &targets.backend_state)
    }

    /// How many seconds the backend asks to leave between updates, whatever number it is.
    #[must_use]
    pub fn refresh_interval_s(&self) -> Option<u64> {
        self.director.targets()?.refresh_interval_s
    }

    /// The files, sorted by their names.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        let targets = self.director.targets().into_iter();
        targets
            .flat_map(|targets| &targets.files)
            .filter_map(|(path, target)| {
                Some(File {
                    path: TargetPath::parse(path).ok()?,
                    target,
                    raw: self.files.get(path)?,
                })
            })
    }
}

/// A file of configuration that is believed.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name.
    pub path: TargetPath<'a>,
    /// What the director says of it.
    pub target: &'a Target,
    /// Its bytes.
    pub raw: &'a Bytes,
}

/// Fails if the config repository is signed for another organisation than the one that the backend named.
fn check_organisation(config: &Repository, context: &Context<'_>) -> Result<(), Error> {
    let Some(received) = config.org_uuid() else {
        return Ok(());
    };
    let root_version = config.root_version();
    let Some(stored) = context.org_uuids.get(&root_version) else {
        return Err(Error::OrgUnknown { root_version });
    };
    if stored == received {
        return Ok(());
    }
    Err(Error::OrgUuid {
        stored: stored.clone(),
        received: received.to_owned(),
    })
}
