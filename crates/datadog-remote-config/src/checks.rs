//! What must hold for any bytes, for fuzz targets and tests alike.
//!
//! Panics when something does not hold; nothing else calls it.

use bytes::Bytes;
use datadog_wire::remote_config::ClientGetConfigsRequest;
use prost::Message as _;

use crate::cjson::Json;
use crate::path::{Pattern, TargetPath, logical};
use crate::predicate::Constraint;
use crate::tuf::envelope::Envelope;
use crate::tuf::root::Root;
use crate::tuf::snapshot::Snapshot;
use crate::tuf::targets::Targets;
use crate::tuf::timestamp::Timestamp;
use crate::tuf::{Document, Repository, Role};
use crate::verify::Trusted;
use crate::{RcKey, client_json, validate};

/// Reads bytes as everything that this crate reads; the first one chooses what.
///
/// # Panics
/// When a text that was read is not written as it came, or the canonical form of a document is not one.
pub fn remote_config(data: &[u8]) {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    match first {
        b'8' => return client_request(data),
        b'9' => return drop(std::str::from_utf8(data).map(RcKey::decode)),
        _ => {}
    }
    match (first % 8, std::str::from_utf8(data)) {
        (0, Ok(text)) => path(text),
        (1, Ok(text)) => constraint(text),
        (0 | 1, Err(_)) => {}
        (2, _) => canonical(data),
        (3, _) => document(Repository::Config, Role::Timestamp, data),
        (4, _) => document(Repository::Config, Role::Snapshot, data),
        (5, _) => document(Repository::Config, Role::Targets, data),
        (6, _) => document(Repository::Director, Role::Targets, data),
        _ => {
            document(Repository::Config, Role::Root, data);
            let raw = Bytes::copy_from_slice(data);
            drop(Trusted::from_roots(raw.clone(), raw));
        }
    }
}

fn client_request(data: &[u8]) {
    for request in [
        client_json::read(data).ok(),
        ClientGetConfigsRequest::decode(data).ok(),
    ] {
        let Some(request) = request else {
            continue;
        };
        drop(validate::check(&request));
        let written = request.encode_to_vec();
        let again = ClientGetConfigsRequest::decode(&written[..]).map(|it| it.encode_to_vec());
        assert_eq!(again.as_ref(), Ok(&written));
    }
}

fn path(text: &str) {
    if let Ok(path) = TargetPath::parse(text) {
        assert_eq!(path.to_string(), text);
        assert_eq!(TargetPath::parse(path.as_str()), Ok(path));
    }
    if let Ok(path) = logical(text) {
        assert!(path.len() <= text.len());
    }
    let (pattern, text) = text.split_once('\n').unwrap_or((text, text));
    let matches = Pattern::new(pattern).matches(text);
    assert!(matches || pattern != text, "a text matches itself");
}

fn constraint(text: &str) {
    let (constraint, version) = text.split_once('\n').unwrap_or((text, "1.2.3"));
    if let Ok(constraint) = Constraint::parse(constraint) {
        let any = Constraint::parse("*").and_then(|any| any.matches(version));
        assert_eq!(constraint.matches(version).is_ok(), any.is_ok());
    }
}

fn canonical(data: &[u8]) {
    let Ok(json) = Json::parse(data) else {
        return;
    };
    let canonical = json.to_canonical();
    // Control characters stand in it as they are, which is not JSON.
    if !canonical.iter().any(|byte| *byte < b' ') {
        let again = Json::parse(&canonical).map(|json| json.to_canonical());
        assert_eq!(again, Ok(canonical));
    }
}

fn document(repository: Repository, role: Role, data: &[u8]) {
    canonical(data);
    let document = Document::new(repository, role);
    let Ok(envelope) = Envelope::open(&document, data) else {
        return;
    };
    match document.role {
        Role::Root => drop(Root::read(&envelope)),
        Role::Timestamp => drop(Timestamp::read(&envelope)),
        Role::Snapshot => drop(Snapshot::read(&envelope)),
        Role::Targets | Role::Delegated(_) => drop(Targets::read(&envelope)),
    }
}
