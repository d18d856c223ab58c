"""A cache for adapters, which never has more than so many entries."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Entries by key, in two generations.

    A full new generation replaces the old one, and an entry that is used moves to the new one. So
    what was used recently stays, without bookkeeping on each use.
    """

    def __init__(self, max_size: int) -> None:
        """Create an empty cache for at least two entries."""
        self._generation_size = max_size // 2
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        value = self._new.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Set the value of a key."""
        if len(self._new) >= self._generation_size:
            self._old, self._new = self._new, {}
        self._new[key] = value

    def remove(self, key: K) -> None:
        """Remove the entry of a key, if there is one."""
        self._new.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Remove all entries."""
        self._new, self._old = {}, {}

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._new.keys() | self._old.keys())
