//! What only the events of Lambda tell: invocations, their errors, how long they took and what they cost.
//!
//! Whoever receives the platform's events hands them in here, as they come; this says of each what Datadog's extension
//! says. Receives no event itself: that is the business of an extension. Looks at no clock and no file.
//! Of requests, the last [`MAX_REQUESTS`] are remembered: a line of the log may come after the report.

use std::collections::VecDeque;

use super::{Kind, Lines};
use crate::aggregator::service::{AggregatorHandle, InsertError};

const PREFIX: &str = "aws.lambda.enhanced.";
/// Requests that are remembered; beyond, the oldest is forgotten.
pub const MAX_REQUESTS: usize = 128;
/// Bytes of a request's id that count.
const ID_BYTES: usize = 64;
/// Dollars for an invocation, whatever it takes.
const PRICE_OF_REQUEST: f64 = 0.000_000_2;
/// Dollars for a gigabyte over a second, by the processor.
const PRICE_X86_64: f64 = 0.000_016_666_7;
const PRICE_ARM64: f64 = 0.000_013_333_4;

/// The processor of a function, which decides over its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// That of Intel and AMD.
    X86_64,
    /// That of ARM.
    Arm64,
}

impl Architecture {
    /// The one that this program is built for.
    #[must_use]
    pub const fn of_this_program() -> Self {
        match cfg!(target_arch = "aarch64") {
            true => Self::Arm64,
            false => Self::X86_64,
        }
    }
}

/// How a function is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    /// By invocation, each of which has the machine for itself.
    OnDemand,
    /// By machine: what an invocation is billed and how much memory it took is not known.
    ManagedInstance,
}

/// What an invocation found when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// No environment: one was made for it.
    Cold,
    /// An environment that was made long before anything came.
    Proactive,
    /// An environment that another invocation had before.
    Warm,
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should.
    Success,
    /// With an error of the function.
    Error,
    /// With an error of its process.
    Failure,
    /// It took too long.
    Timeout,
}

/// What the platform tells. Times are milliseconds, as in its events.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The environment is ready: `platform.initReport`.
    Initialized {
        /// How long that took.
        duration_ms: f64,
        /// Why it was made: `on-demand`, `provisioned-concurrency`, `snap-start`.
        init_type: &'a str,
    },
    /// The environment is ready again, from a snapshot: `platform.restoreReport`.
    Restored {
        /// How long that took.
        duration_ms: f64,
    },
    /// An invocation came.
    Invoked {
        /// What it found.
        start: Start,
    },
    /// The function has answered: `platform.runtimeDone`.
    RuntimeDone {
        /// The invocation.
        request_id: &'a str,
        /// How it ended.
        status: Status,
        /// How long the function ran.
        duration_ms: Option<f64>,
        /// Bytes of its answer.
        produced_bytes: Option<u64>,
        /// The word of the platform for the error, if there was one.
        error_type: Option<&'a str>,
    },
    /// A line of the log says that the function has no memory left.
    OutOfMemory {
        /// The invocation.
        request_id: &'a str,
    },
    /// All about an invocation: `platform.report`.
    Report(Report<'a>),
    /// The environment ends.
    Shutdown,
}

/// What an invocation took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report<'a> {
    /// The invocation.
    pub request_id: &'a str,
    /// How long it took.
    pub duration_ms: f64,
    /// The milliseconds that are billed.
    pub billed_duration_ms: f64,
    /// Megabytes that the function has.
    pub memory_size_mb: u64,
    /// Megabytes that it used at most.
    pub max_memory_used_mb: u64,
}

/// Says of each event what is to be said, in metrics `aws.lambda.enhanced.*`.
///
/// Distributions all, with the tags `cold_start`, `proactive_initialization` and `init_type` as far as they are known.
#[derive(Debug)]
pub struct Invocations {
    handle: AggregatorHandle,
    memory: Memory,
}

impl Invocations {
    /// Sends what there is to say through this door.
    #[must_use]
    pub fn new(handle: AggregatorHandle, architecture: Architecture, billing: Billing) -> Self {
        Self {
            handle,
            memory: Memory::new(architecture, billing),
        }
    }

    /// Takes an event that belongs to the second `at_s` since 1970, at least 1. A flush that is asked for later has it.
    ///
    /// Lambda layers of Datadog send `invocations` and `errors` over DogStatsD too: where they do, the events that these
    /// come from (an invocation, and a `RuntimeDone` without success) are not to be told here as well.
    ///
    /// # Errors
    /// When there is no room for what it says, which is counted, or the agent has stopped.
    pub fn tell(&mut self, event: &Event<'_>, at_s: i64) -> Result<(), InsertError> {
        let lines = self.memory.take(event, at_s);
        match lines.text.is_empty() {
            true => Ok(()),
            false => self.handle.send(lines.text.as_bytes()),
        }
    }
}

/// What has to be known of what came before.
#[derive(Debug)]
struct Memory {
    architecture: Architecture,
    billing: Billing,
    start: Option<Start>,
    init_type: Option<String>,
    requests: VecDeque<Request>,
}

/// What is known of an invocation that is not over.
#[derive(Debug)]
struct Request {
    id: String,
    runtime_ms: Option<f64>,
    is_out_of_memory: bool,
}

