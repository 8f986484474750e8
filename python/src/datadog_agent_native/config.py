"""What a program can say about its agent; everything else comes from `DD_*` variables."""

import enum
from dataclasses import dataclass
from typing import Mapping, Optional


class LogLevel(enum.IntEnum):
    """How much the agent writes to standard error."""

    ERROR = 0
    """Errors only, unless `DD_LOG_LEVEL` says otherwise."""
    WARN = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


class OperationalMode(enum.IntEnum):
    """Where the agent takes traces."""

    HTTP_FIXED_PORT = 0
    """On ports that are known beforehand, unless `DD_AGENT_MODE` says otherwise."""
    HTTP_EPHEMERAL_PORT = 1
    """On a port of 127.0.0.1 that the system chooses. So is every other port; those that are named are ignored."""
    HTTP_UDS = 2
    """On a Unix socket."""


@dataclass
class DatadogAgentConfig:
    """How to start an agent. Whatever is `None` or `False` is left to the environment."""

    api_key: Optional[str] = None
    """`None`: `DD_API_KEY`. An agent does not start without a key."""
    site: Optional[str] = None
    """`None`: `DD_SITE`, then `datadoghq.com`."""
    service: Optional[str] = None
    """`None`: `DD_SERVICE`."""
    environment: Optional[str] = None
    """`None`: `DD_ENV`."""
    version: Optional[str] = None
    """Of the program, not of the agent. `None`: `DD_VERSION`."""
    appsec_enabled: bool = False
    """`False`: `DD_APPSEC_ENABLED`."""
    remote_config_enabled: bool = True
    """`False`: `DD_REMOTE_CONFIGURATION_ENABLED`, then off."""
    log_level: LogLevel = LogLevel.INFO
    """How much the agent writes to standard error; `RUST_LOG` goes above it."""
    operational_mode: OperationalMode = OperationalMode.HTTP_EPHEMERAL_PORT
    """Where the agent takes traces."""
    trace_agent_port: Optional[int] = 0
    """For traces, in `HTTP_FIXED_PORT`. `None`: 8126; 0: one that the system chooses."""
    dogstatsd_enabled: bool = False
    """`False`: `DD_DOGSTATSD_ENABLED`."""
    dogstatsd_port: Optional[int] = 0
    """For DogStatsD, unless the mode is `HTTP_EPHEMERAL_PORT`. `None`: 8125; 0: one that the system chooses."""
    trace_agent_uds_permissions: Optional[int] = None
    """Mode of the Unix socket's file. `None`: `DD_TRACE_AGENT_UDS_PERMISSIONS`, then 0o600."""
    uds_path: Optional[str] = None
    """Path of the Unix socket for traces, absolute and of at most 100 bytes. `None`: one in `/tmp`."""
    tags: Optional[str] = None
    """Of everything that is sent, such as `team:shop,region:eu`. `None`: `DD_TAGS`."""
    shutdown_timeout: Optional[float] = None
    """How many seconds a stop may take. `None`: `DD_SHUTDOWN_TIMEOUT`, then 30."""
    settings: Optional[Mapping[str, str]] = None
    """`DD_*` variables of this agent alone, which count above those of the environment."""
    appsec_blocking: bool = False
    """Whether the program answers requests as the firewall's verdicts say; remote configuration is told so."""
