//! URLs without names, passwords and, if asked for, queries and numbers in paths.
//!
//! Reads URLs as the agent's language does, which is more lenient than browsers are, and changes no more than it must:
//! a host stays as it was written.

mod parse;
mod percent;

use std::borrow::Cow;

use crate::obfuscate::config::Http;
use crate::percent::decode;
use parse::Url;
use percent::{Place, encode, is_encoded};

/// A URL without its secrets.
///
/// One that does not parse becomes `?` if anything but names and passwords is to go, else it stays.
pub(crate) fn obfuscate(text: &str, options: Http) -> Cow<'_, str> {
    let has_options = options.remove_query_string || options.remove_paths_with_digits;
    if !has_options && is_plain(text) {
        return Cow::Borrowed(text);
    }
    match Url::parse(text).and_then(|url| write(&url, options)) {
        Some(written) if written == text => Cow::Borrowed(text),
        Some(written) => Cow::Owned(written),
        None if has_options => Cow::Borrowed("?"),
        None => Cow::Borrowed(text),
    }
}

/// Whether a URL certainly has no user and nothing to encode, without parsing it.
fn is_plain(text: &str) -> bool {
    let before_query =
        text.split_once('?').map_or(
            text,
            |(before, query)| {
                if query.contains('#') { text } else { before }
            },
        );
    let has_capital_scheme = before_query
        .bytes()
        .take_while(|byte| *byte != b':')
        .any(|byte| byte.is_ascii_uppercase());
    !has_capital_scheme
        && before_query.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b':')
        })
}

/// Nothing, if its path or fragment is badly encoded.
fn write(url: &Url<'_>, options: Http) -> Option<String> {
    let mut out = String::with_capacity(url.len());
    if let Some(scheme) = url.scheme {
        out.extend(scheme.chars().map(|char| char.to_ascii_lowercase()));
        out.push(':');
    }
    if let Some(host) = url.host {
        out.push_str("//");
        encode(host.as_bytes(), Place::Host, &mut out);
    }
    match url.opaque {
        Some(opaque) => out.push_str(opaque),
        None => {
            write_path(url.path, options, &mut out)?;
            let is_relative = url.scheme.is_none() && url.host.is_none();
            let first = out.split('/').next().unwrap_or_default();
            if is_relative && first.contains(':') {
                // What was encoded is not: a reader would take it for a scheme.
                out.insert_str(0, "./");
            }
        }
    }
    if let Some(query) = url.query {
        out.push('?');
        if !options.remove_query_string {
            out.push_str(query);
        }
    }
    if !url.fragment.is_empty() {
        out.push('#');
        write_encoded(url.fragment, Place::Fragment, &mut out)?;
    }
    Some(out)
}

fn write_path(path: &str, options: Http, out: &mut String) -> Option<()> {
    let has_digit = |segment: &[u8]| segment.iter().any(u8::is_ascii_digit);
    if !options.remove_paths_with_digits || !has_digit(path.as_bytes()) {
        return write_encoded(path, Place::Path, out);
    }
    let decoded = decode(path)?;
    if !has_digit(&decoded) {
        return write_encoded(path, Place::Path, out);
    }
    for (index, segment) in decoded.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        if has_digit(segment) {
            out.push('?');
        } else {
            encode(segment, Place::Path, out);
        }
    }
    Some(())
}

