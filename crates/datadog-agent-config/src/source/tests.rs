//! Which of several variables and keys wins.

use super::*;

fn found(pairs: &[(&str, &str)], key: &str) -> Option<(String, String, bool)> {
    let sources = Sources {
        environment: Environment::of_pairs(pairs.iter().copied()),
        ..Sources::default()
    };
    let found = sources.find(table::find(key).expect("a key"))?;
    let Raw::Text(text) = found.raw else {
        panic!("not a text");
    };
    Some((
        text.to_owned(),
        found.source.to_string(),
        found.is_deprecated,
    ))
}

#[test]
fn names_of_ours_win_over_twins_and_those_over_names_of_no_vendor() {
    let all = [
        ("DD_HTTPS_PROXY", "deprecated"),
        ("https_proxy", "lower"),
        ("HTTPS_PROXY", "upper"),
        ("DATADOG_PROXY_HTTPS", "twin"),
        ("DD_PROXY_HTTPS", "ours"),
    ];
    for (length, (name, text)) in all.iter().enumerate() {
        let (value, source, is_deprecated) =
            found(&all[..=length], "proxy.https").expect("something is set");
        assert_eq!(value, *text);
        assert_eq!(source, format!("env {name}"));
        assert_eq!(is_deprecated, length == 0);
    }
}

#[test]
fn an_alias_of_ours_wins_over_the_twin_of_the_first_name() {
    let set = [("DATADOG_LOGS_AGENT_PORT", "1"), ("DD_LOGS_PORT", "2")];
    assert_eq!(found(&set, "logs_agent_port").expect("set").0, "2");
}

#[test]
fn blank_variables_count_as_unset() {
    assert_eq!(found(&[("DD_SITE", " \t")], "site"), None);
    let set = [("DD_SITE", ""), ("DATADOG_SITE", "a.com")];
    assert_eq!(found(&set, "site").expect("set").0, "a.com");
}

#[test]
fn platform_inputs_show_their_names_only() {
    let environment =
        Environment::of_pairs([("AWS_SECRET_ACCESS_KEY", "topsecret"), ("OTHER", "x")]);
    let inputs = environment.platform_inputs();
    assert_eq!(inputs.get("AWS_SECRET_ACCESS_KEY"), Some("topsecret"));
    assert_eq!(inputs.get("OTHER"), None);
    assert_eq!(format!("{inputs:?}"), "{\"AWS_SECRET_ACCESS_KEY\"}");
}
