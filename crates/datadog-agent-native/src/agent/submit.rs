//! Traces and logs of the process itself, handed to a running agent without a socket.

use bytes::Bytes;

use super::AgentHandle;
use crate::{logs, traces};

/// Why something was not taken. Nothing of it was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubmitError {
    /// It cannot be read, or is larger than the agent takes at once; trying again cannot help.
    #[error("{0}")]
    Invalid(String),
    /// There is no room for it now; worth trying again after a second.
    #[error("no room: {0}")]
    Full(String),
    /// The pipeline is off, or the agent has stopped.
    #[error("{0} are off")]
    Off(&'static str),
}

impl AgentHandle {
    /// Takes traces: an array of traces, each an array of spans, as `/v0.4/traces` takes them (msgpack or JSON), or
    /// the map of `/v0.7/traces`. All or none.
    ///
    /// # Errors
    /// [`SubmitError`] says why none was taken.
    pub async fn submit_traces(&self, body: Bytes) -> Result<(), SubmitError> {
        let door = self.traces().ok_or(SubmitError::Off("traces"))?;
        door.submit(body).await.map_err(|error| match error {
            traces::SubmitError::Full => SubmitError::Full(error.to_string()),
            traces::SubmitError::Stopped => SubmitError::Off("traces"),
            other => SubmitError::Invalid(other.to_string()),
        })
    }

    /// Takes logs as JSON: an array of objects and strings, one object, or objects on lines of their own. All or none;
    /// entries that rules exclude are taken and counted as such.
    ///
    /// # Errors
    /// [`SubmitError`] says why none was taken.
    pub fn submit_logs(&self, json: Bytes) -> Result<(), SubmitError> {
        let door = self.logs().ok_or(SubmitError::Off("logs"))?;
        match door.insert_raw(json) {
            Ok(_) => Ok(()),
            Err(error @ logs::InsertError::Full) => Err(SubmitError::Full(error.to_string())),
            Err(logs::InsertError::Stopped) => Err(SubmitError::Off("logs")),
            Err(other) => Err(SubmitError::Invalid(other.to_string())),
        }
    }
}
