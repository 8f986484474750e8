//! The sketch of a group: as it came while it is alone, and decoded from the second on.

use bytes::Bytes;
use datadog_sketch::dd::{MAX_MESSAGE_BYTES, Message, Sketch};

/// A sketch, if there is one.
#[derive(Debug, Default)]
pub(super) enum Summary {
    #[default]
    None,
    /// The bytes of a tracer, in whatever mapping.
    Raw(Bytes),
    /// Several, in the mapping of the agent.
    Merged(Box<Sketch>),
}

/// A sketch that is none, or too large.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Summary {
    /// Adds the sketch of a tracer; no bytes are no sketch.
    ///
    /// # Errors
    /// When it cannot be read, or what was there before cannot: that is replaced by this then.
    pub(super) fn add(&mut self, raw: Bytes) -> Result<(), Malformed> {
        if raw.is_empty() {
            return Ok(());
        }
        if raw.len() > MAX_MESSAGE_BYTES {
            return Err(Malformed);
        }
        match self {
            Self::None => *self = Self::Raw(raw),
            Self::Raw(first) => {
                let more = message(&raw)?;
                let first = message(first).and_then(|first| of(&first));
                let Ok(mut sketch) = first else {
                    *self = Self::Raw(raw);
                    return Err(Malformed);
                };
                sketch.merge_message(&more).map_err(|_| Malformed)?;
                *self = Self::Merged(Box::new(sketch));
            }
            Self::Merged(sketch) => sketch
                .merge_message(&message(&raw)?)
                .map_err(|_| Malformed)?,
        }
        Ok(())
    }

    /// The bytes of memory that it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Raw(raw) => raw.len(),
            Self::Merged(sketch) => sketch.bytes(),
        }
    }

    /// The bytes that are sent.
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::Raw(raw) => raw,
            Self::Merged(sketch) => {
                let mut bytes = Vec::new();
                sketch.to_message().encode(&mut bytes);
                bytes.into()
            }
        }
    }
}

fn message(bytes: &[u8]) -> Result<Message, Malformed> {
    Message::decode(bytes).map_err(|_| Malformed)
}

fn of(message: &Message) -> Result<Sketch, Malformed> {
    Sketch::from_message(message).map_err(|_| Malformed)
}
