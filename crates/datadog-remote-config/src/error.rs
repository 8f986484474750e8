//! Why an update is refused: one variant for each thing that can be wrong with it.
//!
//! Every message names the document, and where there is one the role and the field.
//! Texts from outside are shown as they are, but for names that are too long to be any.

use crate::path;
use crate::tuf::Document;

/// Why trust roots or an update are not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A document is larger than its role may be.
    #[error("{document}: {bytes} bytes, more than {limit}")]
    Oversized {
        /// Which.
        document: Document,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// A document is not what its role says it is.
    #[error("{document}: {field}: {problem}")]
    Malformed {
        /// Which.
        document: Document,
        /// Where in it, as a path of members.
        field: String,
        /// What is wrong there.
        problem: String,
    },
    /// Too few of the keys of the role signed the document.
    #[error("{document}: {valid} valid signatures of {threshold}")]
    Threshold {
        /// Which.
        document: Document,
        /// Different keys with a valid signature.
        valid: u64,
        /// How many are asked for.
        threshold: u64,
    },
    /// A document is no longer valid.
    #[error("{document}: expired at {expires}, it is {now} (seconds since 1970)")]
    Expired {
        /// Which.
        document: Document,
        /// The last second but one, since 1970.
        expires: i64,
        /// The time that was given.
        now: i64,
    },
    /// An older document than the one that is trusted.
    #[error("{document}: rollback of {what} from version {trusted} to {offered}")]
    Rollback {
        /// The document that says so.
        document: Document,
        /// Whose version is lower.
        what: String,
        /// The version that was believed.
        trusted: u64,
        /// The version that was sent; 0 when it is not mentioned any more.
        offered: u64,
    },
    /// A document is not the one that another one speaks of.
    #[error("{document}: {what}")]
    Mismatch {
        /// Which.
        document: Document,
        /// What differs.
        what: String,
    },
    /// A document is needed that was neither sent nor kept.
    #[error("{document}: missing")]
    Missing {
        /// Which.
        document: Document,
    },
    /// A root does not follow the one that is trusted.
    #[error("{document}: version {offered} does not follow {trusted}")]
    RootGap {
        /// Of which repository.
        document: Document,
        /// The version that is trusted.
        trusted: u64,
        /// The version that was sent.
        offered: u64,
    },
    /// The name of a file is not one.
    #[error("director targets: {0}")]
    Path(#[from] path::Error),
    /// The file belongs to another organisation than the key of remote configuration.
    #[error("director targets: {path}: belongs to another organisation than {expected}")]
    OrgId {
        /// The file.
        path: String,
        /// The organisation of the key.
        expected: i64,
    },
    /// The director names a file that the config repository does not.
    #[error("director targets: {path}: not in the config repository")]
    NotInConfig {
        /// The file.
        path: String,
    },
    /// Both repositories name a file, but not the same.
    #[error("director targets: {path}: {what} differs from the config repository")]
    CrossCheck {
        /// The file.
        path: String,
        /// What differs.
        what: &'static str,
    },
    /// A file is named that was neither sent nor kept.
    #[error("file {path}: missing")]
    FileMissing {
        /// The file.
        path: String,
    },
    /// A file has another length than its name promises.
    #[error("file {path}: {bytes} bytes instead of {length}")]
    FileLength {
        /// The file.
        path: String,
        /// How long it is.
        bytes: usize,
        /// How long it should be.
        length: u64,
    },
    /// A file has other content than its name promises.
    #[error("file {path}: {problem}")]
    FileHash {
        /// The file.
        path: String,
        /// What is wrong with which hash.
        problem: String,
    },
    /// The organisation of this root is not known: ask the backend for it, and verify the same update again.
    #[error("config snapshot: the organisation of root version {root_version} is not known")]
    OrgUnknown {
        /// The version of the config root to keep the answer under.
        root_version: u64,
    },
    /// The configuration of another organisation.
    #[error("config snapshot: organisation {received} instead of {stored}")]
    OrgUuid {
        /// The organisation that was believed.
        stored: String,
        /// The one that signed.
        received: String,
    },
}
