from application.ports.key_ring import KeyRing


class FilePeppers:
    """The peppers of the secrets file."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def current_id(self) -> str:
        """Give the id of the key for new challenges."""
        return self._ring.signing().id

    def find_key(self, key_id: str) -> bytes | None:
        """Give the key, or None when it is here no more."""
        return next((one.key for one in self._ring.accepted() if one.id == key_id), None)
