//! A second decoder of the stateful stream, to hold the first one against.
//!
//! Written from the rules of the format alone, as plainly as they can be: every message becomes a list of fields,
//! every table a map of strings, and nothing is bounded. It shares no code with the library. Only for tests.

use std::collections::{BTreeMap, HashMap};

use crate::fields::{Fields, Wire, zigzag};

/// What a log came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Log {
    pub(crate) body: Vec<u8>,
    pub(crate) timestamp_ms: i64,
    pub(crate) status: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) uuid: Option<String>,
}

/// The numbers of the fields of a datum.
struct Numbers {
    text: u64,
    delete_text: u64,
    pattern: u64,
    delete_pattern: u64,
    log: u64,
}

const A: Numbers = Numbers {
    text: 3,
    delete_text: 4,
    pattern: 1,
    delete_pattern: 2,
    log: 6,
};
const C: Numbers = Numbers {
    text: 1,
    delete_text: 6,
    pattern: 2,
    delete_pattern: 7,
    log: 4,
};

#[derive(Default)]
pub(crate) struct MinimalDecoder {
    is_c: bool,
    texts: HashMap<u64, String>,
    patterns: HashMap<u64, (Vec<char>, Vec<u64>)>,
    schemas: HashMap<u64, Fields>,
}

/// What carries over from log to log. In profile A tags and status are values, in C ids of texts.
#[derive(Default)]
struct Last {
    time: i64,
    pattern: u64,
    fields: HashMap<&'static str, Fields>,
    ids: HashMap<&'static str, u64>,
}

impl MinimalDecoder {
    pub(crate) fn new(is_c: bool) -> Self {
        Self {
            is_c,
            ..Self::default()
        }
    }

    /// The logs of one batch that is not compressed.
    pub(crate) fn decode(&mut self, sequence: &[u8]) -> Result<Vec<Log>, String> {
        let mut last = Last::default();
        let mut logs = Vec::new();
        let numbers = if self.is_c { C } else { A };
        for datum in Fields::parse(sequence)?.messages(1)? {
            let (number, content) = datum.0.last().ok_or("empty datum")?.clone();
            let content = Fields::parse(&content.bytes()?)?;
            match number {
                n if n == numbers.text => {
                    drop(self.texts.insert(content.number(1), content.text(2)?))
                }
                n if n == numbers.delete_text => drop(self.texts.remove(&content.number(1))),
                n if n == numbers.pattern => self.define_pattern(&content, &mut last)?,
                n if n == numbers.delete_pattern => drop(self.patterns.remove(&content.number(1))),
                n if n == numbers.log && self.is_c => logs.push(self.log_c(&content, &mut last)?),
                n if n == numbers.log => logs.push(self.log_a(&content, &mut last)?),
                5 => self.sync(&content, &mut last)?,
                3 if self.is_c => drop(self.schemas.insert(content.number(1), content)),
                8 if self.is_c => drop(self.schemas.remove(&content.number(1))),
                other => return Err(format!("datum {other}")),
            }
        }
        Ok(logs)
    }

    fn define_pattern(&mut self, pattern: &Fields, last: &mut Last) -> Result<(), String> {
        let template = pattern.text(2)?.chars().collect();
        last.pattern = pattern.number(1);
        self.patterns
            .insert(last.pattern, (template, pattern.numbers(4)?));
        Ok(())
    }

    fn sync(&self, sync: &Fields, last: &mut Last) -> Result<(), String> {
        if sync.number(1) != 0 {
            last.time = i64::from_ne_bytes(sync.number(1).to_ne_bytes());
        }
        if sync.number(2) != 0 {
            last.pattern = sync.number(2);
        }
        if self.is_c {
            for (name, number) in [("tags", 3), ("status", 4), ("service", 5), ("schema", 6)] {
                last.update(name, sync.number(number));
            }
        } else if let Some(tags) = sync.message(3)? {
            last.fields
                .insert("tags", tags.message(1)?.unwrap_or_default());
        }
        Ok(())
    }

