//! What arrived, written so that a person can check it, and the comparison with a file of it.
//!
//! Leaves out what every record has alike (the host, the origin, the bucket of the run); what is otherwise is shown.
//! Invents nothing: a record that is not understood fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::{BUCKET_S, HOST};
use crate::http::request;

/// The tag that says in which mode a record was sent.
const MODE: &str = "mode:";
/// Kinds of records, as the intake calls them.
const KINDS: [&str; 4] = ["series", "sketches", "events", "checks"];
/// What the intake notes about every record.
const NOTES: [&str; 6] = [
    "seq",
    "received_at",
    "via",
    "api_key",
    "endpoint",
    "request",
];
/// Words of a mode: transport, buffering, aggregation.
const WORDS: usize = 3;

/// When a client ran, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Run {
    pub(super) fn saw_the_end_of_a_bucket(self) -> bool {
        self.from / BUCKET_S != self.to / BUCKET_S
    }

    /// The bucket of everything that has no time of its own.
    fn bucket(self) -> i64 {
        self.from / BUCKET_S * BUCKET_S
    }

    /// Whether something got its time from the agent: that of the run, or of its bucket.
    fn is_time_of(self, timestamp: &Value) -> bool {
        timestamp
            .as_i64()
            .is_some_and(|at| (self.from..=self.to).contains(&at) || at == self.bucket())
    }
}

/// A record, and how often it came in each mode.
type Records = BTreeMap<String, BTreeMap<String, usize>>;

/// Everything that arrived of what a client sent.
#[derive(Debug)]
pub(super) struct Arrived {
    modes: BTreeSet<String>,
    kinds: Vec<(&'static str, Records)>,
    /// What the intake found wrong.
    problems: Value,
    /// What the agent counted as lost.
    lost: Value,
}

impl Arrived {
    /// Asks an intake.
    ///
    /// # Errors
    /// When it does not answer, or with a record that is not understood.
    pub(super) fn ask(intake: &str, run: Run, lost: Value) -> anyhow::Result<Self> {
        let mut modes = BTreeSet::new();
        let mut kinds = Vec::new();
        for kind in KINDS {
            let (_, lines) = request("GET", &format!("{intake}/inspect/{kind}"), b"")?;
            let mut records = Records::new();
            for line in lines.lines() {
                let record: Value = serde_json::from_str(line)?;
                let (mode, shown) = shown(kind, &record, run)
                    .with_context(|| format!("a record of {kind} is not understood: {line}"))?;
                modes.insert(mode.clone());
                *records.entry(shown).or_default().entry(mode).or_default() += 1;
            }
            kinds.push((kind, records));
        }
        let (_, summary) = request("GET", &format!("{intake}/inspect/summary"), b"")?;
        let mut summary: Value = serde_json::from_str(&summary)?;
        Ok(Self {
            modes,
            kinds,
            problems: summary["problems"].take(),
            lost,
        })
    }

    /// How much of everything.
    pub(super) fn counts(&self) -> String {
        let kinds = self.kinds.iter().map(|(kind, records)| {
            let count: usize = records.values().flat_map(BTreeMap::values).sum();
            format!("{count} {kind}")
        });
        let kinds: Vec<_> = kinds.collect();
        format!("{} modes, {}", self.modes.len(), kinds.join(", "))
    }

    /// One record a line.
    fn text(&self) -> String {
        let list = |lines: Vec<String>| match lines.is_empty() {
            true => "[]".to_owned(),
            false => format!("[\n    {}\n  ]", lines.join(",\n    ")),
        };
        let modes = self.modes.iter().map(|mode| json!(mode).to_string());
        let mut text = format!("{{\n  \"modes\": {}", list(modes.collect()));
        for (kind, records) in &self.kinds {
            let lines = records.iter().map(|(shown, modes)| self.line(shown, modes));
            text += &format!(",\n  \"{kind}\": {}", list(lines.collect()));
        }
        let (problems, lost) = (&self.problems, &self.lost);
        text + &format!(",\n  \"problems\": {problems},\n  \"lost\": {lost}\n}}\n")
    }

