"""The line of each request."""

import time
from collections.abc import Callable
from http import HTTPMethod
from typing import Any, Final

import msgspec

from adapters.logging.formatter import format_time
from adapters.logging.masking import loggable, loggable_text

_METHODS: Final = frozenset(HTTPMethod)
_NEW_ID_LENGTH: Final = 32
_encode: Final = msgspec.json.Encoder().encode


class RequestLog:
    """Logs the line of each request as JSON, in a tenth of the time of other lines.

    It needs no masking, because it has no free text. Only a method or an id that the service has
    not made may be a phone number.
    """

    def __init__(self, name: str, put: Callable[[bytes], None]) -> None:
        """Create a log.

        Args:
            name: of the logger.
            put: takes each line with its line end, without waiting.
        """
        self._name = name
        self._put = put

    def __call__(self, event: str, *, request_id: str, method: str, **fields: Any) -> None:
        """Log an event with the fields of a `_RequestLine`."""
        line = _RequestLine(
            timestamp=format_time(time.time()),
            event=event,
            logger=self._name,
            # An id of this length is no phone number.
            request_id=(
                request_id
                if len(request_id) == _NEW_ID_LENGTH
                else str(loggable(request_id, "request_id"))
            ),
            method=method if method in _METHODS else loggable_text(method),
            **fields,
        )
        self._put(msgspec.json.format(_encode(line), indent=0) + b"\n")


class _RequestLine(msgspec.Struct, kw_only=True, gc=False):
    timestamp: str
    level: str = "info"
    event: str
    logger: str
    request_id: str
    trace_id: str | msgspec.UnsetType = msgspec.UNSET
    client_ip: str
    method: str
    path: str
    status: int
    duration_ms: float
