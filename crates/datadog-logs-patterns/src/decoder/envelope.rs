//! The two messages of the stream: a batch on its way to the intake, and the answer to it.
//!
//! Both are the same in every profile.

use crate::decoder::Error;
use crate::decoder::reader::{Field, Message};

/// What the intake says of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchStatus {
    /// No more than that it came.
    Unknown,
    /// It is safe here, and need not be sent again.
    Ok,
}

#[derive(Default)]
struct Envelope<'a> {
    batch_id: u32,
    data: &'a [u8],
}

impl<'a> Message<'a> for Envelope<'a> {
    fn field(
        &mut self,
        number: u32,
        field: Field<'a>,
        _max_values: usize,
    ) -> Result<(), super::Reason> {
        match number {
            1 => self.batch_id = field.u32()?,
            2 => self.data = field.bytes()?,
            _ => {}
        }
        Ok(())
    }
}

/// Takes a `StatefulBatch` apart: the number of the batch, and its data as it was compressed.
///
/// # Errors
///
/// [`Error::Envelope`] where the bytes are not that message.
pub fn envelope(message: &[u8]) -> Result<(u32, &[u8]), Error> {
    let mut envelope = Envelope::default();
    envelope
        .merge(message, 0)
        .map_err(|reason| Error::Envelope { reason })?;
    Ok((envelope.batch_id, envelope.data))
}

/// Writes a `BatchStatus`.
pub fn status(batch_id: u32, status: BatchStatus) -> Vec<u8> {
    let mut message = Vec::with_capacity(8);
    if batch_id != 0 {
        message.push(0x08);
        let mut rest = batch_id;
        while rest >= 0x80 {
            message.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        message.push(rest.to_le_bytes()[0]);
    }
    match status {
        BatchStatus::Unknown => {}
        BatchStatus::Ok => message.extend_from_slice(&[0x10, 1]),
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_comes_out_of_its_envelope() {
        assert_eq!(envelope(b"\x08\x01\x12\x03xyz"), Ok((1, &b"xyz"[..])));
        // Batch 0 has no number on the wire.
        assert_eq!(envelope(b"\x12\x03xyz"), Ok((0, &b"xyz"[..])));
        // The last one counts, and what is unknown is skipped.
        let message = b"\x12\x01a\x08\x05\x1a\x01?\x12\x01b\x08\x07";
        assert_eq!(envelope(message), Ok((7, &b"b"[..])));
        assert_eq!(envelope(b""), Ok((0, &b""[..])));
    }

    #[test]
    fn an_envelope_that_is_cut_short_is_an_error() {
        let reason = super::super::Reason::Malformed("cut short");
        assert_eq!(
            envelope(b"\x08\x01\x12\x04xyz"),
            Err(Error::Envelope { reason })
        );
    }

    #[test]
    fn a_status_leaves_out_what_is_zero() {
        assert_eq!(status(1, BatchStatus::Ok), b"\x08\x01\x10\x01");
        assert_eq!(status(0, BatchStatus::Ok), b"\x10\x01");
        assert_eq!(status(300, BatchStatus::Unknown), b"\x08\xac\x02");
        assert_eq!(
            status(u32::MAX, BatchStatus::Ok),
            b"\x08\xff\xff\xff\xff\x0f\x10\x01"
        );
    }
}
