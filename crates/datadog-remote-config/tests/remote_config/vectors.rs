//! Keys, hashes and signatures that other implementations computed.

use datadog_remote_config::Trusted;
use serde_json::json;

use crate::signer::{Key, canonical, hex, sha256, sign, target};
use crate::{NOW, apply, begin, contents, signer};

const ID: &str = "5e2d627cd203a4d4c575306b6a244bd3a2e85d8401f2f7401a2413cdd92ab718";

#[test]
fn a_key_has_the_identifier_that_others_give_it() {
    let key = Key::ed25519(1);
    assert_eq!(key.id, ID);
    assert_eq!(
        String::from_utf8(canonical(&key.object)).unwrap(),
        concat!(
            r#"{"keyid_hash_algorithms":["sha256","sha512"],"keytype":"ed25519","keyval":{"public":"#,
            r#""8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"},"scheme":"ed25519"}"#
        )
    );
}

#[test]
fn a_root_that_others_signed_is_believed() {
    let key = Key::ed25519(1);
    let role = json!({"keyids": [ID], "threshold": 1});
    let signed = json!({
        "_type": "root", "spec_version": "1.0", "version": 1, "expires": "2099-01-01T00:00:00Z",
        "consistent_snapshot": true, "keys": {ID: key.object},
        "roles": {"root": role, "snapshot": role, "targets": role, "timestamp": role},
    });
    let canonical = canonical(&signed);
    assert_eq!(canonical.len(), 783);
    assert_eq!(
        sha256(&canonical),
        "516495a99b21dffce05298cd004d39f3399ffe39cf52b8c0886c52d7c95ac007"
    );
    let signature = concat!(
        "c2a23f30cb029dcac85f6a79c3ec7609f57e0ca5d31056c7296f8e54acfba06822852982a6b0323c5b5e2cd31220905f",
        "c78d51440bb7449680043b135ac89407"
    );
    let raw = json!({"signatures": [{"keyid": ID, "sig": signature}], "signed": signed});
    let raw = bytes::Bytes::from(raw.to_string());
    let trusted = Trusted::from_roots(raw.clone(), raw).unwrap();
    assert_eq!(trusted.versions().config_root, 1);
}

#[test]
fn targets_that_others_signed_say_what_the_backend_wants() {
    let text = concat!(
        r#"{"_type":"targets","custom":{"agent_refresh_interval":50,"opaque_backend_state":"eyJhIjoxfQ=="},"#,
        r#""expires":"2099-01-01T00:00:00Z","spec_version":"1.0","targets":{"datadog/2/ASM_FEATURES/asm-on/config":"#,
        r#"{"custom":{"v":1},"hashes":{"sha256":"26b3426b2593763c96d0890b4a77a0bbf66d13fc512b0c6b138a23c290f30a2a"},"#,
        r#""length":16}},"version":7}"#
    );
    let signature = concat!(
        "e907e9b9d440537a704bc02104b259b139886e27fde9a7cb7688058d40d4bf65eb15ea653a30c2186985f34b54204d8d",
        "3940e5efea8a0dab8e1ef2c842ed2805"
    );
    assert_eq!(
        sha256(text.as_bytes()),
        "c733c2262942e89d42b228c63b39991030699e11b6ea57de1583b1a06a064e58"
    );
    assert_eq!(Key::ed25519(1).sign(text.as_bytes()), signature);

    let mut backend = signer::Backend::new();
    backend.config.files[signer::TOP_FILE] = json!({"length": 16, "hashes": {
        "sha256": "26b3426b2593763c96d0890b4a77a0bbf66d13fc512b0c6b138a23c290f30a2a"}});
    backend.director.targets = signer::keys(&[1]);
    backend.director.targets_version = 7;
    let trusted = begin(&backend);
    let mut update = backend.update();
    let raw =
        format!(r#"{{"signatures":[{{"keyid":"{ID}","sig":"{signature}"}}],"signed":{text}}}"#);
    update.director.targets = Some(raw.into());
    let trusted = apply(&trusted, &update);

    assert_eq!(trusted.backend_state(), br#"{"a":1}"#);
    assert_eq!(trusted.refresh_interval_s(), Some(50));
    assert_eq!(trusted.versions().director_targets, 7);
    let file = trusted.files().next().unwrap();
    assert_eq!((file.target.version, file.target.expires), (1, 0));
    assert!(!file.target.is_expired(NOW));
    assert_eq!(contents(&trusted).len(), 1);
}

#[test]
fn a_file_has_the_hashes_that_others_compute() {
    let target = target(br#"{"enabled":true}"#);
    assert_eq!(target["length"], 16);
    assert_eq!(
        target["hashes"]["sha256"],
        "26b3426b2593763c96d0890b4a77a0bbf66d13fc512b0c6b138a23c290f30a2a"
    );
    assert_eq!(
        target["hashes"]["sha512"],
        concat!(
            "5f9fd1cb13b3e55727341631d1bc18a0ae93a33d29179b7c4d681f5818cfb3d5e84aeb978790501575b426b831f272f5",
            "ff5e2b4cc5eb8cf00cce8bf4372e7d71"
        )
    );
}

#[test]
fn a_repository_of_p256_keys_is_believed_and_a_flipped_signature_is_not() {
    let mut backend = signer::Backend::new();
    for repo in [&mut backend.config, &mut backend.director] {
        repo.root = vec![Key::p256(), Key::p256()];
        let both = repo.root.clone();
        (repo.timestamp, repo.snapshot, repo.targets) = (both.clone(), both.clone(), both);
    }
    let trusted = begin(&backend);
    let after = apply(&trusted, &backend.update());
    assert_eq!(contents(&after).len(), 2);

    let root = backend.config.root_signed();
    let one = sign(&root, &vec![backend.config.root[0].clone()]);
    let error = Trusted::from_roots(one, backend.director.root()).unwrap_err();
    assert_eq!(error.to_string(), "config root: 1 valid signatures of 2");
    let mut other = sign(&root, &backend.config.root).to_vec();
    let at = String::from_utf8_lossy(&other).find("\"sig\":\"").unwrap() + 7 + 20;
    other[at] = if other[at] == b'0' { b'1' } else { b'0' };
    let error = Trusted::from_roots(other.into(), backend.director.root()).unwrap_err();
    assert_eq!(error.to_string(), "config root: 1 valid signatures of 2");
    assert_eq!(hex(&[1, 255]), "01ff");
}
