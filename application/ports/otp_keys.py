from typing import Protocol


class OtpKeys(Protocol):
    """The secret keys that codes are derived with."""

    def current_id(self) -> str:
        """Give the id of the key for new challenges."""
        ...

    def find_key(self, key_id: str) -> bytes | None:
        """Give the key, or None when it is here no more."""
        ...
