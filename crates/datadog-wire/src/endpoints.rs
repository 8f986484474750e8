//! Paths and headers of the Datadog intakes.

/// `POST` path of the logs intake, version 2 of its API.
pub const LOGS_V2_PATH: &str = "/api/v2/logs";
/// `POST` path of version 1 of the logs intake; the agent's own log server answers it too.
pub const LOGS_V1_PATH: &str = "/v1/input";

/// Header that carries the API key of an organisation.
pub const API_KEY_HEADER: &str = "dd-api-key";
/// Header that names the shape of a log body.
pub const PROTOCOL_HEADER: &str = "dd-protocol";
/// Value of [`PROTOCOL_HEADER`] for a JSON array of intake entries.
pub const PROTOCOL_AGENT_JSON: &str = "agent-json";
/// Header that names the product which sends.
pub const EVP_ORIGIN_HEADER: &str = "dd-evp-origin";
/// Header that carries the version of the product which sends.
pub const EVP_ORIGIN_VERSION_HEADER: &str = "dd-evp-origin-version";
