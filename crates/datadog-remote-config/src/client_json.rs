//! The JSON that tracers ask with, and that they are answered in.
//!
//! Numbers are numbers, bytes are base64, what has no value is left out; an answer that says nothing is `{}`.
//! Reads more than it writes: `null` for any member, unknown members, and bytes as lists of numbers, which some tracers
//! send.

mod octets;

use datadog_wire::remote_config as wire;
use serde::{Deserialize, Serialize};

use self::octets::{Octets, base64};

/// Reads a request.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn read(body: &[u8]) -> Result<wire::ClientGetConfigsRequest, serde_json::Error> {
    let request: ClientGetConfigsRequest = serde_json::from_slice(body)?;
    Ok(request.into())
}

/// Writes an answer.
pub(crate) fn write(answer: &wire::ClientGetConfigsResponse) -> Vec<u8> {
    let files = answer.target_files.iter();
    let written = Response {
        roots: answer.roots.iter().map(|raw| base64(raw)).collect(),
        targets: base64(&answer.targets),
        target_files: files
            .map(|file| File {
                path: &file.path,
                raw: base64(&file.raw),
            })
            .collect(),
        client_configs: &answer.client_configs,
        config_status: answer.config_status,
    };
    // Texts and numbers alone; there is nothing in it that could not be written.
    serde_json::to_vec(&written).unwrap_or_else(|_| b"{}".to_vec())
}

#[derive(Serialize)]
struct Response<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roots: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    targets: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    target_files: Vec<File<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    client_configs: &'a [String],
    #[serde(skip_serializing_if = "is_zero")]
    config_status: i32,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    raw: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
const fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// What a member becomes in protobuf.
trait IntoWire<W> {
    fn into_wire(self) -> W;
}

macro_rules! plain {
    ($($kind:ty),+) => { $(
        impl IntoWire<$kind> for $kind {
            fn into_wire(self) -> $kind {
                self
            }
        }
    )+ };
}

plain!(String, bool, u64, i64, i32, f32);

impl IntoWire<Vec<u8>> for Octets {
    fn into_wire(self) -> Vec<u8> {
        self.0
    }
}

/// A list, in which `null` stands for what has no value.
impl<W, J: IntoWire<W>> IntoWire<Vec<W>> for Vec<Option<J>> {
    fn into_wire(self) -> Vec<W> {
        let present = self.into_iter().flatten();
        present.map(IntoWire::into_wire).collect()
    }
}

/// Writes each message once: its members, as JSON has them and protobuf too.
macro_rules! messages {
    ($($name:ident { $($field:ident: $kind:ty,)* ; $($inner:ident: $message:ty,)* })+) => { $(
        #[derive(Deserialize)]
        struct $name {
            $( $field: Option<$kind>, )*
            $( $inner: Option<$message>, )*
        }

        impl From<$name> for wire::$name {
            fn from(read: $name) -> Self {
                Self {
                    $( $field: read.$field.map(IntoWire::into_wire).unwrap_or_default(), )*
                    $( $inner: read.$inner.map(Into::into), )*
                }
            }
        }

        impl IntoWire<wire::$name> for $name {
            fn into_wire(self) -> wire::$name {
                self.into()
            }
        }
    )+ };
}

type Texts = Vec<Option<String>>;

