//! The older key of remote configuration: `DDRCM_`, then base32 of a msgpack map.
//!
//! It names an organisation, to which every file must belong, and carries an application key for the backend.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use serde::Deserialize;

/// What the key begins with, or not.
const PREFIX: &str = "DDRCM_";

/// What an older key says.
#[derive(Clone, PartialEq, Eq)]
pub struct RcKey {
    /// Sent as `DD-Application-Key`.
    pub app_key: String,
    /// The organisation; never 0.
    pub org_id: i64,
    /// The data centre it was made in.
    pub datacenter: String,
}

impl fmt::Debug for RcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RcKey")
            .field("org_id", &self.org_id)
            .field("datacenter", &self.datacenter)
            .finish_non_exhaustive()
    }
}

/// Why a text is not a key. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RcKeyError {
    /// It is not base32.
    #[error("key of remote configuration: not base32 after `DDRCM_`")]
    Encoding,
    /// It is not a map of msgpack with the three members.
    #[error("key of remote configuration: not a map of key, org and dc")]
    Content,
    /// A member is there and says nothing.
    #[error("key of remote configuration: {0} is empty")]
    Empty(&'static str),
}

#[derive(Deserialize)]
struct Members {
    key: String,
    org: i64,
    dc: String,
}

impl RcKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When it is not one, or names no application key, organisation or data centre.
    pub fn decode(text: &str) -> Result<Self, RcKeyError> {
        let text = text.trim();
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        let bytes = BASE32_NOPAD.decode(encoded.as_bytes());
        let bytes = bytes.map_err(|_| RcKeyError::Encoding)?;
        let Members { key, org, dc } =
            rmp_serde::from_slice(&bytes).map_err(|_| RcKeyError::Content)?;
        for (is_empty, name) in [
            (key.is_empty(), "key"),
            (org == 0, "org"),
            (dc.is_empty(), "dc"),
        ] {
            if is_empty {
                return Err(RcKeyError::Empty(name));
            }
        }
        Ok(Self {
            app_key: key,
            org_id: org,
            datacenter: dc,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "DDRCM_QORWWZLZU5QXA4BNNNSXTI3POJTQFITEMORXK4ZR";

    fn written(key: &str, org: i64, dc: &str) -> String {
        #[derive(serde::Serialize)]
        struct Members<'a> {
            key: &'a str,
            org: i64,
            dc: &'a str,
        }
        let bytes = rmp_serde::to_vec_named(&Members { key, org, dc }).unwrap();
        format!("{PREFIX}{}", BASE32_NOPAD.encode(&bytes))
    }

    #[test]
    fn a_key_is_read_with_and_without_its_prefix() {
        assert_eq!(written("app-key", 2, "us1"), KEY);
        let expected = RcKey {
            app_key: "app-key".to_owned(),
            org_id: 2,
            datacenter: "us1".to_owned(),
        };
        assert_eq!(RcKey::decode(KEY), Ok(expected.clone()));
        let bare = KEY.strip_prefix(PREFIX).unwrap();
        assert_eq!(RcKey::decode(bare), Ok(expected));
    }

    #[test]
    fn a_key_without_one_of_its_members_is_refused() {
        let decode = |key, org, dc| RcKey::decode(&written(key, org, dc)).unwrap_err();
        assert_eq!(decode("", 2, "us1"), RcKeyError::Empty("key"));
        assert_eq!(decode("k", 0, "us1"), RcKeyError::Empty("org"));
        assert_eq!(decode("k", 2, ""), RcKeyError::Empty("dc"));
        assert_eq!(RcKey::decode("DDRCM_1"), Err(RcKeyError::Encoding));
        assert_eq!(RcKey::decode("DDRCM_QORWWZLZ"), Err(RcKeyError::Content));
    }

    #[test]
    fn a_key_does_not_show_its_secret() {
        let shown = format!("{:?}", RcKey::decode(KEY).unwrap());
        assert_eq!(shown, r#"RcKey { org_id: 2, datacenter: "us1", .. }"#);
    }
}