    /// A record with the modes that it came in, unless these are all, and how often, unless that is once.
    fn line(&self, shown: &str, modes: &BTreeMap<String, usize>) -> String {
        let mut line = shown.strip_suffix('}').unwrap_or(shown).to_owned();
        if modes.len() != self.modes.len() {
            line += &format!(",\"only\":{}", self.only(modes));
        }
        let times: BTreeSet<_> = modes.values().collect();
        if times.iter().any(|&&times| times != 1) {
            line += &format!(",\"times\":{}", json!(times));
        }
        line + "}"
    }

    /// Some modes: by their words, if these say it, else all of them.
    fn only(&self, some: &BTreeMap<String, usize>) -> Value {
        let words = |modes: &mut dyn Iterator<Item = &String>, place: usize| -> BTreeSet<String> {
            modes
                .filter_map(|mode| mode.split('.').nth(place))
                .map(str::to_owned)
                .collect()
        };
        let own: Vec<_> = (0..WORDS).map(|it| words(&mut some.keys(), it)).collect();
        let all: Vec<_> = (0..WORDS)
            .map(|it| words(&mut self.modes.iter(), it))
            .collect();
        let is_said = |mode: &&String| {
            let mut words = mode.split('.').zip(&own);
            words.all(|(word, own)| own.contains(word))
        };
        if self.modes.iter().filter(is_said).count() != some.len() {
            return json!(some.keys().collect::<Vec<_>>());
        }
        let restricted = own.iter().zip(&all).filter(|(own, all)| own != all);
        let said: Vec<String> = restricted
            .map(|(own, _)| own.iter().cloned().collect::<Vec<_>>().join(" or "))
            .collect();
        json!(said.join(", "))
    }
}

/// Writes a file anew.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(arrived: &Arrived, file: &Path) -> anyhow::Result<()> {
    std::fs::write(file, arrived.text()).with_context(|| format!("cannot write {}", file.display()))
}

/// The lines that are not as a file says, if any.
///
/// # Errors
/// When it cannot be read.
pub(super) fn differences(arrived: &Arrived, file: &Path) -> anyhow::Result<Option<String>> {
    let text = arrived.text();
    let expected =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    if text == expected {
        return Ok(None);
    }
    let bare = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().map(|line| line.trim().trim_end_matches(','));
        lines.map(str::to_owned).collect()
    };
    let (old, new) = (bare(&expected), bare(&text));
    let missing = old.difference(&new).map(|line| format!("- {line}\n"));
    let extra = new.difference(&old).map(|line| format!("+ {line}\n"));
    Ok(Some(missing.chain(extra).collect()))
}

/// The mode of a record, and the record as it stands in the file. What is not known by name stays as it is.
fn shown(kind: &str, record: &Value, run: Run) -> anyhow::Result<(String, String)> {
    let mut rest = record.as_object().context("no object")?.clone();
    for note in NOTES {
        rest.shift_remove(note);
    }
    let mut shown = Map::new();
    let name = match kind {
        "events" => "msg_title",
        "checks" => "check",
        _ => "metric",
    };
    let name_value = rest.shift_remove(name).context("no name")?;
    shown.insert(name.to_owned(), name_value);
    let mode = take_tags(&mut rest, &mut shown)?;
    for host in ["host", "host_name"] {
        take_unless(&mut rest, &mut shown, host, &json!(HOST));
    }
    match kind {
        "series" => series(&mut rest, &mut shown, run)?,
        "sketches" => sketch(&mut rest, &mut shown, run)?,
        _ => put_time(
            &mut shown,
            run,
            &rest.shift_remove("timestamp").unwrap_or_default(),
        ),
    }
    shown.extend(rest);
    Ok((mode, Value::Object(shown).to_string()))
}

/// Moves the tags, without the one that says the mode, which is returned.
fn take_tags(
    rest: &mut Map<String, Value>,
    shown: &mut Map<String, Value>,
) -> anyhow::Result<String> {
    let tags = rest.shift_remove("tags").context("no tags")?;
    let (modes, tags): (Vec<&str>, Vec<&str>) = tags
        .as_array()
        .context("tags are no list")?
        .iter()
        .filter_map(Value::as_str)
        .partition(|tag| tag.starts_with(MODE));
    let [mode] = modes.as_slice() else {
        anyhow::bail!("not one mode but {modes:?}");
    };
    shown.insert("tags".to_owned(), json!(tags));
    Ok(mode.trim_start_matches(MODE).to_owned())
}

