"""A name for the device of a client."""

import re
from typing import Final

from domain.identities.session import MAX_DEVICE_NAME_LENGTH

# Order matters: for compatibility, most browsers also name browsers that are further below.
_BROWSERS: Final = (
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


def parse_device_name(user_agent: str) -> str | None:
    """Return a device name from `User-Agent` (RFC 9110 §10.1.5), such as "Chrome on Android".

    It is a guess for the user's list of sessions. No decision depends on it.
    """
    text = user_agent[: 4 * MAX_DEVICE_NAME_LENGTH]
    program = next((name for token, name in _BROWSERS if f"{token}/" in text), None)
    system = next((name for token, name in _SYSTEMS if token in text), None)
    if program is None and (product := _PRODUCT.match(text)) and product[0] != "Mozilla":
        program = product[0]
    if program and system:
        return f"{program} on {system}"
    return program or system
