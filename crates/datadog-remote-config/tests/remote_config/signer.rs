//! Makes both repositories and signs them, as the backend does, with keys from fixed seeds.
//!
//! Its documents are plain JSON that a test may change before they are signed, or after.

use std::collections::BTreeMap;
use std::rc::Rc;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use datadog_remote_config::Update;
use datadog_remote_config::cjson::Json;
use datadog_remote_config::verify::Metadata;
use serde_json::{Value, json};

/// The end of everything that does not expire in a test.
pub(crate) const LATE: &str = "2099-01-01T00:00:00Z";

/// The header of a P-256 key in its `SubjectPublicKeyInfo`.
const P256_HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A key with its public object and its identifier.
pub(crate) struct Key {
    pair: Pair,
    pub(crate) object: Value,
    pub(crate) id: String,
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    Json::parse(value.to_string().as_bytes())
        .unwrap()
        .to_canonical()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

impl Key {
    /// An Ed25519 key of a seed of this byte.
    pub(crate) fn ed25519(seed: u8) -> Rc<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = hex(pair.public_key().as_ref());
        Self::of(Pair::Ed25519(pair), "ed25519", "ed25519", &public)
    }

    /// A new P-256 key.
    pub(crate) fn p256() -> Rc<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let mut spki = P256_HEADER.to_vec();
        spki.extend_from_slice(pair.public_key().as_ref());
        let body = STANDARD.encode(spki);
        let (first, second) = body.split_at(64);
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
        Self::of(Pair::P256(pair), "ecdsa", "ecdsa-sha2-nistp256", &pem)
    }

    fn of(pair: Pair, kind: &str, scheme: &str, public: &str) -> Rc<Self> {
        let object = json!({
            "keytype": kind, "scheme": scheme, "keyid_hash_algorithms": ["sha256", "sha512"],
            "keyval": {"public": public},
        });
        let id = sha256(&canonical(&object));
        Rc::new(Self { pair, object, id })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> String {
        match &self.pair {
            Pair::Ed25519(pair) => hex(pair.sign(message).as_ref()),
            Pair::P256(pair) => hex(pair.sign(&SystemRandom::new(), message).unwrap().as_ref()),
        }
    }
}

/// The keys of a role.
pub(crate) type Keys = Vec<Rc<Key>>;

pub(crate) fn keys(seeds: &[u8]) -> Keys {
    seeds.iter().map(|seed| Key::ed25519(*seed)).collect()
}

/// A document with its signatures, one for each key.
pub(crate) fn sign(signed: &Value, keys: &Keys) -> Bytes {
    let message = canonical(signed);
    let signature = |key: &Rc<Key>| json!({"keyid": key.id, "sig": key.sign(&message)});
    let signatures: Vec<_> = keys.iter().map(signature).collect();
    json!({"signatures": signatures, "signed": signed})
        .to_string()
        .into()
}

fn role(keys: &Keys, threshold: usize) -> Value {
    let ids: Vec<_> = keys.iter().map(|key| &key.id).collect();
    json!({"keyids": ids, "threshold": threshold})
}

fn objects<'a>(keys: impl IntoIterator<Item = &'a Rc<Key>>) -> Value {
    keys.into_iter()
        .map(|key| (key.id.clone(), key.object.clone()))
        .collect()
}

/// A delegated role.
pub(crate) struct Delegate {
    pub(crate) name: &'static str,
    pub(crate) keys: Keys,
    pub(crate) paths: Vec<&'static str>,
    pub(crate) terminating: bool,
    pub(crate) version: u64,
    pub(crate) expires: &'static str,
    pub(crate) targets: Value,
}

