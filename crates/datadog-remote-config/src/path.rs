//! Names of files of configuration, and the patterns by which roles are responsible for them.
//!
//! Any product is one: a list of known ones would keep new ones from tracers that know them.

use std::fmt;

/// Why a text is not the name of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It begins with neither `datadog/` nor `employee/`.
    #[error("config path '{0}' has unknown source")]
    UnknownSource(String),
    /// It has not the segments that its source asks for.
    #[error("config path '{0}' has wrong format")]
    WrongFormat(String),
}

/// The name of a file: `datadog/ORG/PRODUCT/ID/NAME` or `employee/PRODUCT/ID/NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetPath<'a> {
    text: &'a str,
    org_id: Option<i64>,
    product: &'a str,
    config_id: &'a str,
    name: &'a str,
}

impl<'a> TargetPath<'a> {
    /// Reads a name.
    ///
    /// # Errors
    /// When the source is unknown, a segment is missing, empty or too many, or the organisation is not a number of 63
    /// bits.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let wrong = || Error::WrongFormat(text.to_owned());
        let (source, rest) = text.split_once('/').unwrap_or((text, ""));
        let (org_id, rest) = match source {
            "datadog" => {
                let (org, rest) = rest.split_once('/').ok_or_else(wrong)?;
                // A sign is not a digit.
                let digits = org.bytes().all(|byte| byte.is_ascii_digit());
                let id = org.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
                (Some(id), rest)
            }
            "employee" => (None, rest),
            _ => return Err(Error::UnknownSource(text.to_owned())),
        };
        let mut segments = rest.split('/');
        let mut next = || segments.next().filter(|segment| !segment.is_empty());
        let (Some(product), Some(config_id), Some(name)) = (next(), next(), next()) else {
            return Err(wrong());
        };
        if segments.next().is_some() {
            return Err(wrong());
        }
        Ok(Self {
            text,
            org_id,
            product,
            config_id,
            name,
        })
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The organisation; `None` when the file is of an employee, and of none.
    #[must_use]
    pub fn org_id(&self) -> Option<i64> {
        self.org_id
    }

    /// What the file configures: `APM_TRACING`, `ASM_DD` and the like, or something unheard of.
    #[must_use]
    pub fn product(&self) -> &'a str {
        self.product
    }

    /// Which of the product's configurations it is.
    #[must_use]
    pub fn config_id(&self) -> &'a str {
        self.config_id
    }

    /// The last segment.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }
}

impl fmt::Display for TargetPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// The name of a file without the hash that the backend puts before its last segment, `HASH.NAME`.
///
/// # Errors
/// When there is no `/`, or nothing behind the last one.
pub fn logical(path: &str) -> Result<String, Error> {
    match path.rsplit_once('/') {
        Some((_, "")) | None => Err(Error::WrongFormat(path.to_owned())),
        Some((folder, last)) => {
            let name = last.split_once('.').map_or(last, |(_, name)| name);
            Ok(format!("{folder}/{name}"))
        }
    }
}

/// The files that a role is responsible for: segments, in which `*` stands for anything but a `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern; every text is one.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether a name is of this pattern.
    /// Takes at most as many steps as the product of their lengths.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let mut patterns = self.0.split('/');
        let mut segments = path.split('/');
        loop {
            match (patterns.next(), segments.next()) {
                (None, None) => return true,
                (Some(pattern), Some(segment))
                    if segment_matches(pattern.as_bytes(), segment.as_bytes()) => {}
                _ => return false,
            }
        }
    }
}

