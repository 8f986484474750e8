//! Statements of SQL without their values.
//!
//! The tokenizer is Datadog's own for tracers, for backends group by what it writes; this file is the only one that
//! names it. It takes any text as SQL, where the agent refuses what ends within a literal, and guesses whether a
//! backslash escapes, where the agent tries. So a statement is first read by [`lexer`], which refuses, tries, and
//! hands on literals in a form that leaves nothing to guess.

mod cache;
mod lexer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libdd_trace_obfuscation::obfuscation_config::{DbmsKind, SqlConfig, SqlObfuscationMode};
use libdd_trace_obfuscation::sql::obfuscate_sql;

use crate::obfuscate::config;
use cache::Cache;
use lexer::{Backslash, Lexer, Literals};

/// What is written in place of a statement that cannot be read.
pub(crate) const NON_PARSABLE: &str = "Non-parsable SQL query";

/// The databases whose syntax differs in a way that matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Dialect {
    #[default]
    Generic,
    SqlServer,
    MySql,
    Postgres,
    Oracle,
}

impl Dialect {
    /// The dialect of a database by the value of the tag `db.type`.
    fn of(name: &str) -> Self {
        const NAMES: [(&str, Dialect); 4] = [
            ("mssql", Dialect::SqlServer),
            ("mysql", Dialect::MySql),
            ("postgresql", Dialect::Postgres),
            ("oracle", Dialect::Oracle),
        ];
        NAMES
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known))
            .map_or(Self::Generic, |(_, dialect)| *dialect)
    }

    const fn kind(self) -> DbmsKind {
        match self {
            Self::Generic => DbmsKind::Generic,
            Self::SqlServer => DbmsKind::Mssql,
            Self::MySql => DbmsKind::Mysql,
            Self::Postgres => DbmsKind::Postgresql,
            Self::Oracle => DbmsKind::Oracle,
        }
    }
}

/// What is left of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The statement without its values; absent when it could not be read.
    query: Option<Box<str>>,
    /// Names of its tables with commas between them; empty unless asked for.
    pub(crate) tables: Box<str>,
}

impl Statement {
    /// The statement without its values, or words that say that it could not be read.
    pub(crate) fn text(&self) -> &str {
        self.query.as_deref().unwrap_or(NON_PARSABLE)
    }

    /// The statement without its values, if it could be read.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn bytes(&self) -> usize {
        self.query.as_ref().map_or(0, |query| query.len()) + self.tables.len()
    }
}

/// Obfuscates statements, and remembers the latest.
#[derive(Debug)]
pub(crate) struct Sql {
    tokenizer: SqlConfig,
    literals: Literals,
    table_names: bool,
    /// What the last statement meant by backslashes for which only one meaning was possible.
    backslashes_are_literal: AtomicBool,
    cache: Option<Cache>,
}

impl Sql {
    pub(crate) fn new(config: &config::Sql) -> Self {
        Self {
            tokenizer: SqlConfig {
                replace_digits: config.replace_digits,
                keep_sql_alias: config.keep_sql_alias,
                dollar_quoted_func: config.dollar_quoted_func,
                obfuscation_mode: mode(config.mode),
                ..SqlConfig::default()
            },
            literals: match config.mode {
                config::SqlMode::NormalizeOnly => Literals::Kept,
                _ => Literals::Emptied,
            },
            table_names: config.table_names,
            backslashes_are_literal: AtomicBool::new(false),
            cache: (config.cache_bytes > 0).then(|| Cache::new(config.cache_bytes)),
        }
    }

    /// A statement without its values. `database` is the value of the tag `db.type`, or empty.
    pub(crate) fn obfuscate(&self, statement: &str, database: &str) -> Arc<Statement> {
        let dialect = Dialect::of(database);
        let Some(cache) = &self.cache else {
            return Arc::new(self.tokenize(statement, dialect));
        };
        cache.get_or_insert_with(statement, dialect, || self.tokenize(statement, dialect))
    }

    fn tokenize(&self, statement: &str, dialect: Dialect) -> Statement {
        let query = self.read(statement, dialect);
        let tables = match &query {
            Some(query) if self.table_names => tables(query),
            _ => String::new(),
        };
        Statement {
            query: query.map(String::into_boxed_str),
            tables: tables.into_boxed_str(),
        }
    }

    /// Reads a statement with backslashes as they were last seen to be meant, or else the other way.
    fn read(&self, statement: &str, dialect: Dialect) -> Option<String> {
        let first = match self.backslashes_are_literal.load(Ordering::Relaxed) {
            true => Backslash::Literal,
            false => Backslash::Escapes,
        };
        let prepared = match self.lexer(dialect, first).prepare(statement) {
            Ok(prepared) => prepared,
            Err(unreadable) if unreadable.saw_backslash => {
                let second = first.other();
                let prepared = self.lexer(dialect, second).prepare(statement).ok()?;
                self.backslashes_are_literal
                    .store(second == Backslash::Literal, Ordering::Relaxed);
                prepared
            }
            Err(_) => return None,
        };
        obfuscate_sql(&prepared, &self.tokenizer, dialect.kind()).ok()
    }

    fn lexer(&self, dialect: Dialect, backslash: Backslash) -> Lexer {
        Lexer {
            dialect,
            backslash,
            literals: self.literals,
            dollar_quotes_are_statements: self.tokenizer.dollar_quoted_func
                || self.literals == Literals::Kept,
        }
    }
}

#[expect(
    deprecated,
    reason = "the mode that resources have always been grouped by"
)]
const fn mode(mode: config::SqlMode) -> SqlObfuscationMode {
    match mode {
        config::SqlMode::Legacy => SqlObfuscationMode::Unspecified,
        config::SqlMode::ObfuscateOnly => SqlObfuscationMode::ObfuscateOnly,
        config::SqlMode::NormalizeOnly => SqlObfuscationMode::NormalizeOnly,
        config::SqlMode::ObfuscateAndNormalize => SqlObfuscationMode::ObfuscateAndNormalize,
    }
}

/// The names that follow `FROM`, `JOIN`, `INTO` and `UPDATE`, each once, with commas between them.
fn tables(query: &str) -> String {
    const BEFORE: [&str; 4] = ["FROM", "JOIN", "INTO", "UPDATE"];
    let mut seen = std::collections::HashSet::new();
    let mut tables = String::new();
    let mut follows = false;
    for word in query.split_ascii_whitespace() {
        if follows && word.starts_with(char::is_alphabetic) {
            let table = word.trim_end_matches(',');
            if seen.insert(table) {
                if !tables.is_empty() {
                    tables.push(',');
                }
                tables.push_str(table);
            }
        }
        follows = BEFORE
            .iter()
            .any(|keyword| word.eq_ignore_ascii_case(keyword));
    }
    tables
}

#[cfg(test)]
mod tests;
