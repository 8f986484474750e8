"""What can go wrong: a code, as the library has it, and a text."""

import enum


class DatadogError(enum.IntEnum):
    """What became of a call into the library."""

    OK = 0
    NULL_POINTER = 1
    """There is no such agent: it was stopped."""
    INVALID_STRING = 2
    """A text is not UTF-8, has a NUL in it, or is longer than 64 KiB."""
    CONFIG_ERROR = 3
    """The configuration cannot be used, or there is no API key."""
    INIT_ERROR = 4
    """The library is missing, or something that is needed before any listener."""
    STARTUP_ERROR = 5
    """A listener could not be started; mostly its port is taken."""
    SHUTDOWN_ERROR = 6
    """The agent stopped, but not everything was delivered in time."""
    RUNTIME_ERROR = 7
    """The operating system refused something."""
    INVALID_DATA_FORMAT = 8
    """What was submitted cannot be read."""
    SUBMISSION_ERROR = 9
    """Something could not be sent in time, or a buffer is full."""
    NOT_AVAILABLE = 10
    """What was asked for is off, or the agent belongs to the process that this one was forked from."""
    UNKNOWN_ERROR = 99
    """None of the above."""

    @classmethod
    def _missing_(cls, value: object) -> "DatadogError":
        return cls.UNKNOWN_ERROR


class DatadogAgentException(Exception):
    """A call into the library failed, or the library could not be loaded."""

    error: DatadogError
    """Its code."""

    def __init__(self, message: str, error: DatadogError = DatadogError.UNKNOWN_ERROR) -> None:
        super().__init__(message)
        self.error = error
