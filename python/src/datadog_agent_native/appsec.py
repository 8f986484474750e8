"""Requests for the firewall to look at: what is given of one, what should become of it, what its span is to carry."""

import enum
import json
import weakref
from dataclasses import dataclass, field
from types import TracebackType
from typing import Dict, Mapping, Optional, Type

from . import _abi
from .errors import DatadogAgentException, DatadogError

OBEYED = 1
"""Flag of `datadog_agent_appsec_open`."""


class AppSecAction(enum.IntEnum):
    """What should become of a request."""

    ALLOW = 0
    """It goes on."""
    BLOCK = 1
    """It is answered with a page."""
    REDIRECT = 2
    """It is sent elsewhere."""


@dataclass(frozen=True)
class Verdict:
    """What should become of a request, and how to answer one that does not go on."""

    action: AppSecAction
    status: Optional[int] = None
    """Of HTTP; `None` when the request goes on."""
    grpc_status: Optional[int] = None
    """Of gRPC, for those who speak it."""
    content_type: Optional[str] = None
    """Of the body."""
    body: bytes = b""
    location: Optional[str] = None
    """Where a redirection leads."""
    security_response_id: Optional[str] = None
    """What the page and the event both show."""

    @property
    def is_allowed(self) -> bool:
        """Whether the request goes on."""
        return self.action is AppSecAction.ALLOW


@dataclass(frozen=True)
class SpanTags:
    """What the entry span of the service is to carry."""

    meta: Dict[str, str] = field(default_factory=dict)
    metrics: Dict[str, float] = field(default_factory=dict)
    priority: Optional[int] = None
    """Of the whole trace; `None` if it keeps what it has."""


class AppSecRequest:
    """A request that the firewall looks at, opened by `NativeAgent.appsec_request`. A context manager, which closes it.

    Give it what becomes known and ask for a verdict each time. Its methods may be called from any thread, one at a time.
    It keeps its rules though its agent stops, and does not survive a fork.
    """

    def __init__(self, functions: "_abi.AppSecFunctions", pointer: int) -> None:
        self._functions = functions
        self._pointer: Optional[int] = pointer
        self._finalizer = weakref.finalize(self, functions.free, pointer)
        # It ends with the process.
        self._finalizer.atexit = False

    def add(self, addresses: Mapping[str, object]) -> None:
        """Takes values by their addresses; all or none of them.

            request.add({
                "server.request.method": "GET",
                "server.request.uri.raw": "/a?x=1",
                "server.request.headers.no_cookies": {"host": "shop", "accept": ["a", "b"]},
                "network.client.ip": "10.0.0.1",
            })

        Parameters of the query, cookies and the address of the client are told from these, unless they are given too.
        Values are what JSON can say; `None` is nothing. Nothing is evaluated yet.
        Raises `DatadogAgentException` for an address that there is not (`INVALID_DATA_FORMAT`), and when the request is
        given more than 8 MiB in all (`SUBMISSION_ERROR`).
        """
        self._functions.add(self._open_pointer(), json.dumps(addresses).encode())

    def add_body(self, body: bytes, content_type: Optional[str] = None) -> None:
        """Takes the body of the request as it came.

        With a content type it is of that, and has no content encoding; without one, the headers that were added before
        say what it is. What is no JSON, form, XML or text, or more than 1 MiB, is counted and left alone.
        """
        self._add_body(b"server.request.body", body, content_type)

    def add_response_body(self, body: bytes, content_type: Optional[str] = None) -> None:
        """The same of the response."""
        self._add_body(b"server.response.body", body, content_type)

    def _add_body(self, address: bytes, body: bytes, content_type: Optional[str]) -> None:
        kind = None if content_type is None else content_type.encode()
        self._functions.add_body(self._open_pointer(), address, bytes(body), kind)

    def verdict(self) -> Verdict:
        """Evaluates what was added since the last time.

        A request that was not to go on is not evaluated any more, so that the answer to it goes on.
        """
        decided = self._functions.verdict(self._open_pointer())
        return Verdict(
            action=AppSecAction(decided.action),
            status=decided.status,
            grpc_status=decided.grpc_status,
            content_type=decided.content_type,
            body=decided.body,
            location=decided.location,
            security_response_id=decided.security_response_id,
        )

    def tags(self, meta: Optional[Mapping[str, str]] = None, priority: Optional[int] = None) -> SpanTags:
        """Ends the request; what its service's entry span is to carry.

        `meta` and `priority` are what the span carries and the trace has already: what is said there is not told again,
        but where there is more to say.
        """
        span = None
        if meta is not None or priority is not None:
            span = json.dumps({"meta": dict(meta or {}), "priority": priority}).encode()
        told = json.loads(self._functions.tags(self._open_pointer(), span))
        return SpanTags(told["meta"], told["metrics"], told["priority"])

    def close(self) -> None:
        """Frees the request, wherever it stands. Does nothing a second time."""
        self._pointer = None
        self._finalizer()

    def _open_pointer(self) -> int:
        pointer = self._pointer
        if pointer is None:
            raise DatadogAgentException("the request was closed", DatadogError.NULL_POINTER)
        return pointer

    def __enter__(self) -> "AppSecRequest":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
