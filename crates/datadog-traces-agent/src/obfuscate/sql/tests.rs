//! Statements and what is left of them.

use super::*;

#[track_caller]
fn check(statement: &str, expect: &str) {
    let sql = Sql::new(&config::Sql::default());
    assert_eq!(sql.obfuscate(statement, "").text(), expect);
}

#[track_caller]
fn check_with(config: config::Sql, statement: &str, expect: &str) {
    assert_eq!(Sql::new(&config).obfuscate(statement, "").text(), expect);
}

#[test]
fn values_become_question_marks() {
    check(
        "SELECT * FROM users WHERE id = 42 AND name = 'bob'",
        "SELECT * FROM users WHERE id = ? AND name = ?",
    );
    check(
        "INSERT INTO t (a,b) VALUES (1,2),(3,4)",
        "INSERT INTO t ( a, b ) VALUES ( ? )",
    );
    check("SELECT a AS b FROM t -- c", "SELECT a FROM t");
    check(
        "SELECT * FROM t WHERE x IN (1, 2, 3)",
        "SELECT * FROM t WHERE x IN ( ? )",
    );
    check(
        "UPDATE t SET a=NULL, b=true WHERE c=$1",
        "UPDATE t SET a = ? b = ? WHERE c = ?",
    );
    check(
        "select * from t where a = \"x\"",
        "select * from t where a = ?",
    );
    check(
        "SELECT \"col\" FROM [tbl] LIMIT 10;",
        "SELECT col FROM [ tbl ] LIMIT ?",
    );
}

#[test]
fn what_ends_within_a_literal_is_not_parsable() {
    check("SELECT 'open", NON_PARSABLE);
    check("SELECT \"open", NON_PARSABLE);
    check("SELECT `open", NON_PARSABLE);
    check("SELECT a /* open", NON_PARSABLE);
    check("SELECT 'a''", NON_PARSABLE);
    check("SELECT 'a\\", NON_PARSABLE);
}

#[test]
fn what_leaves_nothing_is_not_parsable() {
    for statement in [" ", "-- secret", "/* secret */", "# secret"] {
        check(statement, NON_PARSABLE);
    }
}

#[test]
fn quotes_in_comments_and_names_open_no_literal() {
    check("SELECT a -- it's\nFROM t", "SELECT a FROM t");
    check("SELECT a // it's\nFROM t", "SELECT a FROM t");
    check("SELECT a # it's\nFROM t", "SELECT a FROM t");
    check("SELECT *# it's\nFROM t", "SELECT * FROM t");
    check("SELECT a /* it's */ FROM t", "SELECT a FROM t");
    check("SELECT $$it's$$", "SELECT ?");
    check("SELECT $tag$it's $$ $tag$ FROM t", "SELECT ? FROM t");
}

#[test]
fn a_backslash_escapes_a_quote() {
    check(
        "SELECT 'it\\'s' FROM t WHERE a = 'x\\' secret'",
        "SELECT ? FROM t WHERE a = ?",
    );
    check("SELECT 'a\\\\' FROM t", "SELECT ? FROM t");
    check("SELECT \"a\\\"b\" FROM t", "SELECT a\"b FROM t");
    check("SELECT `a\\`b` FROM t", "SELECT a`b FROM t");
}

#[test]
fn a_backslash_is_literal_where_nothing_else_makes_sense_and_from_then_on() {
    let sql = Sql::new(&config::Sql::default());
    assert_eq!(
        sql.obfuscate("SELECT 'C:\\' FROM t", "").text(),
        "SELECT ? FROM t"
    );
    // Both meanings are possible here: one literal, or two and a name between.
    let both = "SELECT 'a\\' , x , \\' b' FROM t";
    let is_literal = |statement| sql.obfuscate(statement, "").text().contains('x');
    check(both, "SELECT ? FROM t");
    assert!(is_literal(both));
    // Only the other is possible here.
    assert_eq!(
        sql.obfuscate("SELECT 'it\\'s' FROM t", "").text(),
        "SELECT ? FROM t"
    );
    assert!(!is_literal("SELECT 'b\\' , x , \\' c' FROM t"));
}

