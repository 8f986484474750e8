//! Takes values that may be secret out of spans, and what would make every request a resource of its own.
//!
//! What is done to a span depends on its type; card numbers are looked for in all. Decides nothing about which spans
//! are kept, and applies no rules of users: that is what [`crate::replace`] is for. A text that needs no change stays
//! borrowed.

mod cards;
mod config;
mod ip;
mod json;
mod memcached;
mod redis;
mod sql;
mod url;

pub use config::{Config, CreditCards, Http, Json, Memcached, Redis, Sql, SqlMode};
pub use ip::quantize_peers;

use std::borrow::Cow;

use crate::span::{Event, Map, Scalar, Span, Text, Value};
use cards::CheckDigit;

/// The version of these rules, which tracers are told so that they need not send what is obfuscated here.
pub const VERSION: u32 = 1;

/// Attributes of OpenTelemetry that hold the statement of an SQL span.
const STATEMENTS: [&str; 2] = ["db.statement", "db.query.text"];
/// The smallest number with as many digits as a card has.
const SMALLEST_CARD: u64 = 100_000_000_000;

/// Obfuscates spans; threads share one.
#[derive(Debug)]
pub struct Obfuscator {
    config: Config,
    check_digit: CheckDigit,
    sql: sql::Sql,
    elasticsearch: json::Json,
    opensearch: json::Json,
    mongodb: json::Json,
}

impl Obfuscator {
    /// An obfuscator with an empty memory of statements.
    pub fn new(config: Config) -> Self {
        Self {
            check_digit: if config.credit_cards.luhn {
                CheckDigit::Right
            } else {
                CheckDigit::Ignored
            },
            sql: sql::Sql::new(&config.sql),
            elasticsearch: json::Json::new(&config.elasticsearch),
            opensearch: json::Json::new(&config.opensearch),
            mongodb: json::Json::new(&config.mongodb),
            config,
        }
    }

    /// What it was told.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes secrets out of a span.
    pub fn span(&self, span: &mut Span<'_>) {
        if self.config.credit_cards.enabled {
            self.card_numbers(span);
        }
        match span.kind.as_ref() {
            "sql" | "cassandra" => self.sql_span(span),
            "redis" => self.redis_span(span, "redis.raw_command", self.config.redis),
            "valkey" => self.redis_span(span, "valkey.raw_command", self.config.valkey),
            "memcached" => self.memcached_span(span),
            "web" | "http" => {
                let options = self.config.http;
                change(&mut span.meta, "http.url", |url| {
                    url::obfuscate(url, options)
                });
            }
            "mongodb" if self.config.mongodb.enabled => {
                self.document(span, "mongodb.query", &self.mongodb);
            }
            "elasticsearch" | "opensearch" => {
                if self.config.elasticsearch.enabled {
                    self.document(span, "elasticsearch.body", &self.elasticsearch);
                }
                if self.config.opensearch.enabled {
                    self.document(span, "opensearch.body", &self.opensearch);
                }
            }
            _ => {}
        }
    }

