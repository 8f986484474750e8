//! One repository: its chain of roots, and its newest timestamp, snapshot and targets.
//!
//! Knows nothing of the other repository, of delegated roles and of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::Error;
use crate::tuf::envelope::{Envelope, Signers};
use crate::tuf::root::Root;
use crate::tuf::snapshot::Snapshot;
use crate::tuf::targets::Targets;
use crate::tuf::timestamp::{Listed, Timestamp};
use crate::tuf::{Document, Repository as Which, Role};
use crate::verify::{Metadata, chain};

/// The name of the top targets in a snapshot.
const TOP_TARGETS: &str = "targets.json";

/// What is believed of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repository {
    pub(super) which: Which,
    /// The roots that were followed, from the first.
    pub(super) roots: BTreeMap<u64, Bytes>,
    pub(super) root: Arc<Root>,
    pub(super) timestamp: Option<Held<Timestamp>>,
    pub(super) snapshot: Option<Held<Snapshot>>,
    pub(super) targets: Option<Held<Targets>>,
}

/// A document that is believed, with the bytes it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held<T> {
    pub(super) raw: Bytes,
    pub(super) document: Arc<T>,
}

impl<T> Held<T> {
    fn new(raw: &Bytes, document: T) -> Self {
        Self {
            raw: raw.clone(),
            document: Arc::new(document),
        }
    }
}

impl Repository {
    /// Begins with a root that is signed by its own keys.
    pub(super) fn from_root(which: Which, raw: Bytes) -> Result<Self, Error> {
        let document = Document::new(which, Role::Root);
        let root = Root::read(&Envelope::open(&document, &raw)?)?;
        Ok(Self {
            which,
            roots: BTreeMap::from([(root.header.version, raw)]),
            root: Arc::new(root),
            timestamp: None,
            snapshot: None,
            targets: None,
        })
    }

    /// The repository after an update.
    pub(super) fn advance(&self, update: &Metadata, now: i64) -> Result<Self, Error> {
        let mut next = self.clone();
        let document = Document::new(self.which, Role::Root);
        chain::follow(&mut next, &document, &update.roots)?;
        // Only the last one counts: those before led to it.
        next.root.header.valid_at(now, &document)?;
        let timestamp = next.next_timestamp(update, now)?;
        let snapshot = next.next_snapshot(update, &timestamp.document, now)?;
        let targets = next.next_targets(update, &snapshot.document, now)?;
        next.timestamp = Some(timestamp);
        next.snapshot = Some(snapshot);
        next.targets = Some(targets);
        Ok(next)
    }

    fn next_timestamp(&self, update: &Metadata, now: i64) -> Result<Held<Timestamp>, Error> {
        let document = Document::new(self.which, Role::Timestamp);
        let raw = newest(
            &document,
            update.timestamp.as_ref(),
            self.timestamp.as_ref(),
        )?;
        let envelope = self.open(&document, raw, &self.root.timestamp)?;
        let timestamp = Timestamp::read(&envelope)?;
        if let Some(held) = &self.timestamp {
            let (old, new) = (&held.document, &timestamp);
            let rollback = |what: &str, trusted, offered| Error::Rollback {
                document: document.clone(),
                what: what.to_owned(),
                trusted,
                offered,
            };
            let (trusted, offered) = (old.header.version, new.header.version);
            if offered < trusted {
                return Err(rollback("the timestamp", trusted, offered));
            }
            let same_bytes = || {
                let before = Envelope::open(&document, &held.raw);
                before.is_ok_and(|before| before.canonical() == envelope.canonical())
            };
            if offered == trusted && !same_bytes() {
                return Err(Error::Mismatch {
                    document,
                    what: format!("version {offered} says something else than before"),
                });
            }
            let (trusted, offered) = (old.snapshot.version, new.snapshot.version);
            if offered < trusted {
                return Err(rollback("the snapshot", trusted, offered));
            }
        }
        timestamp.header.valid_at(now, &document)?;
        Ok(Held::new(raw, timestamp))
    }