#[test]
fn literals_that_are_kept_stay_as_they_are() {
    let config = config::Sql {
        mode: config::SqlMode::NormalizeOnly,
        ..config::Sql::default()
    };
    check_with(
        config.clone(),
        "SELECT  a  FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = 'x'",
    );
    check_with(
        config,
        "SELECT a FROM t WHERE b = 'it\\'s'",
        "SELECT a FROM t WHERE b = 'it''s'",
    );
}

#[test]
fn the_other_modes_keep_what_they_are_named_for() {
    let with = |mode| config::Sql {
        mode,
        ..config::Sql::default()
    };
    let statement = "SELECT a AS b FROM t WHERE c IN (1, 2)";
    check_with(
        with(config::SqlMode::ObfuscateOnly),
        statement,
        "SELECT a AS b FROM t WHERE c IN (?, ?)",
    );
    check_with(
        with(config::SqlMode::ObfuscateAndNormalize),
        statement,
        "SELECT a FROM t WHERE c IN ( ? )",
    );
}

#[test]
fn options_change_names_and_aliases() {
    check_with(
        config::Sql {
            replace_digits: true,
            ..config::Sql::default()
        },
        "SELECT * FROM sales_2019_07",
        "SELECT * FROM sales_?_?",
    );
    check_with(
        config::Sql {
            keep_sql_alias: true,
            ..config::Sql::default()
        },
        "SELECT a AS b FROM t",
        "SELECT a AS b FROM t",
    );
    let functions = config::Sql {
        dollar_quoted_func: true,
        ..config::Sql::default()
    };
    check_with(
        functions.clone(),
        "SELECT $func$INSERT INTO t VALUES ('a\\' secret', 1)$func$ FROM u",
        "SELECT $func$INSERT INTO t VALUES ( ? )$func$ FROM u",
    );
    check_with(
        functions,
        "SELECT $func$it's open$func$ FROM u",
        "SELECT ? FROM u",
    );
}

#[test]
fn the_database_decides_what_brackets_and_hashes_are() {
    let sql = Sql::new(&config::Sql::default());
    assert_eq!(
        sql.obfuscate("SELECT [it's] FROM #temp", "mssql").text(),
        "SELECT it's FROM #temp"
    );
    assert_eq!(
        sql.obfuscate("SELECT a #> 'x' FROM t", "PostgreSQL").text(),
        "SELECT a #> ? FROM t"
    );
}

#[test]
fn tables_are_named_once_each() {
    let sql = Sql::new(&config::Sql {
        table_names: true,
        ..config::Sql::default()
    });
    let tables = |statement| sql.obfuscate(statement, "").tables.to_string();
    assert_eq!(
        tables("SELECT * FROM users, x JOIN orders ON a = 1 JOIN users u ON b = 2"),
        "users,orders"
    );
    assert_eq!(tables("INSERT INTO t (a) VALUES (1)"), "t");
    assert_eq!(
        tables("SELECT * FROM (SELECT 1 FROM inner_table)"),
        "inner_table"
    );
    assert_eq!(tables("SELECT 'open"), "");
}

#[test]
fn a_million_dollars_are_given_up_on() {
    // Every one might open a text that never ends.
    let hostile: String = (0..200_000).map(|index| format!("$a{index} ")).collect();
    check(&hostile, NON_PARSABLE);
    check("SELECT $action, $b FROM t", "SELECT $action, $b FROM t");
}

#[test]
fn a_million_quotes_are_read_once() {
    let sql = Sql::new(&config::Sql::default());
    let literals = sql.obfuscate(&"'\\'a".repeat(1 << 20), "");
    assert!(literals.text().starts_with("? a ? a ? a"));
    let open = ["{'", &"\\'".repeat(1 << 20)].concat();
    check(&open, NON_PARSABLE);
}
