from typing import Protocol


class Randomness(Protocol):
    """A cryptographically secure source (OWASP ASVS 5.0 6.5.3)."""

    def bytes(self, count: int) -> bytes:
        """Give so many bytes that nobody can foresee."""
        ...
