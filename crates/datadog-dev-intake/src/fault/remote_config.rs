//! Rules about remote configuration alone: answers that are forged, old or incomplete.

use datadog_wire::remote_config::{CONFIGURATIONS_PATH, ORG_PATH};

use super::Rule;
use crate::remote_config::{DocumentName, Tamper};

impl Rule {
    /// What is to be wrong with an answer, and with which of its documents.
    pub(crate) fn tampering(&self) -> Option<(Tamper, Option<DocumentName>)> {
        let document = self.document.as_ref();
        let document = document.and_then(|name| name.parse().ok());
        self.tamper.map(|tamper| (tamper, document))
    }

    /// Whether the answer on `path` can be so; that of the organisation only where it is asked for by name.
    pub(super) fn concerns_answer(&self, path: &str) -> bool {
        match self.tamper {
            None => true,
            Some(tamper) => {
                path == CONFIGURATIONS_PATH || self.is_of_org(tamper) && path == ORG_PATH
            }
        }
    }

    fn is_of_org(&self, tamper: Tamper) -> bool {
        tamper == Tamper::WrongOrg && self.path == ORG_PATH
    }

    /// What it does to answers of remote configuration, in words.
    pub(super) fn tamper_words(&self, words: &mut Vec<String>) {
        if let Some(tamper) = self.tamper {
            words.push(format!("tamper {}", tamper.name()));
        }
    }

    /// Finds what contradicts itself in a rule for remote configuration.
    pub(super) fn check_tamper(&self) -> Result<(), String> {
        let Some(tamper) = self.tamper else {
            return match self.document {
                Some(_) => Err("has a document without tamper".to_owned()),
                None => Ok(()),
            };
        };
        let reaches = match self.path.strip_suffix('*') {
            Some(prefix) => CONFIGURATIONS_PATH.starts_with(prefix),
            None => self.path == CONFIGURATIONS_PATH || self.is_of_org(tamper),
        };
        if !reaches {
            return Err(
                "has tamper, and a path where no remote configuration is asked for".to_owned(),
            );
        }
        if !self.accepts() || self.status.is_some() {
            return Err("has tamper, and gives another answer instead".to_owned());
        }
        if self.acts_on_reading() || self.stream_effect().is_some() {
            return Err("has tamper beside what is not about answers".to_owned());
        }
        tamper.check(self.document.as_deref())
    }
}
