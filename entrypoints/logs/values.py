"""Any value as it may stand in a log: plain data that every renderer can write."""

import math
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from domain.phone import PhoneNumber
from entrypoints.logs.exceptions import summary
from entrypoints.logs.masking import is_hidden, looks_like_phone, mask_text

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]

LONGEST_TEXT: Final = 2000
_MOST_MEMBERS: Final = 50
_DEEPEST: Final = 4
_LARGEST_NUMBER: Final = 2**63
_HIDDEN: Final = "(hidden)"


def plain_members(members: Mapping[Any, Any], depth: int = 0) -> dict[str, Plain]:
    """Give the members as plain data; what stands under a secret's key is hidden."""
    return {
        plain_text(str(key)): plain(value, str(key), depth)
        for key, value in list(members.items())[:_MOST_MEMBERS]
    }


def plain(value: Any, key: str = "", depth: int = 0) -> Plain:
    """Give the value as plain data; never raises, a broken value is shown as its type."""
    try:
        if is_hidden(key) and value is not None:
            return _HIDDEN
        if key == "request_id" and type(value) is str and not looks_like_phone(value):
            return value[:LONGEST_TEXT]
        return _plain(value, depth)
    except Exception:  # noqa: BLE001 - a log line must not fail, whatever is in it
        return f"<{type(value).__name__}>"


def plain_text(text: str) -> str:
    """Give the text without phones, and not endless."""
    cut = len(text) > LONGEST_TEXT
    return mask_text(text[:LONGEST_TEXT]) + ("…" if cut else "")


def _plain(value: Any, depth: int) -> Plain:
    match value:
        case None | bool():
            return value
        case PhoneNumber():
            return value.masked
        case str():
            return plain_text(str(value))
        case int() if abs(value) < _LARGEST_NUMBER:
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case int() | float():
            return f"<{type(value).__name__}>"
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case BaseException():
            return plain_text(summary(value))
        case _ if depth >= _DEEPEST:
            return f"<{type(value).__name__}>"
        case Mapping():
            return plain_members(value, depth + 1)
        case list() | tuple() | Set():
            return [plain(one, depth=depth + 1) for one in list(value)[:_MOST_MEMBERS]]
        case _ if is_dataclass(value) and _shows_its_fields(type(value)):
            named = {one.name: getattr(value, one.name) for one in fields(value) if one.repr}
            return {"type": type(value).__name__, **plain_members(named, depth + 1)}
        case _:
            return plain_text(str(value))


def _shows_its_fields(kind: Any) -> bool:
    # One with a repr of its own, like Code, has something to hide.
    return bool(kind.__dataclass_params__.repr)
