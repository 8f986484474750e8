//! Speed of obfuscation, one JSON object a line: `{"name","value","unit"}`, medians of rounds.
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for people and scripts, which reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use datadog_traces_agent::obfuscate::{Config, Obfuscator, Sql};
use datadog_traces_agent::span::Span;

/// Spans of a round.
const SPANS: usize = 2_000;
/// Rounds of which the median is taken.
const ROUNDS: usize = 31;

fn main() {
    let short = |index| format!("SELECT * FROM users WHERE id = {index} AND name = 'bob'");
    let long = |index| {
        format!(
            "SELECT o.id, o.total AS sum, c.name FROM orders o INNER JOIN customers c ON c.id = o.customer_id \
             LEFT JOIN items i ON i.order_id = o.id /* page {index} */ WHERE o.state IN (1, 2, 3, {index}) \
             AND o.created_at > '2026-01-01 00:00:00' AND c.email LIKE '%@example.com' \
             GROUP BY o.id, c.name HAVING COUNT(i.id) > 2 ORDER BY o.created_at DESC LIMIT 50 OFFSET {index}"
        )
    };
    sql("sql_60_bytes", short);
    sql("sql_400_bytes", long);
    spans("redis_name", |_| span("redis", "GET".into(), &[]));
    spans("redis_raw", |index| {
        let raw = format!("SET session:{index} abc EX 60");
        span("redis", raw.clone(), &[("redis.raw_command", raw)])
    });
    spans("web_10_tags", |index| {
        let tags = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let mut tags: Vec<_> = tags.map(|key| (key, format!("value-{index}"))).into();
        tags.push(("http.url", format!("http://example.com/users/{index}?q=1")));
        span("web", "GET /users".into(), &tags)
    });
    spans("web_url_with_user", |index| {
        let url = format!("http://user:password@example.com/users/{index}?q=1");
        span("web", "GET /users".into(), &[("http.url", url)])
    });
    spans("mongodb_200_bytes", |index| {
        let query = format!(
            "{{\"find\": \"orders\", \"filter\": {{\"customer\": {index}, \"state\": {{\"$in\": [\"open\", \
             \"paid\", \"sent\"]}}, \"total\": {{\"$gt\": 10.5}}}}, \"sort\": {{\"_id\": -1}}, \"limit\": 50, \
             \"lsid\": {{\"id\": \"0123456789abcdef\"}}}}"
        );
        span("mongodb", "find orders".into(), &[("mongodb.query", query)])
    });
}

/// Statements without a cache, with one that has not seen them, and with one that has.
fn sql(name: &str, statement: impl Fn(usize) -> String) {
    let statements: Vec<_> = (0..SPANS).map(statement).collect();
    let with_cache = |cache_bytes| {
        Obfuscator::new(Config {
            sql: Sql {
                cache_bytes,
                ..Sql::default()
            },
            ..Config::default()
        })
    };
    let round = |obfuscator: &Obfuscator| {
        let start = Instant::now();
        for statement in &statements {
            black_box(obfuscator.stats_group("sql", black_box(statement), ""));
        }
        start.elapsed().as_secs_f64()
    };
    print(&format!("{name}_no_cache"), || round(&with_cache(0)));
    print(&format!("{name}_cold_cache"), || {
        round(&with_cache(50_000_000))
    });
    let warm = with_cache(50_000_000);
    round(&warm);
    print(&format!("{name}_warm_cache"), || round(&warm));
}

fn span(kind: &'static str, resource: String, tags: &[(&'static str, String)]) -> Span<'static> {
    Span {
        kind: kind.into(),
        resource: resource.into(),
        meta: tags
            .iter()
            .map(|(key, value)| ((*key).into(), value.clone().into()))
            .collect(),
        ..Span::default()
    }
}

fn spans(name: &str, make: impl Fn(usize) -> Span<'static>) {
    let obfuscator = Obfuscator::new(Config::default());
    let fresh: Vec<_> = (0..SPANS).map(make).collect();
    print(name, || {
        let mut spans = fresh.clone();
        let start = Instant::now();
        for span in &mut spans {
            obfuscator.span(black_box(span));
        }
        start.elapsed().as_secs_f64()
    });
}

/// Prints the median of rounds in nanoseconds a span.
fn print(name: &str, mut round: impl FnMut() -> f64) {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    let nanoseconds = rounds[ROUNDS / 2] * 1e9 / SPANS as f64;
    println!("{{\"name\":\"obfuscate_{name}\",\"value\":{nanoseconds:.0},\"unit\":\"ns\"}}");
}
