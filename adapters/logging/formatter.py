"""The formatter of all log records: our structlog events and the records of libraries."""

import logging
import os
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TextIO

from structlog.dev import ConsoleRenderer
from structlog.processors import ExceptionRenderer, JSONRenderer
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, ExcInfo, Processor

from adapters.logging.exceptions import format_exception, summarize_exception
from adapters.logging.masking import loggable_fields, loggable_text, mask_phones
from application.ports.current_request import CURRENT_REQUEST

_EVENT_WIDTH: Final = 24
_NOT_ON_TERMINALS: Final = ("logger", "request_id")
"""Long fields that are only of use to programs."""
_TIME: Final = slice(11, 23)
_NOT_LOGGED: Final = {
    "_record", "_from_structlog", "event", "exc_info",
    "stack", "stack_info", "positional_args",  # they contain source and input
}  # fmt: skip


class LineFormatter(ProcessorFormatter):
    """Formats a record as one line without its line end; never raises."""

    def __init__(self, *renderers: Processor) -> None:
        """Create a formatter; the last of the renderers returns the line."""
        super().__init__(
            foreign_pre_chain=[_read_message],
            processors=[
                add_request_fields,
                _make_loggable,
                ExceptionRenderer(_format_exc_info),
                *renderers,
            ],
            use_get_message=False,
            pass_foreign_args=True,
        )
        self.is_json = isinstance(renderers[-1], JSONRenderer)

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; if it is broken, the line says where it was logged."""
        try:
            return super().format(record)
        except Exception:  # noqa: BLE001 - a record may hold any object
            source = f"{record.pathname}:{record.lineno}"
            event = {"event": "log_formatting_failed", "source": source}
            return super().format(
                logging.LogRecord(str(record.name), record.levelno, "", 0, event, (), None)
            )


def add_request_fields(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Add what is known about the current request."""
    request = CURRENT_REQUEST.get()
    return {**request.log_fields, **event} if request else event


def make_formatter(log_format: str, stream: TextIO | None = None) -> LineFormatter:
    """Return the formatter for a stream, by default stderr.

    - JSON is in ASCII, so that the encoding of the stream does not matter.
    - Columns are for people: lines below the level `warning` lack the logger and the request id.
    - Colors are for terminals, unless NO_COLOR is set (https://no-color.org).

    Args:
        log_format: `json`, `console`, or `auto`: columns on a terminal, JSON elsewhere.
        stream: where the lines will be written.
    """
    is_terminal = _is_terminal(stream or sys.stderr)
    if log_format == "json" or (log_format == "auto" and not is_terminal):
        return LineFormatter(JSONRenderer())
    has_colors = is_terminal and not os.environ.get("NO_COLOR")
    columns = ConsoleRenderer(colors=has_colors, sort_keys=False, pad_event_to=_EVENT_WIDTH)
    return LineFormatter(_shorten, columns)


def format_time(seconds: float) -> str:
    """Return a time in UTC with milliseconds (RFC 3339)."""
    return _format_millisecond(int(seconds * 1000))


# Often several lines are logged in the same millisecond.
@lru_cache(maxsize=4)
def _format_millisecond(milliseconds: int) -> str:
    return f"{_format_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=4)
def _format_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


def _make_loggable(_: Any, __: str, event_dict: EventDict) -> EventDict:
    record: logging.LogRecord = event_dict["_record"]
    line: dict[str, Any] = {
        "timestamp": format_time(record.created),
        "level": record.levelname.lower(),
        "event": loggable_text(str(event_dict.get("event", ""))),
        "logger": record.name,
    }
    given = {name: value for name, value in event_dict.items() if name not in _NOT_LOGGED}
    fields: dict[str, Any] = {**loggable_fields(given)}
    # A field cannot replace the time, level or logger.
    return line | fields | line | {"exc_info": event_dict.get("exc_info")}


def _format_exc_info(exc_info: ExcInfo) -> str:
    return mask_phones(format_exception(exc_info[1]))


def _read_message(_: Any, __: str, event_dict: EventDict) -> EventDict:
    """Read the fields of an adapter's event, or the first line of a library's message.

    The other lines may contain source code (`warnings`) or the message of an exception (`asyncio`).
    """
    message, args = event_dict["_record"].msg, event_dict["positional_args"]
    if isinstance(message, dict):
        return {**event_dict, **message}
    if isinstance(args, tuple):
        args = tuple(
            summarize_exception(arg) if isinstance(arg, BaseException) else arg for arg in args
        )
    text = str(message)
    try:
        text = text % args if args else text
    except Exception:  # noqa: BLE001 - __str__ of an argument may raise anything
        text = f"{text} (invalid arguments)"
    return {**event_dict, "event": next(iter(text.splitlines()), "")}


def _shorten(_: Any, __: str, event_dict: EventDict) -> EventDict:
    hidden = _NOT_ON_TERMINALS if event_dict["level"] in {"debug", "info"} else ()
    line = {
        _escape(name): _escape(value) if isinstance(value, str) else value
        for name, value in event_dict.items()
        if name not in hidden
    }
    line["timestamp"] = line["timestamp"][_TIME]
    if "exception" in event_dict:
        line["exception"] = "\n".join(map(_escape, event_dict["exception"].splitlines()))
    return line


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
