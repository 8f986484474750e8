//! The clients that asked lately, which the backend is told about.
//!
//! Names of clients come from outside, so both their number and their bytes are bounded: who was silent longest makes
//! way. Time is an argument.

use std::collections::HashMap;
use std::time::Duration;

use datadog_wire::remote_config::Client;
use prost::Message as _;
use tokio::time::Instant;

/// Clients that are remembered.
const MAX_CLIENTS: usize = 4_096;
/// Bytes of what they say of themselves, as protobuf.
const MAX_BYTES: usize = 16 * 1_024 * 1_024;

/// The clients that asked lately.
#[derive(Debug)]
pub(crate) struct Registry {
    clients: HashMap<String, Record>,
    bytes: usize,
    ttl: Duration,
}

#[derive(Debug)]
struct Record {
    message: Client,
    bytes: usize,
    seen: Instant,
}

impl Registry {
    /// Forgets who was silent for longer than this.
    pub(crate) fn new(ttl: Duration) -> Self {
        Self {
            clients: HashMap::new(),
            bytes: 0,
            ttl,
        }
    }

    /// Whether the client asked lately.
    pub(crate) fn knows(&self, id: &str, now: Instant) -> bool {
        let record = self.clients.get(id);
        record.is_some_and(|record| self.is_alive(record, now))
    }

    /// Remembers what a client says of itself, in place of what it said before.
    /// Returns how many others had to make way.
    pub(crate) fn see(&mut self, mut message: Client, now: Instant, now_ms: u64) -> usize {
        message.last_seen = now_ms;
        let record = Record {
            bytes: message.encoded_len(),
            seen: now,
            message,
        };
        let id = record.message.id.clone();
        self.forget(&id);
        let mut evicted = 0;
        while !self.clients.is_empty()
            && (self.clients.len() >= MAX_CLIENTS || self.bytes + record.bytes > MAX_BYTES)
        {
            let oldest = self.clients.iter().min_by_key(|(_, record)| record.seen);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            evicted += 1;
            self.forget(&oldest);
        }
        self.bytes += record.bytes;
        self.clients.insert(id, record);
        evicted
    }

    /// Those who asked lately, sorted by their names; the others are forgotten.
    pub(crate) fn active(&mut self, now: Instant) -> Vec<Client> {
        let silent = self.clients.iter();
        let silent: Vec<_> = silent
            .filter(|(_, record)| !self.is_alive(record, now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in silent {
            self.forget(&id);
        }
        let mut active: Vec<_> = self.clients.values().collect();
        active.sort_by(|a, b| a.message.id.cmp(&b.message.id));
        active
            .into_iter()
            .map(|record| record.message.clone())
            .collect()
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    fn is_alive(&self, record: &Record, now: Instant) -> bool {
        now.saturating_duration_since(record.seen) <= self.ttl
    }

    fn forget(&mut self, id: &str) {
        if let Some(record) = self.clients.remove(id) {
            self.bytes -= record.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(30);

    fn client(id: &str) -> Client {
        Client {
            id: id.to_owned(),
            ..Client::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_is_active_until_it_was_silent_for_longer_than_the_window() {
        let begin = Instant::now();
        let mut registry = Registry::new(TTL);
        registry.see(client("b"), begin, 1_000);
        registry.see(client("a"), begin + Duration::from_secs(1), 2_000);
        let seen: Vec<_> = (registry.active(begin + TTL).into_iter())
            .map(|client| (client.id, client.last_seen))
            .collect();
        assert_eq!(seen, [("a".to_owned(), 2_000), ("b".to_owned(), 1_000)]);
        let later = begin + TTL + Duration::from_nanos(1);
        assert!(!registry.knows("b", later));
        assert!(registry.knows("a", later));
        assert_eq!(registry.active(later).len(), 1);
        assert_eq!(registry.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_thing_a_client_says_of_itself_counts() {
        let now = Instant::now();
        let mut registry = Registry::new(TTL);
        registry.see(client("a"), now, 1);
        let mut with_products = client("a");
        with_products.products = vec!["ASM".to_owned()];
        registry.see(with_products, now, 2);
        let active = registry.active(now);
        assert_eq!(active.len(), 1);
        assert_eq!(active[0].products, ["ASM"]);
        assert_eq!(registry.bytes, active[0].encoded_len());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_silent_longest_makes_way() {
        let begin = Instant::now();
        let mut registry = Registry::new(TTL);
        for index in 0..MAX_CLIENTS {
            let at = begin + Duration::from_millis(index as u64);
            assert_eq!(registry.see(client(&format!("c{index}")), at, 0), 0);
        }
        let now = begin + Duration::from_secs(5);
        assert_eq!(registry.see(client("new"), now, 0), 1);
        assert!(!registry.knows("c0", now));
        assert!(registry.knows("c1", now));
        assert_eq!(registry.len(), MAX_CLIENTS);
    }

    #[tokio::test(start_paused = true)]
    async fn large_clients_make_way_by_their_bytes() {
        let now = Instant::now();
        let mut registry = Registry::new(TTL);
        for index in 0..5 {
            let mut large = client(&index.to_string());
            large.products = vec!["x".repeat(4 * 1_024 * 1_024)];
            registry.see(large, now + Duration::from_millis(index), 0);
        }
        assert_eq!(registry.len(), 3);
        assert!(registry.bytes <= MAX_BYTES);
    }
}
