//! What is read from a YAML file, and what is refused without harm.

use proptest::prelude::*;

use super::*;

fn text_at<'a>(root: &'a Node, path: &str) -> Option<&'a str> {
    root.at(path).and_then(Node::scalar)
}

#[test]
fn scalars_keep_the_text_that_was_written() {
    let root = parse(
        b"version: 1.10\nenv: 007\nservice: yes\nsite: 'a # b'\nnested:\n  mode: 0o660 # octal\n",
    )
    .expect("well formed");
    assert_eq!(text_at(&root, "version"), Some("1.10"));
    assert_eq!(text_at(&root, "env"), Some("007"));
    assert_eq!(text_at(&root, "service"), Some("yes"));
    assert_eq!(text_at(&root, "site"), Some("a # b"));
    assert_eq!(text_at(&root, "nested.mode"), Some("0o660"));
}

#[test]
fn an_empty_document_sets_nothing() {
    for text in ["", "# nothing\n", "---\n", "\u{feff}"] {
        assert_eq!(
            parse(text.as_bytes()),
            Ok(Node::Map(Vec::new())),
            "{text:?}"
        );
    }
}

#[test]
fn errors_name_the_line() {
    for (text, expected) in [
        ("a: 1\nb: [1\n", "is not YAML"),
        ("a: &x 1\nb: *x\n", "line 2: aliases are not supported"),
        ("a: 1\na: 2\n", "line 2: key a stands twice"),
        ("? [1]\n: 2\n", "line 1: keys must be single values"),
        ("a: 1\n---\nb: 2\n", "must hold one document"),
        ("- 1\n", "must be a map of keys"),
    ] {
        let problem = parse(text.as_bytes()).expect_err("malformed");
        assert!(problem.contains(expected), "{text:?}: {problem}");
    }
    assert_eq!(parse(b"a: \xff"), Err("is not UTF-8".to_owned()));
}

#[test]
fn nesting_ends_at_32_levels() {
    let nested = |depth: usize| format!("a: {}{}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(parse(nested(32).as_bytes()).is_ok());
    let problem = parse(nested(33).as_bytes()).expect_err("too deep");
    assert_eq!(problem, "line 1: is nested deeper than 32 levels");
}

#[test]
fn documents_end_at_one_mebibyte() {
    let mut text = b"a: 1\n#".to_vec();
    text.resize(1 << 20, b'x');
    assert!(parse(&text).is_ok());
    text.push(b'x');
    assert_eq!(parse(&text), Err("is larger than 1048576 bytes".to_owned()));
}

#[test]
fn maps_end_at_1000_keys() {
    let map = |keys: usize| {
        (0..keys)
            .map(|key| format!("k{key}: 1\n"))
            .collect::<String>()
    };
    assert!(parse(map(1000).as_bytes()).is_ok());
    assert!(parse(map(1001).as_bytes()).is_err());
}

#[test]
fn unknown_paths_are_the_shortest_that_lead_to_no_key() {
    let root = parse(
        b"site: x\nwat: 1\nlogs_config:\n  batch_wait: 5\n  typo: 1\nprocess_config:\n  enabled: true\napm_config:\n",
    )
    .expect("well formed");
    let stray = root.stray_paths();
    assert_eq!(stray.unknown, ["wat", "logs_config.typo", "process_config"]);
    assert!(stray.no_maps.is_empty());
}

#[test]
fn a_section_that_is_no_map_is_told_apart_from_an_unknown_key() {
    let root = parse(b"logs_config:\n  - a: 1\nproxy: http://p:1\nwat: 1\n").expect("well formed");
    let stray = root.stray_paths();
    assert_eq!(stray.no_maps, ["logs_config", "proxy"]);
    assert_eq!(stray.unknown, ["wat"]);
}

#[test]
fn a_key_written_with_dots_is_found() {
    let root = parse(
        b"logs_config.batch_wait: 7\nproxy.https: p:1\nlogs_config:\n  use_compression: false\n",
    )
    .expect("well formed");
    assert_eq!(text_at(&root, "logs_config.batch_wait"), Some("7"));
    assert_eq!(text_at(&root, "logs_config.use_compression"), Some("false"));
    assert_eq!(text_at(&root, "proxy.https"), Some("p:1"));
    assert!(root.stray_paths().unknown.is_empty());
}

proptest! {
    #[test]
    fn the_reader_never_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&bytes));
    }

    #[test]
    fn the_reader_never_panics_on_text_that_is_nearly_yaml(
        text in r#"[-a-z0-9:,&*!|>'"%@#?{}\[\]\n \t~.]{0,120}"#,
    ) {
        drop(parse(text.as_bytes()));
    }

    #[test]
    fn quoted_texts_come_back_as_they_were(text in "[ -!#-\\[\\]-~]{0,40}") {
        let root = parse(format!("a: \"{text}\"").as_bytes()).expect("well formed");
        prop_assert_eq!(text_at(&root, "a"), Some(text.as_str()));
    }
}
