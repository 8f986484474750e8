//! The envelope of a document: what is signed, and the signatures.
//!
//! Says whether enough keys of a role signed; reads nothing of what they signed.

use std::collections::BTreeSet;

use crate::Error;
use crate::cjson::Json;
use crate::tuf::key::Keys;
use crate::tuf::member::{Member, malformed};
use crate::tuf::{Document, hex};

/// Signatures of one document.
const MAX_SIGNATURES: usize = 256;
/// Bytes of an identifier of a key.
pub(crate) const MAX_KEY_ID: usize = 128;
/// Bytes of a signature in hexadecimal.
const MAX_SIGNATURE: usize = 1024;
/// Keys that one role may list.
const MAX_ROLE_KEYS: usize = 64;

/// A document before anything in it is believed.
pub(crate) struct Envelope<'d> {
    document: &'d Document,
    signed: Json,
    canonical: Vec<u8>,
    /// Who signed, and how; `None` when it is not hexadecimal, which is no valid signature.
    signatures: Vec<(String, Option<Vec<u8>>)>,
}

/// Who may sign for a role, and how many of them must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signers {
    ids: BTreeSet<String>,
    threshold: u64,
}

impl Signers {
    /// Reads `keyids` and `threshold`.
    pub(crate) fn read(role: Member<'_, '_>) -> Result<Self, Error> {
        let threshold = role.required("threshold")?.version()?;
        let mut ids = BTreeSet::new();
        for id in role.required("keyids")?.elements(MAX_ROLE_KEYS)? {
            ids.insert(id.text(MAX_KEY_ID)?.to_owned());
        }
        Ok(Self { ids, threshold })
    }
}

impl<'d> Envelope<'d> {
    /// Reads the envelope.
    pub(crate) fn open(document: &'d Document, raw: &[u8]) -> Result<Self, Error> {
        let limit = document.role.max_bytes();
        if raw.len() > limit {
            return Err(Error::Oversized {
                document: document.clone(),
                bytes: raw.len(),
                limit,
            });
        }
        let json =
            Json::parse(raw).map_err(|error| malformed(document, "document", error.to_string()))?;
        let mut signatures = Vec::new();
        let top = Member::top(document, "document", &json);
        for signature in top.required("signatures")?.elements(MAX_SIGNATURES)? {
            let id = signature.required("keyid")?.text(MAX_KEY_ID)?.to_owned();
            let bytes = hex::decode(signature.required("sig")?.text(MAX_SIGNATURE)?);
            signatures.push((id, bytes));
        }
        let Json::Object(mut members) = json else {
            return Err(malformed(document, "document", "not an object"));
        };
        let Some(signed) = members.remove("signed") else {
            return Err(malformed(document, "signed", "missing"));
        };
        Ok(Self {
            document,
            canonical: signed.to_canonical(),
            signed,
            signatures,
        })
    }

    /// What is signed.
    pub(crate) fn signed(&self) -> Member<'_, '_> {
        Member::top(self.document, "signed", &self.signed)
    }

    /// The bytes that the signatures are over.
    pub(crate) fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// Fails unless enough different keys of the role signed.
    /// Signatures of other keys, and those that are not valid, count for nothing.
    pub(crate) fn signed_by(&self, signers: &Signers, keys: &Keys) -> Result<(), Error> {
        let mut valid = BTreeSet::new();
        for (id, signature) in &self.signatures {
            let (Some(signature), Some(key)) = (signature, keys.get(id)) else {
                continue;
            };
            let counts = signers.ids.contains(id) && !valid.contains(id);
            if counts && key.verifies(&self.canonical, signature) {
                valid.insert(id);
            }
        }
        let valid = valid.len() as u64;
        if valid < signers.threshold {
            return Err(Error::Threshold {
                document: self.document.clone(),
                valid,
                threshold: signers.threshold,
            });
        }
        Ok(())
    }
}
