"""An agent in this process."""

import weakref
from types import TracebackType
from typing import Optional, Type

from . import _library, _options
from ._handle import Handle
from .appsec import OBEYED, AppSecRequest
from .config import DatadogAgentConfig
from .reason import ShutdownReason


class NativeAgent:
    """An agent in this process, started by the constructor.

    Its methods may be called from any thread. It does not survive a fork: start one in each child.
    As a context manager it stops at the end of the block.
    """

    version: str
    """Of the library."""
    bound_port: Optional[int]
    """TCP port for traces; `None` if they are taken on a Unix socket, or not at all."""
    dogstatsd_port: Optional[int]
    """UDP port for DogStatsD; `None` if that is off."""
    uds_path: Optional[str]
    """Unix socket for traces; `None` if they are taken on a port."""

    def __init__(self, config: Optional[DatadogAgentConfig] = None) -> None:
        """Starts an agent, which takes connections as soon as this returns.

        Raises `DatadogAgentException` if the library is missing, the configuration cannot be used, there is no API
        key, or a port is taken.
        """
        config = config or DatadogAgentConfig()
        options = _options.of(config)
        self._obeys = bool(config.appsec_blocking)
        functions = _library.functions()
        started = functions.start(options)
        self._handle = Handle(functions, started)
        self._finalizer = weakref.finalize(self, self._handle.collected)
        self._finalizer.atexit = False
        self.version = started.version
        self.bound_port = started.bound_port
        self.dogstatsd_port = started.dogstatsd_port
        self.uds_path = started.uds_path

    @property
    def is_running(self) -> bool:
        """Whether it runs in this process: it was not stopped, and this is not a fork of the process it runs in."""
        return self._handle.is_running

    def wait_for_shutdown(self, timeout: Optional[float] = None) -> ShutdownReason:
        """Waits until something asks the agent to stop, for at most `timeout` seconds. The agent still runs then.

        On the main thread and without a timeout, SIGINT and SIGTERM end the wait, unless the program has handlers of
        its own for them; a second one does what it did before. With a timeout, or on another thread, signals do what
        they always do.
        Raises `DatadogAgentException` in a forked child.
        """
        return self._handle.wait(timeout)

    def request_shutdown(self) -> None:
        """Asks for a stop: whoever waits gets `GRACEFUL_SHUTDOWN`. Does not block.

        Raises `DatadogAgentException` if the agent was stopped, or in a forked child.
        """
        self._handle.request_shutdown()

    def flush(self, timeout: float = 5.0) -> bool:
        """Sends what the agent holds, within so many seconds. `False` if some of it has to be sent later.

        Raises `DatadogAgentException` if the agent was stopped, or in a forked child.
        """
        return self._handle.flush(timeout)

    def appsec_request(self, obeyed: Optional[bool] = None) -> AppSecRequest:
        """Opens a request for the firewall to look at. It ends with `tags()` and is freed by `close()`, best by `with`.

        `obeyed` says whether this program answers the request as its verdicts say, without which all of them are to go
        on; `None` is what `DatadogAgentConfig.appsec_blocking` says.
        Raises `DatadogAgentException`: with `NOT_AVAILABLE` while AppSec is off or cannot run, or where the library was
        built without it; with `CONFIG_ERROR` if `obeyed` is more than what the configuration says.
        """
        obeys = self._obeys if obeyed is None else obeyed
        return AppSecRequest(*self._handle.open_request(OBEYED if obeys else 0))

    def stop(self) -> bool:
        """Sends what the agent holds, for as long as `DD_SHUTDOWN_TIMEOUT` says, and ends it.

        `False` if something was not delivered; how much, the log of this package says. Does nothing a second time, and
        nothing in a forked child.
        """
        return self._handle.stop()

    def __enter__(self) -> "NativeAgent":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        at = self.uds_path if self.bound_port is None else self.bound_port
        state = "running" if self.is_running else "stopped"
        return f"<NativeAgent {self.version} {state}, traces at {at}, DogStatsD at {self.dogstatsd_port}>"
