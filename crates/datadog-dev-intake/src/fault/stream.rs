//! What a rule can do to a stateful stream, and which of it contradicts itself.

use datadog_wire::stateful::{METHOD_A, METHOD_C};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::Rule;

/// The longest `grpc_message`: it travels in a header.
const MAX_MESSAGE_BYTES: usize = 1_024;
/// When `forget_state` and `goaway` act unless told otherwise.
const DEFAULT_AFTER_BATCHES: u64 = 1;

/// Which answers to batches are given, and how wrong they are. The logs are taken all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ack {
    /// No batch is acknowledged; `false` means the same.
    None,
    /// Only batch 0 is.
    OnlySnapshot,
    /// All but the one that ends the stream.
    NotLast,
    /// Each answer has the number of the batch after it.
    WrongId,
    /// Each answer has the status `UNKNOWN` instead of `OK`.
    UnknownStatus,
}

impl Ack {
    const ALL: [(Self, &'static str); 5] = [
        (Self::None, "none"),
        (Self::OnlySnapshot, "only_snapshot"),
        (Self::NotLast, "not_last"),
        (Self::WrongId, "wrong_id"),
        (Self::UnknownStatus, "unknown_status"),
    ];

    /// The word for it in a script.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(ack, _)| *ack == self);
        known.map_or("", |(_, name)| name)
    }
}

impl Serialize for Ack {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// From its name, or from `false`.
impl<'de> Deserialize<'de> for Ack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrFalse;

        impl Visitor<'_> for NameOrFalse {
            type Value = Ack;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("none, only_snapshot, not_last, wrong_id, unknown_status or false")
            }

            fn visit_bool<E: de::Error>(self, acks: bool) -> Result<Ack, E> {
                if acks {
                    return Err(E::invalid_value(de::Unexpected::Bool(true), &self));
                }
                Ok(Ack::None)
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Ack, E> {
                let known = Ack::ALL.iter().find(|(_, known)| *known == name);
                known
                    .map(|(ack, _)| *ack)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))
            }
        }

        deserializer.deserialize_any(NameOrFalse)
    }
}

impl Rule {
    /// The first of its effects that only a stream can meet. Such a rule passes over every other request.
    pub(super) fn stream_effect(&self) -> Option<&'static str> {
        let effects = [
            (self.grpc_status.is_some(), "grpc_status"),
            (self.grpc_message.is_some(), "grpc_message"),
            (self.end_after_batches.is_some(), "end_after_batches"),
            (self.ack.is_some(), "ack"),
            (self.forget_state, "forget_state"),
            (self.goaway, "goaway"),
            (self.after_batches.is_some(), "after_batches"),
        ];
        effects
            .into_iter()
            .find_map(|(is_set, name)| is_set.then_some(name))
    }

    /// Whether it ends a stream before the first batch is read.
    pub(crate) fn ends_at_once(&self) -> bool {
        self.end_after_batches
            .map_or_else(|| self.grpc_status.is_some(), |batches| batches == 0)
    }

    /// Whether the state is to be dropped once that many batches were taken.
    pub(crate) fn forgets_after(&self, batches: u64) -> bool {
        self.forget_state && self.acts_after() == batches
    }

    /// Whether the connection is to be given up once that many batches were taken.
    pub(crate) fn goes_away_after(&self, batches: u64) -> bool {
        self.goaway && self.acts_after() == batches
    }

    fn acts_after(&self) -> u64 {
        self.after_batches.unwrap_or(DEFAULT_AFTER_BATCHES)
    }

    /// What it does to a stream alone, in words.
    pub(super) fn stream_words(&self, words: &mut Vec<String>) {
        if let Some(status) = self.grpc_status {
            words.push(format!("grpc {status}"));
        }
        if let Some(batches) = self.end_after_batches {
            words.push(format!("end after {batches}"));
        }
        if let Some(ack) = self.ack {
            words.push(format!("ack {}", ack.name()));
        }
        if self.forget_state {
            words.push("forget_state".to_owned());
        }
        if self.goaway {
            words.push("goaway".to_owned());
        }
    }

    /// Finds what contradicts itself in a rule for streams.
    pub(super) fn check_stream(&self) -> Result<(), String> {
        let Some(effect) = self.stream_effect() else {
            return Ok(());
        };
        if !self.path.ends_with('*') && self.path != METHOD_A && self.path != METHOD_C
            || !self.reaches_a_stream()
        {
            return Err(format!(
                "has {effect}, and a path that is no method of a stream"
            ));
        }
        if self.looks_at_body() {
            return Err(format!(
                "has {effect}, and looks at a body, which no stream has"
            ));
        }
        if self.status.is_some() || self.hang {
            let with = if self.hang { "hang" } else { "a status" };
            return Err(format!(
                "has {effect} beside {with}, with which no stream begins"
            ));
        }
        self.check_end()?;
        self.check_moment()
    }

    /// Whether its path matches one of the methods.
    fn reaches_a_stream(&self) -> bool {
        let prefix = self.path.trim_end_matches('*');
        METHOD_A.starts_with(prefix) || METHOD_C.starts_with(prefix)
    }

    fn check_end(&self) -> Result<(), String> {
        let message_bytes = self.grpc_message.as_ref().map_or(0, String::len);
        if message_bytes > 0 && self.grpc_status.is_none() {
            return Err("has grpc_message without a grpc_status".to_owned());
        }
        if message_bytes > MAX_MESSAGE_BYTES {
            return Err(format!("has a grpc_message over {MAX_MESSAGE_BYTES} bytes"));
        }
        let needs_batches = [
            (self.ack.is_some(), "ack"),
            (self.forget_state, "forget_state"),
            (self.goaway, "goaway"),
        ];
        let unmet = needs_batches.iter().find(|(is_set, _)| *is_set);
        if let Some((_, effect)) = unmet.filter(|_| self.ends_at_once()) {
            return Err(format!(
                "ends the stream at once, and cannot also {effect}; set end_after_batches"
            ));
        }
        if self.ack == Some(Ack::NotLast) && self.end_after_batches.is_none() {
            return Err("has ack not_last without end_after_batches".to_owned());
        }
        Ok(())
    }

    fn check_moment(&self) -> Result<(), String> {
        if self.after_batches.is_some() && !self.forget_state && !self.goaway {
            return Err("has after_batches without forget_state or goaway".to_owned());
        }
        let after = self.acts_after();
        if self.forget_state && after == 0 {
            return Err(
                "has forget_state before the first batch, and nothing to forget".to_owned(),
            );
        }
        let ends_before = self.end_after_batches.is_some_and(|end| end <= after);
        if self.forget_state && ends_before {
            return Err("has forget_state, and ends the stream before that tells".to_owned());
        }
        if self.goaway && self.end_after_batches.is_some_and(|end| end < after) {
            return Err("has goaway, and ends the stream before it".to_owned());
        }
        Ok(())
    }
}
