//! Compares what arrived with what a tracer says that it made.
//!
//! What an agent is to change is not compared but stated: the text of an SQL statement.

mod by_hand;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::arrived::{Arrived, Id, word};
use super::plan::Stats;
use crate::language::Language;

pub(crate) use self::by_hand::by_hand;

/// Differences that are told of one run; the others are like them.
const TOLD: usize = 12;

/// Where the agent puts a statement without its values.
pub(crate) const STATEMENT_TAG: &str = "sql.query";

/// What was not as expected, for a person.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    /// Adds one.
    pub(crate) fn add(&mut self, finding: String) {
        self.0.push(finding);
    }

    /// Adds one unless the two are equal.
    pub(crate) fn equal(&mut self, what: &str, made: &Value, arrived: &Value) {
        let alike = match (made.as_f64(), arrived.as_f64()) {
            (Some(made), Some(arrived)) => made.to_bits() == arrived.to_bits(),
            _ => made == arrived,
        };
        if !alike {
            self.add(format!("{what}: made {made}, arrived {arrived}"));
        }
    }

    /// An error if there are any.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let told = self.0.iter().take(TOLD).map(|line| format!("  {line}"));
        let told: Vec<String> = told.collect();
        anyhow::ensure!(
            self.0.is_empty(),
            "{} findings\n{}",
            self.0.len(),
            told.join("\n")
        );
        Ok(())
    }
}

/// The id of a span as a shop says it.
fn id(span: &Value) -> Id {
    (word(&span["trace_id"]), word(&span["span_id"]))
}

/// Whether a tracer has decided to keep a span's trace.
pub(crate) fn is_kept(span: &Value) -> bool {
    span["priority"]
        .as_i64()
        .is_some_and(|priority| priority > 0)
}

/// What an agent makes of the statement of a shop.
pub(crate) const fn statement(client: Language) -> &'static str {
    match client {
        Language::Go => "SELECT item FROM orders WHERE id = ?",
        Language::Python | Language::Nodejs | Language::Java => "SELECT ?",
    }
}

/// Every span that was kept has arrived once, as it was made, and no other has.
pub(crate) fn spans(client: Language, made: &[Value], arrived: &Arrived, out: &mut Findings) {
    let kept: BTreeMap<Id, &Value> = made
        .iter()
        .filter(|span| is_kept(span))
        .map(|span| (id(span), span))
        .collect();
    for (id, span) in &kept {
        match arrived.spans.get(id).map(Vec::as_slice) {
            Some([one]) => {
                let what = format!("{} {}", word(&span["name"]), id.1);
                same(client, &what, span, one, out);
            }
            Some(several) => out.add(format!("{id:?} arrived {} times", several.len())),
            None => out.add(format!("did not arrive: {span}")),
        }
    }
    for (id, spans) in &arrived.spans {
        if !kept.contains_key(id) {
            out.add(format!("arrived, but was not made or kept: {spans:?}"));
        }
    }
}

fn same(client: Language, what: &str, made: &Value, arrived: &Value, out: &mut Findings) {
    for (ours, theirs) in [
        ("parent_id", "parentID"),
        ("service", "service"),
        ("name", "name"),
        ("type", "type"),
        ("error", "error"),
    ] {
        out.equal(&format!("{what}: {ours}"), &made[ours], &arrived[theirs]);
    }
    resource(client, what, &made["resource"], arrived, out);
    tags(what, &made["meta"], &arrived["meta"], out);
    tags(what, &made["metrics"], &arrived["metrics"], out);
}

/// The resource, which is a statement without values for calls to a database.
pub(crate) fn resource(
    client: Language,
    what: &str,
    made: &Value,
    arrived: &Value,
    out: &mut Findings,
) {
    let what = format!("{what}: resource");
    if arrived["type"] == "sql" {
        out.equal(&what, &statement(client).into(), &arrived["resource"]);
    } else {
        out.equal(&what, made, &arrived["resource"]);
    }
}

/// Every tag that was made has arrived.
pub(crate) fn tags(what: &str, made: &Value, arrived: &Value, out: &mut Findings) {
    let nothing = Map::new();
    for (key, value) in made.as_object().unwrap_or(&nothing) {
        if key != STATEMENT_TAG {
            out.equal(&format!("{what}: {key}"), value, &arrived[key]);
        }
    }
}

/// The sums of hits say what was made, kept or not, and come from who was to work them out.
pub(crate) fn stats(made: &[Value], arrived: &Arrived, by: Stats, out: &mut Findings) -> u64 {
    let mut counts: BTreeMap<[String; 3], u64> = BTreeMap::new();
    for span in made {
        *counts
            .entry(group(span, "service", "name", "resource", "type"))
            .or_default() += 1;
    }
    let mut hits: BTreeMap<[String; 3], u64> = BTreeMap::new();
    for counted in &arrived.groups {
        let key = group(counted, "Service", "Name", "Resource", "Type");
        *hits.entry(key).or_default() += counted["Hits"].as_u64().unwrap_or_default();
        let is_of_client = &counted["payload"]["ClientComputed"];
        out.equal(
            "stats of the tracer",
            &(by == Stats::Client).into(),
            is_of_client,
        );
    }
    for (key, hits) in &hits {
        let count = counts.get(key).copied().unwrap_or_default();
        out.equal(&format!("hits of {key:?}"), &count.into(), &(*hits).into());
    }
    for key in must_be_counted(made).difference(&hits.keys().cloned().collect()) {
        out.add(format!("there are no stats of {key:?}"));
    }
    hits.values().sum()
}