/// Moves a field, or drops it if it is what it mostly is.
fn take_unless(
    rest: &mut Map<String, Value>,
    shown: &mut Map<String, Value>,
    name: &str,
    usual: &Value,
) {
    if let Some(value) = rest.shift_remove(name).filter(|value| value != usual) {
        shown.insert(name.to_owned(), value);
    }
}

fn series(
    rest: &mut Map<String, Value>,
    shown: &mut Map<String, Value>,
    run: Run,
) -> anyhow::Result<()> {
    let kind = rest.shift_remove("type").context("no type")?;
    let points = rest.shift_remove("points").unwrap_or_default();
    let points = points.as_array().context("no points")?;
    let [point] = points.as_slice() else {
        anyhow::bail!("{} points", points.len());
    };
    let value = point["value"].as_f64().context("no value")?;
    match kind.as_str() {
        // What was counted, which people can check, rather than how much of it in a second.
        Some("rate") => {
            let interval = rest["interval"].as_f64().context("no interval")?;
            shown.insert("counted".to_owned(), json!(value * interval));
        }
        Some(kind) => {
            shown.insert(kind.to_owned(), json!(value));
        }
        None => anyhow::bail!("the type {kind} is unknown"),
    }
    put_time(shown, run, &point["timestamp"]);
    take_unless(rest, shown, "interval", &json!(BUCKET_S));
    let host = shown.get("host").cloned().unwrap_or_else(|| json!(HOST));
    let usual = json!([{ "type": "host", "name": host }]);
    take_unless(rest, shown, "resources", &usual);
    take_unless(rest, shown, "unit", &json!(""));
    take_unless(rest, shown, "source_type_name", &json!(""));
    take_unless(rest, shown, "metadata", &origin());
    Ok(())
}

fn sketch(
    rest: &mut Map<String, Value>,
    shown: &mut Map<String, Value>,
    run: Run,
) -> anyhow::Result<()> {
    let sketches = rest.shift_remove("dogsketches").unwrap_or_default();
    let sketches = sketches.as_array().context("no sketches")?;
    let [Value::Object(sketch)] = sketches.as_slice() else {
        anyhow::bail!("{} sketches", sketches.len());
    };
    for name in ["cnt", "min", "max", "avg", "sum", "k", "n"] {
        let value = sketch.get(name).with_context(|| format!("no {name}"))?;
        let value = match name {
            "avg" => json!(rounded(value.as_f64().context("no average")?)),
            _ => value.clone(),
        };
        shown.insert(name.to_owned(), value);
    }
    anyhow::ensure!(!sketch.contains_key("error"), "the sketch is none");
    put_time(shown, run, sketch.get("ts").unwrap_or(&Value::Null));
    take_unless(rest, shown, "metadata", &origin());
    Ok(())
}

/// A running average without its last digits, which depend on the order of the values: a client may send a datagram
/// later than the next, if there was no room for it.
fn rounded(average: f64) -> f64 {
    const DIGITS: f64 = 1e9;
    (average * DIGITS).round() / DIGITS
}

/// Puts a time that is not just that of the run.
fn put_time(shown: &mut Map<String, Value>, run: Run, timestamp: &Value) {
    if !run.is_time_of(timestamp) {
        shown.insert("at".to_owned(), timestamp.clone());
    }
}

