//! Versions of tracers: up to three numbers, and what makes them a pre-release.
//!
//! Numbers that are not given are zero; what follows a `+` says nothing about order.

use std::cmp::Ordering;

/// A version of a tracer.
#[derive(Clone, Debug)]
pub(super) struct Version<'a> {
    pub(super) numbers: [u64; 3],
    /// Empty for a release.
    pub(super) pre: &'a str,
}

impl<'a> Version<'a> {
    /// Reads `v1.2.3-rc.1+build`, of which only the first number must be there.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (numbers, pre) = split_suffixes(text)?;
        let mut read = [0; 3];
        let mut slots = read.iter_mut();
        for number in numbers.split('.') {
            *slots.next()? = parse_number(number)?;
        }
        Some(Self { numbers: read, pre })
    }
}

/// The numbers and the pre-release; what follows a `+` is only checked.
pub(super) fn split_suffixes(text: &str) -> Option<(&str, &str)> {
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (numbers, pre) = match rest.split_once('-') {
        Some((numbers, pre)) => (numbers, Some(pre)),
        None => (rest, None),
    };
    let dotted = |text: &str| {
        text.split('.').all(|part| {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !part.is_empty() && part.bytes().all(letters)
        })
    };
    let valid = build.is_none_or(dotted) && pre.is_none_or(dotted);
    valid.then(|| (numbers, pre.unwrap_or_default()))
}

/// A number of digits alone.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then_with(|| match (self.pre, other.pre) {
            ("", "") => Ordering::Equal,
            // A release comes after its pre-releases.
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (one, two) => compare_pre(one, two),
        })
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version<'_> {}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Part by part: numbers by value and before words, words by their letters, and more parts after fewer.
fn compare_pre(one: &str, two: &str) -> Ordering {
    let (mut ones, mut twos) = (one.split('.'), two.split('.'));
    loop {
        let ordering = match (ones.next(), twos.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (parse_number(a), parse_number(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            },
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_semver_says() {
        let sorted = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "v1",
            "1.0.1",
            "1.2",
            "1.10.0+build",
        ];
        for pair in sorted.windows(2) {
            let [one, two] = [pair[0], pair[1]].map(|text| Version::parse(text).unwrap());
            assert!(one < two, "{one:?} {two:?}");
        }
        assert_eq!(Version::parse("1.0"), Version::parse("v1.0.0+x-y.z"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "v",
            "1.",
            "1.2.3.4",
            "a",
            "1.x",
            "+1",
            "1-",
            "1+",
            "1.0-a..b",
            "1.0 ",
            "99999999999999999999",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
