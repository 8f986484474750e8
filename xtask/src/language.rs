//! The languages whose clients are run against the agent; what a client is and does, its suite knows.

use std::path::PathBuf;

use crate::run::root;

/// A client, by its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    /// From PyPI.
    Python,
    /// From npm.
    Nodejs,
    /// A Go module.
    Go,
    /// From Maven Central.
    Java,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Python, Self::Nodejs, Self::Go, Self::Java];

    /// As it is called on the command line and in paths.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Nodejs => "nodejs",
            Self::Go => "go",
            Self::Java => "java",
        }
    }

    /// Where its client is, in the folder of a suite under `tests`.
    pub(crate) fn folder(self, suite: &str) -> PathBuf {
        root().join("tests").join(suite).join(self.name())
    }
}
