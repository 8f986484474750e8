//! Remote configuration: protobuf messages, and the paths they are sent to.
//!
//! Source of names and numbers: what Datadog's agent exchanges with `https://config.SITE`, and tracers with the agent.
//! The messages of tracers travel as JSON too; the keys are those of the schema, its bytes are base64.

pub use self::generated::{
    Client, ClientAgent, ClientGetConfigsRequest, ClientGetConfigsResponse, ClientState,
    ClientTracer, ClientUpdater, ConfigMetas, ConfigState, ConfigStatus, DelegatedMeta,
    DirectorMetas, File, LatestConfigsRequest, LatestConfigsResponse, OrgDataResponse,
    OrgStatusResponse, PackageState, PackageStateTask, TargetFileHash, TargetFileMeta, TaskError,
    TaskState, TopMeta,
};

#[rustfmt::skip]
#[path = "generated/remote_config.rs"]
mod generated;

/// `Content-Type` of requests to the backend.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// Where an agent asks for what changed, with `POST`.
pub const CONFIGURATIONS_PATH: &str = "/api/v0.1/configurations";
/// Where an agent asks which organisation its key is of, with `GET`.
pub const ORG_PATH: &str = "/api/v0.1/org";
/// Where an agent asks whether its key may use remote configuration, with `GET`.
pub const STATUS_PATH: &str = "/api/v0.1/status";
/// Where tracers ask the agent.
pub const CLIENT_PATH: &str = "/v0.7/config";
/// Bytes of an answer of the backend; it sends no more.
pub const MAX_RESPONSE_BYTES: usize = 110_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails unless the message is written as these bytes, number and wire type of each field, and reads back.
    #[track_caller]
    fn check<M>(message: &M, expected: &str)
    where
        M: prost::Message + Default + PartialEq + std::fmt::Debug,
    {
        let bytes = message.encode_to_vec();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
        assert_eq!(&M::decode(&bytes[..]).unwrap(), message);
    }

    #[test]
    fn a_request_has_the_numbers_of_the_backend() {
        let request = LatestConfigsRequest {
            hostname: "h".to_owned(),
            agent_version: "v".to_owned(),
            current_config_snapshot_version: 3,
            products: vec!["p".to_owned()],
            new_products: vec!["n".to_owned()],
            active_clients: vec![Client::default()],
            current_director_root_version: 8,
            current_config_root_version: 9,
            backend_client_state: vec![10],
            has_error: true,
            error: "e".to_owned(),
            trace_agent_env: "t".to_owned(),
            org_uuid: "o".to_owned(),
            tags: vec!["g".to_owned()],
            agent_uuid: "a".to_owned(),
        };
        check(
            &request,
            concat!(
                "0a0168", "120176", "1803", "220170", "2a016e", "3200", "4008", "4809", "52010a",
                "5801", "620165", "6a0174", "72016f", "7a0167", "82010161"
            ),
        );
    }

    #[test]
    fn an_answer_has_the_numbers_of_the_backend() {
        let top = |version| TopMeta {
            version,
            raw: vec![0x7b].into(),
        };
        let response = LatestConfigsResponse {
            config_metas: Some(ConfigMetas {
                roots: vec![top(1)],
                timestamp: Some(top(2)),
                snapshot: Some(top(3)),
                top_targets: Some(top(4)),
                delegated_targets: vec![DelegatedMeta {
                    version: 5,
                    role: "r".to_owned(),
                    raw: vec![0x7d].into(),
                }],
            }),
            director_metas: Some(DirectorMetas {
                targets: Some(top(6)),
                ..DirectorMetas::default()
            }),
            target_files: vec![File {
                path: "f".to_owned(),
                raw: vec![0x21].into(),
            }],
        };
        check(
            &response,
            concat!(
                "0a26",
                "0a05080112017b",
                "1205080212017b",
                "1a05080312017b",
                "2205080412017b",
                "2a0808051201721a017d",
                "1207",
                "2205080612017b",
                "1a06",
                "0a0166120121"
            ),
        );
    }

    #[test]
    fn a_client_has_the_numbers_that_tracers_use() {
        let client = Client {
            state: Some(ClientState {
                root_version: 1,
                targets_version: 2,
                config_states: vec![ConfigState {
                    id: "i".to_owned(),
                    version: 2,
                    product: "p".to_owned(),
                    apply_state: 3,
                    apply_error: "e".to_owned(),
                }],
                has_error: true,
                error: "x".to_owned(),
                backend_client_state: vec![6],
            }),
            id: "c".to_owned(),
            products: vec!["p".to_owned()],
            is_tracer: true,
            client_tracer: Some(ClientTracer {
                runtime_id: "r".to_owned(),
                container_tags: vec!["k:v".to_owned()],
                ..ClientTracer::default()
            }),
            last_seen: 10,
            capabilities: vec![2],
            ..Client::default()
        };
        let expected = concat!(
            "0a1b",
            "0801",
            "1002",
            "1a0d",
            "0a0169",
            "1002",
            "1a0170",
            "2003",
            "2a0165",
            "2001",
            "2a0178",
            "320106",
            "120163",
            "1a0170",
            "3001",
            "3a08",
            "0a0172",
            "52036b3a76",
            "500a",
            "5a0102"
        );
        check(&client, expected);
        let response = ClientGetConfigsResponse {
            roots: vec![vec![1].into()],
            targets: vec![2].into(),
            target_files: vec![File::default()],
            client_configs: vec!["c".to_owned()],
            config_status: ConfigStatus::Expired.into(),
        };
        check(&response, "0a01011201021a002201632801");
        let cached = TargetFileMeta {
            path: "p".to_owned(),
            length: 2,
            hashes: vec![TargetFileHash {
                algorithm: "a".to_owned(),
                hash: "h".to_owned(),
            }],
        };
        check(&cached, "0a017010021a060a01611a0168");
    }
}
