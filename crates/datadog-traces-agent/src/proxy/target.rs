//! Where requests of each product go: bases of URLs with their keys, read from the configuration once.
//!
//! Opens no connection and looks no name up.

use std::sync::Arc;

use datadog_forwarder::ApiKey;
use datadog_forwarder::endpoint::base_url;
use hyper::Uri;
use hyper::header::HeaderValue;

use datadog_wire::endpoints::TRACES_PATH as TRACES;
pub(super) use datadog_wire::endpoints::{
    DEBUGGER_PATH as DEBUGGER, FLARE_PATH as FLARE, LINEAGE_PATH as LINEAGE, LOGS_V2_PATH as LOGS,
    PIPELINE_STATS_PATH as PIPELINE_STATS, PROFILES_PATH as PROFILE, TELEMETRY_PATH as TELEMETRY,
};

use crate::config::{Config, ConfigError, ProxyTarget, is_local};
use crate::server::route::Product;

/// The sites whose flares are taken by a host that is named after a version.
const FLARE_SITES: [&str; 5] = [
    "datadoghq.com",
    "datadoghq.eu",
    "datad0g.com",
    "datad0g.eu",
    "ddog-gov.com",
];

/// One intake with its key.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Scheme, host and whatever path stands before that of a product; without a slash at its end.
    base: String,
    /// `None` sends no key.
    pub(super) key: Option<ApiKey>,
}

/// The intakes of all products.
#[derive(Debug)]
pub(super) struct Targets {
    profiling: Arc<[Target]>,
    pipeline_stats: Arc<[Target]>,
    telemetry: Arc<[Target]>,
    debugger_logs: Arc<[Target]>,
    debugger: Arc<[Target]>,
    symdb: Arc<[Target]>,
    lineage: Arc<[Target]>,
    flare: Arc<[Target]>,
    evp: Option<Evp>,
    key: Option<ApiKey>,
}

/// Where the EVP proxy sends to.
#[derive(Debug)]
enum Evp {
    /// Behind the subdomain that the client names.
    Site(String),
    /// Here, whatever subdomain it names.
    Whole(Target),
}

impl Target {
    /// An intake; of a URL that ends with one of `paths`, the part before it is the base.
    fn new(
        of: &'static str,
        url: &str,
        paths: &[&str],
        key: Option<ApiKey>,
    ) -> Result<Self, ConfigError> {
        let bad = |problem| ConfigError::BadUrl { of, problem };
        let url = url.trim();
        let url = match url.contains("://") {
            true => url.to_owned(),
            false => format!("https://{url}"),
        };
        let mut base = url.trim_end_matches('/');
        for path in paths {
            base = base.strip_suffix(path).unwrap_or(base);
        }
        let base = base.trim_end_matches('/').to_owned();
        let uri = base_url(&base).map_err(bad)?;
        if uri.query().is_some() {
            return Err(bad("must not have a query"));
        }
        let now = key.as_ref().map(ApiKey::current).unwrap_or_default();
        if HeaderValue::from_str(now.trim()).is_err() {
            let endpoint = uri.host().unwrap_or_default().to_owned();
            return Err(ConfigError::BadApiKey { endpoint });
        }
        Ok(Self { base, key })
    }

    /// The URL of a path with its query, which begins with a slash; `None` if there is no such URL.
    pub(super) fn uri(&self, path: &str) -> Option<Uri> {
        format!("{}{path}", self.base).parse().ok()
    }
}

