//! Whether the listeners use fixed ports, ports chosen by the system, or a Unix socket.

use std::fmt;
use std::str::FromStr;

/// How the listeners of the agent are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OperationalMode {
    /// TCP on the configured ports, or on the usual ones.
    #[default]
    HttpFixedPort,
    /// TCP on ports that the system chooses; configured ports are ignored.
    HttpEphemeralPort,
    /// A Unix socket in place of the TCP port for traces; the others as with fixed ports.
    HttpUds,
}

impl OperationalMode {
    /// Its name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpFixedPort => "http_fixed_port",
            Self::HttpEphemeralPort => "http_ephemeral_port",
            Self::HttpUds => "http_uds",
        }
    }

    /// Whether an HTTP server runs, which it does in every mode.
    #[must_use]
    pub const fn requires_http_server(self) -> bool {
        match self {
            Self::HttpFixedPort | Self::HttpEphemeralPort | Self::HttpUds => true,
        }
    }

    /// Whether the system chooses the ports.
    #[must_use]
    pub const fn uses_ephemeral_ports(self) -> bool {
        matches!(self, Self::HttpEphemeralPort)
    }

    /// Whether traces arrive on a Unix socket.
    #[must_use]
    pub const fn uses_uds(self) -> bool {
        matches!(self, Self::HttpUds)
    }

    /// Whether traces arrive on a TCP port.
    #[must_use]
    pub const fn uses_tcp(self) -> bool {
        !self.uses_uds()
    }
}

impl fmt::Display for OperationalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpFixedPort => "HTTP (Fixed Port)",
            Self::HttpEphemeralPort => "HTTP (Ephemeral Port)",
            Self::HttpUds => "HTTP (Unix Domain Socket)",
        })
    }
}

impl FromStr for OperationalMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word: String = text
            .trim()
            .chars()
            .filter(|c| !matches!(c, '_' | '-'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        match word.as_str() {
            "httpfixedport" | "fixed" | "http" => Ok(Self::HttpFixedPort),
            "httpephemeralport" | "ephemeral" | "dynamic" => Ok(Self::HttpEphemeralPort),
            "httpuds" | "uds" | "socket" => Ok(Self::HttpUds),
            "ffionly" | "ffi" | "nohttp" => Err("mode removed, use http_uds".to_owned()),
            _ => Err("must be http_fixed_port, http_ephemeral_port or http_uds".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_its_mode() {
        for (mode, spellings) in [
            (
                OperationalMode::HttpFixedPort,
                ["http_fixed_port", "fixed", "http", "HttpFixedPort"],
            ),
            (
                OperationalMode::HttpEphemeralPort,
                [
                    "http-ephemeral-port",
                    "EPHEMERAL",
                    "dynamic",
                    "HttpEphemeralPort",
                ],
            ),
            (
                OperationalMode::HttpUds,
                ["http_uds", "uds", "socket", "HTTP_UDS"],
            ),
        ] {
            for spelling in spellings {
                assert_eq!(spelling.parse(), Ok(mode), "{spelling}");
            }
            assert_eq!(mode.as_str().parse(), Ok(mode));
        }
    }

    #[test]
    fn removed_modes_say_what_to_use() {
        for word in ["ffi_only", "ffi", "no_http"] {
            assert_eq!(
                word.parse::<OperationalMode>(),
                Err("mode removed, use http_uds".to_owned())
            );
        }
    }

    #[test]
    fn helpers_tell_the_modes_apart() {
        let modes = [
            OperationalMode::HttpFixedPort,
            OperationalMode::HttpEphemeralPort,
            OperationalMode::HttpUds,
        ];
        assert_eq!(modes.map(OperationalMode::requires_http_server), [true; 3]);
        assert_eq!(
            modes.map(OperationalMode::uses_ephemeral_ports),
            [false, true, false]
        );
        assert_eq!(modes.map(OperationalMode::uses_uds), [false, false, true]);
        assert_eq!(modes.map(OperationalMode::uses_tcp), [true, true, false]);
    }
}
