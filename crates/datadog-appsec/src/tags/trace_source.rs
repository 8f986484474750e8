//! Which products a trace is there for, as it travels between services; and what is kept where traces only carry
//! what AppSec finds.

use std::time::{Duration, Instant};

/// Where the products stand, as bits in hexadecimal.
pub(super) const NAME: &str = "_dd.p.ts";
/// The bit of AppSec.
const APPSEC: u32 = 0x02;
/// Without anything found, a service shows once in this time that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// The products with AppSec among them.
pub(super) fn with_appsec(products: Option<&str>) -> String {
    format!("{:02x}", bits(products) | APPSEC)
}

/// Whether AppSec is among the products of a trace.
pub fn has_appsec(products: Option<&str>) -> bool {
    bits(products) & APPSEC != 0
}

fn bits(products: Option<&str>) -> u32 {
    let digits = products.map(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16));
    digits.and_then(Result::ok).unwrap_or(0)
}

/// What is kept where traces only carry what AppSec finds: those, and one in a minute besides.
#[derive(Debug, Default)]
pub struct Standalone {
    beat: Option<Instant>,
}

impl Standalone {
    /// Whether a trace with these products is kept.
    pub fn keeps(&mut self, products: Option<&str>, now: Instant) -> bool {
        if has_appsec(products) {
            return true;
        }
        let is_due = |beat| now.saturating_duration_since(beat) >= HEARTBEAT;
        let is_kept = self.beat.is_none_or(is_due);
        if is_kept {
            self.beat = Some(now);
        }
        is_kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appsec_joins_the_other_products() {
        for (before, wanted) in [
            (None, "02"),
            (Some("20"), "22"),
            (Some("02"), "02"),
            (Some("?"), "02"),
            (Some("100"), "102"),
        ] {
            assert_eq!(with_appsec(before), wanted, "{before:?}");
        }
        assert!(has_appsec(Some("06")) && !has_appsec(Some("05")) && !has_appsec(None));
    }

    #[test]
    fn one_trace_in_a_minute_shows_life() {
        let mut standalone = Standalone::default();
        let start = Instant::now();
        let mut keeps =
            |source, seconds| standalone.keeps(source, start + Duration::from_secs(seconds));
        assert!(keeps(None, 0) && keeps(Some("02"), 1));
        assert!(!keeps(Some("01"), 59));
        assert!(keeps(None, 60));
    }
}
