"""Meta's ids of messages, without the phone numbers in them.

An id is Base64 of several fields: one is the number of the recipient, and the last one the id that
WhatsApp itself has. Only that one may be logged and stored.
"""

import base64
import re
from typing import Final

_PREFIX: Final = "wamid."
# A number has at most 15 digits.
_OWN_ID: Final = re.compile(rb"(?<![0-9A-F])[0-9A-F]{16,40}(?=\x00?\Z)")


def without_number(message_id: str) -> str:
    """Return the part of an id that WhatsApp made; empty without one."""
    encoded = message_id.removeprefix(_PREFIX)
    try:
        match = _OWN_ID.search(base64.b64decode(f"{encoded}{'=' * (-len(encoded) % 4)}"))
    except ValueError:
        return ""
    return match[0].decode() if match else ""
