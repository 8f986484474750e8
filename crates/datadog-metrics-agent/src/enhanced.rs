//! Metrics about the function or container that the agent runs beside: what it uses of processor, memory and network.
//!
//! Everything is read from files below a root, `/` outside of tests; what cannot be read is left out and stops nothing.
//! The platform is told by the caller: nothing is found out here. A source of metrics like a socket: what it has is in
//! the queue before a flush takes place, and goes the way of every sample.
//! The task knows of no invocations: on Lambda, one is what lies between two flushes that somebody asks for. Whoever
//! receives the platform's events tells [`invocations`] of them.

mod azure;
mod cgroup;
mod container;
pub mod invocations;
mod lambda;
mod proc;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use datadog_agent_runtime::drain::Drain;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::aggregator::service::{AggregatorHandle, Barrier};

/// How often Lambda is looked at, for the most that was in use at once.
const LAMBDA_EVERY: Duration = Duration::from_millis(100);
/// How often processor time is read on Azure.
const AZURE_EVERY: Duration = Duration::from_secs(1);
/// How often a container is looked at.
const CONTAINER_EVERY: Duration = Duration::from_secs(10);

/// What is collected, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Below which `proc`, `sys` and `tmp` are. Default: `/`.
    pub root: PathBuf,
    /// The platform, and what it has to say.
    pub platform: Platform,
    /// Tags of these metrics alone, besides those that everything gets. Default: none.
    pub tags: Vec<String>,
}

/// Where the agent runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Platform {
    /// AWS Lambda: `aws.lambda.enhanced.*`, as distributions.
    Lambda {
        /// How long a window is that no flush ends; `None` where somebody asks for every flush.
        window: Option<Duration>,
    },
    /// Azure Functions: `azure.functions.enhanced.*`.
    AzureFunctions {
        /// The name of this instance; without one it is not counted.
        instance: Option<String>,
        /// Whether processor time is measured.
        cpu: bool,
    },
    /// Any container, Google's among them: `datadog.agent.container.*`.
    Container,
}

impl Config {
    /// For a platform, with everything else at its default.
    #[must_use]
    pub fn from_platform(platform: Platform) -> Self {
        Self {
            root: PathBuf::from("/"),
            platform,
            tags: Vec::new(),
        }
    }
}

/// How a value is aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Count,
    Gauge,
    Distribution,
}

/// Messages in the words of DogStatsD.
#[derive(Debug, Default)]
struct Lines {
    text: String,
    /// What follows each value: its tags.
    tags: String,
    /// The second since 1970 to which values belong; without it, that is the present.
    at_s: Option<i64>,
}

impl Lines {
    fn new(tags: &[String]) -> Self {
        let mut lines = Self::default();
        for tag in tags {
            lines
                .tags
                .push_str(if lines.tags.is_empty() { "|#" } else { "," });
            lines.tags.push_str(&plain(tag));
        }
        lines
    }

    fn put(&mut self, prefix: &str, name: &str, value: f64, kind: Kind) {
        self.put_tagged(prefix, name, value, kind, "");
    }

    /// Puts a value with one more tag, unless that is empty.
    fn put_tagged(&mut self, prefix: &str, name: &str, value: f64, kind: Kind, tag: &str) {
        let kind = match kind {
            Kind::Count => 'c',
            Kind::Gauge => 'g',
            Kind::Distribution => 'd',
        };
        let before = match (tag.is_empty(), self.tags.is_empty()) {
            (true, _) => "",
            (false, true) => "|#",
            (false, false) => ",",
        };
        let tags = &self.tags;
        let at = self
            .at_s
            .map_or_else(String::new, |at_s| format!("|T{at_s}"));
        // A string takes all that is written to it.
        let _infallible = writeln!(
            self.text,
            "{prefix}{name}:{value}|{kind}{at}{tags}{before}{}",
            plain(tag)
        )
        .is_err();
    }
}

/// A tag without what would end it.
fn plain(tag: &str) -> String {
    tag.replace([',', '|', '\n', '\r'], "_")
}

/// What is collected on a platform.
#[derive(Debug)]
enum Collector {
    Lambda(lambda::Lambda),
    Azure(azure::Azure),
    Container(container::Container),
}

impl Collector {
    fn new(config: &Config) -> Self {
        let root = config.root.clone();
        match &config.platform {
            Platform::Lambda { window } => Self::Lambda(lambda::Lambda::new(root, *window)),
            Platform::AzureFunctions { instance, cpu } => {
                Self::Azure(azure::Azure::new(root, instance.clone(), *cpu))
            }
            Platform::Container => Self::Container(container::Container::new(root)),
        }
    }

    const fn every(&self) -> Duration {
        match self {
            Self::Lambda(_) => LAMBDA_EVERY,
            Self::Azure(_) => AZURE_EVERY,
            Self::Container(_) => CONTAINER_EVERY,
        }
    }

    fn tick(&mut self, now: Instant, lines: &mut Lines) {
        match self {
            Self::Lambda(lambda) => lambda.tick(now, lines),
            Self::Azure(azure) => azure.tick(now, lines),
            Self::Container(container) => container.tick(now, lines),
        }
    }

    /// A flush that somebody asked for comes, or the end.
    fn end(&mut self, now: Instant, lines: &mut Lines) {
        if let Self::Lambda(lambda) = self {
            lambda.end(now, lines);
        }
    }
}

/// The task that collects.
#[derive(Debug)]
pub(crate) struct EnhancedService {
    collector: Collector,
    lines: Lines,
    handle: AggregatorHandle,
    barrier: Barrier,
}

impl EnhancedService {
    pub(crate) fn new(config: &Config, handle: AggregatorHandle) -> Self {
        let mut tags = config.tags.clone();
        if let Platform::AzureFunctions { .. } = config.platform {
            tags.retain(|tag| !tag.ends_with(":unknown"));
        }
        Self {
            collector: Collector::new(config),
            lines: Lines::new(&tags),
            barrier: handle.barrier(),
            handle,
        }
    }

    /// Runs until the signal to stop.
    pub(crate) async fn run(mut self, drain: Drain) {
        let mut tick = interval(self.collector.every());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {
                    self.collector.tick(Instant::now(), &mut self.lines);
                    self.send();
                }
                token = self.barrier.raised() => {
                    self.collector.end(Instant::now(), &mut self.lines);
                    self.send();
                    drop(token);
                }
                _ = drain.signalled() => break,
            }
        }
        self.collector.end(Instant::now(), &mut self.lines);
        self.send();
    }

    fn send(&mut self) {
        if !self.lines.text.is_empty() {
            // What there is no room for is counted by the queue.
            let _counted = self.handle.send(self.lines.text.as_bytes()).is_err();
            self.lines.text.clear();
        }
    }
}

#[cfg(test)]
mod tests;
