//! Figures of the stateful log stream against HTTP, through the program as a user runs it.
//!
//! Both ways end at the same sink in the same run: it costs little, so that what is left of the machine is the agent's.

mod bytes;
mod corpus;
mod cut;
mod load;
mod sink;

use std::path::Path;

use self::sink::Sink;
use super::Options;
use crate::program::{Profile, build};

/// Level of zstd on both ways.
const LEVEL: &str = "3";
/// Logs in a batch at most.
const BATCHES: [usize; 3] = [1_000, 100, 10];

/// A way that logs can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Stream,
    Http,
}

impl Way {
    const BOTH: [Self; 2] = [Self::Stream, Self::Http];

    /// What stands in the names of figures behind what they are about.
    fn name(self) -> &'static str {
        match self {
            Self::Stream => "",
            Self::Http => "_http",
        }
    }

    /// The environment of an agent that sends this way.
    fn environment(self, intake: &str, batch_logs: usize) -> Vec<(&'static str, String)> {
        let is_stream = self == Self::Stream;
        [
            ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
            ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
            ("DD_LOGS_ENABLED", "true"),
            ("DD_LOGS_AGENT_PORT", "0"),
            ("DD_APM_ENABLED", "false"),
            ("DD_LOGS_CONFIG_LOGS_DD_URL", intake),
            ("DD_LOGS_CONFIG_COMPRESSION_LEVEL", LEVEL),
            ("DD_LOGS_CONFIG_BATCH_MAX_SIZE", &batch_logs.to_string()),
            ("DD_STATEFUL_ENABLED", &is_stream.to_string()),
            ("DD_STATEFUL_DD_URL", intake),
            ("DD_HOSTNAME", corpus::HOSTNAME),
            ("DD_SERVICE", corpus::SERVICE),
            ("DD_TAGS", corpus::TAGS),
            ("DD_LOG_LEVEL", "error"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
    }
}

/// Measures on every `*.log` and `*.jsonl` of a folder and its subfolders.
///
/// # Errors
/// When there is none, or something is lost.
pub(super) fn run(folder: &Path, options: &Options) -> anyhow::Result<()> {
    let logs = corpus::logs(folder)?;
    let program = build(Profile::Release)?;
    let sink = Sink::start()?;
    if options.wants("stream_bytes") {
        bytes::run(&program, &logs, &sink, options)?;
    }
    if options.wants("stream_load") {
        load::run(&program, &logs, &sink, options)?;
    }
    if options.wants("stream_cut") {
        cut::run(&program, &logs, &sink, options)?;
    }
    Ok(())
}
