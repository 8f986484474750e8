//! Tests of events and service checks: their JSON, and how it is cut.

use super::*;

fn with_host() -> Config {
    Config {
        rules: rules::Config {
            hostname: "box".to_owned(),
            tags: vec!["env:prod".to_owned()],
            ..rules::Config::default()
        },
        ..config()
    }
}

#[test]
fn events_stand_by_their_source() {
    let mut aggregator = new(with_host());
    let lines = "_e{1,4}:t|x\\ny|t:warning|#b,a\n\
                 _e{2,0}:t2||d:5|h:other|k:key|p:low|s:\"x\"\n\
                 _e{2,1}:t3|z";
    add(&mut aggregator, 1000, lines).unwrap();
    assert_eq!(
        closed(&mut aggregator, 1001),
        r#"{"apiKey":"","events":{"\"x\"":[{"msg_title":"t2","msg_text":"","timestamp":5,"priority":"low","host":"other","tags":["env:prod"],"alert_type":"info","aggregation_key":"key","source_type_name":"\"x\""}],"api":[{"msg_title":"t","msg_text":"x\ny","timestamp":1000,"priority":"normal","host":"box","tags":["a","b","env:prod"],"alert_type":"warning"},{"msg_title":"t3","msg_text":"z","timestamp":1000,"priority":"normal","host":"box","tags":["env:prod"],"alert_type":"info"}]},"internalHostname":"box"}"#
    );
    assert_eq!(closed(&mut aggregator, 1002), "");
    assert_eq!(aggregator.tally().events, 3);
}

#[test]
fn service_checks_are_an_array() {
    let mut aggregator = new(with_host());
    let lines = "_sc|chk|2|d:1700000000|h:h|#t:1|m:boom\n_sc|b|0|h:";
    add(&mut aggregator, 1000, lines).unwrap();
    assert_eq!(
        closed(&mut aggregator, 1001),
        r#"[{"check":"chk","host_name":"h","message":"boom","tags":["env:prod","t:1"],"timestamp":1700000000,"status":2},{"check":"b","host_name":"","message":"","tags":["env:prod"],"timestamp":1000,"status":0}]"#
    );
}

#[test]
fn bodies_are_cut_between_messages_and_each_is_whole() {
    let mut aggregator = new(Config {
        other_limits: Limits {
            raw_bytes: 500,
            bytes: 500,
            points: usize::MAX,
        },
        ..config()
    });
    for number in 0..10 {
        let line = format!("_e{{1,1}}:a|b|s:{}\n_sc|n{number}|0", number % 3);
        add(&mut aggregator, 1000, &line).unwrap();
    }
    let line = format!("_e{{600,0}}:{}|", "x".repeat(600));
    add(&mut aggregator, 1000, &line).unwrap();
    let done = aggregator.flush(1001, Which::Closed);
    let (mut events, mut checks) = (0, 0);
    for payload in &done {
        assert!(payload.body.len() <= 500);
        let body: serde_json::Value = serde_json::from_slice(&payload.body).unwrap();
        let found = match payload.kind {
            Kind::Events => {
                let sources = body["events"].as_object().unwrap();
                let found: usize = sources
                    .values()
                    .map(|it| it.as_array().unwrap().len())
                    .sum();
                events += found;
                found
            }
            _ => {
                let found = body.as_array().unwrap().len();
                checks += found;
                found
            }
        };
        assert_eq!(found as u64, payload.items);
    }
    assert_eq!((events, checks), (10, 10));
    assert!(done.len() > 4);
    assert_eq!(aggregator.tally().too_large, 1);
}
