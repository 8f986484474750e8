//! Traces of the process itself, without a socket: the same limits, turns, rules and counters as for a request.
//!
//! There is no header to say how a body is written; its first byte does.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::Received;
use datadog_agent_runtime::proc::container::{self, Process};
use tokio::time::timeout;

use super::Receiver;
use super::answer::Answer;
use super::client::Client;
use super::route::Version;

const JSON: &str = "application/json";
const MSGPACK: &str = "application/msgpack";

/// Why traces were not taken. None of them was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubmitError {
    /// They cannot be read, or are larger than a request may be; trying again cannot help.
    #[error("{0}")]
    Invalid(String),
    /// There is too much to do; worth trying again after a second.
    #[error("too many traces at once")]
    Full,
    /// The trace agent has stopped.
    #[error("the trace agent has stopped")]
    Stopped,
}

impl Receiver {
    /// Takes a body as `/v0.4/traces` does, or `/v0.7/traces` when it is a map.
    pub(crate) async fn submit(&self, body: Bytes) -> Result<(), SubmitError> {
        if self.0.drain.deadline().is_some() {
            return Err(SubmitError::Stopped);
        }
        let max = self.0.limits.traces_bytes;
        if body.len() > max {
            let problem = format!("{} bytes are more than the {max} of a request", body.len());
            return Err(SubmitError::Invalid(problem));
        }
        let (version, content_type) = form(&body);
        let room = self.0.memory.reserve(body.len());
        let Ok(share) = timeout(self.0.limits.decoder_timeout, room).await else {
            return Err(SubmitError::Full);
        };
        self.0.bytes_received.add(body.len() as u64);
        let receiver = self.clone();
        let client = Arc::new(Client {
            container_id: own_container().unwrap_or_default(),
            wants_status: true,
            ..Client::default()
        });
        // A task of its own, which goes on if nobody waits any more.
        let settled = tokio::spawn(async move {
            let received = Received { body, share };
            receiver
                .settle(version, Some(content_type.to_owned()), received, client)
                .await
        });
        match settled.await {
            Ok(Answer::Ok | Answer::Empty | Answer::Rates(_)) => Ok(()),
            Ok(Answer::TooMany | Answer::Overload(_)) => Err(SubmitError::Full),
            Ok(Answer::Malformed(why)) => Err(SubmitError::Invalid(why)),
            Ok(Answer::UnexpectedEnd) => Err(SubmitError::Invalid("unexpected end".to_owned())),
            Ok(_) => Err(SubmitError::Invalid("cannot be processed".to_owned())),
            Err(_) => Err(SubmitError::Stopped),
        }
    }
}

/// No array or map of msgpack begins like an array of JSON.
fn form(body: &[u8]) -> (Version, &'static str) {
    match body.trim_ascii_start().first() {
        Some(b'[') => (Version::V04, JSON),
        Some(0x80..=0x8f | 0xde | 0xdf) => (Version::V07, MSGPACK),
        _ => (Version::V04, MSGPACK),
    }
}

fn own_container() -> Option<String> {
    container::id(Path::new("/"), Process::Own).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_how_a_body_is_written() {
        for (body, expected) in [
            (&b" \n[[]]"[..], (Version::V04, JSON)),
            (b"\x90", (Version::V04, MSGPACK)),
            (b"\xdc\x00\x00", (Version::V04, MSGPACK)),
            (b"\x81\xa6chunks\x90", (Version::V07, MSGPACK)),
            (b"\xdf\x00\x00\x00\x00", (Version::V07, MSGPACK)),
            (b"", (Version::V04, MSGPACK)),
            (b"{}", (Version::V04, MSGPACK)),
        ] {
            assert_eq!(form(body), expected, "{body:x?}");
        }
    }
}
