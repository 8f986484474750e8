//! Writes the agent's own log lines to standard error, as text or JSON, filtered and without floods.
//!
//! It belongs to the program: a library must not install it for its host. Spans are not shown, and a repeated warning
//! or error is held back and counted, so that a failure for each item does not become a line for each item.

mod repeats;

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use self::repeats::{Held, Repeats};

/// Libraries below us that tell about every frame; their failures reach us as errors.
const QUIET: [&str; 4] = ["h2", "hyper", "rustls", "tokio_rustls"];

/// How to log.
#[derive(Debug, Clone)]
pub struct Config {
    /// The least important level that is shown; default `info`.
    pub level: LevelFilter,
    /// Exceptions by target in the form of `RUST_LOG`, such as `datadog_forwarder=debug,hyper=warn`; default none.
    pub filter: Option<String>,
    /// The form of a line; default text that starts with `DATADOG`.
    pub format: Format,
    /// Whether a line has its time; default yes. A platform that adds its own has no use for ours.
    pub timestamps: Timestamps,
}

/// The form of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// `PREFIX | LEVEL | target | message key=value`.
    Text {
        /// The first word.
        prefix: String,
    },
    /// One object with `timestamp`, `level`, `target`, `message` and `fields`.
    Json,
}

/// Whether lines have their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamps {
    /// In UTC, to the microsecond.
    Shown,
    /// Not at all.
    Hidden,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: LevelFilter::INFO,
            filter: None,
            format: Format::Text {
                prefix: "DATADOG".to_owned(),
            },
            timestamps: Timestamps::Shown,
        }
    }
}

/// Somebody installed a logger before; theirs stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a logger is already installed in this process")]
pub struct AlreadyInstalled;

/// Makes this process log to standard error. Parts of the filter that cannot be read are left out and warned of.
///
/// # Errors
/// When the process has a logger already.
pub fn install(config: Config) -> Result<(), AlreadyInstalled> {
    let (_, unreadable) = targets(&config);
    tracing::subscriber::set_global_default(subscriber(config, io::stderr()))
        .map_err(|_| AlreadyInstalled)?;
    for directive in unreadable {
        tracing::warn!(%directive, "part of the log filter cannot be read and is left out");
    }
    Ok(())
}

/// A logger that writes somewhere else, for a program that installs it in its own way.
pub fn subscriber<W: Write + Send + 'static>(
    config: Config,
    writer: W,
) -> impl Subscriber + Send + Sync {
    subscriber_to(config, Stream(writer))
}

/// Where finished lines go.
pub trait Sink: Send + 'static {
    /// Takes one line, which ends with a line feed.
    fn line(&mut self, level: Level, line: &str);
}

/// Lines that are written as they are.
struct Stream<W>(W);

impl<W: Write + Send + 'static> Sink for Stream<W> {
    fn line(&mut self, _level: Level, line: &str) {
        // Where standard error is closed there is nobody left to tell.
        drop(self.0.write_all(line.as_bytes()));
    }
}

/// A logger whose lines go to a sink, for a host that has a place of its own for them. It is called by one thread at a
/// time, and must not log itself.
pub fn subscriber_to<S: Sink>(config: Config, sink: S) -> impl Subscriber + Send + Sync {
    let (targets, _) = targets(&config);
    let lines = Lines {
        format: config.format,
        timestamps: config.timestamps,
        output: Mutex::new(Output {
            sink,
            repeats: Repeats::default(),
        }),
    };
    Registry::default().with(lines.with_filter(targets))
}

/// What is shown, and the parts of the filter that could not be read.
fn targets(config: &Config) -> (Targets, Vec<String>) {
    let mut targets = Targets::new()
        .with_default(config.level)
        .with_targets(QUIET.map(|target| (target, LevelFilter::OFF)));
    let mut unreadable = Vec::new();
    let directives = config.filter.as_deref().unwrap_or_default().split(',');
    for directive in directives.map(str::trim).filter(|text| !text.is_empty()) {
        match directive.parse::<Targets>() {
            Ok(parsed) => {
                if let Some(level) = parsed.default_level() {
                    targets = targets.with_default(level);
                }
                let pairs = parsed.iter().map(|(name, level)| (name.to_owned(), level));
                targets = targets.with_targets(pairs);
            }
            Err(_) => unreadable.push(directive.to_owned()),
        }
    }
    (targets, unreadable)
}

/// Writes each event as one line.
struct Lines<K> {
    format: Format,
    timestamps: Timestamps,
    output: Mutex<Output<K>>,
}

struct Output<K> {
    sink: K,
    repeats: Repeats,
}

