r"""Patterns of fields whose whole rule needs a table, such as those of Unicode or a numbering plan.

A pattern cannot say which characters outside ASCII are digits, letters or invisible. So these match
all texts that the service accepts. Of the texts in ASCII they match no others, except for what the
description of the field says in words.

Every dialect has to understand them, those of generated clients too: these have no `\p{Nd}`, and
write `\u2028` as a line break. The shorthand `\s` does not mean the same in all of them.
"""

from typing import Final

from domain.administration.audit import MAX_REASON_LENGTH
from domain.identities.username import MAX_USERNAME_LENGTH

SPACES: Final = r"\t-\r\x1c- "
"""What Python takes for spaces in ASCII, for a class of characters."""
_OTHER: Final = r"[^\x00-\x7f]"
_CONTROLS: Final = r"\x00-\x08\x0e-\x1b\x7f"
NOT_IN_LINES: Final = r"\x80-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069"
"""Control characters outside ASCII that are no spaces, and bidirectional controls (UAX #9)."""
_NOT_IN_PHONES: Final = r"!-'*:-Z\\^`-~"


def not_only_ascii(forbidden: str) -> str:
    """Return a pattern of texts that are not only ASCII.

    They have none of these characters, and of the control characters in ASCII only spaces.
    """
    allowed = f"[^{_CONTROLS}{forbidden}]*"
    return f"^{allowed}{_OTHER}{allowed}$"


def _phone_pattern() -> str:
    # The longest numbers have 17 digits and a country code, and more may be dialed before these.
    between = rf"[{SPACES}(),-/\[\]_]*"
    number = rf"^{between}(?:\+{between})?(?:[0-9]{between}){{4,30}}$"
    uri = r"^[^!-~]*[Tt][Ee][Ll][^!-~]*:[\x00-/:-\x7f]*[^\x00-/:-\x7f]"
    return f"{number}|{not_only_ascii(_NOT_IN_PHONES)}|{uri}"


def reason_pattern(min_length: int) -> str:
    """Return the pattern of a reason; one that may be empty has a minimum of 0."""
    reason = f"(?:[!-~][{SPACES}]*){{{min_length},{MAX_REASON_LENGTH}}}"
    return f"^[{SPACES}]*{reason}$|{not_only_ascii(NOT_IN_LINES)}"


PHONE_PATTERN: Final = _phone_pattern()
USERNAME_PATTERN: Final = (
    f"^[{SPACES}]*[!-~](?: *[!-~]){{0,{MAX_USERNAME_LENGTH - 1}}}[{SPACES}]*$"
    f"|{not_only_ascii(NOT_IN_LINES)}"
)