/// Tries the shortest run for each `*`, and lengthens only the last one: the earlier ones need no other.
fn segment_matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', after)), _) => {
                star = Some((after, text));
                pattern = after;
            }
            (Some((want, after)), Some((have, rest))) if want == have => {
                pattern = after;
                text = rest;
            }
            (None, None) => return true,
            _ => {
                let Some((after, from)) = star else {
                    return false;
                };
                let Some((_, longer)) = from.split_first() else {
                    return false;
                };
                star = Some((after, longer));
                pattern = after;
                text = longer;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_segments_of_datadog_and_four_of_an_employee_are_names() {
        let path = TargetPath::parse("datadog/42/APM_TRACING/c/n").unwrap();
        assert_eq!(path.org_id(), Some(42));
        assert_eq!(
            (path.product(), path.config_id(), path.name()),
            ("APM_TRACING", "c", "n")
        );
        let path = TargetPath::parse("employee/ASM_DD/x/y").unwrap();
        assert_eq!(path.org_id(), None);
        assert_eq!(
            (path.product(), path.config_id(), path.name()),
            ("ASM_DD", "x", "y")
        );
        let largest = TargetPath::parse("datadog/9223372036854775807/NEW PRODUCT/c/n").unwrap();
        assert_eq!(largest.org_id(), Some(i64::MAX));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "datadog/2/ASM/c",
            "datadog//ASM/c/n",
            "datadog/2/ASM//n",
            "datadog/2/ASM/c/",
            "datadog/2/ASM/c/n/",
            "datadog/2/ASM/c/n/m",
            "datadog/-2/ASM/c/n",
            "datadog/+2/ASM/c/n",
            "datadog/a/ASM/c/n",
            "datadog/9223372036854775808/ASM/c/n",
            "datadog",
            "employee/ASM_DD/x",
            "employee/ASM_DD/x/y/z",
            "employee",
        ] {
            let error = TargetPath::parse(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("config path '{text}' has wrong format")
            );
        }
        for text in [
            "other/2/ASM/c/n",
            "",
            "/datadog/2/ASM/c/n",
            "Datadog/2/ASM/c/n",
        ] {
            let error = TargetPath::parse(text).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("config path '{text}' has unknown source")
            );
        }
    }

    #[test]
    fn the_hash_before_the_last_segment_is_taken_off() {
        let check = |path, expected: &str| assert_eq!(logical(path).unwrap(), expected);
        check("datadog/2/ASM/id/abc.config", "datadog/2/ASM/id/config");
        check("datadog/2/ASM/id/abc.a.b", "datadog/2/ASM/id/a.b");
        check("datadog/2/ASM/id/config", "datadog/2/ASM/id/config");
        check("a.b/2/c", "a.b/2/c");
        assert_eq!(logical("x"), Err(Error::WrongFormat("x".to_owned())));
        assert_eq!(logical("a/"), Err(Error::WrongFormat("a/".to_owned())));
    }

    #[test]
    fn patterns_match_segment_by_segment() {
        #[track_caller]
        fn check(pattern: &str, path: &str, expected: bool) {
            assert_eq!(Pattern::new(pattern).matches(path), expected);
        }
        check("datadog/*/ASM/*/*", "datadog/2/ASM/i/n", true);
        check("datadog/*/ASM/*/*", "datadog/2/x/ASM/i/n", false);
        check("datadog/*/ASM/*/*", "datadog/2/ASM/i", false);
        check("employee/CWS*/a/*", "employee/CWS_DD/a/b", true);
        check("employee/CWS*/a/*", "employee/XCWS/a/b", false);
        check("ab*cd", "abcd", true);
        check("ab*cd", "abcdcd", true);
        check("ab*cd", "abcdc", false);
        check("*a*b*", "xaxb", true);
        check("*a*b*", "bxa", false);
        check("*", "", true);
        check("**", "a", true);
        check("*", "a/b", false);
        check("a", "A", false);
    }

    fn segment() -> impl Strategy<Value = String> {
        "[^/]{1,12}"
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(
            org in 0..=i64::MAX, product in segment(), id in segment(), name in segment(),
        ) {
            let text = format!("datadog/{org}/{product}/{id}/{name}");
            let path = TargetPath::parse(&text).unwrap();
            prop_assert_eq!(path.to_string(), text.clone());
            prop_assert_eq!(path.org_id(), Some(org));
            prop_assert_eq!(path.product(), product.clone());
            prop_assert_eq!(path.config_id(), id.clone());
            prop_assert_eq!(path.name(), name.clone());
            let text = format!("employee/{product}/{id}/{name}");
            let path = TargetPath::parse(&text).unwrap();
            prop_assert_eq!(path.to_string(), text.clone());
            prop_assert_eq!(path.product(), product);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(datadog/|employee/|)[0-9a/.*]{0,20}\\PC{0,8}") {
            if let Ok(path) = TargetPath::parse(&text) {
                let org = path.org_id().is_some();
                prop_assert_eq!(path.as_str().split('/').count(), if org { 5 } else { 4 });
            }
            prop_assert!(Pattern::new("*").matches(&text) != text.contains('/'));
            prop_assert!(Pattern::new(text.as_str()).matches(&text));
        }

        #[test]
        fn a_star_stands_for_any_part(before in "[ab]{0,4}", part in "[ab]{0,4}", after in "[ab]{0,4}") {
            let pattern = Pattern::new(format!("{before}*{after}"));
            let whole = format!("{before}{part}{after}");
            prop_assert!(pattern.matches(&whole));
        }
    }
}
