//! Waiting until what a test expects has arrived, and saying what did when it has not.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::server::Shared;
use crate::snapshot::{
    CheckRecord, EventRecord, RequestRecord, SecurityRecord, SeriesRecord, SketchRecord, Snapshot,
    StatsRecord, TraceRecord,
};

/// Between two looks at the clock while waiting; new records are noticed at once.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of each kind that a failure prints.
const PRINTED: usize = 50;
/// Characters of a message that a failure prints.
const PRINTED_CHARS: usize = 200;

/// Waits until `check` holds; false when it still does not as time is up.
///
/// The deadline is on the real clock: a paused one jumps ahead while bytes are on their way.
async fn holds(shared: &Shared, deadline: Duration, check: impl Fn(&Snapshot) -> bool) -> bool {
    let started = Instant::now();
    let mut changes = shared.changes();
    loop {
        changes.mark_unchanged();
        if check(&Snapshot::take(shared)) {
            return true;
        }
        loop {
            if started.elapsed() >= deadline {
                return false;
            }
            if let Ok(Ok(())) = tokio::time::timeout(LOOK_EVERY, changes.changed()).await {
                break;
            }
        }
    }
}

fn fail(shared: &Shared, what: &str, deadline: Duration, caller: &Location<'_>) -> ! {
    let arrived = Arrived(Snapshot::take(shared));
    panic!("{caller}: {what}, after {deadline:?}\n{arrived}");
}

/// Waits until `check` holds.
pub(crate) async fn until(
    shared: &Shared,
    deadline: Duration,
    check: impl Fn(&Snapshot) -> bool,
    what: &str,
    caller: &Location<'_>,
) {
    if !holds(shared, deadline, check).await {
        fail(shared, &format!("did not see {what}"), deadline, caller);
    }
}

/// A kind of record that is waited for by name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    Logs,
    Series,
    Sketches,
    Events,
    Checks,
    Traces,
    Stats,
    Security,
}

impl Named {
    fn words(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Series => "series",
            Self::Sketches => "sketches",
            Self::Events => "events",
            Self::Checks => "checks",
            Self::Traces => "traces",
            Self::Stats => "stats",
            Self::Security => "security events",
        }
    }

    /// The names of those that arrived; nothing while there are fewer than `least`.
    fn names(self, snapshot: &Snapshot, least: usize) -> Vec<String> {
        match self {
            // Decoding everything on each change is wasted while there are too few to be right.
            Self::Logs if snapshot.log_count() < least => Vec::new(),
            Self::Logs => snapshot.messages(),
            Self::Series => collect(snapshot.series(), |series| series.metric),
            Self::Sketches => collect(snapshot.sketches(), |sketch| sketch.metric),
            Self::Events => collect(snapshot.events(), |event| event.title),
            Self::Checks => collect(snapshot.checks(), |check| check.check),
            Self::Traces => collect(snapshot.traces(), |trace| trace.resource),
            Self::Stats => collect(snapshot.stats(), |stats| stats.group.resource),
            Self::Security => collect(snapshot.security(), |record| record.event.rule.id),
        }
    }
}

fn collect<R>(records: Vec<R>, name: impl Fn(R) -> String) -> Vec<String> {
    records.into_iter().map(name).collect()
}

/// Waits until a record of each of these names has arrived, as often as it is listed.
pub(crate) async fn named<S: AsRef<str>>(
    shared: &Shared,
    deadline: Duration,
    kind: Named,
    wanted: &[S],
    caller: &Location<'_>,
) {
    let have_arrived =
        |snapshot: &Snapshot| missing(&kind.names(snapshot, wanted.len()), wanted).is_empty();
    if !holds(shared, deadline, have_arrived).await {
        let missing = missing(&kind.names(&Snapshot::take(shared), 0), wanted);
        let what = format!("did not get the {} {missing:?}", kind.words());
        fail(shared, &what, deadline, caller);
    }
}

/// Those of `wanted` that did not arrive as often as they are listed.
fn missing(arrived: &[String], wanted: &[impl AsRef<str>]) -> Vec<String> {
    let mut counts = HashMap::<&str, usize>::new();
    for message in arrived {
        *counts.entry(message).or_default() += 1;
    }
    let mut missing = Vec::new();
    for message in wanted {
        match counts.get_mut(message.as_ref()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => missing.push(message.as_ref().to_owned()),
        }
    }
    missing
}

