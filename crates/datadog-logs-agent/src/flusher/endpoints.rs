//! The endpoints of a configuration: URL, key, headers and encoding of the primary and of the additional ones.
//!
//! Sends nothing. A Datadog intake needs a key and is told the shape of the body; an Observability Pipelines Worker
//! gets neither, save for a key if there is one.

use datadog_forwarder::endpoint::Names;
use datadog_forwarder::{ApiKey, Endpoint, Reliability};
use datadog_wire::endpoints::{
    EVP_ORIGIN_HEADER, EVP_ORIGIN_VERSION_HEADER, PROTOCOL_AGENT_JSON, PROTOCOL_HEADER,
};
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::config::ConfigError;
use crate::destination::DestinationError;
use crate::{Config, Destination};

/// The endpoints, the primary first. Each has a name of its own, for counters and `status`: host and port, and a
/// number where two share them, as when one site has two organisations.
///
/// # Errors
/// A URL, key or header value that cannot be used, or a missing key.
pub fn endpoints(config: &Config) -> Result<Vec<Endpoint>, ConfigError> {
    let mut endpoints = vec![primary(config)?];
    for additional in &config.additional_endpoints {
        endpoints.push(Endpoint {
            name: String::new(),
            url: additional
                .intake_url()
                .map_err(bad_url("additional endpoint"))?,
            api_key: Some(ApiKey::fixed(additional.api_key.clone())),
            headers: datadog_headers(config)?,
            encoding: additional.encoding,
            reliability: match additional.is_reliable {
                true => Reliability::Reliable,
                false => Reliability::Unreliable,
            },
        });
    }
    name(&mut endpoints);
    for endpoint in &endpoints {
        check_key(endpoint)?;
    }
    Ok(endpoints)
}

fn primary(config: &Config) -> Result<Endpoint, ConfigError> {
    let (what, headers, encoding) = match &config.destination {
        Destination::Datadog { .. } if config.api_key.is_none() => {
            return Err(ConfigError::NoApiKey);
        }
        Destination::Datadog { .. } => ("logs intake", datadog_headers(config)?, config.encoding),
        Destination::ObservabilityPipelinesWorker { .. } => (
            "Observability Pipelines Worker",
            HeaderMap::new(),
            config.worker_encoding,
        ),
    };
    Ok(Endpoint {
        name: String::new(),
        url: config.destination.intake_url().map_err(bad_url(what))?,
        api_key: config.api_key.clone(),
        headers,
        encoding,
        reliability: Reliability::Reliable,
    })
}

fn bad_url(endpoint: &'static str) -> impl Fn(DestinationError) -> ConfigError {
    move |problem| ConfigError::BadUrl { endpoint, problem }
}

fn datadog_headers(config: &Config) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static(PROTOCOL_HEADER),
        HeaderValue::from_static(PROTOCOL_AGENT_JSON),
    );
    for (name, header, value) in [
        ("the origin", EVP_ORIGIN_HEADER, &config.origin),
        (
            "the origin's version",
            EVP_ORIGIN_VERSION_HEADER,
            &config.origin_version,
        ),
    ] {
        let value = HeaderValue::from_str(value).map_err(|_| ConfigError::BadHeader { name })?;
        headers.insert(HeaderName::from_static(header), value);
    }
    Ok(headers)
}

fn name(endpoints: &mut [Endpoint]) {
    let mut names = Names::default();
    for endpoint in endpoints {
        endpoint.name = names.of(&endpoint.url);
    }
}

/// White space and control characters around a key are cut off when it is sent.
fn check_key(endpoint: &Endpoint) -> Result<(), ConfigError> {
    let Some(key) = endpoint.api_key.as_ref().map(ApiKey::current) else {
        return Ok(());
    };
    let key = key.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if key.is_empty() {
        return Err(ConfigError::NoApiKey);
    }
    match HeaderValue::from_str(key) {
        Ok(_) => Ok(()),
        Err(_) => Err(ConfigError::BadApiKey {
            endpoint: endpoint.name.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use datadog_forwarder::Encoding;

    use super::*;
    use crate::AdditionalEndpoint;

    fn datadog(url: &str) -> Config {
        Config::from_destination(
            Destination::Datadog {
                url: url.to_owned(),
            },
            Some(ApiKey::fixed("key")),
        )
    }

    fn worker(url: &str) -> Config {
        Config::from_destination(
            Destination::ObservabilityPipelinesWorker {
                url: url.to_owned(),
            },
            None,
        )
    }

    fn additional(url: &str, is_reliable: bool) -> AdditionalEndpoint {
        AdditionalEndpoint {
            url: url.to_owned(),
            api_key: "other".to_owned(),
            is_reliable,
            encoding: Encoding::Zstd(3),
        }
    }

    fn error(config: &Config) -> String {
        endpoints(config).expect_err("must be refused").to_string()
    }

    #[test]
    fn a_datadog_intake_is_told_protocol_and_origin() {
        let config = datadog("https://http-intake.logs.datadoghq.com/api/v2/logs");
        let endpoints = endpoints(&config).unwrap();
        let [primary] = endpoints.as_slice() else {
            panic!("one endpoint");
        };
        assert_eq!(primary.name, "http-intake.logs.datadoghq.com:443");
        assert_eq!(primary.encoding, Encoding::Zstd(3));
        assert_eq!(primary.headers["dd-protocol"], "agent-json");
        assert_eq!(primary.headers["dd-evp-origin"], "datadog-agent-native");
        assert_eq!(
            primary.headers["dd-evp-origin-version"],
            env!("CARGO_PKG_VERSION")
        );
    }

    #[test]
    fn a_worker_needs_no_key_and_gets_neither_protocol_nor_compression() {
        let endpoints = endpoints(&worker("http://opw:8282")).unwrap();
        let [primary] = endpoints.as_slice() else {
            panic!("one endpoint");
        };
        assert!(primary.api_key.is_none());
        assert!(primary.headers.is_empty());
        assert_eq!(primary.encoding, Encoding::Identity);
        assert_eq!(primary.url, "http://opw:8282/api/v2/logs");
    }

    #[test]
    fn an_additional_endpoint_keeps_protocol_and_compression_beside_a_worker() {
        let mut config = worker("http://opw:8282");
        config.additional_endpoints = vec![
            additional("https://h1:443/api/v2/logs", true),
            additional("https://h1/api/v2/logs", false),
        ];
        let endpoints = endpoints(&config).unwrap();
        let names: Vec<_> = endpoints.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["opw:8282", "h1:443", "h1:443#2"]);
        assert_eq!(endpoints[1].headers["dd-protocol"], "agent-json");
        assert_eq!(endpoints[1].encoding, Encoding::Zstd(3));
        assert_eq!(endpoints[1].reliability, Reliability::Reliable);
        assert_eq!(endpoints[2].reliability, Reliability::Unreliable);
    }

    #[test]
    fn what_cannot_be_posted_to_is_refused_with_its_name() {
        assert_eq!(
            error(&worker("")),
            "Observability Pipelines Worker: no URL is given"
        );
        assert_eq!(
            error(&worker("opw:8282")),
            "Observability Pipelines Worker: the URL must begin with http:// or https://"
        );
        let mut config = datadog("https://intake/api/v2/logs");
        config.api_key = None;
        assert_eq!(error(&config), "no API key for the logs intake");
        config.api_key = Some(ApiKey::fixed(" \n"));
        assert_eq!(error(&config), "no API key for the logs intake");
        config.api_key = Some(ApiKey::fixed("a\nb"));
        assert_eq!(
            error(&config),
            "the API key of intake:443 holds characters which no key has"
        );
    }
}
