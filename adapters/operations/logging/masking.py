"""Any value made safe for the log: plain data, limited in size, without phones and secrets.

Entities hide their own phones and codes. This is the last line of defense.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from traceback import StackSummary, walk_tb
from typing import Any, Final

from adapters.shared.causes import code_of
from application.ports.errors import ConfigurationError, PortError
from domain.errors import DomainError
from domain.phone import PhoneNumber

_MAX_TEXT_LENGTH: Final = 2000
_MAX_ITEMS: Final = 40
"""Items of a collection, or frames of an exception."""
_MAX_DEPTH: Final = 4
_MAX_LINES: Final = 500
"""Lines of an exception with its causes, and of all members of a group."""
_MAX_NUMBER: Final = 2**63 - 1
"""Larger numbers are texts: many readers of JSON have 64 bits."""

_OWN_ERRORS: Final = (PortError, DomainError, ConfigurationError)
"""Their messages name the cause, and have no secrets."""

_SECRET: Final = re.compile(
    r"(?!(status|exit|error|country|region)_code$) (.*[^a-z])? (authorization|body|codes?|cookies?"
    r"|otp|passcode|password|pepper|secrets?|text|tokens?) ([^a-z].*)?",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MAX_NAMES: Final = 512
"""Names of fields that are checked once: nearly all lines have the same ones."""

# First texts with many digits that are no phone numbers. Then phone numbers: E.164, a run of
# digits, and the usual groups. A run is masked also beside letters, as in "tel14155552671".
_DIGITS: Final = re.compile(
    r"""(?P<kept>
        (?<![0-9A-Za-z]) (?: [0-9a-f]{24} | (?:[A-Z]{2})? [0-9a-f]{32} | [0-9a-f]{40} | [0-9a-f]{64}
          | [0-9a-f]{8} - (?: [0-9a-f]{4} - ){3} [0-9a-f]{12} ) (?![0-9A-Za-z])
      | (?<!\d) (?:19|20)\d\d - [01]\d - [0-3]\d (?!\d)
        (?: [T ]\d\d:\d\d (?: :\d\d (?: [.,]\d+ )? )? )?
      | (?<![\d.]) (?: \d{1,3} (?: \.\d{1,3} ){3} (?![\d.]) | \d{1,6} \.\d+ (?!\.?\d) ) )
  | [+\uFF0B] \(? \d (?: [ \t()./\-\u00A0\u202F\u2010-\u2013]{0,2} \d ){6,}
  | (?<!\d) \(? \d{3} \)? [ .\-]? \d{3} [ .\-] \d{4} (?!\d)
  | (?<!\d) \d{5} [ \-] \d{5} (?!\d) | \d{7,}""",
    re.VERBOSE,
)
_DIGIT: Final = re.compile(r"\d")
_PHONE_HASH: Final = re.compile(r"[0-9a-f]{16}")
"""Shorter than an id, so it is known by its name only: 16 digits may be a phone number."""


def mask_phones(text: str) -> str:
    """Mask phone numbers: all digits of them but the last two.

    Ids of 24, 32, 40 (a commit) and 64 hex digits, those of Twilio (two letters before the 32),
    UUIDs, times, IPv4 addresses and decimal fractions stay.
    """
    if _DIGIT.search(text) is None:
        return text
    return _DIGITS.sub(_mask_match, text)


def loggable(value: Any, name: str = "", depth: int = 0) -> Any:
    """Return the value as plain data; never raises, the log shows a broken value as its type.

    - Phone numbers are masked, and the values of secrets are hidden.
    - Long texts and collections are cut.
    - Exceptions are without their texts: see `code_of`.
    """
    try:
        if name and _is_secret(name):
            return "(hidden)" if value else value
        if isinstance(value, str) and (name == "exception" or len(value) <= _MAX_TEXT_LENGTH):
            is_hash = name == "phone_hash" and _PHONE_HASH.fullmatch(value)
            return value if is_hash else mask_phones(value)
        if value is None or (isinstance(value, (int, float)) and abs(value) <= _MAX_NUMBER):
            return value
        if isinstance(value, (bytes, bytearray)):
            return f"<{len(value)} bytes>"
        if isinstance(value, dict) and depth < _MAX_DEPTH:
            fields = {}
            for field, item in islice(value.items(), _MAX_ITEMS):
                shown = _show_name(field) if type(field) is str else str(loggable(field))
                fields[shown] = loggable(item, shown, depth + 1)
            return fields
        if isinstance(value, (list, tuple, set)) and depth < _MAX_DEPTH:
            return tuple(loggable(item, depth=depth + 1) for item in islice(value, _MAX_ITEMS))
        if isinstance(value, PhoneNumber):
            return value.masked
        text = summarize_exception(value) if isinstance(value, BaseException) else str(value)
        if len(text) <= _MAX_TEXT_LENGTH:
            return mask_phones(text)
        return mask_phones(text[:_MAX_TEXT_LENGTH]) + "…"
    except Exception:  # noqa: BLE001 - __str__ of a value may raise anything
        return f"<{type(value).__name__}>"


@lru_cache(_MAX_NAMES)
def _is_secret(name: str) -> bool:
    return _SECRET.fullmatch(name) is not None


@lru_cache(_MAX_NAMES)
def _show_name(name: str) -> str:
    return str(loggable(name))


def format_exception(error: BaseException) -> str:
    """Return the exception with its frames, then its causes; the root cause is last.

    A source line or a local variable may contain user input.
    """
    lines = [*islice(_format(error), _MAX_LINES + 1)]
    return "\n".join(lines if len(lines) <= _MAX_LINES else [*lines[:-1], "..."])


def _format(error: BaseException, relation: str = "", seen: tuple[int, ...] = ()) -> Iterator[str]:
    yield f"{relation}{summarize_exception(error)}"
    frames = walk_tb(error.__traceback__)
    for frame in StackSummary.extract(frames, limit=-_MAX_ITEMS, lookup_lines=False):
        path = f"{frame.filename}:{frame.lineno}".rpartition("/site-packages/")[2]
        yield f"  {path} {frame.name}"
    if len(seen) == _MAX_ITEMS:
        return
    seen = (*seen, id(error))
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from (f"  | {line}" for line in _format(member, "", seen))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause and id(cause) not in seen:
        yield from _format(cause, "caused by " if error.__cause__ else "while handling ", seen)


def summarize_exception(error: BaseException) -> str:
    """Return the class and the code; the message of our own errors as it is. Never raises."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    try:
        if isinstance(error, _OWN_ERRORS):
            message = " ".join(str(error).splitlines())
            return f"{name}: {message}" if message else name
        code = code_of(error)
    except Exception:  # noqa: BLE001 - __str__ of an exception may raise anything
        return name
    return f"{name} ({code})" if code else name


def _mask_match(match: re.Match[str]) -> str:
    text = match[0]
    return text if match["kept"] else _DIGIT.sub("*", text[:-2]) + text[-2:]
