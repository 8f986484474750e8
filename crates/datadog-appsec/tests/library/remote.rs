//! What remote configuration changes about the recommended rules.

use datadog_appsec::engine::Evaluation;
use datadog_appsec::rules::{Applied, Batch, Product, RemoteFile, Ruleset};
use serde_json::{Value as Json, json};

use crate::{engine, evaluate, ids, recommended, ruleset_of};

const SQL: &str = "1' OR '1'='1' UNION SELECT username, password FROM users--";

fn ruleset() -> Option<Ruleset> {
    Some(ruleset_of(&engine()?, &recommended()?))
}

fn put(ruleset: &Ruleset, path: &str, content: &Json) -> Applied {
    let product = path.split('/').nth(2).and_then(Product::from_name).unwrap();
    let file = RemoteFile {
        path: path.to_owned(),
        product,
        content: content.to_string().into_bytes(),
    };
    let updated = vec![file];
    ruleset.apply(Batch {
        updated,
        ..Batch::default()
    })
}

#[track_caller]
fn put_well(ruleset: &Ruleset, path: &str, content: &Json) {
    let applied = put(ruleset, path, content);
    assert!(applied.swapped);
    assert_eq!(applied.files, [(path.to_owned(), Ok(()))]);
}

fn see(ruleset: &Ruleset, data: &Json) -> Evaluation {
    let mut context = ruleset.current().context().unwrap();
    evaluate(&mut *context, data).unwrap()
}

fn query(value: &str) -> Json {
    json!({"server.request.query": {"q": [value]}})
}

#[test]
fn addresses_and_users_are_blocked_until_their_time_is_over() {
    let Some(ruleset) = ruleset() else {
        return;
    };
    let of = |value: &str, expiration: u64| json!({"value": value, "expiration": expiration});
    put_well(
        &ruleset,
        "datadog/2/ASM_DATA/data/config",
        &json!({"rules_data": [
            {
                "id": "blocked_ips",
                "type": "ip_with_expiration",
                "data": [of("1.2.3.4", 0), of("5.6.7.0/24", 0), of("9.9.9.9", 1)],
            },
            {"id": "blocked_users", "type": "data_with_expiration", "data": [of("bob", 0)]},
        ]}),
    );
    for (address, value, rule) in [
        ("http.client_ip", "1.2.3.4", Some("blk-001-001")),
        ("http.client_ip", "5.6.7.8", Some("blk-001-001")),
        ("http.client_ip", "9.9.9.9", None),
        ("usr.id", "bob", Some("blk-001-002")),
        ("usr.id", "alice", None),
    ] {
        let found = see(&ruleset, &json!({address: value}));
        assert_eq!(ids(&found).first().copied(), rule, "{value}");
        let blocks = found
            .actions
            .iter()
            .any(|action| action.kind == "block_request");
        assert_eq!(blocks, rule.is_some(), "{value}");
    }
}

#[test]
fn actions_and_rules_can_be_overridden() {
    let Some(ruleset) = ruleset() else {
        return;
    };
    let block = json!({
        "id": "block", "type": "block_request",
        "parameters": {"status_code": 429, "type": "json", "grpc_status_code": 8},
    });
    put_well(
        &ruleset,
        "datadog/2/ASM/actions/config",
        &json!({"actions": [block]}),
    );
    let target = |rule: &str| json!([{"rule_id": rule}]);
    put_well(
        &ruleset,
        "datadog/2/ASM/overrides/config",
        &json!({"rules_override": [
            {"rules_target": target("crs-942-100"), "on_match": ["block"]},
            {"rules_target": target("crs-941-390"), "enabled": false},
        ]}),
    );
    let found = see(&ruleset, &query(SQL));
    assert_eq!(ids(&found), ["crs-942-100"]);
    let status = &found.actions[0].parameters["status_code"];
    assert!(status == 429 || status == "429", "{status}");
    let found = see(&ruleset, &query("<script>alert(document.cookie)</script>"));
    assert_eq!(ids(&found), ["crs-941-110"]);
}

#[test]
fn an_exclusion_lets_a_tester_through() {
    let Some(ruleset) = ruleset() else {
        return;
    };
    put_well(
        &ruleset,
        "datadog/2/ASM/exclusions/config",
        &json!({"exclusions": [{
            "id": "e-1",
            "conditions": [{
                "operator": "ip_match",
                "parameters": {"inputs": [{"address": "http.client_ip"}], "list": ["10.0.0.1"]},
            }],
        }]}),
    );
    let with = |client: &str| {
        let mut data = query(SQL);
        data["http.client_ip"] = json!(client);
        data
    };
    assert_eq!(ids(&see(&ruleset, &with("10.0.0.1"))), [""; 0]);
    assert_eq!(ids(&see(&ruleset, &with("10.0.0.2"))), ["crs-942-100"]);
}

#[test]
fn a_remote_set_takes_the_place_of_the_default_one_and_gives_it_back() {
    let Some(ruleset) = ruleset() else {
        return;
    };
    let path = "datadog/2/ASM_DD/own/config";
    let own: Json = serde_json::from_slice(crate::OWN_RULES).unwrap();
    put_well(&ruleset, path, &own);
    assert_eq!(ruleset.current().diagnostics().version, "0.0.1-test");
    assert_eq!(ids(&see(&ruleset, &query(SQL))), [""; 0]);
    let refused = put(
        &ruleset,
        path,
        &json!({"version": "2.2", "rules": [{"id": "x"}]}),
    );
    let why = refused.files[0].1.as_ref().unwrap_err();
    assert!(why.contains("missing key"), "{why}");
    assert_eq!(ruleset.current().diagnostics().version, "0.0.1-test");
    let removed = ruleset.apply(Batch {
        removed: vec![path.to_owned()],
        updated: Vec::new(),
    });
    assert!(removed.swapped);
    assert_eq!(ruleset.current().diagnostics().version, "1.18.2");
    assert_eq!(ids(&see(&ruleset, &query(SQL))), ["crs-942-100"]);
}

#[test]
fn rules_of_an_id_that_is_taken_are_told_to_be_duplicates() {
    let Some(ruleset) = ruleset() else {
        return;
    };
    let own: Json = serde_json::from_slice(crate::OWN_RULES).unwrap();
    put_well(&ruleset, "datadog/2/ASM_DD/one/config", &own);
    let twice = put(&ruleset, "datadog/2/ASM_DD/two/config", &own);
    let why = twice.files[0].1.as_ref().unwrap_err();
    assert!(why.contains("duplicate rule"), "{why}");
}
