//! The paths that tracers know, and what is behind each.

use hyper::Method;

use crate::decode;

/// What is behind a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// Spans.
    Traces(Version),
    /// Stats that tracers worked out.
    Stats,
    /// What old tracers say about services; nobody reads it.
    Services,
    /// What this agent can do.
    Info,
    /// Messages of DogStatsD.
    Statsd,
    /// Something that is passed on to an intake.
    Proxy(Product, &'a str),
}

/// A format of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V03,
    V04,
    V05,
    V07,
    V1,
}

impl Version {
    /// How a body of this version and content type is written.
    pub(crate) fn format(self, content_type: Option<&str>) -> decode::Format {
        match self {
            Self::V03 | Self::V04 => {
                decode::Format::V04(decode::Encoding::from_content_type(content_type))
            }
            Self::V05 => decode::Format::V05,
            Self::V07 => decode::Format::V07,
            Self::V1 => decode::Format::V1,
        }
    }
}

/// What is passed on, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Product {
    Profiling,
    Telemetry,
    Evp,
    /// Snapshots of the debugger, which are logs.
    DebuggerLogs,
    Debugger,
    SymbolDatabase,
    PipelineStats,
    Flare,
    Lineage,
}

impl Product {
    /// The word for it in counters.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Profiling => "profiling",
            Self::Telemetry => "telemetry",
            Self::Evp => "evp",
            Self::DebuggerLogs => "debugger_logs",
            Self::Debugger => "debugger",
            Self::SymbolDatabase => "symdb",
            Self::PipelineStats => "pipeline_stats",
            Self::Flare => "tracer_flare",
            Self::Lineage => "openlineage",
        }
    }
}

/// The prefixes behind which the path of an intake stands.
const TELEMETRY: &str = "/telemetry/proxy/";
const EVP: [&str; 4] = [
    "/evp_proxy/v1/",
    "/evp_proxy/v2/",
    "/evp_proxy/v3/",
    "/evp_proxy/v4/",
];

/// Where tracers send stats.
pub(super) const STATS_PATH: &str = "/v0.6/stats";

/// The paths that are shown to tracers, which compare them letter by letter.
pub(super) const ADVERTISED: [&str; 29] = [
    "/v0.3/traces",
    "/v0.3/services",
    "/v0.4/traces",
    "/v0.4/services",
    "/v0.5/traces",
    "/v0.7/traces",
    "/v1.0/traces",
    STATS_PATH,
    "/v0.1/pipeline_stats",
    "/profiling/v1/input",
    "/telemetry/proxy/",
    "/evp_proxy/v1/",
    "/evp_proxy/v1",
    "/evp_proxy/v2/",
    "/evp_proxy/v2",
    "/evp_proxy/v3/",
    "/evp_proxy/v3",
    "/evp_proxy/v4/",
    "/evp_proxy/v4",
    "/evp_proxy/v2/api/v2/llmobs",
    "/evp_proxy/v2/api/intake/llm-obs/v1/eval-metric",
    "/evp_proxy/v2/api/intake/llm-obs/v2/eval-metric",
    "/debugger/v1/input",
    "/debugger/v1/diagnostics",
    "/debugger/v2/input",
    "/symdb/v1/input",
    "/tracer_flare/v1",
    "/openlineage/api/v1/lineage",
    "/dogstatsd/v2/proxy",
];

/// What is behind a path; `None` if nothing is.
pub(crate) fn of(path: &str) -> Option<Route<'_>> {
    let proxy = |product| Route::Proxy(product, path);
    Some(match path {
        "/v0.3/traces" => Route::Traces(Version::V03),
        "/v0.4/traces" => Route::Traces(Version::V04),
        "/v0.5/traces" => Route::Traces(Version::V05),
        "/v0.7/traces" => Route::Traces(Version::V07),
        "/v1.0/traces" => Route::Traces(Version::V1),
        STATS_PATH => Route::Stats,
        "/services" | "/v0.1/services" | "/v0.2/services" | "/v0.3/services" | "/v0.4/services" => {
            Route::Services
        }
        "/info" => Route::Info,
        "/dogstatsd/v1/proxy" | "/dogstatsd/v2/proxy" => Route::Statsd,
        "/profiling/v1/input" => proxy(Product::Profiling),
        "/v0.1/pipeline_stats" => proxy(Product::PipelineStats),
        "/debugger/v1/input" => proxy(Product::DebuggerLogs),
        "/debugger/v1/diagnostics" | "/debugger/v2/input" => proxy(Product::Debugger),
        "/symdb/v1/input" => proxy(Product::SymbolDatabase),
        "/tracer_flare/v1" => proxy(Product::Flare),
        "/openlineage/api/v1/lineage" => proxy(Product::Lineage),
        _ => {
            let behind = |prefix: &&str| path.strip_prefix(*prefix);
            if let Some(rest) = behind(&TELEMETRY) {
                Route::Proxy(Product::Telemetry, rest)
            } else {
                Route::Proxy(Product::Evp, EVP.iter().find_map(behind)?)
            }
        }
    })
}

impl Route<'_> {
    /// The methods that it takes; `None` for any.
    pub(super) const fn methods(self) -> Option<&'static str> {
        match self {
            Self::Traces(_) | Self::Stats | Self::Services => Some("POST, PUT"),
            Self::Statsd => Some("POST"),
            Self::Proxy(Product::Evp | Product::Telemetry, _) | Self::Info => None,
            Self::Proxy(..) => Some("POST, PUT"),
        }
    }

    /// Whether it takes this method.
    pub(super) fn takes(self, method: &Method) -> bool {
        self.methods()
            .is_none_or(|methods| methods.split(", ").any(|it| it == method.as_str()))
    }
}

impl Version {
    /// Whether tracers are told the rates of the samplers.
    pub(crate) const fn has_rates(self) -> bool {
        !matches!(self, Self::V03)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_shown_is_there() {
        for path in ADVERTISED {
            // The form without a slash is how some tracers compare; nobody calls it.
            let called = match path.len() {
                13 if path.starts_with("/evp_proxy/v") => format!("{path}/"),
                _ => path.to_owned(),
            };
            assert!(of(&called).is_some(), "{path}");
        }
    }

    #[test]
    fn a_prefix_is_taken_off_and_the_rest_kept() {
        assert_eq!(
            of("/telemetry/proxy/api/v2/apmtelemetry"),
            Some(Route::Proxy(Product::Telemetry, "api/v2/apmtelemetry"))
        );
        assert_eq!(
            of("/evp_proxy/v4/api/v2/x"),
            Some(Route::Proxy(Product::Evp, "api/v2/x"))
        );
        assert_eq!(of("/evp_proxy/v5/api"), None);
        assert_eq!(of("/v0.7/config"), None);
        assert_eq!(of("/v0.4/traces/"), None);
    }

    #[test]
    fn traces_are_posted_or_put() {
        let route = of("/v0.4/traces").unwrap();
        assert!(route.takes(&Method::PUT) && route.takes(&Method::POST));
        assert!(!route.takes(&Method::GET));
        assert!(of("/info").unwrap().takes(&Method::DELETE));
    }
}
