//! What must hold of obfuscated texts, whatever they were: run by the fuzz target on bytes it makes up, and by tests.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use super::cards::{CheckDigit, is_card_number};
use super::config;
use super::{json, memcached, quantize_peers, redis, sql, url};

/// Obfuscates a text that follows a byte which chooses how.
pub fn text(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    let options = choice >> 3;
    match choice & 7 {
        0 | 1 => statement(&text, options),
        2 => commands(&text),
        3 | 4 => document(&text),
        5 => address(&text, options),
        6 => card(&text),
        _ => peers(&text),
    }
}

fn statement(text: &str, options: u8) {
    let has = |bit: u8| options & (1 << bit) != 0;
    let sql = sql::Sql::new(&config::Sql {
        mode: match options & 3 {
            0 => config::SqlMode::Legacy,
            1 => config::SqlMode::ObfuscateOnly,
            2 => config::SqlMode::NormalizeOnly,
            _ => config::SqlMode::ObfuscateAndNormalize,
        },
        table_names: has(2),
        replace_digits: has(3),
        keep_sql_alias: has(4),
        dollar_quoted_func: has(2),
        cache_bytes: 100_000,
    });
    for database in ["", "mssql", "mysql", "postgresql"] {
        let made = sql.obfuscate(text, database);
        assert!(!made.text().is_empty());
        let remembered = sql.obfuscate(text, database);
        assert_eq!(made, remembered);
    }
}

fn commands(text: &str) {
    let names = redis::quantize(text);
    if !names.contains(' ') {
        assert_eq!(redis::quantize(&names), names);
    }
    redis::obfuscate(text);
    let removed = redis::remove_all_args(text);
    assert_eq!(redis::remove_all_args(&removed), removed);
    let line = memcached::first_line(text);
    assert_eq!(memcached::first_line(line), line);
}

fn document(text: &str) {
    let rules = |keep: &str, sql: &str| {
        json::Json::new(&config::Json {
            enabled: true,
            keep_values: vec![keep.to_owned()],
            obfuscate_sql_values: vec![sql.to_owned()],
        })
    };
    let sql = sql::Sql::new(&config::Sql::default());
    let hidden = rules("", "").obfuscate(text, &sql);
    let mixed = rules("a", "b").obfuscate(text, &sql);
    // Its readers refuse numbers that are too large, and what is nested deeper than this.
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        for obfuscated in [&hidden, &mixed] {
            if let Err(error) = serde_json::from_str::<serde_json::Value>(obfuscated) {
                panic!("{obfuscated}: {error}");
            }
        }
        if !text.contains("\"\"") {
            assert_eq!(rules("", "").obfuscate(&hidden, &sql), hidden);
        }
    }
}

fn address(text: &str, options: u8) {
    for remove_query_string in [false, true] {
        let options = config::Http {
            remove_query_string,
            remove_paths_with_digits: false,
        };
        let once = url::obfuscate(text, options);
        assert_eq!(url::obfuscate(&once, options), once);
    }
    url::obfuscate(
        text,
        config::Http {
            remove_query_string: options & 1 != 0,
            remove_paths_with_digits: true,
        },
    );
}

fn card(text: &str) {
    let any = is_card_number(text, CheckDigit::Ignored);
    let right = is_card_number(text, CheckDigit::Right);
    assert!(any || !right, "a right check digit is a digit");
    if any {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        assert!((12..=16).contains(&digits));
    }
}

fn peers(text: &str) {
    let once = quantize_peers(text);
    assert!(once.split(',').count() <= text.split(',').count());
}
