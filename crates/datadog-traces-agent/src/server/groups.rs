//! Containers of clients by the inodes of their control groups, which is all that a client in a namespace of its own
//! knows of itself.
//!
//! The groups of the host are walked again only when an inode is asked for that is not among them, and not more often
//! than every ten seconds, whatever clients say.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datadog_agent_runtime::proc::container;
use tokio::time::Instant;

/// How long what was found is good enough for inodes that are not among it.
const AGAIN: Duration = Duration::from_secs(10);

/// What was found; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    root: PathBuf,
    found: Arc<Mutex<Found>>,
}

#[derive(Debug, Default)]
struct Found {
    ids: HashMap<u64, String>,
    at: Option<Instant>,
}

impl Groups {
    /// Of the file system below `root`.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            found: Arc::default(),
        }
    }

    /// The id of the container whose control group has this inode.
    pub(super) async fn container(&self, inode: u64) -> Option<String> {
        let now = Instant::now();
        {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = found.ids.get(&inode).cloned();
            let is_fresh = found.at.is_some_and(|at| now < at + AGAIN);
            if is_known.is_some() || is_fresh {
                return is_known;
            }
            found.at = Some(now);
        }
        let root = self.root.clone();
        let ids = tokio::task::spawn_blocking(move || container::ids_by_inode(&root)).await;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.ids = ids.unwrap_or_default();
        found.ids.get(&inode).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    const ID: &str = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";

    #[tokio::test(start_paused = true)]
    async fn groups_are_walked_again_for_an_unknown_inode_after_a_while() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("sys/fs/cgroup").join(ID);
        let groups = Groups::new(root.path().to_owned());
        assert_eq!(groups.container(1).await, None);
        fs::create_dir_all(&group).unwrap();
        let inode = fs::metadata(&group).unwrap().ino();
        assert_eq!(groups.container(inode).await, None);
        tokio::time::advance(AGAIN).await;
        assert_eq!(groups.container(inode).await.as_deref(), Some(ID));
        fs::remove_dir(&group).unwrap();
        assert_eq!(groups.container(inode).await.as_deref(), Some(ID));
    }
}
