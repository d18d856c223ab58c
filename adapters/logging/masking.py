"""Any value made safe for the log: plain data, limited in size, without phones and secrets.

Entities hide their own phones and codes. This is the last line of defense.
"""

import math
import re
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.logging.exceptions import summarize_exception
from domain.phone import PhoneNumber

Loggable = str | int | float | bool | None | list["Loggable"] | dict[str, "Loggable"]

MAX_TEXT_LENGTH: Final = 2000
_MAX_ITEMS: Final = 50
_MAX_DEPTH: Final = 4
_MAX_INTEGER: Final = 2**63

_HIDDEN: Final = "(hidden)"
_SECRET_WORDS: Final = {
    "authorization", "body", "code", "codes", "cookie", "cookies", "otp", "passcode", "password",
    "pepper", "secret", "secrets", "text", "token", "tokens",
}  # fmt: skip
_NOT_SECRET: Final = {"status_code", "exit_code", "error_code", "country_code", "region_code"}
_NOT_A_LETTER: Final = re.compile(r"[^a-z]+")

# First texts with many digits that are no phone numbers. Then phone numbers: E.164, a run of
# digits, and the usual groups. A run is masked also beside letters, as in "tel14155552671".
_DIGITS: Final = re.compile(
    r"""
    (?P<kept>
        (?<![0-9A-Za-z])
        (?: [0-9a-f]{24} | [0-9a-f]{32} | [0-9a-f]{64}
          | [0-9a-f]{8} - (?: [0-9a-f]{4} - ){3} [0-9a-f]{12}
        ) (?![0-9A-Za-z])
      | (?<!\d) (?:19|20)\d\d - [01]\d - [0-3]\d (?!\d)
        (?: [T ]\d\d:\d\d (?: :\d\d (?: [.,]\d+ )? )? )?
      | (?<![\d.]) \d{1,3} (?: \.\d{1,3} ){3} (?![\d.])
      | (?<![\d.]) \d{1,6} \.\d+
    )
  | [+\uFF0B] \(? \d (?: [ \t()./\-]{0,2} \d ){6,}
  | (?<!\d) \(? \d{3} \)? [ .\-]? \d{3} [ .\-] \d{4} (?!\d)
  | (?<!\d) \d{5} [ \-] \d{5} (?!\d)
  | \d{7,}
    """,
    re.VERBOSE,
)
_DIGIT: Final = re.compile(r"\d")
_MAX_PHONE_DIGITS: Final = 15
"""ITU-T E.164."""


def mask_phones(text: str) -> str:
    """Mask phone numbers: all digits of them but the last two.

    Ids of 24, 32 and 64 hex digits, UUIDs, times, IPv4 addresses and decimal fractions stay.
    """
    return _DIGITS.sub(_mask_match, text)


def loggable_text(text: str) -> str:
    """Mask phone numbers, and cut the text after `MAX_TEXT_LENGTH` characters."""
    ending = "…" if len(text) > MAX_TEXT_LENGTH else ""
    return mask_phones(text[:MAX_TEXT_LENGTH]) + ending


def loggable_fields(values: Mapping[Any, Any], depth: int = 0) -> dict[str, Loggable]:
    """Return the fields as plain data; the values of secrets are hidden."""
    return {
        loggable_text(str(name)): loggable(value, str(name), depth)
        for name, value in list(values.items())[:_MAX_ITEMS]
    }


def loggable(value: Any, name: str = "", depth: int = 0) -> Loggable:
    """Return the value as plain data; never raises, the log shows a broken value as its type."""
    try:
        if value is not None and _is_secret(name):
            return _HIDDEN
        if name == "request_id" and type(value) is str and not _is_phone(value):
            return value[:MAX_TEXT_LENGTH]
        return _loggable(value, depth)
    except Exception:  # noqa: BLE001 - __str__ of a value may raise anything
        return f"<{type(value).__name__}>"


def _loggable(value: Any, depth: int) -> Loggable:
    match value:
        case None | bool():
            return value
        case PhoneNumber():
            return value.masked
        case str():
            return loggable_text(str(value))
        case int() if abs(value) < _MAX_INTEGER:
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
            return loggable_text(summarize_exception(value))
        case _ if depth >= _MAX_DEPTH:
            return f"<{type(value).__name__}>"
        case Mapping():
            return loggable_fields(value, depth + 1)
        case list() | tuple() | Set():
            return [loggable(item, depth=depth + 1) for item in list(value)[:_MAX_ITEMS]]
        case _ if is_dataclass(value) and _has_generated_repr(type(value)):
            shown = {
                field.name: getattr(value, field.name) for field in fields(value) if field.repr
            }
            return {"type": type(value).__name__, **loggable_fields(shown, depth + 1)}
        case _:
            return loggable_text(str(value))


def _has_generated_repr(dataclass_type: Any) -> bool:
    # A class with its own __repr__, like Code, hides something.
    return bool(dataclass_type.__dataclass_params__.repr)


def _is_secret(name: str) -> bool:
    lowercase = name.lower()
    return lowercase not in _NOT_SECRET and not _SECRET_WORDS.isdisjoint(
        _NOT_A_LETTER.split(lowercase)
    )


def _is_phone(text: str) -> bool:
    match = _DIGITS.fullmatch(text)
    is_number = match is not None and match["kept"] is None
    return is_number and len(_DIGIT.findall(text)) <= _MAX_PHONE_DIGITS


def _mask_match(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match[0]
    return _DIGIT.sub("*", match[0][:-2]) + match[0][-2:]
