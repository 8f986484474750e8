//! aws-lc as it is.

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub(super) const IS_FIPS: bool = false;

pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}
