"""What is known about a user, and what features add."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from domain.identities.identity import Identity

T = TypeVar("T")


class DetailsPart(Protocol):
    """Loads what a feature shows of a user."""

    async def __call__(self, identity: Identity | None) -> object | None:
        """Return what the feature shows, None if there is nothing.

        Args:
            identity: The user, who may be deleted; None for a phone without an account.

        Raises:
            StorageError
            CorruptRecord
        """
        ...


class DetailsParts:
    """What features show of a user, by its type."""

    def __init__(self, parts: Mapping[type, object]) -> None:
        """Set the parts."""
        self._parts = parts

    def find(self, kind: type[T]) -> T | None:
        """Return the part of this type, None where there is none."""
        part = self._parts.get(kind)
        return part if isinstance(part, kind) else None
