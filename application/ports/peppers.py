from typing import Protocol


class Peppers(Protocol):
    """The secret keys that codes are derived with."""

    def current(self) -> str:
        """Give the id of the key for new challenges."""
        ...

    def key(self, key_id: str) -> bytes | None:
        """Give the key, or None when it is here no more."""
        ...
