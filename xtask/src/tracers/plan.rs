//! In which settings a tracer is run.

use crate::language::Language;

/// Events of spans are sent as such, where the agent says that it takes them, and not as a tag.
const EVENTS: (&str, &str) = ("DD_TRACE_NATIVE_SPAN_EVENTS", "true");

/// The tracer asks for its configuration, once a second.
const POLLS: [(&str, &str); 2] = [
    ("DD_REMOTE_CONFIGURATION_ENABLED", "true"),
    ("DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS", "1"),
];

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Plan {
    /// A target of one trace a second, and many more: the tracer has to follow the rates that it is told.
    Rates,
    /// A rate of traces that is pushed to the tracer through the agent.
    Remote,
    /// The test agent in between, everything kept, stats of the tracer.
    Checked,
    /// The Unix socket, a tenth kept, stats of the tracer.
    Socket,
    /// The port, a tenth kept, stats of the agent.
    Sampled,
    /// The port, everything kept, with the tracer's own choice of format.
    Port,
}

/// Who works stats out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stats {
    /// The tracer.
    Client,
    /// The agent.
    Agent,
}

impl Plan {
    /// All of them, those that take longest first.
    pub(crate) const ALL: [Self; 6] = [
        Self::Rates,
        Self::Remote,
        Self::Checked,
        Self::Socket,
        Self::Sampled,
        Self::Port,
    ];

    /// As it is called in what is printed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rates => "rates",
            Self::Remote => "remote",
            Self::Checked => "checked",
            Self::Socket => "socket",
            Self::Sampled => "sampled",
            Self::Port => "port",
        }
    }

    /// Whether a client is run so.
    pub(crate) fn concerns(self, client: Language) -> bool {
        match self {
            // Of the others nobody sees which rate they used.
            Self::Rates => matches!(client, Language::Python | Language::Nodejs),
            Self::Remote => client != Language::Java,
            Self::Checked | Self::Socket | Self::Sampled | Self::Port => true,
        }
    }

    /// Who works stats out. Go's tracer does so whenever it speaks `/v1.0/traces`, and Java's only for an agent of a
    /// version, which the test agent has none of.
    pub(crate) fn stats(self, client: Language) -> Stats {
        match self {
            Self::Checked if client == Language::Java => Stats::Agent,
            Self::Rates | Self::Checked | Self::Socket => Stats::Client,
            Self::Sampled => Stats::Agent,
            Self::Port | Self::Remote if client == Language::Go => Stats::Client,
            Self::Port | Self::Remote => Stats::Agent,
        }
    }

    /// Whether only a tenth of the traces is kept.
    pub(crate) const fn is_sampled(self) -> bool {
        matches!(self, Self::Socket | Self::Sampled)
    }

    /// The settings of the tracer besides its addresses and names.
    pub(crate) fn environment(self, client: Language) -> Vec<(&'static str, &'static str)> {
        let computes = match self.stats(client) {
            Stats::Client => "true",
            Stats::Agent => "false",
        };
        let mut settings = vec![
            ("DD_ENV", "test"),
            ("DD_VERSION", "1"),
            ("DD_TRACE_STARTUP_LOGS", "false"),
            ("DD_TRACE_STATS_COMPUTATION_ENABLED", computes),
        ];
        match self {
            Self::Rates => {}
            Self::Remote => settings.extend(POLLS),
            // The test agent understands no events that Node.js sends as such: their time is no whole number.
            Self::Port if client == Language::Nodejs => settings.push(EVENTS),
            Self::Port => {}
            Self::Checked => {
                settings.extend([
                    ("DD_TRACE_API_VERSION", "v0.4"),
                    ("DD_TRACE_AGENT_PROTOCOL_VERSION", "0.4"),
                ]);
                if client != Language::Nodejs {
                    settings.push(EVENTS);
                }
            }
            Self::Socket => settings.push(share(client)),
            Self::Sampled => {
                settings.extend([share(client), ("DD_TRACE_AGENT_PROTOCOL_VERSION", "0.4")])
            }
        }
        if client == Language::Java {
            // It has links and events only as OpenTelemetry has them.
            settings.push(("DD_TRACE_OTEL_ENABLED", "true"));
        }
        settings
    }
}

/// A tenth of the traces; Python's no longer knows the rate alone.
const fn share(client: Language) -> (&'static str, &'static str) {
    match client {
        Language::Python => ("DD_TRACE_SAMPLING_RULES", "[{\"sample_rate\":0.1}]"),
        _ => ("DD_TRACE_SAMPLE_RATE", "0.1"),
    }
}
