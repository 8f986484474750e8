//! Stateful streams that are refused, each with its status and its words; nothing of the batch at fault is stored.

use datadog_dev_intake::{GrpcStatus, Intake};

use crate::client::{send, send_h2};
use crate::grpc::{
    Connection, KEY, METHOD_A, METHOD_C, Status, datums_a, ended, framed, open, pattern_a, raw_a,
    structured_a, three_logs_a,
};

/// How a stream ends that is opened with this metadata.
async fn refused(intake: &Intake, metadata: &[(&str, &str)]) -> Status {
    let mut connection = Connection::to(intake).await;
    let mut call = connection.open(METHOD_A, metadata).await;
    assert_eq!(call.status, 200);
    call.end().await
}

/// How a stream ends whose second batch is this.
async fn ends(second: (u32, Vec<u8>)) -> Status {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, datums_a(vec![raw_a("good")])).await;

    call.send(second.0, second.1).await;

    let end = call.end().await;
    assert_eq!(
        intake.messages(),
        ["good"],
        "nothing of the batch is stored"
    );
    let now = ended(&intake, 1).await;
    assert_eq!((now.batches, now.last_acked, now.logs), (1, Some(1), 1));
    assert_eq!(now.ended.unwrap().message, end.1);
    end
}

fn status(status: GrpcStatus, message: &str) -> Status {
    (Some(status.code().into()), message.to_owned())
}

#[tokio::test]
async fn a_stream_without_a_key_is_unauthenticated() {
    let intake = Intake::start().await;
    let expected = status(GrpcStatus::Unauthenticated, "no dd-api-key, or a blank one");
    assert_eq!(refused(&intake, &[]).await, expected);
    assert_eq!(refused(&intake, &[("dd-api-key", " ")]).await, expected);
    assert_eq!(intake.requests(METHOD_A), 2);
    assert_eq!(
        intake.summary()["requests"]["by_status"]["grpc UNAUTHENTICATED"],
        2
    );
}

#[tokio::test]
async fn a_content_encoding_that_is_not_known_is_an_invalid_argument() {
    let intake = Intake::start().await;
    for encoding in ["br", "ZSTD", ""] {
        assert_eq!(
            refused(&intake, &[KEY, ("dd-content-encoding", encoding)]).await,
            status(
                GrpcStatus::InvalidArgument,
                &format!("unknown dd-content-encoding {encoding:?}")
            )
        );
    }
}

#[tokio::test]
async fn what_grpc_itself_compressed_is_not_understood() {
    let intake = Intake::start().await;
    assert_eq!(
        refused(&intake, &[KEY, ("grpc-encoding", "gzip")]).await,
        status(
            GrpcStatus::Unimplemented,
            "messages that gRPC compressed are not understood"
        )
    );
    let mut call = open(&intake, METHOD_A).await;
    call.send_bytes(&[1, 0, 0, 0, 0][..]).await;
    assert_eq!(
        call.end().await,
        status(
            GrpcStatus::Unimplemented,
            "a compressed message; this intake takes only grpc-encoding identity"
        )
    );
}

#[tokio::test]
async fn a_message_over_16_mib_is_refused_by_its_length() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.send_bytes([&[0][..], &((16_u32 << 20) + 1).to_be_bytes()].concat())
        .await;
    assert_eq!(
        call.end().await,
        status(
            GrpcStatus::ResourceExhausted,
            "a message of 16777217 bytes, over 16777216"
        )
    );
}

#[tokio::test]
async fn a_stream_that_ends_within_a_message_did_not_end_well() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    let message = framed(&crate::grpc::batch(1, three_logs_a()));
    call.send_bytes(message.slice(..20)).await;
    call.close();
    assert_eq!(
        call.end().await,
        status(GrpcStatus::Internal, "the stream ended within a message")
    );
    assert!(intake.logs().is_empty());
}

#[tokio::test]
async fn an_unknown_pattern_fails_the_precondition() {
    let good = raw_a("of the same batch");
    let data = datums_a(vec![good, structured_a(0, &["x"])]);
    assert_eq!(
        ends((2, data)).await,
        status(
            GrpcStatus::FailedPrecondition,
            "batch 2, datum 1: unknown pattern 0"
        )
    );
}

