//! Keeps what is believed from one start to the next: in one file, or not at all.
//!
//! A store belongs to one identity: another version, key, backend or first root, and it is begun anew. What it holds is
//! verified like anything that comes from outside. A file that is damaged is begun anew once; where none can be had the
//! agent goes on in memory.
//! The API key is never stored, only its hash.

mod disk;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::Update;
use disk::{Disk, FILE, StoreError};

/// The form of the tables; another one is begun anew.
const SCHEMA: u32 = 1;

/// Where verified configuration is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// In a file of this directory, which is made if it is missing.
    Persistent(PathBuf),
    /// In memory alone.
    Ephemeral,
}

/// Whom a store belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreIdentity {
    pub(crate) schema: u32,
    pub(crate) agent_version: String,
    pub(crate) api_key_hash: String,
    pub(crate) url: String,
    pub(crate) config_root_hash: String,
    pub(crate) director_root_hash: String,
}

impl StoreIdentity {
    pub(crate) fn new(
        agent_version: &str,
        api_key_hash: String,
        url: &str,
        roots: [String; 2],
    ) -> Self {
        let [config_root_hash, director_root_hash] = roots;
        Self {
            schema: SCHEMA,
            agent_version: agent_version.to_owned(),
            api_key_hash,
            url: url.to_owned(),
            config_root_hash,
            director_root_hash,
        }
    }
}

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Everything that leads to what was believed, from the first roots on.
    pub(crate) update: Update,
    /// The organisations, by the version of the config root.
    pub(crate) org_uuids: BTreeMap<u64, String>,
    /// The name of this agent; empty in a new store.
    pub(crate) agent_uuid: String,
}

/// A store that is open.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Option<Disk>,
    problem: Option<String>,
}

impl Store {
    /// Opens a store, and gives what it holds.
    pub(crate) async fn open(mode: StoreMode, identity: StoreIdentity) -> (Self, Kept) {
        let StoreMode::Persistent(directory) = mode else {
            return (Self::in_memory(None), Kept::default());
        };
        let path = directory.join(FILE);
        let opening = spawn_blocking(move || Disk::open(&directory, &identity));
        let opened = match opening.await {
            Ok(opened) => opened,
            Err(error) => Err(StoreError::Broken(error.to_string())),
        };
        match opened {
            Ok((disk, kept)) => (
                Self {
                    disk: Some(disk),
                    problem: None,
                },
                kept,
            ),
            Err(error) => {
                let path = path.display();
                warn!(%path, %error, "remote configuration is kept in memory alone");
                (Self::in_memory(Some(error.to_string())), Kept::default())
            }
        }
    }

    const fn in_memory(problem: Option<String>) -> Self {
        Self {
            disk: None,
            problem,
        }
    }

    /// Keeps this instead of what was kept, all or nothing of it.
    /// After an error it is memory alone.
    pub(crate) async fn keep(&mut self, kept: Kept) {
        let Some(disk) = self.disk.take() else {
            return;
        };
        let written = spawn_blocking(move || disk.write(&kept).map(|()| disk)).await;
        let error = match written {
            Ok(Ok(disk)) => {
                self.disk = Some(disk);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        warn!(%error, "remote configuration cannot be kept any more, and stays in memory");
        self.problem = Some(error);
    }

    /// Whether it outlives the process.
    pub(crate) const fn is_persistent(&self) -> bool {
        self.disk.is_some()
    }

    /// Why it does not, if it was meant to.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}
