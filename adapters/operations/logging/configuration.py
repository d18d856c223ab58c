"""Configuration of structlog and the standard library's logging.

structlog takes a tenth of a second to import. So it is imported with the first line, or by what
uses it.
"""

import json
import logging
import logging.config
import os
import re
import sys
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from adapters.operations.logging.lines import LineLogger, LineWriter
from adapters.operations.logging.masking import format_exception, loggable, summarize_exception
from adapters.operations.logging.unhandled import log_unhandled_errors
from application.ports.current_request import current_log_fields

if TYPE_CHECKING:
    from structlog.typing import Processor

_IMPORTANT_LOGGERS: Final = ("dialtone.security", __name__)
"""Their warnings are logged at every level."""
_WARNING_PLACE: Final = re.compile(r"(.*?:\d+: \w+): ")
"""File, line and category; a library's texts may have values, like its exceptions."""
_OWN_PACKAGES: Final = {"domain", "application", "adapters", "entrypoints", "dialtone"}
"""Packages whose records below the level `warning` are logged. Those of libraries may quote
messages, codes and URLs.
"""


def configure_logging(
    level: str, log_format: str, count_failures: Callable[[str, int], object] = lambda *_: None
) -> None:
    """Log everything in this process to stderr with one chain of processors, warnings included.

    `count_failures` counts uncaught errors (`unhandled`) and dropped lines (`log`).
    """
    logging.setLoggerClass(_Logger)
    logging.config.dictConfig(logging_config(level))
    # The standard library reports a failed log call with a traceback that contains the record.
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    log_unhandled_errors(lambda: count_failures("unhandled", 1), flush_log)
    _writer().count_dropped = lambda lines: count_failures("log", lines)
    _lines.level, _lines.log_format = level, log_format
    if "structlog" in sys.modules:
        configure_structlog()


def configure_structlog() -> None:
    """Let structlog write as `configure_logging` said, for what imports it later than that."""
    if _lines.level is None:
        return
    import structlog

    find_logger = structlog.stdlib.LoggerFactory([__name__])
    logging.setLoggerClass(_Logger)  # the factory has set another class
    structlog.configure(
        processors=_processors(_lines.log_format),
        # LineLogger drops what the level of the logger does not allow.
        wrapper_class=structlog.make_filtering_bound_logger(
            _lines.level.replace("error", "warning")
        ),
        logger_factory=lambda *args: _make_line_logger(find_logger(*args)),
        cache_logger_on_first_use=True,
    )


