//! Each recogniser with what it takes and what it nearly takes, and the laws that hold for any bytes.

use std::path::Path;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn tokenize(line: &[u8]) -> Tokens {
    let mut tokenizer = Tokenizer::new(1, Limits::default());
    tokenizer.tokenize(line).unwrap();
    tokenizer.tokens().clone()
}

fn signature(line: &str) -> u64 {
    tokenize(line.as_bytes()).signature()
}

/// One space is `Space`, punctuation stands for itself, a digit in a word adds `#` and unprintable bytes `!`.
fn render(line: &[u8]) -> String {
    let tokens = tokenize(line);
    let pieces = (0..tokens.len()).map(|index| {
        let text = visible(&String::from_utf8_lossy(&line[tokens.range(index)]));
        let mut piece = match (tokens.kind(index), text.as_str()) {
            (Kind::Special, _) => text,
            (Kind::Space, " ") => "Space".to_owned(),
            (kind, _) => format!("{kind:?}({text})"),
        };
        for (flag, mark) in [(Flags::HAS_DIGIT, '#'), (Flags::NOT_PLAIN, '!')] {
            if tokens.flags(index).contains(flag) {
                piece.push(mark);
            }
        }
        piece
    });
    pieces.collect::<Vec<_>>().join(" ")
}

