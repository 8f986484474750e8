//! Files of configuration that somebody pushes: their names, their bytes and whom they are for.
//!
//! Checks what it is given so that every file can be signed and named; whether a tracer understands it is not known
//! here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The organisation that this intake plays.
pub(super) const ORG_ID: u64 = 2;
/// Bytes of one file.
const MAX_FILE_BYTES: usize = 8 << 20;
/// Bytes of a part of a name.
const MAX_SEGMENT_BYTES: usize = 200;
/// Predicates of one file.
const MAX_PREDICATES: usize = 100;
/// Bytes of a text in a predicate.
const MAX_PREDICATE_BYTES: usize = 1_000;
/// The largest organisation that a name can have.
const MAX_ORG_ID: u64 = i64::MAX.unsigned_abs();

/// Why something was not pushed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PushError(pub(super) String);

/// A file of configuration to push.
///
/// Its name is `datadog/2/PRODUCT/ID/config` unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteConfig {
    pub(super) product: String,
    pub(super) id: String,
    pub(super) name: String,
    /// `None` for a file of an employee, which is of no organisation.
    pub(super) org_id: Option<u64>,
    pub(super) raw: Bytes,
    pub(super) predicates: Vec<Predicate>,
    pub(super) expires: Option<u64>,
}

/// Which clients a file is for: those that have all of these; what is empty is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Predicate {
    /// The id of a client.
    #[serde(rename = "clientID", skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// The service of a tracer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The environment of a tracer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// The version of the service.
    #[serde(rename = "appVersion", skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// A constraint on the version of the tracer, `>=1.60.0`.
    #[serde(rename = "tracerVersion", skip_serializing_if = "String::is_empty")]
    pub tracer_version: String,
    /// The language of the tracer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// One run of a tracer.
    #[serde(rename = "runtimeID", skip_serializing_if = "String::is_empty")]
    pub runtime_id: String,
}

impl Predicate {
    fn texts(&self) -> [&str; 7] {
        [
            &self.client_id,
            &self.service,
            &self.environment,
            &self.app_version,
            &self.tracer_version,
            &self.language,
            &self.runtime_id,
        ]
    }
}

impl RemoteConfig {
    /// A file for every client that asks for `product`.
    pub fn new(product: impl Into<String>, id: impl Into<String>, raw: impl Into<Bytes>) -> Self {
        Self {
            product: product.into(),
            id: id.into(),
            name: "config".to_owned(),
            org_id: Some(ORG_ID),
            raw: raw.into(),
            predicates: Vec::new(),
            expires: None,
        }
    }

    /// Another last part of its name than `config`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Of another organisation than 2, the one that this intake plays.
    #[must_use]
    pub fn org_id(mut self, org_id: u64) -> Self {
        self.org_id = Some(org_id);
        self
    }

    /// A file of an employee, `employee/PRODUCT/ID/NAME`, which is of no organisation.
    #[must_use]
    pub fn employee(mut self) -> Self {
        self.org_id = None;
        self
    }

    /// Only for clients like this, or like another that is named so.
    #[must_use]
    pub fn only_for(mut self, predicate: Predicate) -> Self {
        self.predicates.push(predicate);
        self
    }

    /// Not to be given to clients after that second since 1970.
    #[must_use]
    pub fn expires(mut self, unix_s: u64) -> Self {
        self.expires = Some(unix_s);
        self
    }

    /// The name of the file.
    #[must_use]
    pub fn path(&self) -> String {
        let (product, id, name) = (&self.product, &self.id, &self.name);
        match self.org_id {
            Some(org_id) => format!("datadog/{org_id}/{product}/{id}/{name}"),
            None => format!("employee/{product}/{id}/{name}"),
        }
    }

    /// Bytes that keeping it takes, roughly.
    pub(super) fn cost(&self) -> usize {
        let texts = self.predicates.iter().flat_map(Predicate::texts);
        let texts: usize = texts.map(str::len).sum();
        self.raw.len() + self.path().len() + texts + self.predicates.len() * size_of::<Predicate>()
    }

    pub(super) fn check(&self) -> Result<(), PushError> {
        let parts = [
            ("product", &self.product),
            ("id", &self.id),
            ("name", &self.name),
        ];
        for (what, part) in parts {
            let is_odd = part.contains('/') || part.chars().any(char::is_control);
            if part.is_empty() || part.len() > MAX_SEGMENT_BYTES || is_odd {
                return refuse(format!(
                    "{what} is not 1 to {MAX_SEGMENT_BYTES} bytes without slashes and control characters"
                ));
            }
        }
        if self.org_id.is_some_and(|org_id| org_id > MAX_ORG_ID) {
            return refuse(format!("org_id is over {MAX_ORG_ID}"));
        }
        if self.raw.is_empty() || self.raw.len() > MAX_FILE_BYTES {
            return refuse(format!("the file has not 1 to {MAX_FILE_BYTES} bytes"));
        }
        if self.predicates.len() > MAX_PREDICATES {
            return refuse(format!("more than {MAX_PREDICATES} predicates"));
        }
        let texts = self.predicates.iter().flat_map(Predicate::texts);
        for text in texts {
            if text.len() > MAX_PREDICATE_BYTES || text.chars().any(char::is_control) {
                return refuse(format!(
                    "a predicate is over {MAX_PREDICATE_BYTES} bytes or has control characters"
                ));
            }
        }
        Ok(())
    }
}

