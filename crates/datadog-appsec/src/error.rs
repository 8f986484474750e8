//! Why AppSec cannot run.
//!
//! None of this stops an agent: whoever starts AppSec says so and goes on without it.

use std::io;
use std::path::PathBuf;

use serde_json::Value as Json;

/// Why AppSec cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No file could be loaded as the library.
    #[error(
        "libddwaf was not found (tried: {tried}); set DD_APPSEC_LIBDDWAF_PATH to the file of a libddwaf 2.x"
    )]
    LibraryNotFound {
        /// Each file with the reason.
        tried: String,
    },
    /// The library is of another generation, whose calls mean something else.
    #[error("{path} is libddwaf {found}, and only 2.x can be used")]
    LibraryIncompatible {
        /// The file.
        path: String,
        /// Its version.
        found: String,
    },
    /// The library lacks something that every 2.x has.
    #[error("{path} has no {symbol}")]
    LibraryIncomplete {
        /// The file.
        path: String,
        /// What it lacks.
        symbol: &'static str,
    },
    /// The engine could not be used.
    #[error("the firewall cannot be used: {0}")]
    Engine(#[from] crate::WafError),
    /// No rules were given and none lie beside the library.
    #[error("no rules: set DD_APPSEC_RULES, or put rules.json beside the library ({looked})")]
    RulesNotFound {
        /// Where they would have been.
        looked: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file is larger than any that is meant.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What would be read.
        limit: u64,
    },
    /// Rules are not what rules look like.
    #[error("rules cannot be read: {0}")]
    RulesParse(#[from] crate::rules::ParseError),
    /// The engine took none of the rules.
    #[error("the rules were refused: {diagnostics}")]
    RulesRejected {
        /// What the engine says.
        diagnostics: Json,
    },
    /// Not one rule is active.
    #[error("no rule is active")]
    NoActiveRules,
    /// An expression of the obfuscator is not one.
    #[error("{name} is no regular expression: {cause}")]
    Obfuscator {
        /// Which.
        name: &'static str,
        /// Why.
        cause: String,
    },
    /// The header that carries the address of clients is no name of a header.
    #[error("{0:?} is no name of a header")]
    ClientIpHeader(String),
}
