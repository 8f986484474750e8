//! Answers questions about remote configuration under `/inspect/remote_config`, and carries out what is asked there.
//!
//! What agents ask goes another way, see `ingest`.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Body};
use super::inspect::{whole, wrong_method};
use super::{Shared, now_s};
use crate::remote_config::{self, RemoteConfigSettings, Repository, config_root, director_root};

/// What all of this is under.
const NAME: &str = "remote_config";
/// Longest body with files to push.
const MAX_PUSH_BYTES: usize = 96 << 20;
/// Longest body with settings.
const MAX_SETTINGS_BYTES: usize = 1 << 16;

/// Whether a question is one of these.
pub(super) fn owns(question: &str) -> bool {
    let rest = question.strip_prefix(NAME);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a question, or does what is asked.
pub(super) async fn answer(
    request: Request<Incoming>,
    question: &str,
    shared: &Shared,
) -> Response<Body> {
    let rest = question.strip_prefix(NAME).unwrap_or_default();
    let method = request.method().clone();
    match (method.as_str(), rest) {
        ("GET", "") => show(shared),
        ("POST", "") => push(request.into_body(), shared).await,
        ("DELETE", "") => withdraw(request.uri().query().unwrap_or(""), shared),
        ("GET", "/roots") => roots(),
        ("POST", "/settings") => set(request.into_body(), shared).await,
        ("POST", "/rotate") => rotate(request.into_body(), shared).await,
        (_, "") => wrong_method("GET, POST, DELETE"),
        (_, "/roots") => wrong_method("GET"),
        (_, "/settings" | "/rotate") => wrong_method("POST"),
        _ => answer::refusal(
            StatusCode::NOT_FOUND,
            "below remote_config there are roots, settings and rotate",
        ),
    }
}

fn show(shared: &Shared) -> Response<Body> {
    let shown = shared.remote_config().snapshot();
    match serde_json::to_vec(&shown) {
        Ok(json) => answer::json(StatusCode::OK, json),
        Err(error) => answer::refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// The first roots, as texts that an agent is configured with.
fn roots() -> Response<Body> {
    let roots = json!({"config": config_root(), "director": director_root()});
    answer::json(StatusCode::OK, roots.to_string())
}

fn refuse(why: &str) -> Response<Body> {
    answer::refusal(StatusCode::BAD_REQUEST, why)
}

async fn push(body: Incoming, shared: &Shared) -> Response<Body> {
    let json = match whole(body, MAX_PUSH_BYTES, "files to push have at most 96 MiB").await {
        Ok(json) => json,
        Err(refusal) => return refusal,
    };
    let pushed =
        remote_config::parse(&json).and_then(|files| shared.remote_config().push(files, now_s()));
    match pushed {
        Ok(()) => show(shared),
        Err(error) => refuse(&error.to_string()),
    }
}

fn withdraw(parameters: &str, shared: &Shared) -> Response<Body> {
    let mut pairs = url::form_urlencoded::parse(parameters.as_bytes());
    match (pairs.next(), pairs.next()) {
        (None, _) => shared.remote_config().withdraw_all(now_s()),
        (Some((name, path)), None) if name == "path" => {
            if !shared.remote_config().withdraw(&path, now_s()) {
                let why = format!("nothing is pushed as {path}");
                return answer::refusal(StatusCode::NOT_FOUND, &why);
            }
        }
        _ => return refuse("the only parameter is path"),
    }
    show(shared)
}

async fn set(body: Incoming, shared: &Shared) -> Response<Body> {
    let json = match whole(body, MAX_SETTINGS_BYTES, "settings have at most 64 KiB").await {
        Ok(json) => json,
        Err(refusal) => return refusal,
    };
    match serde_json::from_slice::<RemoteConfigSettings>(&json) {
        Ok(settings) => {
            shared.remote_config().set(settings);
            show(shared)
        }
        Err(error) => refuse(&error.to_string()),
    }
}

/// Which repositories are to have a new root; both unless told otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    #[serde(default)]
    repository: Option<Repository>,
}

async fn rotate(body: Incoming, shared: &Shared) -> Response<Body> {
    let json = match whole(body, MAX_SETTINGS_BYTES, "a rotation has at most 64 KiB").await {
        Ok(json) if json.is_empty() => "{}".into(),
        Ok(json) => json,
        Err(refusal) => return refusal,
    };
    let repositories = match serde_json::from_slice::<Rotation>(&json) {
        Ok(rotation) => match rotation.repository {
            Some(repository) => vec![repository],
            None => vec![Repository::Config, Repository::Director],
        },
        Err(error) => return refuse(&error.to_string()),
    };
    for repository in repositories {
        if !shared.remote_config().rotate(repository, now_s()) {
            return refuse("there are a thousand roots already");
        }
    }
    show(shared)
}
