"""One formatter for every logger: our own events and the standard library's records."""

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Final, TextIO

from structlog.dev import ConsoleRenderer

from entrypoints.logs.events import event_of, unreadable_event
from entrypoints.logs.values import Plain

_EVENT_WIDTH: Final = 36


class LineFormatter:
    """Writes a record as one line for machines, or as aligned columns for people.

    It never raises: logging must not be what fails.
    """

    def __init__(self, render: Callable[[dict[str, Plain]], str]) -> None:
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        try:
            return self._render(event_of(record))
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            return self._render(unreadable_event(record))


def make_formatter(log_format: str, stream: TextIO | None = None) -> LineFormatter:
    """Make the formatter for a stream, stderr by default, from a `LogFormat`.

    Colours are for terminals, unless NO_COLOR is set (https://no-color.org).
    """
    is_terminal = _is_terminal(stream or sys.stderr)
    if log_format == "json" or (log_format == "auto" and not is_terminal):
        return LineFormatter(as_json)
    return LineFormatter(as_columns(has_colors=is_terminal and not os.environ.get("NO_COLOR")))


def as_json(event: dict[str, Plain]) -> str:
    """Give one JSON object, in ASCII, so that no stream's encoding matters."""
    return json.dumps(event)


def as_columns(*, has_colors: bool) -> Callable[[dict[str, Plain]], str]:
    """Make a renderer for people: time, level, event, logger, and what else there is."""
    renderer = ConsoleRenderer(colors=has_colors, sort_keys=False, pad_event_to=_EVENT_WIDTH)

    def render(event: dict[str, Plain]) -> str:
        escaped = {
            _printable(key): _printable(value) if isinstance(value, str) else value
            for key, value in event.items()
            if key != "exception"
        }
        if "exception" in event:
            lines = str(event["exception"]).splitlines()
            escaped["exception"] = "\n".join(map(_printable, lines))
        return renderer(None, "", escaped)

    return render


def _printable(text: str) -> str:
    # What came from outside must not steer the terminal nor begin a line of its own.
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False
