//! Snapshot: the versions of all documents that name files, at one moment.

use std::collections::BTreeMap;

use crate::Error;
use crate::tuf::envelope::Envelope;
use crate::tuf::header::Header;
use crate::tuf::timestamp::Listed;

/// Documents in one snapshot.
const MAX_DOCUMENTS: usize = 4096;
/// Bytes of the name of an organisation.
const MAX_ORG: usize = 256;

/// What belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) header: Header,
    /// By file names: `targets.json`, `ROLE.json`.
    pub(crate) documents: BTreeMap<String, Listed>,
    /// The organisation that the repository is of, if it says so.
    pub(crate) org_uuid: Option<String>,
}

impl Snapshot {
    /// Reads it; who signed it is checked before.
    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Self, Error> {
        let signed = envelope.signed();
        let header = Header::read(signed)?;
        let mut documents = BTreeMap::new();
        for (name, listed) in signed.required("meta")?.entries(MAX_DOCUMENTS)? {
            documents.insert(name.to_owned(), Listed::read(listed)?);
        }
        let org_uuid = match signed.optional("custom")? {
            Some(custom) => match custom.optional("org_uuid")? {
                Some(org) => Some(org.text(MAX_ORG)?.to_owned()),
                None => None,
            },
            None => None,
        };
        Ok(Self {
            header,
            documents,
            org_uuid,
        })
    }
}
