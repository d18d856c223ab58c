"""Log records and their JSON lines."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adapters.logging.formatter import make_formatter
from application.ports.current_request import CURRENT_REQUEST, CurrentRequest


@contextmanager
def request_fields(**fields: str) -> Iterator[None]:
    """Log within a request with these fields."""
    token = CURRENT_REQUEST.set(CurrentRequest(fields))
    yield
    CURRENT_REQUEST.reset(token)


def make_record(message: Any, *args: Any, **attributes: Any) -> logging.LogRecord:
    """Return a warning of a library; a dict as the message makes it an event of an adapter."""
    record = logging.LogRecord("library", logging.WARNING, "/x.py", 7, message, args, None)
    vars(record).update(attributes)
    return record


def log_line(message: Any, *args: Any, **attributes: Any) -> dict[str, Any]:
    """Return the fields of the JSON line of a record."""
    line = make_formatter("json").format(make_record(message, *args, **attributes))
    fields: dict[str, Any] = json.loads(line)
    return fields
