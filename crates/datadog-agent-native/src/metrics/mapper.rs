//! Profiles of the mapper, from the JSON of their key.

use datadog_metrics_agent::rules::{Mapping, Profile, mapper::Pattern};
use serde_json::Value;

/// The profiles of a list such as `[{"name":…,"prefix":…,"mappings":[{"match":…,"name":…,"tags":{…}}]}]`.
///
/// # Errors
/// A sentence about the first that cannot be used.
pub(super) fn profiles(json: &str) -> Result<Vec<Profile>, String> {
    let list: Vec<Value> = serde_json::from_str(json)
        .map_err(|error| format!("dogstatsd_mapper_profiles is no list: {error}"))?;
    list.iter().map(profile).collect()
}

fn profile(profile: &Value) -> Result<Profile, String> {
    let name = text(profile, "name").ok_or_else(|| wrong("a profile has no name"))?;
    let prefix = text(profile, "prefix")
        .ok_or_else(|| wrong(&format!("the profile {name} has no prefix")))?;
    let mappings = profile["mappings"].as_array().into_iter().flatten();
    let mappings = mappings
        .map(|it| mapping(it, &name))
        .collect::<Result<_, _>>()?;
    Ok(Profile {
        name,
        prefix,
        mappings,
    })
}

fn mapping(mapping: &Value, profile: &str) -> Result<Mapping, String> {
    let missing = |what: &str| wrong(&format!("a mapping of the profile {profile} has no {what}"));
    let pattern = text(mapping, "match").ok_or_else(|| missing("match"))?;
    let pattern = match mapping["match_type"].as_str() {
        None | Some("" | "wildcard") => Pattern::Wildcard(pattern),
        Some("regex") => Pattern::Regex(pattern),
        Some(_) => {
            return Err(wrong(&format!(
                "a mapping of the profile {profile} has a match_type that is neither wildcard nor regex"
            )));
        }
    };
    let tags = mapping["tags"].as_object().into_iter().flatten();
    Ok(Mapping {
        pattern,
        name: text(mapping, "name").ok_or_else(|| missing("name"))?,
        tags: tags
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
    })
}

fn text(of: &Value, key: &str) -> Option<String> {
    let text = of[key].as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn wrong(problem: &str) -> String {
    format!("dogstatsd_mapper_profiles: {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_with_their_mappings() {
        let json = r#"[{"name":"p","prefix":"job.","mappings":[
            {"match":"job.*","name":"job","tags":{"kind":"$1"}},
            {"match":"job\\.(.*)","match_type":"regex","name":"$1"}]}]"#;
        let profiles = profiles(json).unwrap();
        assert_eq!(profiles[0].prefix, "job.");
        assert_eq!(
            profiles[0].mappings[0],
            Mapping {
                pattern: Pattern::Wildcard("job.*".to_owned()),
                name: "job".to_owned(),
                tags: vec![("kind".to_owned(), "$1".to_owned())],
            }
        );
        assert_eq!(
            profiles[0].mappings[1].pattern,
            Pattern::Regex(r"job\.(.*)".to_owned())
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        for (json, problem) in [
            (r#"[{"prefix":"a"}]"#, "a profile has no name"),
            (r#"[{"name":"p"}]"#, "the profile p has no prefix"),
            (
                r#"[{"name":"p","prefix":"a","mappings":[{"name":"n"}]}]"#,
                "a mapping of the profile p has no match",
            ),
            (
                r#"[{"name":"p","prefix":"a","mappings":[{"match":"m"}]}]"#,
                "a mapping of the profile p has no name",
            ),
        ] {
            let error = profiles(json).unwrap_err();
            assert_eq!(error, format!("dogstatsd_mapper_profiles: {problem}"));
        }
    }
}
