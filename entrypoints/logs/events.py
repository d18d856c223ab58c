"""From a record of the standard library to the members of one line."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from structlog.contextvars import get_contextvars

from entrypoints.logs.exceptions import story, summary
from entrypoints.logs.masking import mask_text
from entrypoints.logs.values import Plain, plain_members, plain_text

_NEVER_SHOWN: Final = {"stack", "stack_info", "positional_args"}  # they quote source and input


def event_of(record: logging.LogRecord) -> dict[str, Plain]:
    """Give what the line says, in the order in which it says it."""
    members = _members(record)
    error = _error(members.pop("exc_info", None) or record.exc_info)
    event: dict[str, Plain] = {
        "timestamp": _iso(record.created),
        "level": record.levelname.lower(),
        "event": plain_text(str(members.pop("event", ""))),
        "logger": record.name,
    }
    for key, value in plain_members(get_contextvars() | members).items():
        if key not in event and key not in _NEVER_SHOWN:
            event[key] = value
    if error is not None:
        event["exception"] = mask_text(story(error))
    return event


def unreadable_event(record: logging.LogRecord) -> dict[str, Plain]:
    """Give what can be said of a record that cannot be read: where it was made."""
    return {
        "timestamp": _iso(record.created),
        "level": str(record.levelname).lower(),
        "event": "A log line could not be written",
        "logger": str(record.name),
        "at": f"{record.pathname}:{record.lineno}",
    }


def _members(record: logging.LogRecord) -> dict[str, Any]:
    if isinstance(record.msg, dict):
        return dict(record.msg)
    return {"event": _first_line(record)}


def _first_line(record: logging.LogRecord) -> str:
    # Behind the first line others put source code (warnings) and what failed (asyncio's tasks
    # with their exceptions' messages).
    args = record.args
    if isinstance(args, tuple):
        args = tuple(summary(one) if isinstance(one, BaseException) else one for one in args)
    message = str(record.msg)
    try:
        message = message % args if args else message
    except Exception:  # noqa: BLE001 - the template alone is better than nothing
        message = f"{message} (its arguments do not fit)"
    return next(iter(message.splitlines()), "")


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3:
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _iso(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
