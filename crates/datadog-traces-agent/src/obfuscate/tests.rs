//! Spans of each type, and groups of stats.

use std::path::Path;

use super::*;

fn span<'a>(kind: &'a str, resource: &'a str, meta: &[(&'a str, &'a str)]) -> Span<'a> {
    Span {
        kind: kind.into(),
        resource: resource.into(),
        meta: meta
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        ..Span::default()
    }
}

#[track_caller]
fn check<'a>(config: Config, mut given: Span<'a>, resource: &str, meta: &[(&'a str, &'a str)]) {
    Obfuscator::new(config).span(&mut given);
    assert_eq!(given.resource, resource);
    let found: Vec<_> = given
        .meta
        .iter()
        .map(|(key, value)| (key.as_ref(), value.as_ref()))
        .collect();
    assert_eq!(found, meta);
}

#[test]
fn resources_of_sql_spans_are_statements_without_values() {
    for kind in ["sql", "cassandra"] {
        check(
            Config::default(),
            span(
                kind,
                "SELECT 1 FROM t",
                &[("a", "b"), ("sql.query", "SELECT 2")],
            ),
            "SELECT ? FROM t",
            &[("a", "b"), ("sql.query", "SELECT ? FROM t")],
        );
    }
    check(
        Config::default(),
        span("sql", "SELECT 'open", &[]),
        "Non-parsable SQL query",
        &[("sql.query", "Non-parsable SQL query")],
    );
    check(
        Config {
            sql: Sql {
                table_names: true,
                ..Sql::default()
            },
            ..Config::default()
        },
        span("sql", "SELECT 1 FROM t JOIN u", &[]),
        "SELECT ? FROM t JOIN u",
        &[
            ("sql.query", "SELECT ? FROM t JOIN u"),
            ("sql.tables", "t,u"),
        ],
    );
}

#[test]
fn statements_in_tags_are_obfuscated_by_themselves() {
    check(
        Config::default(),
        span(
            "sql",
            "",
            &[
                ("sql.query", "SELECT 1"),
                ("db.statement", "SELECT 'a'"),
                ("db.query.text", "SELECT 'open"),
            ],
        ),
        "",
        &[
            ("sql.query", "SELECT ?"),
            ("db.statement", "SELECT ?"),
            ("db.query.text", "Non-parsable SQL query"),
        ],
    );
}

#[test]
fn the_type_of_database_is_a_tag() {
    check(
        Config::default(),
        span("sql", "SELECT [a b] FROM t", &[("db.type", "mssql")]),
        "SELECT a b FROM t",
        &[("db.type", "mssql"), ("sql.query", "SELECT a b FROM t")],
    );
}

#[test]
fn commands_of_redis_and_valkey_lose_their_values() {
    for (kind, raw) in [
        ("redis", "redis.raw_command"),
        ("valkey", "valkey.raw_command"),
    ] {
        check(
            Config::default(),
            span(kind, "set k v", &[(raw, "set k v")]),
            "SET",
            &[(raw, "set k ?")],
        );
        let options = |redis| Config {
            redis,
            valkey: redis,
            ..Config::default()
        };
        let remove_all_args = Redis {
            remove_all_args: true,
            ..Redis::default()
        };
        check(
            options(remove_all_args),
            span(kind, "get k", &[(raw, "get k")]),
            "GET",
            &[(raw, "get ?")],
        );
        let disabled = Redis {
            enabled: false,
            ..Redis::default()
        };
        check(
            options(disabled),
            span(kind, "set k v", &[(raw, "set k v")]),
            "SET",
            &[(raw, "set k v")],
        );
    }
}

#[test]
fn commands_of_memcached_lose_their_values_or_go() {
    let key = "memcached.command";
    let given = || span("memcached", "r", &[(key, "set k 0 0 1\r\nv\r\n")]);
    let options = |memcached| Config {
        memcached,
        ..Config::default()
    };
    check(Config::default(), given(), "r", &[(key, "")]);
    let keep_command = Memcached {
        keep_command: true,
        ..Memcached::default()
    };
    check(options(keep_command), given(), "r", &[(key, "set k 0 0 1")]);
    let disabled = Memcached {
        enabled: false,
        ..Memcached::default()
    };
    check(
        options(disabled),
        given(),
        "r",
        &[(key, "set k 0 0 1\r\nv\r\n")],
    );
}

