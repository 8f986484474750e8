//! Gives back the logs of a stateful stream: what an intake does with its batches.
//!
//! One decoder per stream. It takes the batches in their order, keeps the patterns and the dictionary
//! that they define, and returns the logs byte for byte as they were before the encoder.
//! A batch counts as a whole or not at all: with its first mistake the stream is over and the state gone.
//! It reads datum by datum from the decompressed bytes, and everything that a peer can make grow has a
//! bound in [`Limits`].
//!
//! It is no server: when to acknowledge a batch, and what to do with the logs, is for the caller.

mod batch;
mod body;
#[cfg(any(test, fuzzing))]
pub mod checks;
mod encoding;
mod envelope;
mod error;
mod json;
mod limits;
mod message;
mod message_a;
mod message_c;
mod reader;
mod record;
mod state;
mod template;

use std::fmt;

use crate::wire::Profile;

use self::batch::Batch;
use self::state::State;

pub use self::encoding::ContentEncoding;
pub use self::envelope::{BatchStatus, envelope, status};
pub use self::error::{Code, Error, Reason};
pub use self::limits::{Limit, Limits};
pub use self::record::Record;

/// The extension field of a log that holds the bytes of a text that is no valid UTF-8.
const RAW_BYTES: u32 = 1_000;

/// Decodes one stream.
pub struct Decoder {
    profile: Profile,
    encoding: ContentEncoding,
    limits: Limits,
    state: State,
    last_batch: Option<u32>,
    /// The batch that failed, and how.
    failed: Option<(u32, Code)>,
}

impl Decoder {
    /// A decoder for a stream of that profile whose batches are not compressed.
    pub fn new(profile: Profile, limits: Limits) -> Self {
        Self {
            profile,
            encoding: ContentEncoding::Identity,
            limits,
            state: State::default(),
            last_batch: None,
            failed: None,
        }
    }

    /// The same for a stream whose batches are compressed.
    #[must_use]
    pub fn with_encoding(mut self, encoding: ContentEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Decodes the next batch: its number and its data, as [`envelope()`] gives them.
    ///
    /// The first batch of a stream is 0, the snapshot of an earlier state, or 1; each later one is one more.
    /// A batch without logs is as good as any, and to be acknowledged.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the batch; then none of its logs is returned, the definitions of the stream
    /// are forgotten, and every later batch is refused with [`Error::Ended`].
    pub fn decode(&mut self, batch_id: u32, data: &[u8]) -> Result<Vec<Record>, Error> {
        if let Some((failed, code)) = self.failed {
            return Err(Error::Ended {
                batch_id,
                failed,
                code,
            });
        }
        let decoded = self.decode_next(batch_id, data);
        if let Err(error) = &decoded {
            self.failed = Some((batch_id, error.code()));
            self.state = State::default();
        }
        decoded
    }

    /// Forgets all that was defined, as an intake does that lost its memory; the numbers of the batches go on.
    pub fn forget(&mut self) {
        self.state = State::default();
    }

    fn decode_next(&mut self, batch_id: u32, data: &[u8]) -> Result<Vec<Record>, Error> {
        let data = self
            .check_sequence(batch_id)
            .and_then(|()| self.encoding.decompress(data, self.limits.batch_bytes))
            .map_err(|reason| Error::Batch { batch_id, reason })?;
        self.last_batch = Some(batch_id);
        let mut batch = Batch::new(self.profile, &self.limits, &mut self.state);
        match batch.apply(&data) {
            Ok(()) => Ok(batch.into_records()),
            Err(reason) => Err(Error::Datum {
                batch_id,
                datum: batch.datums(),
                reason,
            }),
        }
    }

    fn check_sequence(&self, batch_id: u32) -> Result<(), Reason> {
        let expected = self.last_batch.map_or(1, |last| u64::from(last) + 1);
        let is_snapshot = self.last_batch.is_none() && batch_id == 0;
        if u64::from(batch_id) != expected && !is_snapshot {
            return Err(Reason::Sequence { expected });
        }
        Ok(())
    }

    /// The ids of the patterns that are defined, ascending.
    pub fn pattern_ids(&self) -> impl ExactSizeIterator<Item = u64> {
        self.state.pattern_ids()
    }

    /// The ids of the entries of the dictionary that are defined, ascending.
    pub fn text_ids(&self) -> impl ExactSizeIterator<Item = u64> {
        self.state.text_ids()
    }

    /// The ids of the JSON schemas that are defined, ascending; profile A has none.
    pub fn schema_ids(&self) -> impl ExactSizeIterator<Item = u64> {
        self.state.schema_ids()
    }

    /// The template of a pattern, and where its values go: ascending, in code points.
    pub fn pattern(&self, id: u64) -> Option<(&str, &[u32])> {
        let template = self.state.pattern(id).ok()?;
        Some((template.text(), template.positions()))
    }

    /// The text of an entry of the dictionary.
    pub fn text(&self, id: u64) -> Option<&str> {
        self.state.text(id).ok().map(|text| &**text)
    }

    /// The memory of all that is defined, as [`Limits::state_bytes`] counts it.
    pub fn state_bytes(&self) -> usize {
        self.state.bytes()
    }

    /// The same, counted anew.
    #[cfg(any(test, fuzzing))]
    fn counted_state_bytes(&self) -> usize {
        self.state.counted_bytes()
    }
}

/// Numbers only: templates and texts belong to the user.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("profile", &self.profile)
            .field("encoding", &self.encoding)
            .field("last_batch", &self.last_batch)
            .field("failed", &self.failed)
            .field("patterns", &self.pattern_ids().len())
            .field("texts", &self.text_ids().len())
            .field("state_bytes", &self.state_bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
