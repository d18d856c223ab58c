from collections.abc import Sequence
from typing import Protocol


class RefreshKeys(Protocol):
    """The secret keys that refresh tokens are authenticated with (HMAC-SHA256)."""

    def signing(self) -> bytes:
        """Give the key for new tokens."""
        ...

    def accepted(self) -> Sequence[bytes]:
        """Give every key that a token may have been made with, newest first."""
        ...