    fn log_a(&self, log: &Fields, last: &mut Last) -> Result<Log, String> {
        last.time = last.time.wrapping_add(zigzag(log.number(1)));
        if let Some(tags) = log.message(4)? {
            last.fields
                .insert("tags", tags.message(1)?.unwrap_or_default());
        }
        if let Some(status) = log.message(6)? {
            last.fields.insert("status", status);
        }
        let content = log
            .0
            .iter()
            .rev()
            .find(|(number, _)| [2, 3].contains(number));
        let mut body = match content.ok_or("no content")? {
            (3, raw) => raw.bytes()?,
            _ => {
                let content = log.message(2)?.ok_or("no content")?;
                let message = self.rebuild(content.number(1), &content.messages(2)?, last)?;
                self.wrap_a(&content, message)?
            }
        };
        if let Some(exact) = log.last(1000) {
            body = exact.bytes()?;
        }
        let field = |name| match last.fields.get(name) {
            Some(value) => self.value(value).map(|text| some_text(&text)),
            None => Ok(None),
        };
        Ok(Log {
            body,
            timestamp_ms: last.time,
            status: field("status")?,
            service: None,
            tags: field("tags")?,
            uuid: log.last(5).map(|_| log.text(5)).transpose()?,
        })
    }

    fn log_c(&self, log: &Fields, last: &mut Last) -> Result<Log, String> {
        last.time = last.time.wrapping_add(zigzag(log.number(1)));
        for (name, number) in [("status", 2), ("service", 3), ("tags", 4), ("schema", 8)] {
            last.update(name, log.number(number));
        }
        let raw = log.text(7)?;
        let message = if raw.is_empty() {
            self.rebuild(log.number(5), &log.messages(6)?, last)?
        } else {
            raw.into_bytes()
        };
        let mut body = match last.ids.get("schema") {
            None | Some(1) => message,
            Some(id) => self.wrap_c(self.schemas.get(id).ok_or("unknown schema")?, log, message)?,
        };
        if let Some(exact) = log.last(1000) {
            body = exact.bytes()?;
        }
        let field = |name| match last.ids.get(name) {
            None | Some(1) => Ok(None),
            Some(id) => self.entry(*id).map(|text| some_text(text.as_bytes())),
        };
        Ok(Log {
            body,
            timestamp_ms: last.time,
            status: field("status")?,
            service: field("service")?,
            tags: field("tags")?,
            uuid: log.last(100).map(|_| log.text(100)).transpose()?,
        })
    }

    fn rebuild(&self, id: u64, values: &[Fields], last: &mut Last) -> Result<Vec<u8>, String> {
        last.pattern = if id == 0 { last.pattern } else { id };
        let (template, positions) = self.patterns.get(&last.pattern).ok_or("unknown pattern")?;
        if values.len() != positions.len() {
            return Err("wrong number of values".to_owned());
        }
        let mut body = Vec::new();
        for place in 0..=template.len() {
            for (position, value) in positions.iter().zip(values) {
                if *position == place as u64 {
                    body.extend(self.value(value)?);
                }
            }
            if let Some(literal) = template.get(place) {
                body.extend(literal.to_string().bytes());
            }
        }
        Ok(body)
    }

    fn value(&self, value: &Fields) -> Result<Vec<u8>, String> {
        let member = |(number, _): &&(u64, Wire)| match number {
            1..=4 => true,
            6 | 7 => self.is_c,
            _ => false,
        };
        let (number, content) = value.0.iter().rev().find(member).ok_or("no value")?;
        Ok(match number {
            1 => i64::from_ne_bytes(content.number().to_ne_bytes())
                .to_string()
                .into_bytes(),
            2 => f64::from_bits(content.number()).to_string().into_bytes(),
            3 | 7 => content.bytes()?,
            4 => self.entry(content.number())?.as_bytes().to_vec(),
            _ => (content.number() != 0).to_string().into_bytes(),
        })
    }

    fn entry(&self, id: u64) -> Result<&str, String> {
        self.texts
            .get(&id)
            .map(|text| &**text)
            .ok_or_else(|| format!("unknown text {id}"))
    }

