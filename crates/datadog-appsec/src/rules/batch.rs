//! One batch of remote configuration: what is taken away, what is added, and what became of each file.

use std::sync::atomic::AtomicBool;

use super::{DEFAULT_PATH, Diagnostics, FromRemote, Remote, Rules, Source, State, compact, parse};

/// A product of remote configuration that holds rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// `ASM_DD`: whole sets of rules, which take the place of the default ones.
    Rules,
    /// `ASM`: overrides, exclusions, actions, own rules.
    Changes,
    /// `ASM_DATA`: addresses and users that rules look up.
    Data,
}

impl Product {
    /// The product of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ASM_DD" => Some(Self::Rules),
            "ASM" => Some(Self::Changes),
            "ASM_DATA" => Some(Self::Data),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rules => "ASM_DD",
            Self::Changes => "ASM",
            Self::Data => "ASM_DATA",
        }
    }
}

/// A file of remote configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its whole path, which is its name in the builder too.
    pub path: String,
    /// What it is.
    pub product: Product,
    /// What it holds.
    pub content: Vec<u8>,
}

/// What changed since the last batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Paths that are gone.
    pub removed: Vec<String>,
    /// Files that are new or have changed.
    pub updated: Vec<RemoteFile>,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// For each file of the batch, in its order: used, or the reason that is told to the backend.
    pub files: Vec<(String, Result<(), String>)>,
    /// Whether requests are evaluated with other rules from now on.
    pub swapped: bool,
}

impl State {
    /// Changes the builder and builds once; gives the rules to swap in, if any is active.
    pub(super) fn apply(&mut self, batch: Batch) -> (Applied, Option<Rules>) {
        if self.source == Source::User {
            let refused =
                "the rules come from DD_APPSEC_RULES, which remote configuration does not change";
            let files = batch.updated.into_iter();
            let files = files
                .map(|file| (file.path, Err(refused.to_owned())))
                .collect();
            return (
                Applied {
                    files,
                    swapped: false,
                },
                None,
            );
        }
        for path in batch.removed {
            if self.remote.remove(&path).is_some() {
                self.builder.remove(&path);
            }
        }
        let mut files = Vec::with_capacity(batch.updated.len());
        for file in batch.updated {
            let path = file.path.clone();
            files.push((path, self.put(file)));
        }
        self.restore_default();
        let rules = self.build();
        let swapped = rules.is_some();
        (Applied { files, swapped }, rules)
    }

    /// Adds a file; one that is refused leaves what its path had before.
    fn put(&mut self, file: RemoteFile) -> Result<(), String> {
        let config = parse(&file.content).map_err(|error| error.to_string())?;
        if file.product == Product::Rules && self.has_default {
            // Both have rules of the same ids, of which the second would be refused.
            self.builder.remove(DEFAULT_PATH);
            self.has_default = false;
        }
        let added = self.builder.add_or_update(&file.path, &config);
        if !added.accepted {
            self.put_back(&file.path);
            return Err(compact(&added.diagnostics));
        }
        let diagnostics = Diagnostics::of(&added.diagnostics);
        let failures = diagnostics.failures();
        let remote = Remote {
            product: file.product,
            content: file.content,
            diagnostics,
        };
        self.remote.insert(file.path, remote);
        failures.map_or(Ok(()), Err)
    }

    fn put_back(&mut self, path: &str) {
        self.builder.remove(path);
        let before = self.remote.get(path).map(|remote| parse(&remote.content));
        if let Some(Ok(config)) = before {
            let added = self.builder.add_or_update(path, &config);
            if !added.accepted {
                self.remote.remove(path);
            }
        }
    }

    /// Puts the default rules back once no remote set is left.
    fn restore_default(&mut self) {
        if self.has_default || self.rules_in_use().is_some() {
            return;
        }
        if let Ok(config) = parse(&self.default) {
            let added = self.builder.add_or_update(DEFAULT_PATH, &config);
            self.has_default = added.accepted;
        }
    }

    fn rules_in_use(&self) -> Option<&Remote> {
        let mut files = self.remote.values();
        files.find(|remote| remote.product == Product::Rules)
    }

    fn remote_part(&self) -> Option<FromRemote> {
        let mut from = FromRemote {
            updates: self.updates,
            ..FromRemote::default()
        };
        for file in self.remote.values() {
            *from.files.entry(file.product.name()).or_default() += 1;
        }
        (!from.files.is_empty()).then_some(from)
    }

    fn build(&mut self) -> Option<Rules> {
        let instance = self.builder.build()?;
        self.updates += 1;
        let diagnostics = self
            .rules_in_use()
            .map_or(&self.default_diagnostics, |remote| &remote.diagnostics);
        Some(Rules {
            instance,
            diagnostics: diagnostics.clone(),
            remote: self.remote_part(),
            told: AtomicBool::new(false),
        })
    }
}
