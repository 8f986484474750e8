//! A log as it came out of a stream.

use std::fmt;
use std::sync::Arc;

/// One log, rebuilt.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The text, byte for byte.
    pub body: Vec<u8>,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The severity; `None` where the sender named none, which means `info`.
    pub status: Option<Arc<str>>,
    /// The service, where the profile has a field for it; see [`Record::service_name`].
    pub service: Option<Arc<str>>,
    /// All tags, joined by commas.
    pub tags: Option<Arc<str>>,
    /// What tells apart two copies of a log that was sent on two ways.
    pub uuid: Option<String>,
    /// The pattern that the text was rebuilt from; `None` for a text that was sent as it is.
    pub pattern: Option<u64>,
}

impl Record {
    /// The tags, one by one.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.tags.as_deref().unwrap_or_default();
        tags.split(',').filter(|tag| !tag.is_empty())
    }

    /// What stands behind `key:` in the first tag that begins so.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags()
            .find_map(|tag| tag.strip_prefix(key)?.strip_prefix(':'))
    }

    /// The host, which travels as a tag.
    pub fn hostname(&self) -> Option<&str> {
        self.tag("hostname")
    }

    /// The source, which travels as a tag.
    pub fn source(&self) -> Option<&str> {
        self.tag("ddsource")
    }

    /// The service: its own field, or else its tag.
    pub fn service_name(&self) -> Option<&str> {
        self.service.as_deref().or_else(|| self.tag("service"))
    }
}

/// Neither the text nor the tags: they belong to the user.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("timestamp_ms", &self.timestamp_ms)
            .field("body_bytes", &self.body.len())
            .field("pattern", &self.pattern)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(service: Option<&str>, tags: &str) -> Record {
        Record {
            body: b"secret".to_vec(),
            timestamp_ms: 5,
            status: None,
            service: service.map(Arc::from),
            tags: Some(Arc::from(tags)),
            uuid: None,
            pattern: Some(3),
        }
    }

    #[test]
    fn host_source_and_service_are_found_among_the_tags() {
        let record = record(
            None,
            "env:prod,hostname:a:b,,ddsource:x,service:one,service:two",
        );
        assert_eq!(record.hostname(), Some("a:b"));
        assert_eq!(record.source(), Some("x"));
        assert_eq!(record.service_name(), Some("one"));
        assert_eq!(record.tag("host"), None);
        assert_eq!(record.tags().count(), 5);
    }

    #[test]
    fn a_service_of_its_own_goes_before_the_tag() {
        assert_eq!(
            record(Some("own"), "service:tag").service_name(),
            Some("own")
        );
    }

    #[test]
    fn what_is_printed_holds_no_text_of_the_user() {
        assert_eq!(
            format!("{:?}", record(Some("s"), "t")),
            "Record { timestamp_ms: 5, body_bytes: 6, pattern: Some(3), .. }"
        );
    }
}
