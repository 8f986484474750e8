//! Tags: which are instructions, which are added, and the set that comes out.

use crate::context::TAG_END;
use crate::parse::{Cardinality, Origin};

/// Names of tags of which a message's own win over those of the configuration.
const UNIFIED: [&str; 3] = ["service", "env", "version"];

/// Whether a tag says no service, environment or version: it is none, and that of the configuration holds.
pub(super) fn is_empty_unified(tag: &str) -> bool {
    tag.strip_suffix(':')
        .is_some_and(|name| UNIFIED.contains(&name))
}

/// What is made of where a client runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginOptions {
    /// How many tags about its origin a message gets that does not say. Default: those of low cardinality.
    pub cardinality: Cardinality,
    /// Whether a client may refuse them. Default: yes.
    pub optout: bool,
    /// Whether the entity that a message names wins over the sender of the socket. Default: no.
    pub entity_id_precedence: bool,
}

impl Default for OriginOptions {
    fn default() -> Self {
        Self {
            cardinality: Cardinality::Low,
            optout: true,
            entity_id_precedence: false,
        }
    }
}

impl OriginOptions {
    /// The container that a message is tagged with, if any.
    ///
    /// Only the id is known of a container, and that is a tag of high cardinality.
    pub(super) fn container<'a>(
        &self,
        origin: Origin<'a>,
        sender: Option<&'a str>,
        orders: &Orders,
    ) -> Option<&'a str> {
        let asked = origin.cardinality.or(orders.cardinality);
        let refuses = asked == Some(Cardinality::None) || orders.entity == Entity::None;
        if self.optout && refuses {
            return None;
        }
        let cardinality = asked.unwrap_or(self.cardinality);
        // A pod that the client names has no container; where it comes first, nothing is known.
        let names_a_pod = orders.entity == Entity::Pod && self.entity_id_precedence;
        if cardinality != Cardinality::High || names_a_pod {
            return None;
        }
        let local = origin.local.and_then(|local| local.container_id());
        local.or(sender)
    }
}

/// The instructions among the tags of a message.
#[derive(Debug, Default)]
pub(super) struct Orders {
    cardinality: Option<Cardinality>,
    entity: Entity,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Entity {
    /// Nothing is said.
    #[default]
    Unsaid,
    /// The client refuses.
    None,
    /// A pod.
    Pod,
}

impl Orders {
    /// Takes a tag if it is an instruction.
    pub(super) fn take(&mut self, tag: &str) -> bool {
        let Some(order) = tag.strip_prefix("dd.internal.") else {
            return false;
        };
        if let Some(level) = order.strip_prefix("card:") {
            self.cardinality = Cardinality::of(level.as_bytes());
        } else if let Some(id) = order.strip_prefix("entity_id:") {
            self.entity = match id {
                "none" => Entity::None,
                _ => Entity::Pod,
            };
        } else {
            return order.starts_with("jmx_check_name:");
        }
        true
    }
}

/// The tags of one message, in a buffer that is used again.
#[derive(Debug, Default)]
pub(crate) struct TagList {
    text: String,
    ranges: Vec<(usize, usize)>,
}

impl TagList {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ranges.clear();
    }

    pub(super) fn push(&mut self, tag: &str) {
        self.push_joined("", tag);
    }

    /// Adds a tag of two parts.
    pub(super) fn push_joined(&mut self, name: &str, value: &str) {
        let start = self.text.len();
        self.text.push_str(name);
        self.text.push_str(value);
        if self.text.len() > start {
            self.ranges.push((start, self.text.len()));
        }
    }

    /// Adds the tags of the configuration but those of these names, and those that say what the message says itself.
    pub(super) fn add_configured(&mut self, tags: &[String], excluded: &[String]) {
        let own = self.ranges.len();
        for tag in tags {
            let name = tag.split(':').next().unwrap_or_default();
            let is_said = UNIFIED.contains(&name) && self.has_name(name, own);
            if !is_said && !excluded.iter().any(|excluded| excluded == name) {
                self.push(tag);
            }
        }
    }

    fn has_name(&self, name: &str, among: usize) -> bool {
        let mut ranges = self.ranges.iter().take(among);
        ranges.any(|&(start, end)| {
            let tag = self.text.get(start..end).unwrap_or_default();
            tag.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(':'))
        })
    }

    /// Writes the tags sorted and without repetitions, at most so many; returns how many were left out.
    pub(super) fn join(&mut self, out: &mut String, max: usize) -> usize {
        out.clear();
        let text = &self.text;
        let tag = |&(start, end): &(usize, usize)| text.get(start..end).unwrap_or_default();
        self.ranges.sort_unstable_by(|a, b| tag(a).cmp(tag(b)));
        self.ranges.dedup_by(|a, b| tag(a) == tag(b));
        for range in self.ranges.iter().take(max) {
            if !out.is_empty() {
                out.push(TAG_END);
            }
            // Only a tag of the configuration can have it.
            out.extend(
                tag(range)
                    .chars()
                    .map(|it| if it == TAG_END { ' ' } else { it }),
            );
        }
        self.ranges.len().saturating_sub(max)
    }
}