#[tokio::test]
async fn values_that_do_not_fit_their_pattern_are_an_invalid_argument() {
    let data = datums_a(vec![
        pattern_a(1, "a", &[0, 1]),
        raw_a("of the same batch"),
        structured_a(0, &["x"]),
    ]);
    assert_eq!(
        ends((2, data)).await,
        status(
            GrpcStatus::InvalidArgument,
            "batch 2, datum 2: 1 values for 2 positions"
        )
    );
}

#[tokio::test]
async fn an_unknown_entry_of_the_dictionary_fails_the_precondition() {
    // A log with the status of entry 9.
    let data = crate::grpc::hex("0a09 3207 1a0178 3202 2009");
    assert_eq!(
        ends((2, data)).await,
        status(
            GrpcStatus::FailedPrecondition,
            "batch 2, datum 0: unknown dictionary entry 9"
        )
    );
}

#[tokio::test]
async fn batches_come_in_their_sequence() {
    let data = || datums_a(vec![raw_a("x")]);
    let expected = |batch: u32| {
        status(
            GrpcStatus::InvalidArgument,
            &format!("batch {batch}: out of sequence, expected 2"),
        )
    };
    assert_eq!(ends((3, data())).await, expected(3));
    assert_eq!(ends((1, data())).await, expected(1));
    assert_eq!(ends((0, data())).await, expected(0));
}

#[tokio::test]
async fn what_is_no_protobuf_is_an_invalid_argument() {
    assert_eq!(
        ends((2, vec![0xff])).await,
        status(
            GrpcStatus::InvalidArgument,
            "batch 2, datum 0: malformed protobuf: varint without end"
        )
    );
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    call.send_bytes(framed(&[0x12, 0x05])).await;
    assert_eq!(
        call.end().await,
        status(
            GrpcStatus::InvalidArgument,
            "the envelope of a batch cannot be read: malformed protobuf: cut short"
        )
    );
}

#[tokio::test]
async fn what_is_not_what_its_encoding_says_is_an_invalid_argument_and_a_bomb_exhausts() {
    let intake = Intake::start().await;
    let end = async |data: Vec<u8>| {
        let metadata = [KEY, ("dd-content-encoding", "zstd")];
        let mut call = Connection::to(&intake)
            .await
            .open(METHOD_A, &metadata)
            .await;
        call.send(1, data).await;
        call.end().await
    };
    assert_eq!(
        end(b"not zstd".to_vec()).await,
        status(
            GrpcStatus::InvalidArgument,
            "batch 1: the data is not what its content encoding says"
        )
    );
    let whole = zstd::bulk::compress(&three_logs_a(), 3).unwrap();
    assert_eq!(
        end(whole[..whole.len() - 1].to_vec()).await,
        status(
            GrpcStatus::InvalidArgument,
            "batch 1: the compressed data is cut short"
        )
    );
    assert_eq!(
        end([&whole[..], b"!"].concat()).await,
        status(
            GrpcStatus::InvalidArgument,
            "batch 1: 1 bytes follow the compressed data"
        )
    );
    let bomb = zstd::bulk::compress(&vec![0; (64 << 20) + 1], 3).unwrap();
    assert_eq!(
        end(bomb).await,
        status(
            GrpcStatus::ResourceExhausted,
            "batch 1: more than 67108864 bytes in a batch"
        )
    );
    assert!(intake.logs().is_empty());
}

#[tokio::test]
async fn more_than_64_open_streams_are_too_many() {
    let intake = Intake::start().await;
    let mut connection = Connection::to(&intake).await;
    let mut calls = Vec::new();
    for _ in 0..64 {
        calls.push(connection.open(METHOD_C, &[KEY]).await);
    }
    assert_eq!(
        refused(&intake, &[KEY]).await,
        status(GrpcStatus::Unavailable, "64 streams are open")
    );
    let mut last = calls.pop().unwrap();
    last.close();
    assert_eq!(last.end().await.0, Some(0));
    ended(&intake, 64).await;
    let mut call = open(&intake, METHOD_A).await;
    call.deliver(1, three_logs_a()).await;
}

#[tokio::test]
async fn a_method_asked_for_without_grpc_is_no_stream() {
    let intake = Intake::start().await;
    let grpc = [("content-type", "application/grpc")];
    assert_eq!(send_h2(&intake, METHOD_A, &[], "{}").await.status, 415);
    assert_eq!(send(&intake, "POST", METHOD_A, &grpc, "").await.status, 415);
    assert!(intake.streams().is_empty());
    assert_eq!(intake.summary()["problems"]["no gRPC over HTTP/2"], 2);
}
