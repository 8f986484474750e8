//! Which cryptography TLS is spoken with: aws-lc, and with the feature `fips` its FIPS 140-3 validated module.
//!
//! Always given explicitly, so that no default of the process matters.

#[cfg(not(feature = "fips"))]
mod standard;
#[cfg(feature = "fips")]
mod validated;

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;

#[cfg(not(feature = "fips"))]
use self::standard as chosen;
#[cfg(feature = "fips")]
use self::validated as chosen;
use super::ConnectError;

/// Whether this build speaks TLS only with the validated module.
#[must_use]
pub const fn is_fips() -> bool {
    chosen::IS_FIPS
}

/// The provider of this build.
///
/// # Errors
/// When the build promises the validated module and has got another.
pub(super) fn provider() -> Result<Arc<CryptoProvider>, ConnectError> {
    let provider = chosen::provider();
    check(provider.fips(), "provider")?;
    Ok(Arc::new(provider))
}

/// Refuses a configuration that a validated build must not use.
///
/// # Errors
/// When the build promises the validated module and the configuration leaves its bounds.
pub(super) fn check_config(config: &ClientConfig) -> Result<(), ConnectError> {
    check(config.fips(), "configuration")
}

fn check(is_validated: bool, what: &'static str) -> Result<(), ConnectError> {
    if is_validated || !is_fips() {
        return Ok(());
    }
    Err(ConnectError::NotValidated { what })
}
