"""The process's side of a running agent: who may call what with its pointer, and when.

The library itself takes calls about one agent from any thread. What it cannot know is kept here: that an agent is
stopped once, that it does not survive a fork, and that the interpreter must go on answering signals meanwhile.
"""

import atexit
import logging
import math
import os
import threading
import time
import warnings
from typing import Callable, Generic, List, Optional, Set, Tuple, TypeVar

from . import _abi
from ._signals import Signals
from .errors import DatadogAgentException, DatadogError
from .reason import ShutdownReason

LOG = logging.getLogger("datadog_agent_native")

SLICE_MS = 250
"""Longest time without a look at signals."""

EXIT_MS = 5_000
"""Longest wait for an agent that the program left running, when the interpreter ends."""

MAX_MS = 2**31 - 1

T = TypeVar("T")


class Handle:
    """One agent, from its start to its stop."""

    def __init__(self, functions: _abi.Functions, started: _abi.Started) -> None:
        self._functions = functions
        self._pointer: Optional[int] = started.pointer
        self._uds_path = started.uds_path
        self._pid = os.getpid()
        # Whoever stops the agent holds it; a signal handler may find it held by its own thread.
        self._stopping = threading.RLock()
        _running.add(self)

    @property
    def is_running(self) -> bool:
        """Whether it was neither stopped nor left behind in the process that forked this one."""
        return self._pointer is not None and os.getpid() == self._pid

    def wait(self, timeout: Optional[float]) -> ShutdownReason:
        """Waits until the agent is to stop, or the timeout is over."""
        if timeout is not None:
            return self._wait(timeout, None)
        with Signals() as signals:
            return self._wait(None, signals)

    def _wait(self, timeout: Optional[float], signals: Optional[Signals]) -> ShutdownReason:
        end = None if timeout is None else time.monotonic() + timeout
        self._check_process()
        while True:
            pointer = self._pointer
            if pointer is None:
                return ShutdownReason.GRACEFUL_SHUTDOWN
            if signals is not None and signals.reason is not None:
                return signals.reason
            left = SLICE_MS if end is None else _milliseconds(end - time.monotonic())
            code = self._functions.wait(pointer, min(left, SLICE_MS))
            if code >= 0 and code != ShutdownReason.TIMEOUT:
                return ShutdownReason(code)
            if code < 0 and self._pointer is not None:
                raise self._failure(DatadogError.NULL_POINTER)
            if end is not None and time.monotonic() >= end:
                return ShutdownReason.TIMEOUT

    def request_shutdown(self) -> None:
        """Wakes whoever waits."""
        pointer = self._running_pointer()
        self._check(DatadogError(self._functions.request_shutdown(pointer)))

    def flush(self, timeout: float) -> bool:
        """Sends what is held; whether all of it was sent in time."""
        pointer = self._running_pointer()
        milliseconds = _milliseconds(timeout)
        return _answering_signals(lambda: self._flush(pointer, milliseconds))

    def _flush(self, pointer: int, milliseconds: int) -> bool:
        code = DatadogError(self._functions.flush(pointer, milliseconds))
        if code is DatadogError.SUBMISSION_ERROR:
            return False
        self._check(code)
        return True

    def open_request(self, flags: int) -> Tuple[_abi.AppSecFunctions, int]:
        """Opens a request of the firewall; its functions and its pointer."""
        functions = self._functions.appsec
        return functions, functions.open(self._running_pointer(), flags)

    def stop(self) -> bool:
        """Stops the agent, once; whether everything was delivered."""
        if os.getpid() != self._pid:
            self.orphan()
        with self._stopping:
            pointer, self._pointer = self._pointer, None
            if pointer is None:
                return True
            try:
                return _answering_signals(lambda: self._stop(pointer))
            finally:
                _running.discard(self)

    def _stop(self, pointer: int) -> bool:
        code = DatadogError(self._functions.stop(pointer))
        if code is DatadogError.OK:
            return True
        text = self._functions.last_error() or code.name
        LOG.warning("the agent stopped: %s", text)
        return False

    def collected(self) -> None:
        """The program let go of an agent without stopping it."""
        if not self.is_running:
            return
        warnings.warn("an agent was not stopped", ResourceWarning, stacklevel=2)
        try:
            # The collector must not wait for the network.
            threading.Thread(target=self.stop, name="dd-agent-stop", daemon=True).start()
        except RuntimeError:
            self.at_exit()

    def at_exit(self) -> None:
        """Ends the agent with the interpreter, which starts no threads any more and should not wait for long."""
        if os.getpid() != self._pid or not self._stopping.acquire(timeout=EXIT_MS / 1_000):
            return
        try:
            pointer, self._pointer = self._pointer, None
            if pointer is None:
                return
            if self._functions.flush(pointer, EXIT_MS) == DatadogError.OK:
                self._stop(pointer)
                return
            # Stopping it would wait for the network once more; it ends with the process instead.
            LOG.warning("the agent could not deliver everything: %s", self._functions.last_error())
            if self._uds_path is not None:
                os.unlink(self._uds_path)
        except OSError as error:
            LOG.warning("the agent's socket is left behind: %s", error)
        finally:
            self._stopping.release()

    def orphan(self) -> None:
        """Forgets the agent, in a process that was forked: its threads are in the parent, and so is what it holds."""
        self._pointer = None
        # Another thread of the parent may have held it.
        self._stopping = threading.RLock()

    def _running_pointer(self) -> int:
        self._check_process()
        pointer = self._pointer
        if pointer is None:
            raise DatadogAgentException("the agent was stopped", DatadogError.NULL_POINTER)
        return pointer

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise DatadogAgentException(
                f"the agent was started in process {self._pid}, of which this is a fork: start another one here",
                DatadogError.NOT_AVAILABLE,
            )

    def _check(self, code: DatadogError) -> None:
        if code is not DatadogError.OK:
            raise self._failure(code)

    def _failure(self, code: DatadogError) -> DatadogAgentException:
        return DatadogAgentException(self._functions.last_error() or code.name, code)


_running: Set[Handle] = set()


def _at_exit() -> None:
    for handle in list(_running):
        handle.at_exit()
    _running.clear()


def _after_fork_in_child() -> None:
    for handle in list(_running):
        handle.orphan()
    _running.clear()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _milliseconds(seconds: float) -> int:
    """Whole ones, rounded up, and at least none: less than 0 would be for ever."""
    return 0 if not seconds > 0 else math.ceil(min(seconds * 1_000, MAX_MS))


class _Call(Generic[T]):
    """A call on a thread of its own."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._result: List[T] = []
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, name="dd-agent-call", daemon=True)

    def _run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        """Starts the thread, and waits for it in slices, between which Python runs signal handlers.

        Raises what the call raised.
        """
        try:
            self._thread.start()
        except RuntimeError:
            # There can be no threads any more when the interpreter ends, or when there are too many.
            return self._function()
        while self._thread.is_alive():
            self._thread.join(SLICE_MS / 1_000)
        if self._error is not None:
            raise self._error
        return self._result[0]


def _answering_signals(function: Callable[[], T]) -> T:
    """Makes a call that may take long; Ctrl+C is not dead meanwhile, not even on the main thread."""
    if threading.current_thread() is threading.main_thread():
        return _Call(function).result()
    return function()
