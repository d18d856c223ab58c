"""The lines that each request logs, as JSON, in a tenth of the time of other lines."""

import time
from collections.abc import Callable
from http import HTTPMethod
from typing import Any, Final

import msgspec

from adapters.logging.formatter import format_time
from adapters.logging.masking import loggable, loggable_text
from application.ports.current_request import CURRENT_REQUEST

_METHODS: Final = frozenset(HTTPMethod)
_NEW_ID_LENGTH: Final = 32
_encode: Final = msgspec.json.Encoder().encode


class RequestLog:
    """Logs the line of each request.

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

    def __call__(
        self,
        event: str,
        *,
        request_id: str,
        trace_id: str | msgspec.UnsetType = msgspec.UNSET,
        client_ip: str,
        method: str,
        path: str,
        status: int,
        duration_ms: float,
    ) -> None:
        """Log an event with these fields."""
        line = _RequestLine(
            timestamp=format_time(time.time()),
            event=event,
            logger=self._name,
            request_id=_loggable_id(request_id),
            trace_id=trace_id,
            client_ip=client_ip,
            method=method if method in _METHODS else loggable_text(method),
            path=path,
            status=status,
            duration_ms=duration_ms,
        )
        self._put(_to_json(line))


class SecurityLog:
    """Logs a security event of the level `info`, which has no phone number in its fields."""

    def __init__(self, name: str, put: Callable[[bytes], None]) -> None:
        """Create a log; the arguments are those of `RequestLog`."""
        self._name = name
        self._put = put

    def __call__(self, event: str, **fields: Any) -> None:
        """Log an event with the fields of a `_SecurityLine`."""
        request = CURRENT_REQUEST.get()
        if request:
            fields = {**request.log_fields, **fields}
            fields["request_id"] = _loggable_id(fields["request_id"])
        line = _SecurityLine(
            timestamp=format_time(time.time()), event=event, logger=self._name, **fields
        )
        self._put(_to_json(line))


def _loggable_id(request_id: str) -> str:
    # An id of this length is no phone number.
    if len(request_id) == _NEW_ID_LENGTH:
        return request_id
    return str(loggable(request_id, "request_id"))


def _to_json(line: msgspec.Struct) -> bytes:
    return msgspec.json.format(_encode(line), indent=0) + b"\n"


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


class _SecurityLine(msgspec.Struct, kw_only=True, gc=False):
    timestamp: str
    level: str = "info"
    event: str
    logger: str
    request_id: str | msgspec.UnsetType = msgspec.UNSET
    trace_id: str | msgspec.UnsetType = msgspec.UNSET
    client_ip: str | msgspec.UnsetType = msgspec.UNSET
    phone: str | msgspec.UnsetType = msgspec.UNSET
    user_id: str | msgspec.UnsetType = msgspec.UNSET
    role: str | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET
    attempts_left: int | msgspec.UnsetType = msgspec.UNSET
