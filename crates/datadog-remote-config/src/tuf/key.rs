//! Public keys, their identifiers, and whether a signature is theirs.
//!
//! Ed25519 and ECDSA over P-256; a key of any other kind is kept, and verifies nothing.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::tuf::envelope::MAX_KEY_ID;
use crate::tuf::hex;
use crate::tuf::member::Member;

/// Keys in one document.
const MAX_KEYS: usize = 1024;
/// Bytes of a public key as text.
const MAX_KEY_TEXT: usize = 4096;
/// What stands before the point of a P-256 key in its `SubjectPublicKeyInfo`.
const P256_HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Bytes of an uncompressed point of P-256.
const P256_POINT: usize = 65;

/// Keys by their identifiers.
pub(crate) type Keys = BTreeMap<String, Key>;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Ed25519.
    Ed25519([u8; 32]),
    /// ECDSA over P-256 with SHA-256 and signatures in ASN.1; the uncompressed point.
    P256(Vec<u8>),
    /// Something else, which verifies nothing.
    Unsupported,
}

impl Key {
    /// Whether the signature over the message is of this key.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let result = match self {
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::P256(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature)
            }
            Self::Unsupported => return false,
        };
        result.is_ok()
    }

    fn read(key: Member<'_, '_>) -> Result<Self, Error> {
        let kind = key.required("keytype")?.text(MAX_KEY_TEXT)?;
        let scheme = key.required("scheme")?.text(MAX_KEY_TEXT)?;
        let values = key.required("keyval")?;
        let public = values.required("public")?;
        let text = public.text(MAX_KEY_TEXT)?;
        let p256 = ["ecdsa", "ecdsa-sha2-nistp256"];
        if kind == "ed25519" && scheme == "ed25519" {
            let bytes = hex::decode(text).and_then(|bytes| bytes.try_into().ok());
            let bytes = bytes.ok_or_else(|| public.wrong("not 32 bytes in hexadecimal"))?;
            return Ok(Self::Ed25519(bytes));
        }
        if p256.contains(&kind) && p256.contains(&scheme) {
            let point = p256_point(text).ok_or_else(|| public.wrong("not a P-256 key in PEM"))?;
            return Ok(Self::P256(point));
        }
        Ok(Self::Unsupported)
    }
}

fn p256_point(pem: &str) -> Option<Vec<u8>> {
    let body = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")?
        .strip_suffix("-----END PUBLIC KEY-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(body).ok()?;
    let point = bytes.strip_prefix(&P256_HEADER)?;
    let uncompressed = point.len() == P256_POINT && point.first() == Some(&4);
    uncompressed.then(|| point.to_vec())
}

/// Reads keys, each under the hash of its canonical form.
pub(crate) fn read_keys(keys: Member<'_, '_>) -> Result<Keys, Error> {
    let mut read = Keys::new();
    for (id, key) in keys.entries(MAX_KEYS)? {
        let hash = hex::encode(digest(&SHA256, &key.value().to_canonical()).as_ref());
        if id.len() > MAX_KEY_ID || id != hash {
            return Err(key.wrong(format!("the identifier of this key is {hash}")));
        }
        read.insert(hash, Key::read(key)?);
    }
    Ok(read)
}