/// Where metrics of DogStatsD come from.
fn origin() -> Value {
    json!({ "origin": { "origin_product": 10, "origin_category": 10, "origin_service": 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Run = Run {
        from: 1_700_000_000,
        to: 1_700_000_005,
    };

    fn arrived(series: &[Value], modes: &[&str]) -> Arrived {
        let mut records = Records::new();
        for record in series {
            let (mode, shown) = shown("series", record, RUN).unwrap();
            *records.entry(shown).or_default().entry(mode).or_default() += 1;
        }
        Arrived {
            modes: modes.iter().map(|&mode| mode.to_owned()).collect(),
            kinds: vec![("series", records)],
            problems: json!({}),
            lost: json!({}),
        }
    }

    fn gauge(mode: &str, value: f64) -> Value {
        json!({
            "seq": 3, "received_at": 1, "via": "http", "api_key": "de5", "endpoint": "/api/v2/series",
            "request": 1, "metric": "m", "type": "gauge", "interval": BUCKET_S, "unit": "", "host": HOST,
            "tags": ["a:b", format!("mode:{mode}")], "resources": [{ "type": "host", "name": HOST }],
            "source_type_name": "", "metadata": origin(), "points": [{ "timestamp": RUN.bucket(), "value": value }],
        })
    }

    #[test]
    fn what_every_record_has_is_left_out_and_anything_else_shown() {
        let plain = gauge("udp.plain.none", 1.5);
        let text = r#"{"metric":"m","tags":["a:b"],"gauge":1.5}"#;
        assert_eq!(
            shown("series", &plain, RUN).unwrap(),
            ("udp.plain.none".to_owned(), text.to_owned())
        );
        let mut other = plain;
        other["type"] = json!("rate");
        other["host"] = json!("h");
        other["unit"] = json!("byte");
        other["new"] = json!(true);
        other["points"][0]["timestamp"] = json!(1);
        other["points"][0]["value"] = json!(3.0 / 2048.0);
        let text = r#"{"metric":"m","tags":["a:b"],"host":"h","counted":3.0,"at":1,"resources":[{"type":"host","name":"golden-host"}],"unit":"byte","new":true}"#;
        assert_eq!(shown("series", &other, RUN).unwrap().1, text);
    }

    #[test]
    fn a_record_without_a_mode_or_with_two_points_is_not_understood() {
        let mut record = gauge("udp.plain.none", 1.0);
        let point = record["points"][0].clone();
        record["points"] = json!([point, point]);
        assert!(shown("series", &record, RUN).is_err());
        let mut record = gauge("udp.plain.none", 1.0);
        record["tags"] = json!(["a:b"]);
        assert!(shown("series", &record, RUN).is_err());
    }

    #[test]
    fn a_record_says_in_which_modes_it_came_unless_in_all_and_how_often_unless_once() {
        let modes = ["udp.a.x", "udp.b.x", "unix.a.x", "unix.b.x"];
        let line = |came: &[&str]| {
            let series: Vec<_> = came.iter().map(|mode| gauge(mode, 1.0)).collect();
            let text = arrived(&series, &modes).text();
            let line = text.lines().find(|line| line.contains("metric"));
            let end = line.and_then(|line| line.split_once("1.0"));
            end.map(|(_, end)| end.to_owned()).unwrap()
        };
        assert_eq!(line(&modes), "}");
        assert_eq!(line(&modes[..2]), r#","only":"udp"}"#);
        assert_eq!(line(&[modes[0], modes[2]]), r#","only":"a"}"#);
        assert_eq!(line(&modes[2..3]), r#","only":"unix, a"}"#);
        let some = [modes[0], modes[3]];
        assert_eq!(line(&some), r#","only":["udp.a.x","unix.b.x"]}"#);
        let twice = [modes[0], modes[0]];
        assert_eq!(line(&twice), r#","only":"udp, a","times":[2]}"#);
    }

    #[test]
    fn the_order_of_values_does_not_show_in_their_average() {
        let sketch = |average: f64| {
            let values = json!({ "ts": RUN.from, "cnt": 2, "min": 1, "max": 2, "avg": average, "sum": 3, "k": [1], "n": [2] });
            let record = json!({ "metric": "m", "tags": ["mode:a.b.c"], "host": HOST, "metadata": origin(), "dogsketches": [values] });
            shown("sketches", &record, RUN).unwrap().1
        };
        assert_eq!(sketch(50.500_000_000_000_01), sketch(50.5));
        assert_ne!(sketch(50.500_001), sketch(50.5));
    }

    #[test]
    fn a_run_across_the_end_of_a_bucket_is_noticed() {
        let end = RUN.bucket() + BUCKET_S;
        let run = |from, to| Run { from, to }.saw_the_end_of_a_bucket();
        assert!(!run(RUN.bucket(), end - 1));
        assert!(run(end - 1, end));
    }
}
