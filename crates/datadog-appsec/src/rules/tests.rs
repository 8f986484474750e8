//! Batches of remote configuration against an engine that only keeps paths.

use serde_json::json;

use super::*;
use crate::FakeEngine;

const RULES: &[u8] =
    br#"{"version":"2.2","metadata":{"rules_version":"1.0"},"rules":[{"id":"a"}]}"#;

fn ruleset(engine: &FakeEngine, source: Source) -> Ruleset {
    Ruleset::new(engine, &Obfuscator::default(), source, RULES.to_vec()).unwrap()
}

fn file(path: &str, product: Product, content: &serde_json::Value) -> RemoteFile {
    RemoteFile {
        path: path.to_owned(),
        product,
        content: content.to_string().into_bytes(),
    }
}

fn updated(files: Vec<RemoteFile>) -> Batch {
    Batch {
        removed: Vec::new(),
        updated: files,
    }
}

fn removed(path: &str) -> Batch {
    Batch {
        removed: vec![path.to_owned()],
        updated: Vec::new(),
    }
}

fn own(version: &str) -> serde_json::Value {
    json!({"metadata": {"rules_version": version}, "rules": [{"id": "b"}]})
}

#[test]
fn the_obfuscator_is_there_before_any_rule() {
    let engine = FakeEngine::default();
    let ruleset = ruleset(&engine, Source::Recommended);
    assert_eq!(engine.paths(), ["ASM_DD/default", "obfuscator/config"]);
    assert_eq!(ruleset.current().diagnostics().version, "1.0");
}

#[test]
fn the_first_remote_set_takes_the_place_of_the_default_one() {
    let engine = FakeEngine::default();
    let ruleset = ruleset(&engine, Source::Recommended);
    let before = ruleset.current();
    let files = vec![
        file("p/ASM_DD/one", Product::Rules, &own("2.0")),
        file("p/ASM/two", Product::Changes, &json!({})),
    ];
    let applied = ruleset.apply(updated(files));
    let used = |path: &str| (path.to_owned(), Ok(()));
    assert_eq!(applied.files, [used("p/ASM_DD/one"), used("p/ASM/two")]);
    assert!(applied.swapped);
    assert_eq!(engine.builds(), 2, "one build for a batch");
    assert_eq!(
        engine.paths(),
        ["obfuscator/config", "p/ASM/two", "p/ASM_DD/one"]
    );
    assert_eq!(ruleset.current().diagnostics().version, "2.0");
    assert_eq!(before.diagnostics().version, "1.0", "who holds it keeps it");

    assert!(ruleset.apply(removed("p/ASM_DD/one")).swapped);
    assert_eq!(
        engine.paths(),
        ["ASM_DD/default", "obfuscator/config", "p/ASM/two"]
    );
    assert_eq!(ruleset.current().diagnostics().version, "1.0");
}