impl Memory {
    fn new(architecture: Architecture, billing: Billing) -> Self {
        Self {
            architecture,
            billing,
            start: None,
            init_type: None,
            requests: VecDeque::new(),
        }
    }

    /// What is to be said of an event.
    fn take(&mut self, event: &Event<'_>, at_s: i64) -> Lines {
        match event {
            Event::Initialized { init_type, .. } => self.init_type = Some((*init_type).to_owned()),
            Event::Invoked { start } => self.start = Some(*start),
            _ => {}
        }
        let mut lines = Lines::new(&self.tags());
        lines.at_s = Some(at_s);
        match *event {
            Event::Initialized { duration_ms, .. } => {
                put(&mut lines, "init_duration", seconds(duration_ms));
            }
            Event::Restored { duration_ms } => {
                put(
                    &mut lines,
                    "snapstart_restore_duration",
                    seconds(duration_ms),
                );
            }
            Event::Invoked { .. } => put(&mut lines, "invocations", 1.0),
            Event::RuntimeDone {
                request_id,
                status,
                duration_ms,
                produced_bytes,
                error_type,
            } => {
                done(&mut lines, status, duration_ms, produced_bytes);
                let request = self.request(request_id);
                request.runtime_ms = duration_ms;
                if error_type == Some("Runtime.OutOfMemory") {
                    request.run_out_of_memory(&mut lines);
                }
            }
            Event::OutOfMemory { request_id } => {
                self.request(request_id).run_out_of_memory(&mut lines);
            }
            Event::Report(report) => self.report(&report, &mut lines),
            Event::Shutdown => {
                put(&mut lines, "shutdowns", 1.0);
                if self.start.is_none() {
                    put(&mut lines, "unused_init", 1.0);
                }
            }
        }
        lines
    }

    fn report(&mut self, report: &Report<'_>, lines: &mut Lines) {
        let billing = self.billing;
        let cost = cost(
            self.architecture,
            report.billed_duration_ms,
            report.memory_size_mb,
        );
        put(lines, "duration", seconds(report.duration_ms));
        let request = self.request(report.request_id);
        if let Some(runtime_ms) = request.runtime_ms.take() {
            put(
                lines,
                "post_runtime_duration",
                report.duration_ms - runtime_ms,
            );
        }
        if billing == Billing::ManagedInstance {
            return;
        }
        put(lines, "billed_duration", seconds(report.billed_duration_ms));
        put(lines, "max_memory_used", whole(report.max_memory_used_mb));
        put(lines, "memorysize", whole(report.memory_size_mb));
        put(lines, "estimated_cost", cost);
        if report.max_memory_used_mb == report.memory_size_mb {
            request.run_out_of_memory(lines);
        }
    }

    /// The request of this id, remembered from now on.
    fn request(&mut self, id: &str) -> &mut Request {
        let id = id
            .get(..id.floor_char_boundary(ID_BYTES))
            .unwrap_or_default();
        let place = self.requests.iter().position(|request| request.id == id);
        let request = match place.and_then(|place| self.requests.remove(place)) {
            Some(request) => request,
            None => Request {
                id: id.to_owned(),
                runtime_ms: None,
                is_out_of_memory: false,
            },
        };
        if self.requests.len() >= MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
        let last = self.requests.len() - 1;
        // It was put there.
        &mut self.requests[last]
    }

    fn tags(&self) -> Vec<String> {
        let mut tags = Vec::new();
        if let Some(start) = self.start {
            tags.push(format!("cold_start:{}", start == Start::Cold));
            if start == Start::Proactive {
                tags.push("proactive_initialization:true".to_owned());
            }
        }
        tags.extend(self.init_type.iter().map(|it| format!("init_type:{it}")));
        tags
    }
}

impl Request {
    /// Says so once.
    fn run_out_of_memory(&mut self, lines: &mut Lines) {
        if !std::mem::replace(&mut self.is_out_of_memory, true) {
            put(lines, "out_of_memory", 1.0);
        }
    }
}

fn done(lines: &mut Lines, status: Status, duration_ms: Option<f64>, produced_bytes: Option<u64>) {
    if let Some(duration_ms) = duration_ms {
        put(lines, "runtime_duration", duration_ms);
    }
    if let Some(bytes) = produced_bytes {
        put(lines, "produced_bytes", whole(bytes));
    }
    if status != Status::Success {
        put(lines, "errors", 1.0);
    }
    if status == Status::Timeout {
        put(lines, "timeouts", 1.0);
    }
}

/// Dollars, to twelve decimals.
fn cost(architecture: Architecture, billed_ms: f64, memory_mb: u64) -> f64 {
    const DIGITS: f64 = 1e12;
    let price = match architecture {
        Architecture::X86_64 => PRICE_X86_64,
        Architecture::Arm64 => PRICE_ARM64,
    };
    let gigabyte_seconds = billed_ms / 1_000.0 * (whole(memory_mb) / 1_024.0);
    ((PRICE_OF_REQUEST + gigabyte_seconds * price) * DIGITS).round() / DIGITS
}

/// As the extension works it out, to the last digit.
fn seconds(ms: f64) -> f64 {
    ms * 0.001
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and megabytes, for people"
)]
const fn whole(value: u64) -> f64 {
    value as f64
}

fn put(lines: &mut Lines, name: &str, value: f64) {
    lines.put(PREFIX, name, value, Kind::Distribution);
}

#[cfg(test)]
mod tests;
