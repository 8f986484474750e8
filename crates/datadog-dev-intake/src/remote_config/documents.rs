//! The documents of an answer before they are signed, so that whatever is to be wrong with them can still be done.

use bytes::Bytes;
use datadog_wire::remote_config::{
    ConfigMetas, DelegatedMeta, DirectorMetas, File, LatestConfigsResponse, TopMeta,
};
use serde_json::{Map, Value, json};

use super::key::{Key, envelope};
use super::trust::{self, LATE, Repository, Role, delegated_key, keys, root_signers};

/// A document, and whether and how it is sent.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) version: u64,
    pub(super) signed: Value,
    signers: Vec<Key>,
    pub(super) is_sent: bool,
    /// Sent with signatures that verify nothing.
    pub(super) is_broken: bool,
}

impl Document {
    fn new(signed: Value, version: u64, signers: Vec<Key>) -> Self {
        Self {
            version,
            signed,
            signers,
            is_sent: true,
            is_broken: false,
        }
    }

    /// The root of that version.
    pub(super) fn root(repository: Repository, version: u64) -> Self {
        let signers = root_signers(repository, version);
        Self::new(trust::root(repository, version), version, signers)
    }

    fn raw(&self) -> Bytes {
        envelope(&self.signed, &self.signers, self.is_broken)
    }

    fn to_meta(&self) -> Option<TopMeta> {
        self.is_sent.then(|| TopMeta {
            version: self.version,
            raw: self.raw(),
        })
    }
}

/// The documents of one repository.
#[derive(Debug)]
pub(super) struct Documents {
    /// The version of the newest root.
    pub(super) root_version: u64,
    /// Those that the agent does not have.
    pub(super) roots: Vec<Document>,
    pub(super) timestamp: Document,
    pub(super) snapshot: Document,
    pub(super) targets: Document,
}

/// What documents of one repository are made of.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) repository: Repository,
    /// The newest root, and the one that the agent has.
    pub(super) root: u64,
    pub(super) root_of_agent: u64,
    pub(super) timestamp: u64,
    pub(super) timestamp_expires: String,
    pub(super) snapshot: u64,
    pub(super) targets: u64,
    /// What the targets say beside their head.
    pub(super) listed: Map<String, Value>,
    /// Versions of delegated roles.
    pub(super) delegated: Vec<(String, u64)>,
    /// What the snapshot says of itself.
    pub(super) snapshot_custom: Option<Value>,
}

impl Recipe {
    pub(super) fn make(self) -> Documents {
        let repository = self.repository;
        let signers = |role| keys(repository, role, self.root);
        let roots = self.root_of_agent.saturating_add(1)..=self.root;
        let timestamp = json!({
            "_type": "timestamp", "spec_version": "1.0", "version": self.timestamp,
            "expires": self.timestamp_expires,
            "meta": {"snapshot.json": {"version": self.snapshot}},
        });
        let mut meta = Map::new();
        meta.insert("targets.json".to_owned(), json!({"version": self.targets}));
        for (role, version) in &self.delegated {
            meta.insert(format!("{role}.json"), json!({"version": version}));
        }
        let mut snapshot = json!({
            "_type": "snapshot", "spec_version": "1.0", "version": self.snapshot,
            "expires": LATE, "meta": meta,
        });
        if let (Some(fields), Some(custom)) = (snapshot.as_object_mut(), self.snapshot_custom) {
            fields.insert("custom".to_owned(), custom);
        }
        Documents {
            root_version: self.root,
            roots: roots
                .map(|version| Document::root(repository, version))
                .collect(),
            timestamp: Document::new(timestamp, self.timestamp, signers(Role::Timestamp)),
            snapshot: Document::new(snapshot, self.snapshot, signers(Role::Snapshot)),
            targets: Document::new(
                targets(self.targets, self.listed),
                self.targets,
                signers(Role::Targets),
            ),
        }
    }
}

fn targets(version: u64, listed: Map<String, Value>) -> Value {
    let mut signed = json!({
        "_type": "targets", "spec_version": "1.0", "version": version, "expires": LATE,
    });
    if let Some(fields) = signed.as_object_mut() {
        fields.extend(listed);
    }
    signed
}

/// The targets of a delegated role, with its name.
pub(super) fn delegation(role: &str, version: u64, files: Value) -> (String, Document) {
    let mut listed = Map::new();
    listed.insert("targets".to_owned(), files);
    let signed = targets(version, listed);
    let document = Document::new(signed, version, vec![delegated_key(role)]);
    (role.to_owned(), document)
}

/// A file, and whether it is sent.
#[derive(Debug)]
pub(super) struct FileToSend {
    /// With the hash of its bytes before the last part.
    pub(super) path: String,
    pub(super) raw: Bytes,
    pub(super) is_sent: bool,
}

/// Everything that an answer may be made of.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) config: Documents,
    pub(super) delegations: Vec<(String, Document)>,
    pub(super) director: Documents,
    pub(super) files: Vec<FileToSend>,
}

impl Draft {
    /// Signs what is sent.
    pub(super) fn sign(self) -> LatestConfigsResponse {
        let roots = |documents: &Documents| -> Vec<TopMeta> {
            let roots = documents.roots.iter();
            roots.filter_map(Document::to_meta).collect()
        };
        let delegations = self.delegations.iter();
        let delegated_targets =
            delegations
                .filter(|(_, document)| document.is_sent)
                .map(|(role, document)| DelegatedMeta {
                    version: document.version,
                    role: role.clone(),
                    raw: document.raw(),
                });
        let files = self.files.into_iter().filter(|file| file.is_sent);
        LatestConfigsResponse {
            config_metas: Some(ConfigMetas {
                roots: roots(&self.config),
                timestamp: self.config.timestamp.to_meta(),
                snapshot: self.config.snapshot.to_meta(),
                top_targets: self.config.targets.to_meta(),
                delegated_targets: delegated_targets.collect(),
            }),
            director_metas: Some(DirectorMetas {
                roots: roots(&self.director),
                timestamp: self.director.timestamp.to_meta(),
                snapshot: self.director.snapshot.to_meta(),
                targets: self.director.targets.to_meta(),
            }),
            target_files: files
                .map(|file| File {
                    path: file.path,
                    raw: file.raw,
                })
                .collect(),
        }
    }
}
