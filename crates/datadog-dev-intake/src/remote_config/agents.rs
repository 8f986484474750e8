//! The agents that poll: what each was given, and what it said last.
//!
//! Holds a bounded number of them, each with a bounded account of its clients; who polled longest ago goes first.

use std::collections::BTreeSet;

use datadog_wire::remote_config::{LatestConfigsRequest, LatestConfigsResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Stamp;
use super::shown::AgentSnapshot;

/// Agents remembered.
const MAX_AGENTS: usize = 16;
/// Products of one agent.
pub(super) const MAX_PRODUCTS: usize = 1_000;

/// What an agent is given to say again, so that a later life of this intake knows how far the last one was.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// Which life gave it.
    pub(super) life: u64,
    /// The version of the director's targets.
    pub(super) version: u64,
}

impl State {
    /// Reads what an agent said again; `None` when it is nothing that was given here.
    pub(super) fn read(state: &[u8]) -> Option<Self> {
        serde_json::from_slice(state).ok()
    }
}

/// One agent.
#[derive(Debug, Default)]
pub(super) struct Agent {
    key: String,
    /// What it asked for last.
    pub(super) products: BTreeSet<String>,
    /// The version of its snapshot and targets; 0 before its first answer.
    pub(super) targets: u64,
    /// What its targets say beside their version.
    pub(super) content: Map<String, Value>,
    pub(super) stamp: Stamp,
    /// The documents of the last answer that was not tampered with.
    pub(super) last_answer: Option<LatestConfigsResponse>,
    /// The last poll.
    pub(super) said: AgentSnapshot,
}

impl Agent {
    /// What it is to say again with its next poll.
    pub(super) fn state(&self, life: u64) -> Vec<u8> {
        let state = State {
            life,
            version: self.targets,
        };
        serde_json::to_vec(&state).unwrap_or_default()
    }

    pub(super) fn polled(&mut self, request: &LatestConfigsRequest, now_ms: i64) {
        let polls = self.said.polls + 1;
        self.said = AgentSnapshot::of(request, now_ms);
        self.said.polls = polls;
    }

    /// Keeps the documents of an answer; its files are kept elsewhere.
    pub(super) fn remember(&mut self, answer: &LatestConfigsResponse) {
        let mut answer = answer.clone();
        answer.target_files = Vec::new();
        self.last_answer = Some(answer);
        self.said.director_targets_version = self.targets;
    }
}

/// The agents that polled last.
#[derive(Debug, Default)]
pub(super) struct Agents(Vec<Agent>);

impl Agents {
    /// Takes out the agent of a poll, or a new one.
    pub(super) fn take(&mut self, request: &LatestConfigsRequest) -> Agent {
        let key = key(request);
        match self.0.iter().position(|agent| agent.key == key) {
            Some(at) => self.0.remove(at),
            None => Agent {
                key,
                ..Agent::default()
            },
        }
    }

    /// Puts an agent in, as the last that polled.
    pub(super) fn put(&mut self, agent: Agent) {
        self.0.push(agent);
        if self.0.len() > MAX_AGENTS {
            self.0.remove(0);
        }
    }

    /// The agent of a poll.
    pub(super) fn of(&self, request: &LatestConfigsRequest) -> Option<&Agent> {
        let key = key(request);
        self.0.iter().find(|agent| agent.key == key)
    }

    /// Makes every timestamp anew with the next answer.
    pub(super) fn forget_stamps(&mut self) {
        for agent in &mut self.0 {
            agent.stamp = Stamp::default();
        }
    }

    /// Makes every document anew with the next answer.
    pub(super) fn forget_versions(&mut self) {
        self.forget_stamps();
        for agent in &mut self.0 {
            agent.targets = 0;
            agent.last_answer = None;
        }
    }

    /// What each said last, the one that polled last at the end.
    pub(super) fn said(&self) -> impl Iterator<Item = &AgentSnapshot> {
        self.0.iter().map(|agent| &agent.said)
    }
}

/// What tells agents apart.
fn key(request: &LatestConfigsRequest) -> String {
    let longest = |text: &str| text.chars().take(200).collect::<String>();
    let (uuid, host) = (&request.agent_uuid, &request.hostname);
    format!("{}\n{}", longest(uuid), longest(host))
}