impl<S: Subscriber, K: Sink> Layer<S> for Lines<K> {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        // Formatting may run code that logs, so it comes before the lock.
        let mut line = Line::new(*event.metadata().level(), event.metadata().target());
        event.record(&mut line);
        let limited = line.level <= Level::WARN;
        let now = Instant::now();
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        for held in output.repeats.due(now) {
            let line = Line::of(held);
            output.sink.line(line.level, &self.render(&line));
        }
        if !limited {
            output.sink.line(line.level, &self.render(&line));
        } else if let Some(held) =
            (output.repeats).admit(line.level, line.target, &line.message, now)
        {
            line.repeated(held);
            output.sink.line(line.level, &self.render(&line));
        }
    }
}

impl<K> Lines<K> {
    fn render(&self, line: &Line) -> String {
        let mut text = String::new();
        let time = match self.timestamps {
            Timestamps::Shown => now_in_utc(),
            Timestamps::Hidden => String::new(),
        };
        match &self.format {
            Format::Text { prefix } => render_text(line, prefix, &time, &mut text),
            Format::Json => render_json(line, time, &mut text),
        }
        text.push('\n');
        text
    }
}

fn now_in_utc() -> String {
    let mut time = String::new();
    match SystemTime.format_time(&mut Writer::new(&mut time)) {
        Ok(()) => time,
        Err(_) => String::new(),
    }
}

fn render_text(line: &Line, prefix: &str, time: &str, text: &mut String) {
    let Line { level, target, .. } = line;
    if !time.is_empty() {
        text.extend([time, " | "]);
    }
    text.extend([prefix, " | ", level.as_str(), " | ", target, " | "]);
    push_on_one_line(&line.message, text);
    for (key, value) in &line.fields {
        text.extend([" ", key.as_str(), "="]);
        match value {
            Value::String(value) if is_plain(value) => text.push_str(value),
            // Quoted and escaped as in JSON.
            value => text.push_str(&value.to_string()),
        }
    }
}

fn render_json(line: &Line, time: String, text: &mut String) {
    let mut object = Map::new();
    if !time.is_empty() {
        object.insert("timestamp".to_owned(), time.into());
    }
    object.insert("level".to_owned(), line.level.as_str().into());
    object.insert("target".to_owned(), line.target.into());
    object.insert("message".to_owned(), line.message.as_str().into());
    if !line.fields.is_empty() {
        object.insert("fields".to_owned(), Value::Object(line.fields.clone()));
    }
    text.push_str(&Value::Object(object).to_string());
}

/// Whether a value can stand without quotes.
fn is_plain(value: &str) -> bool {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '=';
    !value.is_empty() && !value.contains(breaks)
}

/// What others write cannot start a line of its own.
fn push_on_one_line(message: &str, text: &mut String) {
    for c in message.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
}

/// One event, read.
struct Line {
    level: Level,
    target: &'static str,
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    fn new(level: Level, target: &'static str) -> Self {
        Self {
            level,
            target,
            message: String::new(),
            fields: Map::new(),
        }
    }

    /// A line that stands for those that were held back.
    fn of(held: Held) -> Self {
        let mut line = Self::new(held.level, held.target);
        line.message = held.message;
        line.repeated(held.count);
        line
    }

