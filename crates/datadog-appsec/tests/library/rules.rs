//! Loading: versions, rules that are refused, our own small rules, and the numbers of the recommended ones.

use std::path::Path;
use std::sync::Arc;

use datadog_appsec::rules::{Ruleset, Source};
use datadog_appsec::{AppSec, Config, DdwafEngine, Error, Obfuscator, WafEngine as _};
use serde_json::json;

use crate::{OWN_RULES, engine, evaluate, ids, library, loaded, ruleset_of};

fn refused(rules: &serde_json::Value) -> Option<Error> {
    let engine = engine()?;
    let rules = rules.to_string().into_bytes();
    let made = Ruleset::new(&engine, &Obfuscator::default(), Source::User, rules);
    Some(made.expect_err("rules that are refused"))
}

#[test]
fn the_library_is_of_the_second_generation() {
    let Some(engine) = engine() else {
        return;
    };
    assert_eq!(engine.version(), "2.1.0");
    assert_eq!(Some(engine.path()), library());
}

#[test]
fn a_file_that_is_no_library_is_not_replaced_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libddwaf.so");
    std::fs::write(&file, "no library").unwrap();
    let error = DdwafEngine::load(Some(&file)).unwrap_err();
    assert!(matches!(error, Error::LibraryNotFound { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&*file.to_string_lossy()), "{text}");
    assert!(text.contains("DD_APPSEC_LIBDDWAF_PATH"), "{text}");
    let config = Config {
        library_path: Some(folder.path().join("none.so")),
        ..Config::default()
    };
    assert!(AppSec::load(config).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn another_library_has_no_version_of_ours() {
    // The C library, which every process on Linux has.
    let error = DdwafEngine::load(Some(Path::new("libc.so.6"))).unwrap_err();
    assert_eq!(error.to_string(), "libc.so.6 has no ddwaf_get_version");
}

/// A library with one function, which says that it is of that version.
#[cfg(target_os = "linux")]
fn stub(folder: &Path, version: &str) -> std::path::PathBuf {
    let source = folder.join("stub.c");
    let code = format!("const char *ddwaf_get_version(void) {{ return \"{version}\"; }}");
    std::fs::write(&source, code).unwrap();
    let library = folder.join(format!("lib{version}.so"));
    let mut cc = std::process::Command::new("cc");
    let cc = cc
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source);
    assert!(cc.status().unwrap().success());
    library
}

#[test]
#[cfg(target_os = "linux")]
fn another_generation_is_refused_by_its_version_alone() {
    let folder = tempfile::tempdir().unwrap();
    let old = stub(folder.path(), "1.30.1");
    let error = DdwafEngine::load(Some(&old)).unwrap_err();
    let Error::LibraryIncompatible { path, found } = error else {
        panic!("{error}");
    };
    assert_eq!((path, &*found), (old.display().to_string(), "1.30.1"));
    let bare = stub(folder.path(), "2.9.9");
    let error = DdwafEngine::load(Some(&bare)).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{} has no ddwaf_get_default_allocator", bare.display())
    );
}

#[test]
fn the_recommended_rules_are_all_taken_but_one() {
    let Some(rules) = loaded() else {
        return;
    };
    let diagnostics = rules.diagnostics();
    assert_eq!(diagnostics.version, "1.18.2");
    assert_eq!((diagnostics.loaded, diagnostics.failed), (204, 0));
    assert!(diagnostics.errors.is_empty() && diagnostics.others.is_empty());
    assert_eq!(rules.addresses().len(), 36);
}

#[test]
fn rules_that_cannot_be_used_are_refused_with_the_reason() {
    let rule = |id: &str| json!({"id": id, "name": "n", "tags": {"type": "t"}});
    let cases = [
        (
            json!({"version": "2.2", "rules": [rule("1")]}),
            "missing key 'conditions'",
        ),
        (json!({"version": "2.2", "rules": "none"}), "bad cast"),
        (
            json!([]),
            "invalid configuration type, expected 'map', obtained 'array'",
        ),
        (
            json!({"version": "1.1", "rules": []}),
            "unsupported schema version: 1.x",
        ),
    ];
    for (rules, why) in cases {
        let Some(error) = refused(&rules) else {
            return;
        };
        let text = error.to_string();
        assert!(
            matches!(error, Error::RulesRejected { .. }),
            "{rules}: {text}"
        );
        assert!(text.contains(why), "{rules}: {text}");
    }
}

#[test]
fn without_an_active_rule_there_is_nothing_to_load() {
    let Some(error) = refused(&json!({"version": "2.2", "rules": []})) else {
        return;
    };
    assert!(matches!(error, Error::NoActiveRules), "{error}");
}

#[test]
fn rules_larger_than_the_library_can_hold_are_refused_before_it_sees_them() {
    let Some(engine) = engine() else {
        return;
    };
    let of = |entries: usize| {
        let list: Vec<_> = (0..entries).map(|n| format!("phrase{n}")).collect();
        let mut rules: serde_json::Value = serde_json::from_slice(OWN_RULES).unwrap();
        rules["rules"][1]["conditions"][0]["parameters"]["list"] = json!(list);
        rules.to_string().into_bytes()
    };
    let made = |rules| Ruleset::new(&engine, &Obfuscator::default(), Source::User, rules);
    // The operator takes one phrase less than a container has room for, and says so of more.
    let largest = made(of(65_534)).unwrap();
    let mut context = largest.current().context().unwrap();
    let last = json!({"server.request.query": {"q": ["phrase65533"]}});
    assert!(evaluate(&mut *context, &last).unwrap().keep, "none is lost");
    let full = made(of(65_535)).unwrap();
    assert_eq!(full.current().diagnostics().failed, 1);
    let error = made(of(65_536)).unwrap_err();
    assert!(matches!(error, Error::RulesParse(_)), "{error}");
}

#[test]
fn our_own_rules_block_and_mark() {
    let Some(engine) = engine() else {
        return;
    };
    let rules = ruleset_of(&engine, OWN_RULES).current();
    assert_eq!(rules.diagnostics().version, "0.0.1-test");
    let mut context = rules.context().unwrap();
    let agent = json!({"server.request.headers.no_cookies": {"user-agent": "Arachni/v2"}});
    let blocked = evaluate(&mut *context, &agent).unwrap();
    assert_eq!(ids(&blocked), ["t-001"]);
    assert_eq!(blocked.actions[0].kind, "block_request");
    let mut context = Arc::clone(&rules).context().unwrap();
    let marked = evaluate(
        &mut *context,
        &json!({"server.request.query": {"q": "a secretword"}, "server.request.uri.raw": "/p"}),
    )
    .unwrap();
    assert_eq!((ids(&marked).len(), marked.keep), (0, true));
    let attributes: serde_json::Map<_, _> = marked.attributes.into_iter().collect();
    let wanted = json!({"my.tag": "v", "my.num": 7, "my.ref": "/p"});
    assert_eq!(serde_json::Value::Object(attributes), wanted);
}
