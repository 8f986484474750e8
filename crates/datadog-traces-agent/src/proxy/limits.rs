//! How large and how slow a request of each product may be.

use std::time::Duration;

use datadog_agent_runtime::bind::http::receive;

use crate::config::Config;
use crate::server::route::Product;

/// Bytes of a request of a product that has no limit of its own.
const MAX_BODY_BYTES: usize = 25 * 1_024 * 1_024;
/// Bytes of a request of telemetry.
const TELEMETRY_BYTES: usize = 5 * 1_024 * 1_024;
/// Longest time to send a request of telemetry.
const TELEMETRY_TIMEOUT: Duration = Duration::from_secs(10);

/// Limits of requests, by product.
#[derive(Debug)]
pub(super) struct Limits {
    profile: receive::Limits,
    evp: receive::Limits,
    telemetry: receive::Limits,
    pub(super) other: receive::Limits,
}

impl Limits {
    /// Those of a configuration.
    pub(super) fn new(config: &Config) -> Self {
        let proxies = &config.proxies;
        let limits = |bytes, timeout| receive::Limits {
            bytes,
            timeout,
            idle_timeout: config.requests.timeout,
        };
        let evp_bytes = proxies.evp.as_ref().map_or(0, |evp| evp.max_bytes);
        Self {
            profile: receive::Limits {
                idle_timeout: proxies.profiling_timeout,
                ..limits(proxies.profiling_bytes, proxies.profiling_total_timeout)
            },
            evp: limits(evp_bytes, proxies.timeout),
            telemetry: limits(TELEMETRY_BYTES, proxies.timeout.min(TELEMETRY_TIMEOUT)),
            other: limits(MAX_BODY_BYTES, proxies.timeout),
        }
    }

    /// Bytes of the largest request.
    pub(super) fn largest(&self) -> usize {
        let limits = [&self.profile, &self.evp, &self.telemetry, &self.other];
        limits.map(|it| it.bytes).into_iter().fold(0, usize::max)
    }

    /// Those of a product.
    pub(super) const fn of(&self, product: Product) -> receive::Limits {
        match product {
            Product::Profiling => self.profile,
            Product::Evp => self.evp,
            Product::Telemetry => self.telemetry,
            _ => self.other,
        }
    }
}
