//! Hashes of files and documents.
//!
//! Checks SHA-256 and SHA-512; other algorithms are kept and compared, but prove nothing.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};

use crate::Error;
use crate::tuf::hex;
use crate::tuf::member::Member;

/// Hashes of one file.
const MAX_HASHES: usize = 16;
/// Bytes of a hash in hexadecimal, and of the name of its algorithm.
const MAX_HASH: usize = 256;

/// The hashes of one file, by the names of their algorithms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes(BTreeMap<String, Vec<u8>>);

impl Hashes {
    pub(crate) fn read(hashes: Member<'_, '_>) -> Result<Self, Error> {
        let mut read = BTreeMap::new();
        for (algorithm, hash) in hashes.entries(MAX_HASHES)? {
            let text = hash.text(MAX_HASH)?;
            let bytes = hex::decode(text).ok_or_else(|| hash.wrong("not hexadecimal"))?;
            if algorithm.len() > MAX_HASH {
                return Err(hash.wrong("the name of the algorithm is too long"));
            }
            read.insert(algorithm.to_owned(), bytes);
        }
        Ok(Self(read))
    }

    /// The hash of an algorithm (`sha256`, `sha512`), if it is there.
    #[must_use]
    pub fn get(&self, algorithm: &str) -> Option<&[u8]> {
        self.0.get(algorithm).map(Vec::as_slice)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the bytes have all hashes that can be checked; one at least must be.
    ///
    /// # Errors
    /// What is wrong with which hash.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        let mut checked = false;
        for (name, hash) in &self.0 {
            let algorithm: &Algorithm = match name.as_str() {
                "sha256" => &SHA256,
                "sha512" => &SHA512,
                _ => continue,
            };
            if digest(algorithm, bytes).as_ref() != hash.as_slice() {
                return Err(format!("{name} differs"));
            }
            checked = true;
        }
        if checked {
            Ok(())
        } else {
            Err("no hash of a known algorithm".to_owned())
        }
    }
}
