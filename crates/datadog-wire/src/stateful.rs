//! The stateful log stream: names, numbers and messages of the gRPC method that carries patterns and logs.
//!
//! Two generations of the protocol are alive; they share the envelope (`StatefulBatch`, answered by `BatchStatus`)
//! and differ in the method and in what a batch holds.
//! The messages are generated from the schemas in `proto/`.

pub use crate::endpoints::{
    API_KEY_HEADER, EVP_ORIGIN_HEADER, EVP_ORIGIN_VERSION_HEADER, PROTOCOL_HEADER,
};

/// The messages of generation A: `DatumSequence`, logs with a oneof of pattern and raw text.
#[rustfmt::skip]
#[path = "generated/stateful_a.rs"]
pub mod a;

/// The messages of generation C: `LogDatumSequence`, flat logs with columns for JSON.
#[expect(
    clippy::large_enum_variant,
    reason = "generated; a box around each log would be an allocation for each log"
)]
#[rustfmt::skip]
#[path = "generated/stateful_c.rs"]
pub mod c;

/// The method of generation A, a stream of batches one way and of their statuses the other.
pub const METHOD_A: &str = "/datadog.intake.stateful.StatefulLogsService/LogsStream";
/// The method of generation C, of the same form.
pub const METHOD_C: &str = "/datadog.intake.stateful.StatefulIntake/StatefulStream";

/// Metadata that names the compression of the data of every batch; without it a server takes them as they are.
pub const CONTENT_ENCODING_HEADER: &str = "dd-content-encoding";
/// Value of [`CONTENT_ENCODING_HEADER`]: each batch is one frame of zstd.
pub const ENCODING_ZSTD: &str = "zstd";
/// Value of [`CONTENT_ENCODING_HEADER`]: each batch is one member of gzip.
pub const ENCODING_GZIP: &str = "gzip";
/// Value of [`CONTENT_ENCODING_HEADER`]: batches are not compressed.
pub const ENCODING_IDENTITY: &str = "identity";
/// Metadata with the bytes of state that the client asks the intake to hold, in decimal.
pub const STATE_REQUEST_BYTES_HEADER: &str = "dd-state-request-bytes";
/// What [`STATE_REQUEST_BYTES_HEADER`] asks for unless told otherwise.
pub const DEFAULT_STATE_REQUEST_BYTES: usize = 5_242_880;
/// Metadata that is `true` on the second leg of logs that are sent on two ways: the intake may only compare.
pub const SHADOW_ONLY_HEADER: &str = "dd-shadow-only";

/// The id of the snapshot: the state that the batches behind it refer to.
///
/// It is the first batch of a stream, or there is none when the state is empty.
/// On the wire it is absent, as every 0.
pub const SNAPSHOT_BATCH_ID: u32 = 0;
/// The id of the first batch with logs of every stream; each later one is one more.
pub const FIRST_BATCH_ID: u32 = 1;
/// The last id that a stream may use; the next batch needs a new stream.
pub const LAST_BATCH_ID: u32 = u32::MAX - 1;

/// The first id of the dictionary in generation A; 0 is never defined.
pub const FIRST_DICT_ID_A: u64 = 1;
/// The first id of the dictionary in generation C; those below it are [`SAME_ID_C`] and [`NONE_ID_C`].
pub const FIRST_DICT_ID_C: u64 = 2;
/// In generation C, instead of the id of a status, service, tag set or schema: as in the log before it.
pub const SAME_ID_C: u64 = 0;
/// In generation C, instead of the id of a status, service, tag set or schema: there is none.
pub const NONE_ID_C: u64 = 1;

/// The field of a log, in both generations, with the exact bytes of a text that is no valid UTF-8.
///
/// It is an extension of this project; an intake that does not know it skips it.
pub const RAW_BYTES_FIELD: u32 = 1_000;

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::{a, c};

    #[track_caller]
    fn check(message: &impl Message, hex: &str) {
        let bytes = message.encode_to_vec();
        let found: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, hex);
    }

    #[test]
    fn a_batch_without_an_id_is_the_snapshot() {
        let snapshot = a::StatefulBatch {
            batch_id: super::SNAPSHOT_BATCH_ID,
            data: "xyz".into(),
        };
        check(&snapshot, "120378797a");
        let first = c::StatefulBatch {
            batch_id: super::FIRST_BATCH_ID,
            data: "xyz".into(),
        };
        check(&first, "0801120378797a");
    }

    #[test]
    fn a_status_of_the_snapshot_has_no_id() {
        let ok = a::batch_status::Status::Ok.into();
        let status = |batch_id| a::BatchStatus {
            batch_id,
            status: ok,
        };
        check(&status(1), "08011001");
        check(&status(0), "1001");
    }

    #[test]
    fn a_value_says_whether_it_is_to_be_a_string() {
        let value = |render_as_string| c::DynamicValue {
            value: Some(c::dynamic_value::Value::IntValue(42)),
            render_as_string,
        };
        check(&value(false), "082a");
        check(&value(true), "082a2801");
    }

    #[test]
    fn bools_are_bits_of_a_byte_string() {
        let log = c::Log {
            json_context_bool_values: vec![0x0d, 0x01],
            ..c::Log::default()
        };
        check(&log, "72020d01");
    }

    #[test]
    fn the_extension_stands_in_both_generations() {
        let raw_bytes = vec![0xff];
        let hex = "c23e01ff";
        check(
            &a::Log {
                raw_bytes: raw_bytes.clone(),
                ..a::Log::default()
            },
            hex,
        );
        check(
            &c::Log {
                raw_bytes,
                ..c::Log::default()
            },
            hex,
        );
    }
}
