//! Ways in which an answer can be forged, old or incomplete, and the documents that it concerns.
//!
//! Each leaves everything else of the answer as it would be, signed by the right keys, so that an agent meets the one
//! mistake and no other.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::documents::{Document, Documents, Draft, FileToSend};
use super::key::{sha256, sha512};
use super::time::rfc3339;
use super::trust::Repository;

/// The organisation that answers are of when they are of the wrong one.
pub(super) const OTHER_ORG_UUID: &str = "00000000-0000-4000-8000-000000000666";
/// Bytes of the name of a document.
const MAX_DOCUMENT_BYTES: usize = 200;

/// What is wrong with an answer of remote configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tamper {
    /// The signatures of one document are not what its keys make; the director's targets unless told otherwise.
    BadSignature,
    /// Every timestamp, snapshot and list of targets is of version 1, well signed.
    Replayed,
    /// One document ended a second ago; the director's timestamp unless told otherwise.
    Expired,
    /// The documents of the last answer to this agent again, whatever was pushed since, until they expire.
    Frozen,
    /// One document is left out; the director's targets unless told otherwise.
    MissingDocument,
    /// No file is sent.
    MissingFile,
    /// Every file has as many bytes as it should, but others.
    WrongHash,
    /// Every file has a byte too many.
    WrongLength,
    /// The director says other lengths of files than the config repository, where there are files.
    CrossCheck,
    /// The director names a file that the config repository does not.
    NotInConfig,
    /// A file is sent that no document names.
    ExtraFile,
    /// The config repository is of another organisation; on the path of the organisation, that one is told.
    WrongOrg,
    /// The next root but one of a repository, without the next; of the config repository unless told otherwise.
    SkippedRoot,
    /// Bytes that are no message.
    NotProtobuf,
}

impl Tamper {
    /// Its name in scripts.
    pub(crate) fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => String::new(),
        }
    }

    /// The document that it concerns if none is named; `None` when it concerns no single one.
    fn document(self) -> Option<&'static str> {
        match self {
            Self::BadSignature | Self::MissingDocument => Some("director/targets"),
            Self::Expired => Some("director/timestamp"),
            Self::SkippedRoot => Some("config/root"),
            _ => None,
        }
    }

    /// Whether timestamps are made anew for it, lest an agent refuse them as another text of a version it knows.
    pub(super) fn needs_new_timestamps(self) -> bool {
        !matches!(self, Self::Frozen | Self::Replayed | Self::NotProtobuf)
    }

    /// Does it to an answer at that second since 1970.
    pub(super) fn apply(self, document: Option<&DocumentName>, draft: &mut Draft, now_s: u64) {
        let fallback = self.document().and_then(|name| name.parse().ok());
        let document = document.or(fallback.as_ref());
        match self {
            Self::BadSignature => {
                on_document(draft, document, |document| document.is_broken = true);
            }
            Self::Expired => on_document(draft, document, |document| {
                let before = rfc3339(now_s.saturating_sub(1));
                document.signed["expires"] = before.into();
            }),
            Self::MissingDocument => hide(draft, document),
            Self::SkippedRoot => skip_root(draft, document),
            Self::Replayed => replay(draft),
            Self::MissingFile => each_file(draft, |file| file.is_sent = false),
            Self::WrongHash => each_file(draft, |file| {
                file.raw = file.raw.iter().map(|byte| byte ^ 1).collect();
            }),
            Self::WrongLength => each_file(draft, |file| {
                file.raw = [&file.raw, &b" "[..]].concat().into();
            }),
            Self::CrossCheck => {
                for target in director_files(draft) {
                    let length = target["length"].as_u64().unwrap_or(0);
                    target["length"] = (length + 1).into();
                }
            }
            Self::NotInConfig => name_unknown(draft),
            Self::ExtraFile => draft.files.push(FileToSend {
                path: format!("datadog/2/NOBODY/unnamed/{}.config", sha256(EXTRA)),
                raw: Bytes::from_static(EXTRA),
                is_sent: true,
            }),
            Self::WrongOrg => {
                draft.config.snapshot.signed["custom"] = json!({"org_uuid": OTHER_ORG_UUID});
            }
            Self::Frozen | Self::NotProtobuf => {}
        }
    }

    /// Finds what contradicts itself: a document with what concerns none, or a root that cannot be so.
    pub(crate) fn check(self, document: Option<&str>) -> Result<(), String> {
        let Some(name) = document else {
            return Ok(());
        };
        let parsed: DocumentName = name.parse()?;
        if self.document().is_none() {
            return Err(format!(
                "has a document, and tamper {} concerns no single one",
                self.name()
            ));
        }
        if (parsed.role == "root") != (self == Self::SkippedRoot) && self != Self::BadSignature {
            let means = if self == Self::SkippedRoot {
                "which concerns roots alone"
            } else {
                "which a root cannot be"
            };
            return Err(format!("has tamper {}, {means}", self.name()));
        }
        Ok(())
    }
}

/// The bytes of a file that nobody names.
const EXTRA: &[u8] = b"{}";

/// A document by its repository and role: `config/timestamp`, `director/targets`, `config/APM_TRACING`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentName {
    repository: Repository,
    role: String,
}

