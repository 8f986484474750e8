//! Remote configuration from code: pushing, withdrawing, and waiting until a client goes by it.

use std::future::Future;
use std::panic::Location;

use super::Intake;
use crate::expect;
use crate::remote_config::{
    PushError, RemoteConfig, RemoteConfigSettings, RemoteConfigSnapshot, Repository,
};
use crate::server::now_s;

impl Intake {
    /// Pushes a file of configuration to the agents that poll; another of the same name makes way for it.
    ///
    /// # Errors
    /// When a part of its name, its bytes or a predicate cannot be, or too much is pushed already.
    pub fn push_config(&self, file: RemoteConfig) -> Result<(), PushError> {
        self.shared.remote_config().push(vec![file], now_s())
    }

    /// Withdraws the file of that name; whether it was there.
    pub fn withdraw_config(&self, path: &str) -> bool {
        self.shared.remote_config().withdraw(path, now_s())
    }

    /// Withdraws every file.
    pub fn withdraw_all_configs(&self) {
        self.shared.remote_config().withdraw_all(now_s());
    }

    /// Changes what the backend of remote configuration does beside what was pushed.
    pub fn set_remote_config(&self, settings: RemoteConfigSettings) {
        self.shared.remote_config().set(settings);
    }

    /// Makes a new root of a repository, which brings new keys for its roots, timestamps and snapshots; false once
    /// there are a thousand.
    pub fn rotate_root(&self, repository: Repository) -> bool {
        self.shared.remote_config().rotate(repository, now_s())
    }

    /// What is pushed, and what the agents said with their last polls.
    #[must_use]
    pub fn remote_config(&self) -> RemoteConfigSnapshot {
        self.shared.remote_config().snapshot()
    }

    /// Waits until a client goes by the file of that name, as it was pushed last.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_acknowledged<'a>(&'a self, path: &'a str) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        let check = move |_: &_| self.shared.remote_config().is_acknowledged(path);
        expect::until(&self.shared, self.deadline, check, path, caller)
    }
}
