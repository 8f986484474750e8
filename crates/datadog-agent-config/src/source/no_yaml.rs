//! Stands in for the YAML reader in builds without the feature `yaml`. It reads nothing.

use std::path::Path;

use super::Node;

/// Why a document could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is no such file.
    Missing,
    /// It cannot be read in this build.
    Unreadable(String),
}

/// Refuses, since this build cannot read YAML.
///
/// # Errors
/// Always.
pub(crate) fn read(path: &Path) -> Result<Node, ReadError> {
    if path.exists() {
        Err(ReadError::Unreadable(
            "this build cannot read YAML (feature `yaml`)".to_owned(),
        ))
    } else {
        Err(ReadError::Missing)
    }
}
