//! The one outbound client, from the configuration.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
pub use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::connect::{
    ConnectConfig, HttpProtocol, NoProxyMatch, TlsVerification, TlsVersion,
};
use datadog_remote_config::backend::CALL_TIMEOUT;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode};

use crate::agent::AgentError;
use crate::config::Config;

/// Where functions run, machines sleep between invocations, and intakes close connections meanwhile.
const SERVERLESS_POOL_IDLE: Duration = Duration::from_secs(3);
/// The largest answer that [`get`] reads.
const MAX_ANSWER: usize = 4 * 1_024 * 1_024;

/// Builds the client that the pipelines send with.
pub(crate) fn client(config: &Config) -> Result<Client, AgentError> {
    Client::new(connect_config(config)).map_err(|error| AgentError::InitError(error.to_string()))
}

/// Builds the client that asks for remote configuration. Certificates are checked unless both the agent and remote
/// configuration are told not to: a setting for all intakes must not open this one.
pub(crate) fn remote_config_client(config: &Config) -> Result<Client, AgentError> {
    if config.skip_ssl_validation && !config.remote_configuration_no_tls_validation {
        return Err(AgentError::RemoteConfigError(
            "DD_SKIP_SSL_VALIDATION is set, which remote configuration takes only together with \
             DD_REMOTE_CONFIGURATION_NO_TLS_VALIDATION"
                .to_owned(),
        ));
    }
    let connect = ConnectConfig {
        connect_timeout: CALL_TIMEOUT,
        pool_idle: ConnectConfig::default().pool_idle,
        ..connect_config(config)
    };
    Client::new(connect).map_err(|error| AgentError::RemoteConfigError(error.to_string()))
}

fn connect_config(config: &Config) -> ConnectConfig {
    let mut connect = ConnectConfig {
        proxy_https: config.proxy_https.clone(),
        proxy_http: config.proxy_http.clone(),
        no_proxy: config.bypass_list(),
        no_proxy_match: if config.no_proxy_nonexact_match {
            NoProxyMatch::Standard
        } else {
            NoProxyMatch::Exact
        },
        tls_extra_roots: config.tls_cert_file.as_ref().map(PathBuf::from),
        tls_verification: if config.skip_ssl_validation {
            TlsVerification::Skipped
        } else {
            TlsVerification::Full
        },
        tls_min_version: if config.min_tls_version == "tlsv1.3" {
            TlsVersion::V1_3
        } else {
            TlsVersion::V1_2
        },
        protocol: protocol(config),
        connect_timeout: config.request_timeout(),
        ..ConnectConfig::default()
    };
    let reset = config.logs_config_connection_reset_interval;
    connect.connection_max_age = (!reset.is_zero()).then_some(reset);
    if config.profile.is_serverless() {
        connect.pool_idle = SERVERLESS_POOL_IDLE;
    }
    connect
}

/// The protocol of the log pipeline, the only one that sends so far, else that of all.
fn protocol(config: &Config) -> HttpProtocol {
    match config
        .logs_config_http_protocol
        .as_deref()
        .or(config.http_protocol.as_deref())
    {
        Some("http1") => HttpProtocol::Http1,
        Some("http2") => HttpProtocol::Http2,
        _ => HttpProtocol::Auto,
    }
}

/// Asks a local agent for a page such as `/status`, without any proxy.
///
/// # Errors
/// When nothing answers, or with another status than 200.
pub async fn get(url: &str) -> io::Result<Bytes> {
    let client = Client::new(ConnectConfig::default()).map_err(io::Error::other)?;
    let request = Request::get(url)
        .body(Full::default())
        .map_err(io::Error::other)?;
    let answer = client.send(request).await.map_err(io::Error::other)?;
    if answer.status() != StatusCode::OK {
        return Err(io::Error::other(format!(
            "the answer was {}",
            answer.status()
        )));
    }
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(variables: &[(&str, &str)]) -> ConnectConfig {
        connect_config(&Config::from_env_iter(variables.iter().copied()))
    }

    #[test]
    fn proxies_tls_and_protocol_are_those_of_the_configuration() {
        let connect = connect(&[
            ("DD_PROXY_HTTPS", "my-proxy:3128"),
            ("DD_PROXY_NO_PROXY", "a b,c"),
            ("DD_NO_PROXY_NONEXACT_MATCH", "false"),
            ("DD_SKIP_SSL_VALIDATION", "true"),
            ("DD_MIN_TLS_VERSION", "tlsv1.3"),
            ("DD_HTTP_PROTOCOL", "http2"),
            ("DD_LOGS_CONFIG_HTTP_PROTOCOL", "http1"),
            ("DD_LOGS_CONFIG_CONNECTION_RESET_INTERVAL", "60"),
            ("DD_HTTP_TIMEOUT", "7"),
        ]);
        assert_eq!(connect.proxy_https.as_deref(), Some("http://my-proxy:3128"));
        assert_eq!(
            connect.no_proxy,
            ["a", "b", "c", "169.254.169.254", "100.100.100.200"]
        );
        assert_eq!(connect.no_proxy_match, NoProxyMatch::Exact);
        assert_eq!(connect.tls_verification, TlsVerification::Skipped);
        assert_eq!(connect.tls_min_version, TlsVersion::V1_3);
        assert_eq!(connect.protocol, HttpProtocol::Http1);
        assert_eq!(connect.connection_max_age, Some(Duration::from_secs(60)));
        assert_eq!(connect.connect_timeout, Duration::from_secs(7));
    }

    #[test]
    fn a_default_configuration_checks_certificates_and_negotiates() {
        let connect = connect(&[]);
        assert_eq!(connect.proxy_https, None);
        assert_eq!(connect.tls_verification, TlsVerification::Full);
        assert_eq!(connect.protocol, HttpProtocol::Auto);
        assert_eq!(connect.connection_max_age, None);
        assert_eq!(connect.pool_idle, Duration::from_secs(30));
    }
}
