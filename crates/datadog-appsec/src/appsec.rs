//! AppSec as a whole: rules, limits and counters, which all requests share.
//!
//! Keeps no request: each has a [`Transaction`] of its own, which evaluates without a lock.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{debug, info};

use crate::body::Skipped;
use crate::config::{Blocking, Config};
use crate::counts::{Counters, Counts};
use crate::engine::WafEngine;
use crate::error::Error;
use crate::http::HttpTransaction;
use crate::obfuscator::Obfuscator;
use crate::rate::RateLimiter;
use crate::rules::{Applied, Batch, MAX_RULES_BYTES, Rules, Ruleset, Source, read_file};
use crate::schema::{Endpoint, Sampler};
use crate::tags::{EntrySpan, SpanTags};
use crate::transaction::Transaction;
use crate::verdict::Templates;
use crate::waf::DdwafEngine;

/// The recommended rules, beside the library.
const RULES_NAME: &str = "rules.json";
/// Pause between two lines about requests that ran out of time.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// AppSec, ready for requests; a clone is the same.
#[derive(Debug, Clone)]
pub struct AppSec {
    shared: Arc<Shared>,
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) version: String,
    pub(crate) templates: Templates,
    pub(crate) counters: Counters,
    ruleset: Ruleset,
    source: Source,
    sampler: Mutex<Sampler>,
    limiter: Mutex<RateLimiter>,
    told_timeout: Mutex<Option<Instant>>,
    told_block: AtomicBool,
    /// Spans that are being looked at.
    inspections: AtomicUsize,
}

/// One of the few spans that are looked at at once.
struct Turn<'s>(&'s Shared);

impl<'s> Turn<'s> {
    fn take(shared: &'s Shared) -> Option<Self> {
        let max = shared.config.max_inspections;
        let more = |running: usize| (running < max).then(|| running + 1);
        let taken = shared
            .inspections
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok().then_some(Self(shared))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.inspections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("version", &self.version)
            .field("counts", &self.counters.read())
            .finish_non_exhaustive()
    }
}

impl AppSec {
    /// Loads the library and the rules that `config` names.
    ///
    /// # Errors
    /// When there is no library or no active rule, or something of `config` cannot be used. The caller says so and
    /// goes on without AppSec.
    pub fn load(config: Config) -> Result<Self, Error> {
        let engine = DdwafEngine::load(config.library_path.as_deref())?;
        let (source, rules) = match &config.rules_path {
            Some(path) => (Source::User, read_file(path, MAX_RULES_BYTES)?),
            None => (Source::Recommended, beside(engine.path())?),
        };
        Self::with_engine(config, &engine, source, rules)
    }

