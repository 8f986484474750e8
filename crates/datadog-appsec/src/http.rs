//! A request and its response, as whoever has them hands them over.
//!
//! Plain data with every field public and a default: nothing is read from a socket here, and nothing is checked.
//! Names of headers are compared without regard to case.

use std::collections::HashMap;

/// A request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// As received, such as `GET`.
    pub method: String,
    /// The target as received: path with query, such as `/a?x=1`. A scheme and a host before it are left out.
    pub uri: String,
    /// The route that the framework chose, such as `/users/:id`, if it did.
    pub route: Option<String>,
    /// The address that the connection came from, with or without a port.
    pub client_ip: Option<String>,
    /// Names and values; a name may stand several times. Cookies may stand here too.
    pub headers: Vec<(String, String)>,
    /// Cookies by name, if they were parsed already; else those of the headers are.
    pub cookies: HashMap<String, Vec<String>>,
    /// Parameters of the query by name, decoded, if they were parsed already; else those of `uri` are.
    pub query_params: HashMap<String, Vec<String>>,
    /// Parameters of the path by name.
    pub path_params: HashMap<String, String>,
    /// The body, if it is there already, without content encoding or with one that the headers tell.
    pub body: Option<Vec<u8>>,
    /// The user, if known.
    pub user_id: Option<String>,
    /// The user's session, if known.
    pub session_id: Option<String>,
}

/// A response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// Such as 200.
    pub status_code: i64,
    /// Names and values; a name may stand several times.
    pub headers: Vec<(String, String)>,
    /// The body, if it is to be looked at.
    pub body: Option<Vec<u8>>,
}

/// A request with what was answered, if it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpTransaction {
    /// What was asked.
    pub request: HttpRequest,
    /// What was answered.
    pub response: Option<HttpResponse>,
}

impl HttpTransaction {
    /// One that was not answered yet.
    pub fn from_request(request: HttpRequest) -> Self {
        Self {
            request,
            response: None,
        }
    }

    /// The same with its response.
    #[must_use]
    pub fn with_response(self, response: HttpResponse) -> Self {
        Self {
            response: Some(response),
            ..self
        }
    }

    /// Adds its response.
    pub fn set_response(&mut self, response: HttpResponse) {
        self.response = Some(response);
    }
}

/// The values of a header, in their order.
pub(crate) fn values<'a>(
    headers: &'a [(String, String)],
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    headers
        .iter()
        .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// The path with the query of a target, without scheme, host and fragment.
pub(crate) fn target(uri: &str) -> &str {
    let uri = uri.split_once('#').map_or(uri, |(before, _)| before);
    let before_query = uri.split_once('?').map_or(uri, |(path, _)| path);
    let Some((scheme, _)) = before_query.split_once("://") else {
        return uri;
    };
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_scheme {
        return uri;
    }
    let after = uri.get(scheme.len() + 3..).unwrap_or_default();
    let begin = after.find(['/', '?']);
    begin.and_then(|begin| after.get(begin..)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_path_and_query() {
        for (uri, wanted) in [
            ("/a?x=1", "/a?x=1"),
            ("/a?x=http://b/c#d", "/a?x=http://b/c"),
            ("https://host:8/a/b?x=1", "/a/b?x=1"),
            ("http://host", "/"),
            ("http://host?x=1", "?x=1"),
            ("/../a://b", "/../a://b"),
            ("", ""),
        ] {
            assert_eq!(target(uri), wanted, "{uri}");
        }
    }
}
