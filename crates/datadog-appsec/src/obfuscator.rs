//! What is hidden in security events.
//!
//! The library hides nothing unless some configuration asks for it, so one always does. It also takes its own
//! expression in the place of one that is wrong, without a word; here a wrong one is an error.

use regex::bytes::Regex;

use crate::error::Error;
use crate::value::Value;

/// Expressions for what is hidden; the built-in ones where none is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Obfuscator {
    key: Option<String>,
    value: Option<String>,
}

impl Obfuscator {
    /// Keys whose values are hidden, and values that are hidden wherever they stand; empty texts count as none.
    ///
    /// # Errors
    /// When an expression is not one.
    pub fn new(key: Option<&str>, value: Option<&str>) -> Result<Self, Error> {
        let checked = |name, expression: Option<&str>| {
            let Some(expression) = expression.filter(|text| !text.is_empty()) else {
                return Ok(None);
            };
            match Regex::new(expression) {
                Ok(_) => Ok(Some(expression.to_owned())),
                Err(error) => Err(Error::Obfuscator {
                    name,
                    cause: error.to_string(),
                }),
            }
        };
        Ok(Self {
            key: checked("DD_APPSEC_OBFUSCATION_PARAMETER_KEY_REGEXP", key)?,
            value: checked("DD_APPSEC_OBFUSCATION_PARAMETER_VALUE_REGEXP", value)?,
        })
    }

    /// As a configuration of the library.
    pub(crate) fn to_config(&self) -> Value {
        let expressions = [("key_regex", &self.key), ("value_regex", &self.value)];
        let given = expressions
            .into_iter()
            .filter_map(|(name, text)| text.as_ref().map(|text| (name, Value::text(text))));
        Value::map([("obfuscator", Value::map(given))])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_configured_even_when_nothing_is_given() {
        let config = |key, value| Obfuscator::new(key, value).unwrap().to_config().to_json();
        assert_eq!(config(None, Some("")), json!({"obfuscator": {}}));
        assert_eq!(
            config(Some("(?i)pin"), Some("[0-9]{4}")),
            json!({"obfuscator": {"key_regex": "(?i)pin", "value_regex": "[0-9]{4}"}})
        );
    }

    #[test]
    fn a_wrong_expression_is_an_error() {
        let error = Obfuscator::new(Some("("), None).unwrap_err().to_string();
        assert!(error.starts_with("DD_APPSEC_OBFUSCATION_PARAMETER_KEY_REGEXP"));
    }
}
