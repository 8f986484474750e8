//! A server with the firewall as a middleware under load: the example `appsec_http_middleware` in a process of its own,
//! clients in this one, on the same processors, with the recommended rules set to block what they find of attacks.
//!
//! The same server without the firewall takes its turn with it; both make a span of each request. Fails when an attack
//! gets through or another request does not. Needs `DD_APPSEC_LIBDDWAF_PATH` while it is compiled; says so and measures
//! nothing without. Prints one line of JSON per figure.
//!
//! `cargo xtask bench --only appsec_http`

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "figures are printed, and a bench that cannot run must fail"
)]

#[path = "../../datadog-appsec/benches/evaluate/kinds.rs"]
mod kinds;
#[path = "appsec_http/load.rs"]
mod load;
#[path = "appsec_http/server.rs"]
mod server;

use std::path::Path;
use std::time::Duration;

use datadog_dev_intake::Intake;
use load::{Pace, Prepared, Tally, drive, prepared};
use server::{Server, build, write_rules};
use tokio::runtime::Builder;

/// Turns of each server; the median of them counts.
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(4);
/// Requests a second at which latencies are measured; fewer than the slower server can take.
const RATE: f64 = 1_000.0;

/// What one turn came to.
struct Turn {
    /// Requests a second, as many as the connections carry.
    rate: f64,
    /// Processor time of the server meanwhile, in microseconds a request.
    cpu: f64,
    closed: Tally,
    open: Tally,
}

fn main() {
    let Some(library) = option_env!("DD_APPSEC_LIBDDWAF_PATH").filter(|path| !path.is_empty())
    else {
        eprintln!("skipped: DD_APPSEC_LIBDDWAF_PATH is not set (`cargo xtask waf`)");
        return;
    };
    let (library, program) = (Path::new(library), build());
    let folder = tempfile::tempdir().unwrap();
    let rules = write_rules(library, folder.path());
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let intake = runtime.block_on(Intake::start());
    let mix = prepared();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (enabled, turns) in [("true", &mut with), ("false", &mut without)] {
            let server = Server::start(&program, &intake, library, &rules, enabled);
            turns.push(turn(&server, &mix));
            server.stop();
        }
    }
    count(&with, &without);
    for (name, turns) in [("", &with), ("_without", &without)] {
        figures(name, turns);
    }
    times(&intake);
}

fn turn(server: &Server, mix: &[Prepared]) -> Turn {
    drive(server.address, mix, Pace::Closed, WARM_UP);
    let before = server.cpu_micros();
    let closed = drive(server.address, mix, Pace::Closed, MEASURED);
    let cpu = server.cpu_micros() - before;
    let open = drive(server.address, mix, Pace::Open(RATE), MEASURED);
    Turn {
        rate: number(closed.requests()) / closed.took.as_secs_f64(),
        cpu: cpu / number(closed.requests()),
        closed,
        open,
    }
}

/// Every attack was refused where there is a firewall, and nothing else ever.
fn count(with: &[Turn], without: &[Turn]) {
    let tallies = |turns: &[Turn], of: fn(&Tally) -> usize| -> usize {
        turns
            .iter()
            .map(|turn| of(&turn.closed) + of(&turn.open))
            .sum()
    };
    let attacks = tallies(with, |tally| tally.attacks);
    let refused = tallies(with, |tally| tally.attacks_refused);
    let others = tallies(with, |tally| tally.others);
    let wrong = tallies(with, |tally| tally.others_refused);
    figure("appsec_http_attacks", number(attacks), "requests");
    figure("appsec_http_attacks_refused", number(refused), "requests");
    figure("appsec_http_others", number(others), "requests");
    figure("appsec_http_others_refused", number(wrong), "requests");
    let without = tallies(without, |tally| {
        tally.attacks_refused + tally.others_refused
    });
    assert!(attacks > 0 && others > 0, "nothing was sent");
    assert_eq!(
        (refused, wrong, without),
        (attacks, 0, 0),
        "what should be refused, and what not"
    );
}

fn figures(name: &str, turns: &[Turn]) {
    let median = |of: &dyn Fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    let figure =
        |what: &str, value, unit| figure(&format!("appsec_http{name}_{what}"), value, unit);
    figure("rate", median(&|turn| turn.rate), "requests/s");
    figure("cpu", median(&|turn| turn.cpu), "us/request");
    for share in [50, 99] {
        let of_open = median(&|turn| turn.open.percentile(share));
        let of_closed = median(&|turn| turn.closed.percentile(share));
        figure(&format!("p{share}"), of_open, "us");
        figure(&format!("full_p{share}"), of_closed, "us");
    }
}

/// What the server says itself of the time that its requests took in the firewall, of those that were let through and
/// whose traces came.
fn times(intake: &Intake) {
    let (mut library, mut whole) = (Vec::new(), Vec::new());
    let mut timeouts = 0;
    for trace in intake.traces() {
        for span in trace
            .spans()
            .iter()
            .filter(|span| span.metrics.contains_key("_dd.appsec.enabled"))
        {
            timeouts += usize::from(span.metrics.contains_key("_dd.appsec.waf.timeouts"));
            if !span.meta.contains_key("appsec.blocked") {
                library.extend(span.metrics.get("_dd.appsec.waf.duration").copied());
                whole.extend(span.metrics.get("_dd.appsec.waf.duration_ext").copied());
            }
        }
    }
    figure("appsec_http_spans", number(library.len()), "spans");
    figure("appsec_http_spans_timeouts", number(timeouts), "spans");
    figure("appsec_http_waf_duration", median(library), "us");
    figure("appsec_http_waf_duration_ext", median(whole), "us");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn figure(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}
