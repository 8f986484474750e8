//! JSON documents without their values: the keys stay, and every text, number or other value becomes `"?"`.
//!
//! Reads a text once, from front to back, and builds no tree. A text that is no JSON, as tracers cut long ones, is
//! obfuscated up to where it goes wrong and ends in `...`; nothing after that is kept. Several documents may follow one
//! another, as in bulk requests.

mod scan;

use std::collections::HashSet;

use crate::obfuscate::config;
use crate::obfuscate::sql::Sql;
use scan::{Broken, Literal, Scan};

/// What ends a document that is not whole.
const CUT: &str = "...";
/// What values become.
const HIDDEN: &str = "\"?\"";
/// How deep objects and arrays may be nested; deeper ones are cut.
const MAX_DEPTH: usize = 10_000;

/// Obfuscates documents of one kind.
#[derive(Debug)]
pub(crate) struct Json {
    keep: HashSet<String>,
    sql: HashSet<String>,
}

/// What to do with the value that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Hide,
    /// Keep it, be it as large as it may.
    Keep,
    /// Obfuscate it as SQL if it is a text or another literal, else hide what is in it.
    Sql,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Separator,
}

impl Json {
    pub(crate) fn new(config: &config::Json) -> Self {
        Self {
            keep: config.keep_values.iter().cloned().collect(),
            sql: config.obfuscate_sql_values.iter().cloned().collect(),
        }
    }

    /// A document without its values. An empty text is none, and stays empty.
    pub(crate) fn obfuscate(&self, document: &str, sql: &Sql) -> String {
        let mut walk = Walk {
            rules: self,
            sql,
            scan: Scan::new(document),
            out: String::with_capacity(document.len()),
            is_object: Vec::new(),
            keep_below: None,
        };
        if !document.is_empty() && walk.documents().is_err() {
            walk.out.push_str(CUT);
        }
        walk.out
    }
}

/// A walk over one text.
struct Walk<'a> {
    rules: &'a Json,
    sql: &'a Sql,
    scan: Scan<'a>,
    out: String,
    /// For each open bracket whether it is that of an object.
    is_object: Vec<bool>,
    /// How many brackets were open before the value that is kept, while one is.
    keep_below: Option<usize>,
}

impl Walk<'_> {
    fn documents(&mut self) -> Result<(), Broken> {
        self.document()?;
        while self.scan.peek().is_some() {
            self.document()?;
        }
        Ok(())
    }

    fn document(&mut self) -> Result<(), Broken> {
        let mut next = Next::Value;
        let mut fate = Fate::Hide;
        loop {
            next = match (next, self.scan.peek().ok_or(Broken)?) {
                (Next::FirstItem, b']') | (Next::FirstKey, b'}') => self.close()?,
                (Next::FirstKey | Next::Key, b'"') => {
                    fate = self.key()?;
                    Next::Value
                }
                (Next::Separator, byte) => self.separator(byte)?,
                (Next::Value | Next::FirstItem, byte) => {
                    let next = self.value(byte, fate)?;
                    fate = Fate::Hide;
                    next
                }
                _ => return Err(Broken),
            };
            if self.is_object.is_empty() {
                return Ok(());
            }
        }
    }

    /// Writes a key and its colon; says what to do with its value.
    fn key(&mut self) -> Result<Fate, Broken> {
        let key = self.scan.string();
        self.out.push_str(key.text);
        key.whole?;
        self.scan.expect(b':')?;
        self.out.push(':');
        let name = key.text.trim_matches('"');
        Ok(
            if self.keep_below.is_some() || self.rules.keep.contains(name) {
                Fate::Keep
            } else if self.rules.sql.contains(name) {
                Fate::Sql
            } else {
                Fate::Hide
            },
        )
    }

    fn value(&mut self, first: u8, fate: Fate) -> Result<Next, Broken> {
        if fate == Fate::Keep && self.keep_below.is_none() {
            self.keep_below = Some(self.is_object.len());
        }
        match first {
            b'{' | b'[' => return self.open(first),
            _ if self.keep_below.is_some() => {
                let literal = self.scan.literal(first)?;
                self.out.push_str(literal.text);
                literal.whole?;
            }
            _ if fate == Fate::Sql => {
                let literal = self.scan.literal(first)?;
                literal.whole?;
                self.statement(literal);
            }
            _ => {
                let literal = self.scan.literal(first)?;
                self.out.push_str(HIDDEN);
                literal.whole?;
            }
        }
        self.end_value();
        Ok(Next::Separator)
    }

    fn open(&mut self, bracket: u8) -> Result<Next, Broken> {
        if self.is_object.len() == MAX_DEPTH {
            return Err(Broken);
        }
        self.scan.skip();
        self.out.push(char::from(bracket));
        self.is_object.push(bracket == b'{');
        Ok(if bracket == b'{' {
            Next::FirstKey
        } else {
            Next::FirstItem
        })
    }

    fn close(&mut self) -> Result<Next, Broken> {
        let is_object = self.is_object.pop().ok_or(Broken)?;
        self.scan.skip();
        self.out.push(if is_object { '}' } else { ']' });
        self.end_value();
        Ok(Next::Separator)
    }

    /// Whoever kept a value does so no longer once it ends.
    fn end_value(&mut self) {
        if self.keep_below == Some(self.is_object.len()) {
            self.keep_below = None;
        }
    }

    fn separator(&mut self, byte: u8) -> Result<Next, Broken> {
        let is_object = *self.is_object.last().ok_or(Broken)?;
        match (byte, is_object) {
            (b'}', true) | (b']', false) => self.close(),
            (b',', _) => {
                self.scan.skip();
                self.out.push(',');
                Ok(if is_object { Next::Key } else { Next::Value })
            }
            _ => Err(Broken),
        }
    }

    /// Writes a literal as a statement of SQL without its values; one that cannot be read is hidden.
    fn statement(&mut self, literal: Literal<'_>) {
        let text = serde_json::from_str::<String>(literal.text);
        let text = text.as_deref().unwrap_or(literal.text);
        let statement = self.sql.obfuscate(text, "");
        match statement.query().map(serde_json::to_string) {
            Some(Ok(quoted)) => self.out.push_str(&quoted),
            _ => self.out.push_str(HIDDEN),
        }
    }
}

#[cfg(test)]
mod tests;
