//! Where a client runs, as far as it says so itself: in fields of any message.
//!
//! The fields are kept as they came, and their items read when somebody asks. What contains other characters than
//! these lists have is no such list, and says nothing.

/// What a client said about where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Origin<'a> {
    /// Field `c:`: its container.
    pub local: Option<LocalData<'a>>,
    /// Field `e:`: what was handed to it by Kubernetes.
    pub external: Option<ExternalData<'a>>,
    /// Field `card:`: how many tags about its origin it wants.
    pub cardinality: Option<Cardinality>,
}

/// A container, by its id or by the inode of its control group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalData<'a>(&'a str);

/// A pod and a container in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExternalData<'a>(&'a str);

/// How many tags about the origin of a message are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// None at all.
    None,
    /// Those of hosts and services.
    Low,
    /// Those of pods and tasks too.
    Orchestrator,
    /// Those of containers too.
    High,
}

impl<'a> Origin<'a> {
    /// Takes in a field of a message, if it is one of these. Of those that come twice, the last one counts.
    pub(super) fn field(&mut self, field: &'a [u8]) {
        match field {
            [b'c', b':', data @ ..] => self.local = LocalData::of(data),
            [b'e', b':', data @ ..] => self.external = ExternalData::of(data),
            [b'c', b'a', b'r', b'd', b':', level @ ..] => self.cardinality = Cardinality::of(level),
            _ => {}
        }
    }
}

impl<'a> LocalData<'a> {
    fn of(data: &'a [u8]) -> Option<Self> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b',');
        list(data, allowed).map(Self)
    }

    /// The list as it came.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// The id of the container: `ci-ID` in the list, or all of it as `cid-ID` or as the id itself.
    pub fn container_id(self) -> Option<&'a str> {
        if let Some(id) = item(self.0, "ci-") {
            return Some(id);
        }
        let single = self.0.strip_prefix("cid-").unwrap_or(self.0);
        let is_list = single.contains(',') || single.starts_with("in-");
        (!is_list && !single.is_empty() && single != "ci-").then_some(single)
    }

    /// The inode of the control group of the container: `in-NUMBER` in the list.
    pub fn inode(self) -> Option<u64> {
        item(self.0, "in-")?.parse().ok()
    }
}

impl<'a> ExternalData<'a> {
    fn of(data: &'a [u8]) -> Option<Self> {
        let allowed = |byte: &u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b',')
        };
        list(data, allowed).map(Self)
    }

    /// The list as it came.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether the container prepares others and ends before they start: `it-BOOL` in the list.
    pub fn init_container(self) -> Option<bool> {
        match item(self.0, "it-")? {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        }
    }

    /// The name of the container: `cn-NAME` in the list.
    pub fn container_name(self) -> Option<&'a str> {
        item(self.0, "cn-")
    }

    /// The unique id of the pod: `pu-UID` in the list.
    pub fn pod_uid(self) -> Option<&'a str> {
        item(self.0, "pu-")
    }
}

impl Cardinality {
    /// The level of a name, in any case; `None` of an unknown one.
    pub fn of(name: &[u8]) -> Option<Self> {
        [
            (&b"none"[..], Self::None),
            (b"low", Self::Low),
            (b"orchestrator", Self::Orchestrator),
            (b"high", Self::High),
        ]
        .into_iter()
        .find_map(|(known, level)| known.eq_ignore_ascii_case(name).then_some(level))
    }
}

/// A list that is not empty and has no other bytes, which are ASCII.
fn list(data: &[u8], allowed: impl Fn(&u8) -> bool) -> Option<&str> {
    (!data.is_empty() && data.iter().all(allowed))
        .then(|| str::from_utf8(data).ok())
        .flatten()
}

/// What follows a prefix in the last item of a list that has it and is not empty.
fn item<'a>(list: &'a str, prefix: &str) -> Option<&'a str> {
    list.rsplit(',')
        .filter_map(|item| item.strip_prefix(prefix))
        .find(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(data: &str) -> (Option<&str>, Option<u64>) {
        let data = LocalData::of(data.as_bytes()).unwrap();
        (data.container_id(), data.inode())
    }

    #[test]
    fn containers_are_named_by_id_or_by_inode() {
        assert_eq!(local("ci-abc,in-42"), (Some("abc"), Some(42)));
        assert_eq!(local("in-42,ci-abc"), (Some("abc"), Some(42)));
        assert_eq!(local("in-42"), (None, Some(42)));
        assert_eq!(local("ci-abc"), (Some("abc"), None));
        assert_eq!(local("in-4x,ci-abc"), (Some("abc"), None));
        assert_eq!(
            local("zz-1,in-18446744073709551615"),
            (None, Some(u64::MAX))
        );
        assert_eq!(local("in-18446744073709551616"), (None, None));
    }

    #[test]
    fn a_container_may_stand_alone_as_older_clients_have_it() {
        assert_eq!(local("cid-abc"), (Some("abc"), None));
        assert_eq!(local("83c0a99c"), (Some("83c0a99c"), None));
        assert_eq!(local("ci-"), (None, None));
        assert_eq!(local("cid-"), (None, None));
    }

    #[test]
    fn external_data_may_be_partial() {
        let external = |data: &'static str| {
            let data = ExternalData::of(data.as_bytes()).unwrap();
            (data.init_container(), data.container_name(), data.pod_uid())
        };
        assert_eq!(
            external("it-false,cn-web,pu-1"),
            (Some(false), Some("web"), Some("1"))
        );
        assert_eq!(
            external("pu-a-b,zz-9,it-true"),
            (Some(true), None, Some("a-b"))
        );
        assert_eq!(external("it-maybe,cn-"), (None, None, None));
    }

    #[test]
    fn other_characters_are_no_list() {
        for data in ["", "ci-a/b", "ci-a b", "é"] {
            assert_eq!(LocalData::of(data.as_bytes()), None, "{data}");
        }
        for data in ["", "cn-Web", "cn-a_b"] {
            assert_eq!(ExternalData::of(data.as_bytes()), None, "{data}");
        }
        assert!(LocalData::of(b"ci-ABC").is_some());
    }

    #[test]
    fn levels_are_known_in_any_case() {
        for (name, level) in [
            ("none", Some(Cardinality::None)),
            ("Low", Some(Cardinality::Low)),
            ("ORCHESTRATOR", Some(Cardinality::Orchestrator)),
            ("high", Some(Cardinality::High)),
            ("medium", None),
            ("", None),
        ] {
            assert_eq!(Cardinality::of(name.as_bytes()), level, "{name}");
        }
    }
}
