//! Targets: which files there are, and who else may name some.
//!
//! Only the director's files say whom they are for; what the config repository adds to a file is not read.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::cjson::Json;
use crate::path::Pattern;
use crate::predicate::Predicate;
use crate::tuf::Repository;
use crate::tuf::envelope::{Envelope, Signers};
use crate::tuf::hash::Hashes;
use crate::tuf::header::Header;
use crate::tuf::key::{Keys, read_keys};
use crate::tuf::member::Member;

/// Files in one document.
const MAX_TARGETS: usize = 65_536;
/// Bytes of the name of a file or of a pattern; matching one with the other takes up to their product in steps.
pub(crate) const MAX_PATH: usize = 1024;
/// Roles that the targets may delegate to.
const MAX_ROLES: usize = 1024;
/// Patterns of one role.
const MAX_PATTERNS: usize = 1024;
/// Bytes of the name of a role.
const MAX_ROLE: usize = 256;
/// Predicates of one file.
const MAX_PREDICATES: usize = 1024;
/// Bytes of a text in a predicate.
const MAX_PREDICATE: usize = 4096;

/// A document that names files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Targets {
    pub(crate) header: Header,
    pub(crate) files: BTreeMap<String, Target>,
    pub(crate) keys: Keys,
    pub(crate) roles: Vec<DelegatedRole>,
    /// What the backend wants to hear again, decoded; empty in the config repository.
    pub(crate) backend_state: Vec<u8>,
    /// Seconds between two updates, if the backend asks for them.
    pub(crate) refresh_interval_s: Option<u64>,
}

/// What a repository says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its bytes.
    pub length: u64,
    /// Their hashes.
    pub hashes: Hashes,
    /// The version of the configuration in it; 0 when it has none, as in the config repository.
    pub version: u64,
    /// The last second at which it is for anybody, since 1970; 0 for ever.
    pub expires: i64,
    /// Whom it is for; empty for everybody.
    pub predicates: Vec<Predicate>,
}

impl Target {
    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: i64) -> bool {
        self.expires != 0 && now > self.expires
    }
}

/// Whom the targets delegate to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DelegatedRole {
    pub(crate) name: String,
    pub(crate) signers: Signers,
    pub(crate) terminating: bool,
    pub(crate) paths: Vec<Pattern>,
}

impl Targets {
    /// Reads it; who signed it is checked before.
    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Self, Error> {
        let signed = envelope.signed();
        let header = Header::read(signed)?;
        let director = signed.document().repository == Repository::Director;
        let mut files = BTreeMap::new();
        for (path, target) in signed.required("targets")?.entries(MAX_TARGETS)? {
            if path.len() > MAX_PATH {
                return Err(target.wrong(format!("a name of more than {MAX_PATH} bytes")));
            }
            files.insert(path.to_owned(), read_target(target, director)?);
        }
        let mut targets = Self {
            header,
            files,
            keys: Keys::new(),
            roles: Vec::new(),
            backend_state: Vec::new(),
            refresh_interval_s: None,
        };
        if let Some(delegations) = signed.optional("delegations")? {
            targets.read_delegations(delegations)?;
        }
        if let (Some(custom), true) = (signed.optional("custom")?, director) {
            targets.read_custom(custom)?;
        }
        Ok(targets)
    }

    fn read_delegations(&mut self, delegations: Member<'_, '_>) -> Result<(), Error> {
        if let Some(keys) = delegations.optional("keys")? {
            self.keys = read_keys(keys)?;
        }
        let Some(roles) = delegations.optional("roles")? else {
            return Ok(());
        };
        for role in roles.elements(MAX_ROLES)? {
            let name = role.required("name")?;
            let read = DelegatedRole {
                name: name.text(MAX_ROLE)?.to_owned(),
                signers: Signers::read(role)?,
                terminating: match role.optional("terminating")? {
                    Some(terminating) => terminating.boolean()?,
                    None => false,
                },
                paths: read_patterns(role)?,
            };
            if self.roles.iter().any(|other| other.name == read.name) {
                return Err(name.wrong("a role is there twice"));
            }
            self.roles.push(read);
        }
        Ok(())
    }

    fn read_custom(&mut self, custom: Member<'_, '_>) -> Result<(), Error> {
        if let Some(state) = custom.optional("opaque_backend_state")? {
            let text = state.text(state.document().role.max_bytes())?;
            let decoded = STANDARD.decode(text);
            self.backend_state = decoded.map_err(|_| state.wrong("not base64"))?;
        }
        if let Some(interval) = custom.optional("agent_refresh_interval")? {
            self.refresh_interval_s = Some(interval.unsigned()?);
        }
        Ok(())
    }
}

/// Patterns of a role; one that selects by hashes of names selects nothing.
fn read_patterns(role: Member<'_, '_>) -> Result<Vec<Pattern>, Error> {
    let mut read = Vec::new();
    if let Some(paths) = role.optional("paths")? {
        for path in paths.elements(MAX_PATTERNS)? {
            read.push(Pattern::new(path.text(MAX_PATH)?));
        }
    }
    Ok(read)
}

fn read_target(target: Member<'_, '_>, director: bool) -> Result<Target, Error> {
    let mut read = Target {
        length: target.required("length")?.unsigned()?,
        hashes: Hashes::read(target.required("hashes")?)?,
        version: 0,
        expires: 0,
        predicates: Vec::new(),
    };
    if director && read.length == 0 {
        return Err(target.wrong("an empty file"));
    }
    let custom = target.optional("custom")?;
    let Some(custom) = custom.filter(|_| director) else {
        return Ok(read);
    };
    if let Some(version) = custom.optional("v")? {
        read.version = version.unsigned()?;
    }
    if let Some(expires) = custom.optional("expires")? {
        read.expires = match expires.value() {
            Json::Negative(seconds) => *seconds,
            _ => i64::try_from(expires.unsigned()?)
                .map_err(|_| expires.wrong("beyond the end of time"))?,
        };
    }
    if let Some(predicates) = custom.optional("tracer-predicates")?
        && let Some(list) = predicates.optional("tracer_predicates_v1")?
    {
        for predicate in list.elements(MAX_PREDICATES)? {
            read.predicates.push(read_predicate(predicate)?);
        }
    }
    Ok(read)
}

fn read_predicate(predicate: Member<'_, '_>) -> Result<Predicate, Error> {
    let text = |name| match predicate.optional(name)? {
        Some(value) => value.text(MAX_PREDICATE).map(str::to_owned),
        None => Ok(String::new()),
    };
    Ok(Predicate {
        client_id: text("clientID")?,
        service: text("service")?,
        environment: text("environment")?,
        app_version: text("appVersion")?,
        tracer_version: text("tracerVersion")?,
        language: text("language")?,
        runtime_id: text("runtimeID")?,
    })
}
