"""Traces: which requests there were, which others each of them sent, and how long each took.

The core says what a span is about, so that no tracer sees a path, a query, a header, a body, the
text of an error, a phone number, an IP or a token.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

ERROR_TYPE: Final = "error.type"
"""The attribute that makes a span a failed one: the name of a class, or a status."""

Attributes: TypeAlias = dict[str, str | int]
"""Named by the semantic conventions of OpenTelemetry, or with the prefix `dialtone.`."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span that has begun.

    Attributes:
        attributes: What is known of it when its block ends.
        trace_id: The id of its trace: 32 hex digits.
        span_id: Its id: 16 hex digits.
    """

    attributes: Attributes
    trace_id: str = ""
    span_id: str = ""


class Tracer(Protocol):
    """Makes spans of requests, and of those that they send to others.

    - No method waits or raises, whatever becomes of the spans.
    - An error that leaves the block of a span makes it a failed one; nothing but the class of the
      error gets into the span.
    - A span is the parent of those that begin in its block, also in tasks that are started there.
    """

    def trace_request(
        self, attributes: Attributes, headers: Mapping[str, str], /
    ) -> AbstractContextManager[Span]:
        """Return the span of a request, until the block ends.

        Args:
            attributes: What is known of it.
            headers: W3C Trace Context headers, as a trusted proxy has sent them.
        """
        ...

    def trace_call(self, attributes: Attributes, /) -> AbstractContextManager[Span]:
        """Return the span of a request to somebody else, until the block ends.

        Outside of a request that is traced, nothing of it is kept.
        """
        ...


_active: list[Tracer] = []


@contextmanager
def use_tracer(tracer: Tracer) -> Iterator[None]:
    """Make this the tracer of the process, until the block ends."""
    _active.append(tracer)
    try:
        yield
    finally:
        _active.remove(tracer)


def active_tracer() -> Tracer | None:
    """Return the tracer of the process; None if nothing is traced, as by default."""
    return _active[-1] if _active else None


def trace_call(attributes: Attributes) -> AbstractContextManager[Span]:
    """Return the span of a request to somebody else, until the block ends."""
    tracer = active_tracer()
    return nullcontext(Span(attributes)) if tracer is None else tracer.trace_call(attributes)