    /// The resource of a group of stats that a tracer computed and did not obfuscate.
    ///
    /// `kind` is the type of its spans, and `database` the value of `DBType`, or empty.
    pub fn stats_group<'a>(&self, kind: &str, resource: &'a str, database: &str) -> Cow<'a, str> {
        match kind {
            "sql" | "cassandra" if !resource.is_empty() => {
                let statement = self.sql.obfuscate(resource, database);
                if statement.text() == resource {
                    Cow::Borrowed(resource)
                } else {
                    Cow::Owned(statement.text().to_owned())
                }
            }
            "redis" | "valkey" => redis::quantize(resource),
            _ => Cow::Borrowed(resource),
        }
    }

    fn sql_span(&self, span: &mut Span<'_>) {
        let database = span.tag("db.type").unwrap_or_default().to_owned();
        for key in STATEMENTS {
            change(&mut span.meta, key, |text| self.statement(text, &database));
        }
        if span.resource.is_empty() {
            change(&mut span.meta, "sql.query", |text| {
                self.statement(text, &database)
            });
            return;
        }
        let statement = self.sql.obfuscate(&span.resource, &database);
        let text = statement.text();
        if span.resource != text {
            span.resource = Text::Owned(text.to_owned());
        }
        // Whatever the key holds in front of it would travel too.
        span.meta.remove("sql.query");
        span.meta.push("sql.query", Text::Owned(text.to_owned()));
        if !statement.tables.is_empty() {
            span.meta
                .insert("sql.tables", Text::Owned(statement.tables.to_string()));
        }
    }

    /// A statement in a tag, without its values.
    fn statement<'t>(&self, text: &'t str, database: &str) -> Cow<'t, str> {
        if text.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(self.sql.obfuscate(text, database).text().to_owned())
    }

    fn redis_span(&self, span: &mut Span<'_>, raw: &str, options: Redis) {
        if let Cow::Owned(names) = redis::quantize(&span.resource) {
            span.resource = Text::Owned(names);
        }
        if !options.enabled {
            return;
        }
        change(&mut span.meta, raw, |commands| {
            Cow::Owned(if options.remove_all_args {
                redis::remove_all_args(commands)
            } else {
                redis::obfuscate(commands)
            })
        });
    }

    fn memcached_span(&self, span: &mut Span<'_>) {
        let options = self.config.memcached;
        if !options.enabled {
            return;
        }
        change(&mut span.meta, "memcached.command", |command| {
            Cow::Borrowed(if options.keep_command {
                memcached::first_line(command)
            } else {
                ""
            })
        });
    }

    fn document(&self, span: &mut Span<'_>, key: &str, json: &json::Json) {
        change(&mut span.meta, key, |document| {
            Cow::Owned(json.obfuscate(document, &self.sql))
        });
    }

    fn card_numbers(&self, span: &mut Span<'_>) {
        for (key, value) in span.meta.iter_mut() {
            if cards::is_card_number(value, self.check_digit) && self.may_hold_card(key) {
                *value = Text::Borrowed("?");
            }
        }
        for event in &mut span.events {
            self.card_numbers_of_event(event);
        }
    }

    fn card_numbers_of_event(&self, event: &mut Event<'_>) {
        for (key, value) in event.attributes.iter_mut() {
            let scalars = match value {
                Value::Scalar(scalar) => std::slice::from_mut(scalar),
                Value::Array(scalars) => scalars.as_mut_slice(),
            };
            for scalar in scalars {
                if self.is_card_number(scalar) && self.may_hold_card(key) {
                    *scalar = Scalar::String(Text::Borrowed("?"));
                }
            }
        }
    }

    fn is_card_number(&self, scalar: &Scalar<'_>) -> bool {
        let number = match scalar {
            Scalar::String(text) => return cards::is_card_number(text, self.check_digit),
            Scalar::Bool(_) => return false,
            Scalar::Int(number) => number.unsigned_abs(),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped: what is larger than any card number stays so, and what has a fraction is none"
            )]
            Scalar::Double(number) if number.fract() == 0.0 => number.abs() as u64,
            Scalar::Double(_) => return false,
        };
        number >= SMALLEST_CARD && cards::is_card_number(&number.to_string(), self.check_digit)
    }

    fn may_hold_card(&self, key: &str) -> bool {
        let kept = &self.config.credit_cards.keep_values;
        !cards::is_safe_key(key) && !kept.iter().any(|kept| kept == key)
    }
}

/// Changes the values of a key, all of them if a body holds it several times.
fn change<'a>(
    meta: &mut Map<'a, Text<'a>>,
    key: &str,
    mut rule: impl for<'t> FnMut(&'t str) -> Cow<'t, str>,
) {
    for (found, value) in meta.iter_mut() {
        if found != key || value.is_empty() {
            continue;
        }
        let changed = rule(value);
        if changed != value.as_ref() {
            *value = Text::Owned(changed.into_owned());
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(any(test, fuzzing))]
pub mod checks;
