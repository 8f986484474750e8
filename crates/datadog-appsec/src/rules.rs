//! The rules of one firewall: the default ones, and what remote configuration makes of them.
//!
//! One builder holds all configurations, each under its path; after every change one instance is built and swapped in,
//! and requests that are under way go on with the one they began with. A change that leaves no active rule changes
//! nothing.

mod batch;
mod diagnostics;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde_json::Value as Json;

pub use self::batch::{Applied, Batch, Product, RemoteFile};
pub use self::diagnostics::Diagnostics;
use crate::engine::{WafBuilder, WafContext, WafEngine, WafError, WafInstance};
use crate::error::Error;
use crate::json;
use crate::limits::Limits;
use crate::obfuscator::Obfuscator;
use crate::value::Value;

/// Path of the default rules in the builder.
const DEFAULT_PATH: &str = "ASM_DD/default";
/// Path of the obfuscator's configuration in the builder.
const OBFUSCATOR_PATH: &str = "obfuscator/config";
/// Bytes of one file of rules; the recommended ones have 0.4 MB.
pub(crate) const MAX_RULES_BYTES: u64 = 32 << 20;
/// What rules may consist of: all that the library can hold, and nothing is cut.
const RULES: Limits = Limits {
    depth: 60,
    container: u16::MAX as usize,
    text: 1 << 20,
    values: 4 << 20,
};

/// Why a file holds no rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is no JSON.
    #[error("{0}")]
    Json(String),
    /// It has more than the library can hold, and rules are not cut.
    #[error("larger or nested deeper than rules may be")]
    TooLarge,
}

/// Reads rules; refuses what would have to be cut.
///
/// # Errors
/// When it is no JSON or too large.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, ParseError> {
    if bytes.len() as u64 > MAX_RULES_BYTES {
        return Err(ParseError::TooLarge);
    }
    let (value, truncated) = json::parse(bytes, &RULES).map_err(ParseError::Json)?;
    if truncated.any() {
        return Err(ParseError::TooLarge);
    }
    Ok(value)
}

/// Reads a file that is not larger than it may be.
///
/// # Errors
/// When it cannot be read, or is larger.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let file = File::open(path);
    let read = file.and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    let length = read.map_err(|cause| Error::Read {
        path: path.to_path_buf(),
        cause,
    })?;
    if length as u64 > limit {
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
            limit,
        });
    }
    Ok(bytes)
}

/// Where the default rules come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The user's own: remote configuration changes nothing about them.
    User,
    /// Those that came with the library: remote configuration may replace them.
    Recommended,
}

/// What requests are evaluated with at one moment.
#[derive(Debug)]
pub struct Rules {
    pub(crate) instance: Arc<dyn WafInstance>,
    pub(crate) diagnostics: Diagnostics,
    /// What of them is remote; nothing if all are the default ones.
    remote: Option<FromRemote>,
    /// Whether a request has told the diagnostics yet.
    told: AtomicBool,
}

/// What remote configuration made of the rules.
#[derive(Debug, Default)]
struct FromRemote {
    /// Files by product.
    files: BTreeMap<&'static str, usize>,
    /// Changes of the rules since the start.
    updates: u64,
    /// Requests that were told of with these rules.
    requests: AtomicU64,
}

impl Rules {
    /// What the engine says of the rules themselves.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// The addresses that the rules look at.
    pub fn addresses(&self) -> &[String] {
        self.instance.addresses()
    }

    /// A context for one request.
    ///
    /// # Errors
    /// When the engine cannot make one.
    pub fn context(&self) -> Result<Box<dyn WafContext>, WafError> {
        self.instance.context()
    }

    pub(crate) fn knows(&self, address: &str) -> bool {
        self.addresses().iter().any(|known| known == address)
    }

    /// How many files of each product there are, how many changes brought these rules about, and how many requests have
    /// told of them, this one included. Nothing where no file is remote.
    pub(crate) fn summary(&self) -> Option<String> {
        let remote = self.remote.as_ref()?;
        let requests = remote.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let files = remote.files.iter();
        let files: Vec<String> = files
            .map(|(product, count)| format!("{product}:{count}"))
            .collect();
        let (files, updates) = (files.join(","), remote.updates);
        Some(format!("[{files}] u:{updates} r:{requests}"))
    }

    /// True once for every set of rules: its first request tells what became of them.
    pub(crate) fn is_first_request(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }
}

/// The rules, and what they are made of.
#[derive(Debug)]
pub struct Ruleset {
    state: Mutex<State>,
    current: ArcSwap<Rules>,
}

/// What the builder holds.
#[derive(Debug)]
struct State {
    builder: Box<dyn WafBuilder>,
    source: Source,
    /// The default rules, to be put back when remote ones are gone.
    default: Vec<u8>,
    default_diagnostics: Diagnostics,
    /// Whether the builder has them at this moment.
    has_default: bool,
    /// What remote configuration has in the builder.
    remote: BTreeMap<String, Remote>,
    /// Changes of the rules since the start.
    updates: u64,
}

/// A remote file that is in use.
#[derive(Debug)]
struct Remote {
    product: Product,
    content: Vec<u8>,
    diagnostics: Diagnostics,
}

impl Ruleset {
    /// Loads the default rules, with the obfuscator before them.
    ///
    /// # Errors
    /// When they cannot be read, are refused, or none of them is active.
    pub fn new(
        engine: &dyn WafEngine,
        obfuscator: &Obfuscator,
        source: Source,
        default: Vec<u8>,
    ) -> Result<Self, Error> {
        let mut builder = engine.builder()?;
        // Without it, secrets stand in events as they are.
        let added = builder.add_or_update(OBFUSCATOR_PATH, &obfuscator.to_config());
        if !added.accepted {
            let diagnostics = added.diagnostics;
            return Err(Error::RulesRejected { diagnostics });
        }
        let rules = parse(&default)?;
        let added = builder.add_or_update(DEFAULT_PATH, &rules);
        if !added.accepted {
            let diagnostics = added.diagnostics;
            return Err(Error::RulesRejected { diagnostics });
        }
        let diagnostics = Diagnostics::of(&added.diagnostics);
        let instance = builder.build().ok_or(Error::NoActiveRules)?;
        let current = ArcSwap::from_pointee(Rules {
            instance,
            diagnostics: diagnostics.clone(),
            remote: None,
            told: AtomicBool::new(false),
        });
        let state = State {
            builder,
            source,
            default,
            default_diagnostics: diagnostics,
            has_default: true,
            remote: BTreeMap::new(),
            updates: 0,
        };
        Ok(Self {
            state: Mutex::new(state),
            current,
        })
    }

    /// The rules of this moment; whoever holds them is not touched by changes.
    pub fn current(&self) -> Arc<Rules> {
        self.current.load_full()
    }

    /// Applies one batch of remote configuration, and swaps the rules at the end if any is active.
    pub fn apply(&self, batch: Batch) -> Applied {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (applied, rules) = state.apply(batch);
        if let Some(rules) = rules {
            self.current.store(Arc::new(rules));
        }
        applied
    }
}

/// Compact JSON of something that the engine said.
fn compact(json: &Json) -> String {
    json.to_string()
}

#[cfg(test)]
mod tests;