// Before the `;` stand values and lists, behind it messages that may be missing.
messages! {
    ClientGetConfigsRequest {
        cached_target_files: Vec<Option<TargetFileMeta>>,
        ;
        client: Client,
    }
    TargetFileMeta {
        path: String,
        length: i64,
        hashes: Vec<Option<TargetFileHash>>,
        ;
    }
    TargetFileHash {
        algorithm: String,
        hash: String,
        ;
    }
    Client {
        id: String,
        products: Texts,
        is_tracer: bool,
        is_agent: bool,
        is_updater: bool,
        last_seen: u64,
        capabilities: Octets,
        ;
        state: ClientState,
        client_tracer: ClientTracer,
        client_agent: ClientAgent,
        client_updater: ClientUpdater,
    }
    ClientState {
        root_version: u64,
        targets_version: u64,
        config_states: Vec<Option<ConfigState>>,
        has_error: bool,
        error: String,
        backend_client_state: Octets,
        ;
    }
    ConfigState {
        id: String,
        version: u64,
        product: String,
        apply_state: u64,
        apply_error: String,
        ;
    }
    ClientTracer {
        runtime_id: String,
        language: String,
        tracer_version: String,
        service: String,
        env: String,
        app_version: String,
        tags: Texts,
        extra_services: Texts,
        process_tags: Texts,
        container_tags: Texts,
        ;
    }
    ClientAgent {
        name: String,
        version: String,
        cluster_name: String,
        cluster_id: String,
        cws_workloads: Texts,
        ;
    }
    ClientUpdater {
        tags: Texts,
        packages: Vec<Option<PackageState>>,
        available_disk_space: u64,
        secrets_pub_key: String,
        ;
    }
    PackageState {
        package: String,
        stable_version: String,
        experiment_version: String,
        stable_config_version: String,
        experiment_config_version: String,
        running_version: String,
        running_config_version: String,
        heartbeat_timestamp: u64,
        completion: f32,
        ;
        task: PackageStateTask,
    }
    PackageStateTask {
        id: String,
        state: i32,
        ;
        error: TaskError,
    }
    TaskError {
        code: u64,
        message: String,
        ;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"{"client":{"id":"a","products":["APM"],"is_tracer":true,
        "client_tracer":{"runtime_id":"b","language":"go","tracer_version":"1.0.0","service":"s","env":"e"},
        "state":{"root_version":1}},"cached_target_files":null}"#;

    #[test]
    fn the_least_that_a_tracer_sends_is_read() {
        let request = read(MINIMAL.as_bytes()).unwrap();
        let client = request.client.unwrap();
        assert_eq!(request.cached_target_files, []);
        assert_eq!((client.id.as_str(), client.is_tracer), ("a", true));
        assert_eq!(client.products, ["APM"]);
        assert_eq!(client.state.unwrap().root_version, 1);
        let tracer = client.client_tracer.unwrap();
        assert_eq!((tracer.service.as_str(), tracer.env.as_str()), ("s", "e"));
    }

    #[test]
    fn bytes_are_read_in_both_spellings_and_as_null() {
        let capabilities = |written: &str| {
            let body = format!(r#"{{"client":{{"capabilities":{written}}}}}"#);
            let client = read(body.as_bytes()).map(|request| request.client.unwrap());
            client.map(|client| client.capabilities)
        };
        assert_eq!(capabilities(r#""Af8=""#).unwrap(), [1, 255]);
        assert_eq!(capabilities("[1,255]").unwrap(), [1, 255]);
        assert!(capabilities("null").unwrap().is_empty());
        assert!(capabilities(r#""""#).unwrap().is_empty());
        for wrong in ["[256]", "[-1]", r#""?""#, "1", "{}"] {
            assert!(capabilities(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_members_and_null_are_read() {
        let body = br#"{"client":{"x":[{}],"id":null,"products":[null,"A"],"state":{"config_states":[null,
            {"id":"c","version":2,"product":"A","apply_state":3,"apply_error":"e"}],"backend_client_state":[1,2]},
            "client_updater":{"packages":[{"task":{"state":4,"error":{"code":1}},"completion":0.5}]}},
            "cached_target_files":[{"path":"p","length":-1,"hashes":[{"algorithm":"sha256","hash":"00"}]}]}"#;
        let request = read(body).unwrap();
        let client = request.client.unwrap();
        assert_eq!(client.products, ["A"]);
        let state = client.state.unwrap();
        assert_eq!(state.backend_client_state, [1, 2]);
        assert_eq!(state.config_states[0].apply_error, "e");
        let package = &client.client_updater.unwrap().packages[0];
        assert!((package.completion - 0.5).abs() < f32::EPSILON);
        assert_eq!(
            package.task.as_ref().unwrap().error.as_ref().unwrap().code,
            1
        );
        assert_eq!(request.cached_target_files[0].length, -1);
    }

    #[test]
    fn an_answer_leaves_out_what_has_no_value() {
        let mut answer = wire::ClientGetConfigsResponse::default();
        assert_eq!(write(&answer), b"{}");
        answer.targets = vec![3].into();
        answer.config_status = wire::ConfigStatus::Expired.into();
        let text = String::from_utf8(write(&answer)).unwrap();
        assert_eq!(text, r#"{"targets":"Aw==","config_status":1}"#);
        answer.roots = vec![vec![1].into(), vec![2].into()];
        answer.target_files = vec![wire::File {
            path: "p".to_owned(),
            raw: vec![4].into(),
        }];
        answer.client_configs = vec!["p".to_owned()];
        answer.config_status = 0;
        let text = String::from_utf8(write(&answer)).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"roots":["AQ==","Ag=="],"targets":"Aw==","#,
                r#""target_files":[{"path":"p","raw":"BA=="}],"client_configs":["p"]}"#
            )
        );
    }
}