/// Writes a text as it is if it needs no encoding, else encoded throughout.
fn write_encoded(text: &str, place: Place, out: &mut String) -> Option<()> {
    let decoded = decode(text)?;
    if is_encoded(text, place) {
        out.push_str(text);
    } else {
        encode(&decoded, place, out);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONE: Http = Http {
        remove_query_string: false,
        remove_paths_with_digits: false,
    };
    const QUERY: Http = Http {
        remove_query_string: true,
        ..NONE
    };
    const DIGITS: Http = Http {
        remove_paths_with_digits: true,
        ..NONE
    };
    const BOTH: Http = Http {
        remove_query_string: true,
        remove_paths_with_digits: true,
    };

    #[track_caller]
    fn check(options: Http, url: &str, expect: &str) {
        assert_eq!(obfuscate(url, options), expect, "{url}");
    }

    #[test]
    fn users_are_taken_out() {
        check(NONE, "http://u:p@h/x?y=1", "http://h/x?y=1");
        check(QUERY, "http://u:p@h/x?y=1", "http://h/x?");
        check(NONE, "http://u@h:80", "http://h:80");
        check(NONE, "http://u:p@i@h/", "http://h/");
        check(NONE, "//u:p@h/x", "//h/x");
        check(NONE, "http://u:p%20@[::1]:80/", "http://[::1]:80/");
        check(NONE, "http://h/a@b?c=d@e", "http://h/a@b?c=d@e");
        check(NONE, "mailto:u@h", "mailto:u@h");
    }

    #[test]
    fn queries_and_segments_with_digits_become_question_marks() {
        check(BOTH, "http://h/a1/b/22?q=3", "http://h/?/b/??");
        check(QUERY, "http://h/1?", "http://h/1?");
        check(QUERY, "http://h/1", "http://h/1");
        check(QUERY, "http://h/1?a=b#c", "http://h/1?#c");
        check(DIGITS, "http://h1/a/b?c=1", "http://h1/a/b?c=1");
        check(DIGITS, "/a/1/", "/a/?/");
        check(DIGITS, "1/a", "?/a");
        check(
            DIGITS,
            "http://h/%31/a%20b/%C3%A4",
            "http://h/?/a%20b/%C3%A4",
        );
        check(DIGITS, "http://h/a%20b/%C3%A4", "http://h/a%20b/%C3%A4");
    }

    #[test]
    fn what_must_be_encoded_is() {
        check(NONE, "http://u@h/a b", "http://h/a%20b");
        check(NONE, "http://u@h/ä", "http://h/%C3%A4");
        check(NONE, "http://h/a b", "http://h/a%20b");
        check(NONE, "http://u@h/a(b)!%28", "http://h/a(b)!%28");
        check(NONE, "HTTP://u@h/#a b", "http://h/#a%20b");
        check(NONE, "http://h/#", "http://h/");
        check(NONE, "HTTP://H/", "http://H/");
    }

    #[test]
    fn what_does_not_parse_stays_or_goes_whole() {
        for url in [
            "http://u:p@h:port/",
            "http://u:p@h/%zz",
            "http://u:p@h/%2",
            "http://u p@h/",
            "http://u@h{}/",
            "http://u@[::1/",
            "http://u@h/\u{7f}",
            "://u@h/",
            "1:u@h/",
            "http://u@h/#%zz",
        ] {
            check(NONE, url, url);
            check(QUERY, url, "?");
            check(DIGITS, url, "?");
        }
    }

    #[test]
    fn plain_urls_are_not_copied() {
        for url in [
            "http://example.com:80/a/b?c=d e&f=@%zz",
            "/a/b",
            "",
            "http://h/a%20b",
            "https://h/#a",
        ] {
            assert!(
                matches!(obfuscate(url, NONE), Cow::Borrowed(same) if same == url),
                "{url}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(url in "([a-z]{1,4}:)?[/@:?#%a-f0-9 .{}\\[\\]\u{e4}]*|.*") {
            for options in [NONE, QUERY, DIGITS, BOTH] {
                obfuscate(&url, options);
            }
        }

        #[test]
        fn what_is_obfuscated_stays_as_it_is(
            url in "([a-z]{1,4}:)?[/@:?#%a-f0-9 .{}\\[\\]\u{e4}]*|.*"
        ) {
            for options in [NONE, QUERY] {
                let once = obfuscate(&url, options);
                prop_assert_eq!(&obfuscate(&once, options), &once);
            }
        }

        #[test]
        fn plain_urls_need_no_parsing(url in "[a-zA-Z:/?#@.~ %-]*") {
            if is_plain(&url)
                && let Some(parsed) = Url::parse(&url)
                && let Some(written) = write(&parsed, NONE)
            {
                prop_assert_eq!(written, url);
            }
        }

        #[test]
        fn users_never_stay(
            user in "[a-z!$&'()*+,;=._~-]{1,8}",
            rest in "(/[a-z]{0,4}){0,3}(\\?[a-z=]{0,4})?",
        ) {
            let url = format!("http://{user}:{user}@host{rest}");
            prop_assert_eq!(obfuscate(&url, NONE), format!("http://host{rest}"));
        }
    }
}
