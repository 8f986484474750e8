//! Which products a trace is there for, as it travels between services.

/// Where the products stand, as bits in hexadecimal.
pub(super) const NAME: &str = "_dd.p.ts";
/// The bit of AppSec.
const APPSEC: u32 = 0x02;

/// The products with AppSec among them.
pub(super) fn with_appsec(products: Option<&str>) -> String {
    format!("{:02x}", bits(products) | APPSEC)
}

fn bits(products: Option<&str>) -> u32 {
    let digits = products.map(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16));
    digits.and_then(Result::ok).unwrap_or(0)
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
    }
}