/// The text with its control characters escaped.
fn visible(text: &str) -> String {
    let escape = |character: char| match character.is_control() {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Each line with its tokens on the line below.
#[track_caller]
fn check(lines: &[&str], expect: Expect) {
    let rendered: Vec<String> = lines
        .iter()
        .map(|line| {
            format!("{line:?}\n    {}", render(line.as_bytes()))
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect();
    expect.assert_eq(&rendered.concat());
}

#[test]
fn words_spaces_and_punctuation_are_told_apart() {
    check(
        &[
            "",
            "   ",
            "Hello World",
            "User 123 logged in",
            "status:ok level:info count:42",
            "a\t b",
            "a\r\nb",
            "caf\u{e9}_1 \u{1f600}",
            "\u{1b}[31mERR\u{1b}[0m x=1",
            "a\0b\u{7f}",
        ],
        expect![[r#"
            ""
            "   "
                Space(   )
            "Hello World"
                Word(Hello) Space Word(World)
            "User 123 logged in"
                Word(User) Space Number(123) Space Word(logged) Space Word(in)
            "status:ok level:info count:42"
                Word(status) : Word(ok) Space Word(level) : Severity(info) Space Word(count) : Number(42)
            "a\t b"
                Word(a) Space(\t ) Word(b)
            "a\r\nb"
                Word(a) Space(\r\n)! Word(b)
            "café_1 😀"
                Word(café_1)#! Space Word(😀)!
            "\u{1b}[31mERR\u{1b}[0m x=1"
                \u{1b}! [ Word(31mERR)# \u{1b}! [ Number(0m) Space Word(x) = Number(1)
            "a\0b\u{7f}"
                Word(a) \u{0}! Word(b) \u{7f}!
        "#]],
    );
}

#[test]
fn severities_are_whole_words_in_any_case() {
    check(
        &[
            "ERROR Failed to connect",
            "[warn] Info: NOTICE,err",
            "EMERG emergency Crit CRITICAL alert",
            "panic() fatal.",
            "TRACE debug Warning",
            "errors ERROR_CODE information mywarn warn2 err\u{f6}r",
        ],
        expect![[r#"
            "ERROR Failed to connect"
                Severity(ERROR) Space Word(Failed) Space Word(to) Space Word(connect)
            "[warn] Info: NOTICE,err"
                [ Severity(warn) ] Space Severity(Info) : Space Severity(NOTICE) , Severity(err)
            "EMERG emergency Crit CRITICAL alert"
                Severity(EMERG) Space Severity(emergency) Space Severity(Crit) Space Severity(CRITICAL) Space Severity(alert)
            "panic() fatal."
                Severity(panic) ( ) Space Severity(fatal) .
            "TRACE debug Warning"
                Severity(TRACE) Space Severity(debug) Space Severity(Warning)
            "errors ERROR_CODE information mywarn warn2 errör"
                Word(errors) Space Word(ERROR_CODE) Space Word(information) Space Word(mywarn) Space Word(warn2)# Space Word(errör)!
        "#]],
    );
}

#[test]
fn methods_and_statuses_of_http_are_told_from_words_and_numbers() {
    check(
        &[
            "GET /api/users 200",
            "\"GET / HTTP/1.1\" 200 512",
            "'POST /x HTTP/2' 404 -",
            "HTTP/1.1 503 Service Unavailable",
            "HTTP/2 200",
            "PUT https://h.example/x 204",
            "GET /x 5ms GET /x 1.5 GET /x 50%",
            "get 200",
            "GETS 200",
            "wait \"x\" 200",
            "GET / 99 600 200",
            "\"GET / HTTP/1.1\" 600 2000",
            "200",
        ],
        expect![[r#"
            "GET /api/users 200"
                HttpMethod(GET) Space Path(/api/users) Space HttpStatus(200)
            "\"GET / HTTP/1.1\" 200 512"
                " HttpMethod(GET) Space Path(/) Space Word(HTTP) / Number(1.1) " Space HttpStatus(200) Space Number(512)
            "'POST /x HTTP/2' 404 -"
                ' HttpMethod(POST) Space Path(/x) Space Word(HTTP) / Number(2) ' Space HttpStatus(404) Space -
            "HTTP/1.1 503 Service Unavailable"
                Word(HTTP) / Number(1.1) Space HttpStatus(503) Space Word(Service) Space Word(Unavailable)
            "HTTP/2 200"
                Word(HTTP) / Number(2) Space HttpStatus(200)
            "PUT https://h.example/x 204"
                HttpMethod(PUT) Space Uri(https://h.example/x) Space HttpStatus(204)
            "GET /x 5ms GET /x 1.5 GET /x 50%"
                HttpMethod(GET) Space Path(/x) Space Number(5ms) Space HttpMethod(GET) Space Path(/x) Space Number(1.5) Space HttpMethod(GET) Space Path(/x) Space Number(50%)
            "get 200"
                Word(get) Space Number(200)
            "GETS 200"
                Word(GETS) Space Number(200)
            "wait \"x\" 200"
                Word(wait) Space " Quoted(x) " Space Number(200)
            "GET / 99 600 200"
                HttpMethod(GET) Space Path(/) Space Number(99) Space Number(600) Space Number(200)
            "\"GET / HTTP/1.1\" 600 2000"
                " HttpMethod(GET) Space Path(/) Space Word(HTTP) / Number(1.1) " Space Number(600) Space Number(2000)
            "200"
                Number(200)
        "#]],
    );
}

#[test]
fn timestamps_are_one_token_with_date_time_fraction_and_zone() {
    check(
        &[
            "Date: 2024-01-15",
            "Time 14:30:00",
            "Event 2024-01-15T10:30:45+00:00",
            "2024-01-15T10:30:45.123456789Z x",
            "2024-01-15 10:30:45,123 x",
            "2024-01-15 10:30:45.123 +0200 x",
            "2024-01-15T10:30Z",
            "2024-01-15 10:30:45-05,",
            "2005-06-03-15.49.36.156884 R",
            "2005.06.03 x",
            "2024/01/15 10:30:45",
            "2016/9/27:20:30:31.458 x",
            "17/06/09 20:10:40 x",
            "[Sun Dec 04 04:51:08 2005]",
            "[Sun Dec 04 04:51:08 UTC 2005]",
            "[17/May/2015:10:05:47 +0000]",
            "03-17 16:13:38.820 x",
            "Dec 10 06:55:46 host",
            "Jul  1 09:00:55 host",
            "Jan 5 2024 09:00:55 x",
            "Tue, 15 Nov 1994 08:12:31 GMT",
            "15 Nov 1994 08:12:31",
            "15-Nov-2024 08:12:31.007 x",
            "1/2/2024 3:04:05 PM",
            "15.01.2024 10:00:00 x",
            "I0115 10:30:45.123456 7",
            "20171223-22:15:29:606|x",
            "20240115T103045Z x",
            "2024-01-15, 10:00:00",
            "2024-01-15: x",
            "2024-01-15 10:30:31, Info",
        ],
        expect![[r#"
            "Date: 2024-01-15"
                Word(Date) : Space Timestamp(2024-01-15)
            "Time 14:30:00"
                Word(Time) Space Timestamp(14:30:00)
            "Event 2024-01-15T10:30:45+00:00"
                Word(Event) Space Timestamp(2024-01-15T10:30:45+00:00)
            "2024-01-15T10:30:45.123456789Z x"
                Timestamp(2024-01-15T10:30:45.123456789Z) Space Word(x)
            "2024-01-15 10:30:45,123 x"
                Timestamp(2024-01-15 10:30:45,123) Space Word(x)
            "2024-01-15 10:30:45.123 +0200 x"
                Timestamp(2024-01-15 10:30:45.123 +0200) Space Word(x)
            "2024-01-15T10:30Z"
                Timestamp(2024-01-15T10:30Z)
            "2024-01-15 10:30:45-05,"
                Timestamp(2024-01-15 10:30:45-05) ,
            "2005-06-03-15.49.36.156884 R"
                Timestamp(2005-06-03-15.49.36.156884) Space Word(R)
            "2005.06.03 x"
                Timestamp(2005.06.03) Space Word(x)
            "2024/01/15 10:30:45"
                Timestamp(2024/01/15 10:30:45)
            "2016/9/27:20:30:31.458 x"
                Timestamp(2016/9/27:20:30:31.458) Space Word(x)
            "17/06/09 20:10:40 x"
                Timestamp(17/06/09 20:10:40) Space Word(x)
            "[Sun Dec 04 04:51:08 2005]"
                [ Timestamp(Sun Dec 04 04:51:08 2005) ]
            "[Sun Dec 04 04:51:08 UTC 2005]"
                [ Timestamp(Sun Dec 04 04:51:08 UTC 2005) ]
            "[17/May/2015:10:05:47 +0000]"
                [ Timestamp(17/May/2015:10:05:47 +0000) ]
            "03-17 16:13:38.820 x"
                Timestamp(03-17 16:13:38.820) Space Word(x)
            "Dec 10 06:55:46 host"
                Timestamp(Dec 10 06:55:46) Space Word(host)
            "Jul  1 09:00:55 host"
                Timestamp(Jul  1 09:00:55) Space Word(host)
            "Jan 5 2024 09:00:55 x"
                Timestamp(Jan 5 2024 09:00:55) Space Word(x)
            "Tue, 15 Nov 1994 08:12:31 GMT"
                Timestamp(Tue, 15 Nov 1994 08:12:31) Space Word(GMT)
            "15 Nov 1994 08:12:31"
                Timestamp(15 Nov 1994 08:12:31)
            "15-Nov-2024 08:12:31.007 x"
                Timestamp(15-Nov-2024 08:12:31.007) Space Word(x)
            "1/2/2024 3:04:05 PM"
                Timestamp(1/2/2024 3:04:05) Space Word(PM)
            "15.01.2024 10:00:00 x"
                Timestamp(15.01.2024 10:00:00) Space Word(x)
            "I0115 10:30:45.123456 7"
                Timestamp(I0115 10:30:45.123456) Space Number(7)
            "20171223-22:15:29:606|x"
                Timestamp(20171223-22:15:29:606) | Word(x)
            "20240115T103045Z x"
                Timestamp(20240115T103045Z) Space Word(x)
            "2024-01-15, 10:00:00"
                Timestamp(2024-01-15, 10:00:00)
            "2024-01-15: x"
                Timestamp(2024-01-15) : Space Word(x)
            "2024-01-15 10:30:31, Info"
                Timestamp(2024-01-15 10:30:31) , Space Severity(Info)
        "#]],
    );
}

#[test]
fn what_nearly_is_a_timestamp_is_not() {
    check(
        &[
            "2024-13-15",
            "2024-00-15",
            "2024-01-32",
            "3024-01-15",
            "2024-01-15x",
            "2023.10.12.5",
            "25:30:00",
            "14:60:00",
            "14:30",
            "14:30:00x",
            "10-20",
            "03-17 16:13",
            "17/06/09",
            "Dec 10",
            "Dec 32 06:55:46",
            "Decem 10 06:55:46",
            "Sun Dec",
            "I0115 x",
            "I1315 10:30:45",
            "J0115 10:30:45",
            "081109 204005 1117838976",
            "10:00:00,5 items",
            "10:00:00-11:00:00",
            "2024-01-15 10 items",
            "10:00:00 -5",
        ],
        expect![[r#"
            "2024-13-15"
                Number(2024) - Number(13) - Number(15)
            "2024-00-15"
                Number(2024) - Number(00) - Number(15)
            "2024-01-32"
                Number(2024) - Number(01) - Number(32)
            "3024-01-15"
                Number(3024) - Number(01) - Number(15)
            "2024-01-15x"
                Number(2024) - Number(01) - Word(15x)#
            "2023.10.12.5"
                Number(2023.10) . Number(12.5)
            "25:30:00"
                Number(25) : Number(30) : Number(00)
            "14:60:00"
                Number(14) : Number(60) : Number(00)
            "14:30"
                Number(14) : Number(30)
            "14:30:00x"
                Number(14) : Number(30) : Word(00x)#
            "10-20"
                Number(10) - Number(20)
            "03-17 16:13"
                Number(03) - Number(17) Space Number(16) : Number(13)
            "17/06/09"
                Number(17) / Number(06) / Number(09)
            "Dec 10"
                Word(Dec) Space Number(10)
            "Dec 32 06:55:46"
                Word(Dec) Space Number(32) Space Timestamp(06:55:46)
            "Decem 10 06:55:46"
                Word(Decem) Space Number(10) Space Timestamp(06:55:46)
            "Sun Dec"
                Word(Sun) Space Word(Dec)
            "I0115 x"
                Word(I0115)# Space Word(x)
            "I1315 10:30:45"
                Word(I1315)# Space Timestamp(10:30:45)
            "J0115 10:30:45"
                Word(J0115)# Space Timestamp(10:30:45)
            "081109 204005 1117838976"
                Number(081109) Space Number(204005) Space Number(1117838976)
            "10:00:00,5 items"
                Timestamp(10:00:00) , Number(5) Space Word(items)
            "10:00:00-11:00:00"
                Timestamp(10:00:00) - Timestamp(11:00:00)
            "2024-01-15 10 items"
                Timestamp(2024-01-15) Space Number(10) Space Word(items)
            "10:00:00 -5"
                Timestamp(10:00:00) Space Number(-5)
        "#]],
    );
}

#[test]
fn numbers_have_sign_fraction_exponent_and_unit() {
    check(
        &[
            "after 30s",
            "007 +5 -0 1e400",
            "x=-1.5e-3,(+2)",
            "12ms 3.5GiB 4KB 50% 7d 8\u{b5}s 1h2m3.5s",
            "100 KB.",
            "[-7]",
            "3.10.5",
            "1.5E+10",
            "core.1626",
        ],
        expect![[r#"
            "after 30s"
                Word(after) Space Number(30s)
            "007 +5 -0 1e400"
                Number(007) Space Number(+5) Space Number(-0) Space Number(1e400)
            "x=-1.5e-3,(+2)"
                Word(x) = Number(-1.5e-3) , ( Number(+2) )
            "12ms 3.5GiB 4KB 50% 7d 8µs 1h2m3.5s"
                Number(12ms) Space Number(3.5GiB) Space Number(4KB) Space Number(50%) Space Number(7d) Space Number(8µs)! Space Number(1h2m3.5s)
            "100 KB."
                Number(100) Space Word(KB) .
            "[-7]"
                [ Number(-7) ]
            "3.10.5"
                Number(3.10) . Number(5)
            "1.5E+10"
                Number(1.5E+10)
            "core.1626"
                Word(core) . Number(1626)
        "#]],
    );
}

#[test]
fn what_nearly_is_a_number_is_not() {
    check(
        &[
            "a-5 10-20 5-",
            "30x 1e 1e+ 5seconds 0xg 1.5abc 50%20 1h2x",
            "--5 x+5 -a",
            "3_000 12\u{e9}",
        ],
        expect![[r#"
            "a-5 10-20 5-"
                Word(a-5)# Space Number(10) - Number(20) Space Number(5) -
            "30x 1e 1e+ 5seconds 0xg 1.5abc 50%20 1h2x"
                Word(30x)# Space Word(1e)# Space Word(1e)# + Space Word(5seconds)# Space Word(0xg)# Space Number(1) . Word(5abc)# Space Number(50) % Number(20) Space Word(1h2x)#
            "--5 x+5 -a"
                - - Number(5) Space Word(x) + Number(5) Space - Word(a)
            "3_000 12é"
                Word(3_000)# Space Word(12é)#!
        "#]],
    );
}

#[test]
fn hexadecimal_words_need_both_sorts_of_digits() {
    check(
        &[
            "0x1f 0XFF deadbeef01 7fed806eb5d0",
            "0x deadbeef 7fed806eb5d 1234567a8 1a2b3c 12345678",
            "00:1a:2b:3c:4d:5e 00:11:22:33:44:55.",
            "00:1a:2b:3c:4d 00:1a:2b:3c:4d:5g",
            "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
        ],
        expect![[r#"
            "0x1f 0XFF deadbeef01 7fed806eb5d0"
                Hex(0x1f) Space Hex(0XFF) Space Hex(deadbeef01) Space Hex(7fed806eb5d0)
            "0x deadbeef 7fed806eb5d 1234567a8 1a2b3c 12345678"
                Word(0x)# Space Word(deadbeef) Space Word(7fed806eb5d)# Space Word(1234567a8)# Space Word(1a2b3c)# Space Number(12345678)
            "00:1a:2b:3c:4d:5e 00:11:22:33:44:55."
                Hex(00:1a:2b:3c:4d:5e) Space Hex(00:11:22:33:44:55) .
            "00:1a:2b:3c:4d 00:1a:2b:3c:4d:5g"
                Number(00) : Word(1a)# : Word(2b)# : Word(3c)# : Number(4d) Space Number(00) : Word(1a)# : Word(2b)# : Word(3c)# : Number(4d) : Word(5g)#
            "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48"
                Hex(16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48)
        "#]],
    );
}

#[test]
fn uuids_have_groups_of_8_4_4_4_and_12() {
    check(
        &[
            "id=123e4567-e89b-12d3-a456-426614174000.",
            "12345678-1234-1234-1234-123456789012",
            "123E4567-E89B-12D3-A456-426614174000",
            "123e4567-e89b-12d3-a456-42661417400",
            "123e4567-e89b-12d3-a456-4266141740001",
            "123e4567-e89b-12d3-a456426614174000",
            "g23e4567-e89b-12d3-a456-426614174000",
        ],
        expect![[r#"
            "id=123e4567-e89b-12d3-a456-426614174000."
                Word(id) = Uuid(123e4567-e89b-12d3-a456-426614174000) .
            "12345678-1234-1234-1234-123456789012"
                Uuid(12345678-1234-1234-1234-123456789012)
            "123E4567-E89B-12D3-A456-426614174000"
                Uuid(123E4567-E89B-12D3-A456-426614174000)
            "123e4567-e89b-12d3-a456-42661417400"
                Hex(123e4567) - Word(e89b-12d3-a456-42661417400)#
            "123e4567-e89b-12d3-a456-4266141740001"
                Hex(123e4567) - Word(e89b-12d3-a456-4266141740001)#
            "123e4567-e89b-12d3-a456426614174000"
                Hex(123e4567) - Word(e89b-12d3-a456426614174000)#
            "g23e4567-e89b-12d3-a456-426614174000"
                Word(g23e4567-e89b-12d3-a456-426614174000)#
        "#]],
    );
}

#[test]
fn addresses_of_the_internet_are_validated() {
    check(
        &[
            "from 10.0.0.1 ok",
            "10.251.73.220:50010",
            "010.001.0.255.",
            "10.0.0.256 10.0.0 1.2.3.4.5 10.0.0.1x 1.2.3.4.5.6.7.8",
            "2001:db8::1 ::1 fe80::1: 1::",
            "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:80",
            "0:0:0:0:0:0:0:0:2181:x",
            "::ffff:10.0.0.1",
            "a::b std::vec 1:2:3 1:2:3:4:5:6:7 :: 1:2:3:4:5:6:7:8:9:a 1::2::3 12345::1 1::g",
        ],
        expect![[r#"
            "from 10.0.0.1 ok"
                Word(from) Space Ipv4(10.0.0.1) Space Word(ok)
            "10.251.73.220:50010"
                Ipv4(10.251.73.220) : Number(50010)
            "010.001.0.255."
                Ipv4(010.001.0.255) .
            "10.0.0.256 10.0.0 1.2.3.4.5 10.0.0.1x 1.2.3.4.5.6.7.8"
                Number(10.0) . Number(0.256) Space Number(10.0) . Number(0) Space Number(1.2) . Number(3.4) . Number(5) Space Number(10.0) . Number(0) . Word(1x)# Space Number(1.2) . Number(3.4) . Number(5.6) . Number(7.8)
            "2001:db8::1 ::1 fe80::1: 1::"
                Ipv6(2001:db8::1) Space Ipv6(::1) Space Ipv6(fe80::1) : Space Ipv6(1::)
            "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:80"
                [ Ipv6(2001:0db8:85a3:0000:0000:8a2e:0370:7334) ] : Number(80)
            "0:0:0:0:0:0:0:0:2181:x"
                Ipv6(0:0:0:0:0:0:0:0) : Number(2181) : Word(x)
            "::ffff:10.0.0.1"
                Ipv6(::ffff:10.0.0.1)
            "a::b std::vec 1:2:3 1:2:3:4:5:6:7 :: 1:2:3:4:5:6:7:8:9:a 1::2::3 12345::1 1::g"
                Word(a) : : Word(b) Space Word(std) : : Word(vec) Space Number(1) : Number(2) : Number(3) Space Number(1) : Number(2) : Number(3) : Number(4) : Number(5) : Number(6) : Number(7) Space : : Space Ipv6(1:2:3:4:5:6:7:8) : Number(9) : Word(a) Space Number(1) : : Number(2) : : Number(3) Space Number(12345) : : Number(1) Space Number(1) : : Word(g)
        "#]],
    );
}

#[test]
fn addresses_of_electronic_mail_need_a_domain() {
    check(
        &[
            "proxy user@host.example.com:8080",
            "<first.last+tag@x-y.co.uk>",
            "mail a@b.co.",
            "error@example.com 7up@example.com",
            "10.0.0.1@example.com",
            "msrabi@msra-sa-41:9000 a@b @b.co a@b.c a@b.c0m a@.com a@b.com_",
            "Worker@688",
            "x@a.b@c.de",
        ],
        expect![[r#"
            "proxy user@host.example.com:8080"
                Word(proxy) Space Email(user@host.example.com) : Number(8080)
            "<first.last+tag@x-y.co.uk>"
                < Email(first.last+tag@x-y.co.uk) >
            "mail a@b.co."
                Word(mail) Space Email(a@b.co) .
            "error@example.com 7up@example.com"
                Email(error@example.com) Space Email(7up@example.com)
            "10.0.0.1@example.com"
                Email(10.0.0.1@example.com)
            "msrabi@msra-sa-41:9000 a@b @b.co a@b.c a@b.c0m a@.com a@b.com_"
                Word(msrabi) @ Word(msra) - Word(sa-41:9000)# Space Word(a) @ Word(b) Space @ Word(b) . Word(co) Space Word(a) @ Word(b) . Word(c) Space Word(a) @ Word(b) . Word(c0m)# Space Word(a) @ . Word(com) Space Word(a) @ Word(b) . Word(com_)
            "Worker@688"
                Word(Worker) @ Number(688)
            "x@a.b@c.de"
                Word(x) @ Email(a.b@c.de)
        "#]],
    );
}

#[test]
fn uris_end_with_what_cannot_be_theirs() {
    check(
        &[
            "Visit https://example.com/path",
            "(see http://a.b/c(d)), \"ftp://x\" <git+ssh://u@h/p>",
            "jdbc:mysql://db:3306/x?y=z#f.",
            "http://a.b/\u{e9}! s3://bucket",
            "http:// HTTP://x.y 1http://x ://x http:/x",
            "http://http://x",
        ],
        expect![[r#"
            "Visit https://example.com/path"
                Word(Visit) Space Uri(https://example.com/path)
            "(see http://a.b/c(d)), \"ftp://x\" <git+ssh://u@h/p>"
                ( Word(see) Space Uri(http://a.b/c(d)) ) , Space " Quoted(ftp://x) " Space < Uri(git+ssh://u@h/p) >
            "jdbc:mysql://db:3306/x?y=z#f."
                Word(jdbc) : Uri(mysql://db:3306/x?y=z#f) .
            "http://a.b/é! s3://bucket"
                Uri(http://a.b/é)! ! Space Uri(s3://bucket)
            "http:// HTTP://x.y 1http://x ://x http:/x"
                Word(http) : / / Space Word(HTTP) : / / Word(x) . Word(y) Space Word(1http)# : / / Word(x) Space : / / Word(x) Space Word(http) : Path(/x)
            "http://http://x"
                Uri(http://http://x)
        "#]],
    );
}

#[test]
fn paths_start_where_no_word_precedes() {
    check(
        &[
            "GET /api/v1/users?page=1#top",
            "open(/etc/x.conf): \"/var/log/a.log\", k=/x /y.",
            "at /a/b.c:12: /users/{id}/x}",
            "GET / x",
            "a/b / // /* x/ </div> /?",
            "/.",
            "/\u{e9}/x",
        ],
        expect![[r#"
            "GET /api/v1/users?page=1#top"
                HttpMethod(GET) Space Path(/api/v1/users) ? Word(page) = Number(1) # Word(top)
            "open(/etc/x.conf): \"/var/log/a.log\", k=/x /y."
                Word(open) ( Path(/etc/x.conf) ) : Space " Quoted(/var/log/a.log) " , Space Word(k) = Path(/x) Space Path(/y) .
            "at /a/b.c:12: /users/{id}/x}"
                Word(at) Space Path(/a/b.c) : Number(12) : Space Path(/users/{id}/x) }
            "GET / x"
                HttpMethod(GET) Space Path(/) Space Word(x)
            "a/b / // /* x/ </div> /?"
                Word(a) / Word(b) Space / Space / / Space / * Space Word(x) / Space < / Word(div) > Space / ?
            "/."
                Path(/.)
            "/é/x"
                Path(/é/x)!
        "#]],
    );
}

#[test]
fn json_lines_have_their_structure_between_values() {
    check(
        &[
            "{\"b\":1,\"a\":\"x\",\"a\":2,\"msg\":\"hi\"}",
            "{ \"msg\" : \"\\u00e9 10.0.0.1\" , \"n\":1.0e3} ",
            "{\"a\":{\"b\":[1,-2.5,true,null,\"x y\"]},\"e\":\"\"}",
            "{\"m\":\"say \\\"GET /x\\\" at http://x/y\\n\"}",
            "{}",
            "{\"k\u{e9}\":1}",
            "{\"a\":\r\n1}",
        ],
        expect![[r#"
            "{\"b\":1,\"a\":\"x\",\"a\":2,\"msg\":\"hi\"}"
                Structure({"b":) Number(1) Structure(,"a":") Word(x) Structure(","a":) Number(2) Structure(,"msg":") Word(hi) Structure("})
            "{ \"msg\" : \"\\u00e9 10.0.0.1\" , \"n\":1.0e3} "
                Structure({ "msg" : ") \ Word(u00e9)# Space Ipv4(10.0.0.1) Structure(" , "n":) Number(1.0e3) Structure(} )
            "{\"a\":{\"b\":[1,-2.5,true,null,\"x y\"]},\"e\":\"\"}"
                Structure({"a":{"b":[) Number(1) Structure(,) Number(-2.5) Structure(,) Word(true) Structure(,) Word(null) Structure(,") Word(x) Space Word(y) Structure("]},"e":""})
            "{\"m\":\"say \\\"GET /x\\\" at http://x/y\\n\"}"
                Structure({"m":") Word(say) Space \ " HttpMethod(GET) Space Path(/x) \ " Space Word(at) Space Uri(http://x/y) \ Word(n) Structure("})
            "{}"
                Structure({})
            "{\"ké\":1}"
                Structure({"ké":)! Number(1) Structure(})
            "{\"a\":\r\n1}"
                Structure({"a":\r\n)! Number(1) Structure(})
        "#]],
    );
}

#[test]
fn what_is_no_json_goes_on_as_text() {
    check(
        &[
            "{foo} bar {baz}",
            "{\"a\":foo, \"b\":1}",
            "{\"a\":1 x 10.0.0.1}",
            "{\"a\":\"open 1}",
            "{\"a\":01x}",
            "{\"a\":1",
            "{\"a\":tru}",
            "{\"a\":1\u{b}}",
        ],
        expect![[r#"
            "{foo} bar {baz}"
                { Word(foo) } Space Word(bar) Space { Word(baz) }
            "{\"a\":foo, \"b\":1}"
                Structure({"a":) Word(foo) , Space " Quoted(b) " : Number(1) }
            "{\"a\":1 x 10.0.0.1}"
                Structure({"a":) Number(1) Structure( ) Word(x) Space Ipv4(10.0.0.1) }
            "{\"a\":\"open 1}"
                Structure({"a":") Word(open) Space Number(1) }
            "{\"a\":01x}"
                Structure({"a":) Word(01x)# }
            "{\"a\":1"
                { " Word(a) " : Number(1)
            "{\"a\":tru}"
                Structure({"a":) Word(tru) }
            "{\"a\":1\u{b}}"
                Structure({"a":) Number(1) Structure(\u{b}})!
        "#]],
    );
}

#[test]
fn bytes_that_are_no_utf8_are_words() {
    expect!["Word(\u{fffd}\u{fffd})! Space Word(a)"].assert_eq(&render(b"\xff\xfe a"));
}

#[test]
fn lossless_set_is_covered() {
    let long = vec![b'a'; 60_000];
    let lines: [&[u8]; 13] = [
        b"",
        b"\0",
        b"a\0b",
        b"\xff\xfe",
        b"\xf0\x9f\x98\x80 done in 5ms",
        b"\x1b[31mERR\x1b[0m x=1",
        b"          ",
        b"\t\r\n",
        b"{\"b\":1,\"a\":\"x\",\"a\":2,\"msg\":\"hi\"}",
        b"{ \"msg\" : \"\\u00e9\" , \"n\":1.0e3}",
        b"007 +5 -0 1e400",
        &long,
        "\u{fffd} \u{5e9}\u{5dc}\u{5d5}\u{5dd} abc \u{202e}".as_bytes(),
    ];
    for line in lines {
        checks::line(line);
    }
}

#[test]
fn the_stored_inputs_of_the_fuzz_target_pass_its_check() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tokenizer");
    let mut inputs = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        checks::line(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 10, "the corpus is where it should be");
}

#[test]
fn hostile_repetitions_are_looked_at_in_proportion_to_their_length() {
    let limits = Limits {
        max_tokens: usize::MAX,
        max_bytes: usize::MAX,
    };
    let mut tokenizer = Tokenizer::new(1, limits);
    for piece in HOSTILE {
        for wrap in ["*", "{\"a\":\"*\"}", "{\"a\":*}"] {
            let line = wrap.replace('*', &piece.repeat(20_000 / piece.len()));
            class::looks::take();
            tokenizer.tokenize(line.as_bytes()).unwrap();
            let looks = class::looks::take() / line.len();
            assert!(
                looks <= 60,
                "{piece:?} in {wrap}: {looks} looks at each byte"
            );
        }
    }
}

/// Pieces that recognisers take for beginnings.
const HOSTILE: [&str; 34] = [
    "a",
    "1",
    "a:",
    "1.",
    "a.",
    "http://",
    "x@",
    "a.b@",
    "1:",
    "ab:",
    "::",
    "a::",
    "1::",
    "a@b.c",
    "a@b.1.",
    "-1",
    " -1.",
    "/",
    " /",
    "1-",
    "1.1.1.",
    "{\"",
    "\"",
    "git+",
    "0x",
    "1h",
    "1.1h",
    "2024-01-01T",
    "2024-01-01 10:00:0",
    "Dec 10 ",
    "Sun Dec 10 10:00:00 ",
    "12345678-",
    "\\\"",
    "12:34:56:",
];

#[test]
fn limits_hold_at_n_and_not_at_n_plus_1() {
    let limits = Limits {
        max_tokens: 5,
        max_bytes: 9,
    };
    let mut tokenizer = Tokenizer::new(1, limits);
    assert_eq!(tokenizer.tokenize(b"a b c"), Ok(()));
    assert_eq!(tokenizer.tokens().len(), 5);
    assert_eq!(tokenizer.tokenize(b"a b c "), Err(TooLarge::Tokens));
    assert_eq!(*tokenizer.tokens(), Tokens::default());
    assert_eq!(tokenizer.tokenize(b"123456789"), Ok(()));
    assert_eq!(tokenizer.tokenize(b"1234567890"), Err(TooLarge::Bytes));
    assert_eq!(*tokenizer.tokens(), Tokens::default());
}

#[test]
fn signature_ignores_what_a_wildcard_may_stand_for() {
    assert_eq!(
        signature("User alice from 10.0.0.1"),
        signature("Admin bob from 10.0.0.22")
    );
    assert_eq!(
        signature("INFO done in 5ms"),
        signature("ERROR made in 700s")
    );
    assert_eq!(
        signature("{\"a\":1,\"b\":\"x y\"}"),
        signature("{\"a\":22,\"b\":\"z zz\"}")
    );
}

#[test]
fn signature_tells_kinds_punctuation_space_and_structure_apart() {
    let lines = [
        "a b",
        "a  b",
        "a\tb",
        "a \tb",
        "a\t b",
        "a  \t     b",
        "a  \t      b",
        "a:b",
        "a;b",
        "a b ",
        "1 b",
        "a",
        "",
        "{\"a\":1}",
        "{\"b\":1}",
        "{\"a\": 1}",
        "{\"a\":null}",
    ];
    for (index, one) in lines.iter().enumerate() {
        for other in &lines[..index] {
            assert_ne!(signature(one), signature(other), "{one:?} {other:?}");
        }
    }
}

#[test]
fn signature_depends_on_the_seed_alone() {
    let of = |seed| {
        let mut tokenizer = Tokenizer::new(seed, Limits::default());
        tokenizer.tokenize(b"before").unwrap();
        tokenizer.tokenize(b"a (b) c").unwrap();
        tokenizer.tokens().signature()
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

/// Text of the pieces that logs are made of.
fn log_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            " ",
            "  ",
            ":",
            "::",
            ".",
            "-",
            "+",
            "@",
            "/",
            "\"",
            "{",
            "}",
            "[",
            "]",
            "{\"",
            "\":",
            "\",\"",
            "\\\"",
            "\\",
            ",",
            "=",
            "%",
            "T",
            "Z",
            "://",
            "http://",
            "GET ",
            "HTTP/1.1\" ",
            "200",
            "2024-01-15",
            "10:30:45",
            "Dec 10",
            "Sun ",
            "I0115 ",
            "10.0.0.1",
            "fe80::1",
            "0x",
            "deadbeef01",
            "123e4567-e89b-12d3-a456-426614174000",
            "a@b.co",
            "error",
            "true",
            "\u{e9}",
            "\u{1b}",
            "\r\n",
            "\0",
        ])
        .prop_map(str::to_owned),
        "[0-9]{1,4}",
        "[a-z]{1,4}",
        "[0-9a-f]{2}:",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn tokens_cover_any_bytes(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        checks::line(&line);
    }

    #[test]
    fn tokens_cover_text_like_logs(line in log_like()) {
        checks::line(line.as_bytes());
    }

    #[test]
    fn words_of_one_line_never_touch(line in log_like()) {
        let tokens = tokenize(line.as_bytes());
        for pair in tokens.kinds().windows(2) {
            prop_assert_ne!(pair, [Kind::Word, Kind::Word], "{}", line);
        }
    }

    #[test]
    fn numbers_and_words_of_any_text_share_a_signature(a in "[g-z]{2}", b in "[G-Z]{4}_", n in 0_u32.., m in 0_u32..) {
        prop_assert_eq!(
            signature(&format!("[{a}] took {n} of {b}")),
            signature(&format!("[{b}] uses {m} of {a}")),
        );
    }
}