def log_package(name: str) -> None:
    """Log this package of an operator at the configured level, as our own."""
    _OWN_PACKAGES.add(name)
    logging.getLogger(name).setLevel(logging.getLogger("adapters").level)
    configure_structlog()


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration for `logging.config.dictConfig`; granian's workers need it too.

    - Only our own loggers log below `warning`, whatever level a library sets for its logger.
    - Security warnings are logged at every level, because they may be attacks.
    """
    level = level.upper()
    library_level = "ERROR" if level == "ERROR" else "WARNING"
    levels = dict.fromkeys(_OWN_PACKAGES, level)
    levels |= dict.fromkeys(_IMPORTANT_LOGGERS, "WARNING" if level == "ERROR" else level)
    # The banner replaces granian's info messages.
    levels["_granian"] = library_level
    handler = {
        "class": "logging.StreamHandler",
        "formatter": "line",
        "filters": [_is_logged],
        "stream": _writer(),
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": RecordFormatter}},
        "handlers": {"stderr": {**handler, ".": {"terminator": ""}}},
        "root": {"handlers": ["stderr"], "filters": [_is_logged], "level": library_level},
        "loggers": {name: {"level": value} for name, value in levels.items()},
    }


class _Logger(logging.Logger):
    """A logger that also keeps records of libraries from handlers that a library has added."""

    def handle(self, record: logging.LogRecord) -> None:
        if _is_logged(record):
            super().handle(record)


def _is_logged(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or _is_own(record.name)


def _is_own(name: str) -> bool:
    return name.partition(".")[0] in _OWN_PACKAGES


def _make_line_logger(logger: logging.Logger) -> LineLogger:
    return LineLogger(logger, _writer().write, below_warning=_is_own(logger.name))


def is_json_log(log_format: str) -> bool:
    """Return whether the lines on stderr are JSON, in this format."""
    return _is_json(log_format, os.isatty(_writer().descriptor))


def _is_json(log_format: str, is_terminal: bool) -> bool:
    return log_format == "json" or (log_format == "auto" and not is_terminal)


def make_processors(log_format: str, is_terminal: bool) -> "list[Processor]":
    """Return the processors of all lines; the last one returns the line without its line end.

    - Columns are for people: lines below the level `warning` lack the logger and the request id.
    - Colors are for terminals, unless NO_COLOR is set (https://no-color.org).

    The format `auto` is columns on a terminal, and JSON elsewhere.
    """
    import structlog
    from structlog.processors import ExceptionRenderer, JSONRenderer, add_log_level

    processors: list[Processor] = [
        ExceptionRenderer(lambda exc_info: format_exception(exc_info[1])),
        lambda _logger, _name, event: loggable(event),
        # What these add needs no check.
        add_request_fields,
        # No field replaces what these add.
        add_log_level,
        structlog.stdlib.add_logger_name,
        lambda _logger, _name, event: {**event, "timestamp": datetime.now(UTC)},
    ]
    if _is_json(log_format, is_terminal):
        return [*processors, JSONRenderer(_to_json)]
    colors = is_terminal and not os.environ.get("NO_COLOR")
    columns = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=24)
    return [*processors, _shorten, columns]


class RecordFormatter(logging.Formatter):
    """Formats the records of the standard library with the processors of structlog; never raises.

    `ProcessorFormatter` would call `__str__` of every message, which may raise anything.
    """

    def format(self, record: logging.LogRecord) -> str:
        # Adapters log dicts, libraries texts.
        fields = record.msg if isinstance(record.msg, dict) else {"event": _read_message(record)}
        event: Any = {"event": "", "exc_info": record.exc_info, **fields}
        for processor in _processors(_lines.log_format):
            event = processor(logging.getLogger(record.name), record.levelname.lower(), event)
        return str(event)


def add_request_fields(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add what is known about the current request, or about the requests of a batch."""
    return {**current_log_fields(), **event}


def flush_log() -> None:
    """Wait until all lines are written, at most for a second."""
    _writer().wait_until_written()


@cache
def _writer() -> LineWriter:
    return LineWriter(sys.stderr.fileno() if sys.stderr else -1, _report_dropped)


def _report_dropped(lines: int) -> str:
    report = {"event": "log_lines_dropped", "lines": lines}
    fields = {"name": __name__, "levelname": "WARNING", "msg": report}
    return RecordFormatter().format(logging.makeLogRecord(fields))


class _Lines:
    """The arguments of `configure_logging`; the level is None before its call."""

    level: str | None = None
    log_format = "auto"


_lines: Final = _Lines()


@cache
def _processors(log_format: str) -> "list[Processor]":
    return make_processors(log_format, os.isatty(_writer().descriptor))


def _read_message(record: logging.LogRecord) -> str:
    # Other lines may contain source code (warnings) or the message of an exception (asyncio).
    text = str(loggable(record.msg)).partition("\n")[0]
    # The server itself names its workers, and knows no values of requests.
    is_own = _is_own(record.name) or record.name == "_granian"
    args = loggable(record.args) if is_own else _mask_arguments(record)
    with suppress(Exception):  # the arguments may be of other types
        text = text % args if args else text
    if is_own:
        return text.partition("\n")[0]
    place = _WARNING_PLACE.match(text) if record.name == "py.warnings" else None
    if place:
        return place[1]
    # Without arguments, a text may have been made with values; the first line of asyncio has none.
    is_shown = args or record.name == "asyncio"
    return text if is_shown else f"{record.module}:{record.lineno}"


def _mask_arguments(record: logging.LogRecord) -> tuple[str, ...]:
    args = record.args if isinstance(record.args, tuple) else ()
    return tuple(
        summarize_exception(arg) if isinstance(arg, BaseException) else "*" for arg in args
    )


def _to_json(event: MutableMapping[str, Any], **_: Any) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode("ascii")
    except UnicodeError:
        # ASCII, because other characters may be line ends or control a terminal.
        return json.dumps(msgspec.to_builtins(event, enc_hook=repr))


def _shorten(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = f"{event['timestamp']:%H:%M:%S.%f}"[:12]
    is_short = event["level"] in {"debug", "info"}
    hidden = ("logger", "request_id", "request_ids", "request_count") if is_short else ()
    return {_escape(n): _escape(v, n) for n, v in event.items() if n not in hidden}


def _escape(value: Any, name: str = "") -> Any:
    # User input must not control the terminal and must not start a new line.
    if not isinstance(value, str) or value.isprintable():
        return value
    kept = "\n" if name == "exception" else ""
    return "".join(c if c.isprintable() or c == kept else ascii(c)[1:-1] for c in value)
