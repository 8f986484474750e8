//! The file: tables of raw bytes, written in one transaction.
//!
//! One process has it at a time. Every page is checked when it is opened.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    TableDefinition, WriteTransaction,
};
use tracing::{info, warn};

use super::{Kept, StoreIdentity};
use crate::Update;
use crate::verify::Metadata;

/// The name of the file.
pub(super) const FILE: &str = "remote-config.db";
/// How long to wait for another process to let go of the file.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_STEP: Duration = Duration::from_millis(50);
/// Memory for pages of the file.
const CACHE_BYTES: usize = 4 * 1_024 * 1_024;
/// The largest file that is opened: two full answers of the backend and what the tables add.
const MAX_FILE_BYTES: u64 = 512 * 1_024 * 1_024;

/// Keys are names, or numbers of eight bytes, the most significant first.
type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

const META: Table = TableDefinition::new("meta");
const CONFIG_META: Table = TableDefinition::new("config_meta");
const DIRECTOR_META: Table = TableDefinition::new("director_meta");
const CONFIG_ROOTS: Table = TableDefinition::new("config_roots");
const DIRECTOR_ROOTS: Table = TableDefinition::new("director_roots");
const TARGETS: Table = TableDefinition::new("targets");
const ORG: Table = TableDefinition::new("org");
const TABLES: [Table; 7] = [
    META,
    CONFIG_META,
    DIRECTOR_META,
    CONFIG_ROOTS,
    DIRECTOR_ROOTS,
    TARGETS,
    ORG,
];

const IDENTITY: &[u8] = b"identity";
const AGENT_UUID: &[u8] = b"agent_uuid";
const TIMESTAMP: &str = "timestamp.json";
const SNAPSHOT: &str = "snapshot.json";
const TOP_TARGETS: &str = "targets.json";
/// Before the names of delegated roles, so that none is taken for another document.
const ROLE: &str = "role/";

/// Why a store cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Another process has it.
    #[error("the store is locked: another instance of the agent uses the same directory")]
    Locked,
    /// The directory or the file cannot be made, read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file is damaged, and could not be begun anew.
    #[error("the store is damaged: {0}")]
    Broken(String),
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::Locked,
            redb::Error::Io(error) if is_of_the_system(&error) => Self::Io(error),
            other => Self::Broken(other.to_string()),
        }
    }
}

/// Whether an error says something of the machine, rather than of what is in the file.
fn is_of_the_system(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

/// An open file.
#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
}

impl Disk {
    /// Opens the file of a directory, or begins one; gives what it holds for this identity.
    pub(super) fn open(
        directory: &Path,
        identity: &StoreIdentity,
    ) -> Result<(Self, Kept), StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        check_owner(directory)?;
        let path = directory.join(FILE);
        let opened = std::panic::catch_unwind(|| Self::try_open(&path, identity));
        match opened.unwrap_or_else(|_| Err(StoreError::Broken("cannot be walked".to_owned()))) {
            Err(StoreError::Broken(problem)) => {
                warn!(path = %path.display(), problem, "the store of remote configuration is begun anew");
                fs::remove_file(&path)?;
                Self::try_open(&path, identity)
            }
            other => other,
        }
    }

    fn try_open(path: &Path, identity: &StoreIdentity) -> Result<(Self, Kept), StoreError> {
        let disk = Self {
            database: database(path)?,
        };
        let written =
            serde_json::to_vec(identity).map_err(|error| StoreError::Broken(error.to_string()))?;
        let kept = match disk.read(&written)? {
            Some(kept) => kept,
            None => {
                disk.begin(&written)?;
                Kept::default()
            }
        };
        Ok((disk, kept))
    }

    /// What is there, if it belongs to this identity.
    fn read(&self, identity: &[u8]) -> Result<Option<Kept>, StoreError> {
        let transaction = self.database.begin_read().map_err(redb::Error::from)?;
        if let Err(redb::TableError::TableDoesNotExist(_)) = transaction.open_table(META) {
            return Ok(None);
        }
        let meta = rows(&transaction, META)?;
        let of = |wanted: &[u8]| meta.iter().find(|(key, _)| key == wanted);
        if of(IDENTITY).is_none_or(|(_, held)| held != identity) {
            info!("the store of remote configuration belongs to another agent, key or backend");
            return Ok(None);
        }
        let agent_uuid = of(AGENT_UUID).map_or_else(String::new, |(_, uuid)| text(uuid));
        let values = |rows: Vec<Row>| rows.into_iter().map(|(_, raw)| raw).collect();
        let mut update = Update::default();
        update.config.roots = values(rows(&transaction, CONFIG_ROOTS)?);
        update.director.roots = values(rows(&transaction, DIRECTOR_ROOTS)?);
        for (name, raw) in rows(&transaction, CONFIG_META)? {
            match text(&name).strip_prefix(ROLE) {
                Some(role) => update.delegations.push((role.to_owned(), raw)),
                None => place(&mut update.config, &text(&name), raw),
            }
        }
        for (name, raw) in rows(&transaction, DIRECTOR_META)? {
            place(&mut update.director, &text(&name), raw);
        }
        let files = rows(&transaction, TARGETS)?.into_iter();
        update.files = files.map(|(path, raw)| (text(&path), raw)).collect();
        let orgs = rows(&transaction, ORG)?.into_iter();
        let org_uuids = orgs
            .filter_map(|(version, uuid)| Some((number(&version)?, text(&uuid))))
            .collect();
        Ok(Some(Kept {
            update,
            org_uuids,
            agent_uuid,
        }))
    }

    /// Empties the tables and says whose they are.
    fn begin(&self, identity: &[u8]) -> Result<(), StoreError> {
        let write = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            for table in TABLES {
                transaction.delete_table(table)?;
                transaction.open_table(table)?;
            }
            transaction.open_table(META)?.insert(IDENTITY, identity)?;
            Ok(transaction.commit()?)
        };
        write().map_err(StoreError::from)
    }

    /// Makes the tables hold this and nothing else.
    pub(super) fn write(&self, kept: &Kept) -> Result<(), StoreError> {
        let update = &kept.update;
        let files = update.files.iter();
        let files = files.map(|(path, raw)| (path.as_bytes().to_vec(), raw.as_ref()));
        let orgs = kept.org_uuids.iter();
        let orgs = orgs.map(|(root, uuid)| (root.to_be_bytes().to_vec(), uuid.as_bytes()));
        let mut config = documents(&update.config);
        config.extend(
            update
                .delegations
                .iter()
                .map(|(role, raw)| (format!("{ROLE}{role}").into_bytes(), raw.as_ref())),
        );
        let tables = [
            (CONFIG_META, config),
            (DIRECTOR_META, documents(&update.director)),
            (CONFIG_ROOTS, in_order(&update.config.roots)),
            (DIRECTOR_ROOTS, in_order(&update.director.roots)),
            (TARGETS, files.collect()),
            (ORG, orgs.collect()),
        ];
        let write = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            let uuid = kept.agent_uuid.as_bytes();
            transaction.open_table(META)?.insert(AGENT_UUID, uuid)?;
            for (table, rows) in &tables {
                replace(&transaction, *table, rows)?;
            }
            Ok(transaction.commit()?)
        };
        write().map_err(StoreError::from)
    }
}

