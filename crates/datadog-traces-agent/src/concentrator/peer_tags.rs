//! The tags that say who was at the other end of a call, and how they are found on a span.

use std::borrow::Cow;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::span::Span;

use super::key::Tags;

/// The tags that are always looked for, sorted.
pub const PEER_TAGS: [&str; 43] = [
    "_dd.base_service",
    "active_record.db.vendor",
    "amqp.destination",
    "amqp.exchange",
    "amqp.queue",
    "aws.queue.name",
    "aws.s3.bucket",
    "bucketname",
    "cassandra.keyspace",
    "db.cassandra.contact.points",
    "db.couchbase.seed.nodes",
    "db.hostname",
    "db.instance",
    "db.name",
    "db.namespace",
    "db.system",
    "db.type",
    "dns.hostname",
    "grpc.host",
    "hostname",
    "http.host",
    "http.server_name",
    "messaging.destination",
    "messaging.destination.name",
    "messaging.kafka.bootstrap.servers",
    "messaging.rabbitmq.exchange",
    "messaging.system",
    "mongodb.db",
    "msmq.queue.path",
    "net.peer.name",
    "network.destination.ip",
    "network.destination.name",
    "out.host",
    "peer.hostname",
    "peer.service",
    "queuename",
    "rpc.service",
    "rpc.system",
    "sequel.db.vendor",
    "server.address",
    "streamname",
    "tablename",
    "topicname",
];

/// All tags that say who was at the other end, sorted and each once: [`PEER_TAGS`] and those given.
pub fn peer_tags(additional: &[String]) -> Vec<String> {
    let base = PEER_TAGS.iter().map(|tag| (*tag).to_owned());
    sorted(base.chain(additional.iter().cloned()))
}

/// Tags that are looked for.
#[derive(Debug)]
pub(super) struct TagKeys {
    /// Sorted.
    keys: Vec<String>,
    places: HashMap<String, usize, RandomState>,
    /// A bit for each length that a key has, those of 63 and more in one: most tags are told by it.
    lengths: u64,
}

impl TagKeys {
    pub(super) fn new(keys: &[String]) -> Self {
        let keys = sorted(keys.iter().filter(|key| !key.is_empty()).cloned());
        Self {
            lengths: keys
                .iter()
                .fold(0, |lengths, key| lengths | length_bit(key)),
            places: keys
                .iter()
                .enumerate()
                .map(|(place, key)| (key.clone(), place))
                .collect(),
            keys,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The tags of a span with these keys, sorted by them; those without a value are left out.
    pub(super) fn find<'a>(
        &'a self,
        span: &'a Span<'_>,
        change: impl Fn(&'a str) -> Cow<'a, str>,
        found: &mut Tags<'a>,
    ) {
        if self.is_empty() {
            return;
        }
        let mut places: SmallVec<[(usize, &'a str); 8]> = SmallVec::new();
        for (key, value) in &span.meta {
            if let Some(place) = self.place(key) {
                places.push((place, value));
            }
        }
        // Stable, so that of a key that is there twice the last one is the last one.
        places.sort_by_key(|(place, _)| *place);
        for (index, (place, value)) in places.iter().enumerate() {
            let is_last = places.get(index + 1).is_none_or(|next| next.0 != *place);
            let key = self.keys.get(*place);
            if let Some(key) = key.filter(|_| is_last && !value.is_empty()) {
                found.push((key, quantized(value, &change)));
            }
        }
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.lengths & length_bit(key) == 0 {
            return None;
        }
        self.places.get(key).copied()
    }
}

/// Changes a value only if there may be an address in it, or a list of them: both have one of these characters.
pub(super) fn quantized<'a>(
    value: &'a str,
    change: impl Fn(&'a str) -> Cow<'a, str>,
) -> Cow<'a, str> {
    let may_be = |byte: u8| byte.is_ascii_digit() || byte == b':' || byte == b',';
    if value.bytes().any(may_be) {
        change(value)
    } else {
        Cow::Borrowed(value)
    }
}

fn length_bit(key: &str) -> u64 {
    1 << key.len().min(63)
}

fn sorted(keys: impl Iterator<Item = String>) -> Vec<String> {
    let mut keys: Vec<String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_tags_are_sorted_and_others_join_them() {
        assert!(PEER_TAGS.is_sorted());
        let tags = peer_tags(&["a.tag".into(), "db.name".into()]);
        assert_eq!(tags.len(), 44);
        assert_eq!(tags[1], "a.tag");
        assert!(tags.is_sorted());
    }

    #[test]
    fn tags_are_found_in_the_order_of_their_keys_and_changed() {
        let keys = TagKeys::new(&[
            "b".into(),
            "a".into(),
            "c".into(),
            "".into(),
            "x".repeat(80),
        ]);
        let mut span = Span::default();
        for (key, value) in [
            ("b", "1"),
            ("other", "2"),
            ("a", "first"),
            ("c", ""),
            ("a", "last"),
            ("", "no key"),
        ] {
            span.meta.push(key, value.into());
        }
        span.meta.push("x".repeat(80), "long".into());
        let mut found = Tags::new();
        keys.find(&span, |value| format!("<{value}>").into(), &mut found);
        let values: Vec<&str> = found.iter().map(|(_, value)| value.as_ref()).collect();
        assert_eq!(values, ["last", "<1>", "long"]);
        assert_eq!((found[0].0, found[1].0), ("a", "b"));
    }
}