#[test]
fn a_file_that_is_refused_leaves_what_was_there() {
    let engine = FakeEngine::default();
    let ruleset = ruleset(&engine, Source::Recommended);
    let bad = |path| file(path, Product::Rules, &json!({"refuse": "bad rules"}));
    let applied = ruleset.apply(updated(vec![bad("p/ASM_DD/one")]));
    let why = Err(r#"{"error":"bad rules"}"#.to_owned());
    assert_eq!(applied.files, [("p/ASM_DD/one".to_owned(), why.clone())]);
    assert_eq!(engine.paths(), ["ASM_DD/default", "obfuscator/config"]);

    ruleset.apply(updated(vec![file(
        "p/ASM_DD/one",
        Product::Rules,
        &own("2.0"),
    )]));
    let applied = ruleset.apply(updated(vec![bad("p/ASM_DD/one")]));
    assert_eq!(applied.files, [("p/ASM_DD/one".to_owned(), why)]);
    assert_eq!(engine.paths(), ["obfuscator/config", "p/ASM_DD/one"]);
    assert_eq!(ruleset.current().diagnostics().version, "2.0");
}

#[test]
fn a_file_of_which_a_part_failed_is_used_and_told() {
    let engine = FakeEngine::default();
    let ruleset = ruleset(&engine, Source::Recommended);
    let mut part = own("2.0");
    part["errors"] = json!({"duplicate rule": ["b"]});
    let applied = ruleset.apply(updated(vec![file("p/ASM_DD/one", Product::Rules, &part)]));
    let why = Err(r#"{"duplicate rule":["b"]}"#.to_owned());
    assert_eq!(applied.files, [("p/ASM_DD/one".to_owned(), why)]);
    assert_eq!(ruleset.current().diagnostics().version, "2.0");
}

#[test]
fn without_an_active_rule_the_old_ones_stay() {
    let engine = FakeEngine::default();
    let ruleset = ruleset(&engine, Source::Recommended);
    let none = file("p/ASM_DD/one", Product::Rules, &json!({"rules": []}));
    let applied = ruleset.apply(updated(vec![none]));
    assert!(!applied.swapped);
    assert_eq!(ruleset.current().diagnostics().version, "1.0");
}

#[test]
fn the_users_own_rules_are_not_changed_from_afar() {
    let engine = FakeEngine::default();
    let ruleset = ruleset(&engine, Source::User);
    let applied = ruleset.apply(updated(vec![file(
        "p/ASM_DD/one",
        Product::Rules,
        &own("2.0"),
    )]));
    assert!(
        applied.files[0]
            .1
            .as_ref()
            .unwrap_err()
            .contains("DD_APPSEC_RULES")
    );
    assert!(!applied.swapped && !ruleset.apply(removed("ASM_DD/default")).swapped);
    assert_eq!(engine.paths(), ["ASM_DD/default", "obfuscator/config"]);
}

#[test]
fn files_that_are_no_rules_are_refused() {
    let engine = FakeEngine::default();
    let new = |rules: &[u8]| {
        let made = Ruleset::new(
            &engine,
            &Obfuscator::default(),
            Source::User,
            rules.to_vec(),
        );
        made.unwrap_err().to_string()
    };
    assert_eq!(
        new(b"{"),
        "rules cannot be read: no JSON at line 1, column 1"
    );
    assert_eq!(
        new(br#"{"refuse":"x"}"#),
        r#"the rules were refused: {"error":"x"}"#
    );
    let engine = FakeEngine::default();
    let made = Ruleset::new(
        &engine,
        &Obfuscator::default(),
        Source::User,
        b"{}".to_vec(),
    );
    assert_eq!(made.unwrap_err().to_string(), "no rule is active");
    let deep = format!("{}{}", "[".repeat(61), "]".repeat(61));
    assert_eq!(parse(deep.as_bytes()), Err(ParseError::TooLarge));
    let wide = format!("[{}0]", "0,".repeat(65_535));
    assert_eq!(parse(wide.as_bytes()), Err(ParseError::TooLarge));
    let repeated = format!("{{{}\"a\":0}}", "\"a\":0,".repeat(65_535));
    assert_eq!(parse(repeated.as_bytes()), Err(ParseError::TooLarge));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.json");
    fs_write(&path, b"12345");
    assert_eq!(read_file(&path, 5).unwrap(), b"12345");
    assert!(matches!(
        read_file(&path, 4),
        Err(Error::TooLarge { limit: 4, .. })
    ));
    let none = read_file(&folder.path().join("none"), 5);
    assert!(matches!(none, Err(Error::Read { .. })));
}

fn fs_write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_remote_is_told_with_how_often_it_changed_and_was_used() {
    let engine = FakeEngine::default();
    let ruleset = ruleset(&engine, Source::Recommended);
    assert_eq!(ruleset.current().summary(), None);
    let data = |name: &str| file(&format!("p/ASM_DATA/{name}"), Product::Data, &json!({}));
    ruleset.apply(updated(vec![data("one"), data("two")]));
    ruleset.apply(updated(vec![file("p/ASM/a", Product::Changes, &json!({}))]));
    let rules = ruleset.current();
    let told = [rules.summary(), rules.summary()].map(Option::unwrap);
    assert_eq!(
        told,
        ["[ASM:1,ASM_DATA:2] u:2 r:1", "[ASM:1,ASM_DATA:2] u:2 r:2"]
    );
    for path in ["p/ASM/a", "p/ASM_DATA/one", "p/ASM_DATA/two"] {
        ruleset.apply(removed(path));
    }
    assert_eq!(ruleset.current().summary(), None);
}
