//! Paths and headers of the Datadog intakes.

/// `POST` path of the logs intake, version 2 of its API.
pub const LOGS_V2_PATH: &str = "/api/v2/logs";
/// `POST` path of version 1 of the logs intake; the agent's own log server answers it too.
pub const LOGS_V1_PATH: &str = "/v1/input";
/// `POST` path of the intake of series.
pub const SERIES_V2_PATH: &str = "/api/v2/series";
/// `POST` path of the intake of sketches.
pub const SKETCHES_PATH: &str = "/api/beta/sketches";
/// `POST` path of the intake of series in columns.
pub const SERIES_V3_PATH: &str = "/api/intake/metrics/v3/series";
/// `POST` path of the intake of sketches in columns.
pub const SKETCHES_V3_PATH: &str = "/api/intake/metrics/v3/sketches";
/// `POST` path of the intake of events; without its last slash it is another.
pub const EVENTS_PATH: &str = "/intake/";
/// `POST` path of the intake of service checks.
pub const CHECK_RUN_PATH: &str = "/api/v1/check_run";
/// `POST` path of the intake of traces.
pub const TRACES_PATH: &str = "/api/v0.2/traces";
/// `POST` path of the intake of trace stats.
pub const STATS_PATH: &str = "/api/v0.2/stats";
/// `POST` path of the intake of profiles.
pub const PROFILES_PATH: &str = "/api/v2/profile";
/// `POST` path of the intake of what tracers report of themselves.
pub const TELEMETRY_PATH: &str = "/api/v2/apmtelemetry";
/// `POST` path of the intake of the debugger: snapshots, diagnostics and symbols.
pub const DEBUGGER_PATH: &str = "/api/v2/debugger";
/// `POST` path of the intake of the stats of data streams.
pub const PIPELINE_STATS_PATH: &str = "/api/v0.1/pipeline_stats";
/// `POST` path of the intake of OpenLineage events.
pub const LINEAGE_PATH: &str = "/api/v1/lineage";
/// `POST` path of the intake of flares of tracers.
pub const FLARE_PATH: &str = "/api/ui/support/serverless/flare";
/// `GET` path that tells whether a key is valid.
pub const VALIDATE_PATH: &str = "/api/v1/validate";

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
/// Header that carries the version of the agent which sends.
pub const AGENT_VERSION_HEADER: &str = "dd-agent-version";
/// Header that carries the version of the schemas of protobuf bodies.
pub const AGENT_PAYLOAD_HEADER: &str = "dd-agent-payload";
/// Header of traces and stats that names the languages of the tracers, sorted and joined by `|`.
pub const REPORTED_LANGUAGES_HEADER: &str = "x-datadog-reported-languages";
