//! API Security: which requests a schema is made of, and how it travels.
//!
//! Knows no clock: the time is an argument. Bounded in endpoints; the one that was asked about longest ago makes way.

pub(crate) mod endpoint;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde_json::Value as Json;

/// Endpoints that are remembered.
const MAX_ENDPOINTS: usize = 4096;
/// Bytes of method and route; a longer one is no route.
const MAX_NAME_BYTES: usize = 1024;
/// Characters of a schema on a span; what is longer would be cut, and is left out.
const MAX_ENCODED: usize = 25_000;

/// What has schemas of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    pub(crate) method: String,
    pub(crate) route: String,
    pub(crate) status: i64,
}

/// When each endpoint had its last schema.
#[derive(Debug)]
pub(crate) struct Sampler {
    delay: Duration,
    seen: HashMap<Endpoint, Seen, RandomState>,
    /// The endpoints by when they were asked about.
    order: BTreeMap<u64, Endpoint>,
    asked: u64,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    sampled: Instant,
    asked: u64,
}

impl Sampler {
    /// A schema for an endpoint every `delay`; 0 is every request.
    pub(crate) fn new(delay: Duration) -> Self {
        Self {
            delay,
            seen: HashMap::default(),
            order: BTreeMap::new(),
            asked: 0,
        }
    }

    /// Whether this request gets a schema; if so, the next ones do not for a while.
    pub(crate) fn take(&mut self, endpoint: Endpoint, now: Instant) -> bool {
        if endpoint.method.len() + endpoint.route.len() > MAX_NAME_BYTES {
            return false;
        }
        self.asked += 1;
        let asked = self.asked;
        if let Some(seen) = self.seen.get_mut(&endpoint) {
            let is_due = now.saturating_duration_since(seen.sampled) >= self.delay;
            if is_due {
                seen.sampled = now;
            }
            self.order.remove(&seen.asked);
            seen.asked = asked;
            self.order.insert(asked, endpoint);
            return is_due;
        }
        if self.seen.len() >= MAX_ENDPOINTS
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.seen.remove(&oldest);
        }
        let sampled = now;
        self.seen.insert(endpoint.clone(), Seen { sampled, asked });
        self.order.insert(asked, endpoint);
        true
    }
}

/// A schema as spans carry it: compact JSON, compressed, in base64; nothing if it is too long.
pub(crate) fn encode(schema: &Json) -> Option<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(schema.to_string().as_bytes()).ok()?;
    let text = STANDARD.encode(gzip.finish().ok()?);
    (text.len() < MAX_ENCODED).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use serde_json::json;

    use super::*;

    fn endpoint(route: &str, status: i64) -> Endpoint {
        Endpoint {
            method: "GET".to_owned(),
            route: route.to_owned(),
            status,
        }
    }

    #[test]
    fn an_endpoint_has_one_schema_in_thirty_seconds() {
        let mut sampler = Sampler::new(Duration::from_secs(30));
        let start = Instant::now();
        let mut take = |seconds, status| {
            sampler.take(endpoint("/a", status), start + Duration::from_secs(seconds))
        };
        assert_eq!(
            [
                take(0, 200),
                take(10, 200),
                take(10, 500),
                take(30, 200),
                take(59, 200)
            ],
            [true, false, true, true, false]
        );
    }

    #[test]
    fn without_a_delay_every_request_has_one() {
        let mut sampler = Sampler::new(Duration::ZERO);
        let now = Instant::now();
        assert!((0..3).all(|_| sampler.take(endpoint("/a", 200), now)));
    }

    #[test]
    fn the_endpoint_asked_about_longest_ago_makes_way() {
        let mut sampler = Sampler::new(Duration::from_secs(30));
        let now = Instant::now();
        for route in 0..MAX_ENDPOINTS {
            assert!(sampler.take(endpoint(&route.to_string(), 200), now));
        }
        assert!(!sampler.take(endpoint("0", 200), now), "it is young again");
        assert!(sampler.take(endpoint("new", 200), now));
        assert!(!sampler.take(endpoint("0", 200), now));
        assert!(sampler.take(endpoint("1", 200), now), "it had made way");
        assert_eq!(sampler.seen.len(), MAX_ENDPOINTS);
        assert_eq!(sampler.order.len(), MAX_ENDPOINTS);
        assert!(!sampler.take(endpoint(&"x".repeat(1025), 200), now));
    }

    #[test]
    fn a_schema_comes_back() {
        let schema = json!([{"id": [8], "tags": [[[8]], {"len": 2}]}]);
        let gzip = STANDARD.decode(encode(&schema).unwrap()).unwrap();
        let mut text = String::new();
        GzDecoder::new(gzip.as_slice())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, schema.to_string());
    }

    #[test]
    fn a_schema_that_would_be_cut_is_left_out() {
        let mut number = 1_u64;
        let mut random = || {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            json!(number)
        };
        let noise: Vec<_> = (0..3000).map(|_| random()).collect();
        assert_eq!(encode(&Json::Array(noise)), None);
    }
}
