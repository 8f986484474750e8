//! Whether a client says what it must say of itself before it is answered.
//!
//! The first thing that is missing is named by the member of the request.

use datadog_wire::remote_config::{Client, ClientGetConfigsRequest, TargetFileMeta};

use crate::path::TargetPath;
use crate::tuf::hex;

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

fn invalid<T>(text: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(text.into()))
}

/// Checks a request, and gives its client.
pub(crate) fn check(request: &ClientGetConfigsRequest) -> Result<&Client, Invalid> {
    let Some(client) = &request.client else {
        return invalid("client is required");
    };
    let Some(state) = &client.state else {
        return invalid("client.state is required");
    };
    if state.root_version == 0 {
        return invalid("client.state.root_version must be >= 1");
    }
    check_role(client)?;
    if client.id.is_empty() {
        return invalid("client.id is required");
    }
    if let (true, Some(tracer)) = (client.is_tracer, &client.client_tracer) {
        if client.client_agent.is_some() {
            return invalid("client.client_agent must not be set for a tracer");
        }
        if client.id == tracer.runtime_id {
            return invalid("client.id must not equal client.client_tracer.runtime_id");
        }
        if tracer.language.is_empty() {
            return invalid("client.client_tracer.language is required");
        }
    }
    if client.is_agent && client.client_tracer.is_some() {
        return invalid("client.client_tracer must not be set for an agent");
    }
    for (index, file) in request.cached_target_files.iter().enumerate() {
        check_cached(index, file)?;
    }
    Ok(client)
}

fn check_role(client: &Client) -> Result<(), Invalid> {
    let roles = [
        ("agent", client.is_agent, client.client_agent.is_some()),
        ("tracer", client.is_tracer, client.client_tracer.is_some()),
        (
            "updater",
            client.is_updater,
            client.client_updater.is_some(),
        ),
    ];
    for (role, is_it, says_it) in roles {
        if is_it && !says_it {
            return invalid(format!("client.client_{role} is required with is_{role}"));
        }
    }
    match roles.iter().filter(|(_, is_it, _)| *is_it).count() {
        0 => invalid("client.is_tracer, client.is_agent or client.is_updater is required"),
        1 => Ok(()),
        _ => invalid(
            "only one of client.is_tracer, client.is_agent and client.is_updater may be set",
        ),
    }
}

fn check_cached(index: usize, file: &TargetFileMeta) -> Result<(), Invalid> {
    let at = |problem: &str| invalid(format!("cached_target_files[{index}].{problem}"));
    if file.path.is_empty() {
        return at("path is required");
    }
    if let Err(error) = TargetPath::parse(&file.path) {
        return at(&format!("path: {error}"));
    }
    if file.length < 1 {
        return at("length must be >= 1");
    }
    if file.hashes.is_empty() {
        return at("hashes is required");
    }
    for hash in &file.hashes {
        if hash.algorithm.is_empty() {
            return at("hashes.algorithm is required");
        }
        if hash.hash.is_empty() {
            return at("hashes.hash is required");
        }
        if hex::decode(&hash.hash).is_none() {
            return at("hashes.hash is not hexadecimal");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use datadog_wire::remote_config::{
        ClientAgent, ClientState, ClientTracer, ClientUpdater, TargetFileHash,
    };

    use super::*;

    fn request() -> ClientGetConfigsRequest {
        ClientGetConfigsRequest {
            client: Some(Client {
                id: "a".to_owned(),
                is_tracer: true,
                client_tracer: Some(ClientTracer {
                    runtime_id: "b".to_owned(),
                    language: "go".to_owned(),
                    ..ClientTracer::default()
                }),
                state: Some(ClientState {
                    root_version: 1,
                    ..ClientState::default()
                }),
                ..Client::default()
            }),
            cached_target_files: vec![TargetFileMeta {
                path: "datadog/2/ASM/i/n".to_owned(),
                length: 1,
                hashes: vec![TargetFileHash {
                    algorithm: "sha256".to_owned(),
                    hash: "00".to_owned(),
                }],
            }],
        }
    }

    #[test]
    fn a_whole_request_is_valid() {
        let request = request();
        assert_eq!(check(&request), Ok(request.client.as_ref().unwrap()));
    }

    #[test]
    fn the_member_that_is_missing_in_the_client_is_named() {
        type Spoil = fn(&mut Client);
        let cases: [(Spoil, &str); 13] = [
            (|c| c.state = None, "client.state is required"),
            (
                |c| c.state = Some(ClientState::default()),
                "client.state.root_version must be >= 1",
            ),
            (
                |c| (c.is_tracer, c.is_agent) = (false, true),
                "client.client_agent is required with is_agent",
            ),
            (
                |c| c.client_tracer = None,
                "client.client_tracer is required with is_tracer",
            ),
            (
                |c| c.is_updater = true,
                "client.client_updater is required with is_updater",
            ),
            (
                |c| (c.is_updater, c.client_updater) = (true, Some(ClientUpdater::default())),
                "only one of client.is_tracer, client.is_agent and client.is_updater may be set",
            ),
            (
                |c| c.is_tracer = false,
                "client.is_tracer, client.is_agent or client.is_updater is required",
            ),
            (|c| c.id.clear(), "client.id is required"),
            (
                |c| c.client_agent = Some(ClientAgent::default()),
                "client.client_agent must not be set for a tracer",
            ),
            (
                |c| "b".clone_into(&mut c.id),
                "client.id must not equal client.client_tracer.runtime_id",
            ),
            (
                |c| c.client_tracer.as_mut().unwrap().language.clear(),
                "client.client_tracer.language is required",
            ),
            (
                |c| {
                    (c.is_tracer, c.is_agent) = (false, true);
                    c.client_agent = Some(ClientAgent::default());
                },
                "client.client_tracer must not be set for an agent",
            ),
            (
                |c| {
                    c.state = None;
                    c.id.clear();
                },
                "client.state is required",
            ),
        ];
        for (spoil, expected) in cases {
            let mut request = request();
            spoil(request.client.as_mut().unwrap());
            assert_eq!(check(&request).unwrap_err().to_string(), expected);
        }
        let empty = ClientGetConfigsRequest::default();
        assert_eq!(check(&empty).unwrap_err().to_string(), "client is required");
    }

    #[test]
    fn the_member_that_is_wrong_in_a_cached_file_is_named() {
        type Spoil = fn(&mut TargetFileMeta);
        let cases: [(Spoil, &str); 8] = [
            (|f| f.path.clear(), "path is required"),
            (
                |f| "datadog/2/ASM/c".clone_into(&mut f.path),
                "path: config path 'datadog/2/ASM/c' has wrong format",
            ),
            (|f| f.length = 0, "length must be >= 1"),
            (|f| f.length = -1, "length must be >= 1"),
            (|f| f.hashes.clear(), "hashes is required"),
            (
                |f| f.hashes[0].algorithm.clear(),
                "hashes.algorithm is required",
            ),
            (|f| f.hashes[0].hash.clear(), "hashes.hash is required"),
            (
                |f| "0g".clone_into(&mut f.hashes[0].hash),
                "hashes.hash is not hexadecimal",
            ),
        ];
        for (spoil, expected) in cases {
            let mut request = request();
            spoil(&mut request.cached_target_files[0]);
            let message = check(&request).unwrap_err().to_string();
            assert_eq!(message, format!("cached_target_files[0].{expected}"));
        }
    }
}
