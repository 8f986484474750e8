//! Tags that requests are passed on with: in the query, where every other parameter stays as it came, and in headers.
//!
//! Works on bytes, since what clients send need not be text, and invents no tag.

use hyper::header::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use crate::config::Identity;

/// Bytes of all tags of a request; the intake takes no more.
const MAX_BYTES: usize = 4_001;
/// The parameter of a query that holds tags.
const PARAMETER: &str = "ddtags";
/// What is written as it is in a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What every request says of the agent that passes it on.
pub(super) fn of_agent(identity: &Identity) -> String {
    format!(
        "host:{},default_env:{},agent_version:{}",
        identity.hostname, identity.env, identity.version
    )
}

/// Lists of tags as one, cut before the first tag that is too much.
pub(super) fn join<'a>(lists: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut joined: Vec<u8> = Vec::new();
    let lists = lists.into_iter();
    for tag in lists.flat_map(|list| list.split(|&byte| byte == b',')) {
        let tag = tag.trim_ascii();
        if tag.is_empty() {
            continue;
        }
        let comma = usize::from(!joined.is_empty());
        if joined.len() + comma + tag.len() > MAX_BYTES {
            break;
        }
        if comma > 0 {
            joined.push(b',');
        }
        joined.extend_from_slice(tag);
    }
    joined
}

/// A query with these tags before those that it has; all else in it stays as it is, byte for byte.
pub(super) fn with_tags(query: Option<&str>, tags: &[&[u8]]) -> String {
    let mut kept = String::new();
    let mut own: Vec<Vec<u8>> = Vec::new();
    for pair in query.unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(name) == PARAMETER.as_bytes() {
            own.push(decode(value));
        } else if !pair.is_empty() {
            kept.push_str(pair);
            kept.push('&');
        }
    }
    let lists = tags.iter().copied().chain(own.iter().map(Vec::as_slice));
    let joined = join(lists);
    format!("{kept}{PARAMETER}={}", percent_encode(&joined, ESCAPED))
}

/// A query with this parameter in the place of any of its name; all else in it stays as it is.
pub(super) fn with_parameter(query: Option<&str>, name: &str, value: &str) -> String {
    let mut changed = format!("{name}={value}");
    for pair in query.unwrap_or_default().split('&') {
        let given = pair.split('=').next().unwrap_or_default();
        if !pair.is_empty() && decode(given) != name.as_bytes() {
            changed.push('&');
            changed.push_str(pair);
        }
    }
    changed
}

/// A value of a form: `+` is a blank.
fn decode(text: &str) -> Vec<u8> {
    let spaced: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    percent_decode(&spaced).collect()
}

/// Text as the value of a header: each run of line ends, and each other sign that no header may have, is a `_`.
pub(super) fn header(text: &[u8]) -> HeaderValue {
    let mut value = Vec::with_capacity(text.len());
    let mut in_line_end = false;
    for &byte in text {
        let is_line_end = matches!(byte, b'\r' | b'\n');
        match byte {
            _ if is_line_end && in_line_end => {}
            b'\t' => value.push(byte),
            _ if byte.is_ascii_control() => value.push(b'_'),
            _ => value.push(byte),
        }
        in_line_end = is_line_end;
    }
    HeaderValue::from_bytes(&value).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_cut_between_two_of_them() {
        let tag = [b'x'; 1_000];
        let four = join([tag.as_slice(), &tag, &tag, &tag]);
        assert_eq!(four.len(), 4_003 - 1_001, "three and their commas");
        let short = [b'y'; 998];
        let all = join([tag.as_slice(), &tag, &tag, &short]);
        assert_eq!(all.len(), MAX_BYTES);
        let one_more = [b'y'; 999];
        let three = join([tag.as_slice(), &tag, &tag, &one_more, b"z"]);
        assert_eq!(three.len(), 3_002, "nothing after the cut");
    }

    #[test]
    fn a_cut_never_falls_within_a_character() {
        let tags = vec!["é".repeat(700); 4].join(",");
        let cut = join([tags.as_bytes()]);
        assert_eq!(cut, vec!["é".repeat(700); 2].join(",").into_bytes());
    }

    #[test]
    fn tags_of_a_query_come_last_and_other_parameters_stay_as_they_are() {
        for (query, expected) in [
            (None, "ddtags=host%3Ah%2Ca%3Ab"),
            (Some(""), "ddtags=host%3Ah%2Ca%3Ab"),
            (
                Some("x=1&x=%C3%A9+%2f&y"),
                "x=1&x=%C3%A9+%2f&y&ddtags=host%3Ah%2Ca%3Ab",
            ),
            (
                Some("ddtags=c:d,e+f&x=1&dd%74ags=%C3%A9"),
                "x=1&ddtags=host%3Ah%2Ca%3Ab%2Cc%3Ad%2Ce%20f%2C%C3%A9",
            ),
        ] {
            assert_eq!(
                with_tags(query, &[b"host:h", b"a:b"]),
                expected,
                "{query:?}"
            );
        }
    }

    #[test]
    fn a_parameter_takes_the_place_of_its_namesakes() {
        assert_eq!(with_parameter(None, "api-version", "2"), "api-version=2");
        assert_eq!(
            with_parameter(Some("a=%2f&api-version=1&b"), "api-version", "2"),
            "api-version=2&a=%2f&b"
        );
    }

    #[test]
    fn no_line_end_gets_into_a_header() {
        assert_eq!(header(b"a\r\n\r\nb\nc\x01\x02\td"), "a_b_c__\td");
        assert_eq!(header("é".as_bytes()).as_bytes(), "é".as_bytes());
    }

    #[test]
    fn the_agent_says_who_it_is() {
        let identity = Identity {
            hostname: "h".to_owned(),
            version: "1.2.3".to_owned(),
            ..Identity::default()
        };
        assert_eq!(
            of_agent(&identity),
            "host:h,default_env:none,agent_version:1.2.3"
        );
    }
}
