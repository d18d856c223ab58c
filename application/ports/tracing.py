"""Traces: which requests there were, which others each of them sent, and how long each took.

The core says what a span is about, so that no tracer sees a path, a query, a header, a body, the
text of an error, a phone number, an IP or a token.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Attributes: TypeAlias = Mapping[str, str | int]
"""Named by the semantic conventions of OpenTelemetry, or with the prefix `dialtone.`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRequest:
    """A request that begins.

    Attributes:
        method: Its method, `_OTHER` if it is none of HTTP.
        traceparent: The header of W3C Trace Context, as it was sent; None if there is none.
        tracestate: The same for this header.
        is_trusted: A trusted proxy sent these headers.
    """

    method: str
    traceparent: str | None
    tracestate: str | None
    is_trusted: bool


class Span(Protocol):
    """A span that has begun."""

    def set_attributes(self, attributes: Attributes, /) -> None:
        """Set attributes; never waits and never raises."""
        ...

    def fail(self, error_type: str, /) -> None:
        """Note that it failed, with the name of a class or a status; never waits or raises."""
        ...


class RequestSpan(Span, Protocol):
    """The span of a request."""

    @property
    def trace_id(self) -> str:
        """The id of its trace: 32 hex digits."""
        ...

    @property
    def span_id(self) -> str:
        """Its id: 16 hex digits."""
        ...

    def set_name(self, name: str, /) -> None:
        """Set the name, when the route is known; never waits and never raises."""
        ...


class Tracer(Protocol):
    """What makes spans of requests, and of those that they send to others.

    - Nothing of it waits or raises, whatever becomes of the spans.
    - An error that leaves the block of a span makes it a failed one; nothing but the class of the
      error gets into the span.
    - A span is the parent of those that begin in its block, also in tasks that are started there.
    """

    def trace_request(self, request: TracedRequest, /) -> AbstractContextManager[RequestSpan]:
        """Return the span of a request, until the block ends."""
        ...

    def trace_call(self, name: str, attributes: Attributes, /) -> AbstractContextManager[Span]:
        """Return the span of a request to somebody else, until the block ends.

        Outside of a request that is traced, nothing of it is kept.
        """
        ...
