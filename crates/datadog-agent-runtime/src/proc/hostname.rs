//! Decides the name under which this host reports.
//!
//! The decision is a pure function of what was found; finding is separate and never waits for a network.

use std::io;
use std::path::Path;

use super::read_capped;

/// The name that is reported when none was found.
const UNKNOWN: &str = "unknown";

/// Docker gives a container this many characters of its id as host name.
const SHORT_ID_LENGTH: usize = 12;

/// All that may say what this host is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources<'a> {
    /// What the user says, as setting and name, the strongest first.
    pub configured: Vec<(&'a str, &'a str)>,
    /// Whether this platform has no hosts: functions, and containers that nobody knows the machine of.
    pub hostless: bool,
    /// What the kernel says.
    pub system: Option<&'a str>,
    /// What the environment says.
    pub environment: Option<&'a str>,
    /// The id of the container that we run in.
    pub container_id: Option<&'a str>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostname {
    /// The name; empty where there is no host to speak of.
    pub name: String,
    /// What was passed over, and why.
    pub warnings: Vec<String>,
}

/// Takes the first usable name: configured, system, environment.
#[must_use]
pub fn decide(sources: &Sources<'_>) -> Hostname {
    let mut warnings = Vec::new();
    let mut usable = |source: &str, name: &str| match validate(name) {
        Ok(()) => true,
        Err(problem) => {
            warnings.push(format!("host name from {source} is not used: {problem}"));
            false
        }
    };
    let given = (sources.configured.iter()).find(|(source, name)| usable(source, name.trim()));
    let name = if let Some((_, name)) = given {
        Some(name.trim())
    } else if sources.hostless || is_container_id(sources) {
        Some("")
    } else {
        [
            ("the system", sources.system),
            ("HOSTNAME", sources.environment),
        ]
        .into_iter()
        .filter_map(|(source, name)| Some((source, name?)))
        .find(|(source, name)| usable(source, name))
        .map(|(_, name)| name)
    };
    if name.is_none() {
        warnings.push(format!("no host name was found, reporting as {UNKNOWN:?}"));
    }
    Hostname {
        name: name.unwrap_or(UNKNOWN).to_owned(),
        warnings,
    }
}

/// Whether the system's name is only the start of our container's id: then it names no host.
fn is_container_id(sources: &Sources<'_>) -> bool {
    let short_id = sources
        .container_id
        .and_then(|id| id.get(..SHORT_ID_LENGTH));
    short_id.is_some() && short_id == sources.system
}

/// Says why a host cannot be called like this, by RFC 1123 and common sense.
fn validate(name: &str) -> Result<(), &'static str> {
    const LOCAL: [&str; 4] = [
        "localhost",
        "localhost.localdomain",
        "localhost6.localdomain6",
        "ip6-localhost",
    ];
    if name.is_empty() {
        return Err("it is empty");
    }
    if LOCAL.iter().any(|local| name.eq_ignore_ascii_case(local)) {
        return Err("every machine is called that");
    }
    if name.len() > 255 {
        return Err("it is longer than 255 characters");
    }
    if !name.split('.').all(is_label) {
        return Err("it is not made of letters, digits, hyphens and dots as RFC 1123 asks");
    }
    Ok(())
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let hyphen_at_an_end = label.starts_with('-') || label.ends_with('-');
    !label.is_empty() && !hyphen_at_an_end && label.bytes().all(allowed)
}

/// The name that the kernel has for this machine; `None` if that is no text.
#[must_use]
pub fn system() -> Option<String> {
    let names = rustix::system::uname();
    names.nodename().to_str().ok().map(str::to_owned)
}

/// The name in a file, without blanks around it.
///
/// # Errors
/// Those of reading it.
pub fn from_file(path: &Path) -> io::Result<String> {
    Ok(read_capped(path)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";

    fn name(sources: &Sources<'_>) -> (String, usize) {
        let decided = decide(sources);
        (decided.name, decided.warnings.len())
    }

    fn named(name: &str, warnings: usize) -> (String, usize) {
        (name.to_owned(), warnings)
    }

    #[test]
    fn configured_name_wins_over_everything() {
        let sources = Sources {
            configured: vec![("DD_HOSTNAME", " web-1\n"), ("hostname", "web-2")],
            hostless: true,
            system: Some("web-3"),
            environment: Some("web-4"),
            container_id: Some(ID),
        };
        assert_eq!(name(&sources), named("web-1", 0));
    }

    #[test]
    fn unusable_name_is_warned_of_and_passed_over() {
        let sources = Sources {
            configured: vec![("DD_HOSTNAME", "localhost")],
            system: Some("web-1"),
            ..Sources::default()
        };
        let decided = decide(&sources);
        assert_eq!(decided.name, "web-1");
        assert_eq!(
            decided.warnings,
            ["host name from DD_HOSTNAME is not used: every machine is called that"]
        );
        let sources = Sources {
            configured: vec![("DD_HOSTNAME", "my_host"), ("hostname", "web-2")],
            ..sources
        };
        assert_eq!(name(&sources), named("web-2", 1));
    }

    #[test]
    fn platform_without_hosts_has_an_empty_name() {
        let sources = Sources {
            hostless: true,
            system: Some("169-254-10-245"),
            ..Sources::default()
        };
        assert_eq!(name(&sources), named("", 0));
    }

    #[test]
    fn short_id_of_our_container_is_no_host() {
        let container = |system| Sources {
            system: Some(system),
            environment: Some(system),
            container_id: Some(ID),
            ..Sources::default()
        };
        assert_eq!(name(&container("3726184226f5")), named("", 0));
        assert_eq!(name(&container("3726184226f6")), named("3726184226f6", 0));
    }

    #[test]
    fn environment_comes_after_the_system_and_the_unknown_last() {
        let sources = Sources {
            system: Some("localhost"),
            environment: Some("web-1"),
            ..Sources::default()
        };
        assert_eq!(name(&sources), named("web-1", 1));
        assert_eq!(name(&Sources::default()), named("unknown", 1));
    }

    #[test]
    fn names_are_checked_as_rfc_1123_asks() {
        let long = format!("{}a", "a.".repeat(127));
        assert_eq!(long.len(), 255);
        for good in ["a", "web-1.example.com", "1", "WEB", long.as_str()] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
        let too_long = format!("{long}a");
        for bad in [
            "",
            "LocalHost",
            "localhost.localdomain",
            "localhost6.localdomain6",
            "ip6-localhost",
            "my_host",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.",
            "a b",
            "é",
            too_long.as_str(),
        ] {
            assert!(validate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn name_in_a_file_is_trimmed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "web-1\n").unwrap();
        assert_eq!(from_file(file.path()).unwrap(), "web-1");
    }

    #[test]
    fn this_machine_has_a_name() {
        assert_ne!(system().unwrap(), "");
    }
}
