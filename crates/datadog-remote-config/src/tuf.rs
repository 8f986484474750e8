//! The documents of a TUF repository: envelopes with signatures, and what the four roles say in them.
//!
//! Reads strictly and within limits, and names the document and the member that is wrong; members it does not know
//! are kept for the signature and ignored.
//! Decides nothing about versions, time or trust: that is `verify`.

use std::fmt;

pub(crate) mod envelope;
pub(crate) mod hash;
pub(crate) mod header;
pub(crate) mod hex;
pub mod key;
pub(crate) mod member;
pub(crate) mod root;
pub(crate) mod snapshot;
pub(crate) mod targets;
pub(crate) mod timestamp;

pub use hash::Hashes;
pub use targets::Target;

/// Which of the two repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repository {
    /// Says which files exist.
    Config,
    /// Says which files are for this agent.
    Director,
}

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Names the keys of all roles.
    Root,
    /// Names the snapshot, and is short-lived.
    Timestamp,
    /// Names the versions of all targets.
    Snapshot,
    /// Names files.
    Targets,
    /// Names files on behalf of the targets; with its name.
    Delegated(String),
}

impl Role {
    /// What `_type` says.
    fn type_name(&self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets | Self::Delegated(_) => "targets",
        }
    }

    /// Bytes that a document of this role may have.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        match self {
            Self::Root => 1 << 20,
            Self::Timestamp => 256 << 10,
            Self::Snapshot => 8 << 20,
            Self::Targets | Self::Delegated(_) => 32 << 20,
        }
    }
}

/// A document, as errors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Whose it is.
    pub repository: Repository,
    /// What it is.
    pub role: Role,
}

impl Document {
    /// The document of this role.
    #[must_use]
    pub fn new(repository: Repository, role: Role) -> Self {
        Self { repository, role }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repository = match self.repository {
            Repository::Config => "config",
            Repository::Director => "director",
        };
        match &self.role {
            Role::Delegated(name) => write!(f, "{repository} delegation {name}"),
            role => write!(f, "{repository} {}", role.type_name()),
        }
    }
}
