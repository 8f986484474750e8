//! What is kept where traces are only there to carry what a firewall finds: those that carry something, and of each
//! service one in a minute, by which it is seen to be alive.
//!
//! Does not know what was found: a trace says for which products it travels. The services that are remembered are
//! bounded; those beyond share one trace in a minute.

use std::collections::HashMap;
use std::time::Duration;

use super::By;
use crate::span::{Chunk, PRIORITY_NONE};

/// The tag with the products that a trace travels for, as bits in hexadecimal.
const PRODUCTS: &str = "_dd.p.ts";
/// The bit of AppSec.
const APPSEC: u32 = 0x02;
/// The pause between two traces in which nothing was found.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Services that are remembered; clients name them, and could name any.
const MAX_SERVICES: usize = 1_000;
/// The priority of a trace that a sampler wants.
const KEEP: i32 = 1;

/// Remembers when each service was seen to be alive.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    beats: HashMap<String, Duration>,
}

impl Sampler {
    /// What the chunk is kept for. One without a finding gets the priority of traces that are wanted, for its tracer may
    /// have dropped it; one that a user rejected is not taken.
    pub(super) fn sample(
        &mut self,
        chunk: &mut Chunk<'_>,
        root: usize,
        now: Duration,
    ) -> Option<By> {
        if travels_for_appsec(chunk) {
            return Some(By::Finding);
        }
        let service = &chunk.spans.get(root)?.service;
        let is_rejected = chunk.priority < 0 && chunk.priority != PRIORITY_NONE;
        if is_rejected || !self.takes(service, now) {
            return None;
        }
        chunk.priority = chunk.priority.max(KEEP);
        Some(By::Heartbeat)
    }

    /// Whether a service is to be seen again, which it is then.
    fn takes(&mut self, service: &str, now: Duration) -> bool {
        // A clock that was set back would keep a service silent for as long.
        let is_due = |beat: &Duration| now.checked_sub(*beat).is_none_or(|it| it >= HEARTBEAT);
        if let Some(beat) = self.beats.get_mut(service) {
            let is_due = is_due(beat);
            if is_due {
                *beat = now;
            }
            return is_due;
        }
        if self.beats.len() >= MAX_SERVICES {
            self.beats.retain(|_, beat| !is_due(beat));
        }
        let name = match self.beats.len() < MAX_SERVICES {
            true => service,
            false => "",
        };
        match self.beats.get(name) {
            Some(beat) if !is_due(beat) => false,
            _ => {
                self.beats.insert(name.to_owned(), now);
                true
            }
        }
    }
}

/// Whether AppSec is among the products that a trace travels for.
fn travels_for_appsec(chunk: &Chunk<'_>) -> bool {
    let of_spans = chunk.spans.iter().filter_map(|span| span.tag(PRODUCTS));
    let of_chunk = chunk.tags.get(PRODUCTS).map(AsRef::as_ref);
    of_spans.chain(of_chunk).any(has_appsec)
}

fn has_appsec(products: &str) -> bool {
    let digits = products.strip_prefix("0x").unwrap_or(products);
    u32::from_str_radix(digits, 16).is_ok_and(|bits| bits & APPSEC != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Span;

    fn chunk(service: &str) -> Chunk<'static> {
        Chunk {
            spans: vec![Span {
                service: service.to_owned().into(),
                ..Span::default()
            }],
            ..Chunk::default()
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(1_700_000_000 + seconds)
    }

    #[test]
    fn the_bit_of_appsec_is_read_among_others() {
        for (products, has) in [
            ("02", true),
            ("22", true),
            ("0x06", true),
            ("102", true),
            ("01", false),
            ("20", false),
            ("", false),
            ("?", false),
        ] {
            assert_eq!(has_appsec(products), has, "{products}");
        }
    }

    #[test]
    fn one_trace_in_a_minute_shows_that_a_service_is_alive() {
        let mut sampler = Sampler::default();
        let mut sample = |service: &str, at| sampler.sample(&mut chunk(service), 0, seconds(at));
        assert_eq!(sample("a", 0), Some(By::Heartbeat));
        assert_eq!(
            (sample("a", 59), sample("b", 59)),
            (None, Some(By::Heartbeat))
        );
        assert_eq!(sample("a", 60), Some(By::Heartbeat));
        assert_eq!(sample("a", 119), None);
        let mut found = chunk("a");
        found.tags.insert(PRODUCTS, "02".into());
        assert_eq!(
            sampler.sample(&mut found, 0, seconds(119)),
            Some(By::Finding)
        );
    }

    #[test]
    fn a_clock_that_is_set_back_silences_no_service() {
        let mut sampler = Sampler::default();
        let mut sample = |at| sampler.sample(&mut chunk("a"), 0, at);
        assert_eq!(sample(seconds(1_000)), Some(By::Heartbeat));
        assert_eq!(sample(seconds(0)), Some(By::Heartbeat));
        assert_eq!(sample(seconds(59)), None);
    }

    #[test]
    fn a_heartbeat_is_wanted_whatever_its_tracer_decided_but_no_user_rejected_it() {
        let mut sampler = Sampler::default();
        let mut rejected = chunk("a");
        rejected.priority = -1;
        assert_eq!(sampler.sample(&mut rejected, 0, seconds(0)), None);
        let mut dropped = chunk("a");
        dropped.priority = 0;
        assert_eq!(
            sampler.sample(&mut dropped, 0, seconds(0)),
            Some(By::Heartbeat)
        );
        assert_eq!(dropped.priority, 1);
    }

    #[test]
    fn services_beyond_the_bound_share_a_heartbeat_until_others_are_forgotten() {
        let mut sampler = Sampler::default();
        let mut taken = |from: usize, count: usize, at| {
            let names = (from..from + count).map(|number| number.to_string());
            names
                .filter(|name| sampler.sample(&mut chunk(name), 0, seconds(at)).is_some())
                .count()
        };
        assert_eq!(taken(0, MAX_SERVICES, 0), MAX_SERVICES);
        assert_eq!(taken(5_000, 10, 1), 1);
        assert_eq!(taken(6_000, 10, 60), 10);
        assert!(sampler.beats.len() <= MAX_SERVICES + 1);
    }
}
