"""Keys by which a client repeats an upload without making a second item."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from domain.errors import InvalidCharacters, TooLong, TooShort

IDEMPOTENCY_KEY_TTL: Final = timedelta(hours=24)
MAX_IDEMPOTENCY_KEY_LENGTH: Final = 255
IDEMPOTENCY_KEY_PATTERN: Final = "^[!-~]+$"
_KEY: Final = re.compile(IDEMPOTENCY_KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key of one upload.

    Attributes:
        id: A hash of the uploader and of the key that the client sent.
        fingerprint: A hash of the bytes and fields.
        upload_deadline: When an upload that is not complete has failed.
        expires_at: When the key may be used for another upload.
    """

    id: str
    fingerprint: str
    item_id: str
    upload_deadline: datetime
    expires_at: datetime
    is_complete: bool = False

    def complete(self) -> "IdempotencyKey":
        return replace(self, is_complete=True)


def parse_idempotency_key(text: str) -> str:
    """Parse the header `Idempotency-Key`: any visible ASCII characters.

    Raises:
        TooShort, TooLong
        InvalidCharacters
    """
    if not text:
        raise TooShort("An idempotency key has at least one character.")
    if len(text) > MAX_IDEMPOTENCY_KEY_LENGTH:
        raise TooLong(f"An idempotency key has at most {MAX_IDEMPOTENCY_KEY_LENGTH} characters.")
    if not _KEY.fullmatch(text):
        raise InvalidCharacters("An idempotency key has visible ASCII characters only.")
    return text


def hash_texts(*texts: str | None) -> str:
    """Return a hash that differs for any other texts, and in which no text can be read."""
    digest = sha256()
    for text in texts:
        encoded = b"" if text is None else text.encode()
        digest.update(b"%d:%d:" % (text is not None, len(encoded)) + encoded)
    return digest.hexdigest()