impl Targets {
    /// The intakes of a configuration.
    ///
    /// # Errors
    /// A URL or key that cannot be used.
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let proxies = &config.proxies;
        let own = || config.api_key.clone();
        let all = |of, targets: &[ProxyTarget], path| -> Result<Arc<[Target]>, ConfigError> {
            let one = |target: &ProxyTarget| {
                let key = target.api_key.clone().map(ApiKey::fixed).or_else(own);
                Target::new(of, &target.url, &[path], key)
            };
            targets.iter().map(one).collect()
        };
        let further = config
            .additional_endpoints
            .iter()
            .map(|it| (it.url.as_str(), Some(ApiKey::fixed(it.api_key.clone()))));
        let pipeline_stats = std::iter::once((config.url.as_str(), own()))
            .chain(further)
            .map(|(url, key)| Target::new("a trace intake", url, &[PIPELINE_STATS, TRACES], key))
            .collect::<Result<_, _>>()?;
        let site = proxies.site.as_str();
        let flare = match is_local(site) {
            true => format!("http://{site}"),
            false => format!(
                "https://{}",
                flare_host(site, &config.identity.compatible_version)
            ),
        };
        Ok(Self {
            profiling: all("a profile intake", &proxies.profiling, PROFILE)?,
            pipeline_stats,
            telemetry: all("a telemetry intake", &proxies.telemetry, TELEMETRY)?,
            debugger_logs: all("a debugger intake", &proxies.debugger_logs, LOGS)?,
            debugger: all("a debugger intake", &proxies.debugger, DEBUGGER)?,
            symdb: all("a symbol intake", &proxies.symdb, DEBUGGER)?,
            lineage: all("a lineage intake", &proxies.lineage, LINEAGE)?,
            flare: Arc::new([Target::new("the flare intake", &flare, &[], own())?]),
            evp: evp(config)?,
            key: own(),
        })
    }

    /// The intakes of a product other than EVP, the one whose answer counts first; none if it is turned off.
    pub(super) fn of(&self, product: Product) -> Arc<[Target]> {
        Arc::clone(match product {
            Product::Profiling => &self.profiling,
            Product::PipelineStats => &self.pipeline_stats,
            Product::Telemetry => &self.telemetry,
            Product::DebuggerLogs => &self.debugger_logs,
            Product::Debugger => &self.debugger,
            Product::SymbolDatabase => &self.symdb,
            Product::Lineage => &self.lineage,
            Product::Flare => &self.flare,
            Product::Evp => return Arc::new([]),
        })
    }

    /// Whether the EVP proxy is on.
    pub(super) fn has_evp(&self) -> bool {
        self.evp.is_some()
    }

    /// The intake behind a subdomain, which has been checked; none if the EVP proxy is off.
    pub(super) fn evp(&self, subdomain: &str) -> Arc<[Target]> {
        match &self.evp {
            Some(Evp::Site(site)) => Arc::new([Target {
                base: format!("https://{subdomain}.{site}"),
                key: self.key.clone(),
            }]),
            Some(Evp::Whole(target)) => Arc::new([target.clone()]),
            None => Arc::new([]),
        }
    }
}

fn evp(config: &Config) -> Result<Option<Evp>, ConfigError> {
    let Some(evp) = &config.proxies.evp else {
        return Ok(None);
    };
    let site = evp.site.trim().trim_end_matches('/');
    let key = config.api_key.clone();
    let target = |url: &str| Target::new("the EVP intake", url, &[], key);
    Ok(Some(if is_local(site) {
        Evp::Whole(target(&format!("http://{site}"))?)
    } else if site.contains("://") {
        Evp::Whole(target(site)?)
    } else {
        // Checked as it will be used.
        target(&format!("https://subdomain.{site}"))?;
        Evp::Site(site.to_owned())
    }))
}

/// The host that takes flares of this version; other sites than Datadog's own take them themselves.
fn flare_host(site: &str, version: &str) -> String {
    let host = match FLARE_SITES.contains(&site) {
        true => format!("app.{site}"),
        false => site.to_owned(),
    };
    let Some(domain) = host.strip_prefix("app.").filter(|it| is_flare_domain(it)) else {
        return host;
    };
    match dashed(version) {
        Some(version) => format!("{version}-flare.{domain}"),
        None => host,
    }
}

/// Whether this is one of Datadog's sites, or one of its regions, such as `us3.datadoghq.com`.
fn is_flare_domain(domain: &str) -> bool {
    let is_region = |it: &str| matches!(it.as_bytes(), [a, b, c] if a.is_ascii_lowercase() && b.is_ascii_lowercase() && c.is_ascii_digit());
    let behind = domain.split_once('.');
    FLARE_SITES.contains(&domain)
        || behind.is_some_and(|(region, site)| is_region(region) && FLARE_SITES.contains(&site))
}

