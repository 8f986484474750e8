//! Stats that tracers worked out: the rules of spans, applied to groups.

use std::borrow::Cow;
use std::time::Duration;

use datadog_agent_runtime::telemetry::Reason;
use datadog_wire::stats::ClientStatsPayload;

use super::Processor;
use crate::client_stats::{self, DecodeError, Facts, Obfuscated, Rules};
use crate::config::Stats;
use crate::decode::Allowance;
use crate::normalize;
use crate::server::client::Client;
use crate::span::Text;
use crate::truncate;

/// How many groups a body held, and how many of them were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) groups: usize,
    pub(crate) ignored: usize,
    /// Why those were left out.
    pub(crate) why: Reason,
}

impl Processor {
    /// Takes a body with stats.
    ///
    /// # Errors
    /// A body that cannot be decoded, or for which there is no memory; nothing of it is used.
    pub(crate) fn stats(
        &self,
        body: &[u8],
        client: &Client,
        allowance: &mut Allowance,
        now: Duration,
    ) -> Result<Taken, DecodeError> {
        let mut payload = client_stats::decode_in(body, |bytes| allowance.grow_to(bytes))?;
        let groups = groups(&payload);
        if self.stats == Stats::Nobody {
            return Ok(Taken {
                groups,
                ignored: groups,
                why: Reason::Standalone,
            });
        }
        let facts = Facts {
            container_id: &client.container_id,
            lang: &client.language,
            tracer_version: &client.tracer_version,
            agent_env: &self.agent_env,
            obfuscated: match client.obfuscated {
                true => Obfuscated::ByClient,
                false => Obfuscated::NotYet,
            },
        };
        let ignored = client_stats::process(&mut payload, &facts, self);
        self.open_stats.lock().of_clients.add(payload, now);
        Ok(Taken {
            groups,
            ignored,
            why: Reason::Filtered,
        })
    }
}

fn groups(payload: &ClientStatsPayload) -> usize {
    payload.stats.iter().map(|bucket| bucket.stats.len()).sum()
}

impl Rules for Processor {
    fn env<'t>(&self, env: &'t str) -> Cow<'t, str> {
        normalize::tag_value(env)
    }

    fn service<'t>(&self, service: &'t str, lang: &str) -> Cow<'t, str> {
        let context = normalize::Context {
            language: lang,
            now: 0,
            component_as_name: false,
        };
        normalize::service(service, &context).0
    }

    fn name<'t>(&self, name: &'t str) -> Cow<'t, str> {
        normalize::operation(name).0
    }

    fn ignores(&self, resource: &str) -> bool {
        self.filter.ignores(resource)
    }

    fn obfuscate<'t>(&self, kind: &str, resource: &'t str, database: &str) -> Cow<'t, str> {
        self.obfuscator.stats_group(kind, resource, database)
    }

    fn truncate(&self, resource: &mut Text<'_>) {
        truncate::resource(resource, self.resources);
    }

    fn replace(&self, resource: &mut Text<'_>, http_status: &mut u32) {
        self.replacer.stats_group(resource, http_status);
    }
}
