//! What became of payloads, in numbers that add up: handed over = sent + dropped + pending, per endpoint.

use std::collections::BTreeMap;

/// What a flush did, or what was left when it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Payloads that the primary accepted; a halved one counts as its halves.
    pub payloads_sent: u64,
    /// Items that the primary accepted.
    pub items_sent: u64,
    /// Bytes accepted before compression.
    pub bytes_raw: u64,
    /// Bytes accepted as sent.
    pub bytes_wire: u64,
    /// Attempts after the first.
    pub retried: u64,
    /// Items lost, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Payloads that wait to be sent, first or again.
    pub pending_payloads: u64,
    /// Items in them.
    pub pending_items: u64,
    /// Encoded bytes in them; of those not yet encoded, their bytes as they are.
    pub pending_bytes: u64,
    /// The same per endpoint, by its name.
    pub per_endpoint: BTreeMap<String, Self>,
}

impl FlushReport {
    /// What happened between `earlier` and this, both taken as totals; what is pending is that of this one.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            payloads_sent: self.payloads_sent.saturating_sub(earlier.payloads_sent),
            items_sent: self.items_sent.saturating_sub(earlier.items_sent),
            bytes_raw: self.bytes_raw.saturating_sub(earlier.bytes_raw),
            bytes_wire: self.bytes_wire.saturating_sub(earlier.bytes_wire),
            retried: self.retried.saturating_sub(earlier.retried),
            dropped: self.dropped_since(earlier),
            pending_payloads: self.pending_payloads,
            pending_items: self.pending_items,
            pending_bytes: self.pending_bytes,
            per_endpoint: self.endpoints_since(earlier),
        }
    }

    fn dropped_since(&self, earlier: &Self) -> BTreeMap<&'static str, u64> {
        self.dropped
            .iter()
            .map(|(reason, items)| {
                let before = earlier.dropped.get(reason).copied().unwrap_or_default();
                (*reason, items.saturating_sub(before))
            })
            .filter(|&(_, items)| items > 0)
            .collect()
    }

    fn endpoints_since(&self, earlier: &Self) -> BTreeMap<String, Self> {
        let nothing = Self::default();
        self.per_endpoint
            .iter()
            .map(|(name, totals)| {
                let before = earlier.per_endpoint.get(name).unwrap_or(&nothing);
                (name.clone(), totals.since(before))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_what_happened_since_the_one_before_and_what_pends_now() {
        let earlier = FlushReport {
            items_sent: 10,
            dropped: BTreeMap::from([("client_4xx", 2)]),
            pending_items: 7,
            ..FlushReport::default()
        };
        let later = FlushReport {
            items_sent: 15,
            dropped: BTreeMap::from([("client_4xx", 2), ("shutdown", 3)]),
            pending_items: 1,
            ..FlushReport::default()
        };
        let later = FlushReport {
            per_endpoint: BTreeMap::from([("a".to_owned(), later.clone())]),
            ..later
        };

        let between = later.since(&earlier);

        assert_eq!(between.items_sent, 5);
        assert_eq!(between.dropped, BTreeMap::from([("shutdown", 3)]));
        assert_eq!(between.pending_items, 1);
        assert_eq!(between.per_endpoint["a"].items_sent, 15);
    }
}
