//! What is around the payloads of tracers when they are sent.

use super::protobuf as pb;
use crate::span::Map;
use crate::span::Text;

/// What the agent says of itself with each payload it sends.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentPayload<'a> {
    /// The host.
    pub host_name: &'a str,
    /// The environment of spans that have none.
    pub env: &'a str,
    /// Tags of all spans.
    pub tags: Map<'a, Text<'a>>,
    /// The version of the agent.
    pub agent_version: &'a str,
    /// Traces a second that the samplers aim at.
    pub target_tps: f64,
    /// Traces with errors a second that the samplers aim at.
    pub error_tps: f64,
    /// Whether rare traces are kept.
    pub rare_sampler_enabled: bool,
}

impl AgentPayload<'_> {
    /// Writes the payload with messages of tracers in it.
    pub fn encode<'p>(&self, tracers: impl Iterator<Item = &'p [u8]> + Clone) -> Vec<u8> {
        let lens = tracers.clone().map(<[u8]>::len);
        let mut out = Vec::with_capacity(self.encoded_len(lens));
        self.start(&mut out);
        for tracer in tracers {
            Self::tracer(&mut out, tracer);
        }
        self.end(&mut out);
        out
    }

    /// The exact size of the payload, with messages of tracers of such sizes in it, in bytes.
    pub fn encoded_len(&self, tracers: impl Iterator<Item = usize>) -> usize {
        let tracers: usize = tracers.map(Self::tracer_len).sum();
        pb::text_len(self.host_name)
            + pb::text_len(self.env)
            + tracers
            + pb::texts_len(&self.tags)
            + pb::text_len(self.agent_version)
            + pb::double_len(self.target_tps)
            + pb::double_len(self.error_tps)
            + pb::number_len(self.rare_sampler_enabled.into())
    }

    /// What a message of so many bytes takes in a payload.
    pub const fn tracer_len(len: usize) -> usize {
        pb::bytes_len(len)
    }

    /// Appends what stands before the messages of tracers, for who writes a payload in pieces.
    pub fn start(&self, out: &mut Vec<u8>) {
        pb::text(out, 1, self.host_name);
        pb::text(out, 2, self.env);
    }

    /// Appends one message of a tracer, for who writes a payload in pieces.
    pub fn tracer(out: &mut Vec<u8>, tracer: &[u8]) {
        pb::bytes(out, 5, tracer);
    }

    /// Appends what stands after the messages of tracers, for who writes a payload in pieces.
    pub fn end(&self, out: &mut Vec<u8>) {
        pb::texts(out, 6, &self.tags);
        pb::text(out, 7, self.agent_version);
        pb::double(out, 8, self.target_tps);
        pb::double(out, 9, self.error_tps);
        pb::number(out, 10, self.rare_sampler_enabled.into());
    }
}
