//! How this agent was installed, which the first trace of each service tells.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::config::Install;
use crate::span::{Span, Text};

/// Services that are remembered; clients name them, and could name any.
const MAX_SERVICES: usize = 1_000;

/// Marks the first trace of each service.
#[derive(Debug)]
pub(super) struct FirstTraces {
    install: Install,
    seen: Mutex<HashSet<String>>,
}

impl FirstTraces {
    pub(super) fn new(install: Install) -> Self {
        Self {
            install,
            seen: Mutex::default(),
        }
    }

    /// Marks a root if it is the first of its service since the start.
    pub(super) fn mark<'a>(&'a self, root: &mut Span<'a>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_SERVICES || seen.contains(root.service.as_ref()) {
            return;
        }
        seen.insert(root.service.to_string());
        drop(seen);
        for (key, value) in [
            ("_dd.install.id", &self.install.id),
            ("_dd.install.type", &self.install.kind),
            ("_dd.install.time", &self.install.time),
        ] {
            root.meta.insert(key, Text::from(value.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_trace_of_a_service_tells_of_the_installation() {
        let first = FirstTraces::new(Install {
            id: "id".to_owned(),
            kind: "k8s".to_owned(),
            time: "17".to_owned(),
        });
        let marks = |service: &str| {
            let mut root = Span {
                service: service.to_owned().into(),
                ..Span::default()
            };
            first.mark(&mut root);
            let tag = |key| root.tag(key).unwrap_or_default().to_owned();
            ["_dd.install.id", "_dd.install.type", "_dd.install.time"].map(tag)
        };
        assert_eq!(marks("a"), ["id", "k8s", "17"]);
        assert_eq!(marks("a"), ["", "", ""]);
        assert_eq!(marks("b"), ["id", "k8s", "17"]);
        for number in 0..2 * MAX_SERVICES {
            marks(&number.to_string());
        }
        assert_eq!(first.seen.lock().unwrap().len(), MAX_SERVICES);
    }
}
