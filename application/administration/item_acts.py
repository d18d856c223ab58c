"""Acts on the items of users, which a feature carries out."""

from typing import Protocol

from application.administration.caller import Caller
from domain.administration.audit import AuditAction


class ItemActs(Protocol):
    """Says whether an act on an item is in effect, and repeats it."""

    async def is_in_effect(self, action: AuditAction, item_id: str) -> bool:
        """Return whether the item is as it was after the act, or does not exist.

        Raises:
            StorageError
        """
        ...

    async def repeat(self, action: AuditAction, caller: Caller, item_id: str, reason: str) -> None:
        """Hide the item, show it again, or delete it.

        Raises:
            DomainError
            StorageError
        """
        ...
