"""The C ABI: structures, functions and their types, as the header has them. The one file that knows them."""

import ctypes
import os
from typing import Any, Optional

from .errors import DatadogAgentException, DatadogError

VERSION = 1
"""Of the ABI that this file describes."""


class DatadogAgentOptions(ctypes.Structure):
    """What `datadog_agent_start` takes."""

    _fields_ = [
        ("api_key", ctypes.c_char_p),
        ("site", ctypes.c_char_p),
        ("service", ctypes.c_char_p),
        ("env", ctypes.c_char_p),
        ("version", ctypes.c_char_p),
        ("appsec_enabled", ctypes.c_int),
        ("remote_config_enabled", ctypes.c_int),
        ("log_level", ctypes.c_int),
        ("operational_mode", ctypes.c_int),
        ("trace_agent_port", ctypes.c_int),
        ("dogstatsd_enabled", ctypes.c_int),
        ("dogstatsd_port", ctypes.c_int),
        ("trace_agent_uds_permissions", ctypes.c_int),
    ]


class EnvVar(ctypes.Structure):
    """One variable that counts above the environment."""

    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class DatadogAgentOptionsV2(ctypes.Structure):
    """What `datadog_agent_start_v2` takes: the fields of `DatadogAgentOptions`, and further ones."""

    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        *DatadogAgentOptions._fields_,
        ("uds_path", ctypes.c_char_p),
        ("tags", ctypes.c_char_p),
        ("flush_strategy", ctypes.c_char_p),
        ("shutdown_timeout_ms", ctypes.c_int),
        ("install_signal_handlers", ctypes.c_int),
        ("log_callback", ctypes.c_void_p),
        ("log_userdata", ctypes.c_void_p),
        ("extra_env", ctypes.POINTER(EnvVar)),
        ("extra_env_len", ctypes.c_size_t),
    ]


class DatadogAgentStartResult(ctypes.Structure):
    """What `datadog_agent_start` returns. `uds_path` is a pointer and not a text, because it has to be freed."""

    _fields_ = [
        ("agent", ctypes.c_void_p),
        ("error", ctypes.c_int),
        ("version", ctypes.c_char_p),
        ("bound_port", ctypes.c_int),
        ("dogstatsd_port", ctypes.c_int),
        ("uds_path", ctypes.c_void_p),
    ]


class Functions:
    """The functions of a loaded library. Every call lets other Python threads run."""

    def __init__(self, library: ctypes.CDLL) -> None:
        agent, number = ctypes.c_void_p, ctypes.c_int
        self._start = _function(
            library, "datadog_agent_start_v2", DatadogAgentStartResult, ctypes.POINTER(DatadogAgentOptionsV2)
        )
        self._free = _function(library, "datadog_free_string", None, ctypes.c_void_p)
        self._last_error = _function(
            library, "datadog_agent_last_error", ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t
        )
        self.stop = _function(library, "datadog_agent_stop", number, agent)
        self.wait = _function(library, "datadog_agent_wait_for_shutdown_timeout", number, agent, number)
        self.request_shutdown = _function(library, "datadog_agent_request_shutdown", number, agent)
        self.flush = _function(library, "datadog_agent_flush", number, agent, number)
        self.abi_version = _function(library, "datadog_agent_abi_version", number)

    def start(self, options: DatadogAgentOptionsV2) -> "Started":
        """Starts an agent."""
        result = self._start(ctypes.byref(options))
        error = DatadogError(result.error)
        if not result.agent:
            text = self.last_error() or f"the agent was not started: {error.name}"
            raise DatadogAgentException(text, error)
        return Started(result, self._taken(result.uds_path))

    def last_error(self) -> str:
        """The text of the last failure of a call on this thread; empty if there was none."""
        size = self._last_error(None, 0)
        buffer = ctypes.create_string_buffer(size + 1)
        self._last_error(buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def _taken(self, text: Optional[int]) -> Optional[str]:
        """Copies a text that the library gave us, and frees it."""
        if not text:
            return None
        try:
            return os.fsdecode(ctypes.string_at(text))
        finally:
            self._free(text)


class Started:
    """What a start found out."""

    def __init__(self, result: DatadogAgentStartResult, uds_path: Optional[str]) -> None:
        self.pointer: int = result.agent
        self.version: str = result.version.decode()
        self.bound_port = _port(result.bound_port)
        self.dogstatsd_port = _port(result.dogstatsd_port)
        self.uds_path = uds_path


def _port(port: int) -> Optional[int]:
    return None if port < 0 else port


def _function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function
