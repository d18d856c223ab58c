"""What must not be read in a log: phone numbers wherever they stand, and secrets by their key.

Entities hide their own phones and codes; this is the last line of defence.
"""

import re
from typing import Final

_HIDDEN_PARTS: Final = {
    "authorization", "body", "code", "codes", "cookie", "cookies", "otp", "passcode", "password",
    "pepper", "secret", "secrets", "text", "token", "tokens",
}  # fmt: skip
_SHOWN: Final = {"status_code", "exit_code", "error_code", "country_code", "region_code"}
_WORDS: Final = re.compile(r"[^a-z]+")

# What has many digits and is no phone, and then what is one: E.164 or a bare run, and the
# ways in which people group them. Letters beside a run are no excuse: "tel14155552671".
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
_A_DIGIT: Final = re.compile(r"\d")


def mask_text(text: str) -> str:
    """Replace all digits but the last two of what looks like a phone number.

    Ids of 24, 32 and 64 hex digits, UUIDs, times, IPv4 addresses and decimal fractions stay.
    """
    return _DIGITS.sub(_masked, text)


def is_hidden(key: str) -> bool:
    """Whether what stands under this key is not shown at all."""
    lowered = key.lower()
    return lowered not in _SHOWN and not _HIDDEN_PARTS.isdisjoint(_WORDS.split(lowered))


def looks_like_phone(text: str) -> bool:
    """Whether the text as a whole is what `mask_text` would mask."""
    match = _DIGITS.fullmatch(text)
    return match is not None and match["kept"] is None


def _masked(match: re.Match[str]) -> str:
    if match["kept"] is not None:
        return match[0]
    return _A_DIGIT.sub("*", match[0][:-2]) + match[0][-2:]
