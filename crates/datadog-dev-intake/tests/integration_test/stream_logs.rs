//! Logs of stateful streams: the entries that they become, to the byte.

use datadog_dev_intake::Intake;
use prost::Message;
use serde_json::json;

use crate::client::{get, post_logs};
use crate::grpc::{METHOD_A, METHOD_C, a, c, datums_a, hex, open, raw_a, stream};

#[tokio::test]
async fn what_no_text_can_hold_is_kept_to_the_byte() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    let log = a::Log {
        content: Some(a::log::Content::Raw("\u{fffd}!".to_owned())),
        raw_bytes: vec![0xff, b'!'],
        uuid: Some("u-1".to_owned()),
        ..a::Log::default()
    };

    call.deliver(1, datums_a(vec![a::datum::Data::Logs(log)]))
        .await;

    let log = &intake.logs()[0];
    assert_eq!(log.message, "\u{fffd}!");
    let note = log.stream.as_ref().unwrap();
    assert_eq!(
        (note.body.as_deref(), note.uuid.as_deref()),
        (Some(&[0xff, b'!'][..]), Some("u-1"))
    );
    let shown = get(&intake, "/inspect/logs").await.lines();
    assert_eq!(
        (&shown[0]["body_base64"], &shown[0]["uuid"]),
        (&json!("/yE="), &json!("u-1"))
    );
}

#[tokio::test]
async fn an_entry_with_attributes_is_the_same_as_over_http() {
    let intake = Intake::start().await;
    post_logs(
        &intake,
        r#"[{"message":"m","http":{"code":1.50},"timestamp":0,"hostname":"h","service":"s","ddtags":"a:b","status":"warn"}]"#,
    )
    .await;
    let mut call = open(&intake, METHOD_A).await;
    let tags = a::DynamicValue {
        value: Some(a::dynamic_value::Value::StringValue(
            "a:b,hostname:h,service:s".to_owned(),
        )),
    };
    let status = a::DynamicValue {
        value: Some(a::dynamic_value::Value::StringValue("warn".to_owned())),
    };
    let log = a::Log {
        content: Some(a::log::Content::Raw(
            r#"{"message":"m","http":{"code":1.50}}"#.to_owned(),
        )),
        tags: Some(a::TagSet { tagset: Some(tags) }),
        status: Some(status),
        ..a::Log::default()
    };

    call.deliver(1, datums_a(vec![a::datum::Data::Logs(log)]))
        .await;

    let logs = intake.logs();
    assert_eq!(logs[0].text, logs[1].text);
    assert_eq!(
        get(&intake, "/inspect/logs?service=s&status=warn")
            .await
            .lines()
            .len(),
        2
    );
}

#[tokio::test]
async fn our_names_give_way_to_those_of_the_entry() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;

    call.deliver(
        1,
        datums_a(vec![raw_a(r#"{"message":"m","stream":"own","_wire":1}"#)]),
    )
    .await;

    let shown = get(&intake, "/inspect/logs").await.lines();
    assert_eq!(
        (
            &shown[0]["stream"],
            &shown[0]["_stream"],
            &shown[0]["__wire"],
            &shown[0]["wire"]
        ),
        (&json!("own"), &json!(1), &json!(null), &json!("a"))
    );
}

#[tokio::test]
async fn times_are_differences_and_an_empty_tag_set_says_none() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_A).await;
    // Times 5, -5, 9 as differences; tags, an empty set in place of them, then nothing.
    let tagged = "320f 080a 1a0131 2208 0a06 1a04 613a622c";
    let untagged = "320b 0809 1a0132 2204 0a02 1a00";
    let plain = "3205 0812 1a0133";
    let datums = [tagged, untagged, plain].map(hex);
    let data: Vec<u8> = datums
        .iter()
        .flat_map(|datum| [&[0x0a, u8::try_from(datum.len()).unwrap()][..], datum].concat())
        .collect();

    call.deliver(1, data).await;

    let logs = intake.logs();
    let times: Vec<_> = logs
        .iter()
        .map(|log| log.entry["timestamp"].clone())
        .collect();
    assert_eq!(times, [5, 0, 9]);
    let tags: Vec<_> = logs.iter().map(|log| log.get("ddtags")).collect();
    assert_eq!(tags, [Some("a:b"), None, None]);
}

#[tokio::test]
async fn columns_of_json_make_an_entry() {
    let intake = Intake::start().await;
    let mut call = open(&intake, METHOD_C).await;
    let define = |id, value: &str| {
        c::log_datum::Data::DictEntryDefine(c::DictEntryDefine {
            id,
            value: value.to_owned(),
        })
    };
    let schema = c::log_datum::Data::JsonSchemaDefine(c::JsonSchemaDefine {
        schema_id: 2,
        keys: vec![2],
        message_key_id: 3,
        value_kinds: vec![3],
    });
    let log = c::log_datum::Data::Log(c::Log {
        raw_log: "m".to_owned(),
        json_schema_id: 2,
        json_context_int_values: vec![7],
        ..c::Log::default()
    });
    let data = [define(2, "n"), define(3, "message"), schema, log]
        .map(|data| c::LogDatum { data: Some(data) })
        .to_vec();

    call.deliver(1, c::LogDatumSequence { data }.encode_to_vec())
        .await;

    let log = &intake.logs()[0];
    assert_eq!((log.message.as_str(), &log.entry["n"]), ("m", &json!(7)));
    assert_eq!(stream(&intake, 1).state.schemas, 1);
}
