"""Why a wait for the agent's end is over."""

import enum


class ShutdownReason(enum.IntEnum):
    """What `NativeAgent.wait_for_shutdown` returns."""

    GRACEFUL_SHUTDOWN = 0
    """SIGTERM, `NativeAgent.request_shutdown` or `NativeAgent.stop`."""
    USER_INTERRUPT = 1
    """SIGINT."""
    FATAL_ERROR = 2
    """A part of the agent ended that must not end."""
    TIMEOUT = 3
    """The time that was given for waiting is over."""
