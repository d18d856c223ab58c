"""A readable name for a device, for a session whose app gave it none."""

import re
from typing import Final

from domain.identities.session import MAX_DEVICE_NAME_LENGTH

# In this order: each names itself and, for old servers' sake, some of those below it.
_PROGRAMS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("Dart", "App"),
    ("okhttp", "App"),
    ("CFNetwork", "App"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Macintosh", "Mac"),
    ("Darwin", "Apple device"),
    ("Linux", "Linux"),
)
_PRODUCT: Final = re.compile(r"[A-Za-z][\w.-]{1,39}(?=/|\s|$)")


def device_text(user_agent: str) -> str | None:
    """Read a `User-Agent` (RFC 9110 §10.1.5) as people would call it: "Chrome on Android".

    It is a guess for the owner's eyes; nothing is decided by it. None when it says nothing.
    """
    shown = user_agent[: 4 * MAX_DEVICE_NAME_LENGTH]
    program = next((name for mark, name in _PROGRAMS if f"{mark}/" in shown), None)
    system = next((name for mark, name in _SYSTEMS if mark in shown), None)
    if program is None and (product := _PRODUCT.match(shown)) and product[0] != "Mozilla":
        program = product[0]
    if program and system:
        return f"{program} on {system}"
    return program or system