/// What arrived, for a person who wonders why it was not enough: the newest of each kind.
struct Arrived(Snapshot);

impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = self.0.raw_requests();
        writeln!(f, "{} requests arrived:", requests.len())?;
        for request in requests.iter().skip(requests.len().saturating_sub(PRINTED)) {
            write_request(f, request)?;
        }
        let messages = self.0.messages();
        writeln!(f, "{} logs were accepted:", messages.len())?;
        for message in messages.iter().skip(messages.len().saturating_sub(PRINTED)) {
            let cut: String = message.chars().take(PRINTED_CHARS).collect();
            writeln!(f, "  {cut:?}")?;
        }
        write_some(f, "series", self.0.series().iter().map(series))?;
        write_some(f, "sketches", self.0.sketches().iter().map(sketch))?;
        write_some(f, "events", self.0.events().iter().map(event))?;
        write_some(f, "checks", self.0.checks().iter().map(check))?;
        write_some(f, "traces", self.0.traces().iter().map(trace))?;
        write_some(f, "stats", self.0.stats().iter().map(stats))?;
        let security = self.0.security();
        write_some(f, "security events", security.iter().map(security_event))
    }
}

/// Writes the newest of one kind, if there are any.
fn write_some(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    lines: impl ExactSizeIterator<Item = String>,
) -> fmt::Result {
    let count = lines.len();
    if count == 0 {
        return Ok(());
    }
    writeln!(f, "{count} {kind} were accepted:")?;
    for line in lines.skip(count.saturating_sub(PRINTED)) {
        let cut: String = line.chars().take(PRINTED_CHARS).collect();
        writeln!(f, "  {cut}")?;
    }
    Ok(())
}

fn series(record: &SeriesRecord) -> String {
    let points: Vec<String> = record
        .points
        .iter()
        .map(|point| format!("{} at {}", point.value, point.timestamp))
        .collect();
    let known = record.metric_type.map(|known| known.as_str_name());
    format!(
        "{:?} {} {:?}: {}",
        record.metric,
        known.unwrap_or("of no type"),
        record.tags,
        points.join(", ")
    )
}

fn sketch(record: &SketchRecord) -> String {
    let buckets: Vec<String> = record
        .buckets
        .iter()
        .map(|bucket| {
            let message = &bucket.message;
            format!(
                "{} values from {} to {} at {}",
                message.cnt, message.min, message.max, message.ts
            )
        })
        .collect();
    format!(
        "{:?} {:?}: {}",
        record.metric,
        record.tags,
        buckets.join(", ")
    )
}

fn event(record: &EventRecord) -> String {
    format!("{:?} {:?}: {:?}", record.title, record.tags, record.text)
}

fn check(record: &CheckRecord) -> String {
    let status = record.status.map_or_else(
        || "of no status".to_owned(),
        |status| format!("status {status}"),
    );
    format!("{:?} {} {:?}", record.check, status, record.tags)
}

fn trace(record: &TraceRecord) -> String {
    let spans: Vec<String> = record
        .spans()
        .iter()
        .map(|span| format!("{} {} {:?}", span.service, span.name, span.resource))
        .collect();
    let priority = record.chunk.priority;
    format!(
        "{:032x} priority {priority}: {}",
        record.trace_id,
        spans.join(", ")
    )
}

fn stats(record: &StatsRecord) -> String {
    let group = &record.group;
    format!(
        "{} {} {:?}: {} hits, {} errors at {}",
        group.service, group.name, group.resource, group.hits, group.errors, record.bucket.start
    )
}

fn security_event(record: &SecurityRecord) -> String {
    let rule = &record.event.rule;
    format!(
        "{} {:?} on {} {:?}",
        rule.id, rule.kind, record.service, record.resource
    )
}

fn write_request(f: &mut fmt::Formatter<'_>, request: &RequestRecord) -> fmt::Result {
    write!(
        f,
        "  {} {} {} -> ",
        request.seq, request.method, request.path
    )?;
    match request.status {
        Some(status) => write!(f, "{status}")?,
        None => f.write_str("no answer")?,
    }
    if let Some(items) = request.items {
        write!(f, ", {items} entries")?;
    }
    if let Some(fault) = &request.fault {
        write!(f, ", fault {fault}")?;
    }
    if !request.problems.is_empty() {
        write!(f, ", problems {:?}", request.problems)?;
    }
    f.write_str("\n")
}
