"""Lines of the log, made from records."""

import json
import logging
from typing import Any

from entrypoints.logs.formatter import LineFormatter, as_json


def a_record(message: Any, *args: Any, **changes: Any) -> logging.LogRecord:
    """A warning of a vendor's; with a dict as its message, an event of our own."""
    record = logging.LogRecord("vendor", logging.WARNING, "/x.py", 7, message, args, None)
    for name, value in changes.items():
        setattr(record, name, value)
    return record


def logged(message: Any, *args: Any, **changes: Any) -> dict[str, Any]:
    """The members of the line that a record becomes."""
    line = LineFormatter(as_json).format(a_record(message, *args, **changes))
    members: dict[str, Any] = json.loads(line)
    return members
