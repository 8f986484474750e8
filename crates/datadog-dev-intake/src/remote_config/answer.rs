//! Answers polls: brings the documents of an agent up to date, leaves out what it has, and signs the rest.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use datadog_wire::remote_config::LatestConfigsRequest;
use prost::Message as _;
use serde_json::{Map, Value, json};

use super::agents::{self, Agent};
use super::documents::{self, Draft, FileToSend, Recipe};
use super::time::rfc3339;
use super::trust::{self, Repository};
use super::{Backend, DELEGATED, DocumentName, MAX_ROOTS, ORG_UUID, Stamp, Tamper, role_of};

/// How far ahead of the clock a version may be that an agent names, for this intake to go on from there.
const MAX_AHEAD_S: u64 = 1_000_000;

impl Backend {
    /// Takes a poll in, and answers it.
    pub(crate) fn poll(
        &mut self,
        request: &LatestConfigsRequest,
        tamper: Option<(Tamper, Option<DocumentName>)>,
        now_ms: i64,
    ) -> Bytes {
        let now_s = u64::try_from(now_ms / 1_000).unwrap_or(0);
        self.meet(request, now_s);
        let mut agent = self.agents.take(request);
        agent.polled(request, now_ms);
        let what = tamper.as_ref().map(|(tamper, _)| *tamper);
        let answer = match (what, &agent.last_answer) {
            (Some(Tamper::NotProtobuf), _) => {
                self.agents.put(agent);
                return Bytes::from_static(b"\xff no message of protobuf");
            }
            (Some(Tamper::Frozen), Some(last)) => last.clone(),
            _ => {
                self.settle(&mut agent, request, what, now_s);
                let mut draft = self.draft(&agent, request);
                if let Some((tamper, document)) = &tamper {
                    tamper.apply(document.as_ref(), &mut draft, now_s);
                }
                let answer = draft.sign();
                if what.is_none() {
                    agent.remember(&answer);
                }
                answer
            }
        };
        self.agents.put(agent);
        answer.encode_to_vec().into()
    }

    /// Brings what this agent is to see up to date: each change has a new version, as has a timestamp that grows old.
    fn settle(
        &mut self,
        agent: &mut Agent,
        request: &LatestConfigsRequest,
        tamper: Option<Tamper>,
        now_s: u64,
    ) {
        agent.products = products(request);
        let mut content = Map::new();
        content.insert("targets".to_owned(), self.files_for(&agent.products));
        if let Some(interval_s) = self.refresh_interval_s {
            content.insert("agent_refresh_interval".to_owned(), interval_s.into());
        }
        let is_new = agent.targets == 0 || agent.content != content;
        if is_new {
            agent.targets = self.next(now_s);
            agent.content = content;
        }
        let needs_new = tamper.is_some_and(Tamper::needs_new_timestamps);
        let lifetime_s = self.timestamp_lifetime_s;
        if is_new || needs_new || agent.stamp.is_old(now_s) {
            agent.stamp = Stamp::new(self.next(now_s), now_s, lifetime_s);
        }
        if needs_new || self.stamp.is_old(now_s) {
            self.stamp = Stamp::new(self.next(now_s), now_s, lifetime_s);
        }
    }

    fn draft(&self, agent: &Agent, request: &LatestConfigsRequest) -> Draft {
        // What an agent has of an earlier life, or says to have and cannot, does not count.
        let named = request.current_config_snapshot_version;
        let has = if (self.born..=self.snapshot).contains(&named) {
            named
        } else {
            0
        };
        let mut config = self.config_recipe(request).make();
        config.targets.is_sent = self.top_targets > has;
        let delegations = self.delegated.iter().map(|(role, version)| {
            let files = self.files_of_role(Some(*role));
            let (role, mut document) = documents::delegation(role, *version, files);
            document.is_sent = *version > has;
            (role, document)
        });
        let known: BTreeSet<&str> = request.products.iter().map(String::as_str).collect();
        let fresh: BTreeSet<&str> = request.new_products.iter().map(String::as_str).collect();
        let files = self.pushed.iter();
        let files = files.filter(|(_, pushed)| agent.products.contains(&pushed.file.product));
        let files = files.map(|(path, pushed)| {
            let product = pushed.file.product.as_str();
            let has_product = known.contains(product) && !fresh.contains(product);
            FileToSend {
                path: pushed.path_to_send(path),
                raw: pushed.file.raw.clone(),
                is_sent: !has_product || pushed.since > has,
            }
        });
        Draft {
            config,
            delegations: delegations.collect(),
            director: self.director_recipe(agent, request).make(),
            files: files.collect(),
        }
    }

