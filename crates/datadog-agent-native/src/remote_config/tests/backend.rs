//! A backend of remote configuration behind a socket, with keys of its own.

#[path = "../../../../datadog-remote-config/tests/remote_config/signer.rs"]
#[allow(dead_code, reason = "written for the tests of another crate too")]
mod signer;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use datadog_agent_runtime::bind::{Target, bind, http};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_wire::remote_config::{
    CONFIGURATIONS_PATH, ConfigMetas, DirectorMetas, File, LatestConfigsRequest,
    LatestConfigsResponse, ORG_PATH, OrgDataResponse, OrgStatusResponse, STATUS_PATH, TopMeta,
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use prost::Message as _;
use serde_json::{Value, json};
use signer::{Repo, target};
use tokio::task::JoinHandle;

/// A backend that signs what it is told to offer.
pub(super) struct Backend {
    pub(super) config: Repo,
    pub(super) director: Repo,
    files: Vec<(String, Bytes)>,
}

impl Backend {
    pub(super) fn new() -> Self {
        Self {
            config: Repo::new(10),
            director: Repo::new(20),
            files: Vec::new(),
        }
    }

    /// Offers these files and no others.
    pub(super) fn offer(&mut self, files: &[(&str, Value)]) {
        self.files = files
            .iter()
            .map(|(path, content)| ((*path).to_owned(), Bytes::from(content.to_string())))
            .collect();
        let listed: Value = self
            .files
            .iter()
            .map(|(path, raw)| {
                let mut listed = target(raw);
                listed["custom"] = json!({"v": 3});
                (path.clone(), listed)
            })
            .collect();
        self.config.files = listed.clone();
        self.director.files = listed;
        self.config.publish();
        self.director.publish();
    }

    fn response(&self) -> Bytes {
        let top = |raw: Bytes| Some(TopMeta { version: 1, raw });
        let files = self.files.iter();
        let response = LatestConfigsResponse {
            config_metas: Some(ConfigMetas {
                timestamp: top(self.config.timestamp()),
                snapshot: top(self.config.snapshot()),
                top_targets: top(self.config.targets()),
                ..ConfigMetas::default()
            }),
            director_metas: Some(DirectorMetas {
                timestamp: top(self.director.timestamp()),
                snapshot: top(self.director.snapshot()),
                targets: top(self.director.targets()),
                ..DirectorMetas::default()
            }),
            target_files: files
                .map(|(path, raw)| File {
                    path: path.clone(),
                    raw: raw.clone(),
                })
                .collect(),
        };
        response.encode_to_vec().into()
    }
}

#[derive(Default)]
struct State {
    answer: Bytes,
    asked: Vec<LatestConfigsRequest>,
}

/// The backend behind a socket.
pub(super) struct Served {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
    _drain: DrainSignal,
    _task: JoinHandle<()>,
}

impl Served {
    pub(super) async fn start(backend: &Backend) -> Self {
        let state = Arc::new(Mutex::new(State {
            answer: backend.response(),
            asked: Vec::new(),
        }));
        let target = Target::Tcp {
            host: "127.0.0.1".to_owned(),
            port: 0,
        };
        let listener = bind(&target).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (signal, told) = drain::channel();
        let shared = Arc::clone(&state);
        let handler = move |request: Request<Incoming>| {
            let state = Arc::clone(&shared);
            async move { answer(&state, request).await }
        };
        let task = tokio::spawn(async move {
            http::serve(listener, http::Limits::default(), told, handler).await;
        });
        Self {
            url,
            state,
            _drain: signal,
            _task: task,
        }
    }

    pub(super) fn offer(&self, backend: &Backend) {
        self.state.lock().unwrap().answer = backend.response();
    }

    pub(super) fn asked(&self) -> Vec<LatestConfigsRequest> {
        self.state.lock().unwrap().asked.clone()
    }
}

async fn answer(state: &Mutex<State>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let answer = match path.as_str() {
        CONFIGURATIONS_PATH => {
            let mut state = state.lock().unwrap();
            state
                .asked
                .push(LatestConfigsRequest::decode(body).unwrap());
            state.answer.clone()
        }
        ORG_PATH => {
            let uuid = "u-1".to_owned();
            OrgDataResponse { uuid }.encode_to_vec().into()
        }
        STATUS_PATH => {
            let status = OrgStatusResponse {
                enabled: true,
                authorized: true,
            };
            status.encode_to_vec().into()
        }
        other => panic!("{other} is none of the three"),
    };
    Response::new(Full::new(answer))
}
