//! Brings the stats of a tracer into the form that the agent gives its own.
//!
//! The rules themselves are those of spans, and the caller's: this file knows in which order they apply.

use std::borrow::Cow;
use std::mem::take;

use datadog_wire::stats::{ClientGroupedStats, ClientStatsPayload};

use crate::span::Text;
use crate::truncate;

/// What is known of a request beside its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The container that the request came from; empty if not known.
    pub container_id: &'a str,
    /// The language of the tracer, as its headers say.
    pub lang: &'a str,
    /// The version of the tracer, as its headers say.
    pub tracer_version: &'a str,
    /// The environment of stats that name none.
    pub agent_env: &'a str,
    /// Whether resources are still to be obfuscated.
    pub obfuscated: Obfuscated,
}

/// Who took what is private out of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obfuscated {
    /// The tracer did, and said so.
    ByClient,
    /// Nobody yet.
    NotYet,
}

/// The rules for texts of spans, as they apply to stats.
pub trait Rules {
    /// An environment as a valid value of a tag.
    fn env<'t>(&self, env: &'t str) -> Cow<'t, str>;
    /// A valid service, a name for it if there is none, by the language.
    fn service<'t>(&self, service: &'t str, lang: &str) -> Cow<'t, str>;
    /// A valid name of spans.
    fn name<'t>(&self, name: &'t str) -> Cow<'t, str>;
    /// Whether groups of a resource are left out.
    fn ignores(&self, resource: &str) -> bool;
    /// The resource of spans of a type without what is private, by the dialect of a database where it is known.
    fn obfuscate<'t>(&self, kind: &str, resource: &'t str, database: &str) -> Cow<'t, str>;
    /// Cuts a resource that is too long.
    fn truncate(&self, resource: &mut Text<'_>);
    /// Replaces parts of a resource and of a status of HTTP by configuration.
    fn replace(&self, resource: &mut Text<'_>, http_status: &mut u32);
}

/// Brings stats into the form of the agent's; returns how many groups were left out as their resources are ignored.
///
/// Groups may be equal afterwards; the aggregator adds them up.
pub fn process(payload: &mut ClientStatsPayload, facts: &Facts<'_>, rules: &impl Rules) -> usize {
    if !facts.container_id.is_empty() {
        facts.container_id.clone_into(&mut payload.container_id);
    }
    fill(&mut payload.env, facts.agent_env);
    fill(&mut payload.lang, facts.lang);
    fill(&mut payload.tracer_version, facts.tracer_version);
    change(&mut payload.env, |env| rules.env(env));
    // Nothing of it may be allowed in a tag.
    fill(&mut payload.env, facts.agent_env);
    truncate::stats(payload);
    let lang = &payload.lang;
    let mut ignored = 0;
    for bucket in &mut payload.stats {
        let before = bucket.stats.len();
        bucket
            .stats
            .retain_mut(|group| is_kept(group, lang, facts.obfuscated, rules));
        ignored += before - bucket.stats.len();
    }
    ignored
}

/// Changes a group, unless its resource is ignored.
fn is_kept(
    group: &mut ClientGroupedStats,
    lang: &str,
    obfuscated: Obfuscated,
    rules: &impl Rules,
) -> bool {
    change(&mut group.name, |name| rules.name(name));
    change(&mut group.service, |service| rules.service(service, lang));
    fill(&mut group.resource, &group.name);
    if rules.ignores(&group.resource) {
        return false;
    }
    if obfuscated == Obfuscated::NotYet {
        let (kind, database) = (&group.kind, &group.db_type);
        change(&mut group.resource, |resource| {
            rules.obfuscate(kind, resource, database)
        });
    }
    let mut resource = Text::Owned(take(&mut group.resource));
    rules.truncate(&mut resource);
    rules.replace(&mut resource, &mut group.http_status_code);
    group.resource = resource.into_owned();
    true
}

/// Fills a text that is empty.
fn fill(text: &mut String, with: &str) {
    if text.is_empty() {
        text.push_str(with);
    }
}

/// Changes a text by a rule, which may leave it.
fn change(text: &mut String, rule: impl FnOnce(&str) -> Cow<'_, str>) {
    let changed = match rule(text) {
        Cow::Borrowed(same) if same.len() == text.len() => return,
        changed => changed.into_owned(),
    };
    *text = changed;
}
