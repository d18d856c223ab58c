"""The formatter of all log records: our structlog events and the records of libraries."""

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from structlog.contextvars import get_contextvars
from structlog.dev import ConsoleRenderer

from adapters.logging.exceptions import format_exception, summarize_exception
from adapters.logging.masking import Loggable, loggable_fields, loggable_text, mask_phones

_EVENT_WIDTH: Final = 24
_NOT_ON_TERMINALS: Final = ("logger", "request_id", "trace_id", "client_ip")
"""Fields that are the same in most lines of one person's requests."""
_TIME: Final = slice(11, 23)
_NEVER_LOGGED: Final = {"stack", "stack_info", "positional_args"}  # they contain source and input


def make_formatter(log_format: str, stream: TextIO | None = None) -> "LineFormatter":
    """Return the formatter for a stream, by default stderr.

    Colors are for terminals, unless NO_COLOR is set (https://no-color.org).

    Args:
        log_format: `json`, `console`, or `auto`: columns on a terminal, JSON elsewhere.
        stream: where the lines will be written.
    """
    is_terminal = _is_terminal(stream or sys.stderr)
    if log_format == "json" or (log_format == "auto" and not is_terminal):
        return LineFormatter(render_json)
    has_colors = is_terminal and not os.environ.get("NO_COLOR")
    return LineFormatter(console_renderer(has_colors=has_colors))


class LineFormatter:
    """Formats a record as one line without its line end; never raises."""

    def __init__(self, render: Callable[[dict[str, Loggable]], str]) -> None:
        """Create a formatter with a renderer."""
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; if it is broken, the line says where it was logged."""
        try:
            return self._render(_fields(record))
        except Exception:  # noqa: BLE001 - a record may hold any object
            return self._render(_fields_of_broken(record))


def render_json(fields: dict[str, Loggable]) -> str:
    """Render one JSON object in ASCII, so that the encoding of the stream does not matter."""
    return json.dumps(fields)


def console_renderer(*, has_colors: bool) -> Callable[[dict[str, Loggable]], str]:
    """Return a renderer for people, whose lines are short: time, level, event and other fields.

    Lines below the level `warning` lack the fields that identify a request.
    """
    renderer = ConsoleRenderer(colors=has_colors, sort_keys=False, pad_event_to=_EVENT_WIDTH)

    def render(fields: dict[str, Loggable]) -> str:
        exception = fields.pop("exception", None)
        fields["timestamp"] = str(fields["timestamp"])[_TIME]
        if fields["level"] in {"debug", "info"}:
            fields = {name: fields[name] for name in fields if name not in _NOT_ON_TERMINALS}
        escaped = {
            _escape(name): _escape(value) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        if exception is not None:
            escaped["exception"] = "\n".join(map(_escape, str(exception).splitlines()))
        return renderer(None, "", escaped)

    return render


def _fields(record: logging.LogRecord) -> dict[str, Loggable]:
    given = dict(record.msg) if isinstance(record.msg, dict) else {"event": _message(record)}
    error = _exception(given.pop("exc_info", None) or record.exc_info)
    fields: dict[str, Loggable] = {
        "timestamp": _timestamp(record),
        "level": record.levelname.lower(),
        "event": loggable_text(str(given.pop("event", ""))),
        "logger": record.name,
    }
    for name, value in loggable_fields(get_contextvars() | given).items():
        if name not in fields and name not in _NEVER_LOGGED:
            fields[name] = value
    if error is not None:
        fields["exception"] = mask_phones(format_exception(error))
    return fields


def _fields_of_broken(record: logging.LogRecord) -> dict[str, Loggable]:
    return {
        "timestamp": _timestamp(record),
        "level": str(record.levelname).lower(),
        "event": "log_formatting_failed",
        "logger": str(record.name),
        "source": f"{record.pathname}:{record.lineno}",
    }


def _message(record: logging.LogRecord) -> str:
    """Return the first line of a library's message.

    The other lines may contain source code (`warnings`) or the message of an exception (`asyncio`).
    """
    args = record.args
    if isinstance(args, tuple):
        args = tuple(
            summarize_exception(arg) if isinstance(arg, BaseException) else arg for arg in args
        )
    message = str(record.msg)
    try:
        message = message % args if args else message
    except Exception:  # noqa: BLE001 - __str__ of an argument may raise anything
        message = f"{message} (invalid arguments)"
    return next(iter(message.splitlines()), "")


def _exception(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3:
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _timestamp(record: logging.LogRecord) -> str:
    text = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _escape(text: str) -> str:
    # User input must not control the terminal and must not start a new line.
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False
