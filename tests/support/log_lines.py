"""Log records and their lines."""

import json
import logging
from typing import Any

import structlog

from adapters.operations.logging.configuration import RecordFormatter, make_processors


def make_record(message: Any, *args: Any, **attributes: Any) -> logging.LogRecord:
    """Return a warning of a library; a dict as the message makes it an event of an adapter."""
    record = logging.LogRecord("library", logging.WARNING, "/x.py", 7, message, args, None)
    vars(record).update(attributes)
    return record


def format_line(
    record: logging.LogRecord, log_format: str = "json", *, is_terminal: bool = False
) -> str:
    """Return the line of a record."""
    config = structlog.get_config()
    structlog.configure(processors=make_processors(log_format, is_terminal=is_terminal))
    try:
        return RecordFormatter().format(record)
    finally:
        structlog.configure(**config)


def log_line(message: Any, *args: Any, **attributes: Any) -> dict[str, Any]:
    """Return the fields of the JSON line of a record."""
    fields: dict[str, Any] = json.loads(format_line(make_record(message, *args, **attributes)))
    return fields
