//! Who this agent says it is: the host name that telemetry carries, and the key that it sends with.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datadog_agent_runtime::proc::Clocks;
use datadog_agent_runtime::proc::container::{self, Process};
use datadog_agent_runtime::proc::hostname::{self, Sources};
use datadog_forwarder::ApiKey;
use datadog_forwarder::endpoint::KeySource as Key;
use tracing::warn;

use super::AgentError;
use crate::config::Config;
use crate::config::key_source::{KeyFile, KeySource};

/// The host name, with warnings for sources that were passed over.
pub(crate) fn hostname(config: &Config) -> String {
    let from_file =
        config
            .hostname_file
            .as_ref()
            .and_then(|file| match hostname::from_file(Path::new(file)) {
                Ok(name) => Some(name),
                Err(error) => {
                    warn!(file, %error, "host name file cannot be read");
                    None
                }
            });
    let system = hostname::system();
    let container_id = container::id(Path::new("/"), Process::Own).ok().flatten();
    let mut configured = Vec::new();
    configured.extend(
        config
            .hostname
            .as_deref()
            .map(|name| ("the configuration", name)),
    );
    configured.extend(
        from_file
            .as_deref()
            .map(|name| ("the host name file", name)),
    );
    let decided = hostname::decide(&Sources {
        configured,
        hostless: config.profile.is_serverless()
            || config
                .platform_inputs
                .get("ECS_CONTAINER_METADATA_URI_V4")
                .is_some(),
        system: system.as_deref(),
        environment: config.platform_inputs.get("HOSTNAME"),
        container_id: container_id.as_deref(),
    });
    for warning in decided.warnings {
        warn!("{warning}");
    }
    decided.name
}

/// The key of a source; `None` where there is none.
///
/// # Errors
/// A key file that cannot be read.
pub(crate) fn api_key(source: KeySource) -> Result<Option<ApiKey>, AgentError> {
    match source {
        KeySource::Plain(key) => Ok(Some(ApiKey::fixed(key))),
        KeySource::File(path) => {
            let begin = Clocks::now();
            let file = KeyFile::open(path, begin.elapsed())
                .map_err(|error| AgentError::ConfigError(error.to_string()))?;
            if file.is_world_readable() {
                warn!("every user of this machine can read the file with the API key");
            }
            Ok(Some(ApiKey::from_source(Arc::new(FileKey {
                file: Mutex::new(file),
                begin,
            }))))
        }
        _ => Ok(None),
    }
}

/// A key file with the clock that it is read by.
struct FileKey {
    file: Mutex<KeyFile>,
    begin: Clocks,
}

impl FileKey {
    fn with<T>(&self, act: impl FnOnce(MutexGuard<'_, KeyFile>, Duration) -> T) -> T {
        act(
            self.file.lock().unwrap_or_else(PoisonError::into_inner),
            self.begin.elapsed(),
        )
    }
}

impl Key for FileKey {
    fn current(&self) -> String {
        self.with(|mut file, now| file.current(now).to_owned())
    }

    fn refresh(&self) -> bool {
        self.with(|mut file, now| file.refresh(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_key_file_is_read_again_when_the_intake_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "first\n").unwrap();
        let key = api_key(KeySource::File(path.clone())).unwrap().unwrap();
        assert_eq!(key.current(), "first");
        assert!(!key.refresh());
        std::fs::write(&path, "second\n").unwrap();
        assert!(key.refresh());
        assert_eq!(key.current(), "second");
    }

    #[test]
    fn a_missing_key_file_is_named() {
        let error = api_key(KeySource::File("/nowhere/key".into())).unwrap_err();
        assert!(error.to_string().contains("/nowhere/key"), "{error}");
    }

    #[test]
    fn a_configured_host_name_is_used() {
        let config = Config::from_env_iter([("DD_HOSTNAME", "web-1")]);
        assert_eq!(hostname(&config), "web-1");
    }
}