impl std::str::FromStr for DocumentName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "has a document that is not config/ROLE or director/ROLE, ROLE being root, timestamp, snapshot, targets or, \
             in the config repository, a product"
                .to_owned()
        };
        let (repository, role) = text.split_once('/').ok_or_else(wrong)?;
        let repository = match repository {
            "config" => Repository::Config,
            "director" => Repository::Director,
            _ => return Err(wrong()),
        };
        let is_top = ["root", "timestamp", "snapshot", "targets"].contains(&role);
        let is_delegated = repository == Repository::Config && super::DELEGATED.contains(&role);
        if text.len() > MAX_DOCUMENT_BYTES || !(is_top || is_delegated) {
            return Err(wrong());
        }
        Ok(Self {
            repository,
            role: role.to_owned(),
        })
    }
}

impl fmt::Display for DocumentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.repository, self.role)
    }
}

impl Draft {
    fn repository(&mut self, repository: Repository) -> &mut Documents {
        match repository {
            Repository::Config => &mut self.config,
            Repository::Director => &mut self.director,
        }
    }

    /// The document of that name; of roots, the next one.
    fn document(&mut self, name: &DocumentName) -> Option<&mut Document> {
        if super::DELEGATED.contains(&name.role.as_str()) {
            let mut delegations = self.delegations.iter_mut();
            let found = delegations.find(|(role, _)| *role == name.role);
            return found.map(|(_, document)| document);
        }
        let repository = name.repository;
        let documents = self.repository(repository);
        match name.role.as_str() {
            "timestamp" => Some(&mut documents.timestamp),
            "snapshot" => Some(&mut documents.snapshot),
            "targets" => Some(&mut documents.targets),
            _ => {
                let next = documents.newest_root() + 1;
                documents.roots.push(Document::root(repository, next));
                documents.roots.last_mut()
            }
        }
    }
}

/// Changes a document, and sends it even if the agent has it.
fn on_document(draft: &mut Draft, name: Option<&DocumentName>, change: impl FnOnce(&mut Document)) {
    if let Some(document) = name.and_then(|name| draft.document(name)) {
        document.is_sent = true;
        change(document);
    }
}

fn hide(draft: &mut Draft, name: Option<&DocumentName>) {
    if let Some(document) = name.and_then(|name| draft.document(name)) {
        document.is_sent = false;
    }
}

fn skip_root(draft: &mut Draft, name: Option<&DocumentName>) {
    let repository = name.map_or(Repository::Config, |name| name.repository);
    let documents = draft.repository(repository);
    let skipping = documents.newest_root() + 2;
    documents.roots.push(Document::root(repository, skipping));
}

/// Every document but the roots becomes one of version 1 that names only such.
fn replay(draft: &mut Draft) {
    let old = |document: &mut Document| {
        document.version = 1;
        document.is_sent = true;
        document.signed["version"] = 1.into();
        if let Some(listed) = document.signed["meta"].as_object_mut() {
            for (_, entry) in listed {
                entry["version"] = 1.into();
            }
        }
    };
    for documents in [&mut draft.config, &mut draft.director] {
        old(&mut documents.timestamp);
        old(&mut documents.snapshot);
        old(&mut documents.targets);
    }
    for (_, document) in &mut draft.delegations {
        old(document);
    }
}

/// Changes every file that the director names, and sends it even if the agent has it.
fn each_file(draft: &mut Draft, change: impl Fn(&mut FileToSend)) {
    for file in &mut draft.files {
        file.is_sent = true;
        change(file);
    }
}

fn director_files(draft: &mut Draft) -> impl Iterator<Item = &mut Value> {
    let files = draft.director.targets.signed["targets"].as_object_mut();
    files
        .into_iter()
        .flat_map(|files| files.iter_mut().map(|(_, target)| target))
}

fn name_unknown(draft: &mut Draft) {
    let hashes = json!({"sha256": sha256(EXTRA), "sha512": sha512(EXTRA)});
    draft.director.targets.signed["targets"]["datadog/2/APM_TRACING/unknown/config"] =
        json!({"length": EXTRA.len(), "hashes": hashes, "custom": {"v": 1}});
}

impl Documents {
    /// The version of the newest root, sent or not.
    fn newest_root(&self) -> u64 {
        let sent = self.roots.last().map_or(0, |root| root.version);
        sent.max(self.root_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_named_by_repository_and_role() {
        for name in ["config/root", "director/targets", "config/APM_TRACING"] {
            let parsed: DocumentName = name.parse().unwrap();
            assert_eq!(parsed.to_string(), name);
        }
        for name in [
            "",
            "config",
            "config/",
            "agent/root",
            "director/APM_TRACING",
            "config/NEW",
        ] {
            let why = name.parse::<DocumentName>().unwrap_err();
            assert!(
                why.starts_with("has a document that is not config/ROLE"),
                "{name}"
            );
        }
    }

    #[test]
    fn what_cannot_be_done_to_a_document_is_refused() {
        let check = |tamper: Tamper, document| tamper.check(document);
        assert_eq!(check(Tamper::BadSignature, Some("config/root")), Ok(()));
        assert_eq!(check(Tamper::SkippedRoot, Some("director/root")), Ok(()));
        assert_eq!(check(Tamper::Frozen, None), Ok(()));
        assert_eq!(
            check(Tamper::WrongOrg, Some("config/snapshot")),
            Err("has a document, and tamper wrong_org concerns no single one".to_owned())
        );
        assert_eq!(
            check(Tamper::SkippedRoot, Some("config/targets")),
            Err("has tamper skipped_root, which concerns roots alone".to_owned())
        );
        assert_eq!(
            check(Tamper::Expired, Some("config/root")),
            Err("has tamper expired, which a root cannot be".to_owned())
        );
    }
}
