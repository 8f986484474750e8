//! Messages of gRPC: each behind a flag and its length.

use bytes::{Buf, Bytes, BytesMut};

/// What stands in front of every message: one byte for its compression, four for its length.
pub(crate) const PREFIX_BYTES: usize = 5;
/// The longest message that is taken.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Why a message cannot be taken; the stream ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// The flag says that gRPC itself compressed the message.
    #[error("a compressed message; this intake takes only grpc-encoding identity")]
    Compressed,
    /// Longer than this intake takes.
    #[error("a message of {0} bytes, over {MAX_MESSAGE_BYTES}")]
    TooLong(usize),
}

/// Puts messages together from the bytes of a stream, however they are cut.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: BytesMut,
}

impl Frames {
    /// Takes the next bytes. The length of a message is looked at before more of it is awaited, so that no more is
    /// held than one message and the bytes that came with its end.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, once it is there as a whole.
    ///
    /// # Errors
    /// When the message must not be awaited.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(prefix) = self.buffer.first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let [flag, length @ ..] = *prefix;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_MESSAGE_BYTES {
            return Err(FrameError::TooLong(length));
        }
        if flag != 0 {
            return Err(FrameError::Compressed);
        }
        if self.buffer.len() - PREFIX_BYTES < length {
            return Ok(None);
        }
        self.buffer.advance(PREFIX_BYTES);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// Whether part of a message is there.
    pub(crate) fn is_within(&self) -> bool {
        !self.buffer.is_empty()
    }
}

/// A short message in its frame.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0][..], &length.to_be_bytes(), message].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(frames: &mut Frames) -> Vec<Bytes> {
        std::iter::from_fn(|| frames.next().unwrap()).collect()
    }

    #[test]
    fn messages_come_out_however_they_are_cut() {
        let wire = [frame(b"abc"), frame(b""), frame(b"de")].concat();
        for size in 1..=wire.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for piece in wire.chunks(size) {
                frames.push(piece);
                found.extend(all(&mut frames));
            }
            assert_eq!(found, ["abc", "", "de"].map(Bytes::from), "{size}");
            assert!(!frames.is_within());
        }
    }

    #[test]
    fn what_is_cut_short_is_no_message() {
        let mut frames = Frames::default();
        frames.push(&frame(b"abc")[..7]);
        assert_eq!(frames.next(), Ok(None));
        assert!(frames.is_within());
    }

    #[test]
    fn a_length_is_refused_before_its_message_comes() {
        let prefix = |length: u32| [&[0][..], &length.to_be_bytes()].concat();
        let mut frames = Frames::default();
        frames.push(&prefix(16 << 20));
        assert_eq!(frames.next(), Ok(None));
        let mut frames = Frames::default();
        frames.push(&prefix((16 << 20) + 1));
        assert_eq!(frames.next(), Err(FrameError::TooLong(16_777_217)));
    }

    #[test]
    fn a_message_that_grpc_compressed_is_refused() {
        let mut frames = Frames::default();
        frames.push(&[1, 0, 0, 0, 0]);
        assert_eq!(frames.next(), Err(FrameError::Compressed));
    }
}
