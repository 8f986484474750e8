//! The two messages of the method, between bytes and what the driver works with.
//!
//! The data of a batch is written as it is: it was compressed when the batch was sealed.

use bytes::{BufMut as _, Bytes};
use datadog_wire::stateful::SNAPSHOT_BATCH_ID;
use datadog_wire::stateful::a::BatchStatus;
use prost::Message as _;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Tag of the field `batch_id`, a varint.
const BATCH_ID: u8 = 0x08;
/// Tag of the field `data`, bytes.
const DATA: u8 = 0x12;
/// Bytes that are gathered before they are handed to the connection.
const BUFFER_BYTES: usize = 32 << 10;

/// A `StatefulBatch`.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) batch_id: u32,
    pub(crate) data: Bytes,
}

/// The codec of the method, in every profile.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Codec;

impl tonic::codec::Codec for Codec {
    type Encode = Batch;
    type Decode = BatchStatus;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Codec {
    type Item = Batch;
    type Error = Status;

    fn encode(&mut self, batch: Batch, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let Batch { batch_id, data } = batch;
        out.reserve(2 + 2 * prost::encoding::encoded_len_varint(u64::MAX) + data.len());
        if batch_id != SNAPSHOT_BATCH_ID {
            out.put_u8(BATCH_ID);
            prost::encoding::encode_varint(batch_id.into(), out);
        }
        if !data.is_empty() {
            out.put_u8(DATA);
            prost::encoding::encode_varint(data.len() as u64, out);
            out.put(data);
        }
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER_BYTES, BUFFER_BYTES)
    }
}

impl Decoder for Codec {
    type Item = BatchStatus;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<BatchStatus>, Status> {
        let status = BatchStatus::decode(bytes);
        let status = status.map_err(|error| Status::internal(format!("no BatchStatus: {error}")));
        status.map(Some)
    }
}
