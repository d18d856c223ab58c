"""Hashes of number ranges."""

from typing import Protocol


class NumberRangeHashes(Protocol):
    """Makes number ranges comparable without storing them."""

    def hash_number_range(self, number_range: str) -> str:
        """Return the hash: the same for the same range, and useless without the key."""
        ...
