//! The wire format of the stateful log stream.

/// A generation of the wire format: the envelope is the same in all of them, what it carries is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `datadog.intake.stateful.StatefulLogsService/LogsStream`, as published.
    A,
    /// `datadog.intake.stateful.StatefulIntake/StatefulStream`, with flat logs and typed JSON columns.
    C,
}