#[test]
fn documents_of_databases_lose_their_values() {
    let cases = [
        ("mongodb", "mongodb.query"),
        ("elasticsearch", "elasticsearch.body"),
        ("elasticsearch", "opensearch.body"),
        ("opensearch", "elasticsearch.body"),
        ("opensearch", "opensearch.body"),
    ];
    for (kind, key) in cases {
        let given = || span(kind, "r", &[(key, r#"{"a": 1}"#)]);
        check(Config::default(), given(), "r", &[(key, r#"{"a":"?"}"#)]);
        let disabled = Json {
            enabled: false,
            ..Json::default()
        };
        let config = Config {
            mongodb: disabled.clone(),
            elasticsearch: disabled.clone(),
            opensearch: disabled,
            ..Config::default()
        };
        check(config, given(), "r", &[(key, r#"{"a": 1}"#)]);
    }
}

#[test]
fn urls_of_web_spans_lose_their_users() {
    let http = Http {
        remove_query_string: true,
        remove_paths_with_digits: true,
    };
    for kind in ["web", "http"] {
        let given = || span(kind, "r", &[("http.url", "http://u:p@h/1?q")]);
        check(
            Config::default(),
            given(),
            "r",
            &[("http.url", "http://h/1?q")],
        );
        let config = Config {
            http,
            ..Config::default()
        };
        check(config, given(), "r", &[("http.url", "http://h/??")]);
    }
}

#[test]
fn a_key_that_comes_twice_is_obfuscated_twice() {
    let url = "http://u:p@h/";
    check(
        Config::default(),
        span("web", "r", &[("http.url", url), ("http.url", url)]),
        "r",
        &[("http.url", "http://h/"), ("http.url", "http://h/")],
    );
    check(
        Config::default(),
        span("sql", "SELECT 1", &[("sql.query", "a"), ("sql.query", "b")]),
        "SELECT ?",
        &[("sql.query", "SELECT ?")],
    );
}

#[test]
fn spans_of_other_types_stay_as_they_are() {
    let meta = [
        ("http.url", "http://u:p@h/"),
        ("sql.query", "SELECT 1"),
        ("redis.raw_command", "SET k v"),
    ];
    check(
        Config::default(),
        span("custom", "SELECT 1", &meta),
        "SELECT 1",
        &meta,
    );
}

#[test]
fn card_numbers_go_unless_their_key_is_safe() {
    let card = "4111 1111 1111 1111";
    let meta = [("card", card), ("env", card), ("_a", card), ("mine", card)];
    let config = |enabled, luhn, keep: &str| Config {
        credit_cards: CreditCards {
            enabled,
            luhn,
            keep_values: vec![keep.to_owned()],
        },
        ..Config::default()
    };
    check(
        config(true, false, "mine"),
        span("web", "r", &meta),
        "r",
        &[("card", "?"), ("env", card), ("_a", card), ("mine", card)],
    );
    check(
        config(false, false, ""),
        span("web", "r", &meta),
        "r",
        &meta,
    );
    let wrong = [("card", "4111111111111112")];
    check(
        config(true, true, ""),
        span("web", "r", &wrong),
        "r",
        &wrong,
    );
    check(
        config(true, false, ""),
        span("web", "r", &wrong),
        "r",
        &[("card", "?")],
    );
}

#[test]
fn card_numbers_go_from_attributes_of_events() {
    let string = |text: &'static str| Scalar::String(text.into());
    let mut given = span("web", "r", &[]);
    let mut event = Event::default();
    let attributes = [
        ("text", Value::Scalar(string("4111111111111111"))),
        ("int", Value::Scalar(Scalar::Int(4_111_111_111_111_111))),
        (
            "double",
            Value::Scalar(Scalar::Double(4_111_111_111_111_111.0)),
        ),
        ("small", Value::Scalar(Scalar::Int(4_111))),
        ("fraction", Value::Scalar(Scalar::Double(411_111_111_111.5))),
        ("infinite", Value::Scalar(Scalar::Double(f64::INFINITY))),
        (
            "array",
            Value::Array(vec![Scalar::Int(378_282_246_310_005), Scalar::Bool(true)]),
        ),
        ("env", Value::Scalar(string("4111111111111111"))),
    ];
    event.attributes = attributes
        .into_iter()
        .map(|(key, value)| (key.into(), value))
        .collect();
    given.events.push(event);
    Obfuscator::new(Config::default()).span(&mut given);
    let found: Vec<_> = given.events[0]
        .attributes
        .iter()
        .map(|(_, value)| value.clone())
        .collect();
    assert_eq!(
        found,
        [
            Value::Scalar(string("?")),
            Value::Scalar(string("?")),
            Value::Scalar(string("?")),
            Value::Scalar(Scalar::Int(4_111)),
            Value::Scalar(Scalar::Double(411_111_111_111.5)),
            Value::Scalar(Scalar::Double(f64::INFINITY)),
            Value::Array(vec![string("?"), Scalar::Bool(true)]),
            Value::Scalar(string("4111111111111111")),
        ]
    );
}

#[test]
fn groups_of_stats_are_obfuscated_as_resources_are() {
    let obfuscator = Obfuscator::new(Config::default());
    for (kind, resource, expect) in [
        ("sql", "SELECT 1", "SELECT ?"),
        ("cassandra", "SELECT 'open", "Non-parsable SQL query"),
        ("sql", "", ""),
        ("redis", "get k", "GET"),
        ("valkey", "GET a\nSET b\nDEL c", "GET SET DEL ..."),
        ("web", "GET /1", "GET /1"),
    ] {
        assert_eq!(obfuscator.stats_group(kind, resource, ""), expect);
    }
    assert!(matches!(
        obfuscator.stats_group("sql", "SELECT ?", ""),
        Cow::Borrowed(_)
    ));
    assert_eq!(
        obfuscator.stats_group("sql", "SELECT [a b]", "mssql"),
        "SELECT a b"
    );
}

#[test]
fn threads_share_an_obfuscator() {
    let obfuscator = Obfuscator::new(Config::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for index in 0..200 {
                    let statement = format!("SELECT a{} FROM t WHERE b = 1", index % 20);
                    let expect = format!("SELECT a{} FROM t WHERE b = ?", index % 20);
                    assert_eq!(obfuscator.stats_group("sql", &statement, ""), expect);
                }
            });
        }
    });
}

#[test]
fn the_corpus_of_the_fuzzer_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/traces_obfuscate");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::text(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 8, "the corpus is where it should be");
}

proptest::proptest! {
    #[test]
    fn any_text_keeps_the_promises(choice: u8, text in ".*|[a-zA-Z0-9 '\"`$#@:;,()\\[\\]{}<>=!?*./\\\\\n-]*") {
        checks::text(&[&[choice], text.as_bytes()].concat());
    }
}
