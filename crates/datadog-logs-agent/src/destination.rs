//! Where batches go.
//!
//! Knows URLs only; keys, headers and sending are the flusher's and the forwarder's.

use std::fmt;

use datadog_forwarder::Encoding;
use hyper::Uri;

/// Where an Observability Pipelines Worker takes logs unless its URL names a path of its own.
const WORKER_PATH: &str = "/api/v2/logs";

/// Where batches go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The Datadog intake at this URL, its path included.
    Datadog {
        /// The full URL.
        url: String,
    },
    /// An Observability Pipelines Worker.
    ObservabilityPipelinesWorker {
        /// Its URL; a missing path becomes `/api/v2/logs`.
        url: String,
    },
}

/// A further intake that gets every batch too, with a key of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct AdditionalEndpoint {
    /// The full URL.
    pub url: String,
    /// Its key.
    pub api_key: String,
    /// Whether it is retried, as the primary is.
    pub is_reliable: bool,
    /// How bodies to it are compressed.
    pub encoding: Encoding,
}

impl fmt::Debug for AdditionalEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdditionalEndpoint")
            .field("url", &self.url)
            .field("is_reliable", &self.is_reliable)
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// A URL to which nothing can be sent. The text leaves the URL out, since it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// Nothing was given.
    #[error("no URL is given")]
    Empty,
    /// Neither `http://` nor `https://`.
    #[error("the URL must begin with http:// or https://")]
    Scheme,
    /// Not a URL.
    #[error("the URL cannot be read")]
    Malformed,
}

impl Destination {
    /// The URL to post to.
    ///
    /// # Errors
    /// When there is none, or none that can be posted to.
    pub fn intake_url(&self) -> Result<Uri, DestinationError> {
        match self {
            Self::Datadog { url } => parse(url),
            Self::ObservabilityPipelinesWorker { url } => worker_url(parse(url)?),
        }
    }
}

impl AdditionalEndpoint {
    /// The URL to post to.
    ///
    /// # Errors
    /// When there is none, or none that can be posted to.
    pub fn intake_url(&self) -> Result<Uri, DestinationError> {
        parse(&self.url)
    }
}

fn parse(url: &str) -> Result<Uri, DestinationError> {
    let url = url.trim();
    if url.is_empty() {
        return Err(DestinationError::Empty);
    }
    let has_scheme = |scheme: &str| {
        url.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if !has_scheme("http://") && !has_scheme("https://") {
        return Err(DestinationError::Scheme);
    }
    let uri: Uri = url.parse().map_err(|_| DestinationError::Malformed)?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16());
    // A port that is no number, or none that exists, is not seen by the parser.
    let is_bare = authority.ends_with(host);
    if host.is_empty() || (port.is_none() && !is_bare) {
        return Err(DestinationError::Malformed);
    }
    Ok(uri)
}

/// A worker that names no path takes logs where Datadog does; any other path is its own business.
fn worker_url(url: Uri) -> Result<Uri, DestinationError> {
    if !matches!(url.path(), "" | "/") {
        return Ok(url);
    }
    let query = url.query().map(|query| format!("?{query}"));
    let path = format!("{WORKER_PATH}{}", query.unwrap_or_default());
    let mut parts = url.into_parts();
    parts.path_and_query = Some(path.parse().map_err(|_| DestinationError::Malformed)?);
    Uri::from_parts(parts).map_err(|_| DestinationError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(url: &str) -> Result<String, DestinationError> {
        let url = url.to_owned();
        let destination = Destination::ObservabilityPipelinesWorker { url };
        destination.intake_url().map(|url| url.to_string())
    }

    #[test]
    fn a_worker_without_a_path_takes_logs_where_datadog_does() {
        assert_eq!(
            worker("http://opw:8282").unwrap(),
            "http://opw:8282/api/v2/logs"
        );
        assert_eq!(worker(" https://opw/ ").unwrap(), "https://opw/api/v2/logs");
        assert_eq!(
            worker("http://[::1]:8282").unwrap(),
            "http://[::1]:8282/api/v2/logs"
        );
        assert_eq!(
            worker("http://opw/?a=b").unwrap(),
            "http://opw/api/v2/logs?a=b"
        );
    }

    #[test]
    fn a_path_of_a_worker_is_kept_as_it_is() {
        assert_eq!(worker("http://opw:1/logs/").unwrap(), "http://opw:1/logs/");
        assert_eq!(worker("http://opw:1/a?b=c").unwrap(), "http://opw:1/a?b=c");
    }

    #[test]
    fn a_url_that_cannot_be_posted_to_is_an_error() {
        assert_eq!(worker(""), Err(DestinationError::Empty));
        assert_eq!(worker(" \t"), Err(DestinationError::Empty));
        assert_eq!(worker("opw:8282"), Err(DestinationError::Scheme));
        assert_eq!(worker("ftp://opw"), Err(DestinationError::Scheme));
        assert_eq!(worker("http://"), Err(DestinationError::Malformed));
        assert_eq!(worker("http://:80"), Err(DestinationError::Malformed));
        assert_eq!(worker("http://a b"), Err(DestinationError::Malformed));
        assert_eq!(worker("http://opw:99999"), Err(DestinationError::Malformed));
    }

    #[test]
    fn a_datadog_url_is_used_as_it_is() {
        let url = "https://http-intake.logs.datadoghq.eu/api/v2/logs".to_owned();
        let intake = Destination::Datadog { url: url.clone() }.intake_url();
        assert_eq!(intake.unwrap().to_string(), url);
        let endpoint = AdditionalEndpoint {
            url: "h2:10516/api/v2/logs".to_owned(),
            api_key: "k2".to_owned(),
            is_reliable: false,
            encoding: Encoding::Identity,
        };
        assert_eq!(endpoint.intake_url(), Err(DestinationError::Scheme));
    }
}