fn refuse<T>(why: String) -> Result<T, PushError> {
    Err(PushError(why))
}

/// A file as it is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    product: String,
    id: String,
    name: Option<String>,
    org_id: Option<u64>,
    #[serde(default)]
    employee: bool,
    config: Option<Box<RawValue>>,
    config_base64: Option<String>,
    #[serde(default)]
    predicates: Vec<Predicate>,
    expires: Option<u64>,
}

impl Wire {
    fn file(self) -> Result<RemoteConfig, PushError> {
        let raw = match (self.config, self.config_base64) {
            (Some(json), None) => Bytes::from(json.get().to_owned()),
            (None, Some(text)) => match BASE64.decode(text) {
                Ok(raw) => raw.into(),
                Err(error) => return refuse(format!("config_base64: {error}")),
            },
            _ => return refuse("set either config or config_base64".to_owned()),
        };
        if self.employee && self.org_id.is_some() {
            return refuse("a file of an employee has no org_id".to_owned());
        }
        let mut file = RemoteConfig::new(self.product, self.id, raw);
        file.name = self.name.unwrap_or(file.name);
        file.org_id = match self.employee {
            true => None,
            false => self.org_id.or(file.org_id),
        };
        file.predicates = self.predicates;
        file.expires = self.expires;
        file.check()?;
        Ok(file)
    }
}

/// Reads one file as JSON, or an array of them.
///
/// # Errors
/// Names what is wrong first.
pub(crate) fn parse(json: &[u8]) -> Result<Vec<RemoteConfig>, PushError> {
    let words = |error: serde_json::Error| PushError(error.to_string());
    let files: Vec<Wire> = if json.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(json).map_err(words)?
    } else {
        vec![serde_json::from_slice(json).map_err(words)?]
    };
    files.into_iter().map(Wire::file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(json: &str, why: &str) {
        assert_eq!(parse(json.as_bytes()).unwrap_err().to_string(), why);
    }

    #[test]
    fn a_file_keeps_the_bytes_that_were_written() {
        let files = parse(
            br#" [{"product":"APM_TRACING","id":"a","config":{ "x": 1.50 }},
                {"product":"ASM_DD","id":"b","name":"rules","employee":true,"config_base64":"AAH/"},
                {"product":"NEW","id":"c","org_id":42,"config":true,"expires":7,
                 "predicates":[{"service":"web","clientID":"1"}]}]"#,
        )
        .unwrap();
        let predicate = Predicate {
            client_id: "1".to_owned(),
            service: "web".to_owned(),
            ..Predicate::default()
        };
        let expected = [
            RemoteConfig::new("APM_TRACING", "a", r#"{ "x": 1.50 }"#),
            RemoteConfig::new("ASM_DD", "b", &b"\x00\x01\xff"[..])
                .name("rules")
                .employee(),
            RemoteConfig::new("NEW", "c", "true")
                .org_id(42)
                .expires(7)
                .only_for(predicate),
        ];
        assert_eq!(files, expected);
        let paths: Vec<String> = files.iter().map(RemoteConfig::path).collect();
        assert_eq!(
            paths,
            [
                "datadog/2/APM_TRACING/a/config",
                "employee/ASM_DD/b/rules",
                "datadog/42/NEW/c/config"
            ]
        );
    }

    #[test]
    fn what_cannot_be_named_or_signed_is_refused() {
        let part = "is not 1 to 200 bytes without slashes and control characters";
        refused(
            r#"{"product":"","id":"a","config":1}"#,
            &format!("product {part}"),
        );
        refused(
            r#"{"product":"A","id":"a/b","config":1}"#,
            &format!("id {part}"),
        );
        refused(
            r#"{"product":"A","id":"a","name":"\u0000","config":1}"#,
            &format!("name {part}"),
        );
        let long = "a".repeat(201);
        refused(
            &format!(r#"{{"product":"A","id":"{long}","config":1}}"#),
            &format!("id {part}"),
        );
        refused(
            r#"{"product":"A","id":"a","config_base64":""}"#,
            "the file has not 1 to 8388608 bytes",
        );
        refused(
            r#"{"product":"A","id":"a","org_id":9223372036854775808,"config":1}"#,
            "org_id is over 9223372036854775807",
        );
        refused(
            r#"{"product":"A","id":"a"}"#,
            "set either config or config_base64",
        );
        refused(
            r#"{"product":"A","id":"a","employee":true,"org_id":2,"config":1}"#,
            "a file of an employee has no org_id",
        );
        refused(
            r#"{"product":"A","id":"a","config":1,"predicates":[{"service":"\n"}]}"#,
            "a predicate is over 1000 bytes or has control characters",
        );
        assert!(
            parse(br#"{"product":"A","id":"a","config":1,"if":2}"#)
                .unwrap_err()
                .to_string()
                .starts_with("unknown field `if`")
        );
    }

    #[test]
    fn a_file_may_have_eight_mebibytes() {
        let of = |bytes: usize| RemoteConfig::new("A", "a", vec![b'1'; bytes]).check();
        assert_eq!(of(8 << 20), Ok(()));
        assert_eq!(
            of((8 << 20) + 1).unwrap_err().to_string(),
            "the file has not 1 to 8388608 bytes"
        );
    }
}
