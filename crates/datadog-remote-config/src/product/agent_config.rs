//! `AGENT_CONFIG`: layers of settings of the agent, of which it takes the level of its log, and the order of the layers.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::consumer::ConfigFile;

/// The name of the product.
pub const PRODUCT: &str = "AGENT_CONFIG";
/// The configuration that names the order of the others.
const ORDER: &str = "configuration_order";

#[derive(Deserialize)]
struct Layer {
    config: Option<Settings>,
}

#[derive(Deserialize)]
struct Settings {
    log_level: Option<String>,
}

#[derive(Default, Deserialize)]
struct Order {
    order: Option<Vec<String>>,
    internal_order: Option<Vec<String>>,
}

/// The file that cannot be read, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable<'a> {
    /// The file.
    pub file: &'a ConfigFile,
    /// What is wrong with it.
    pub problem: String,
}

/// The level of the log that the layers come to; `None` if they say nothing of it, or their order is not there.
///
/// # Errors
/// The first file that cannot be read: then none of them counts.
pub fn log_level(files: &[ConfigFile]) -> Result<Option<String>, Unreadable<'_>> {
    let mut layers = BTreeMap::new();
    let mut order = None;
    for file in files {
        let unreadable = |error: serde_json::Error| Unreadable {
            file,
            problem: error.to_string(),
        };
        if file.config_id == ORDER {
            let read: Order = serde_json::from_slice(&file.raw).map_err(unreadable)?;
            order = Some(read);
        } else {
            let layer: Layer = serde_json::from_slice(&file.raw).map_err(unreadable)?;
            let level = layer.config.and_then(|config| config.log_level);
            layers.insert(file.config_id.as_str(), level.unwrap_or_default());
        }
    }
    let order = order.unwrap_or_default();
    let mut level = None;
    // The first of each has the last word, and the internal ones over the others.
    for names in [order.order, order.internal_order] {
        for name in names.unwrap_or_default().iter().rev() {
            if let Some(said) = layers.get(name.as_str()).filter(|said| !said.is_empty()) {
                level = Some(said.clone());
            }
        }
    }
    Ok(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(config_id: &str, text: &str) -> ConfigFile {
        ConfigFile {
            path: format!("datadog/2/AGENT_CONFIG/{config_id}/name"),
            product: PRODUCT.to_owned(),
            config_id: config_id.to_owned(),
            name: "name".to_owned(),
            version: 1,
            raw: text.to_owned().into(),
        }
    }

    fn layer(config_id: &str, level: &str) -> ConfigFile {
        let text = format!(r#"{{"name":"x","config":{{"log_level":"{level}"}}}}"#);
        file(config_id, &text)
    }

    #[test]
    fn the_first_layer_has_the_last_word_and_internal_ones_over_all() {
        let layers = [
            layer("a", "debug"),
            layer("b", "warn"),
            layer("c", ""),
            layer("d", "trace"),
        ];
        let with = |order: &str| {
            let mut files = layers.to_vec();
            files.push(file(ORDER, order));
            log_level(&files).unwrap()
        };
        assert_eq!(with(r#"{"order":["a","b"]}"#).as_deref(), Some("debug"));
        assert_eq!(with(r#"{"order":["c","b","a"]}"#).as_deref(), Some("warn"));
        let both = r#"{"order":["a","b"],"internal_order":["c","d"]}"#;
        assert_eq!(with(both).as_deref(), Some("trace"));
        assert_eq!(with(r#"{"order":["x"],"internal_order":null}"#), None);
    }

    #[test]
    fn without_an_order_no_layer_counts() {
        assert_eq!(log_level(&[layer("a", "debug")]), Ok(None));
        assert_eq!(log_level(&[]), Ok(None));
    }

    #[test]
    fn one_unreadable_file_spoils_all_and_is_named() {
        let files = [
            layer("a", "debug"),
            file("b", "{"),
            file(ORDER, r#"{"order":["a"]}"#),
        ];
        assert_eq!(log_level(&files).unwrap_err().file.config_id, "b");
        let files = [file("a", "{}"), file(ORDER, r#"{"order":1}"#)];
        assert_eq!(log_level(&files).unwrap_err().file.config_id, ORDER);
    }
}
