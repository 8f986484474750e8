//! The FIPS module of aws-lc: no ChaCha20, and only approved groups and signatures.

use rustls::crypto::{CryptoProvider, default_fips_provider};

pub(super) const IS_FIPS: bool = true;

pub(super) fn provider() -> CryptoProvider {
    default_fips_provider()
}
