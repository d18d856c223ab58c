"""Ids of messages, which are bound to the URL for their status."""

import hmac
import secrets
from collections.abc import Sequence
from typing import Final

_PREFIX: Final = "sms_"
_RANDOM_BYTES: Final = 8
_RANDOM_LENGTH: Final = 2 * _RANDOM_BYTES
_ID_LENGTH: Final = 32


class MessageIds:
    """Make ids of `sms_` and 32 hex digits: half random, half a MAC of these and of the URL.

    A hook signs a status with the id of the message, and the signature does not cover the URL. By
    the MAC, the id is of no use at the URL of another message, or of another hook. A hook may use
    ids of its own: then only the URL says which message it is, and nobody else knows that.
    """

    def __init__(self, keys: Sequence[str], hook_url: str) -> None:
        """Take the secrets of the hook, of which the first one makes ids."""
        self._keys = [key.encode() for key in keys]
        self._hook_url = hook_url

    def make(self, status_url: str) -> str:
        """Return a new id for a message with this URL, which may be empty."""
        random = secrets.token_hex(_RANDOM_BYTES)
        return _PREFIX + random + self._authenticate(self._keys[0], random, status_url)

    def verify(self, message_id: str, status_url: str) -> bool:
        """Return whether an id was made for a message with this URL, or not here at all."""
        if not message_id.startswith(_PREFIX):
            return True
        digits = message_id.removeprefix(_PREFIX)
        random, mac = digits[:_RANDOM_LENGTH], digits[_RANDOM_LENGTH:].encode()
        return any(
            hmac.compare_digest(self._authenticate(key, random, status_url).encode(), mac)
            for key in self._keys
        )

    def _authenticate(self, key: bytes, random: str, status_url: str) -> str:
        message = "\n".join((random, self._hook_url, status_url)).encode()
        return hmac.digest(key, message, "sha256").hex()[: _ID_LENGTH - _RANDOM_LENGTH]