type Row = (Bytes, Bytes);

/// All rows of a table, in the order of their keys.
fn rows(transaction: &ReadTransaction, table: Table) -> Result<Vec<Row>, StoreError> {
    let read = || -> Result<Vec<Row>, redb::Error> {
        let mut rows = Vec::new();
        for row in transaction.open_table(table)?.iter()? {
            let (key, value) = row?;
            rows.push((
                Bytes::copy_from_slice(key.value()),
                Bytes::copy_from_slice(value.value()),
            ));
        }
        Ok(rows)
    };
    read().map_err(StoreError::from)
}

/// Makes a table hold these rows; rows that stay as they are, are not written.
fn replace(
    transaction: &WriteTransaction,
    table: Table,
    rows: &[(Vec<u8>, &[u8])],
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(table)?;
    let wanted: BTreeMap<&[u8], &[u8]> = rows.iter().map(|(key, raw)| (&key[..], *raw)).collect();
    table.retain(|key, held| wanted.get(key) == Some(&held))?;
    for (key, raw) in wanted {
        if table.get(key)?.is_none() {
            table.insert(key, raw)?;
        }
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// Opens or makes the file, which nobody else may read.
fn database(path: &Path) -> Result<Database, StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        let file = private(path)?;
        if file.metadata()?.len() > MAX_FILE_BYTES {
            return Err(StoreError::Broken("larger than it can be".to_owned()));
        }
        let mut builder = Builder::new();
        builder
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true);
        let opened = FileBackend::new(file).and_then(|file| builder.create_with_backend(file));
        match opened {
            Ok(database) => return Ok(database),
            Err(DatabaseError::DatabaseAlreadyOpen) if waited < LOCK_WAIT => {
                sleep(LOCK_STEP);
                waited += LOCK_STEP;
            }
            Err(error) => return Err(redb::Error::from(error).into()),
        }
    }
}

/// Somebody else's directory, or one that everybody may write to, is no place for what decides over this agent.
fn check_owner(directory: &Path) -> io::Result<()> {
    let directory = fs::metadata(directory)?;
    let own = rustix::process::geteuid().as_raw();
    let is_ours = directory.uid() == own || directory.uid() == 0;
    if is_ours && directory.mode() & 0o002 == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the directory belongs to another user, or everybody may write to it",
    ))
}

/// Follows no link, so that nobody else chooses what is written to.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

fn place(documents: &mut Metadata, name: &str, raw: Bytes) {
    match name {
        TIMESTAMP => documents.timestamp = Some(raw),
        SNAPSHOT => documents.snapshot = Some(raw),
        TOP_TARGETS => documents.targets = Some(raw),
        _ => {}
    }
}

fn documents(metadata: &Metadata) -> Vec<(Vec<u8>, &[u8])> {
    let named = [
        (TIMESTAMP, &metadata.timestamp),
        (SNAPSHOT, &metadata.snapshot),
        (TOP_TARGETS, &metadata.targets),
    ];
    named
        .into_iter()
        .filter_map(|(name, raw)| Some((name.as_bytes().to_vec(), raw.as_deref()?)))
        .collect()
}

/// Roots in the order in which they follow one another.
fn in_order(roots: &[Bytes]) -> Vec<(Vec<u8>, &[u8])> {
    let numbered = (0_u64..).zip(roots);
    numbered
        .map(|(index, raw)| (index.to_be_bytes().to_vec(), raw.as_ref()))
        .collect()
}
