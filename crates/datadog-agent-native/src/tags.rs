//! The tags that everything the agent sends carries, from the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Config;

/// Gives the agent's tags, always in the order in which they first appear: those of the user, then the unified ones,
/// which replace what the user's say about the same names.
#[derive(Debug, Clone)]
pub struct Provider {
    config: Arc<Config>,
}

impl Provider {
    /// For this configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self { config }
    }

    /// The tags.
    #[must_use]
    pub fn get_tags_vec(&self) -> Vec<String> {
        self.config.global_tags(&[])
    }

    /// The tags with commas between them.
    #[must_use]
    pub fn get_tags_string(&self) -> String {
        self.get_tags_vec().join(",")
    }

    /// The tags by name; of one name with several values the last one, of one without a value an empty text.
    #[must_use]
    pub fn get_tags_map(&self) -> BTreeMap<String, String> {
        let split = |tag: String| match tag.split_once(':') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (tag, String::new()),
        };
        self.get_tags_vec().into_iter().map(split).collect()
    }

    /// The service, which stands for the resource that the agent runs in.
    #[must_use]
    pub fn get_canonical_resource_name(&self) -> Option<String> {
        self.config.service.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unified_tags_replace_those_of_the_user_in_place() {
        let config = Config::from_env_iter([
            ("DD_TAGS", "env:x,team:y,bare"),
            ("DD_ENV", "prod"),
            ("DD_SERVICE", "shop"),
        ]);
        let provider = Provider::new(Arc::new(config));
        assert_eq!(
            provider.get_tags_string(),
            "env:prod,team:y,bare,service:shop"
        );
        assert_eq!(
            provider.get_tags_map().get("env").map(String::as_str),
            Some("prod")
        );
        assert_eq!(
            provider.get_tags_map().get("bare").map(String::as_str),
            Some("")
        );
        assert_eq!(
            provider.get_canonical_resource_name().as_deref(),
            Some("shop")
        );
    }
}
