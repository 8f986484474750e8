//! What can be wrong with what an agent asks of remote configuration, in words that are few enough to be counted.

use std::fmt;

/// One kind of problem of this signal. Its words are the key under which the summary counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dislike {
    /// A `Content-Type` that is not protobuf.
    NotProtobuf,
    /// The real backend answers nothing to such an agent.
    NoAgentVersion,
    /// No three numbers.
    OddAgentVersion,
    NoAgentUuid,
    /// Another organisation than was told.
    OtherOrg,
    EmptyProduct,
    /// A product twice in one list, or in both.
    ProductTwice,
    /// What a client asks for, and the agent does not.
    ProductNotAsked,
    ErrorNotSaid,
    ErrorWithoutFlag,
    /// Versions of documents that were never given out.
    UnknownRoot,
    /// Not what stood in the director's targets.
    OtherState,
    ClientTwice,
    NoClientId,
    NoState,
    NoRootVersion,
    /// Neither tracer nor agent nor updater, or several of them.
    NotOneKind,
    /// The kind is said, but not what belongs to it.
    KindWithoutFacts,
    ClientIsRuntime,
    NoLanguage,
    NoClientProducts,
    /// Not in milliseconds, or not of these hours.
    OddLastSeen,
    UnknownApplyState,
    ApplyErrorNotSaid,
    ConfigWithoutName,
}

impl fmt::Display for Dislike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotProtobuf => "Content-Type is not application/x-protobuf",
            Self::NoAgentVersion => "no agent_version",
            Self::OddAgentVersion => "agent_version is no version",
            Self::NoAgentUuid => "no agent_uuid",
            Self::OtherOrg => "org_uuid is not that of the organisation",
            Self::EmptyProduct => "empty product",
            Self::ProductTwice => "product listed twice",
            Self::ProductNotAsked => "product of a client is not asked for",
            Self::ErrorNotSaid => "has_error without an error",
            Self::ErrorWithoutFlag => "error without has_error",
            Self::UnknownRoot => "version of a root that there is not",
            Self::OtherState => "backend_client_state is not what was given",
            Self::ClientTwice => "client listed twice",
            Self::NoClientId => "no id",
            Self::NoState => "no state",
            Self::NoRootVersion => "root_version is 0",
            Self::NotOneKind => "not one of tracer, agent and updater",
            Self::KindWithoutFacts => "no facts of its kind",
            Self::ClientIsRuntime => "id is the runtime_id",
            Self::NoLanguage => "no language",
            Self::NoClientProducts => "no products",
            Self::OddLastSeen => "last_seen is not within a day, in milliseconds",
            Self::UnknownApplyState => "unknown apply_state",
            Self::ApplyErrorNotSaid => "apply_state is error without an apply_error",
            Self::ConfigWithoutName => "config state without id, product or version",
        })
    }
}
