"""One agent for the whole process, for programs that would otherwise hand theirs around."""

import logging
import os
import threading
from typing import Optional

from .agent import NativeAgent
from .config import DatadogAgentConfig, LogLevel
from .errors import DatadogAgentException

LOG = logging.getLogger("datadog_agent_native")

_lock = threading.Lock()
_instance: Optional[NativeAgent] = None


def create_instance(config: Optional[DatadogAgentConfig] = None) -> Optional[NativeAgent]:
    """Starts the agent of this process, or returns it if it runs. `None`, and an error in the log, if it cannot start.

    Without a configuration, AppSec and DogStatsD are on, and the agent's log is at debug level.
    """
    global _instance
    with _lock:
        if _instance is not None and _instance.is_running:
            return _instance
        try:
            _instance = NativeAgent(config or _default())
        except DatadogAgentException as error:
            _instance = None
            LOG.error("the agent was not started: %s", error)
        return _instance


def get_instance() -> NativeAgent:
    """The agent of this process.

    Raises `RuntimeError` if none runs: it was not created, could not start, was stopped, or is that of the process
    that forked this one.
    """
    instance = _instance
    if instance is None or not instance.is_running:
        raise RuntimeError("no agent runs in this process: call create_instance first")
    return instance


def _default() -> DatadogAgentConfig:
    return DatadogAgentConfig(appsec_enabled=True, log_level=LogLevel.DEBUG, dogstatsd_enabled=True)


def _after_fork_in_child() -> None:
    """Another thread may have held the lock while the process was forked."""
    global _lock, _instance
    _lock = threading.Lock()
    _instance = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
