from collections.abc import Sequence

from application.ports.key_ring import KeyRing


class FileRefreshKeys:
    """The keys of refresh tokens in the secrets file."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def signing(self) -> bytes:
        """Give the key for new tokens."""
        return self._ring.signing().key

    def accepted(self) -> Sequence[bytes]:
        """Give every key that a token may have been made with, newest first."""
        return [one.key for one in self._ring.accepted()]