    /// The same with an engine and rules at hand.
    ///
    /// # Errors
    /// As of [`AppSec::load`].
    pub fn with_engine(
        config: Config,
        engine: &dyn WafEngine,
        source: Source,
        rules: Vec<u8>,
    ) -> Result<Self, Error> {
        if let Some(name) = config.client_ip_header.as_deref() {
            let is_token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(Error::ClientIpHeader(name.to_owned()));
            }
        }
        let obfuscator = Obfuscator::new(
            config.obfuscation_key.as_deref(),
            config.obfuscation_value.as_deref(),
        )?;
        let templates = Templates::load(
            config.blocked_template_html.as_deref(),
            config.blocked_template_json.as_deref(),
        )?;
        let ruleset = Ruleset::new(engine, &obfuscator, source, rules)?;
        let shared = Shared {
            version: engine.version().to_owned(),
            templates,
            counters: Counters::default(),
            ruleset,
            source,
            sampler: Mutex::new(Sampler::new(config.api_security.sample_delay)),
            limiter: Mutex::new(RateLimiter::new(config.trace_rate_limit)),
            told_timeout: Mutex::new(None),
            told_block: AtomicBool::new(false),
            inspections: AtomicUsize::new(0),
            config,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Begins a request, whose verdicts somebody obeys if the configuration says so.
    pub fn transaction(&self) -> Transaction {
        Transaction::new(Arc::clone(&self.shared), self.shared.config.blocking)
    }

    /// Begins a request whose verdicts nobody obeys, even if the configuration says that those of others are obeyed.
    pub fn watch(&self) -> Transaction {
        Transaction::new(Arc::clone(&self.shared), Blocking::Ignored)
    }

    /// Looks at a request that is over, as traces tell of it: nothing can be blocked any more. Nothing, if enough
    /// others are being looked at; that is counted.
    pub fn inspect(
        &self,
        transaction: &HttpTransaction,
        span: &dyn EntrySpan,
        now: Instant,
    ) -> Option<SpanTags> {
        let Some(_turn) = Turn::take(&self.shared) else {
            self.shared.counters.inspections_skipped.add_one();
            return None;
        };
        let mut seen = self.watch();
        seen.request(&transaction.request);
        seen.forget_peer();
        if let Some(response) = &transaction.response {
            seen.response(response);
        }
        Some(seen.finish(span, now))
    }

    /// Applies one batch of remote configuration.
    pub fn apply(&self, batch: Batch) -> Applied {
        self.shared.ruleset.apply(batch)
    }

    /// The rules of this moment.
    pub fn rules(&self) -> Arc<Rules> {
        self.shared.rules()
    }

    /// Where the default rules came from.
    pub fn source(&self) -> Source {
        self.shared.source
    }

    /// Whether somebody obeys its verdicts.
    pub fn blocking(&self) -> Blocking {
        self.shared.config.blocking
    }

    /// The version of the engine.
    pub fn version(&self) -> &str {
        &self.shared.version
    }

    /// Counts a request that was given up before its span came.
    pub(crate) fn evicted(&self) {
        self.shared.counters.evicted.add_one();
    }

    /// Counts a request whose span went without its response.
    pub(crate) fn unanswered(&self) {
        self.shared.counters.unanswered.add_one();
    }

    /// Counts a response to a request that is not known.
    pub(crate) fn unmatched(&self) {
        self.shared.counters.unmatched.add_one();
    }

    /// What was counted since the start.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }
}

/// The rules beside the library, if it was named with a folder.
fn beside(library: &Path) -> Result<Vec<u8>, Error> {
    let path = library.with_file_name(RULES_NAME);
    let has_folder = library
        .parent()
        .is_some_and(|folder| !folder.as_os_str().is_empty());
    if !has_folder || !path.is_file() {
        return Err(Error::RulesNotFound { looked: path });
    }
    read_file(&path, MAX_RULES_BYTES)
}

impl Shared {
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.ruleset.current()
    }

    /// Whether one more trace may be kept; if not, that is counted.
    pub(crate) fn may_keep(&self, now: Instant) -> bool {
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let is_allowed = limiter.allow(now);
        if !is_allowed {
            self.counters.keep_limited.add_one();
        }
        is_allowed
    }

    /// Whether an endpoint gets a schema now.
    pub(crate) fn takes_schema(&self, endpoint: Endpoint, now: Instant) -> bool {
        let mut sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner);
        sampler.take(endpoint, now)
    }

    /// Counts a request that ran out of time, and says so once a minute.
    pub(crate) fn timed_out(&self) {
        self.counters.timeouts.add_one();
        let now = Instant::now();
        let mut told = self
            .told_timeout
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| now.duration_since(told) >= LOG_PAUSE) {
            *told = Some(now);
            let timeouts = self.counters.read().timeouts;
            info!(timeouts, "appsec ran out of time on a request");
        }
    }

    /// Counts a verdict that nobody obeys, and says so once.
    pub(crate) fn ignored_block(&self) {
        self.counters.block_ignored.add_one();
        if !self.told_block.swap(true, Ordering::Relaxed) {
            debug!("rules want to block a request, and nobody here can");
        }
    }

    /// Counts a body that is not looked at.
    pub(crate) fn skipped_body(&self, why: Skipped) {
        self.counters.skipped(why);
    }
}
