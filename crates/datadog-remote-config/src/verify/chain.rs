//! The chain of roots: each is signed by the one before it and by itself.

use std::sync::Arc;

use bytes::Bytes;

use crate::Error;
use crate::tuf::Document;
use crate::tuf::envelope::Envelope;
use crate::tuf::header::Header;
use crate::tuf::member::malformed;
use crate::tuf::root::Root;
use crate::verify::repository::Repository;

/// Roots in one update.
const MAX_ROOTS: usize = 1024;

/// Follows the roots that were sent; those that are already behind are skipped.
pub(super) fn follow(
    repository: &mut Repository,
    document: &Document,
    roots: &[Bytes],
) -> Result<(), Error> {
    if roots.len() > MAX_ROOTS {
        let problem = format!("{} of them, more than {MAX_ROOTS}", roots.len());
        return Err(malformed(document, "roots", problem));
    }
    for raw in roots {
        let envelope = Envelope::open(document, raw)?;
        let trusted = Arc::clone(&repository.root);
        let offered = Header::read(envelope.signed())?.version;
        if offered <= trusted.header.version {
            continue;
        }
        if trusted.header.version.checked_add(1) != Some(offered) {
            return Err(Error::RootGap {
                document: document.clone(),
                trusted: trusted.header.version,
                offered,
            });
        }
        envelope.signed_by(&trusted.root, &trusted.keys)?;
        let root = Root::read(&envelope)?;
        // Whoever had a key that is gone may have signed a version that no honest one would ever reach.
        if root.timestamp != trusted.timestamp || root.snapshot != trusted.snapshot {
            repository.timestamp = None;
            repository.snapshot = None;
        }
        repository.root = Arc::new(root);
        repository.roots.insert(offered, raw.clone());
    }
    Ok(())
}
