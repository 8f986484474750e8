//! Root: the keys of all roles of a repository.

use crate::Error;
use crate::tuf::envelope::{Envelope, Signers};
use crate::tuf::header::Header;
use crate::tuf::key::{Keys, read_keys};

/// The keys that a repository is believed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) header: Header,
    pub(crate) keys: Keys,
    pub(crate) root: Signers,
    pub(crate) timestamp: Signers,
    pub(crate) snapshot: Signers,
    pub(crate) targets: Signers,
}

impl Root {
    /// Reads a root, and checks that it is signed by its own keys.
    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Self, Error> {
        let signed = envelope.signed();
        let header = Header::read(signed)?;
        signed.required("consistent_snapshot")?.boolean()?;
        let listed = signed.required("keys")?;
        let keys = read_keys(listed)?;
        if keys.is_empty() {
            return Err(listed.wrong("empty"));
        }
        let roles = signed.required("roles")?;
        let root = Self {
            header,
            root: Signers::read(roles.required("root")?)?,
            timestamp: Signers::read(roles.required("timestamp")?)?,
            snapshot: Signers::read(roles.required("snapshot")?)?,
            targets: Signers::read(roles.required("targets")?)?,
            keys,
        };
        envelope.signed_by(&root.root, &root.keys)?;
        Ok(root)
    }
}
