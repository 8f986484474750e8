//! Text files of lines and what was sent for them, which people can read and `UPDATE_EXPECT=1` rewrites.
//!
//! A case begins with `=== its name` and perhaps lines of `option = value`. Its lines begin with `> `, or with `>*20 `
//! when they come so often; `#` in those stands for the number of the copy. `---` ends a batch.
//! Behind `<<<` stands what was sent for them.

use std::fmt::Write as _;
use std::path::Path;

use datadog_logs_patterns::encoder::{JsonMode, Options};
use datadog_logs_patterns::operation::{Body, Json, Log, Member, Operation, Operations, Value};
use datadog_logs_patterns::wire::Profile;

use crate::stream::Stream;

/// What was sent, an operation in each line.
#[derive(Default)]
struct Sent {
    texts: std::collections::HashMap<u64, String>,
    out: String,
    repeated: (String, usize),
}

impl Sent {
    fn note(&mut self, operations: &Operations) {
        for operation in operations.iter() {
            let line = self.line(operations, operation);
            self.add(line);
        }
        self.add("---".to_owned());
    }

    /// Adds a line; those that come again and again become one.
    fn add(&mut self, line: String) {
        if line == self.repeated.0 {
            self.repeated.1 += 1;
            return;
        }
        let (last, count) = std::mem::replace(&mut self.repeated, (line, 1));
        match (last.as_str(), count) {
            ("", _) => {}
            (last, 1) => writeln!(self.out, "{last}").unwrap(),
            (last, count) => writeln!(self.out, "{last} * {count}").unwrap(),
        }
    }

    fn line(&mut self, operations: &Operations, operation: &Operation) -> String {
        let text = |span| String::from_utf8_lossy(operations.text(span)).into_owned();
        match operation {
            Operation::DefinePattern {
                id,
                template,
                positions,
            } => {
                let mut template = text(template);
                for position in operations.positions(positions).iter().rev() {
                    template.insert(*position as usize, '\u{25c6}');
                }
                format!("define {id} {template:?}")
            }
            Operation::DeletePattern { id } => format!("delete {id}"),
            Operation::DefineText { id, text: span } => {
                self.texts.insert(*id, text(span));
                format!("text {id} {:?}", text(span))
            }
            Operation::DeleteText { id } => format!("delete text {id}"),
            Operation::DefineSchema {
                id,
                columns,
                message_key,
            } => {
                let columns = operations.columns(columns).iter();
                let columns =
                    columns.map(|column| format!("{} {:?}", self.texts[&column.key], column.kind));
                let columns: Vec<_> = columns.collect();
                let message = &self.texts[message_key];
                format!("schema {id} [{}] around {message}", columns.join(", "))
            }
            Operation::DeleteSchema { id } => format!("delete schema {id}"),
            Operation::Log(log) => self.log(operations, log),
        }
    }

    fn log(&self, operations: &Operations, log: &Log) -> String {
        let text = |span| String::from_utf8_lossy(operations.text(span)).into_owned();
        let entry = |id| format!("<{id} {}>", self.texts[id]);
        let values = |range| {
            let values = operations.values(range).iter();
            let values: Vec<String> = values
                .map(|value| match value {
                    Value::Int(number) => number.to_string(),
                    Value::Text(span) => format!("{:?}", text(span)),
                    Value::Dict(id) => entry(id),
                })
                .collect();
            values.join(", ")
        };
        let body = match &log.body {
            Body::Raw(span) => format!("raw {:?}", text(span)),
            Body::Bytes { lossy, .. } => format!("bytes {:?}", text(lossy)),
            Body::Pattern { id, values: range } => format!("log {id} [{}]", values(range)),
        };
        match operations.json(log) {
            None => body,
            Some(Json::Keys {
                message_key,
                schema,
                values: range,
            }) => {
                let keys = schema.as_ref().map(entry).unwrap_or_default();
                format!(
                    "{body} in {} {keys} [{}]",
                    entry(message_key),
                    values(range)
                )
            }
            Some(Json::Columns { schema, members }) => {
                let members = operations.members(members).iter();
                let members: Vec<String> = members
                    .map(|member| match member {
                        Member::Bool(value) => value.to_string(),
                        Member::Int(number) => number.to_string(),
                        Member::Dict(id) => entry(id),
                        Member::Text(span) => format!("{:?}", text(span)),
                        Member::Raw(span) => text(span),
                    })
                    .collect();
                format!("{body} in schema {schema} [{}]", members.join(", "))
            }
        }
    }
}

/// The case with what was sent in place of what was expected.
fn run(case: &str) -> String {
    let mut options = Options::default();
    options.pattern_limits.grace_ms = 0;
    let lines = case.lines().take_while(|line| !line.starts_with("<<<"));
    let lines: Vec<&str> = lines.collect();
    for line in &lines {
        if let Some((name, value)) = line.split_once(" = ")
            && !line.starts_with('>')
        {
            set(&mut options, name, value);
        }
    }
    let (mut stream, mut sent) = (Stream::new(options), Sent::default());
    for line in &lines {
        if *line == "---" {
            sent.note(&stream.seal());
        } else if let Some(line) = line.strip_prefix("> ") {
            stream.push(unescaped(line));
        } else if let Some((count, line)) = line
            .strip_prefix(">*")
            .and_then(|line| line.split_once(' '))
        {
            for copy in 0..count.parse::<u32>().unwrap() {
                stream.push(unescaped(&line.replace('#', &copy.to_string())));
            }
        }
    }
    sent.note(&stream.seal());
    sent.add(String::new());
    format!("{}\n<<<\n{}", lines.join("\n").trim_end(), sent.out)
}

fn unescaped(line: &str) -> String {
    line.replace("\\t", "\t").replace("\\n", "\n")
}

fn set(options: &mut Options, name: &str, value: &str) {
    match (name, value) {
        ("json", "columns") => options.json = JsonMode::Columns,
        ("profile", "c") => options.profile = Profile::C,
        (name, value) => set_number(options, name, value.parse().unwrap()),
    }
}

fn set_number(options: &mut Options, name: &str, value: usize) {
    match name {
        "max_patterns" => options.pattern_limits.max_items = value,
        "max_texts" => options.text_limits.max_items = value,
        "max_template_bytes" => options.learning.max_template_bytes = value,
        "max_patterns_per_cluster" => options.learning.max_patterns_per_cluster = value,
        other => panic!("no such option: {other}"),
    }
}

#[test]
fn what_is_sent_is_what_the_case_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/engine");
    let mut cases = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let written = std::fs::read_to_string(&path).unwrap();
        let mut text = String::new();
        for case in written.split("=== ").filter(|case| !case.trim().is_empty()) {
            cases += 1;
            writeln!(text, "=== {}\n", run(case).trim_end()).unwrap();
        }
        expect_test::expect_file![path].assert_eq(&text);
    }
    assert!(cases >= 16, "the cases are where they should be: {cases}");
}
