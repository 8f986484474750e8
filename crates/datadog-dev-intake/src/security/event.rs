//! One security event: the rule that matched, and where and what it matched.
//!
//! Takes the two shapes that a firewall gives parameters: an address with its value, and, of calls that the application
//! itself made, several of them by the part that each plays.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a rule asks for that does not stand in the way of the request.
const HARMLESS: [&str; 3] = ["stack_trace", "extract_schema", "monitor"];

/// Values that a parameter is made of where several belong together.
const MAX_PARTS: usize = 8;

/// Something that a rule of the firewall found in a request, or in what the application did because of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SecurityEvent {
    /// The rule.
    pub rule: SecurityRule,
    /// What it matched, one for each of its conditions.
    pub rule_matches: Vec<RuleMatch>,
    /// What the blocked client was told to quote, if there was an answer to it.
    pub security_response_id: Option<String>,
    /// The id of the stack trace that belongs to it.
    pub stack_id: Option<String>,
}

/// A rule, as an event tells of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SecurityRule {
    /// Never empty.
    pub id: String,
    /// For people; empty if it has none.
    pub name: String,
    /// The tag `type`, such as `sql_injection`; empty if it has none.
    #[serde(rename = "type")]
    pub kind: String,
    /// The tag `category`, such as `attack_attempt`; empty if it has none.
    pub category: String,
    /// The names of what is to be done, such as `block`.
    pub on_match: Vec<String>,
    /// All tags, type and category included.
    pub tags: Map<String, Value>,
}

/// What one condition of a rule matched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleMatch {
    /// How it was looked for, such as `match_regex`.
    pub operator: String,
    /// What was looked for, such as the regular expression; often empty.
    pub operator_value: String,
    /// Where it was found.
    pub parameters: Vec<MatchedParameter>,
}

/// Where something was found, and what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchedParameter {
    /// The part that it plays where several belong together, such as `resource` and `params`.
    pub name: Option<String>,
    /// What was looked at, such as `server.request.query`.
    pub address: String,
    /// The way from there to the value: keys as texts, places in arrays as numbers, or as texts where the firewall says
    /// so.
    pub key_path: Vec<Value>,
    /// The value; its JSON text if it is no text.
    pub value: String,
    /// The parts of it that gave it away, or what the operator says in place of them.
    pub highlight: Vec<String>,
}

impl SecurityEvent {
    /// Reads one event, and says of one that lacks something what that is.
    ///
    /// # Errors
    /// In words, what it lacks so that it is none.
    pub(super) fn read(trigger: &Value) -> Result<(Self, Option<&'static str>), &'static str> {
        let trigger = trigger.as_object().ok_or("not an object")?;
        let rule = trigger.get("rule").and_then(Value::as_object);
        let rule = SecurityRule::read(rule.ok_or("no rule")?);
        if rule.id.is_empty() {
            return Err("no id of a rule");
        }
        let matches = list(trigger.get("rule_matches"));
        let event = Self {
            rule,
            rule_matches: matches.iter().filter_map(RuleMatch::read).collect(),
            security_response_id: given(trigger, "security_response_id"),
            stack_id: given(trigger, "stack_id"),
        };
        let mut parameters = matches
            .iter()
            .flat_map(|found| list(found.get("parameters")));
        let lacks = if event.rule_matches.is_empty() {
            Some("no rule_matches")
        } else if parameters.any(has_more_parts) {
            Some("a parameter of more than 8 parts, of which the others are not read")
        } else {
            None
        };
        Ok((event, lacks))
    }

    /// Whether its rule asks for something that stands in the way of the request.
    pub(super) fn asks_to_block(&self) -> bool {
        let is_harmless = |action: &String| HARMLESS.contains(&action.as_str());
        self.security_response_id.is_some() || !self.rule.on_match.iter().all(is_harmless)
    }
}

impl SecurityRule {
    fn read(rule: &Map<String, Value>) -> Self {
        let tags = rule.get("tags").and_then(Value::as_object);
        let tag = |name| text(tags.and_then(|tags| tags.get(name)));
        Self {
            id: text(rule.get("id")),
            name: text(rule.get("name")),
            kind: tag("type"),
            category: tag("category"),
            on_match: texts(rule.get("on_match")),
            tags: tags.cloned().unwrap_or_default(),
        }
    }
}

impl RuleMatch {
    fn read(found: &Value) -> Option<Self> {
        let found = found.as_object()?;
        let parameters = list(found.get("parameters"));
        Some(Self {
            operator: text(found.get("operator")),
            operator_value: text(found.get("operator_value")),
            parameters: parameters
                .iter()
                .filter_map(Value::as_object)
                .flat_map(MatchedParameter::read_all)
                .collect(),
        })
    }
}

impl MatchedParameter {
    /// The one that `parameter` is, or those that it is made of.
    fn read_all(parameter: &Map<String, Value>) -> Vec<Self> {
        let highlight = texts(parameter.get("highlight"));
        if parameter.contains_key("address") {
            return vec![Self::read(None, parameter, highlight)];
        }
        let parts = parts(parameter).take(MAX_PARTS);
        let named = |(name, part)| Self::read(Some(String::clone(name)), part, highlight.clone());
        parts.map(named).collect()
    }

    fn read(name: Option<String>, part: &Map<String, Value>, highlight: Vec<String>) -> Self {
        Self {
            name,
            address: text(part.get("address")),
            key_path: list(part.get("key_path")).to_vec(),
            value: text(part.get("value")),
            highlight,
        }
    }
}

/// The values that a parameter without an address is made of.
fn parts(parameter: &Map<String, Value>) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    let parts = parameter.iter();
    parts.filter_map(|(name, part)| {
        let part = part.as_object()?;
        part.contains_key("address").then_some((name, part))
    })
}

fn has_more_parts(parameter: &Value) -> bool {
    let parameter = parameter.as_object();
    parameter.is_some_and(|parameter| parts(parameter).count() > MAX_PARTS)
}

/// The elements of an array, none of anything else.
fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text, and of anything else its JSON; empty of `null` and nothing.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The texts of an array, or one text by itself.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(elements)) => {
            let elements = elements.iter();
            elements.map(|element| text(Some(element))).collect()
        }
        other => Some(text(other))
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect(),
    }
}

fn given(object: &Map<String, Value>, key: &str) -> Option<String> {
    Some(text(object.get(key))).filter(|text| !text.is_empty())
}
