//! Files of the director against the config repository, and their bytes against both.
//!
//! A file that the director does not name is ignored, and no longer kept.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::Error;
use crate::path::TargetPath;
use crate::tuf::member::malformed;
use crate::tuf::{Document, Repository as Which, Role, Target};
use crate::verify::delegations::Delegation;
use crate::verify::repository::Repository;

/// Bytes of all files together; the backend sends less than half of it at once.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Where files are looked for.
pub(super) struct Sources<'a> {
    pub(super) config: &'a Repository,
    pub(super) delegations: &'a [Delegation<'a>],
    pub(super) offered: HashMap<&'a str, &'a Bytes>,
    pub(super) kept: &'a BTreeMap<String, Bytes>,
}

/// The files that the director names, each as the config repository has it and with the bytes that it promises.
pub(super) fn files(
    sources: &Sources<'_>,
    director: &Repository,
    org_id: Option<i64>,
) -> Result<BTreeMap<String, Bytes>, Error> {
    let mut files = BTreeMap::new();
    let mut total = 0u64;
    for (path, target) in director.targets().into_iter().flat_map(|top| &top.files) {
        check_owner(path, org_id)?;
        let listed = sources.find(path)?;
        compare(path, target, listed)?;
        total = total.saturating_add(target.length);
        if total > MAX_FILE_BYTES {
            let document = Document::new(Which::Director, Role::Targets);
            let problem = format!("files of more than {MAX_FILE_BYTES} bytes together");
            return Err(malformed(&document, "signed.targets", problem));
        }
        files.insert(path.clone(), sources.bytes(path, target)?);
    }
    Ok(files)
}

/// Fails if the name is none, or of another organisation than the key of remote configuration.
fn check_owner(path: &str, org_id: Option<i64>) -> Result<(), Error> {
    let of = TargetPath::parse(path)?.org_id();
    match (of, org_id) {
        (Some(of), Some(expected)) if of != expected => Err(Error::OrgId {
            path: path.to_owned(),
            expected,
        }),
        _ => Ok(()),
    }
}

fn compare(path: &str, director: &Target, config: &Target) -> Result<(), Error> {
    let differs = |what| Error::CrossCheck {
        path: path.to_owned(),
        what,
    };
    if director.length != config.length {
        return Err(differs("the length"));
    }
    if director.hashes != config.hashes {
        return Err(differs("the set of hashes"));
    }
    Ok(())
}

impl Sources<'_> {
    /// What the config repository says of a file: in the top targets, else in the first role that is responsible.
    fn find(&self, path: &str) -> Result<&Target, Error> {
        let top = self.config.targets();
        if let Some(target) = top.and_then(|top| top.files.get(path)) {
            return Ok(target);
        }
        for Delegation { role, document } in self.delegations {
            if !role.paths.iter().any(|pattern| pattern.matches(path)) {
                continue;
            }
            let document = document.as_ref().map_err(Clone::clone)?;
            if let Some(target) = document.targets.files.get(path) {
                return Ok(target);
            }
            if role.terminating {
                break;
            }
        }
        Err(Error::NotInConfig {
            path: path.to_owned(),
        })
    }

    /// The bytes of a file, as they were sent or else as they were kept.
    fn bytes(&self, path: &str, target: &Target) -> Result<Bytes, Error> {
        if let Some(raw) = self.offered.get(path) {
            check_bytes(path, target, raw)?;
            return Ok(Bytes::clone(raw));
        }
        // Old bytes are none for a file that has changed.
        let kept = self.kept.get(path);
        let kept = kept.filter(|raw| check_bytes(path, target, raw).is_ok());
        kept.cloned().ok_or_else(|| Error::FileMissing {
            path: path.to_owned(),
        })
    }
}

fn check_bytes(path: &str, target: &Target, raw: &Bytes) -> Result<(), Error> {
    if raw.len() as u64 != target.length {
        return Err(Error::FileLength {
            path: path.to_owned(),
            bytes: raw.len(),
            length: target.length,
        });
    }
    let checked = target.hashes.check(raw);
    checked.map_err(|problem| Error::FileHash {
        path: path.to_owned(),
        problem,
    })
}