    fn next_snapshot(
        &self,
        update: &Metadata,
        timestamp: &Timestamp,
        now: i64,
    ) -> Result<Held<Snapshot>, Error> {
        let document = Document::new(self.which, Role::Snapshot);
        let raw = newest(&document, update.snapshot.as_ref(), self.snapshot.as_ref())?;
        let envelope = self.open(&document, raw, &self.root.snapshot)?;
        let snapshot = Snapshot::read(&envelope)?;
        let listed = &timestamp.snapshot;
        listed.check_version(&document, snapshot.header.version)?;
        listed.check_bytes(&document, raw)?;
        if let Some(held) = &self.snapshot {
            for (name, before) in &held.document.documents {
                let after = snapshot.documents.get(name);
                let offered = after.map_or(0, |listed| listed.version);
                if offered < before.version {
                    return Err(Error::Rollback {
                        document,
                        what: name.clone(),
                        trusted: before.version,
                        offered,
                    });
                }
            }
        }
        snapshot.header.valid_at(now, &document)?;
        Ok(Held::new(raw, snapshot))
    }

    /// That the version is not lower than before follows from the snapshot's.
    fn next_targets(
        &self,
        update: &Metadata,
        snapshot: &Snapshot,
        now: i64,
    ) -> Result<Held<Targets>, Error> {
        let document = Document::new(self.which, Role::Targets);
        let raw = newest(&document, update.targets.as_ref(), self.targets.as_ref())?;
        let envelope = self.open(&document, raw, &self.root.targets)?;
        let targets = read_targets(&envelope, snapshot.documents.get(TOP_TARGETS), raw, now)?;
        Ok(Held::new(raw, targets))
    }

    fn open<'d>(
        &self,
        document: &'d Document,
        raw: &Bytes,
        signers: &Signers,
    ) -> Result<Envelope<'d>, Error> {
        let envelope = Envelope::open(document, raw)?;
        envelope.signed_by(signers, &self.root.keys)?;
        Ok(envelope)
    }

    pub(super) fn to_metadata(&self) -> Metadata {
        Metadata {
            roots: self.roots.values().skip(1).cloned().collect(),
            timestamp: self.timestamp.as_ref().map(|held| held.raw.clone()),
            snapshot: self.snapshot.as_ref().map(|held| held.raw.clone()),
            targets: self.raw_targets().cloned(),
        }
    }

    pub(super) fn root_version(&self) -> u64 {
        self.root.header.version
    }

    pub(super) fn roots_after(&self, version: u64) -> impl Iterator<Item = &Bytes> {
        let newer = self.roots.iter().filter(move |(of, _)| **of > version);
        newer.map(|(_, raw)| raw)
    }

    pub(super) fn timestamp_expires(&self) -> Option<i64> {
        Some(self.timestamp.as_ref()?.document.header.expires)
    }

    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        Some(&self.snapshot.as_ref()?.document)
    }

    pub(super) fn snapshot_version(&self) -> Option<u64> {
        Some(self.snapshot()?.header.version)
    }

    pub(super) fn org_uuid(&self) -> Option<&str> {
        self.snapshot()?.org_uuid.as_deref()
    }

    pub(super) fn targets(&self) -> Option<&Targets> {
        Some(&self.targets.as_ref()?.document)
    }

    pub(super) fn targets_version(&self) -> Option<u64> {
        Some(self.targets()?.header.version)
    }

    pub(super) fn raw_targets(&self) -> Option<&Bytes> {
        Some(&self.targets.as_ref()?.raw)
    }
}

/// What was sent, else what is held.
fn newest<'a, T>(
    document: &Document,
    sent: Option<&'a Bytes>,
    held: Option<&'a Held<T>>,
) -> Result<&'a Bytes, Error> {
    let raw = sent.or_else(|| held.map(|held| &held.raw));
    raw.ok_or_else(|| Error::Missing {
        document: document.clone(),
    })
}

/// Reads targets of any role, and checks them against what the snapshot says of them.
pub(super) fn read_targets(
    envelope: &Envelope<'_>,
    listed: Option<&Listed>,
    raw: &Bytes,
    now: i64,
) -> Result<Targets, Error> {
    let signed = envelope.signed();
    let document = signed.document();
    let targets = Targets::read(envelope)?;
    let listed = listed.ok_or_else(|| Error::Mismatch {
        document: document.clone(),
        what: "not in the snapshot".to_owned(),
    })?;
    listed.check_version(document, targets.header.version)?;
    listed.check_bytes(document, raw)?;
    targets.header.valid_at(now, document)?;
    Ok(targets)
}
