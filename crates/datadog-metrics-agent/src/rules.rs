//! What happens to the name, the host and the tags of a message before it is aggregated.
//!
//! In this order: the mapper turns parts of a name into tags, the namespace goes in front, the filter drops. Of the
//! tags, some are instructions and are taken out; those of the configuration and of the origin are added; what is
//! left is sorted, freed of repetitions and cut to what the intake keeps.
//! Works in buffers that are used again. Knows no values.

pub mod mapper;
mod source;
mod tags;

use datadog_wire::metrics::MAX_TAGS;

pub use self::mapper::{Mapper, MapperError, Mapping, Profile};
pub use self::source::Platform;
pub use self::tags::OriginOptions;
use self::tags::TagList;
use crate::context::{Identity, Tags};
use crate::parse::{self, Origin};

/// What is done to messages.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The host of what names none; may be empty.
    pub hostname: String,
    /// Where the agent runs. Default: on a host.
    pub platform: Platform,
    /// Put in front of every name, with a dot between. Default: nothing.
    pub namespace: String,
    /// Beginnings of names that get no namespace.
    pub namespace_exceptions: Vec<String>,
    /// Names that are dropped, the namespace included. Default: none.
    pub blocklist: Vec<String>,
    /// Whether an item of the blocklist drops all names that begin with it. Default: no.
    pub blocklist_matches_prefix: bool,
    /// Tags added to everything. Those of a message win over `service`, `env` and `version` among them.
    pub tags: Vec<String>,
    /// Names of those tags that are not added to metrics of users. Default: none.
    pub excluded_tags: Vec<String>,
    /// Profiles of the mapper, in order. Default: none.
    pub mapper: Vec<Profile>,
    /// What is made of where a client runs.
    pub origin: OriginOptions,
}

/// The rules, ready to be applied.
#[derive(Debug)]
pub(crate) struct Rules {
    config: Config,
    mapper: Mapper,
}

/// Buffers for one message, used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    name: String,
    host: String,
    tags: TagList,
    joined: String,
    source: crate::series::Source,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on; so many tags were too many.
    Kept {
        /// Tags that were left out.
        tags_dropped: usize,
    },
    /// The filter drops it.
    Filtered,
}

impl Scratch {
    /// What came out for the last message.
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity {
            name: &self.name,
            host: &self.host,
            tags: Tags(&self.joined),
            source: self.source,
        }
    }

    /// Puts another name in place of the one that came out.
    pub(crate) fn rename(&mut self, prefix: &str) {
        self.name.insert_str(0, prefix);
    }
}

impl Rules {
    /// # Errors
    /// A pattern of the mapper that cannot be read.
    pub(crate) fn compile(config: &Config) -> Result<Self, MapperError> {
        let mut config = config.clone();
        if !config.namespace.is_empty() && !config.namespace.ends_with('.') {
            config.namespace.push('.');
        }
        Ok(Self {
            mapper: Mapper::compile(&config.mapper)?,
            config,
        })
    }

    /// What a metric is called; the result is in `scratch`.
    pub(crate) fn metric(
        &self,
        name: &str,
        tags: parse::Tags<'_>,
        origin: Origin<'_>,
        sender: Option<&str>,
        scratch: &mut Scratch,
    ) -> Verdict {
        scratch.tags.clear();
        scratch.name.clear();
        self.mapper.map(name, &mut scratch.name, &mut scratch.tags);
        let namespace = &self.config.namespace;
        let excepted = |name: &str| {
            let mut exceptions = self.config.namespace_exceptions.iter();
            exceptions.any(|prefix| name.starts_with(prefix.as_str()))
        };
        if !namespace.is_empty() && !excepted(&scratch.name) {
            scratch.name.insert_str(0, namespace);
        }
        if self.is_blocked(&scratch.name) {
            return Verdict::Filtered;
        }
        let is_own = source::is_enhanced(&scratch.name);
        let tags_dropped = self.tags(tags, origin, sender, None, is_own, scratch);
        scratch.source = self.config.platform.source(&scratch.name, &scratch.joined);
        Verdict::Kept { tags_dropped }
    }

    /// Host and tags of an event or a service check, in `scratch`; how many tags were too many.
    pub(crate) fn message(
        &self,
        hostname: Option<parse::Text<'_>>,
        tags: parse::Tags<'_>,
        origin: Origin<'_>,
        sender: Option<&str>,
        scratch: &mut Scratch,
    ) -> usize {
        scratch.tags.clear();
        self.tags(tags, origin, sender, hostname, false, scratch)
    }

    fn tags(
        &self,
        tags: parse::Tags<'_>,
        origin: Origin<'_>,
        sender: Option<&str>,
        hostname: Option<parse::Text<'_>>,
        is_own: bool,
        scratch: &mut Scratch,
    ) -> usize {
        let config = &self.config;
        scratch.host.clear();
        scratch.host.push_str(&config.hostname);
        let mut orders = tags::Orders::default();
        for tag in tags.iter() {
            let tag = tag.to_str();
            if let Some(host) = tag.strip_prefix("host:") {
                scratch.host.clear();
                scratch.host.push_str(host);
            } else if !orders.take(&tag) && !tags::is_empty_unified(&tag) {
                scratch.tags.push(&tag);
            }
        }
        if let Some(hostname) = hostname {
            scratch.host.clear();
            scratch.host.push_str(&hostname.to_str());
        }
        if config.platform.has_no_host() {
            scratch.host.clear();
        }
        let excluded = if is_own {
            &[][..]
        } else {
            &config.excluded_tags
        };
        scratch.tags.add_configured(&config.tags, excluded);
        if let Some(container) = config.origin.container(origin, sender, &orders) {
            scratch.tags.push_joined("container_id:", container);
        }
        scratch.tags.join(&mut scratch.joined, MAX_TAGS)
    }

    fn is_blocked(&self, name: &str) -> bool {
        let matches_prefix = self.config.blocklist_matches_prefix;
        self.config.blocklist.iter().any(|blocked| {
            name == blocked || (matches_prefix && name.starts_with(blocked.as_str()))
        })
    }
}

#[cfg(test)]
mod tests;
