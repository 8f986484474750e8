//! What evaluates requests, as the rest of the crate sees it.
//!
//! Four steps: an engine makes a builder of rules, the builder makes instances, an instance makes a context for each
//! request, and the context evaluates what is known of it.
//! [`crate::DdwafEngine`] is the real one, [`crate::FakeEngine`] says what a test tells it to.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use crate::value::Value;

/// A firewall that rules can be loaded into.
pub trait WafEngine: Debug + Send + Sync {
    /// The version that is told on spans.
    fn version(&self) -> &str;

    /// An empty set of rules.
    ///
    /// # Errors
    /// When the engine cannot make one.
    fn builder(&self) -> Result<Box<dyn WafBuilder>, WafError>;
}

/// A set of rules, made of configurations that each have a path.
pub trait WafBuilder: Debug + Send {
    /// Adds the configuration of a path, or puts it in the place of what the path had.
    fn add_or_update(&mut self, path: &str, config: &Value) -> Added;

    /// Takes a path away; whether it was there.
    fn remove(&mut self, path: &str) -> bool;

    /// Makes an instance of what there is; nothing, if no rule is active. Instances that were made before go on.
    fn build(&mut self) -> Option<Arc<dyn WafInstance>>;
}

/// What became of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// Whether anything of it is used.
    pub accepted: bool,
    /// What the engine says of each section: loaded, failed, skipped, errors.
    pub diagnostics: Json,
}

/// Rules that evaluate requests; shared by all threads.
pub trait WafInstance: Debug + Send + Sync {
    /// The addresses that any of the rules looks at.
    fn addresses(&self) -> &[String];

    /// A context for one request; it goes on with these rules whatever happens to the instance.
    ///
    /// # Errors
    /// When the engine cannot make one.
    fn context(&self) -> Result<Box<dyn WafContext>, WafError>;
}

/// What is known of one request.
pub trait WafContext: Debug + Send {
    /// Adds what is known now, a map of addresses, and evaluates it together with what was known before.
    ///
    /// # Errors
    /// When the engine refuses the data or fails.
    fn evaluate(&mut self, data: &Value, budget: Duration) -> Result<Evaluation, WafError>;

    /// A context that knows all that this one does, and tells it nothing: for what happens within a request.
    ///
    /// # Errors
    /// When the engine cannot make one.
    fn subcontext(&mut self) -> Result<Box<dyn WafContext>, WafError>;
}

/// The outcome of one evaluation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// What was found, as the engine reports it.
    pub events: Vec<Json>,
    /// What should be done about it.
    pub actions: Vec<Action>,
    /// What the rules say of the request: tags and their values, schemas among them.
    pub attributes: Vec<(String, Json)>,
    /// Whether the trace is to be kept.
    pub keep: bool,
    /// Whether the budget ended before the evaluation.
    pub timed_out: bool,
    /// Time that the engine took.
    pub duration: Duration,
}

/// Something that rules ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its type, such as `block_request`.
    pub kind: String,
    /// Its parameters, an object.
    pub parameters: Json,
}

/// Why there is no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum WafError {
    /// The engine failed; what it holds of the request may be lost.
    #[error("the firewall failed")]
    Internal,
    /// The data are no map of addresses, or hold what cannot be evaluated.
    #[error("the firewall refused the data")]
    InvalidObject,
    /// There is nothing to evaluate with, or no memory for the data.
    #[error("the firewall has no context or no memory")]
    InvalidArgument,
}

impl WafError {
    /// The number that spans tell it with.
    pub fn code(self) -> i8 {
        match self {
            Self::Internal => -3,
            Self::InvalidObject => -2,
            Self::InvalidArgument => -1,
        }
    }
}
