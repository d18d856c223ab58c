"""The hash by which Android knows whose message it is."""

import re
from typing import Final

from domain.errors import InvalidValue

APP_HASH_LENGTH: Final = 11
_HASH: Final = re.compile(rf"[A-Za-z0-9+/]{{{APP_HASH_LENGTH}}}")


def parse_app_hash(text: str) -> str:
    """Read the hash of an Android app.

    https://developers.google.com/identity/sms-retriever/verify: the first 11 characters of a
    base64 text, computed from the app's package and its signing certificate.

    Raises:
        InvalidValue: it is something else.
    """
    if not _HASH.fullmatch(text):
        raise InvalidValue(
            f"An app hash has {APP_HASH_LENGTH} characters: letters, digits, + and /."
        )
    return text
