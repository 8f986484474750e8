//! What a request of the EVP proxy must look like: it names the host it goes to, so everything in it is checked.

use hyper::HeaderMap;
use percent_encoding::percent_decode_str;

/// The header with the subdomain of the intake.
const SUBDOMAIN: &str = "x-datadog-evp-subdomain";
/// The header that asks for the key of an application.
const NEEDS_APPLICATION_KEY: &str = "x-datadog-needsappkey";

/// What is wrong with a request, in words for whoever wrote the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Invalid {
    #[error("EVPProxy: the header X-Datadog-EVP-Subdomain is missing")]
    NoSubdomain,
    #[error("EVPProxy: the subdomain in X-Datadog-EVP-Subdomain is not valid")]
    Subdomain,
    #[error("EVPProxy: the path is not valid")]
    Path,
    #[error("EVPProxy: the query is not valid")]
    Query,
    #[error("EVPProxy: the request needs an application key, and none is configured")]
    NoApplicationKey,
}

/// Checks a request and returns the subdomain that it names.
pub(super) fn check<'h>(
    headers: &'h HeaderMap,
    path: &str,
    query: Option<&str>,
) -> Result<&'h str, Invalid> {
    let subdomain = headers.get(SUBDOMAIN).ok_or(Invalid::NoSubdomain)?;
    let subdomain = subdomain.to_str().map_err(|_| Invalid::Subdomain)?;
    if subdomain.is_empty() {
        return Err(Invalid::NoSubdomain);
    }
    let has_empty_label = subdomain.split('.').any(str::is_empty);
    if has_empty_label || !all(subdomain.as_bytes(), b"_-.") {
        return Err(Invalid::Subdomain);
    }
    if !all(path.as_bytes(), b"/_-+") {
        return Err(Invalid::Path);
    }
    // An escape that is none stays as it is, and `%` is none of those allowed.
    let query: Vec<u8> = percent_decode_str(query.unwrap_or_default()).collect();
    if !all(&query, b"/_-+@?&=.:\"[]") {
        return Err(Invalid::Query);
    }
    Ok(subdomain)
}

/// Whether a request asks for the key of an application.
pub(super) fn needs_application_key(headers: &HeaderMap) -> bool {
    let asks = headers.get(NEEDS_APPLICATION_KEY);
    asks.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

fn all(text: &[u8], besides: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || besides.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(subdomain: Option<&'static str>, path: &str, query: &str) -> Result<String, Invalid> {
        let mut headers = HeaderMap::new();
        if let Some(subdomain) = subdomain {
            headers.insert(SUBDOMAIN, subdomain.parse().unwrap());
        }
        check(&headers, path, Some(query)).map(str::to_owned)
    }

    #[test]
    fn a_request_says_where_it_goes_in_letters_that_mean_nothing_else() {
        assert_eq!(
            of(Some("api.x_y-1"), "api/v2/a_b-c+d", "").unwrap(),
            "api.x_y-1"
        );
        assert_eq!(of(None, "api", ""), Err(Invalid::NoSubdomain));
        assert_eq!(of(Some(""), "api", ""), Err(Invalid::NoSubdomain));
        for subdomain in ["evil.com/", "a:1", "u@h", "a b", "é", "..", "a."] {
            assert_eq!(
                of(Some(subdomain), "api", ""),
                Err(Invalid::Subdomain),
                "{subdomain}"
            );
        }
        for path in ["a/../b", "a%2fb", "a b", "a:b"] {
            assert_eq!(of(Some("api"), path, ""), Err(Invalid::Path), "{path}");
        }
    }

    #[test]
    fn a_query_is_judged_by_what_it_means() {
        let query = "a=%5B%22x%22%5D&b[0]=c@d.e:f/g?h-i_j+k";
        assert_eq!(of(Some("api"), "api", query).unwrap(), "api");
        for query in ["a=%00", "a=%20", "a=%zz", "a=<b>", "a=%C3%A9"] {
            assert_eq!(
                of(Some("api"), "api", query),
                Err(Invalid::Query),
                "{query}"
            );
        }
    }

    #[test]
    fn an_application_key_is_asked_for_in_any_case_of_letters() {
        let asks = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(NEEDS_APPLICATION_KEY, value.parse().unwrap());
            needs_application_key(&headers)
        };
        assert!(asks("true") && asks("True") && asks("TRUE"));
        assert!(!asks("1") && !asks("false"));
        assert!(!needs_application_key(&HeaderMap::new()));
    }
}
