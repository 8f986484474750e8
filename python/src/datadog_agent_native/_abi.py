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
        ("appsec_blocking", ctypes.c_int),
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


class DatadogAppSecVerdict(ctypes.Structure):
    """What `datadog_agent_appsec_verdict` fills in. Its texts but `content_type` are pointers, because they have to be freed."""

    _fields_ = [
        ("action", ctypes.c_int),
        ("status", ctypes.c_int),
        ("grpc_status", ctypes.c_int),
        ("content_type", ctypes.c_char_p),
        ("body", ctypes.c_void_p),
        ("body_len", ctypes.c_size_t),
        ("location", ctypes.c_void_p),
        ("security_response_id", ctypes.c_void_p),
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
        self.appsec = AppSecFunctions(library, self)

    def start(self, options: DatadogAgentOptionsV2) -> "Started":
        """Starts an agent."""
        result = self._start(ctypes.byref(options))
        error = DatadogError(result.error)
        if not result.agent:
            text = self.last_error() or f"the agent was not started: {error.name}"
            raise DatadogAgentException(text, error)
        return Started(result, self.taken(result.uds_path))

    def last_error(self) -> str:
        """The text of the last failure of a call on this thread; empty if there was none."""
        size = self._last_error(None, 0)
        buffer = ctypes.create_string_buffer(size + 1)
        self._last_error(buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace")

    def taken(self, text: Optional[int]) -> Optional[str]:
        """Copies a text that the library gave us, and frees it."""
        if not text:
            return None
        try:
            return os.fsdecode(ctypes.string_at(text))
        finally:
            self._free(text)


class AppSecFunctions:
    """Those about requests of the firewall. What fails raises `DatadogAgentException`."""

    def __init__(self, library: ctypes.CDLL, functions: Functions) -> None:
        pointer, number, text, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t
        name = "datadog_agent_appsec_{}".format
        self._functions = functions
        self._open = _function(library, name("open"), number, pointer, ctypes.c_uint32, ctypes.POINTER(pointer))
        self._add = _function(library, name("add"), number, pointer, text, size)
        self._add_body = _function(library, name("add_body"), number, pointer, text, text, size, text)
        self._verdict = _function(library, name("verdict"), number, pointer, ctypes.POINTER(DatadogAppSecVerdict))
        self._verdict_free = _function(library, name("verdict_free"), None, ctypes.POINTER(DatadogAppSecVerdict))
        self._tags = _function(library, name("tags"), number, pointer, text, size, ctypes.POINTER(pointer))
        self.free = _function(library, name("free"), number, pointer)

    def open(self, agent: int, flags: int) -> int:
        """Opens a request; returns its pointer."""
        request = ctypes.c_void_p()
        self._check(self._open(agent, flags, ctypes.byref(request)))
        assert request.value is not None
        return request.value

    def add(self, request: int, json: bytes) -> None:
        """Gives it values by their addresses."""
        self._check(self._add(request, json, len(json)))

    def add_body(self, request: int, address: bytes, body: bytes, content_type: Optional[bytes]) -> None:
        """Gives it a body."""
        self._check(self._add_body(request, address, body, len(body), content_type))

    def verdict(self, request: int) -> "Decided":
        """Evaluates what it was given."""
        verdict = DatadogAppSecVerdict()
        self._check(self._verdict(request, ctypes.byref(verdict)))
        try:
            return Decided(verdict)
        finally:
            self._verdict_free(ctypes.byref(verdict))

    def tags(self, request: int, span: Optional[bytes]) -> str:
        """Ends it; the tags of its span as JSON."""
        tags = ctypes.c_void_p()
        self._check(self._tags(request, span, len(span or b""), ctypes.byref(tags)))
        return self._functions.taken(tags.value) or "{}"

    def _check(self, code: int) -> None:
        error = DatadogError(code)
        if error is not DatadogError.OK:
            raise DatadogAgentException(self._functions.last_error() or error.name, error)


class Decided:
    """A verdict, copied."""

    def __init__(self, verdict: DatadogAppSecVerdict) -> None:
        self.action: int = verdict.action
        self.status: Optional[int] = verdict.status or None
        self.grpc_status: Optional[int] = None if verdict.grpc_status < 0 else verdict.grpc_status
        self.content_type: Optional[str] = verdict.content_type.decode() if verdict.content_type else None
        self.body = ctypes.string_at(verdict.body, verdict.body_len) if verdict.body else b""
        self.location = _copied(verdict.location)
        self.security_response_id = _copied(verdict.security_response_id)


def _copied(text: Optional[int]) -> Optional[str]:
    return ctypes.string_at(text).decode("utf-8", "replace") if text else None


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
