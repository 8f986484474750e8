//! Commands and what is left of them.

use super::*;

#[test]
fn resources_become_names_of_commands() {
    for (commands, names) in [
        ("GET a\nSET b c\nDEL d\nINCR e", "GET SET DEL ..."),
        ("CLIENT LIST", "CLIENT LIST"),
        ("client  list", "CLIENT LIST"),
        ("CLIENT", "CLIENT"),
        ("GET", "GET"),
        ("get key", "GET"),
        ("", ""),
        ("  \n \n", ""),
        ("\n  GET  a \n\nset b", "GET SET"),
        ("GET a\nSET b", "GET SET"),
        ("GET a\nSET b\nDEL c", "GET SET DEL ..."),
        ("GET k...", "GET"),
        ("GE...", "..."),
        ("GET a\nSE...", "GET ..."),
        ("SE...\nGET a", "GET"),
        ("CONFIG SE...", "..."),
        ("CONFIG SET x y...", "CONFIG SET"),
        ("größe a", "GRÖßE"),
    ] {
        assert_eq!(quantize(commands), names, "{commands:?}");
    }
}

#[test]
fn a_name_in_capitals_is_not_copied() {
    assert!(matches!(quantize("GET"), Cow::Borrowed("GET")));
}

#[test]
fn values_of_raw_commands_become_question_marks() {
    for (raw, expect) in [
        ("SET k v", "SET k ?"),
        ("AUTH u p", "AUTH ?"),
        ("HSET h f1 v1 f2 v2", "HSET h f1 ? f2 ?"),
        ("MSET a 1 b 2", "MSET a ? b ?"),
        ("ZADD k NX 1 m", "ZADD k NX 1 ?"),
        ("ZADD k nx ch 1 m 2 n", "ZADD k nx ch 1 ? 2 ?"),
        ("ZADD k GT 1 m", "ZADD k GT 1 ?"),
        ("ZADD k", "ZADD k"),
        ("auth password", "auth ?"),
        ("AUTH", "AUTH"),
        ("HELLO 3 AUTH u p", "HELLO ?"),
        ("MIGRATE h 6379 k 0 5000 AUTH p", "MIGRATE ?"),
        ("ACL SETUSER u on >p", "ACL SETUSER ?"),
        ("ACL LIST", "ACL LIST"),
        ("HSETNX h f v", "HSETNX h f ?"),
        ("SETEX k 10 v", "SETEX k 10 ?"),
        ("LINSERT k BEFORE p v", "LINSERT k BEFORE p ?"),
        ("SADD k a b c", "SADD k ?"),
        ("SADD k", "SADD k"),
        ("GEOADD k 1 2 m 3 4 n", "GEOADD k 1 2 ? 3 4 ?"),
        ("CONFIG SET requirepass p", "CONFIG SET requirepass ?"),
        ("CONFIG GET requirepass", "CONFIG GET requirepass"),
        (
            "BITFIELD k SET i5 100 7 GET u4 0 SET i5 200 8",
            "BITFIELD k SET i5 100 ? GET u4 0 SET i5 200 ?",
        ),
        ("GET k", "GET k"),
        ("EXPIRE k 10", "EXPIRE k 10"),
    ] {
        assert_eq!(obfuscate(raw), expect, "{raw:?}");
    }
}

#[test]
fn quotes_hold_an_argument_together() {
    for (raw, expect) in [
        ("SET k \"a b\nc\" EX 5", "SET k ? EX 5"),
        ("SET k \"a \\\" b\" EX 5", "SET k ? EX 5"),
        ("SET k \"a \\\\\" EX 5", "SET k ? EX 5"),
        ("SET k \"open EX 5", "SET k ?"),
        ("GET \"a b\"  \t c", "GET \"a b\" c"),
    ] {
        assert_eq!(obfuscate(raw), expect, "{raw:?}");
    }
}

#[test]
fn each_line_is_a_command() {
    for (raw, expect) in [
        ("SET a 1\nSET b 2", "SET a ?\nSET b ?"),
        ("  SET a 1  \r\n\n  GET b  ", "SET a ?\nGET b"),
        ("MULTI\nSET a 1\nEXEC", "MULTI\nSET a ?\nEXEC"),
        ("", ""),
    ] {
        assert_eq!(obfuscate(raw), expect, "{raw:?}");
    }
}

#[test]
fn all_arguments_can_go() {
    for (raw, expect) in [
        ("GET key", "GET ?"),
        ("SET k v EX 5", "SET ?"),
        ("PING", "PING"),
        ("", ""),
        ("CONFIG set p v", "CONFIG set ?"),
        ("CONFIG OTHER p", "CONFIG ?"),
        (
            "bitfield k SET i5 1 2 get u4 0 OVERFLOW WRAP INCRBY u2 1 1",
            "bitfield ? SET ? get ? INCRBY ?",
        ),
    ] {
        assert_eq!(remove_all_args(raw), expect, "{raw:?}");
    }
}
