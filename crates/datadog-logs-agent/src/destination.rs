//! Where batches go.

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalEndpoint {
    /// The full URL.
    pub url: String,
    /// Its key.
    pub api_key: String,
    /// Whether it is retried, as the primary is.
    pub is_reliable: bool,
}
