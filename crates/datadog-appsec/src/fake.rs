//! An engine without a library: it says what a test tells it to, and remembers what it was asked.
//!
//! Evaluates nothing. A configuration is accepted unless it has a member `refuse`, whose text is then its error;
//! an instance can be built once some configuration has a rule.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::address;
use crate::engine::{Added, Evaluation, WafBuilder, WafContext, WafEngine, WafError, WafInstance};
use crate::value::Value;

/// An engine that is told what to say.
#[derive(Debug, Clone, Default)]
pub struct FakeEngine {
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Result<Evaluation, WafError>>,
    evaluated: Vec<Json>,
    budgets: Vec<Duration>,
    configs: BTreeMap<String, Json>,
    builds: usize,
}

impl FakeEngine {
    /// What the next evaluation that has no outcome yet comes to; later ones find nothing in no time.
    pub fn answer(&self, answer: Result<Evaluation, WafError>) -> &Self {
        self.script().answers.push_back(answer);
        self
    }

    /// What was evaluated, in its order, as JSON.
    pub fn evaluated(&self) -> Vec<Json> {
        self.script().evaluated.clone()
    }

    /// The budget of each evaluation.
    pub fn budgets(&self) -> Vec<Duration> {
        self.script().budgets.clone()
    }

    /// Paths that the builder has.
    pub fn paths(&self) -> Vec<String> {
        self.script().configs.keys().cloned().collect()
    }

    /// Instances that were built.
    pub fn builds(&self) -> usize {
        self.script().builds
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WafEngine for FakeEngine {
    fn version(&self) -> &str {
        "2.0.0-fake"
    }

    fn builder(&self) -> Result<Box<dyn WafBuilder>, WafError> {
        Ok(Box::new(self.clone()))
    }
}

/// Ids of the rules of a configuration.
fn rules(config: &Json) -> Vec<Json> {
    let rules = config.get("rules").and_then(Json::as_array);
    let ids = rules.into_iter().flatten().map(|rule| rule["id"].clone());
    ids.collect()
}

impl WafBuilder for FakeEngine {
    fn add_or_update(&mut self, path: &str, config: &Value) -> Added {
        let config = config.to_json();
        if let Some(why) = config.get("refuse") {
            return Added {
                accepted: false,
                diagnostics: json!({ "error": why }),
            };
        }
        let diagnostics = json!({
            "ruleset_version": config.pointer("/metadata/rules_version"),
            "rules": {"loaded": rules(&config), "failed": [], "errors": config.get("errors")},
        });
        self.script().configs.insert(path.to_owned(), config);
        Added {
            accepted: true,
            diagnostics,
        }
    }

    fn remove(&mut self, path: &str) -> bool {
        self.script().configs.remove(path).is_some()
    }

    fn build(&mut self) -> Option<Arc<dyn WafInstance>> {
        let mut script = self.script();
        script
            .configs
            .values()
            .find(|config| !rules(config).is_empty())?;
        script.builds += 1;
        let addresses = address::ALL.iter().map(|name| (*name).to_owned()).collect();
        Some(Arc::new(FakeInstance {
            engine: self.clone(),
            addresses,
        }))
    }
}

#[derive(Debug)]
struct FakeInstance {
    engine: FakeEngine,
    addresses: Vec<String>,
}

impl WafInstance for FakeInstance {
    fn addresses(&self) -> &[String] {
        &self.addresses
    }

    fn context(&self) -> Result<Box<dyn WafContext>, WafError> {
        Ok(Box::new(self.engine.clone()))
    }
}

impl WafContext for FakeEngine {
    fn evaluate(&mut self, data: &Value, budget: Duration) -> Result<Evaluation, WafError> {
        let mut script = self.script();
        script.evaluated.push(data.to_json());
        script.budgets.push(budget);
        script
            .answers
            .pop_front()
            .unwrap_or_else(|| Ok(Evaluation::default()))
    }

    fn subcontext(&mut self) -> Result<Box<dyn WafContext>, WafError> {
        Ok(Box::new(self.clone()))
    }
}
