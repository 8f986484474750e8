//! The first roots of trust: those that Datadog publishes for each family of sites, or those that the user names.
//!
//! Whoever replaces one vouches for it, so a replacement must be a whole root, signed by enough of its own keys: one
//! that is not would end in a store that can never be verified.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;

use crate::tuf::hex;
use crate::{Error, Trusted};

/// Sites that share their roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// All sites but those below.
    Production,
    /// `datad0g.com` and what is below it.
    Staging,
    /// `ddog-gov.com` and what is below it.
    Government,
}

impl Family {
    /// The family of a site, which may carry a port and a final dot.
    #[must_use]
    pub fn of(site: &str) -> Self {
        let host = site.split_once(':').map_or(site, |(host, _)| host);
        let host = host.trim_end_matches('.');
        let below = |domain: &str| {
            host.strip_suffix(domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        if below("datad0g.com") {
            Self::Staging
        } else if below("ddog-gov.com") {
            Self::Government
        } else {
            Self::Production
        }
    }

    /// Its name in `/status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Government => "government",
        }
    }

    /// The roots of config and director that are built in.
    const fn embedded(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Production => (
                include_bytes!("../roots/prod/config_root.json"),
                include_bytes!("../roots/prod/director_root.json"),
            ),
            Self::Staging => (
                include_bytes!("../roots/staging/config_root.json"),
                include_bytes!("../roots/staging/director_root.json"),
            ),
            Self::Government => (
                include_bytes!("../roots/gov/config_root.json"),
                include_bytes!("../roots/gov/director_root.json"),
            ),
        }
    }
}

/// Roots to use instead of those that are built in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Of the config repository.
    pub config: Option<Bytes>,
    /// Of the director.
    pub director: Option<Bytes>,
}

/// The first roots of both repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRoots {
    /// Of the config repository.
    pub config: Bytes,
    /// Of the director.
    pub director: Bytes,
    /// Where they come from: the name of a [`Family`], or `settings` if the user named one.
    pub origin: &'static str,
}

impl TrustRoots {
    /// What is believed with nothing but these.
    ///
    /// # Errors
    /// When one is not a root, or is not signed by enough of its own keys.
    pub fn begin(&self) -> Result<Trusted, Error> {
        Trusted::from_roots(self.config.clone(), self.director.clone())
    }

    /// The SHA-256 of both, in hexadecimal, config first: what a store belongs to.
    pub(crate) fn hashes(&self) -> [String; 2] {
        [&self.config, &self.director].map(|root| hex::encode(digest(&SHA256, root).as_ref()))
    }
}

/// The first roots of a site.
///
/// # Errors
/// When a root that the user named is none, or is not signed by enough of its own keys.
pub fn trust_roots(site: &str, overrides: &Overrides) -> Result<TrustRoots, Error> {
    let family = Family::of(site);
    let (config, director) = family.embedded();
    let is_replaced = overrides.config.is_some() || overrides.director.is_some();
    let chosen = |replacement: &Option<Bytes>, embedded| {
        let replacement = replacement.clone();
        replacement.unwrap_or_else(|| Bytes::from_static(embedded))
    };
    let roots = TrustRoots {
        config: chosen(&overrides.config, config),
        director: chosen(&overrides.director, director),
        origin: match is_replaced {
            true => "settings",
            false => family.name(),
        },
    };
    roots.begin()?;
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_of_the_family_of_their_domain() {
        for (site, family) in [
            ("datadoghq.com", Family::Production),
            ("us3.datadoghq.com", Family::Production),
            ("datad0g.com", Family::Staging),
            ("x.datad0g.com.", Family::Staging),
            ("notdatad0g.com", Family::Production),
            ("ddog-gov.com", Family::Government),
            ("us2.ddog-gov.com", Family::Government),
            ("us2.ddog-gov.com:443", Family::Government),
            ("ddog-gov.com.example.org", Family::Production),
            ("127.0.0.1:8080", Family::Production),
        ] {
            assert_eq!(Family::of(site), family, "{site}");
        }
    }

    #[test]
    fn the_roots_that_are_built_in_are_signed_by_their_own_keys_and_are_the_published_ones() {
        for (site, versions, hashes) in [
            (
                "datadoghq.com",
                (16, 15),
                [
                    "362b9e12889b6ed6b1bc484a568d2afe6ccb03289ebb3a006f0bc95691959375",
                    "0083e6971bf7aef53dc34be405d994feae1d853871c154c1ad214c453d4ce0b6",
                ],
            ),
            (
                "datad0g.com",
                (31, 27),
                [
                    "f3eecbb5cf9aa8c3f5bd45fa9714e7db031df6653a7be460b24fc580c00e44c5",
                    "355f404094d0080ac889b1ab3a6743f1a512db1fa3dfde150291a78948dd1a32",
                ],
            ),
            (
                "ddog-gov.com",
                (3, 3),
                [
                    "f06de059ab37f85a256d2bf85a3c51b1cae9ebd567205636596a2417ecc5121c",
                    "433409bb0dd8a3242ddac82f4e157ab8346a5695dd1f4a9bb26d2576f1fe8c56",
                ],
            ),
        ] {
            let roots = trust_roots(site, &Overrides::default()).unwrap();
            let begun = roots.begin().unwrap().versions();
            assert_eq!((begun.config_root, begun.director_root), versions, "{site}");
            assert_eq!(roots.hashes(), hashes, "{site}");
            assert_eq!(roots.origin, Family::of(site).name());
        }
    }

    #[test]
    fn a_replacement_must_be_a_root_that_signed_itself() {
        let replace = |config: Bytes| {
            let overrides = Overrides {
                config: Some(config),
                director: None,
            };
            trust_roots("datadoghq.com", &overrides)
        };
        let (_, gov) = Family::Government.embedded();
        let replaced = replace(Bytes::from_static(gov)).unwrap();
        assert_eq!(replaced.config, gov);
        assert_eq!(replaced.origin, "settings");
        let version_only = br#"{"signed":{"version":1},"signatures":[]}"#;
        assert!(replace(Bytes::from_static(version_only)).is_err());
        let text = std::str::from_utf8(gov).unwrap();
        let spoiled = text.replacen("2026-10-31", "2036-10-31", 1);
        let error = replace(spoiled.into()).unwrap_err();
        assert_eq!(error.to_string(), "config root: 0 valid signatures of 2");
    }
}
