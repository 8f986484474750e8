//! What one request costs in the process that asks: of each kind that servers get, with the recommended rules, and how much
//! of it is spent in the library.
//!
//! Needs `DD_APPSEC_LIBDDWAF_PATH` while it is compiled; says so and measures nothing without. Prints one line of JSON
//! per figure.
//!
//! `cargo xtask bench --only appsec_evaluate`; a number as argument is how many rounds there are.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "figures are printed, and a bench that cannot run must fail"
)]

#[path = "evaluate/kinds.rs"]
mod kinds;

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use datadog_appsec::config::{ApiSecurity, Blocking};
use datadog_appsec::{AppSec, Config, HttpResponse, NewSpan, SpanTags, WafVerdict};
use kinds::Kind;

/// Requests of each kind in a round, so few that most rounds are not interrupted, and rounds; the median counts.
const REQUESTS: usize = 5;
const ROUNDS: usize = 2001;

/// Nanoseconds of a request.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// All of it, tags included.
    whole: f64,
    /// Within the library, as it says itself.
    library: f64,
    /// Values made, handed over and evaluated, and what comes back read.
    values: f64,
}

fn main() {
    let Some(path) = option_env!("DD_APPSEC_LIBDDWAF_PATH").filter(|path| !path.is_empty()) else {
        eprintln!("skipped: DD_APPSEC_LIBDDWAF_PATH is not set (`cargo xtask waf`)");
        return;
    };
    let appsec = AppSec::load(Config {
        library_path: Some(PathBuf::from(path)),
        blocking: Blocking::Ignored,
        // No schemas: there is one in thirty seconds.
        api_security: ApiSecurity {
            enabled: false,
            ..ApiSecurity::default()
        },
        // However long another process is let run in between.
        waf_timeout: Duration::from_secs(1),
        ..Config::default()
    });
    let appsec = appsec.unwrap();
    // Fewer where instructions are counted.
    let rounds = std::env::args().find_map(|word| word.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS).max(1);
    let kinds = kinds::all(7);
    let shares: usize = kinds.iter().map(|kind| kind.share).sum();
    let mut mixed = [0.0; 4];
    for kind in kinds {
        let parts = parts(&appsec, &kind, rounds);
        print(kind.name, parts);
        let share = kind.share as f64 / shares as f64;
        mixed = std::array::from_fn(|at| mixed[at] + parts[at] * share);
    }
    print("mixed", mixed);
}

/// The whole of a request, and of this: the library, values, tags.
fn parts(appsec: &AppSec, kind: &Kind, rounds: usize) -> [f64; 4] {
    measure(appsec, kind);
    let rounds: Vec<_> = (0..rounds).map(|_| measure(appsec, kind)).collect();
    let median = |of: fn(&Cost) -> f64| {
        let mut values: Vec<_> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    [
        median(|cost| cost.whole),
        median(|cost| cost.library),
        median(|cost| cost.values - cost.library),
        median(|cost| cost.whole - cost.values),
    ]
}

fn print(name: &str, parts: [f64; 4]) {
    for (what, value) in ["", "_library", "_values", "_tags"].iter().zip(parts) {
        println!(
            "{{\"name\":\"appsec_evaluate_{name}{what}\",\"value\":{value:.0},\"unit\":\"ns/request\"}}"
        );
    }
}

fn measure(appsec: &AppSec, kind: &Kind) -> Cost {
    let response = HttpResponse {
        status_code: 200,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("content-length".to_owned(), "29".to_owned()),
        ],
        body: Some(br#"{"name":"lamp","price":12.50}"#.to_vec()),
    };
    let (mut library, mut values) = (0.0, 0.0);
    let begin = Instant::now();
    for _ in 0..REQUESTS {
        let mut transaction = appsec.transaction();
        assert_eq!(
            transaction.request(black_box(&kind.request)),
            WafVerdict::Allow
        );
        transaction.response(black_box(&response));
        let tags = black_box(transaction.finish(&NewSpan, Instant::now()));
        assert_eq!(
            tags.meta.iter().any(|(name, _)| name == "appsec.event"),
            kind.is_attack
        );
        library += metric(&tags, "_dd.appsec.waf.duration");
        values += metric(&tags, "_dd.appsec.waf.duration_ext");
    }
    let requests = f64::from(u32::try_from(REQUESTS).unwrap());
    Cost {
        whole: begin.elapsed().as_secs_f64() * 1e9 / requests,
        library: library * 1e3 / requests,
        values: values * 1e3 / requests,
    }
}

/// Microseconds that a request says of itself.
fn metric(tags: &SpanTags, name: &str) -> f64 {
    let mut found = tags.metrics.iter().filter(|(known, _)| known == name);
    found.next().unwrap().1
}