    fn repeated(&mut self, count: u64) {
        if count > 0 {
            self.fields.insert("repeated".to_owned(), count.into());
        }
    }

    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(message)) => self.message = message,
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        if write!(text, "{value:?}").is_err() {
            text.push_str("(cannot be shown)");
        }
        self.put(field, text.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn hidden() -> Config {
        Config {
            timestamps: Timestamps::Hidden,
            ..Config::default()
        }
    }

    fn lines(config: Config, log: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        tracing::subscriber::with_default(subscriber(config, buffer.clone()), log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[track_caller]
    fn check(config: Config, log: impl FnOnce(), expected: Expect) {
        expected.assert_eq(&lines(config, log));
    }

    fn some_lines() {
        tracing::info!(target: "agent", url = %"http://a/b", status = 403, ok = false, "payload refused");
        tracing::warn!(target: "agent", problem = "two words", empty = "", "say \"so\"");
        tracing::error!(target: "agent", error = %io::Error::other("gone\nDATADOG | forged"), "first\nsecond");
        tracing::debug!(target: "agent", "not shown");
    }

    #[test]
    fn text_has_prefix_level_target_message_and_fields() {
        check(
            hidden(),
            some_lines,
            expect![[r#"
                DATADOG | INFO | agent | payload refused url=http://a/b status=403 ok=false
                DATADOG | WARN | agent | say "so" problem="two words" empty=""
                DATADOG | ERROR | agent | first\nsecond error="gone\nDATADOG | forged"
            "#]],
        );
    }

    #[test]
    fn json_has_the_same_in_one_object() {
        let config = Config {
            format: Format::Json,
            ..hidden()
        };
        check(
            config,
            some_lines,
            expect![[r#"
                {"level":"INFO","target":"agent","message":"payload refused","fields":{"url":"http://a/b","status":403,"ok":false}}
                {"level":"WARN","target":"agent","message":"say \"so\"","fields":{"problem":"two words","empty":""}}
                {"level":"ERROR","target":"agent","message":"first\nsecond","fields":{"error":"gone\nDATADOG | forged"}}
            "#]],
        );
    }

    #[test]
    fn time_comes_first() {
        let log = || tracing::info!(target: "agent", "hello");
        let line = lines(Config::default(), log);
        let (time, rest) = line.split_once(" | ").unwrap();
        assert_eq!(rest, "DATADOG | INFO | agent | hello\n");
        assert_eq!(time.len(), "2026-01-02T03:04:05.000006Z".len());
        assert!(time.ends_with('Z'), "{time}");
        let config = Config {
            format: Format::Json,
            ..Config::default()
        };
        let line: Value = serde_json::from_str(&lines(config, log)).unwrap();
        assert_eq!(line["timestamp"].as_str().unwrap().len(), time.len());
    }

    #[test]
    fn filter_makes_exceptions_from_the_level() {
        let config = Config {
            filter: Some("noisy=error, chatty=debug,,".to_owned()),
            ..hidden()
        };
        check(
            config,
            || {
                tracing::warn!(target: "noisy", "no");
                tracing::debug!(target: "chatty::part", "yes");
                tracing::debug!(target: "other", "no");
                tracing::info!(target: "other", "yes");
            },
            expect![[r#"
                DATADOG | DEBUG | chatty::part | yes
                DATADOG | INFO | other | yes
            "#]],
        );
    }

    #[test]
    fn libraries_below_are_quiet_unless_asked() {
        let log = || {
            tracing::error!(target: "hyper::proto", "one");
            tracing::error!(target: "h2::client", "two");
            tracing::error!(target: "rustls::conn", "three");
        };
        let loudest = Config {
            level: LevelFilter::TRACE,
            ..hidden()
        };
        assert_eq!(lines(loudest.clone(), log), "");
        let asked = Config {
            filter: Some("h2=warn".to_owned()),
            ..loudest
        };
        assert_eq!(lines(asked, log), "DATADOG | ERROR | h2::client | two\n");
    }

    #[test]
    fn level_alone_in_the_filter_replaces_the_level() {
        let config = Config {
            filter: Some("error".to_owned()),
            ..hidden()
        };
        assert_eq!(lines(config, || tracing::warn!(target: "agent", "no")), "");
    }

    #[test]
    fn unreadable_part_of_the_filter_is_told_and_the_rest_works() {
        let config = Config {
            filter: Some("agent=loud,other=debug".to_owned()),
            ..hidden()
        };
        let (targets, unreadable) = targets(&config);
        assert_eq!(unreadable, ["agent=loud"]);
        assert!(targets.would_enable("other", &Level::DEBUG));
        assert!(!targets.would_enable("agent", &Level::DEBUG));
    }

    #[test]
    fn repeated_warning_is_written_once_and_information_always() {
        let log = || {
            for attempt in 0..50 {
                tracing::warn!(target: "agent", attempt, "payload refused");
                tracing::info!(target: "agent", "hello");
            }
        };
        let lines = lines(hidden(), log);
        let count = |text: &str| lines.lines().filter(|line| line.contains(text)).count();
        assert_eq!(count("payload refused attempt=0"), 1);
        assert_eq!(count("payload refused"), 1);
        assert_eq!(count("hello"), 50);
    }

    #[test]
    fn lines_held_back_are_told_by_their_number() {
        let mut line = Line::of(Held {
            level: Level::WARN,
            target: "agent",
            message: "payload refused".to_owned(),
            count: 49,
        });
        let mut text = String::new();
        render_text(&line, "DATADOG", "", &mut text);
        assert_eq!(text, "DATADOG | WARN | agent | payload refused repeated=49");
        line.fields.clear();
        line.repeated(0);
        assert!(line.fields.is_empty());
    }

    #[test]
    fn second_logger_is_refused_without_a_panic() {
        let quiet = Config {
            level: LevelFilter::OFF,
            ..Config::default()
        };
        // Whether or not another test was first, the second of these is not.
        let first = install(quiet.clone());
        assert!(first.is_ok() || first == Err(AlreadyInstalled));
        assert_eq!(install(quiet), Err(AlreadyInstalled));
    }
}
