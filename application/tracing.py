"""The tracer of this process. There is none by default."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from application.ports.tracing import Attributes, Span, Tracer


class _NoSpan:
    """What a call gets without a tracer."""

    def set_attributes(self, attributes: Attributes, /) -> None:
        pass

    def fail(self, error_type: str, /) -> None:
        pass


_NO_SPAN: Final[AbstractContextManager[Span]] = nullcontext(_NoSpan())
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
    """Return the tracer of the process; None if nothing is traced."""
    return _active[-1] if _active else None


def trace_call(name: str, attributes: Attributes) -> AbstractContextManager[Span]:
    """Return the span of a request to somebody else, until the block ends."""
    return _active[-1].trace_call(name, attributes) if _active else _NO_SPAN
