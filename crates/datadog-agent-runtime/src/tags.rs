//! Lists of tags in the order in which they first appeared, and how the tags of the agent come together.
//!
//! Never sorted and never reordered: the same configuration gives the same text, byte for byte, which compression and
//! tests rely on. Grammar and validity are the configuration's concern.

/// Tags, each once, in order of first appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tags(Vec<String>);

/// The three tags that tie logs, traces and metrics together; an empty one counts as unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unified {
    /// `DD_SERVICE`.
    pub service: Option<String>,
    /// `DD_ENV`.
    pub env: Option<String>,
    /// `DD_VERSION`.
    pub version: Option<String>,
}

impl Tags {
    /// Adds a tag at the end, unless it is there already.
    pub fn push(&mut self, tag: impl Into<String>) {
        let tag = tag.into();
        if !self.0.contains(&tag) {
            self.0.push(tag);
        }
    }

    /// Makes `key:value` the only tag of that key: in the place of the first one, else at the end.
    pub fn set(&mut self, key: &str, value: &str) {
        let first = self.0.iter().position(|tag| has_key(tag, key));
        self.0.retain(|tag| !has_key(tag, key));
        // Nothing before the first one was removed, so its place is still there.
        let place = first.unwrap_or(self.0.len());
        self.0.insert(place, format!("{key}:{value}"));
    }

    /// The value of the first tag of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        let tag = self.0.iter().find(|tag| has_key(tag, key))?;
        tag.split_once(':').map(|(_, value)| value)
    }

    /// The tags.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The tags with commas between them, as `ddtags` has them.
    #[must_use]
    pub fn joined(&self) -> String {
        self.0.join(",")
    }

    /// Whether there is no tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<String>> FromIterator<T> for Tags {
    fn from_iter<I: IntoIterator<Item = T>>(tags: I) -> Self {
        let mut list = Self::default();
        list.extend(tags);
        list
    }
}

impl<T: Into<String>> Extend<T> for Tags {
    fn extend<I: IntoIterator<Item = T>>(&mut self, tags: I) {
        for tag in tags {
            self.push(tag);
        }
    }
}

/// The tags of everything that the agent sends: those of the user, then those of the platform, then the unified ones,
/// which replace in place what the others say about their keys.
#[must_use]
pub fn merge(tags: &Tags, platform: &Tags, unified: &Unified) -> Tags {
    let mut merged = tags.clone();
    merged.extend(platform.as_slice());
    for (key, value) in [
        ("service", &unified.service),
        ("env", &unified.env),
        ("version", &unified.version),
    ] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            merged.set(key, value);
        }
    }
    merged
}

fn has_key(tag: &str, key: &str) -> bool {
    tag.strip_prefix(key)
        .is_some_and(|rest| rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Tags {
        list.iter().copied().collect()
    }

    #[test]
    fn first_appearance_decides_the_order_and_repetition_is_dropped() {
        let list = tags(&["b:2", "a:1", "bare", "b:2", "b:3", "bare"]);
        assert_eq!(list.joined(), "b:2,a:1,bare,b:3");
    }

    #[test]
    fn unified_tags_replace_in_place() {
        let unified = Unified {
            env: Some("prod".to_owned()),
            ..Unified::default()
        };
        let merged = merge(&tags(&["env:x", "team:y"]), &Tags::default(), &unified);
        assert_eq!(merged.joined(), "env:prod,team:y");
    }

    #[test]
    fn platform_tags_follow_the_users_and_unified_tags_that_nobody_gave_come_last() {
        let unified = Unified {
            service: Some("web".to_owned()),
            env: Some("prod".to_owned()),
            version: Some("1.10".to_owned()),
        };
        let merged = merge(
            &tags(&["team:y", "origin:lambda"]),
            &tags(&["origin:lambda", "service:function", "region:eu"]),
            &unified,
        );
        assert_eq!(
            merged.joined(),
            "team:y,origin:lambda,service:web,region:eu,env:prod,version:1.10"
        );
    }

    #[test]
    fn second_value_of_a_unified_key_is_dropped() {
        let mut list = tags(&["a:1", "env:x", "b:2", "env:y"]);
        list.set("env", "prod");
        assert_eq!(list.joined(), "a:1,env:prod,b:2");
    }

    #[test]
    fn key_is_compared_as_a_whole() {
        let mut list = tags(&["environment:x", "env", "env_x:1"]);
        list.set("env", "prod");
        assert_eq!(list.joined(), "environment:x,env,env_x:1,env:prod");
    }

    #[test]
    fn unset_and_empty_unified_tags_leave_the_users() {
        let unified = Unified {
            service: Some(String::new()),
            ..Unified::default()
        };
        let given = tags(&["service:mine", "env:x"]);
        assert_eq!(merge(&given, &Tags::default(), &unified), given);
    }

    #[test]
    fn value_is_that_of_the_first_tag_of_the_key() {
        let list = tags(&["env", "env:x", "env:y", "url:http://a:1"]);
        assert_eq!(list.value("env"), Some("x"));
        assert_eq!(list.value("url"), Some("http://a:1"));
        assert_eq!(list.value("team"), None);
    }
}
