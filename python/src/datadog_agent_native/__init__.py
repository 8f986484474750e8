"""An observability agent inside your program.

    with NativeAgent(DatadogAgentConfig(api_key="…", dogstatsd_enabled=True)) as agent:
        …

It takes traces of Datadog's tracers and DogStatsD metrics on ports or sockets of this machine, and sends them to
Datadog. It runs on threads of its own, without Python.
"""

from ._abi import DatadogAgentOptions, DatadogAgentStartResult
from .agent import NativeAgent
from .appsec import AppSecAction, AppSecRequest, SpanTags, Verdict
from .config import DatadogAgentConfig, LogLevel, OperationalMode
from .errors import DatadogAgentException, DatadogError
from .instance import create_instance, get_instance
from .reason import ShutdownReason

__version__ = "0.1.0"

__all__ = [
    "AppSecAction",
    "AppSecRequest",
    "DatadogAgentConfig",
    "DatadogAgentException",
    "DatadogAgentOptions",
    "DatadogAgentStartResult",
    "DatadogError",
    "LogLevel",
    "NativeAgent",
    "OperationalMode",
    "ShutdownReason",
    "SpanTags",
    "Verdict",
    "create_instance",
    "get_instance",
]