/// What a span is counted under; statements are one group, however they are written.
fn group(of: &Value, service: &str, name: &str, resource: &str, kind: &str) -> [String; 3] {
    let resource = match of[kind] == "sql" {
        true => "(statement)".to_owned(),
        false => word(&of[resource]),
    };
    [word(&of[service]), word(&of[name]), resource]
}

/// Entries to the shop, and what it asks of others.
fn must_be_counted(made: &[Value]) -> BTreeSet<[String; 3]> {
    let counts = |span: &&Value| {
        let kind = &span["meta"]["span.kind"];
        span["parent_id"] == "0" || kind == "server" || kind == "client"
    };
    let groups = made.iter().filter(counts);
    groups
        .map(|span| group(span, "service", "name", "resource", "type"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made() -> Value {
        json!({
            "trace_id": "0a", "span_id": "7", "parent_id": "0", "service": "shop", "name": "web", "resource": "GET /",
            "type": "web", "error": 0, "priority": 1, "meta": { "span.kind": "server" }, "metrics": { "weight": 2 },
        })
    }

    fn span() -> Value {
        json!({
            "spanID": "7", "parentID": "0", "service": "shop", "name": "web", "resource": "GET /", "type": "web",
            "error": 0, "meta": { "span.kind": "server", "more": "x" }, "metrics": { "weight": 2.0 },
        })
    }

    fn group() -> Value {
        json!({
            "Service": "shop", "Name": "web", "Resource": "GET /", "Type": "web", "Hits": 1,
            "payload": { "ClientComputed": true },
        })
    }

    fn arrived(spans: Vec<Value>, groups: Vec<Value>) -> Arrived {
        let spans = match spans.is_empty() {
            true => BTreeMap::new(),
            false => BTreeMap::from([(("0a".to_owned(), "7".to_owned()), spans)]),
        };
        Arrived {
            spans,
            chunks: Vec::new(),
            groups,
            problems: Vec::new(),
        }
    }

    fn of_spans(made: &[Value], arrived: &Arrived) -> Vec<String> {
        let mut out = Findings::default();
        spans(Language::Python, made, arrived, &mut out);
        out.0
    }

    fn of_stats(made: &[Value], arrived: &Arrived) -> Vec<String> {
        let mut out = Findings::default();
        stats(made, arrived, Stats::Client, &mut out);
        out.0
    }

    #[test]
    fn a_span_that_arrived_as_it_was_made_is_no_finding() {
        let arrived = arrived(vec![span()], vec![]);
        assert_eq!(of_spans(&[made()], &arrived), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_changed_twice_or_not_kept_is_found() {
        let missing = of_spans(&[made()], &arrived(vec![], vec![]));
        assert_eq!(missing.len(), 1, "{missing:?}");
        let twice = of_spans(&[made()], &arrived(vec![span(), span()], vec![]));
        assert_eq!(twice, [r#"("0a", "7") arrived 2 times"#]);
        let mut other = span();
        other["metrics"]["weight"] = json!(3.0);
        let changed = of_spans(&[made()], &arrived(vec![other], vec![]));
        assert_eq!(changed, ["web 7: weight: made 2, arrived 3.0"]);
        let mut dropped = made();
        dropped["priority"] = json!(-1);
        let stranger = of_spans(&[dropped], &arrived(vec![span()], vec![]));
        assert_eq!(stranger.len(), 1, "{stranger:?}");
    }

    #[test]
    fn hits_are_the_spans_that_were_made_kept_or_not() {
        let mut dropped = made();
        dropped["priority"] = json!(0);
        let both = [made(), dropped];
        let counted = arrived(vec![], vec![group(), group()]);
        assert_eq!(of_stats(&both, &counted), Vec::<String>::new());
        let one = arrived(vec![], vec![group()]);
        let name = r#"["shop", "web", "GET /"]"#;
        assert_eq!(
            of_stats(&both, &one),
            [format!("hits of {name}: made 2, arrived 1")]
        );
        assert_eq!(
            of_stats(&both, &arrived(vec![], vec![])),
            [format!("there are no stats of {name}")]
        );
    }

    #[test]
    fn stats_of_the_wrong_side_are_found() {
        let mut wrong = group();
        wrong["payload"]["ClientComputed"] = json!(false);
        assert_eq!(
            of_stats(&[made()], &arrived(vec![], vec![wrong])),
            ["stats of the tracer: made true, arrived false"]
        );
    }
}