/// `7.70.0-rc.1` as `7-70-0`; `None` for what is no version of three numbers.
fn dashed(version: &str) -> Option<String> {
    let numbers = version.split(['-', '+']).next()?;
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    (parts.len() == 3 && parts.iter().all(is_number)).then(|| parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EvpTarget;

    fn url(url: &str, path: &str) -> String {
        let target = Target::new("an intake", url, &[path], None).unwrap();
        target.uri(path).unwrap().to_string()
    }

    #[test]
    fn a_path_that_is_there_is_not_appended_twice() {
        for (given, expected) in [
            ("https://host", "https://host/api/v2/profile"),
            ("https://host/", "https://host/api/v2/profile"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/api/v2/profile"),
            ("host:443", "https://host:443/api/v2/profile"),
            ("https://host/p/", "https://host/p/api/v2/profile"),
            (
                "https://host/api/v2/profile/",
                "https://host/api/v2/profile",
            ),
            (
                "http://host/p/api/v2/profile",
                "http://host/p/api/v2/profile",
            ),
        ] {
            assert_eq!(url(given, PROFILE), expected, "{given}");
        }
    }

    #[test]
    fn what_cannot_be_posted_to_is_refused_without_being_shown() {
        for given in [
            "",
            "ftp://host",
            "https://",
            "https://host?key=secret",
            "http://a b",
        ] {
            let error = Target::new("an intake", given, &[], None).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("the URL of an intake "), "{text}");
            assert!(!text.contains("secret"));
        }
        let key = Some(ApiKey::fixed("a\nb"));
        let error = Target::new("an intake", "https://u:p@host", &[], key).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the API key of host holds characters which no key has"
        );
    }

    #[test]
    fn flares_go_to_a_host_of_their_version_where_there_is_one() {
        for (site, expected) in [
            ("datadoghq.com", "7-70-0-flare.datadoghq.com"),
            ("datadoghq.eu", "7-70-0-flare.datadoghq.eu"),
            ("datad0g.com", "7-70-0-flare.datad0g.com"),
            ("ddog-gov.com", "7-70-0-flare.ddog-gov.com"),
            ("us3.datadoghq.com", "us3.datadoghq.com"),
            ("app.us3.datadoghq.com", "7-70-0-flare.us3.datadoghq.com"),
            ("app.us33.datadoghq.com", "app.us33.datadoghq.com"),
            ("example.com", "example.com"),
        ] {
            assert_eq!(flare_host(site, "7.70.0"), expected, "{site}");
        }
        assert_eq!(
            flare_host("datadoghq.com", "7.70.0-rc.1+git"),
            "7-70-0-flare.datadoghq.com"
        );
        assert_eq!(flare_host("datadoghq.com", "main"), "app.datadoghq.com");
    }

    fn first(targets: &Targets, product: Product, path: &str) -> String {
        targets.of(product)[0].uri(path).unwrap().to_string()
    }

    #[test]
    fn every_product_has_its_host_at_a_site() {
        let config = Config::from_intake("https://trace.agent.datadoghq.eu", None, "datadoghq.eu");
        let targets = Targets::new(&config).unwrap();
        for (product, expected) in [
            (Product::Profiling, "https://intake.profile.datadoghq.eu/x"),
            (Product::PipelineStats, "https://trace.agent.datadoghq.eu/x"),
            (
                Product::Telemetry,
                "https://instrumentation-telemetry-intake.datadoghq.eu/x",
            ),
            (
                Product::DebuggerLogs,
                "https://http-intake.logs.datadoghq.eu/x",
            ),
            (Product::Debugger, "https://debugger-intake.datadoghq.eu/x"),
            (
                Product::SymbolDatabase,
                "https://debugger-intake.datadoghq.eu/x",
            ),
            (Product::Lineage, "https://data-obs-intake.datadoghq.eu/x"),
            (Product::Flare, "https://7-70-0-flare.datadoghq.eu/x"),
        ] {
            assert_eq!(first(&targets, product, "/x"), expected);
        }
        let evp = targets.evp("api")[0].uri("/x").unwrap();
        assert_eq!(evp, "https://api.datadoghq.eu/x");
    }

    #[test]
    fn a_local_site_takes_everything_on_one_host_without_tls() {
        for site in ["127.0.0.1:9", "localhost:9"] {
            let base = format!("http://{site}");
            let config = Config::from_intake(&format!("{base}{TRACES}"), None, site);
            let targets = Targets::new(&config).unwrap();
            for product in [
                Product::Profiling,
                Product::PipelineStats,
                Product::Telemetry,
                Product::DebuggerLogs,
                Product::Debugger,
                Product::SymbolDatabase,
                Product::Lineage,
                Product::Flare,
            ] {
                assert_eq!(first(&targets, product, "/x"), format!("{base}/x"));
            }
            let evp = targets.evp("api")[0].uri("/x").unwrap();
            assert_eq!(evp.to_string(), format!("{base}/x"));
        }
    }

    #[test]
    fn an_evp_url_takes_the_place_of_site_and_subdomain_and_a_host_that_of_the_site() {
        let evp = |site: &str| {
            let mut config = Config::from_intake("https://h", None, "datadoghq.com");
            config.proxies.evp = Some(EvpTarget {
                site: site.to_owned(),
                max_bytes: 1,
            });
            Targets::new(&config).map(|it| it.evp("api")[0].uri("/x").unwrap().to_string())
        };
        assert_eq!(evp("http://h:9/").unwrap(), "http://h:9/x");
        assert_eq!(evp("https://h/p").unwrap(), "https://h/p/x");
        assert_eq!(
            evp("us3.datadoghq.com").unwrap(),
            "https://api.us3.datadoghq.com/x"
        );
        assert!(evp("a b").is_err());
    }

    #[test]
    fn a_key_of_a_target_stands_before_that_of_the_agent() {
        let key = ApiKey::fixed("agent");
        let mut config = Config::from_intake("https://h", Some(key), "datadoghq.com");
        config.proxies.symdb[0].api_key = Some("own".to_owned());
        let targets = Targets::new(&config).unwrap();
        let key = |product| targets.of(product)[0].key.as_ref().unwrap().current();
        assert_eq!(key(Product::SymbolDatabase), "own");
        assert_eq!(key(Product::Debugger), "agent");
    }
}
