//! URLs of intakes, workers and proxies, and the site.
//!
//! URLs stay texts, so that a port or a path is sent as it was written; the parser of the `url` crate only judges them.

use super::{Note, Parsed, Value};
use crate::endpoints::{KNOWN_SITES, Site};

/// Longest URL, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// A base URL: `https://` where no scheme is given, no slash at the end.
pub(crate) fn base(text: &str) -> Result<String, String> {
    let full = with_scheme(text, "https://");
    check(&full)?;
    Ok(full.trim_end_matches('/').to_owned())
}

/// A URL or `host[:port][/path]`, kept as it was written.
pub(crate) fn address(text: &str) -> Result<String, String> {
    check(&with_scheme(text, "https://"))?;
    Ok(text.to_owned())
}

/// A proxy: `http://` where no scheme is given, user and password allowed.
pub(crate) fn proxy(text: &str) -> Result<String, String> {
    let full = with_scheme(text, "http://");
    let bare = match full.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{host}")
        }
        None => full.clone(),
    };
    check(&bare)?;
    if !full.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("proxy URL has characters that must be written as %XX".to_owned());
    }
    // Judged whole as well: a password with a slash or a question mark would end the host early.
    let parsed = url::Url::parse(&full).map_err(|_| "is not a proxy URL".to_owned())?;
    let host = url::Url::parse(&bare).map_err(|_| "is not a proxy URL".to_owned())?;
    if parsed.host_str() != host.host_str() || !matches!(parsed.path(), "" | "/") {
        return Err(
            "proxy URL must be [user:password@]host:port, special characters as %XX".to_owned(),
        );
    }
    Ok(full.trim_end_matches('/').to_owned())
}

/// A site, in its usual form, with what was stripped from it.
pub(crate) fn site(text: &str) -> Result<Parsed, String> {
    let (site, stripped) = Site::normalize(text)?;
    let mut notes: Vec<Note> = stripped
        .into_iter()
        .map(|what| {
            Note::warning(
                format!("{what} does not belong to a site"),
                format!("using {site}"),
            )
        })
        .collect();
    let is_known = KNOWN_SITES.contains(&site.as_str());
    if !is_known && !Site::new(&site)?.is_loopback() {
        notes.push(Note::info("site is not one that Datadog documents"));
    }
    Ok(Parsed::with(Value::Text(site), notes))
}

/// The text with `scheme` in front if it has none.
pub(crate) fn with_scheme(text: &str, scheme: &str) -> String {
    let has_scheme = ["http://", "https://"].iter().any(|known| {
        text.get(..known.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(known))
    });
    if has_scheme || text.contains("://") {
        text.to_owned()
    } else {
        format!("{scheme}{text}")
    }
}

/// Whether a full URL can be sent to.
pub(crate) fn check(full: &str) -> Result<(), String> {
    if full.len() > MAX_URL_BYTES {
        return Err(format!("URL is longer than {MAX_URL_BYTES} bytes"));
    }
    let is_plain = full
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    if !is_plain {
        return Err("URL has characters that must be written as %XX".to_owned());
    }
    let parsed = url::Url::parse(full).map_err(|error| format!("is not a URL: {error}"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err("URL must be http:// or https://".to_owned());
    }
    // The parser takes `http:///x` for `http://x`.
    let begins_with_host = full
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.starts_with(['/', ':']));
    if parsed.host_str().is_none_or(str::is_empty) || !begins_with_host {
        return Err("URL has no host".to_owned());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("URL must not hold user and password".to_owned());
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err("URL must not hold a query or a fragment".to_owned());
    }
    Ok(())
}
