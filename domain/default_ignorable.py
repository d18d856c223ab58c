"""Default_Ignorable_Code_Point: the characters that are invisible wherever they have no effect.

Copied text has them, such as the directional marks that apps put around a number, and nobody sees
whether they are there.
"""

import re
from typing import Final

DEFAULT_IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The ranges, as in the brackets of a regular expression (Unicode 16.0, DerivedCoreProperties.txt).

They include code points that are reserved for such characters, so they are the same in any version.
"""
_DEFAULT_IGNORABLE: Final = re.compile(f"[{DEFAULT_IGNORABLE}]")


def drop_default_ignorable(text: str) -> str:
    """Return the text without these characters."""
    return _DEFAULT_IGNORABLE.sub("", text)
