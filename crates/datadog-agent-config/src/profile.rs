//! Where the agent runs, as far as defaults depend on it.

/// Where the agent runs. Only defaults depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// As a program of its own.
    Standalone,
    /// Inside another program.
    #[default]
    Embedded,
    /// Beside a function, on any platform but Lambda.
    Serverless,
    /// As an extension of AWS Lambda.
    Lambda,
}

impl Profile {
    /// Whether the agent runs beside a function.
    #[must_use]
    pub const fn is_serverless(self) -> bool {
        matches!(self, Self::Serverless | Self::Lambda)
    }
}
