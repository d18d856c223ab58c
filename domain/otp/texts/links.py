"""What phones make a link of."""

import re
import unicodedata
from typing import Final

_LABEL: Final = r"[^\W_](?:[\w-]*[^\W_])?"
_TOP: Final = r"[^\W\d_][\w-]*[^\W_]"
_LINK: Final = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*://\S*|\bwww\.\S*|{_LABEL}(?:\.{_LABEL})*\.{_TOP}"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b",
    re.IGNORECASE,
)


def first_link(text: str) -> str | None:
    """Give the first part that phones or carriers may take for a link, or None.

    An address with a scheme, `www.`, an IPv4 address, or anything like `name.word`: every word may
    be a top-level domain one day, and who writes a dot without a space behind it can write one.
    """
    found = _LINK.search(unicodedata.normalize("NFKC", text))
    return found[0] if found else None
