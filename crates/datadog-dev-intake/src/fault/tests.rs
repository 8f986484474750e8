//! Tests of the choice of a rule, and of scripts that are refused.

use super::*;

const LOGS: Head<'_> = Head {
    path: "/api/v2/logs",
    api_key: Some("0123456789abcdef"),
};
const SMALL: Body = Body {
    items: Some(1),
    raw_bytes: 10,
};

fn script(json: &str) -> Script {
    let mut script = Script::default();
    script.replace(parse_script(json.as_bytes()).unwrap());
    script
}

/// The names of what `count` equal requests meet.
fn met(script: &mut Script, head: &Head<'_>, body: Body, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| {
            script
                .choose(head, body)
                .map_or_else(String::new, |rule| rule.name())
        })
        .collect()
}

#[track_caller]
fn refused(json: &str, why: &str) {
    assert_eq!(parse_script(json.as_bytes()).unwrap_err().to_string(), why);
}

#[test]
fn rules_are_used_up_in_order() {
    let mut script = script(r#"{"rules":[{"status":429,"times":2},{"status":500,"times":1}]}"#);
    assert_eq!(
        met(&mut script, &LOGS, SMALL, 4),
        ["status 429", "status 429", "status 500", ""]
    );
    assert_eq!(script.rules()[0].hits, 2);
}

#[test]
fn a_rule_without_times_lasts() {
    let mut script = script(r#"{"rules":[{"status":403,"times":null},{"status":500}]}"#);
    assert_eq!(met(&mut script, &LOGS, SMALL, 3), ["status 403"; 3]);
}

#[test]
fn a_path_is_whole_or_a_prefix_or_any() {
    let matches = |path: &str| {
        let mut script = script(&format!(
            r#"{{"rules":[{{"path":"{path}","status":500}}]}}"#
        ));
        script.choose(&LOGS, SMALL).is_some()
    };
    assert!(matches("/api/v2/logs"));
    assert!(matches("/api/v2/*"));
    assert!(matches("*"));
    assert!(!matches("/api/v2"));
    assert!(!matches("/api/v2/logs/"));
    assert!(!matches("/api/v1/*"));
}

#[test]
fn a_body_matcher_needs_at_least_that_much() {
    let mut by_items = script(r#"{"rules":[{"min_items":3,"status":413}]}"#);
    let of = |items, raw_bytes| Body { items, raw_bytes };
    assert!(by_items.choose(&LOGS, of(Some(2), 999)).is_none());
    assert!(by_items.choose(&LOGS, of(None, 999)).is_none());
    assert!(by_items.choose(&LOGS, of(Some(3), 0)).is_some());

    let mut by_bytes = script(r#"{"rules":[{"min_raw_bytes":100,"status":413}]}"#);
    assert!(by_bytes.choose(&LOGS, of(Some(9), 99)).is_none());
    assert!(by_bytes.choose(&LOGS, of(None, 100)).is_some());
}

#[test]
fn a_key_is_matched_by_its_end() {
    let mut script = script(r#"{"rules":[{"api_key_suffix":"cdef","status":403}]}"#);
    let with = |api_key| Head { api_key, ..LOGS };
    assert!(script.choose(&with(Some("xcdef")), SMALL).is_some());
    assert!(script.choose(&with(Some("cdefx")), SMALL).is_none());
    assert!(script.choose(&with(None), SMALL).is_none());
}

#[test]
fn a_rule_about_reading_is_chosen_before_the_body_and_only_then() {
    let mut script = script(
        r#"{"rules":[{"min_items":9,"status":413},{"slow_read_bytes_per_s":10,"times":1},{"status":500,"times":1}]}"#,
    );
    assert_eq!(
        script.choose_before_body(&LOGS).unwrap().name(),
        "slow_read"
    );
    assert!(
        script.choose_before_body(&LOGS).is_none(),
        "the next rule is an ordinary one"
    );
    assert_eq!(met(&mut script, &LOGS, SMALL, 2), ["status 500", ""]);
}

#[test]
fn a_rule_about_reading_waits_for_the_rules_before_it() {
    let mut script = script(r#"{"rules":[{"status":500,"times":1},{"close_after_read_bytes":5}]}"#);
    assert!(script.choose_before_body(&LOGS).is_none());
    assert_eq!(met(&mut script, &LOGS, SMALL, 1), ["status 500"]);
    assert_eq!(
        script.choose_before_body(&LOGS).unwrap().name(),
        "close_read"
    );
}

#[test]
fn only_lateness_and_success_accept() {
    let accepts = |json: &str| serde_json::from_str::<Rule>(json).unwrap().accepts();
    assert!(accepts(r#"{"delay_ms":5}"#));
    assert!(accepts(r#"{"slow_read_bytes_per_s":5}"#));
    assert!(accepts(r#"{"status":200}"#));
    assert!(!accepts(r#"{"delay_ms":5,"status":503}"#));
    assert!(!accepts(r#"{"status":302}"#));
    assert!(!accepts(r#"{"hang":true}"#));
    assert!(!accepts(r#"{"close_after_bytes":100}"#));
    assert!(!accepts(r#"{"close_after_read_bytes":100}"#));
}

#[test]
fn a_script_with_a_mistake_is_refused_by_name() {
    refused(
        r#"{"rules":[{"statuss":429}]}"#,
        "unknown field `statuss`, expected one of `path`, `api_key_suffix`, `min_items`, `min_raw_bytes`, `times`, \
         `status`, `retry_after`, `delay_ms`, `hang`, `close_after_bytes`, `close_after_read_bytes`, \
         `slow_read_bytes_per_s`, `grpc_status`, `grpc_message`, `end_after_batches`, `ack`, `forget_state`, `goaway`, \
         `after_batches`, `tamper`, `document` at line 1 column 20",
    );
    refused(
        r#"{"rule":[]}"#,
        "unknown field `rule`, expected `rules` at line 1 column 7",
    );
    refused(
        r#"{"rules":[{"status":500},{"path":"*"}]}"#,
        "rule 1 does nothing: set status, delay_ms, hang, close_after_bytes, close_after_read_bytes, \
         slow_read_bytes_per_s, for streams grpc_status, end_after_batches, ack, forget_state or goaway, or for \
         remote configuration tamper",
    );
    refused(
        r#"{"rules":[{"status":100}]}"#,
        "rule 0 has status 100, which is not between 200 and 599",
    );
    refused(
        r#"{"rules":[{"status":600}]}"#,
        "rule 0 has status 600, which is not between 200 and 599",
    );
    refused(
        r#"{"rules":[{"status":500,"times":0}]}"#,
        "rule 0 has times 0 and can never apply",
    );
    refused(
        r#"{"rules":[{"status":500,"hang":true}]}"#,
        "rule 0 has both a status and hang",
    );
    refused(
        r#"{"rules":[{"hang":true,"retry_after":1}]}"#,
        "rule 0 has retry_after without a status",
    );
    refused(
        r#"{"rules":[{"delay_ms":600001}]}"#,
        "rule 0 has a delay_ms over 600000",
    );
    refused(
        r#"{"rules":[{"slow_read_bytes_per_s":0}]}"#,
        "rule 0 has slow_read_bytes_per_s 0; use hang",
    );
    refused(
        r#"{"rules":[{"slow_read_bytes_per_s":1,"min_items":1}]}"#,
        "rule 0 acts while the body is read, and cannot look at it first",
    );
    let many = vec![r#"{"status":500}"#; 1_001].join(",");
    refused(&format!(r#"{{"rules":[{many}]}}"#), "more than 1000 rules");
}

#[test]
fn a_rule_for_streams_that_contradicts_itself_is_refused() {
    let refused = |fields: &str, why: &str| {
        refused(
            &format!(r#"{{"rules":[{{{fields}}}]}}"#),
            &format!("rule 0 {why}"),
        );
    };
    refused(
        r#""path":"/api/v2/logs","ack":"none""#,
        "has ack, and a path that is no method of a stream",
    );
    refused(
        r#""path":"/api/*","goaway":true"#,
        "has goaway, and a path that is no method of a stream",
    );
    refused(
        r#""grpc_status":14,"min_items":1"#,
        "has grpc_status, and looks at a body, which no stream has",
    );
    refused(
        r#""status":503,"end_after_batches":1"#,
        "has end_after_batches beside a status, with which no stream begins",
    );
    refused(
        r#""hang":true,"forget_state":true"#,
        "has forget_state beside hang, with which no stream begins",
    );
    refused(
        r#""grpc_message":"x","end_after_batches":1"#,
        "has grpc_message without a grpc_status",
    );
    refused(
        &format!(r#""grpc_status":1,"grpc_message":"{}""#, "x".repeat(1_025)),
        "has a grpc_message over 1024 bytes",
    );
    refused(
        r#""grpc_status":"ABORTED","ack":"wrong_id""#,
        "ends the stream at once, and cannot also ack; set end_after_batches",
    );
    refused(
        r#""end_after_batches":0,"goaway":true"#,
        "ends the stream at once, and cannot also goaway; set end_after_batches",
    );
    refused(
        r#""ack":"not_last""#,
        "has ack not_last without end_after_batches",
    );
    refused(
        r#""ack":"none","after_batches":3"#,
        "has after_batches without forget_state or goaway",
    );
    refused(
        r#""forget_state":true,"after_batches":0"#,
        "has forget_state before the first batch, and nothing to forget",
    );
    refused(
        r#""forget_state":true,"end_after_batches":1"#,
        "has forget_state, and ends the stream before that tells",
    );
    refused(
        r#""goaway":true,"after_batches":3,"end_after_batches":2"#,
        "has goaway, and ends the stream before it",
    );
}

#[test]
fn a_word_that_is_no_status_or_answer_is_refused() {
    let message = |json: &str| parse_script(json.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        message(r#"{"rules":[{"grpc_status":17}]}"#),
        "invalid value: integer `17`, expected a status of gRPC, 0 to 16 or its name at line 1 column 27"
    );
    assert_eq!(
        message(r#"{"rules":[{"ack":true}]}"#),
        "invalid value: boolean `true`, expected none, only_snapshot, not_last, wrong_id, unknown_status or false \
         at line 1 column 21"
    );
}

#[test]
fn a_rule_says_what_it_does_to_a_stream() {
    let json = r#"{"path":"/datadog.*","delay_ms":1,"grpc_status":"ABORTED","end_after_batches":4,"ack":"not_last","forget_state":true,"goaway":true,"after_batches":3}"#;
    let rule: Rule = serde_json::from_str(json).unwrap();
    assert_eq!(rule.check(), Ok(()));
    assert_eq!(serde_json::to_string(&rule).unwrap(), json);
    assert_eq!(
        rule.name(),
        "delay+grpc ABORTED+end after 4+ack not_last+forget_state+goaway"
    );
}

#[test]
fn a_rule_is_shown_as_it_was_written() {
    let json = r#"{"path":"/x","min_items":2,"times":1,"status":429,"retry_after":3}"#;
    let rule: Rule = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&rule).unwrap(), json);
    let shown = serde_json::to_string(&Scripted { rule, hits: 1 }).unwrap();
    assert_eq!(shown, json.replace('}', r#","hits":1}"#));
}
