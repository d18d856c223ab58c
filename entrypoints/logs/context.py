"""What every line of a request carries."""

from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars


def bind_request_id(request_id: str) -> AbstractContextManager[None]:
    """Put `request_id` on every line that is logged inside, in this task and those it starts."""
    return bound_contextvars(request_id=request_id)
