//! Timestamp: which snapshot is the newest.

use crate::Error;
use crate::tuf::Document;
use crate::tuf::envelope::Envelope;
use crate::tuf::hash::Hashes;
use crate::tuf::header::Header;
use crate::tuf::member::Member;

/// The short-lived document that names the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) header: Header,
    pub(crate) snapshot: Listed,
}

impl Timestamp {
    /// Reads it; who signed it is checked before.
    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Self, Error> {
        let signed = envelope.signed();
        Ok(Self {
            header: Header::read(signed)?,
            snapshot: Listed::read(signed.required("meta")?.required("snapshot.json")?)?,
        })
    }
}

/// What one document says of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) version: u64,
    length: Option<u64>,
    hashes: Hashes,
}

impl Listed {
    pub(crate) fn read(listed: Member<'_, '_>) -> Result<Self, Error> {
        let length = listed.optional("length")?;
        let hashes = listed.optional("hashes")?;
        Ok(Self {
            version: listed.required("version")?.version()?,
            length: length.map(|length| length.unsigned()).transpose()?,
            hashes: hashes.map(Hashes::read).transpose()?.unwrap_or_default(),
        })
    }

    /// Fails unless the bytes have the length and the hashes that are listed, if any are.
    pub(crate) fn check_bytes(&self, document: &Document, raw: &[u8]) -> Result<(), Error> {
        let mismatch = |what| Error::Mismatch {
            document: document.clone(),
            what,
        };
        if let Some(length) = self.length.filter(|length| *length != raw.len() as u64) {
            let what = format!("{} bytes instead of {length}", raw.len());
            return Err(mismatch(what));
        }
        if self.hashes.is_empty() {
            return Ok(());
        }
        self.hashes.check(raw).map_err(mismatch)
    }

    /// Fails unless this is the version that is listed.
    pub(crate) fn check_version(&self, document: &Document, version: u64) -> Result<(), Error> {
        if version == self.version {
            return Ok(());
        }
        Err(Error::Mismatch {
            document: document.clone(),
            what: format!("version {version} instead of {}", self.version),
        })
    }
}
