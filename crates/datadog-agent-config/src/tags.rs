//! The tags of everything that is sent: those of the user, those of the platform, and the unified ones, which win.
//!
//! The order is that of first appearance, never sorted: equal configurations give equal texts, which compression and
//! tests rely on.

/// Merges tags in order; each of `unified`, a key with its value, replaces tags of its key in place.
pub(crate) fn merge(user: &[String], platform: &[String], unified: &[(&str, &str)]) -> Vec<String> {
    let mut merged: Vec<String> = Vec::new();
    for tag in user.iter().chain(platform) {
        let key = tag.split_once(':').map(|(key, _)| key);
        let winner = unified.iter().find(|(name, _)| Some(*name) == key);
        let tag = match winner {
            Some((name, value)) => format!("{name}:{value}"),
            None => tag.clone(),
        };
        push_new(&mut merged, tag);
    }
    for (name, value) in unified {
        push_new(&mut merged, format!("{name}:{value}"));
    }
    merged
}

/// Appends a tag that is not there yet.
pub(crate) fn push_new(tags: &mut Vec<String>, tag: String) {
    if !tags.contains(&tag) {
        tags.push(tag);
    }
}

/// The value of the last tag of this key.
pub(crate) fn value_of<'a>(tags: &'a [String], key: &str) -> Option<&'a str> {
    tags.iter()
        .rev()
        .filter_map(|tag| tag.split_once(':'))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn unified_tags_replace_in_place_and_stand_last_otherwise() {
        assert_eq!(
            merge(
                &owned(&["env:x", "team:y", "env:z"]),
                &owned(&["origin:lambda"]),
                &[("service", "web"), ("env", "prod")]
            ),
            ["env:prod", "team:y", "origin:lambda", "service:web"]
        );
    }

    #[test]
    fn one_key_may_have_several_values() {
        assert_eq!(
            merge(&owned(&["a:1", "a:2", "a:1", "bare"]), &[], &[]),
            ["a:1", "a:2", "bare"]
        );
    }

    #[test]
    fn the_last_value_of_a_key_counts_alone() {
        assert_eq!(
            value_of(&owned(&["env:x", "env:y", "env"]), "env"),
            Some("y")
        );
        assert_eq!(value_of(&owned(&["env"]), "env"), None);
    }
}
