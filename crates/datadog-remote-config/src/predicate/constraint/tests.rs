//! What each operator means, with and without open numbers.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(constraint: &str, yes: &[&str], no: &[&str]) {
    let read = Constraint::parse(constraint).unwrap();
    for version in yes {
        assert_eq!(read.matches(version), Ok(true), "{constraint} {version}");
    }
    for version in no {
        assert_eq!(read.matches(version), Ok(false), "{constraint} {version}");
    }
}

#[test]
fn without_an_operator_it_is_exactly_this_version() {
    check(
        "1.2.3",
        &["1.2.3", "v1.2.3", "1.2.3+b"],
        &["1.2.4", "1.3.0", "1.2.3-rc"],
    );
    check("=v1.2.3", &["1.2.3"], &["1.2.2"]);
    check("= 1.2.3-rc.1", &["1.2.3-rc.1"], &["1.2.3-rc.2", "1.2.3"]);
}

#[test]
fn open_numbers_stand_for_any() {
    for open in ["1.2", "1.2.x", "1.2.X", "1.2.*", "=1.2"] {
        check(open, &["1.2.0", "1.2.9"], &["1.3.0", "1.1.9", "2.2.0"]);
    }
    for open in ["1", "1.x", "1.*.*", "1.x.7"] {
        check(open, &["1.0.0", "1.9.9"], &["2.0.0", "0.9.0"]);
    }
    check("*", &["0.0.0", "9.9.9"], &["1.0.0-rc"]);
    check("x", &["0.0.1"], &[]);
}

#[test]
fn comparisons_with_open_numbers_take_the_whole_range() {
    check(">1.2.3", &["1.2.4", "2.0.0"], &["1.2.3", "1.2.2"]);
    check(">11", &["12.0.0"], &["11.0.0", "11.1.0"]);
    check(">11.1", &["11.2.1"], &["11.1.1"]);
    check(">=11", &["11.0.0"], &["10.9.9"]);
    check("<1.2", &["1.1.9"], &["1.2.0"]);
    check("<=1.2", &["1.2.9", "1.1.0", "0.3.0"], &["1.3.0"]);
    check("<=1", &["1.9.9"], &["2.0.0"]);
    check("=<1.2.3", &["1.2.3"], &["1.2.4"]);
    check("=>1.2.3", &["1.2.3"], &["1.2.2"]);
    check("!=1.2.3", &["1.2.4", "1.2.3-rc"], &["1.2.3"]);
    check("!=1.2", &["1.3.0"], &["1.2.9", "1.3.0-rc"]);
}

#[test]
fn tilde_keeps_the_minor_number_and_caret_the_major_one() {
    check("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.2.2"]);
    check("~>1.2", &["1.2.0", "1.2.9"], &["1.3.0"]);
    check("~1", &["1.0.0", "1.9.0"], &["2.0.0"]);
    check("~*", &["0.0.0", "7.0.0"], &[]);
    check("^1.2.3", &["1.2.3", "1.9.0"], &["2.0.0", "1.2.2"]);
    check("^0.2.3", &["0.2.3", "0.9.0"], &["1.0.0"]);
    check("^*", &["7.0.0"], &[]);
}

#[test]
fn commas_and_spaces_are_and_and_bars_are_or() {
    check(">=1.0, <2.0", &["1.5.0"], &["2.0.0", "0.9.0"]);
    check(">= 1.0 < 2.0", &["1.5.0"], &["2.0.0", "0.9.0"]);
    check("<1.0 || >=1.64", &["0.5.0", "1.64.0"], &["1.0.0"]);
    check(">=1, !=1.5.0 || 3.x", &["1.5.1", "3.1.0"], &["1.5.0"]);
}

#[test]
fn a_hyphen_is_a_range_with_both_ends() {
    check("1.2 - 1.4", &["1.2.0", "1.4.9"], &["1.5.0", "1.1.9"]);
    check(
        "1.2.3 - 1.4.5, !=1.3.0",
        &["1.2.3", "1.4.5"],
        &["1.4.6", "1.3.0"],
    );
    check("1 - 2 || 5", &["2.9.0", "5.5.0"], &["3.0.0"]);
}

#[test]
fn a_pre_release_satisfies_only_what_names_one() {
    check(">=1.0.0", &["1.0.0"], &["1.1.0-rc"]);
    check(">=1.0.0-0", &["1.0.0-rc", "1.1.0-rc", "1.1.0"], &["0.9.0"]);
    check("~1.2.3-beta", &["1.2.3-rc", "1.2.4"], &["1.2.3-alpha"]);
}

#[test]
fn what_is_no_constraint_is_refused() {
    for text in [
        "", " ", "nonsense", ">=", "1.2.3.4", "1 ||", "|| 1", "1,,2", ",1", ">=1 - 2", "1 -",
        "=>>1", "1.a", "1-", "v",
    ] {
        assert_eq!(
            Constraint::parse(text),
            Err(Unreadable::Constraint),
            "{text}"
        );
    }
    let any = Constraint::parse("*").unwrap();
    assert_eq!(any.matches("one"), Err(Unreadable::Version));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9vxX*.,|<>=!~^ a+-]{0,24}", version in "[0-9v.a+-]{0,12}") {
        if let Ok(constraint) = Constraint::parse(&text) {
            prop_assert_eq!(constraint.matches(&version).is_ok(), Version::parse(&version).is_some());
        }
    }

    #[test]
    fn every_version_is_below_equal_or_above(one in "[0-3]\\.[0-3]\\.[0-3]", two in "[0-3](\\.[0-3]){0,2}") {
        let holds = |sign: &str| Constraint::parse(&format!("{sign}{two}")).unwrap().matches(&one).unwrap();
        let [less, equal, greater] = ["<", "=", ">"].map(holds);
        prop_assert_eq!(u8::from(less) + u8::from(equal) + u8::from(greater), 1);
        prop_assert_eq!(holds("!="), !equal);
        prop_assert_eq!(holds("<="), less || equal);
        prop_assert_eq!(holds(">="), greater || equal);
    }
}
