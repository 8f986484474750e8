//! The little of gRPC that a server of one streaming method needs: messages in their frames, and statuses.
//!
//! Written here rather than taken from a framework, so that a fault can act within a message, and so that this end
//! of the wire shares no gRPC code with an agent under test. Pure; the server moves the bytes.

pub(crate) use frames::{FrameError, Frames, PREFIX_BYTES, frame};
pub use status::GrpcStatus;

mod frames;
mod status;
