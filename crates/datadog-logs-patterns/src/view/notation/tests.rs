//! How much of a text each notation takes.

use super::*;

#[track_caller]
fn check(found: fn(&[u8]) -> Option<usize>, text: &str, expected: Option<&str>) {
    let found = found(text.as_bytes()).map(|length| &text.as_bytes()[..length]);
    assert_eq!(found, expected.map(str::as_bytes), "{text}");
}

#[test]
fn date_has_a_month_and_a_number() {
    check(
        date,
        "Tue Mar  3 10:04:05 UTC 2020 was",
        Some("Tue Mar  3 10:04:05 UTC 2020"),
    );
    check(date, "03 Mar 2020 10:04", Some("03 Mar 2020 10:04"));
    check(
        date,
        "Sunday, March 1, 2020, at",
        Some("Sunday, March 1, 2020"),
    );
    check(date, "May it pass", None);
    check(date, "march 3", None);
    check(date, "Sun is 5", None);
    check(date, "12 34", None);
}

#[test]
fn unit_is_an_abbreviation_of_its_own() {
    check(unit, " MB free", Some(" MB"));
    check(unit, " ms", Some(" ms"));
    check(unit, " bytes", None);
    check(unit, " s-bahn", None);
    check(unit, "MB", None);
}

#[test]
fn hardware_address_has_four_pairs_at_least() {
    check(
        hardware_address,
        "02:00:5e:10:00:01 on",
        Some("02:00:5e:10:00:01"),
    );
    check(hardware_address, "aa:bb:cc:dd", Some("aa:bb:cc:dd"));
    check(hardware_address, "aa:bb:cc", None);
    check(hardware_address, "aa:bb:cc:ddx", None);
}

#[test]
fn address_of_ipv6_has_a_digit_and_ends_with_a_word() {
    check(ipv6, "fe80::1 is", Some("fe80::1"));
    check(ipv6, "::1]:80", Some("::1"));
    check(ipv6, "fe80::1.", Some("fe80::1"));
    check(ipv6, "add::bad", None);
    check(ipv6, "10:20:30", None);
    check(ipv6, "1::apply", None);
}

#[test]
fn place_with_a_number_is_no_key_with_a_value() {
    check(
        numbered_place,
        "db.example.org:5432 is",
        Some("db.example.org:5432"),
    );
    check(
        numbered_place,
        "org.example.Main.run:7,",
        Some("org.example.Main.run:7"),
    );
    check(numbered_place, "main.rs:12", Some("main.rs:12"));
    check(numbered_place, "main.rs:1", None);
    check(numbered_place, "state.topAmount:12", None);
    check(numbered_place, "a.b.c:123456", None);
}

#[test]
fn request_begins_with_a_method_and_goes_on() {
    check(request_method, "GET /index HTTP/1.1", Some("GET"));
    check(request_method, "GET", None);
    check(request_method, "GOT /index", None);
}

#[test]
fn time_follows_its_date_with_its_fraction() {
    check(time_after_date, " 10:00:00,123 is", Some(" 10:00:00,123"));
    check(time_after_date, " 10:00:00.5.", Some(" 10:00:00.5"));
    check(time_after_date, " 10:00:00, then", Some(" 10:00:00"));
    check(time_after_date, " 10 apples", None);
}
