"""SIGINT and SIGTERM, while the main thread waits for nothing else and the program has no handlers of its own."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Dict, Optional, Type

from .reason import ShutdownReason

REASONS = {
    signal.SIGINT: ShutdownReason.USER_INTERRUPT,
    signal.SIGTERM: ShutdownReason.GRACEFUL_SHUTDOWN,
}
DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class Signals:
    """Takes them where they would end the program, until the first has come or the wait is over."""

    def __init__(self) -> None:
        self.reason: Optional[ShutdownReason] = None
        """What came."""
        self._before: Dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for number in REASONS:
                before = signal.getsignal(number)
                if before in DEFAULTS:
                    self._before[number] = before
                    signal.signal(number, self._take)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._give_back()

    def _take(self, number: int, frame: Optional[FrameType]) -> None:
        self.reason = REASONS[signal.Signals(number)]
        # A second one does what it did before.
        self._give_back()

    def _give_back(self) -> None:
        while self._before:
            number, before = self._before.popitem()
            if signal.getsignal(number) == self._take:
                signal.signal(number, before)