    fn config_recipe(&self, request: &LatestConfigsRequest) -> Recipe {
        let keys: Vec<_> = DELEGATED.map(trust::delegated_key).into();
        let roles: Vec<Value> = DELEGATED
            .iter()
            .zip(&keys)
            .map(|(role, key)| {
                json!({
                    "name": role, "keyids": [key.id], "threshold": 1, "terminating": true,
                    "paths": [format!("datadog/*/{role}/*/*"), format!("employee/{role}/*/*")],
                })
            })
            .collect();
        let mut listed = Map::new();
        listed.insert("targets".to_owned(), self.files_of_role(None));
        listed.insert(
            "delegations".to_owned(),
            json!({"keys": trust::objects(&keys), "roles": roles}),
        );
        let delegated = self.delegated.iter();
        Recipe {
            repository: Repository::Config,
            root: self.config_root,
            root_of_agent: request.current_config_root_version,
            timestamp: self.stamp.version,
            timestamp_expires: rfc3339(self.stamp.expires_s),
            snapshot: self.snapshot,
            targets: self.top_targets,
            listed,
            delegated: delegated
                .map(|(role, version)| ((*role).to_owned(), *version))
                .collect(),
            snapshot_custom: Some(json!({"org_uuid": ORG_UUID})),
        }
    }

    fn director_recipe(&self, agent: &Agent, request: &LatestConfigsRequest) -> Recipe {
        let mut custom = Map::new();
        custom.insert(
            "opaque_backend_state".to_owned(),
            BASE64.encode(agent.state(self.life)).into(),
        );
        if let Some(interval_s) = agent.content.get("agent_refresh_interval") {
            custom.insert("agent_refresh_interval".to_owned(), interval_s.clone());
        }
        let mut listed = Map::new();
        listed.insert("custom".to_owned(), custom.into());
        let files = agent.content.get("targets").cloned();
        listed.insert("targets".to_owned(), files.unwrap_or_default());
        Recipe {
            repository: Repository::Director,
            root: self.director_root,
            root_of_agent: request.current_director_root_version,
            timestamp: agent.stamp.version,
            timestamp_expires: rfc3339(agent.stamp.expires_s),
            snapshot: agent.targets,
            targets: agent.targets,
            listed,
            delegated: Vec::new(),
            snapshot_custom: None,
        }
    }

    /// The files of a delegated role, or those of none.
    fn files_of_role(&self, role: Option<&str>) -> Value {
        let files = self.pushed.iter();
        let files = files.filter(|(_, pushed)| role_of(&pushed.file.product) == role);
        files
            .map(|(path, pushed)| (path.clone(), pushed.listed()))
            .collect()
    }

    fn files_for(&self, products: &BTreeSet<String>) -> Value {
        let files = self.pushed.iter();
        let files = files.filter(|(_, pushed)| products.contains(&pushed.file.product));
        files
            .map(|(path, pushed)| (path.clone(), pushed.listed_for_clients()))
            .collect()
    }

    /// Goes on from where an earlier life ended that the agent remembers: what it has been told once never falls.
    fn meet(&mut self, request: &LatestConfigsRequest, now_s: u64) {
        let past = |named: u64, own: u64| named.min(MAX_ROOTS).max(own);
        self.config_root = past(request.current_config_root_version, self.config_root);
        self.director_root = past(request.current_director_root_version, self.director_root);
        let state = agents::State::read(&request.backend_client_state);
        let is_of_another = state.as_ref().is_some_and(|state| state.life != self.life);
        let remembered = state.map_or(0, |state| state.version);
        let named = remembered.max(request.current_config_snapshot_version);
        // Two lives may begin in one second, and give the same number to different documents.
        let is_past = named > self.version || is_of_another && named >= self.born;
        if is_past && named <= now_s.saturating_add(MAX_AHEAD_S) {
            self.version = self.version.max(named) + 1;
            self.begin(now_s);
            self.agents.forget_versions();
        }
    }
}

/// Every product that a poll asks for.
fn products(request: &LatestConfigsRequest) -> BTreeSet<String> {
    let products = request.products.iter().chain(&request.new_products);
    products.take(agents::MAX_PRODUCTS).cloned().collect()
}