/// One repository, as its publisher has it.
pub(crate) struct Repo {
    pub(crate) root: Keys,
    pub(crate) timestamp: Keys,
    pub(crate) snapshot: Keys,
    pub(crate) targets: Keys,
    pub(crate) threshold: usize,
    pub(crate) root_version: u64,
    pub(crate) timestamp_version: u64,
    pub(crate) snapshot_version: u64,
    pub(crate) targets_version: u64,
    pub(crate) root_expires: &'static str,
    pub(crate) timestamp_expires: &'static str,
    pub(crate) snapshot_expires: &'static str,
    pub(crate) targets_expires: &'static str,
    pub(crate) files: Value,
    pub(crate) custom: Value,
    pub(crate) org_uuid: Option<&'static str>,
    pub(crate) delegates: Vec<Delegate>,
    /// Whether timestamp and snapshot list lengths and hashes.
    pub(crate) pinned: bool,
}

impl Repo {
    /// A repository at version 1 of everything, with keys of five seeds from this one on.
    pub(crate) fn new(seed: u8) -> Self {
        Self {
            root: keys(&[seed, seed + 1]),
            timestamp: keys(&[seed + 2]),
            snapshot: keys(&[seed + 3]),
            targets: keys(&[seed + 4]),
            threshold: 2,
            root_version: 1,
            timestamp_version: 1,
            snapshot_version: 1,
            targets_version: 1,
            root_expires: LATE,
            timestamp_expires: LATE,
            snapshot_expires: LATE,
            targets_expires: LATE,
            files: json!({}),
            custom: Value::Null,
            org_uuid: None,
            delegates: Vec::new(),
            pinned: false,
        }
    }

    pub(crate) fn root_signed(&self) -> Value {
        let all = [&self.root, &self.timestamp, &self.snapshot, &self.targets];
        json!({
            "_type": "root", "spec_version": "1.0", "version": self.root_version,
            "expires": self.root_expires, "consistent_snapshot": true,
            "keys": objects(all.into_iter().flatten()),
            "roles": {
                "root": role(&self.root, self.threshold),
                "timestamp": role(&self.timestamp, 1),
                "snapshot": role(&self.snapshot, 1),
                "targets": role(&self.targets, 1),
            },
        })
    }

    pub(crate) fn root(&self) -> Bytes {
        sign(&self.root_signed(), &self.root)
    }

    fn listed(&self, version: u64, raw: &Bytes) -> Value {
        if self.pinned {
            json!({"version": version, "length": raw.len(), "hashes": {"sha256": sha256(raw)}})
        } else {
            json!({"version": version})
        }
    }

    pub(crate) fn timestamp(&self) -> Bytes {
        let listed = self.listed(self.snapshot_version, &self.snapshot());
        let signed = json!({
            "_type": "timestamp", "spec_version": "1.0", "version": self.timestamp_version,
            "expires": self.timestamp_expires, "meta": {"snapshot.json": listed},
        });
        sign(&signed, &self.timestamp)
    }

    pub(crate) fn snapshot(&self) -> Bytes {
        let top = self.listed(self.targets_version, &self.targets());
        let mut meta = json!({"targets.json": top});
        for delegate in &self.delegates {
            let listed = self.listed(delegate.version, &delegate.document());
            meta[format!("{}.json", delegate.name)] = listed;
        }
        let mut signed = json!({
            "_type": "snapshot", "spec_version": "1.0", "version": self.snapshot_version,
            "expires": self.snapshot_expires, "meta": meta,
        });
        if let Some(org) = self.org_uuid {
            signed["custom"] = json!({"org_uuid": org});
        }
        sign(&signed, &self.snapshot)
    }

    pub(crate) fn targets(&self) -> Bytes {
        let mut signed = json!({
            "_type": "targets", "spec_version": "1.0", "version": self.targets_version,
            "expires": self.targets_expires, "targets": self.files,
        });
        if !self.custom.is_null() {
            signed["custom"] = self.custom.clone();
        }
        if !self.delegates.is_empty() {
            let roles: Vec<_> = self.delegates.iter().map(Delegate::listed).collect();
            let keys = self.delegates.iter().flat_map(|delegate| &delegate.keys);
            signed["delegations"] = json!({"keys": objects(keys), "roles": roles});
        }
        sign(&signed, &self.targets)
    }

