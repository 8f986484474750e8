//! Waiting until what a test expects has arrived, and saying what did when it has not.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::server::Shared;
use crate::snapshot::{RequestRecord, Snapshot};

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

/// Waits until each of `messages` has arrived, as often as it is listed.
pub(crate) async fn messages<S: AsRef<str>>(
    shared: &Shared,
    deadline: Duration,
    messages: &[S],
    caller: &Location<'_>,
) {
    let have_arrived = |snapshot: &Snapshot| {
        // Decoding everything on each change is wasted while there are too few to be right.
        snapshot.log_count() >= messages.len() && missing(&snapshot.messages(), messages).is_empty()
    };
    if !holds(shared, deadline, have_arrived).await {
        let missing = missing(&Snapshot::take(shared).messages(), messages);
        let what = format!("did not get the logs {missing:?}");
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
        Ok(())
    }
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
