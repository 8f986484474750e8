//! Splits a URL into its parts.
//!
//! Decodes nothing.

use super::percent::{Place, may_stand};
use crate::percent::decode;

/// The parts of a URL, without its user.
#[derive(Debug, Default)]
pub(super) struct Url<'a> {
    /// The scheme without its colon.
    pub(super) scheme: Option<&'a str>,
    /// The host with its port.
    pub(super) host: Option<&'a str>,
    /// What follows a scheme without a slash, as in `mailto:someone`; there is no path then.
    pub(super) opaque: Option<&'a str>,
    pub(super) path: &'a str,
    /// The query without its question mark.
    pub(super) query: Option<&'a str>,
    /// The fragment without its hash.
    pub(super) fragment: &'a str,
}

impl<'a> Url<'a> {
    /// Nothing, if the text is no URL.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return None;
        }
        let (scheme, rest) = split_scheme(text)?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let url = Self {
            scheme,
            query,
            fragment,
            ..Self::default()
        };
        if !rest.starts_with('/') {
            if scheme.is_some() {
                return Some(Self {
                    opaque: Some(rest),
                    ..url
                });
            }
            let segment = rest.split('/').next().unwrap_or_default();
            // It would be taken for a scheme.
            return (!segment.contains(':')).then_some(Self { path: rest, ..url });
        }
        let after_slashes = rest.strip_prefix("//");
        match after_slashes {
            Some(after) if scheme.is_some() || !after.starts_with('/') => {
                let end = after.find('/').unwrap_or(after.len());
                let (authority, path) = after.split_at_checked(end)?;
                Some(Self {
                    host: Some(host(authority)?),
                    path,
                    ..url
                })
            }
            _ => Some(Self { path: rest, ..url }),
        }
    }

    /// Bytes that its parts take, roughly.
    pub(super) fn len(&self) -> usize {
        let optional = [self.scheme, self.host, self.opaque, self.query];
        let bytes: usize = optional.iter().flatten().map(|part| part.len() + 2).sum();
        bytes + self.path.len() + self.fragment.len() + 1
    }
}

/// Splits the scheme, if there is one. Nothing, if it should be there and is empty.
fn split_scheme(text: &str) -> Option<(Option<&str>, &str)> {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'));
    let Some((scheme, rest)) = end.and_then(|end| text.split_at_checked(end)) else {
        return Some((None, text));
    };
    let Some(rest) = rest.strip_prefix(':') else {
        return Some((None, text));
    };
    match scheme.bytes().next() {
        None => None,
        Some(first) if first.is_ascii_alphabetic() => Some((Some(scheme), rest)),
        Some(_) => Some((None, text)),
    }
}

/// The host of an authority, if all of the authority is as it should be.
fn host(authority: &str) -> Option<&str> {
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let is_allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !user.bytes().all(is_allowed) {
                return None;
            }
            decode(user)?;
            host
        }
        None => authority,
    };
    let port = if host.starts_with('[') {
        host.rsplit_once(']')?.1
    } else {
        host.rfind(':')
            .and_then(|colon| host.get(colon..))
            .unwrap_or("")
    };
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_allowed = |byte: u8| byte == b'%' || may_stand(byte, Place::Host) || byte > 127;
    let is_host = host.bytes().all(is_allowed) && decode(host).is_some();
    (is_port && is_host).then_some(host)
}