    pub(crate) fn delegations(&self) -> Vec<(String, Bytes)> {
        let pair = |delegate: &Delegate| (delegate.name.to_owned(), delegate.document());
        self.delegates.iter().map(pair).collect()
    }

    pub(crate) fn metadata(&self) -> Metadata {
        Metadata {
            roots: Vec::new(),
            timestamp: Some(self.timestamp()),
            snapshot: Some(self.snapshot()),
            targets: Some(self.targets()),
        }
    }

    /// The next version of timestamp, snapshot and top targets.
    pub(crate) fn publish(&mut self) {
        self.timestamp_version += 1;
        self.snapshot_version += 1;
        self.targets_version += 1;
    }
}

impl Delegate {
    fn document(&self) -> Bytes {
        let signed = json!({
            "_type": "targets", "spec_version": "1.0", "version": self.version,
            "expires": self.expires, "targets": self.targets,
        });
        sign(&signed, &self.keys)
    }

    fn listed(&self) -> Value {
        let mut listed = role(&self.keys, 1);
        listed["name"] = json!(self.name);
        listed["terminating"] = json!(self.terminating);
        listed["paths"] = json!(self.paths);
        listed
    }
}

/// What a repository says of a file.
pub(crate) fn target(content: &[u8]) -> Value {
    let sha512 = hex(digest(&SHA512, content).as_ref());
    json!({"length": content.len(), "hashes": {"sha256": sha256(content), "sha512": sha512}})
}

/// Both repositories and the files.
pub(crate) struct Backend {
    pub(crate) config: Repo,
    pub(crate) director: Repo,
    pub(crate) files: BTreeMap<String, Bytes>,
}

/// A file in the top targets of the config repository.
pub(crate) const TOP_FILE: &str = "datadog/2/ASM_FEATURES/asm-on/config";
/// A file in the role `apm`.
pub(crate) const ROLE_FILE: &str = "datadog/2/APM_TRACING/rates/config";

impl Backend {
    /// One file in the top targets, one in a delegated role, both for this agent.
    pub(crate) fn new() -> Self {
        let mut config = Repo::new(10);
        let mut director = Repo::new(20);
        let (top, of_role) = (b"{\"enabled\":true}", b"{\"rate\":1}");
        config.files = json!({TOP_FILE: target(top)});
        config.delegates.push(Delegate {
            name: "apm",
            keys: keys(&[30]),
            paths: vec!["datadog/*/APM_TRACING/*/*"],
            terminating: true,
            version: 1,
            expires: LATE,
            targets: json!({ROLE_FILE: target(of_role)}),
        });
        director.files = json!({TOP_FILE: target(top), ROLE_FILE: target(of_role)});
        let files = [(TOP_FILE, &top[..]), (ROLE_FILE, &of_role[..])];
        let owned = |(path, raw): (&str, &[u8])| (path.to_owned(), Bytes::copy_from_slice(raw));
        Self {
            config,
            director,
            files: files.into_iter().map(owned).collect(),
        }
    }

    /// Everything there is, without roots.
    pub(crate) fn update(&self) -> Update {
        let files = self.files.iter();
        Update {
            config: self.config.metadata(),
            delegations: self.config.delegations(),
            director: self.director.metadata(),
            files: files
                .map(|(path, raw)| (path.clone(), raw.clone()))
                .collect(),
        }
    }

    /// Other content of the file in the top targets, in both repositories.
    pub(crate) fn change_top_file(&mut self, content: &'static [u8]) {
        self.config.files[TOP_FILE] = target(content);
        self.director.files[TOP_FILE] = target(content);
        self.files
            .insert(TOP_FILE.to_owned(), Bytes::from_static(content));
        self.config.publish();
        self.director.publish();
    }
}
