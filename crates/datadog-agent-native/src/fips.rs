//! Whether this build's cryptography is that of the FIPS 140-3 validated module of aws-lc (feature `fips`).
//!
//! It is the module that is validated, never the agent.

pub use datadog_agent_runtime::connect::is_fips;

/// The version that this agent reports of itself; the build's cryptography is a part of it.
#[cfg(not(feature = "fips"))]
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version that this agent reports of itself; the build's cryptography is a part of it.
#[cfg(feature = "fips")]
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+fips");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_says_which_cryptography_the_build_has() {
        assert_eq!(VERSION.ends_with("+fips"), is_fips());
    }
}
