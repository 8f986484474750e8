//! Keys that sign documents, each made from a seed, and the envelope around what they signed.
//!
//! Seeds are no secrets here: whoever knows this program can sign as it does, which is why nothing but a development
//! machine may trust it.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bytes::Bytes;
use serde_json::{Value, json};

use super::canonical::canonical;

/// An Ed25519 key with its public object and its identifier.
#[derive(Debug)]
pub(super) struct Key {
    pair: Ed25519KeyPair,
    pub(super) object: Value,
    pub(super) id: String,
}

impl Key {
    /// The key of a seed.
    pub(super) fn from_seed(seed: [u8; 32]) -> Self {
        #[allow(clippy::expect_used, reason = "the type has the one length there is")]
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed has 32 bytes");
        let object = json!({
            "keytype": "ed25519",
            "scheme": "ed25519",
            "keyid_hash_algorithms": ["sha256", "sha512"],
            "keyval": {"public": hex(pair.public_key().as_ref())},
        });
        let id = sha256(&canonical(&object));
        Self { pair, object, id }
    }

    /// The key whose seed is the hash of this name.
    pub(super) fn named(name: &str) -> Self {
        let mut seed = [0; 32];
        seed.copy_from_slice(digest(&SHA256, name.as_bytes()).as_ref());
        Self::from_seed(seed)
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

/// What is signed, in an envelope with a signature of each key; `is_broken` flips a bit in each of them.
pub(super) fn envelope(signed: &Value, keys: &[Key], is_broken: bool) -> Bytes {
    let message = canonical(signed);
    let signatures: Vec<Value> = keys
        .iter()
        .map(|key| {
            let mut signature = key.sign(&message);
            if let Some(first) = signature.first_mut().filter(|_| is_broken) {
                *first ^= 1;
            }
            json!({"keyid": key.id, "sig": hex(&signature)})
        })
        .collect();
    json!({"signatures": signatures, "signed": signed})
        .to_string()
        .into()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "a text takes whatever is written");
        text
    })
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

pub(super) fn sha512(bytes: &[u8]) -> String {
    hex(digest(&SHA512, bytes).as_ref())
}

/// Keys, hashes and signatures that other implementations computed.
#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5e2d627cd203a4d4c575306b6a244bd3a2e85d8401f2f7401a2413cdd92ab718";

    fn signature(signed: &Value) -> String {
        hex(&Key::from_seed([1; 32]).sign(&canonical(signed)))
    }

    #[test]
    fn a_key_has_the_identifier_that_others_give_it() {
        let key = Key::from_seed([1; 32]);
        assert_eq!(
            key.object["keyval"]["public"],
            "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
        );
        assert_eq!(key.id, ID);
    }

    #[test]
    fn a_root_is_signed_as_others_sign_it() {
        let role = json!({"keyids": [ID], "threshold": 1});
        let signed = json!({
            "_type": "root", "spec_version": "1.0", "version": 1,
            "expires": "2099-01-01T00:00:00Z", "consistent_snapshot": true,
            "keys": {ID: Key::from_seed([1; 32]).object},
            "roles": {"root": role, "snapshot": role, "targets": role, "timestamp": role},
        });
        assert_eq!(canonical(&signed).len(), 783);
        assert_eq!(
            sha256(&canonical(&signed)),
            "516495a99b21dffce05298cd004d39f3399ffe39cf52b8c0886c52d7c95ac007"
        );
        assert_eq!(
            signature(&signed),
            "c2a23f30cb029dcac85f6a79c3ec7609f57e0ca5d31056c7296f8e54acfba06822852982a6b0323c5b5e2cd31220905fc78d51440bb7449680043b135ac89407"
        );
    }

    #[test]
    fn a_file_has_the_hashes_that_others_give_it() {
        let file = br#"{"enabled":true}"#;
        assert_eq!(
            sha256(file),
            "26b3426b2593763c96d0890b4a77a0bbf66d13fc512b0c6b138a23c290f30a2a"
        );
        assert_eq!(
            sha512(file),
            "5f9fd1cb13b3e55727341631d1bc18a0ae93a33d29179b7c4d681f5818cfb3d5e84aeb978790501575b426b831f272f5ff5e2b4cc5eb8cf00cce8bf4372e7d71"
        );
    }

    #[test]
    fn targets_are_signed_as_others_sign_them() {
        let signed = json!({
            "version": 7, "_type": "targets", "spec_version": "1.0",
            "expires": "2099-01-01T00:00:00Z",
            "custom": {"opaque_backend_state": "eyJhIjoxfQ==", "agent_refresh_interval": 50},
            "targets": {"datadog/2/ASM_FEATURES/asm-on/config": {
                "length": 16, "custom": {"v": 1},
                "hashes": {"sha256": "26b3426b2593763c96d0890b4a77a0bbf66d13fc512b0c6b138a23c290f30a2a"},
            }},
        });
        assert_eq!(
            sha256(&canonical(&signed)),
            "c733c2262942e89d42b228c63b39991030699e11b6ea57de1583b1a06a064e58"
        );
        assert_eq!(
            signature(&signed),
            "e907e9b9d440537a704bc02104b259b139886e27fde9a7cb7688058d40d4bf65eb15ea653a30c2186985f34b54204d8d3940e5efea8a0dab8e1ef2c842ed2805"
        );
    }

    #[test]
    fn an_envelope_has_a_signature_of_each_key_in_hexadecimal() {
        let signed = json!({"b": 1, "a": "é"});
        let keys = [Key::from_seed([1; 32]), Key::from_seed([2; 32])];
        let read = |is_broken| -> Value {
            serde_json::from_slice(&envelope(&signed, &keys, is_broken)).unwrap()
        };
        let whole = read(false);
        assert_eq!(whole["signed"], signed);
        assert_eq!(whole["signatures"][0]["keyid"], ID);
        assert_eq!(whole["signatures"][0]["sig"], signature(&signed));
        assert_eq!(whole["signatures"][1]["keyid"], keys[1].id);
        let broken = read(true);
        assert_eq!(broken["signed"], signed);
        assert_ne!(
            broken["signatures"][0]["sig"],
            whole["signatures"][0]["sig"]
        );
        assert_ne!(
            broken["signatures"][1]["sig"],
            whole["signatures"][1]["sig"]
        );
    }
}
