//! The back ends: writes the operations of a batch as the protobuf message of a profile.
//!
//! Each back end appends to one buffer and allocates nothing else: it takes the lengths of nested messages
//! from a first walk over the values of a log, then writes them front to back.
//! Measured, that is as fast as to leave a byte for each length and to move what follows when it needs more,
//! and more than twice as fast for long raw logs, which have to be moved twice (`benches/write.rs`).
//! Differences to the log before are taken here and nowhere earlier, so operations can be written again at any time.
//! Compression and the envelope with the id of the batch are not its concern.

mod a;
mod breakdown;
mod c;
mod change;
mod columns;
mod message;
#[cfg(test)]
mod tests;

use datadog_wire::stateful;

use change::{Step, Steps};

use crate::delta::Delta;
use crate::operation::{DictId, Log, Operations};

pub use breakdown::Breakdown;

/// The generation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// The published one: `DatumSequence`. The service of a log is one of its tags.
    #[default]
    A,
    /// The newest one: `LogDatumSequence`. The service of a log is a field of its own.
    C,
}

impl Profile {
    /// The id of the first entry of the dictionary; those below it are reserved.
    #[must_use]
    pub const fn first_dict_id(self) -> DictId {
        match self {
            Self::A => stateful::FIRST_DICT_ID_A,
            Self::C => stateful::FIRST_DICT_ID_C,
        }
    }

    /// The gRPC method, as `/service/method`.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::A => stateful::METHOD_A,
            Self::C => stateful::METHOD_C,
        }
    }
}

/// What is sent beside the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Sends the exact bytes of a log that is no valid UTF-8 in the extension field; true by default.
    ///
    /// Without it such a log keeps only its lossy text.
    pub exact_bytes_extension: bool,
    /// The order of the fields of a log.
    pub order: FieldOrder,
}

/// The order of the fields of a log, which means nothing to those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldOrder {
    /// By their numbers, as libraries write them.
    #[default]
    Ascending,
    /// The timestamp last, so that the lengths of nested messages stand side by side:
    /// lengths that go together then compress together, about one percent of the whole.
    LengthsFirst,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exact_bytes_extension: true,
            order: FieldOrder::Ascending,
        }
    }
}

/// Appends the message of a batch, uncompressed: a `DatumSequence` in profile A, a `LogDatumSequence` in C.
///
/// The operations must keep what their documentation says: valid UTF-8, ids from [`Profile::first_dict_id`] on.
/// In profile C a raw log is never empty, since the wire has no word for it; the encoder makes it a pattern
/// without text and values. Schemas and [`Json::Columns`](crate::operation::Json::Columns) are for profile C only,
/// [`Json::Keys`](crate::operation::Json::Keys) for A only, and there never with a raw text.
pub fn write(operations: &Operations, profile: Profile, options: Options, out: &mut Vec<u8>) {
    match profile {
        Profile::A => write_as::<a::Measured<'_>>(operations, options, out),
        Profile::C => write_as::<c::Measured<'_>>(operations, options, out),
    }
}

/// Says what the bytes of the message that [`write()`] appends are spent on.
///
/// It walks the operations once more, so it is for reports rather than for each batch.
#[must_use]
pub fn breakdown(operations: &Operations, profile: Profile, options: Options) -> Breakdown {
    match profile {
        Profile::A => count_as::<a::Measured<'_>>(operations, options),
        Profile::C => count_as::<c::Measured<'_>>(operations, options),
    }
}

/// The message of a log in a profile, with its differences taken and its lengths known.
trait Message<'a> {
    /// How the profile numbers its steps.
    const STEPS: Steps;

    fn measure(
        log: &'a Log,
        operations: &'a Operations,
        options: Options,
        delta: &mut Delta,
    ) -> Self;

    /// The bytes of the message.
    fn len(&self) -> usize;

    /// Appends the message.
    fn write(&self, operations: &Operations, out: &mut Vec<u8>);

    /// Counts the bytes of the message.
    fn count(&self, operations: &Operations, bytes: &mut Breakdown);
}

fn write_as<'a, M: Message<'a>>(operations: &'a Operations, options: Options, out: &mut Vec<u8>) {
    let mut delta = Delta::default();
    for operation in operations.iter() {
        match M::STEPS.step(operation, operations, &mut delta) {
            Step::Nothing => {}
            Step::Change(change) => change.write(out),
            Step::Log(log) => {
                let message = M::measure(log, operations, options, &mut delta);
                message::datum(out, M::STEPS.log, message.len());
                message.write(operations, out);
            }
        }
    }
}

fn count_as<'a, M: Message<'a>>(operations: &'a Operations, options: Options) -> Breakdown {
    let mut delta = Delta::default();
    let mut bytes = Breakdown::default();
    for operation in operations.iter() {
        match M::STEPS.step(operation, operations, &mut delta) {
            Step::Nothing => {}
            Step::Change(change) => change.count(&mut bytes),
            Step::Log(log) => {
                let message = M::measure(log, operations, options, &mut delta);
                bytes.framing += message::datum_len(M::STEPS.log, message.len()) - message.len();
                message.count(operations, &mut bytes);
            }
        }
    }
    bytes
}
