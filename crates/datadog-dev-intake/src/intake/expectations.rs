//! What a test waits for: each with a deadline, and with what did arrive when it passes.

use std::future::Future;
use std::panic::Location;

use super::Intake;
use crate::expect::{self, Named};
use crate::snapshot::Snapshot;

impl Intake {
    /// Waits until each of `messages` has arrived, as often as it is listed; order and other logs do not matter.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_logs<'a, S: AsRef<str>>(
        &'a self,
        messages: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(&self.shared, self.deadline, Named::Logs, messages, caller)
    }

    /// Waits until series of each of these names have arrived, as often as each is listed; order and others do not matter.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_series<'a, S: AsRef<str>>(
        &'a self,
        names: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(&self.shared, self.deadline, Named::Series, names, caller)
    }

    /// Waits until distributions of each of these names have arrived, as often as each is listed.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_sketches<'a, S: AsRef<str>>(
        &'a self,
        names: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(&self.shared, self.deadline, Named::Sketches, names, caller)
    }

    /// Waits until events with each of these titles have arrived, as often as each is listed.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_events<'a, S: AsRef<str>>(
        &'a self,
        titles: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(&self.shared, self.deadline, Named::Events, titles, caller)
    }

    /// Waits until service checks of each of these names have arrived, as often as each is listed.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_checks<'a, S: AsRef<str>>(
        &'a self,
        names: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(&self.shared, self.deadline, Named::Checks, names, caller)
    }

    /// Waits until traces whose root has each of these resources have arrived, as often as each is listed; each chunk
    /// counts as one.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_traces<'a, S: AsRef<str>>(
        &'a self,
        resources: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(
            &self.shared,
            self.deadline,
            Named::Traces,
            resources,
            caller,
        )
    }

    /// Waits until groups of trace stats of each of these resources have arrived, as often as each is listed.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_stats<'a, S: AsRef<str>>(
        &'a self,
        resources: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(&self.shared, self.deadline, Named::Stats, resources, caller)
    }

    /// Waits until security events of rules with each of these ids have arrived, as often as each is listed.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect_security<'a, S: AsRef<str>>(
        &'a self,
        rules: &'a [S],
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::named(&self.shared, self.deadline, Named::Security, rules, caller)
    }

    /// Waits until `check` holds of what is kept. `what` says in words what is waited for.
    ///
    /// # Panics
    /// When the deadline passes first, printing what did arrive.
    #[track_caller]
    pub fn expect<'a>(
        &'a self,
        check: impl Fn(&Snapshot) -> bool + 'a,
        what: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let caller = Location::caller();
        expect::until(&self.shared, self.deadline, check, what, caller)
    }
}