    fn wrap_a(&self, log: &Fields, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let Some(key) = log.message(4)? else {
            return Ok(message);
        };
        let mut object = BTreeMap::new();
        if log.number(5) != 0 {
            let values = log.messages(6)?;
            for (key, value) in self.entry(log.number(5))?.split(',').zip(&values) {
                let leaf = match value.0.last() {
                    None => b"null".to_vec(),
                    Some((1 | 2, _)) => self.value(value)?,
                    _ => quoted(&self.value(value)?),
                };
                object.insert(key.to_owned(), Node::Leaf(leaf));
            }
        }
        let key = String::from_utf8(self.value(&key)?).map_err(|_| "key")?;
        let path: Vec<_> = key.split('.').map(str::to_owned).collect();
        insert(&mut object, &path, quoted(&message));
        Ok(written(&object))
    }

    fn wrap_c(&self, schema: &Fields, log: &Fields, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut object = BTreeMap::new();
        let bools = log.last(14).map_or(Ok(Vec::new()), Wire::bytes)?;
        let mut bools = bools
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        let (mut ints, mut entries) = (log.numbers(9)?.into_iter(), log.numbers(11)?.into_iter());
        let mut floats = log.doubles()?.into_iter();
        let (mut raws, mut texts) = (log.all(12), log.all(13));
        let kinds = schema.last(4).map_or(Ok(Vec::new()), Wire::bytes)?;
        for (key, kind) in schema.numbers(2)?.into_iter().zip(kinds) {
            let leaf = match kind {
                1 => Some(b"null".to_vec()),
                2 => bools.next().map(|value| value.to_string().into_bytes()),
                3 => ints
                    .next()
                    .map(|value| zigzag(value).to_string().into_bytes()),
                4 => floats.next().map(|value| value.to_string().into_bytes()),
                5 => entries
                    .next()
                    .map(|id| self.entry(id))
                    .transpose()?
                    .map(|text| quoted(text.as_bytes())),
                6 => texts
                    .next()
                    .map(Wire::bytes)
                    .transpose()?
                    .map(|text| quoted(&text)),
                _ => raws.next().map(Wire::bytes).transpose()?,
            };
            insert(
                &mut object,
                &unescaped(self.entry(key)?),
                leaf.ok_or("column too short")?,
            );
        }
        insert(
            &mut object,
            &unescaped(self.entry(schema.number(3))?),
            quoted(&message),
        );
        Ok(written(&object))
    }
}

impl Last {
    fn update(&mut self, name: &'static str, id: u64) {
        if id != 0 {
            self.ids.insert(name, id);
        }
    }
}

fn some_text(text: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty())
}

/// A JSON value: a text as it is, or members by their keys.
enum Node {
    Leaf(Vec<u8>),
    Object(BTreeMap<String, Self>),
}

fn insert(object: &mut BTreeMap<String, Node>, path: &[String], leaf: Vec<u8>) {
    if let [key] = path {
        object.insert(key.clone(), Node::Leaf(leaf));
    } else if let [key, rest @ ..] = path {
        let inner = object
            .entry(key.clone())
            .or_insert_with(|| Node::Object(BTreeMap::new()));
        // The object that is left of one whose sole member was the message, in profile A as a string.
        if matches!(inner, Node::Leaf(leaf) if leaf == b"{}" || leaf == b"\"{}\"") {
            *inner = Node::Object(BTreeMap::new());
        }
        match inner {
            Node::Object(members) => insert(members, rest, leaf),
            Node::Leaf(_) => panic!("a key below one that is no object"),
        }
    }
}

fn written(object: &BTreeMap<String, Node>) -> Vec<u8> {
    let member = |(key, node): (&String, &Node)| {
        let value = match node {
            Node::Leaf(leaf) => leaf.clone(),
            Node::Object(members) => written(members),
        };
        [quoted(key.as_bytes()), b":".to_vec(), value].concat()
    };
    let members: Vec<_> = object.iter().map(member).collect();
    [b"{".to_vec(), members.join(&b','), b"}".to_vec()].concat()
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            8 => out.extend(b"\\b"),
            12 => out.extend(b"\\f"),
            0..32 => out.extend(format!("\\u00{byte:02x}").bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

/// Keys with dots between them, where a backslash takes the next character as it is.
fn unescaped(path: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut chars = path.chars();
    while let Some(char) = chars.next() {
        match char {
            '.' => keys.push(String::new()),
            '\\' => keys.last_mut().unwrap().extend(chars.next()),
            char => keys.last_mut().unwrap().push(char),
        }
    }
    keys
}
