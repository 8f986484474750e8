//! What holds for every key of the table.

use std::collections::BTreeMap;

use super::*;
use crate::kind::Kind;
use crate::source::Raw;

const PROFILES: [Profile; 4] = [
    Profile::Standalone,
    Profile::Embedded,
    Profile::Serverless,
    Profile::Lambda,
];

#[test]
fn every_default_is_well_formed_and_fits_its_field() {
    for profile in PROFILES {
        for key in keys() {
            let Some(text) = key.default.text(profile) else {
                continue;
            };
            let parsed = key
                .kind
                .read(&Raw::Text(text))
                .unwrap_or_else(|problem| panic!("{}: {problem}", key.name));
            assert_eq!(parsed.notes, [], "{}", key.name);
            let mut config = Config::from_env_iter::<&str, &str>([]);
            assert!((key.set)(&mut config, &parsed.value), "{}", key.name);
        }
    }
}

#[test]
fn a_value_of_every_key_fits_its_field() {
    for key in keys() {
        let text = sample(key);
        let parsed = key
            .kind
            .read(&Raw::Text(&text))
            .unwrap_or_else(|problem| panic!("{} {text}: {problem}", key.name));
        let mut config = Config::from_env_iter::<&str, &str>([]);
        assert!((key.set)(&mut config, &parsed.value), "{}", key.name);
    }
}

/// A value that the grammar of a key accepts.
fn sample(key: &Key) -> String {
    if let Some(text) = key.default.text(Profile::Standalone) {
        return text.to_owned();
    }
    match key.kind {
        Kind::Int { max, .. } | Kind::Bytes { max, .. } => max.to_string(),
        Kind::WholeSeconds { max, .. } => max.to_string(),
        Kind::Span { max, .. } => format!("{max}us"),
        Kind::Float { max, .. } => max.to_string(),
        Kind::Port => "65535".to_owned(),
        Kind::Bool => "true".to_owned(),
        Kind::Choice(words) | Kind::Choices(words) => words[0].to_owned(),
        Kind::ApiKey => "0123456789abcdef0123456789abcdef".to_owned(),
        Kind::HostPort => "localhost:4318".to_owned(),
        Kind::SocketPath | Kind::Path => "/tmp/x".to_owned(),
        Kind::Uuid => "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
        Kind::GrpcMethod => "/service/method".to_owned(),
        Kind::RemoteConfigurationKey => "DDRCM_QORWWZLZ".to_owned(),
        Kind::JsonObject | Kind::KeysByUrl => "{}".to_owned(),
        Kind::JsonList | Kind::ProcessingRules | Kind::ReplaceRules => "[]".to_owned(),
        Kind::PropagationStyles => "b3".to_owned(),
        Kind::Site => "us5".to_owned(),
        _ => "word".to_owned(),
    }
}

#[test]
fn every_variable_belongs_to_one_key() {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for key in keys() {
        for name in key.env.iter().chain(key.deprecated) {
            let earlier = owners.insert(name, key.name);
            assert_eq!(earlier, None, "{name} of {}", key.name);
        }
    }
}

#[test]
fn every_yaml_path_belongs_to_one_key_and_leads_to_a_value() {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for key in keys() {
        for path in key.yaml_paths() {
            let earlier = owners.insert(path.clone(), key.name);
            assert_eq!(earlier, None, "{path} of {}", key.name);
        }
    }
    for path in owners.keys() {
        let inside = format!("{path}.");
        let below = owners.keys().find(|other| other.starts_with(&inside));
        assert_eq!(below, None, "{path} is a value and a map");
    }
}

#[test]
fn further_yaml_paths_say_something_new() {
    for key in keys() {
        let without = Key { yaml: &[], ..*key }.yaml_paths();
        for path in key.yaml {
            assert!(!without.contains(&(*path).to_owned()), "{path}");
        }
    }
}

#[test]
fn a_default_like_another_comes_after_it() {
    let mut seen: Vec<&str> = Vec::new();
    for key in keys() {
        if let Default::Like(other) = key.default {
            assert!(seen.contains(&other), "{} before {other}", key.name);
        }
        seen.push(key.name);
    }
}

#[test]
fn names_and_documentation_have_their_form() {
    for key in keys() {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c);
        assert!(key.name.chars().all(is_name), "{}", key.name);
        assert!(!key.env.is_empty(), "{}", key.name);
        assert!(key.doc.ends_with('.'), "{}", key.name);
    }
}

#[test]
fn keys_that_hold_secrets_are_marked() {
    for key in keys() {
        let names_secret = key.env.iter().chain(key.deprecated).any(|name| {
            name.contains("API_KEY")
                || name.ends_with("_KEY")
                || name.ends_with("_JWT")
                || name.contains("TOKEN")
        });
        let holds_text = matches!(
            key.kind,
            Kind::Text | Kind::ApiKey | Kind::RemoteConfigurationKey
        );
        if names_secret && holds_text {
            assert!(key.secret, "{}", key.name);
        }
        if matches!(
            key.kind,
            Kind::KeysByUrl | Kind::LogsEndpoints | Kind::Proxy
        ) {
            assert!(key.secret, "{}", key.name);
        }
    }
}
