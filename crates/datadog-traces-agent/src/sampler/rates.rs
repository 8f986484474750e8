//! The rates that tracers are told, as the ready answer to their payloads.
//!
//! A version stands for a set of rates, so that a tracer which has it already is told nothing. It changes only when a
//! rate does, or when there is another service.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// The answer without any rate.
const EMPTY: &[u8] = b"{\"rate_by_service\":{}}\n";
/// The answer to those who know.
const UNCHANGED: &[u8] = b"{}";

/// A set of rates; cheap to clone.
#[derive(Debug, Clone)]
pub struct Rates {
    body: Bytes,
    version: Arc<str>,
    /// How many versions there were.
    versions: u64,
    /// By key, in the order of the body.
    rates: Arc<BTreeMap<String, f64>>,
}

/// What a tracer is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The JSON.
    pub body: Bytes,
    /// The value of the header with the version; none if the tracer did not name one.
    pub version: Option<Arc<str>>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            body: Bytes::from_static(EMPTY),
            version: "".into(),
            versions: 0,
            rates: Arc::default(),
        }
    }
}

impl Rates {
    /// The answer to a tracer which says that it has a version; an empty one is none.
    pub fn reply(&self, client_version: &str) -> Reply {
        if client_version.is_empty() {
            return Reply {
                body: self.body.clone(),
                version: None,
            };
        }
        let body = if *self.version == *client_version {
            Bytes::from_static(UNCHANGED)
        } else {
            self.body.clone()
        };
        Reply {
            body,
            version: Some(self.version.clone()),
        }
    }

    /// The version; empty before the first rates.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The rate of a service: its own, or else that of services that are not known.
    ///
    /// `None` before the first rates.
    pub fn rate(&self, service: &str, env: &str) -> Option<f64> {
        self.rates
            .get(&key(service, env))
            .or_else(|| self.rates.get(&key("", "")))
            .copied()
    }

    /// Takes rates of services with their environments.
    ///
    /// Those in the agent's environment are told without it too, for tracers that do not know theirs.
    pub(super) fn update<'r>(
        &mut self,
        known: impl Iterator<Item = (&'r str, &'r str, f64)>,
        default_rate: f64,
        agent_env: &str,
        now: Duration,
    ) {
        let mut rates = BTreeMap::new();
        for (service, env, rate) in known {
            let rate = clamped(rate);
            rates.insert(key(service, env), rate);
            if env == agent_env {
                rates.insert(key(service, ""), rate);
            }
        }
        rates.insert(key("", ""), clamped(default_rate));
        if rates == *self.rates {
            return;
        }
        self.versions += 1;
        self.version = format!("{:x}-{:x}", now.as_secs(), self.versions).into();
        self.body = json(&rates).into();
        self.rates = Arc::new(rates);
    }
}

fn key(service: &str, env: &str) -> String {
    format!("service:{service},env:{env}")
}

fn clamped(rate: f64) -> f64 {
    if rate.is_nan() {
        return 0.0;
    }
    rate.clamp(0.0, 1.0)
}

fn json(rates: &BTreeMap<String, f64>) -> String {
    let mut json = String::from("{\"rate_by_service\":{");
    for (index, (key, rate)) in rates.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        quote(&mut json, key);
        // The shortest digits that are this number and no other; never an exponent.
        write!(json, ":{rate}").ok();
    }
    json.push_str("}}\n");
    json
}

fn quote(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control < ' ' => {
                write!(json, "\\u{:04x}", u32::from(control)).ok();
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(0x6553_f100);

    fn text(body: &Bytes) -> &str {
        std::str::from_utf8(body).unwrap()
    }

    #[test]
    fn before_the_first_rates_the_answer_is_empty_and_full() {
        let rates = Rates::default();
        let reply = rates.reply("");
        assert_eq!(text(&reply.body), "{\"rate_by_service\":{}}\n");
        assert_eq!(reply.version, None);
        let reply = rates.reply("1-1");
        assert_eq!(text(&reply.body), "{\"rate_by_service\":{}}\n");
        assert_eq!(reply.version.as_deref(), Some(""));
        assert_eq!(rates.rate("web", "prod"), None);
    }

    #[test]
    fn rates_are_json_and_those_of_the_agents_environment_are_there_twice() {
        let mut rates = Rates::default();
        let known = [
            ("web", "prod", 0.25),
            ("web", "dev", 1.5),
            ("a\"\\\n", "dev", 1e-7),
        ];
        rates.update(known.into_iter(), f64::NAN, "prod", NOW);
        assert_eq!(
            text(&rates.reply("").body),
            "{\"rate_by_service\":{\"service:,env:\":0,\
             \"service:a\\\"\\\\\\u000a,env:dev\":0.0000001,\
             \"service:web,env:\":0.25,\"service:web,env:dev\":1,\"service:web,env:prod\":0.25}}\n"
        );
        assert_eq!(rates.rate("web", "prod"), Some(0.25));
        assert_eq!(rates.rate("other", "prod"), Some(0.0));
    }

    #[test]
    fn the_version_changes_only_with_a_rate() {
        let mut rates = Rates::default();
        let later = NOW + Duration::from_secs(5);
        rates.update([("web", "prod", 0.5)].into_iter(), 1.0, "none", NOW);
        assert_eq!(rates.version(), "6553f100-1");
        rates.update([("web", "prod", 0.5)].into_iter(), 1.0, "none", later);
        assert_eq!(rates.version(), "6553f100-1");
        rates.update([("web", "prod", 0.4)].into_iter(), 1.0, "none", later);
        assert_eq!(rates.version(), "6553f105-2");
        rates.update([("api", "prod", 0.4)].into_iter(), 1.0, "none", later);
        assert_eq!(rates.version(), "6553f105-3");
        rates.update([("api", "prod", 0.4)].into_iter(), 0.9, "none", later);
        assert_eq!(rates.version(), "6553f105-4");
    }

    #[test]
    fn a_tracer_that_has_the_version_is_told_nothing() {
        let mut rates = Rates::default();
        rates.update(std::iter::empty(), 1.0, "none", NOW);
        let reply = rates.reply("6553f100-1");
        assert_eq!(text(&reply.body), "{}");
        assert_eq!(reply.version.as_deref(), Some("6553f100-1"));
        let reply = rates.reply("6553f100-2");
        assert_eq!(
            text(&reply.body),
            "{\"rate_by_service\":{\"service:,env:\":1}}\n"
        );
    }
}
