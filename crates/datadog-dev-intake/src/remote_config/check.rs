//! Finds what is wrong with a poll, as far as it can be seen without asking the clients.
//!
//! A poll with problems is answered all the same; only the real backend knows what it would do.

use std::collections::BTreeSet;

use datadog_wire::remote_config::{Client, ConfigState, LatestConfigsRequest};

use super::shown::ApplyState;
use super::{Backend, Dislike, MAX_ROOTS, ORG_UUID};
use crate::problem::{Problems, What};

/// Milliseconds that a client may have been seen before or, by another clock, after now.
const DAY_MS: u64 = 86_400_000;

/// Notes every problem of a poll that came at that millisecond since 1970.
pub(crate) fn check(
    backend: &Backend,
    request: &LatestConfigsRequest,
    now_ms: i64,
    problems: &mut Problems,
) {
    let mut add = |dislike| problems.add(What::RemoteConfig(dislike));
    if request.agent_version.is_empty() {
        add(Dislike::NoAgentVersion);
    } else if !is_version(&request.agent_version) {
        add(Dislike::OddAgentVersion);
    }
    if request.agent_uuid.is_empty() {
        add(Dislike::NoAgentUuid);
    }
    if !request.org_uuid.is_empty() && request.org_uuid != ORG_UUID {
        add(Dislike::OtherOrg);
    }
    match (request.has_error, request.error.is_empty()) {
        (true, true) => add(Dislike::ErrorNotSaid),
        (false, false) => add(Dislike::ErrorWithoutFlag),
        _ => {}
    }
    let roots = [
        request.current_config_root_version,
        request.current_director_root_version,
    ];
    if roots.into_iter().any(|version| version > MAX_ROOTS) {
        add(Dislike::UnknownRoot);
    }
    if !repeats_state(backend, request) {
        add(Dislike::OtherState);
    }
    let asked = check_products(request, problems);
    let mut seen = BTreeSet::new();
    for (index, client) in request.active_clients.iter().enumerate() {
        let mut add = |dislike| problems.add_to("client", index, What::RemoteConfig(dislike), None);
        if !client.id.is_empty() && !seen.insert(client.id.as_str()) {
            add(Dislike::ClientTwice);
        }
        check_client(client, now_ms, &asked, &mut add);
    }
}

/// Whether an agent that names documents of this life says again what it was given with them.
fn repeats_state(backend: &Backend, request: &LatestConfigsRequest) -> bool {
    let named = request.current_config_snapshot_version;
    let given = backend.agents.of(request);
    let given = given.filter(|agent| agent.targets > 0 && named >= backend.born);
    let said = &request.backend_client_state;
    // What was given last may have been refused, so that the agent says what it believed before.
    given.is_none_or(|_| super::agents::State::read(said).is_some_and(|state| state.version > 0))
}

fn check_products<'a>(
    request: &'a LatestConfigsRequest,
    problems: &mut Problems,
) -> BTreeSet<&'a str> {
    let mut asked = BTreeSet::new();
    for product in request.products.iter().chain(&request.new_products) {
        if product.is_empty() {
            problems.add(What::RemoteConfig(Dislike::EmptyProduct));
        } else if !asked.insert(product.as_str()) {
            problems.add_detail(What::RemoteConfig(Dislike::ProductTwice), product);
        }
    }
    asked
}

fn check_client(
    client: &Client,
    now_ms: i64,
    asked: &BTreeSet<&str>,
    add: &mut impl FnMut(Dislike),
) {
    if client.id.is_empty() {
        add(Dislike::NoClientId);
    }
    check_kind(client, add);
    let now_ms = u64::try_from(now_ms).unwrap_or(0);
    if client.last_seen.abs_diff(now_ms) > DAY_MS {
        add(Dislike::OddLastSeen);
    }
    if client.products.is_empty() {
        add(Dislike::NoClientProducts);
    }
    let products = client.products.iter();
    if products.clone().any(String::is_empty) {
        add(Dislike::EmptyProduct);
    }
    let mut named = products.filter(|product| !product.is_empty());
    if named.any(|product| !asked.contains(product.as_str())) {
        add(Dislike::ProductNotAsked);
    }
    let Some(state) = &client.state else {
        add(Dislike::NoState);
        return;
    };
    if state.root_version == 0 {
        add(Dislike::NoRootVersion);
    }
    match (state.has_error, state.error.is_empty()) {
        (true, true) => add(Dislike::ErrorNotSaid),
        (false, false) => add(Dislike::ErrorWithoutFlag),
        _ => {}
    }
    for config in &state.config_states {
        check_config(config, add);
    }
}

fn check_kind(client: &Client, add: &mut impl FnMut(Dislike)) {
    let kinds = [client.is_tracer, client.is_agent, client.is_updater];
    if kinds.into_iter().filter(|is_one| *is_one).count() != 1 {
        add(Dislike::NotOneKind);
        return;
    }
    let has_facts = if client.is_tracer {
        client.client_tracer.is_some()
    } else if client.is_agent {
        client.client_agent.is_some()
    } else {
        client.client_updater.is_some()
    };
    if !has_facts {
        add(Dislike::KindWithoutFacts);
    }
    if let Some(tracer) = client.client_tracer.as_ref().filter(|_| client.is_tracer) {
        if tracer.language.is_empty() {
            add(Dislike::NoLanguage);
        }
        if !client.id.is_empty() && client.id == tracer.runtime_id {
            add(Dislike::ClientIsRuntime);
        }
    }
}

fn check_config(config: &ConfigState, add: &mut impl FnMut(Dislike)) {
    if config.id.is_empty() || config.product.is_empty() || config.version == 0 {
        add(Dislike::ConfigWithoutName);
    }
    match ApplyState::of(config.apply_state) {
        None => add(Dislike::UnknownApplyState),
        Some(ApplyState::Error) if config.apply_error.is_empty() => {
            add(Dislike::ApplyErrorNotSaid);
        }
        Some(_) => {}
    }
}

/// Whether a text begins with three numbers, as versions of agents do.
fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    numbers.len() == 3 && numbers.iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_three_numbers() {
        for version in ["7.70.0", "7.1000.0-agentless", "0.1.0-rc.1+git.1"] {
            assert!(is_version(version), "{version}");
        }
        for version in ["", "7", "7.70", "v7.70.0", "7.70.x", "7.70.0.1", "dev"] {
            assert!(!is_version(version), "{version}");
        }
    }
}
