"""The lines that each request logs, as JSON, in a tenth of the time of other lines."""

import time
from collections.abc import Callable, Mapping
from http import HTTPMethod
from json.encoder import encode_basestring_ascii as _quote
from typing import Final

from adapters.logging.formatter import format_time
from adapters.logging.masking import loggable, loggable_text
from application.ports.current_request import CURRENT_REQUEST

_METHODS: Final = frozenset(HTTPMethod)
_NEW_ID_LENGTH: Final = 32


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
        trace_id: str | None = None,
        client_ip: str,
        method: str,
        path: str,
        status: int,
        duration_ms: float,
    ) -> None:
        """Log an event with these fields."""
        trace = "" if trace_id is None else f', "trace_id": {_quote(trace_id)}'
        shown = method if method in _METHODS else loggable_text(method)
        line = (
            f'{_line_start(event, self._name)}, "request_id": {_quote(_loggable_id(request_id))}'
            f'{trace}, "client_ip": {_quote(client_ip)}, "method": {_quote(shown)}'
            f', "path": {_quote(path)}, "status": {status}, "duration_ms": {duration_ms}}}\n'
        )
        self._put(line.encode())


class SecurityLog:
    """Logs a security event of the level `info`, which has no phone number in its fields."""

    def __init__(self, name: str, put: Callable[[bytes], None]) -> None:
        """Create a log; the arguments are those of `RequestLog`."""
        self._name = name
        self._put = put

    def write(self, event: str, fields: Mapping[str, str | int]) -> None:
        """Log an event with the fields of the request and these."""
        if request := CURRENT_REQUEST.get():
            request_id = _loggable_id(request.log_fields["request_id"])
            fields = {**request.log_fields, "request_id": request_id, **fields}
        line = _line_start(event, self._name)
        for name, value in fields.items():
            line += f', "{name}": {_quote(value) if isinstance(value, str) else value}'
        self._put(f"{line}}}\n".encode())


def _loggable_id(request_id: str) -> str:
    # An id of this length is no phone number.
    if len(request_id) == _NEW_ID_LENGTH:
        return request_id
    return str(loggable(request_id, "request_id"))


def _line_start(event: str, logger: str) -> str:
    """Return the first fields of a line; it looks as if the formatter had made it."""
    return (
        f'{{"timestamp": "{format_time(time.time())}", "level": "info",'
        f' "event": "{event}", "logger": "{logger}"'
    )
